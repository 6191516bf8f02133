//! What a deletion comes to on its day: store by store is emptied of its subject, and what is left is counted.
//!
//! Everything that destroys goes through two doors: [`Storage::destroy_items`] for items and [`Storage::destroy_versions`] for
//! objects. Both ask [`Storage::clear`] first, and items go in one transaction with what `clear` has found. Each step may be done
//! again: what is gone is not found, and what was found is written down before it goes.
//!
//! What belongs to a person or a show in the directory stops first, then the items go that lead there.

use std::collections::{HashMap, HashSet};

use domain::{
    ContentHash, Count, Deletion, DeletionScope, DeletionSubject, Destroyed, Episode, Media, MediaFile,
    Order, Quota, Show, Store, Upload, UploadState,
};
use serde::{Deserialize, Serialize};
use tenant_context::{
    EpisodeId, Grant, ListenerId, MediaId, MemberId, ShowId, TenantContext, Timestamp, UserId,
    permission::CarryOutDeletion,
};

use crate::{
    SecretHash, Storage, StorageError,
    error::During,
    item::{item, key},
    keys::{self, Collection},
    listeners::StoredListener,
    object_versions::{ObjectVersion, count},
    transaction::Change,
};

/// The renderer is done with what it has begun before that: its function ends after five minutes.
const RENDERED_WITHIN: std::time::Duration = std::time::Duration::from_secs(10 * 60);
/// So many items go in one transaction, which may have a hundred: the audit event takes two, the conditions two, the counts four.
const MOST_ITEMS: usize = 90;
/// The object of a feed that says which others are current. The last thing that is left of a show: its feed is gone.
const POINTER: &str = "current.json";

/// A step of a deletion, by whoever carries it out.
pub struct Work<'a> {
    /// Who.
    pub grant: &'a Grant<'a, CarryOutDeletion>,
    /// What is deleted.
    pub deletion: &'a Deletion,
    /// Which step.
    pub order: &'a Order,
    /// The moment of the event that began it.
    pub as_of: Timestamp,
}

/// An entry in the list of what was destroyed.
#[derive(Serialize, Deserialize)]
struct Tally {
    store: Store,
    destroyed: Destroyed,
    /// The medium's file that went, if it was one.
    #[serde(default)]
    hash: Option<ContentHash>,
}

/// A place in a collection, whatever is there.
#[derive(Deserialize)]
pub(crate) struct Place {
    pub(crate) sk: String,
}

#[derive(Deserialize)]
struct HashPlace {
    sk: String,
    media_id: MediaId,
}

/// What is to go in one transaction.
#[derive(Default)]
struct Batch<'a> {
    items: Vec<(Collection<'a>, String)>,
    counts: Vec<(Quota, i64)>,
}

/// The media that go with a subject, and the files that nothing else has.
struct Going {
    media: Vec<Media>,
    files: Vec<ContentHash>,
}

/// A person's account at the user pool, and whether they are somebody in another tenancy.
pub struct PersonAtPool {
    /// The address that they sign in with.
    pub email: domain::EmailAddress,
    /// The hash of their subject, once they have signed in.
    pub identity: Option<SecretHash>,
    /// Whether another tenancy has them as a user.
    pub is_elsewhere: bool,
}

impl<'a> Batch<'a> {
    fn add(&mut self, collection: Collection<'a>, id: impl Into<String>) {
        self.items.push((collection, id.into()));
    }
}

impl Work<'_> {
    pub(crate) fn context(&self) -> &TenantContext {
        self.grant.context()
    }

    pub(crate) fn is_exit(&self) -> bool {
        self.deletion.subject.scope() == DeletionScope::Tenancy
    }
}

impl Storage {
    /// Empties `store` of what is deleted, and answers how much that was, in all passes together.
    ///
    /// # Errors
    /// [`StorageError::Held`] when a legal hold stops it at its next item, [`StorageError::NotYet`] when what comes first is still under
    /// way, [`StorageError`] when a store does not answer; running again goes on from there.
    pub async fn erase(&self, work: &Work<'_>, store: Store) -> Result<Destroyed, StorageError> {
        self.clear(work.grant, work.order).await?;
        if work.is_exit() {
            return self.erase_of_exit(work, store).await;
        }
        match (store, &work.deletion.subject) {
            (Store::UploadBucket, DeletionSubject::Show { show_id }) => {
                self.erase_sent_bytes(work, show_id).await?;
            }
            (Store::MediaBucket, DeletionSubject::Show { .. } | DeletionSubject::Episode { .. }) => {
                self.erase_media_files(work).await?;
            }
            (
                Store::FeedBucket,
                DeletionSubject::Show { show_id } | DeletionSubject::Episode { show_id, .. },
            ) => {
                self.erase_feed(work, show_id).await?;
            }
            (Store::TenantTable, DeletionSubject::Show { show_id }) => {
                self.erase_media_items(work).await?;
                self.erase_show(work, show_id).await?;
            }
            (Store::TenantTable, DeletionSubject::Episode { show_id, episode_id }) => {
                self.erase_media_items(work).await?;
                self.erase_episode(work, show_id, episode_id).await?;
            }
            (Store::TenantTable, DeletionSubject::User { user_id }) => {
                self.erase_user(work, user_id).await?;
            }
            (Store::TenantTable, DeletionSubject::Listener { show_id, listener_id }) => {
                self.erase_listener(work, show_id, listener_id).await?;
            }
            (Store::DirectoryTable, DeletionSubject::Show { show_id }) => {
                self.erase_due(work, show_id.as_str()).await?;
            }
            (Store::DirectoryTable, DeletionSubject::Episode { show_id, episode_id }) => {
                self.erase_due(work, &format!("{show_id}#{episode_id}#")).await?;
            }
            (Store::DirectoryTable, DeletionSubject::User { user_id }) => {
                let member = MemberId::User(user_id.clone());
                let mut batch = Batch::default();
                batch.add(Collection::Activity, member.as_str());
                self.destroy_items(work, Store::DirectoryTable, batch).await?;
            }
            _ => {}
        }
        self.destroyed_so_far(work, store).await
    }

    /// How much of `store` was destroyed, in all passes together.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn destroyed_so_far(&self, work: &Work<'_>, store: Store) -> Result<Destroyed, StorageError> {
        if work.is_exit() {
            return self.destroyed_of_exit(work, store).await;
        }
        let tallies = self.list_tallies(work).await?;
        let of_store = tallies.iter().filter(|tally| tally.store == store).map(|tally| tally.destroyed);
        Ok(of_store.fold(Destroyed::default(), |sum, more| Destroyed {
            items: sum.items.saturating_add(more.items),
            versions: sum.versions.saturating_add(more.versions),
            bytes: sum.bytes.saturating_add(more.bytes),
        }))
    }

    /// Writes down how much is about to be destroyed, once under one name and pass.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn note_destroyed(
        &self,
        work: &Work<'_>,
        store: Store,
        name: &str,
        destroyed: Destroyed,
    ) -> Result<(), StorageError> {
        self.note(work, name, &Tally { store, destroyed, hash: None }).await
    }

    /// Whether the next item may be destroyed: for what lies where this crate does not reach.
    ///
    /// # Errors
    /// [`StorageError::Held`] when a legal hold stops it, [`StorageError::Conflict`] when the order is not what is due any more.
    pub async fn check_clear(&self, work: &Work<'_>) -> Result<(), StorageError> {
        self.clear(work.grant, work.order).await.map(drop)
    }

    /// Counts what is left of what is deleted. Of the user pool this crate knows nothing.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer.
    pub async fn count_left(&self, work: &Work<'_>, store: Store) -> Result<Count, StorageError> {
        if work.is_exit() {
            return self.count_left_of_exit(work, store).await;
        }
        let context = work.context();
        let (remaining, counted_by) = match (store, &work.deletion.subject) {
            (Store::UploadBucket, DeletionSubject::Show { show_id }) => {
                let mut left = 0;
                for upload in self.uploads_for(context, show_id).await? {
                    let name = keys::upload_object(context, &upload.id);
                    left += self.list_versions(context, "UPLOAD_BUCKET", &name).await?.len();
                }
                (left, "ListObjectVersions of every upload for the show")
            }
            (Store::MediaBucket, DeletionSubject::Show { .. } | DeletionSubject::Episode { .. }) => {
                (self.media_files_left(work).await?, "ListObjectVersions of every file that was destroyed")
            }
            (
                Store::FeedBucket,
                DeletionSubject::Show { show_id } | DeletionSubject::Episode { show_id, .. },
            ) => {
                let left = self.stale_feed_objects(work, show_id).await?;
                (left.len(), "ListObjectVersions of the show's feed, but for what is current")
            }
            (Store::TenantTable, subject) => (
                self.items_left(context, subject).await?,
                "Query of every collection that had something of it",
            ),
            (Store::DirectoryTable, DeletionSubject::Show { show_id }) => {
                (self.list_due_places(context, show_id.as_str()).await?.len(), "Query of the due work")
            }
            (Store::DirectoryTable, DeletionSubject::Episode { show_id, episode_id }) => {
                let places = self.list_due_places(context, &format!("{show_id}#{episode_id}#")).await?;
                (places.len(), "Query of the due work")
            }
            (Store::DirectoryTable, DeletionSubject::User { user_id }) => {
                let mut left = 0;
                for collection in [Collection::Access, Collection::Activity] {
                    left += self.count_places(context, collection, user_id.as_str()).await?;
                }
                (left, "GetItem of the user's access and of when they last signed in")
            }
            _ => (0, "nothing of it is kept there"),
        };
        Ok(Count { store, remaining: count(remaining), counted_by: counted_by.to_owned() })
    }

    /// Forgets what was only noted to carry the deletion out. The sums are in its record.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn forget_notes(&self, work: &Work<'_>) -> Result<(), StorageError> {
        if work.is_exit() {
            let places: Vec<Place> = self.list_all(work.context(), Collection::ExitNotes).await?;
            let names: Vec<String> = places.into_iter().map(|place| place.sk).collect();
            return self.delete_exit_notes(work.context(), &names).await;
        }
        let notes = Collection::Destroyed(&work.deletion.id);
        let places: Vec<Place> = self.list_all(work.context(), notes).await?;
        for place in places {
            self.strike_off(work.grant, notes, &place.sk).await?;
        }
        Ok(())
    }

    /// What the user pool knows a user by; none when they are gone.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer.
    pub async fn find_person_at_pool(
        &self,
        work: &Work<'_>,
        user: &UserId,
    ) -> Result<Option<PersonAtPool>, StorageError> {
        let context = work.context();
        let Some(stored) = self.find_stored_user(context, user).await? else { return Ok(None) };
        let identity = stored.identity.clone();
        let known_as = match &identity {
            Some(identity) => self.list_identities(identity).await?,
            None => Vec::new(),
        };
        let is_elsewhere = known_as.iter().any(|known| known.tenancy_id != *context.tenancy());
        let email = self.with_data_key(context, |key| stored.open_email(context, key)).await?;
        Ok(Some(PersonAtPool { email, identity, is_elsewhere }))
    }

    /// Deletes items, some of which may be missing already, with the audit event of it, unless a legal hold stops it.
    async fn destroy_items(
        &self,
        work: &Work<'_>,
        store: Store,
        batch: Batch<'_>,
    ) -> Result<(), StorageError> {
        let context = work.context();
        let mut items = Vec::new();
        for (collection, id) in batch.items {
            if self.count_places(context, collection, &id).await? > 0 {
                items.push((collection, id));
            }
        }
        let mut counts = Some(batch.counts);
        for part in items.chunks(MOST_ITEMS) {
            let clearance = self.clear(work.grant, work.order).await?;
            let mut change = Change::new(self, work.grant, work.deletion.subject.id())?;
            change.detail("deletion", &work.deletion.id)?.while_clear(&clearance)?;
            for (collection, id) in part {
                change.delete(*collection, id)?;
            }
            // With the first part: what is counted is named first.
            for (quota, step) in counts.take().into_iter().flatten() {
                change.count(quota, step);
            }
            let destroyed = Destroyed { items: count(part.len()), ..Destroyed::default() };
            let name = change.id();
            let tally = Tally { store, destroyed, hash: None };
            change.create(Collection::Destroyed(&work.deletion.id), name.as_str(), &tally)?;
            change.commit().await?;
        }
        Ok(())
    }

    /// Deletes a whole collection.
    async fn destroy_collection(
        &self,
        work: &Work<'_>,
        collection: Collection<'_>,
    ) -> Result<(), StorageError> {
        let places: Vec<Place> = self.list_all(work.context(), collection).await?;
        let mut batch = Batch::default();
        places.into_iter().for_each(|place| batch.add(collection, place.sk));
        self.destroy_items(work, Store::TenantTable, batch).await
    }

    async fn count_places(
        &self,
        context: &TenantContext,
        collection: Collection<'_>,
        id: &str,
    ) -> Result<usize, StorageError> {
        let found: Option<Place> = self.find(context, collection, id).await?;
        Ok(usize::from(found.is_some()))
    }

    async fn note(&self, work: &Work<'_>, name: &str, tally: &Tally) -> Result<(), StorageError> {
        let context = work.context();
        let notes = Collection::Destroyed(&work.deletion.id);
        let name = format!("{name}#{}", work.order.pass);
        let tenant = self.tenant(context).await?;
        let written = tenant
            .clients
            .dynamodb()
            .put_item()
            .table_name(self.environment.get(notes.table())?)
            .set_item(Some(item(keys::partition(context, notes), name, tally)?))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await
            .during("dynamodb:PutItem");
        match written {
            // Noted before, by whoever was cut off since.
            Ok(_) | Err(StorageError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn list_tallies(&self, work: &Work<'_>) -> Result<Vec<Tally>, StorageError> {
        self.list_all(work.context(), Collection::Destroyed(&work.deletion.id)).await
    }
}

/// Episodes and shows.
impl Storage {
    /// The episodes that go with the subject, wherever they are.
    async fn episodes_of(&self, work: &Work<'_>) -> Result<Vec<Episode>, StorageError> {
        let context = work.context();
        match &work.deletion.subject {
            DeletionSubject::Show { show_id } => self.all_episodes_of(context, show_id).await,
            DeletionSubject::Episode { show_id, episode_id } => {
                let aside = Collection::DeletedEpisodes(show_id);
                let episode: Option<Episode> = self.find(context, aside, episode_id.as_str()).await?;
                Ok(episode.into_iter().collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    async fn all_episodes_of(
        &self,
        context: &TenantContext,
        show: &ShowId,
    ) -> Result<Vec<Episode>, StorageError> {
        let mut episodes: Vec<Episode> = self.list_all(context, Collection::Episodes(show)).await?;
        let aside: Vec<Episode> = self.list_all(context, Collection::DeletedEpisodes(show)).await?;
        episodes.extend(aside);
        Ok(episodes)
    }

    /// The media that the subject has and nothing that stays: no other show or episode, also where those can only be restored, and
    /// no upload that led to it after the deletion was asked for.
    async fn going(&self, work: &Work<'_>) -> Result<Going, StorageError> {
        let context = work.context();
        let theirs = self.episodes_of(work).await?;
        let mut wanted: HashSet<MediaId> = theirs.iter().flat_map(media_of_episode).collect();
        let own_show = match &work.deletion.subject {
            DeletionSubject::Show { show_id } => {
                let show = self.find_put_aside_show(context, show_id).await?;
                wanted.extend(show.iter().flat_map(media_of_show));
                Some(show_id)
            }
            _ => None,
        };
        if wanted.is_empty() {
            return Ok(Going { media: Vec::new(), files: Vec::new() });
        }

        let mut shows: Vec<Show> = self.list_all(context, Collection::Shows).await?;
        let aside: Vec<Show> = self.list_all(context, Collection::DeletedShows).await?;
        shows.extend(aside);
        let theirs: HashSet<EpisodeId> = theirs.into_iter().map(|episode| episode.id).collect();
        for show in shows.iter().filter(|show| Some(&show.id) != own_show) {
            for media in media_of_show(show) {
                wanted.remove(&media);
            }
            let episodes = self.all_episodes_of(context, &show.id).await?;
            for episode in episodes.iter().filter(|episode| !theirs.contains(&episode.id)) {
                for media in media_of_episode(episode) {
                    wanted.remove(&media);
                }
            }
        }
        let uploads: Vec<Upload> = self.list_all(context, Collection::Uploads).await?;
        for upload in uploads.iter().filter(|upload| upload.state_changed_at > work.deletion.requested_at) {
            if let Some(media) = &upload.media_id {
                wanted.remove(media);
            }
        }

        let all = self.list_all_media(context).await?;
        let (media, staying): (Vec<Media>, Vec<Media>) =
            all.into_iter().partition(|media| wanted.contains(&media.id));
        let kept: HashSet<&ContentHash> = staying.iter().flat_map(files_of).map(|file| &file.hash).collect();
        let gone = media.iter().flat_map(files_of).map(|file| &file.hash).filter(|hash| !kept.contains(hash));
        let mut files: Vec<ContentHash> = gone.cloned().collect();
        files.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        files.dedup();
        Ok(Going { media, files })
    }

    async fn erase_media_files(&self, work: &Work<'_>) -> Result<(), StorageError> {
        let context = work.context();
        for hash in self.going(work).await?.files {
            let name = keys::media_object(context, &hash);
            let versions = self.list_versions(context, "MEDIA_BUCKET", &name).await?;
            // Which file, for whoever counts what is left when nothing leads to it any more.
            let tally = Tally {
                store: Store::MediaBucket,
                destroyed: Destroyed::default(),
                hash: Some(hash.clone()),
            };
            self.note(work, &format!("hash/{hash}"), &tally).await?;
            self.destroy_versions(work, (Store::MediaBucket, "MEDIA_BUCKET"), &name, &versions).await?;
        }
        Ok(())
    }

    /// How many versions there are of files that were destroyed and that no medium has since.
    async fn media_files_left(&self, work: &Work<'_>) -> Result<usize, StorageError> {
        let context = work.context();
        let media = self.list_all_media(context).await?;
        let in_use: HashSet<&ContentHash> = media.iter().flat_map(files_of).map(|file| &file.hash).collect();
        let mut left = 0;
        for hash in self.list_tallies(work).await?.into_iter().filter_map(|tally| tally.hash) {
            if !in_use.contains(&hash) {
                let name = keys::media_object(context, &hash);
                left += self.list_versions(context, "MEDIA_BUCKET", &name).await?.len();
            }
        }
        Ok(left)
    }

    /// The media themselves, what finds them by their bytes, and the uploads that they came from.
    async fn erase_media_items(&self, work: &Work<'_>) -> Result<(), StorageError> {
        let context = work.context();
        let going = self.going(work).await?.media;
        if going.is_empty() {
            return Ok(());
        }
        let hashes: Vec<HashPlace> = self.list_all(context, Collection::MediaHashes).await?;
        let uploads: Vec<Upload> = self.list_all(context, Collection::Uploads).await?;
        let mut found: HashMap<MediaId, Batch<'_>> = HashMap::new();
        for hash in hashes {
            found.entry(hash.media_id).or_default().add(Collection::MediaHashes, hash.sk);
        }
        for upload in uploads {
            if let Some(media_id) = upload.media_id {
                found.entry(media_id).or_default().add(Collection::Uploads, upload.id.as_str());
            }
        }
        for media in going {
            let mut batch = found.remove(&media.id).unwrap_or_default();
            // Last: as long as the medium is there, so is what leads to it.
            batch.add(Collection::Media, media.id.as_str());
            self.destroy_items(work, Store::TenantTable, batch).await?;
        }
        Ok(())
    }

    /// Parts and bytes of uploads that were for the show.
    async fn erase_sent_bytes(&self, work: &Work<'_>, show: &ShowId) -> Result<(), StorageError> {
        let context = work.context();
        for upload in self.uploads_for(context, show).await? {
            self.clear(work.grant, work.order).await?;
            self.abort_multipart_upload(work.grant, &upload).await?;
            let name = keys::upload_object(context, &upload.id);
            let versions = self.list_versions(context, "UPLOAD_BUCKET", &name).await?;
            self.destroy_versions(work, (Store::UploadBucket, "UPLOAD_BUCKET"), &name, &versions).await?;
        }
        Ok(())
    }

    async fn uploads_for(&self, context: &TenantContext, show: &ShowId) -> Result<Vec<Upload>, StorageError> {
        let uploads: Vec<Upload> = self.list_all(context, Collection::Uploads).await?;
        Ok(uploads.into_iter().filter(|upload| upload.show_id.as_ref() == Some(show)).collect())
    }

    async fn erase_feed(&self, work: &Work<'_>, show: &ShowId) -> Result<(), StorageError> {
        let versions = self.stale_feed_objects(work, show).await?;
        let name = keys::feed_objects(work.context(), show);
        self.destroy_versions(work, (Store::FeedBucket, "FEED_BUCKET"), &name, &versions).await
    }

    /// What of a show's feed is not current: of a deleted show everything but the word that it is gone.
    async fn stale_feed_objects(
        &self,
        work: &Work<'_>,
        show: &ShowId,
    ) -> Result<Vec<ObjectVersion>, StorageError> {
        let context = work.context();
        let due = self.list_due_places(context, show.as_str()).await?;
        if due.into_iter().any(|(_, due_at)| due_at <= work.as_of) {
            return Err(StorageError::NotYet("the feed is still to be rendered"));
        }
        let is_of_episode = matches!(work.deletion.subject, DeletionSubject::Episode { .. });
        let current = if is_of_episode { self.current_documents(context, show).await? } else { Vec::new() };

        let prefix = keys::feed_objects(context, show);
        let is_current = |version: &ObjectVersion| {
            let name = version.key.strip_prefix(&prefix).unwrap_or_default();
            let is_named = name == POINTER || current.iter().any(|hash| name.starts_with(hash.as_str()));
            // What was written just now may be of a rendering that has yet to swap the pointer.
            let is_new = is_of_episode && version.written_at.plus(RENDERED_WITHIN) > work.as_of;
            is_new || (is_named && version.is_latest && version.has_bytes)
        };
        let mut versions = self.list_versions(context, "FEED_BUCKET", &prefix).await?;
        versions.retain(|version| !is_current(version));
        Ok(versions)
    }

    /// The documents that the pointer of a feed names, whatever else it says: their names are hashes.
    async fn current_documents(
        &self,
        context: &TenantContext,
        show: &ShowId,
    ) -> Result<Vec<ContentHash>, StorageError> {
        let Some(pointer) = self.read_feed_object(context, show, POINTER).await? else {
            return Ok(Vec::new());
        };
        let pointer = serde_json::from_slice(&pointer.bytes).map_err(StorageError::corrupt)?;
        let mut hashes = Vec::new();
        collect_hashes(&pointer, &mut hashes);
        Ok(hashes)
    }

    async fn erase_episode(
        &self,
        work: &Work<'_>,
        show: &ShowId,
        episode: &EpisodeId,
    ) -> Result<(), StorageError> {
        let mut batch = Batch::default();
        let is_there = self.count_places(work.context(), Collection::DeletedEpisodes(show), episode.as_str());
        if is_there.await? > 0 {
            batch.counts.push((Quota::Episodes, -1));
        }
        batch.add(Collection::DeletedEpisodes(show), episode.as_str());
        batch.add(Collection::EpisodeIndex, episode.as_str());
        // Its GUID stays taken. The name of its file is of no use any more: no other episode has this id.
        batch.add(Collection::PublicationLedger(show), format!("episode#{episode}"));
        self.destroy_items(work, Store::TenantTable, batch).await
    }

    async fn erase_show(&self, work: &Work<'_>, show: &ShowId) -> Result<(), StorageError> {
        let context = work.context();
        for upload in self.uploads_for(context, show).await? {
            self.erase_upload(work, &upload).await?;
        }
        for collection in [Collection::Episodes(show), Collection::DeletedEpisodes(show)] {
            let episodes: Vec<Place> = self.list_all(context, collection).await?;
            for episode in episodes {
                let mut batch = Batch { counts: vec![(Quota::Episodes, -1)], ..Batch::default() };
                batch.add(collection, episode.sk.as_str());
                batch.add(Collection::EpisodeIndex, episode.sk.as_str());
                self.destroy_items(work, Store::TenantTable, batch).await?;
            }
        }
        let listeners: Vec<StoredListener> = self.list_all(context, Collection::Listeners(show)).await?;
        for listener in listeners {
            self.erase_listener(work, show, &listener.id).await?;
        }
        for collection in [
            Collection::ListenerEmails(show),
            Collection::Listening(show),
            Collection::Networks(show),
            Collection::PublicationLedger(show),
        ] {
            self.destroy_collection(work, collection).await?;
        }

        // How often its feed changed stays, and keeps its slug from every other show.
        let is_there = self.find_put_aside_show(context, show).await?.is_some();
        let counts = if is_there { vec![(Quota::Shows, -1)] } else { Vec::new() };
        let mut batch = Batch { counts, ..Batch::default() };
        batch.add(Collection::DeletedShows, show.as_str());
        self.destroy_items(work, Store::TenantTable, batch).await
    }

    async fn erase_upload(&self, work: &Work<'_>, upload: &Upload) -> Result<(), StorageError> {
        let is_open = self.count_places(work.context(), Collection::UnfinishedUploads, upload.id.as_str());
        let is_open = is_open.await? > 0 || upload.state == UploadState::Created;
        let mut batch = Batch::default();
        if is_open {
            batch.counts.push((Quota::UnfinishedUploads, -1));
        }
        batch.add(Collection::Uploads, upload.id.as_str());
        batch.add(Collection::UnfinishedUploads, upload.id.as_str());
        self.destroy_items(work, Store::TenantTable, batch).await
    }

    async fn items_left(
        &self,
        context: &TenantContext,
        subject: &DeletionSubject,
    ) -> Result<usize, StorageError> {
        let (collections, items): (Vec<Collection<'_>>, Vec<(Collection<'_>, &str)>) = match subject {
            DeletionSubject::Show { show_id } => {
                let left = self.uploads_for(context, show_id).await?.len();
                if left > 0 {
                    return Ok(left);
                }
                let collections = vec![
                    Collection::Episodes(show_id),
                    Collection::DeletedEpisodes(show_id),
                    Collection::Listeners(show_id),
                    Collection::ListenerEmails(show_id),
                    Collection::Listening(show_id),
                    Collection::Networks(show_id),
                    Collection::PublicationLedger(show_id),
                ];
                (
                    collections,
                    vec![(Collection::Shows, show_id.as_str()), (Collection::DeletedShows, show_id.as_str())],
                )
            }
            DeletionSubject::Episode { show_id, episode_id } => {
                let id = episode_id.as_str();
                let places = [
                    Collection::Episodes(show_id),
                    Collection::DeletedEpisodes(show_id),
                    Collection::EpisodeIndex,
                ];
                (Vec::new(), places.map(|collection| (collection, id)).to_vec())
            }
            DeletionSubject::User { user_id } => (Vec::new(), vec![(Collection::Users, user_id.as_str())]),
            DeletionSubject::Listener { show_id, listener_id } => {
                let id = listener_id.as_str();
                let places = [
                    Collection::Listeners(show_id),
                    Collection::ListenerIndex,
                    Collection::Listening(show_id),
                ];
                (Vec::new(), places.map(|collection| (collection, id)).to_vec())
            }
            DeletionSubject::Tenancy { .. } => (Vec::new(), Vec::new()),
        };
        let mut left = 0;
        for collection in collections {
            let places: Vec<Place> = self.list_all(context, collection).await?;
            left += places.len();
        }
        for (collection, id) in items {
            left += self.count_places(context, collection, id).await?;
        }
        Ok(left)
    }

    async fn erase_due(&self, work: &Work<'_>, beginning: &str) -> Result<(), StorageError> {
        let context = work.context();
        let places = self.list_due_places(context, beginning).await?;
        let destroyed = Destroyed { items: count(places.len()), ..Destroyed::default() };
        if places.is_empty() {
            return Ok(());
        }
        self.clear(work.grant, work.order).await?;
        self.note_destroyed(work, Store::DirectoryTable, "due", destroyed).await?;
        let tenant = self.tenant(context).await?;
        for (place, _) in places {
            self.clear(work.grant, work.order).await?;
            tenant
                .clients
                .dynamodb()
                .delete_item()
                .table_name(self.environment.get("DIRECTORY_TABLE")?)
                .set_key(Some(key(keys::due(context), place)))
                .send()
                .await
                .during("dynamodb:DeleteItem")?;
        }
        Ok(())
    }
}

/// People.
impl Storage {
    /// A listener: their token first, then all that is known of them.
    async fn erase_listener(
        &self,
        work: &Work<'_>,
        show: &ShowId,
        listener: &ListenerId,
    ) -> Result<(), StorageError> {
        let context = work.context();
        let id = listener.as_str();
        let mut batch = Batch::default();
        let stored: Option<StoredListener> = self.find(context, Collection::Listeners(show), id).await?;
        if let Some(stored) = &stored {
            self.clear(work.grant, work.order).await?;
            let one = Destroyed { items: 1, ..Destroyed::default() };
            self.note_destroyed(work, Store::DirectoryTable, &format!("token/{id}"), one).await?;
            self.delete_feed_token(&stored.token_hash).await?;
            batch.counts.push((Quota::Listeners, -1));
        }
        batch.add(Collection::Listeners(show), id);
        batch.add(Collection::ListenerIndex, id);
        batch.add(Collection::Listening(show), id);
        if let Some(stored) = &stored {
            if let Some(place) = &stored.email_place {
                batch.add(Collection::ListenerEmails(show), place.as_str());
            }
            let networks: Vec<Place> = self.list_all(context, Collection::Networks(show)).await?;
            let of_token =
                networks.into_iter().filter(|place| place.sk.starts_with(stored.token_hash.as_str()));
            of_token.for_each(|place| batch.add(Collection::Networks(show), place.sk));
        }
        self.destroy_items(work, Store::TenantTable, batch).await
    }

    /// A user: what lets them in first, then what they may do, and then all that is known of them.
    async fn erase_user(&self, work: &Work<'_>, user: &UserId) -> Result<(), StorageError> {
        let context = work.context();
        let member = MemberId::User(user.clone());
        let access = self.find_access(context, &member).await?;
        let stored = self.find_stored_user(context, user).await?;
        self.check_not_last_owner(context, user).await?;

        if let Some(stored) = &stored {
            let ways_in = u64::from(stored.invitation_hash.is_some()) + u64::from(stored.identity.is_some());
            let destroyed = Destroyed { items: ways_in, ..Destroyed::default() };
            self.clear(work.grant, work.order).await?;
            self.note_destroyed(work, Store::DirectoryTable, "ways-in", destroyed).await?;
            if let Some(invitation) = &stored.invitation_hash {
                self.delete_invitation_record(invitation).await?;
            }
            if let Some(identity) = &stored.identity {
                self.unbind_identity(identity, context.tenancy()).await?;
            }
        }
        if let Some(access) = &access {
            let clearance = self.clear(work.grant, work.order).await?;
            let mut change = Change::new(self, work.grant, user.as_str())?;
            change.detail("deletion", &work.deletion.id)?.while_clear(&clearance)?.delete_access(access)?;
            let tally = Tally {
                store: Store::DirectoryTable,
                destroyed: Destroyed { items: 1, ..Destroyed::default() },
                hash: None,
            };
            let name = change.id();
            change.create(Collection::Destroyed(&work.deletion.id), name.as_str(), &tally)?;
            change.commit().await?;
        }
        if let Some(stored) = stored {
            let mut batch = Batch { counts: vec![(Quota::Users, -1)], ..Batch::default() };
            batch.add(Collection::Users, user.as_str());
            batch.add(Collection::UserEmails, stored.email_index);
            self.destroy_items(work, Store::TenantTable, batch).await?;
        }
        Ok(())
    }
}

fn media_of_show(show: &Show) -> Vec<MediaId> {
    show.attachments().into_iter().map(|attachment| attachment.media_id.clone()).collect()
}

fn media_of_episode(episode: &Episode) -> Vec<MediaId> {
    let attachments = episode.attachments().into_iter().map(|attachment| attachment.media_id.clone());
    attachments.chain(episode.media_id.clone()).collect()
}

fn files_of(media: &Media) -> impl Iterator<Item = &MediaFile> {
    std::iter::once(&media.original).chain(media.renditions.iter().map(|rendition| &rendition.file))
}

fn collect_hashes(value: &serde_json::Value, into: &mut Vec<ContentHash>) {
    match value {
        serde_json::Value::String(text) => into.extend(text.parse::<ContentHash>().ok()),
        serde_json::Value::Array(values) => values.iter().for_each(|value| collect_hashes(value, into)),
        serde_json::Value::Object(members) => members.values().for_each(|value| collect_hashes(value, into)),
        _ => {}
    }
}
