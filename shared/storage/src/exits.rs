//! The exit of a tenancy: its record, and how every store is emptied of everything that a tenancy has.
//!
//! The record lies in the directory, in a partition that the exit does not erase, so it outlives what it is about and is the
//! tenancy's tombstone. Until the tenancy is sealed each change of it leaves an audit event; from then on it is the record itself,
//! since the log goes too.
//!
//! Items are counted in the transaction that destroys them. All else that is destroyed together is written down first, then
//! destroyed, then counted in the transaction that strikes it off: whoever goes on after a kill finishes that before anything else.
//! So each is counted once, and each leaf of the certificate's trees is there once.
//!
//! Each transaction that begins something is on the condition that the exit goes on as it was and that nobody has placed a hold.

use std::collections::BTreeSet;

use certificate::{Digest, Item};
use domain::{
    Count, Deletion, DeletionState, Destroyed, DoomedKey, Farewell, KEY_DESTROYED_AFTER, Reminder, Show,
    Store, Visibility,
};
use serde::{Deserialize, Serialize};
use tenant_context::{
    AuditEventId, ClientId, DeletionId, Grant, ImportId, ShowId, TenancyState, TenantContext, Timestamp,
    UserId,
    permission::{CarryOutDeletion, LeaveTenancy},
};

use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, TransactWriteItem};
use aws_sdk_s3::primitives::ByteStream;
use domain::ProviderName;

use crate::{
    DeletionRecord, LastWord, News, Notice, SlugRecord, Storage, StorageError,
    destruction::{Place, Work},
    directory,
    error::During,
    item::{item, key, string},
    keys::{self, Collection, HOLDS_VERSION},
    legal_holds::Clearance,
    listeners::StoredListener,
    object_versions::{MOST_VERSIONS, count},
    transaction::{Change, number},
    users::StoredUser,
};

/// What DynamoDB writes in one transaction at most.
const MOST_WRITES: usize = 100;
/// So many items go together: the two conditions and what counts them are in the same transaction.
const ITEMS_TOGETHER: usize = MOST_WRITES - 3;
/// What is written down before it goes has to fit into an item, which may have 400 KB.
const INTENT_BYTES: usize = 300_000;
/// The object of a feed that says which others are current. Without it nothing of the feed is served.
const POINTER: &str = "current.json";

const INTENT: &str = "intent";
const PARTS: &str = "parts";
/// Before this in the partition's order there are no leaves.
const LEAVES: &str = "leaves#";

/// What is about to be destroyed together.
#[derive(Serialize, Deserialize)]
struct Intent {
    /// The name under which its leaves are counted, which no other has.
    leaves: String,
    store: Store,
    targets: Vec<Target>,
}

/// Something to destroy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Target {
    /// An item of the tenancy's own partitions.
    Item { pk: String, sk: String },
    /// An entry of the directory that is found before the tenancy is known.
    Entry { pk: String, sk: String },
    /// A version of an object.
    Version { name: String, version: String, bytes: u64, has_bytes: bool },
}

/// What was destroyed together.
#[derive(Serialize, Deserialize)]
struct Leaves {
    store: Store,
    hashes: Vec<Digest>,
    destroyed: Destroyed,
}

/// By which names the parts of a tenancy are found when nothing leads to them any more.
#[derive(Default, Serialize, Deserialize)]
struct Parts {
    shows: Vec<ShowId>,
    deletions: Vec<DeletionId>,
    imports: Vec<ImportId>,
    sealed_at: Option<Timestamp>,
}

/// The leaves of the certificate's tree of one store, in their order.
pub struct StoreLeaves {
    /// The store.
    pub store: Store,
    /// The leaves' hashes.
    pub hashes: Vec<Digest>,
}

impl Target {
    fn leaf(&self, store: Store) -> Result<Digest, StorageError> {
        let (key, version, bytes) = match self {
            Self::Item { pk, sk } | Self::Entry { pk, sk } => (format!("{pk}/{sk}"), None, None),
            Self::Version { name, version, bytes, .. } => (name.clone(), Some(version.clone()), Some(*bytes)),
        };
        leaf(store, key, version, bytes)
    }

    fn destroyed(&self) -> Destroyed {
        match self {
            Self::Item { .. } | Self::Entry { .. } => Destroyed { items: 1, ..Destroyed::default() },
            Self::Version { bytes, has_bytes, .. } => {
                Destroyed { items: u64::from(*has_bytes), versions: 1, bytes: *bytes }
            }
        }
    }

    /// The item that counts the changes of legal holds cannot be deleted on a condition on itself like the others.
    fn is_holds_version(&self) -> bool {
        matches!(self, Self::Item { sk, .. } if sk == HOLDS_VERSION)
    }

    /// About how many bytes it takes to write it down.
    fn size(&self) -> usize {
        const NAMES: usize = 100;
        let (one, other) = match self {
            Self::Item { pk, sk } | Self::Entry { pk, sk } => (pk, sk),
            Self::Version { name, version, .. } => (name, version),
        };
        one.len() + other.len() + NAMES
    }
}

/// Cuts targets into what goes together: so many, and no more than can be written down at once.
fn together(targets: Vec<Target>, most: usize) -> Vec<Vec<Target>> {
    let mut parts: Vec<Vec<Target>> = Vec::new();
    let mut size = 0;
    for target in targets {
        size += target.size();
        match parts.last_mut().filter(|part| part.len() < most && size <= INTENT_BYTES) {
            Some(part) => part.push(target),
            None => {
                size = target.size();
                parts.push(vec![target]);
            }
        }
    }
    parts
}

fn leaf(
    store: Store,
    key: String,
    version: Option<String>,
    bytes: Option<u64>,
) -> Result<Digest, StorageError> {
    let item = Item { store: store_name(store)?, key, version, sha256: None, bytes };
    item.leaf().map_err(StorageError::corrupt)
}

fn store_name(store: Store) -> Result<String, StorageError> {
    let name = serde_json::to_value(store).map_err(StorageError::corrupt)?;
    Ok(name.as_str().unwrap_or_default().to_owned())
}

fn sum(all: impl Iterator<Item = Destroyed>) -> Destroyed {
    all.fold(Destroyed::default(), |sum, more| Destroyed {
        items: sum.items.saturating_add(more.items),
        versions: sum.versions.saturating_add(more.versions),
        bytes: sum.bytes.saturating_add(more.bytes),
    })
}

/// Where a store is, by the name that the function's environment has for it. Of the user pool this crate knows nothing.
fn place_of(store: Store) -> Option<&'static str> {
    match store {
        Store::UploadBucket => Some("UPLOAD_BUCKET"),
        Store::MediaBucket => Some("MEDIA_BUCKET"),
        Store::FeedBucket => Some("FEED_BUCKET"),
        Store::ExportBucket => Some("EXPORT_BUCKET"),
        Store::TenantTable => Some("TENANT_TABLE"),
        Store::DirectoryTable => Some("DIRECTORY_TABLE"),
        Store::UserPool => None,
    }
}

/// The record of an exit, while the tenancy is there.
impl Storage {
    /// Writes down that an owner asks for the tenancy's exit.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else asked at this moment.
    pub async fn create_exit(
        &self,
        grant: &Grant<'_, LeaveTenancy>,
        exit: &Deletion,
    ) -> Result<DeletionRecord, StorageError> {
        let record = DeletionRecord { deletion: exit.clone(), version: 1 };
        let mut change = Change::new(self, grant, exit.subject.id())?;
        change
            .detail("deletion", &exit.id)?
            .detail("state", &exit.state)?
            .create(Collection::Exits, exit.id.as_str(), &record)?
            .last_deletion_is(exit)?;
        change.commit().await?;
        Ok(record)
    }

    /// Writes down that a second owner agrees. Every session ends, and nothing is written by those that come.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else changed it first.
    pub async fn approve_exit(
        &self,
        grant: &Grant<'_, LeaveTenancy>,
        before: &DeletionRecord,
        approved: &Deletion,
    ) -> Result<DeletionRecord, StorageError> {
        let mut change = Change::new(self, grant, approved.subject.id())?;
        let record = change.replace_deletion(before, approved)?;
        change.tenancy_is(TenancyState::Closing)?;
        change.commit().await?;
        Ok(record)
    }

    /// Writes down that the owners were reminded, and the notice that does so.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else changed it first.
    pub async fn remind_of_exit(
        &self,
        grant: &Grant<'_, CarryOutDeletion>,
        before: &DeletionRecord,
        reminded: &Deletion,
        reminder: Reminder,
        as_of: Timestamp,
    ) -> Result<DeletionRecord, StorageError> {
        let days_left = match reminder {
            Reminder::ThirtyDays => 30,
            Reminder::SevenDays => 7,
            Reminder::OneDay => 1,
        };
        let notice = Notice {
            id: format!("{}-{days_left}", reminded.id),
            tenancy_id: grant.context().tenancy().clone(),
            news: News::ExitReminder { deletion_id: reminded.id.clone(), days_left },
            as_of,
        };
        let mut change = Change::new(self, grant, reminded.subject.id())?;
        let record = change.replace_deletion(before, reminded)?;
        change.create(Collection::Notices, &notice.id, &notice)?;
        change.commit().await?;
        Ok(record)
    }

    /// Writes how far an exit got. With its day the tenancy is sealed, and every session ends.
    pub(crate) async fn update_exit(
        &self,
        grant: &Grant<'_, CarryOutDeletion>,
        before: &DeletionRecord,
        after: &Deletion,
    ) -> Result<DeletionRecord, StorageError> {
        if matches!(before.deletion.state, DeletionState::Requested | DeletionState::Closing) {
            let mut change = Change::new(self, grant, after.subject.id())?;
            let record = change.replace_deletion(before, after)?;
            if after.state == DeletionState::Sealed {
                change.tenancy_is(TenancyState::Sealed)?;
            }
            change.commit().await?;
            return Ok(record);
        }
        let record = DeletionRecord { deletion: after.clone(), version: before.version + 1 };
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        tenant
            .clients
            .dynamodb()
            .put_item()
            .table_name(self.environment.get("DIRECTORY_TABLE")?)
            .set_item(Some(item(keys::partition(context, Collection::Exits), after.id.as_str(), &record)?))
            .condition_expression("#version = :version")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", number(before.version))
            .send()
            .await
            .during("dynamodb:PutItem")?;
        Ok(record)
    }

    /// The exit that has not ended, if there is one.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn find_open_exit(
        &self,
        grant: &Grant<'_, CarryOutDeletion>,
    ) -> Result<Option<DeletionRecord>, StorageError> {
        let exits = self.list_exits(grant.context()).await?;
        Ok(exits.into_iter().find(|record| !record.deletion.state.is_final()))
    }

    /// Every exit that there was, by id.
    pub(crate) async fn list_exits(
        &self,
        context: &TenantContext,
    ) -> Result<Vec<DeletionRecord>, StorageError> {
        self.list_all(context, Collection::Exits).await
    }
}

/// Sealing.
impl Storage {
    /// Takes feeds and media away. Public feeds answer that they are gone, or where they are now, from what the tenancy's end does
    /// not touch. Nothing is destroyed.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer; running again goes on from there.
    pub async fn seal(&self, work: &Work<'_>) -> Result<(), StorageError> {
        let context = work.context();
        let mut shows: Vec<Show> = self.list_all(context, Collection::Shows).await?;
        let versions: Vec<Place> = self.list_all(context, Collection::FeedVersions).await?;
        let aside: Vec<Show> = self.list_all(context, Collection::DeletedShows).await?;
        for show in shows.iter().filter(|show| show.visibility == Visibility::Public) {
            let farewell = show.farewell.clone().unwrap_or(Farewell::Ended);
            self.publish_farewell(context, show, (farewell, work.as_of)).await?;
        }
        for show in aside.iter().filter(|show| show.visibility == Visibility::Public) {
            self.publish_farewell(context, show, (Farewell::Ended, work.as_of)).await?;
        }
        shows.extend(aside);

        let mut parts = Parts { sealed_at: Some(work.as_of), ..Parts::default() };
        parts.shows = shows.into_iter().map(|show| show.id).collect();
        parts.shows.extend(versions.iter().filter_map(|place| place.sk.parse().ok()));
        parts.shows.sort();
        parts.shows.dedup();
        let deletions: Vec<Place> = self.list_all(context, Collection::Deletions).await?;
        parts.deletions = deletions.iter().filter_map(|place| place.sk.parse().ok()).collect();
        let imports: Vec<Place> = self.list_all(context, Collection::Imports).await?;
        parts.imports = imports.iter().filter_map(|place| place.sk.parse().ok()).collect();
        for show in &parts.shows {
            self.hide_pointer(context, show).await?;
        }
        self.put_note(work, PARTS, &parts).await?;
        self.mark_tenancy(work.grant, work.as_of, None).await
    }

    /// Through the function's own role, under the platform's key: it outlives the tenancy.
    async fn publish_farewell(
        &self,
        context: &TenantContext,
        show: &Show,
        (farewell, said_at): (Farewell, Timestamp),
    ) -> Result<(), StorageError> {
        let Some(published) = self.read_published_slug(&show.slug).await? else { return Ok(()) };
        if published.tenancy_id != *context.tenancy() {
            return Ok(());
        }
        let last = LastWord { farewell, said_at };
        self.write_published_slug(&SlugRecord { farewell: Some(last), ..published }).await
    }

    /// Puts a mark on top of the pointer. Its versions stay.
    async fn hide_pointer(&self, context: &TenantContext, show: &ShowId) -> Result<(), StorageError> {
        let name = keys::feed_object(context, show, POINTER);
        let versions = self.list_versions(context, "FEED_BUCKET", &name).await?;
        if !versions.iter().any(|version| version.is_latest && version.has_bytes) {
            return Ok(());
        }
        let tenant = self.tenant(context).await?;
        let bucket = self.environment.get("FEED_BUCKET")?;
        tenant
            .clients
            .s3()
            .delete_object()
            .bucket(bucket)
            .key(name)
            .send()
            .await
            .during("s3:DeleteObject")?;
        Ok(())
    }

    async fn put_note(&self, work: &Work<'_>, name: &str, note: &impl Serialize) -> Result<(), StorageError> {
        let context = work.context();
        let tenant = self.tenant(context).await?;
        tenant
            .clients
            .dynamodb()
            .put_item()
            .table_name(self.environment.get("DIRECTORY_TABLE")?)
            .set_item(Some(item(keys::partition(context, Collection::ExitNotes), name, note)?))
            .send()
            .await
            .during("dynamodb:PutItem")?;
        Ok(())
    }

    async fn find_parts(&self, context: &TenantContext) -> Result<Parts, StorageError> {
        Ok(self.find(context, Collection::ExitNotes, PARTS).await?.unwrap_or_default())
    }
}

/// Erasing.
impl Storage {
    /// Empties `store` of everything that the tenancy has there.
    pub(crate) async fn erase_of_exit(
        &self,
        work: &Work<'_>,
        store: Store,
    ) -> Result<Destroyed, StorageError> {
        self.finish_intent(work).await?;
        match store {
            Store::UploadBucket => {
                self.abort_uploads(work).await?;
                self.erase_bucket(work, store).await?;
            }
            Store::MediaBucket | Store::FeedBucket | Store::ExportBucket => {
                self.erase_bucket(work, store).await?;
            }
            Store::TenantTable => self.erase_table(work).await?,
            Store::DirectoryTable => {
                for partition in directory_partitions(work.context()) {
                    let targets = self.items_of(work.context(), "DIRECTORY_TABLE", partition).await?;
                    self.destroy(work, store, targets).await?;
                }
            }
            Store::UserPool => {}
        }
        self.destroyed_of_exit(work, store).await
    }

    /// How much of a store an exit has destroyed, in all passes together.
    pub(crate) async fn destroyed_of_exit(
        &self,
        work: &Work<'_>,
        store: Store,
    ) -> Result<Destroyed, StorageError> {
        let leaves = self.list_leaves(work.context()).await?;
        Ok(sum(leaves.into_iter().filter(|leaves| leaves.store == store).map(|leaves| leaves.destroyed)))
    }

    /// Counts what is left of the tenancy in a store.
    pub(crate) async fn count_left_of_exit(
        &self,
        work: &Work<'_>,
        store: Store,
    ) -> Result<Count, StorageError> {
        let context = work.context();
        let (left, counted_by) = match store {
            Store::UploadBucket | Store::MediaBucket | Store::FeedBucket | Store::ExportBucket => {
                let left = match place_of(store).filter(|bucket| self.environment.has(bucket)) {
                    Some(bucket) => self.list_versions(context, bucket, &keys::objects(context)).await?.len(),
                    None => 0,
                };
                (left, "ListObjectVersions of everything under the tenancy's id")
            }
            Store::TenantTable => {
                let parts = self.find_parts(context).await?;
                let mut left = 0;
                for collection in Collection::of_tenancy(&parts.shows, &parts.deletions, &parts.imports) {
                    let places: Vec<Place> = self.list_all(context, collection).await?;
                    left += places.len();
                }
                (left, "Query of every partition that a tenancy can have")
            }
            Store::DirectoryTable => {
                let mut left = 0;
                for partition in directory_partitions(context) {
                    left += self.items_of(context, "DIRECTORY_TABLE", partition).await?.len();
                }
                (left, "Query of access, activity and due work")
            }
            Store::UserPool => (0, "ListUsers, by the address that each user had"),
        };
        Ok(Count { store, remaining: count(left), counted_by: counted_by.to_owned() })
    }

    /// The tenancy's users, whose accounts are to be deleted before what leads to them.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_user_ids(&self, work: &Work<'_>) -> Result<Vec<UserId>, StorageError> {
        let places: Vec<Place> = self.list_all(work.context(), Collection::Users).await?;
        Ok(places.iter().filter_map(|place| place.sk.parse().ok()).collect())
    }

    /// Writes down that a user's account, or the tenancy's identity provider, is about to be destroyed, once under its name.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn note_account(&self, work: &Work<'_>, name: &str) -> Result<(), StorageError> {
        let hashes = vec![leaf(Store::UserPool, name.to_owned(), None, None)?];
        let destroyed = Destroyed { items: 1, ..Destroyed::default() };
        let leaves = Leaves { store: Store::UserPool, hashes, destroyed };
        self.put_note(work, &format!("{LEAVES}{name}"), &leaves).await
    }

    async fn abort_uploads(&self, work: &Work<'_>) -> Result<(), StorageError> {
        let uploads: Vec<domain::Upload> = self.list_all(work.context(), Collection::Uploads).await?;
        for upload in uploads.iter().filter(|upload| upload.multipart_id.is_some()) {
            self.clear(work.grant, work.order).await?;
            self.abort_multipart_upload(work.grant, upload).await?;
        }
        Ok(())
    }

    async fn erase_bucket(&self, work: &Work<'_>, store: Store) -> Result<(), StorageError> {
        let context = work.context();
        let Some(bucket) = place_of(store).filter(|bucket| self.environment.has(bucket)) else {
            return Ok(());
        };
        let versions = self.list_versions(context, bucket, &keys::objects(context)).await?;
        let target = |version: crate::object_versions::ObjectVersion| Target::Version {
            name: version.key,
            version: version.id,
            bytes: version.size_bytes,
            has_bytes: version.has_bytes,
        };
        self.destroy(work, store, versions.into_iter().map(target).collect()).await
    }

    /// What lets anybody in goes first, and what leads there after it.
    async fn erase_table(&self, work: &Work<'_>) -> Result<(), StorageError> {
        let context = work.context();
        let parts = self.find_parts(context).await?;
        let entries = self.entries_of(context, &parts.shows).await?;
        self.destroy(work, Store::DirectoryTable, entries).await?;
        for collection in Collection::of_tenancy(&parts.shows, &parts.deletions, &parts.imports) {
            let partition = keys::partition(context, collection);
            let targets = self.items_of(context, collection.table(), partition).await?;
            let (last, first): (Vec<_>, Vec<_>) = targets.into_iter().partition(Target::is_holds_version);
            self.destroy(work, Store::TenantTable, first).await?;
            self.destroy(work, Store::TenantTable, last).await?;
        }
        Ok(())
    }

    /// What the directory has of the tenancy's people, clients, listeners and provider, each under a name of its own.
    async fn entries_of(
        &self,
        context: &TenantContext,
        shows: &[ShowId],
    ) -> Result<Vec<Target>, StorageError> {
        let mut entries = Vec::new();
        for show in shows {
            let listeners: Vec<StoredListener> = self.list_all(context, Collection::Listeners(show)).await?;
            entries.extend(listeners.iter().map(|listener| directory::feed_token(&listener.token_hash)));
        }
        let clients: Vec<Place> = self.list_all(context, Collection::Clients).await?;
        let clients = clients.iter().filter_map(|place| place.sk.parse::<ClientId>().ok());
        entries.extend(clients.map(|client| directory::client(&client)));
        let users: Vec<StoredUser> = self.list_all(context, Collection::Users).await?;
        entries
            .extend(users.iter().filter_map(|user| user.invitation_hash.as_ref()).map(directory::invitation));
        let sso: Vec<Place> = self.list_all(context, Collection::Sso).await?;
        if !sso.is_empty() {
            entries.push(directory::provider(&ProviderName::of(context.tenancy())));
        }
        // Each once: no transaction names an item twice.
        let mut keys: BTreeSet<(String, String)> = entries.into_iter().map(|pk| (pk.clone(), pk)).collect();
        let identities = users.iter().filter_map(|user| user.identity.as_ref()).map(directory::identity_of);
        keys.extend(identities.map(|pk| (pk, context.tenancy().to_string())));
        Ok(keys.into_iter().map(|(pk, sk)| Target::Entry { pk, sk }).collect())
    }

    async fn items_of(
        &self,
        context: &TenantContext,
        table: &'static str,
        partition: String,
    ) -> Result<Vec<Target>, StorageError> {
        let tenant = self.tenant(context).await?;
        let mut found = tenant
            .clients
            .dynamodb()
            .query()
            .table_name(self.environment.get(table)?)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(partition.as_str()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut targets = Vec::new();
        while let Some(found) = found.next().await {
            let sk = crate::item::sort_key(&found.during("dynamodb:Query")?).unwrap_or_default();
            targets.push(Target::Item { pk: partition.clone(), sk });
        }
        Ok(targets)
    }

    /// Destroys all of `targets`, which are of one kind, as many together as go.
    async fn destroy(&self, work: &Work<'_>, store: Store, targets: Vec<Target>) -> Result<(), StorageError> {
        let most = match targets.first() {
            None => return Ok(()),
            Some(Target::Item { .. }) => return self.destroy_items_of_exit(work, store, targets).await,
            Some(Target::Entry { .. }) => MOST_WRITES,
            Some(Target::Version { .. }) => MOST_VERSIONS,
        };
        let clearance = self.clear(work.grant, work.order).await?;
        let mut done = None;
        for targets in together(targets, most) {
            let leaves = format!("{LEAVES}{}", AuditEventId::new(self.now(), self.randomness()));
            let intent = Intent { leaves, store, targets };
            self.write_intent(work, &clearance, done.as_ref(), &intent).await?;
            self.destroy_intended(work, &intent).await?;
            done = Some(intent);
        }
        match done {
            Some(intent) => self.strike_off_intent(work, &intent).await,
            None => Ok(()),
        }
    }

    /// Does what was written down and is not known to have been done.
    async fn finish_intent(&self, work: &Work<'_>) -> Result<(), StorageError> {
        let intent = self.find::<Intent>(work.context(), Collection::ExitNotes, INTENT).await?;
        let Some(intent) = intent else { return Ok(()) };
        self.clear(work.grant, work.order).await?;
        self.destroy_intended(work, &intent).await?;
        self.strike_off_intent(work, &intent).await
    }

    /// Items, with their leaves in the same transaction.
    async fn destroy_items_of_exit(
        &self,
        work: &Work<'_>,
        store: Store,
        targets: Vec<Target>,
    ) -> Result<(), StorageError> {
        let table = self.environment.get(place_of(store).unwrap_or("TENANT_TABLE"))?;
        let clearance = self.clear(work.grant, work.order).await?;
        for targets in targets.chunks(ITEMS_TOGETHER) {
            let mut writes = self.while_clear(work, &clearance, targets)?;
            for target in targets {
                let Target::Item { pk, sk } = target else { continue };
                let delete = Delete::builder().table_name(table).set_key(Some(key(pk.as_str(), sk.as_str())));
                let delete = match target.is_holds_version() {
                    true => delete
                        .condition_expression("attribute_not_exists(pk) OR #version = :version")
                        .expression_attribute_names("#version", "version")
                        .expression_attribute_values(":version", number(clearance.holds_version)),
                    false => delete,
                };
                let delete = delete.build().map_err(StorageError::corrupt)?;
                writes.push(TransactWriteItem::builder().delete(delete).build());
            }
            let leaves = format!("{LEAVES}{}", AuditEventId::new(self.now(), self.randomness()));
            writes.push(self.put_leaves(work.context(), &leaves, store, targets)?);
            self.transact_while_clear(work, writes).await?;
        }
        Ok(())
    }

    /// What a transaction is on the condition of. Where it takes away the item that counts the changes of legal holds, that
    /// item's own deletion has the condition.
    fn while_clear(
        &self,
        work: &Work<'_>,
        clearance: &Clearance,
        targets: &[Target],
    ) -> Result<Vec<TransactWriteItem>, StorageError> {
        let context = work.context();
        let mut conditions = vec![unchanged(
            self.environment.get("DIRECTORY_TABLE")?,
            keys::partition(context, Collection::Exits),
            work.deletion.id.as_str(),
            clearance.deletion.version,
        )?];
        if !targets.iter().any(Target::is_holds_version) {
            conditions.push(unchanged(
                self.environment.get("TENANT_TABLE")?,
                keys::partition(context, Collection::LegalHolds),
                HOLDS_VERSION,
                clearance.holds_version,
            )?);
        }
        Ok(conditions)
    }

    /// Writes down what goes next, in one transaction with the end of what was written down before it.
    async fn write_intent(
        &self,
        work: &Work<'_>,
        clearance: &Clearance,
        done: Option<&Intent>,
        next: &Intent,
    ) -> Result<(), StorageError> {
        let context = work.context();
        let mut writes = self.while_clear(work, clearance, &next.targets)?;
        let put = Put::builder().table_name(self.environment.get("DIRECTORY_TABLE")?).set_item(Some(item(
            keys::partition(context, Collection::ExitNotes),
            INTENT,
            next,
        )?));
        let put = match done {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(done) => {
                writes.push(self.put_leaves(context, &done.leaves, done.store, &done.targets)?);
                put.condition_expression("leaves = :leaves")
                    .expression_attribute_values(":leaves", string(done.leaves.as_str()))
            }
        };
        writes.push(TransactWriteItem::builder().put(put.build().map_err(StorageError::corrupt)?).build());
        self.transact_while_clear(work, writes).await
    }

    /// Destroys what was written down. What is gone already is no matter.
    async fn destroy_intended(&self, work: &Work<'_>, intent: &Intent) -> Result<(), StorageError> {
        let mut versions = Vec::new();
        let mut entries = Vec::new();
        for target in &intent.targets {
            match target {
                Target::Version { name, version, .. } => versions.push((name.as_str(), version.as_str())),
                Target::Entry { pk, sk } => entries.push(key(pk.as_str(), sk.as_str())),
                Target::Item { .. } => {}
            }
        }
        self.forget_together(entries).await?;
        match place_of(intent.store) {
            Some(bucket) if !versions.is_empty() => {
                self.delete_versions(work.context(), bucket, &versions).await
            }
            _ => Ok(()),
        }
    }

    /// Counts what was destroyed, in one transaction with the end of the intent.
    async fn strike_off_intent(&self, work: &Work<'_>, intent: &Intent) -> Result<(), StorageError> {
        let context = work.context();
        let delete = Delete::builder()
            .table_name(self.environment.get("DIRECTORY_TABLE")?)
            .set_key(Some(key(keys::partition(context, Collection::ExitNotes), INTENT)))
            .condition_expression("leaves = :leaves")
            .expression_attribute_values(":leaves", string(intent.leaves.as_str()));
        let writes = vec![
            self.put_leaves(context, &intent.leaves, intent.store, &intent.targets)?,
            TransactWriteItem::builder().delete(delete.build().map_err(StorageError::corrupt)?).build(),
        ];
        self.transact(context, writes).await
    }

    fn put_leaves(
        &self,
        context: &TenantContext,
        name: &str,
        store: Store,
        targets: &[Target],
    ) -> Result<TransactWriteItem, StorageError> {
        let hashes = targets.iter().map(|target| target.leaf(store)).collect::<Result<_, _>>()?;
        let leaves = Leaves { store, hashes, destroyed: sum(targets.iter().map(Target::destroyed)) };
        let put = Put::builder().table_name(self.environment.get("DIRECTORY_TABLE")?).set_item(Some(item(
            keys::partition(context, Collection::ExitNotes),
            name,
            &leaves,
        )?));
        Ok(TransactWriteItem::builder().put(put.build().map_err(StorageError::corrupt)?).build())
    }

    /// Where a hold is what stops it, it says so.
    async fn transact_while_clear(
        &self,
        work: &Work<'_>,
        writes: Vec<TransactWriteItem>,
    ) -> Result<(), StorageError> {
        let written = self.transact(work.context(), writes).await;
        if written.is_err() {
            self.clear(work.grant, work.order).await?;
        }
        written
    }

    /// Deletes notes of how far an exit got.
    pub(crate) async fn delete_exit_notes(
        &self,
        context: &TenantContext,
        names: &[String],
    ) -> Result<(), StorageError> {
        for together in names.chunks(MOST_WRITES) {
            let deletes = together.iter().map(|name| {
                let delete = Delete::builder()
                    .table_name(self.environment.get("DIRECTORY_TABLE")?)
                    .set_key(Some(key(keys::partition(context, Collection::ExitNotes), name.as_str())));
                let delete = delete.build().map_err(StorageError::corrupt)?;
                Ok(TransactWriteItem::builder().delete(delete).build())
            });
            self.transact(context, deletes.collect::<Result<_, StorageError>>()?).await?;
        }
        Ok(())
    }

    async fn transact(
        &self,
        context: &TenantContext,
        writes: Vec<TransactWriteItem>,
    ) -> Result<(), StorageError> {
        let tenant = self.tenant(context).await?;
        let request = tenant.clients.dynamodb().transact_write_items().set_transact_items(Some(writes));
        request.send().await.during("dynamodb:TransactWriteItems")?;
        Ok(())
    }

    async fn list_leaves(&self, context: &TenantContext) -> Result<Vec<Leaves>, StorageError> {
        self.list_between(context, Collection::ExitNotes, LEAVES, "leaves$").await
    }
}

/// The end.
impl Storage {
    /// Has KMS destroy the tenancy's key, unless it will already. The date that is answered is the later one where the clock of the
    /// event that began this is ahead.
    ///
    /// # Errors
    /// [`StorageError`] when KMS does not answer.
    pub async fn schedule_key(&self, work: &Work<'_>) -> Result<DoomedKey, StorageError> {
        let context = work.context();
        let tenant = self.tenant(context).await?;
        let kms = tenant.clients.kms();
        let alias = self.tenancy_key(context.tenancy())?;
        let described = kms.describe_key().key_id(&alias).send().await.during("kms:DescribeKey")?;
        let known = described.key_metadata.ok_or_else(|| StorageError::corrupt("KMS answered no key"))?;
        let date = match known.deletion_date {
            Some(date) => Some(date),
            None => {
                let days = i32::try_from(KEY_DESTROYED_AFTER.as_secs() / (24 * 60 * 60)).unwrap_or(7);
                let request = kms.schedule_key_deletion().key_id(&known.key_id).pending_window_in_days(days);
                request.send().await.during("kms:ScheduleKeyDeletion")?.deletion_date
            }
        };
        let date = date.and_then(|date| u64::try_from(date.secs()).ok()).unwrap_or_default();
        let earliest = work.as_of.plus(KEY_DESTROYED_AFTER);
        let destroyed_at = Timestamp::from_unix_seconds(date).max(earliest);
        Ok(DoomedKey { key_id: known.key_id, destroyed_at })
    }

    /// The leaves of every store, in the order in which they were written down.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn leaves_of_exit(&self, work: &Work<'_>) -> Result<Vec<StoreLeaves>, StorageError> {
        let mut stores: Vec<StoreLeaves> = work
            .deletion
            .stores
            .iter()
            .map(|store| StoreLeaves { store: *store, hashes: Vec::new() })
            .collect();
        for leaves in self.list_leaves(work.context()).await? {
            if let Some(of_store) = stores.iter_mut().find(|of_store| of_store.store == leaves.store) {
                of_store.hashes.extend(leaves.hashes);
            }
        }
        Ok(stores)
    }

    /// Lists the tenancy as one of which nothing is left.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn mark_erased(&self, work: &Work<'_>) -> Result<(), StorageError> {
        let sealed_at = work.deletion.writes_stopped_at.unwrap_or(work.as_of);
        self.mark_tenancy(work.grant, sealed_at, Some(work.as_of)).await
    }

    /// Writes down what outlives the tenancy, unless something is there under this name. Through the function's own role.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn keep_for_good(
        &self,
        _work: &Work<'_>,
        name: &str,
        content_type: &str,
        bytes: Vec<u8>,
    ) -> Result<(), StorageError> {
        let written = self
            .own
            .s3()
            .put_object()
            .bucket(self.environment.get("TOMBSTONE_BUCKET")?)
            .key(name)
            .content_type(content_type)
            .if_none_match("*")
            .body(ByteStream::from(bytes))
            .send()
            .await
            .during("s3:PutObject");
        match written {
            Ok(_) | Err(StorageError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The certificate of a deletion, as it was written. Ids cannot be guessed, and it names nobody.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn read_certificate(&self, deletion: &DeletionId) -> Result<Option<String>, StorageError> {
        let object = self.read_object(&self.own, "TOMBSTONE_BUCKET", &certificate_object(deletion)).await?;
        object
            .map(|object| String::from_utf8(object.bytes.to_vec()).map_err(StorageError::corrupt))
            .transpose()
    }
}

/// A certificate's name in the bucket of tombstones.
pub fn certificate_object(deletion: &DeletionId) -> String {
    format!("certificates/{deletion}.json")
}

/// What of the directory has the tenancy in its partition's name.
fn directory_partitions(context: &TenantContext) -> [String; 3] {
    let of = |collection| keys::partition(context, collection);
    [keys::due(context), of(Collection::Activity), of(Collection::Access)]
}

fn unchanged(
    table: &str,
    partition: String,
    sort: &str,
    version: u64,
) -> Result<TransactWriteItem, StorageError> {
    let check = ConditionCheck::builder().table_name(table).set_key(Some(key(partition, sort)));
    let check = match version {
        0 => check.condition_expression("attribute_not_exists(pk)"),
        version => check
            .condition_expression("#version = :version")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", number(version)),
    };
    Ok(TransactWriteItem::builder().condition_check(check.build().map_err(StorageError::corrupt)?).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(count: usize, name_length: usize) -> Vec<Target> {
        let name = "n".repeat(name_length);
        let version =
            || Target::Version { name: name.clone(), version: "v".into(), bytes: 1, has_bytes: true };
        (0..count).map(|_| version()).collect()
    }

    #[test]
    fn what_goes_together_is_no_more_than_a_call_takes() {
        let sizes = |parts: Vec<Vec<Target>>| parts.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(together(versions(2_500, 60), 1_000)), [1_000, 1_000, 500]);
        assert_eq!(sizes(together(Vec::new(), 1_000)), [0_usize; 0]);
    }

    #[test]
    fn what_goes_together_can_be_written_down() {
        let parts = together(versions(1_000, 1_024), 1_000);
        assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), 1_000);
        for part in parts {
            let intent = Intent { leaves: "leaves#".to_owned(), store: Store::MediaBucket, targets: part };
            assert!(serde_json::to_vec(&intent).unwrap().len() < 400_000);
        }
    }
}
