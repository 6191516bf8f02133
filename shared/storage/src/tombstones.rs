//! The ledger of tombstones: one object for each deletion that has begun to destroy, in a bucket that no restore of a table touches.
//! Held against the tables after a restore, it makes go again what had gone.

use aws_sdk_s3::primitives::ByteStream;
use domain::{Deletion, DeletionScope, DeletionSubject, Tombstone};
use tenant_context::{Grant, TenancyId, TenancyState, Timestamp, permission::ReplayDeletion};

use crate::{
    DeletionRecord, Storage, StorageError,
    deletions::{LastDeletion, OpenDeletion, home},
    destruction::Work,
    error::During,
    item::{item, key, string},
    keys::{self, Collection, TENANCY_ACCESS},
    transaction::{Change, number},
};

const TOMBSTONES: &str = "tombstones/";

/// Where a tombstone is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TombstonePlace {
    /// Whose.
    pub tenancy_id: TenancyId,
    /// Whether the tenancy itself has left, and with it all that its other tombstones are about.
    pub is_of_exit: bool,
    name: String,
}

impl TombstonePlace {
    fn read(name: String) -> Result<Self, StorageError> {
        let place = name.strip_prefix(TOMBSTONES).unwrap_or_default();
        let (tenancy, is_of_exit) = match place.split_once('/') {
            Some((tenancy, _)) => (tenancy, false),
            None => (place.strip_suffix(".json").unwrap_or_default(), true),
        };
        Ok(Self { tenancy_id: tenancy.parse().map_err(StorageError::corrupt)?, is_of_exit, name })
    }
}

impl Storage {
    /// Writes into the ledger how far the deletion is. Through the function's own role. From the moment when it is there, a restore
    /// brings nothing back for good.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn bury(&self, work: &Work<'_>, deletion: &Deletion) -> Result<(), StorageError> {
        let tenancy = work.grant.context().tenancy().clone();
        let name = object(&tenancy, deletion);
        let bytes = serde_json::to_vec(&Tombstone::new(tenancy, deletion)).map_err(StorageError::corrupt)?;
        self.own
            .s3()
            .put_object()
            .bucket(self.environment.get("TOMBSTONE_BUCKET")?)
            .key(name)
            .content_type("application/json")
            .body(ByteStream::from(bytes))
            .send()
            .await
            .during("s3:PutObject")?;
        Ok(())
    }

    /// Where all tombstones are, or one tenancy's, in their order: that of an exit is before all others of its tenancy.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn list_tombstones(
        &self,
        tenancy: Option<&TenancyId>,
    ) -> Result<Vec<TombstonePlace>, StorageError> {
        let prefix =
            tenancy.map_or_else(|| TOMBSTONES.to_owned(), |tenancy| format!("{TOMBSTONES}{tenancy}"));
        let bucket = self.environment.get("TOMBSTONE_BUCKET")?;
        let mut pages = self.own.s3().list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
        let mut places = Vec::new();
        while let Some(page) = pages.next().await {
            let objects = page.during("s3:ListObjectsV2")?.contents.unwrap_or_default();
            for name in objects.into_iter().filter_map(|object| object.key) {
                places.push(TombstonePlace::read(name)?);
            }
        }
        Ok(places)
    }

    /// Reads a tombstone.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer, or the tombstone cannot be read.
    pub async fn read_tombstone(&self, place: &TombstonePlace) -> Result<Tombstone, StorageError> {
        let bucket = self.environment.get("TOMBSTONE_BUCKET")?;
        let answer = self.own.s3().get_object().bucket(bucket).key(&place.name).send().await;
        let body =
            answer.during("s3:GetObject")?.body.collect().await.map_err(|error| {
                StorageError::Unavailable { operation: "s3:GetObject", source: error.into() }
            })?;
        serde_json::from_slice(&body.into_bytes()).map_err(StorageError::corrupt)
    }

    /// Puts a deletion back that was lost with a restore, begun anew as of `now`, and takes what came back out of sight. Answers whether
    /// there was anything to do.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else changed something of it at this moment.
    pub async fn replay(
        &self,
        grant: &Grant<'_, ReplayDeletion>,
        tombstone: &Tombstone,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let (context, id) = (grant.context(), tombstone.deletion.id.as_str());
        let home = home(&tombstone.deletion.subject);
        let stored: Option<DeletionRecord> = self.find(context, home, id).await?;
        let Some(anew) = tombstone.replay(stored.as_ref().map(|record| &record.deletion), now) else {
            return Ok(false);
        };
        match anew.subject.scope() {
            DeletionScope::Tenancy => self.replay_exit(grant, stored, anew).await?,
            _ => self.replay_deletion(grant, stored, anew).await?,
        }
        Ok(true)
    }

    async fn replay_deletion(
        &self,
        grant: &Grant<'_, ReplayDeletion>,
        stored: Option<DeletionRecord>,
        deletion: Deletion,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let (id, subject) = (deletion.id.as_str(), deletion.subject.id());
        let version = stored.map_or(0, |record| record.version);
        let record = DeletionRecord { deletion: deletion.clone(), version: version + 1 };
        let mut change = Change::new(self, grant, subject)?;
        change
            .detail("deletion", &deletion.id)?
            .detail("state", &deletion.state)?
            .put(Collection::OpenDeletions, id, &OpenDeletion { id: deletion.id.clone() })?
            .put(Collection::DeletionSubjects, subject, &LastDeletion::of(&deletion))?;
        match version {
            0 => change.create(Collection::Deletions, id, &record)?,
            version => change.replace(Collection::Deletions, id, version, &record)?,
        };
        match &deletion.subject {
            DeletionSubject::Show { show_id } => {
                if let Some(show) = self.find_show(context, show_id).await? {
                    change.put_show_aside(&show)?;
                }
            }
            DeletionSubject::Episode { show_id, episode_id } => {
                let episode = self.find(context, Collection::Episodes(show_id), episode_id.as_str());
                if let Some(episode) = episode.await? {
                    change.put_episode_aside(&episode)?;
                }
            }
            _ => {}
        }
        change.commit().await
    }

    /// Nothing of it is in the audit log, which goes with the rest: the record of the exit is what stays.
    async fn replay_exit(
        &self,
        grant: &Grant<'_, ReplayDeletion>,
        stored: Option<DeletionRecord>,
        exit: Deletion,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let table = self.environment.get("DIRECTORY_TABLE")?;
        let tenant = self.tenant(context).await?;
        let state = serde_json::to_value(TenancyState::Sealed).map_err(StorageError::corrupt)?;
        let sealed = tenant
            .clients
            .dynamodb()
            .update_item()
            .table_name(table)
            .set_key(Some(key(keys::partition(context, Collection::Access), TENANCY_ACCESS)))
            .update_expression("SET #state = :state ADD #version :one")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":state", string(state.as_str().unwrap_or_default()))
            .expression_attribute_values(":one", number(1))
            .send()
            .await
            .during("dynamodb:UpdateItem");
        match sealed {
            // Nothing came back that lets anybody in.
            Ok(_) | Err(StorageError::Conflict) => {}
            Err(error) => return Err(error),
        }

        let version = stored.map_or(0, |record| record.version);
        let id = exit.id.to_string();
        let record = DeletionRecord { deletion: exit, version: version + 1 };
        tenant
            .clients
            .dynamodb()
            .put_item()
            .table_name(table)
            .set_item(Some(item(keys::partition(context, Collection::Exits), id, &record)?))
            .condition_expression("attribute_not_exists(pk) OR #version = :version")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", number(version))
            .send()
            .await
            .during("dynamodb:PutItem")?;
        Ok(())
    }
}

/// A tombstone's name in the bucket.
fn object(tenancy: &TenancyId, deletion: &Deletion) -> String {
    match deletion.subject.scope() {
        DeletionScope::Tenancy => format!("{TOMBSTONES}{tenancy}.json"),
        _ => format!("{TOMBSTONES}{tenancy}/{}.json", deletion.id),
    }
}
