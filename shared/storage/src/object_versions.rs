//! Versions of objects, and their end: a bucket that keeps versions has lost nothing until each of them is deleted by its own id.

use std::collections::HashSet;

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use aws_smithy_types::DateTime;
use domain::{Destroyed, Store};
use futures::future::try_join_all;
use tenant_context::{TenantContext, Timestamp};

use crate::{Storage, StorageError, destruction::Work, error::During};

/// So many versions are deleted between two looks at the legal holds, all at once.
const AT_ONCE: usize = 16;
/// So many versions go with one call: S3 takes no more.
pub(crate) const MOST_VERSIONS: usize = 1_000;

/// A version of an object, or the mark that it was deleted.
#[derive(Debug, Clone)]
pub(crate) struct ObjectVersion {
    pub key: String,
    pub id: String,
    pub size_bytes: u64,
    pub written_at: Timestamp,
    pub is_latest: bool,
    pub has_bytes: bool,
}

impl ObjectVersion {
    fn read(
        (key, id): (Option<&str>, Option<&str>),
        size: Option<i64>,
        written_at: Option<&DateTime>,
        is_latest: Option<bool>,
    ) -> Option<Self> {
        let seconds = written_at.and_then(|at| u64::try_from(at.secs()).ok()).unwrap_or_default();
        Some(Self {
            key: key?.to_owned(),
            id: id?.to_owned(),
            size_bytes: size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
            written_at: Timestamp::from_unix_seconds(seconds),
            is_latest: is_latest.unwrap_or_default(),
            has_bytes: size.is_some(),
        })
    }
}

impl Storage {
    /// Every version of everything whose name begins with `prefix`, deletion marks too.
    pub(crate) async fn list_versions(
        &self,
        context: &TenantContext,
        bucket: &'static str,
        prefix: &str,
    ) -> Result<Vec<ObjectVersion>, StorageError> {
        let tenant = self.tenant(context).await?;
        let mut found = Vec::new();
        let mut marker = (None, None);
        loop {
            let page = tenant
                .clients
                .s3()
                .list_object_versions()
                .bucket(self.environment.get(bucket)?)
                .prefix(prefix)
                .set_key_marker(marker.0)
                .set_version_id_marker(marker.1)
                .send()
                .await
                .during("s3:ListObjectVersions")?;
            found.extend(page.versions().iter().filter_map(|each| {
                let name = (each.key(), each.version_id());
                let size = Some(each.size().unwrap_or_default());
                ObjectVersion::read(name, size, each.last_modified(), each.is_latest())
            }));
            found.extend(page.delete_markers().iter().filter_map(|each| {
                let name = (each.key(), each.version_id());
                ObjectVersion::read(name, None, each.last_modified(), each.is_latest())
            }));
            if page.is_truncated() != Some(true) {
                return Ok(found);
            }
            marker = (page.next_key_marker, page.next_version_id_marker);
        }
    }

    /// Deletes these versions for good, which are all there are under `name`. How many is written down before the first one goes, so
    /// that whoever goes on after a kill counts none twice.
    pub(crate) async fn destroy_versions(
        &self,
        work: &Work<'_>,
        (store, bucket): (Store, &'static str),
        name: &str,
        versions: &[ObjectVersion],
    ) -> Result<(), StorageError> {
        if versions.is_empty() {
            return Ok(());
        }
        let keys: HashSet<&str> =
            versions.iter().filter(|each| each.has_bytes).map(|each| each.key.as_str()).collect();
        let destroyed = Destroyed {
            items: count(keys.len()),
            versions: count(versions.len()),
            bytes: versions.iter().map(|version| version.size_bytes).sum(),
        };
        self.clear(work.grant, work.order).await?;
        self.note_destroyed(work, store, name, destroyed).await?;

        for batch in versions.chunks(AT_ONCE) {
            self.clear(work.grant, work.order).await?;
            try_join_all(batch.iter().map(|version| self.destroy_version(work, bucket, version))).await?;
        }
        Ok(())
    }

    /// Deletes versions, each by the name of its object and its own id, no more than [`MOST_VERSIONS`]. What is gone already is no
    /// matter.
    pub(crate) async fn delete_versions(
        &self,
        context: &TenantContext,
        bucket: &'static str,
        versions: &[(&str, &str)],
    ) -> Result<(), StorageError> {
        let objects = versions
            .iter()
            .map(|(name, version)| ObjectIdentifier::builder().key(*name).version_id(*version).build());
        let objects = objects.collect::<Result<Vec<_>, _>>().map_err(StorageError::corrupt)?;
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
        let tenant = self.tenant(context).await?;
        let deleted = tenant
            .clients
            .s3()
            .delete_objects()
            .bucket(self.environment.get(bucket)?)
            .delete(delete.map_err(StorageError::corrupt)?)
            .send()
            .await
            .during("s3:DeleteObjects")?;
        match deleted.errors().first() {
            None => Ok(()),
            Some(error) => Err(StorageError::partly("s3:DeleteObjects", error.code().unwrap_or("no code"))),
        }
    }

    async fn destroy_version(
        &self,
        work: &Work<'_>,
        bucket: &'static str,
        version: &ObjectVersion,
    ) -> Result<(), StorageError> {
        let tenant = self.tenant(work.grant.context()).await?;
        tenant
            .clients
            .s3()
            .delete_object()
            .bucket(self.environment.get(bucket)?)
            .key(&version.key)
            .version_id(&version.id)
            .send()
            .await
            .during("s3:DeleteObject")?;
        Ok(())
    }
}

pub(crate) fn count(things: usize) -> u64 {
    u64::try_from(things).unwrap_or(u64::MAX)
}
