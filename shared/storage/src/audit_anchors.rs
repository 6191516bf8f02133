//! Anchors: the head of the audit log as it was on a day, in a bucket that keeps every version of an object for 400 days and
//! lets nobody change or delete it (S3 Object Lock).
//!
//! The lock keeps versions, and does not keep somebody from writing another version on top. So the first version counts.

use std::collections::BTreeMap;

use aws_sdk_s3::{primitives::ByteStream, types::ServerSideEncryption};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::AuditHead;
use ring::digest;
use serde::Serialize;
use tenant_context::{Date, Grant, TenancyId, TenantContext, Timestamp, permission::AnchorAudit};

use crate::{Storage, StorageError, error::During, keys};

/// How many anchors a verification looks at.
const NEWEST: usize = 3;

#[derive(Serialize)]
struct Anchor<'a> {
    tenancy_id: &'a TenancyId,
    date: Date,
    anchored_at: Timestamp,
    #[serde(flatten)]
    head: &'a AuditHead,
}

impl Storage {
    /// Writes down the head of the tenancy's audit log under `date`, unless there is one under that date already, or no log.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer.
    pub async fn anchor_audit_head(
        &self,
        grant: &Grant<'_, AnchorAudit>,
        date: Date,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let Some(head) = self.find_audit_head(context).await? else { return Ok(()) };

        let anchor = Anchor { tenancy_id: context.tenancy(), date, anchored_at: self.now(), head: &head };
        let bytes = serde_json::to_vec(&anchor).map_err(StorageError::corrupt)?;
        let tenant = self.tenant(context).await?;
        let written = tenant
            .clients
            .s3()
            .put_object()
            .bucket(self.environment.get("AUDIT_BUCKET")?)
            .key(keys::audit_anchor(context, date))
            .if_none_match("*")
            .content_type("application/json")
            // Where objects are locked, S3 takes none without a checksum.
            .checksum_sha256(STANDARD.encode(digest::digest(&digest::SHA256, &bytes)))
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(self.tenancy_key(context.tenancy())?)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .during("s3:PutObject");
        match written {
            Ok(_) | Err(StorageError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The heads under the newest dates, each as it was first written.
    pub(crate) async fn newest_anchors(
        &self,
        context: &TenantContext,
    ) -> Result<Vec<AuditHead>, StorageError> {
        let first_versions = self.list_first_versions(context).await?;
        let tenant = self.tenant(context).await?;
        let mut heads = Vec::new();
        for (key, version) in first_versions.iter().rev().take(NEWEST) {
            let object = tenant
                .clients
                .s3()
                .get_object()
                .bucket(self.environment.get("AUDIT_BUCKET")?)
                .key(key)
                .version_id(version)
                .send()
                .await
                .during("s3:GetObject")?;
            let bytes = object.body.collect().await.map_err(|error| StorageError::Unavailable {
                operation: "s3:GetObject",
                source: error.into(),
            })?;
            heads.push(serde_json::from_slice(&bytes.into_bytes()).map_err(StorageError::corrupt)?);
        }
        Ok(heads)
    }

    /// The first version of each anchor, by the anchor's name.
    async fn list_first_versions(
        &self,
        context: &TenantContext,
    ) -> Result<BTreeMap<String, String>, StorageError> {
        let tenant = self.tenant(context).await?;
        let mut first = BTreeMap::new();
        let mut marker = (None, None);
        loop {
            let page = tenant
                .clients
                .s3()
                .list_object_versions()
                .bucket(self.environment.get("AUDIT_BUCKET")?)
                .prefix(keys::audit_anchors(context))
                .set_key_marker(marker.0)
                .set_version_id_marker(marker.1)
                .send()
                .await
                .during("s3:ListObjectVersions")?;
            // S3 lists the versions of an object from the newest to the oldest.
            for version in page.versions() {
                if let (Some(key), Some(id)) = (version.key(), version.version_id()) {
                    first.insert(key.to_owned(), id.to_owned());
                }
            }
            if page.is_truncated() != Some(true) {
                return Ok(first);
            }
            marker = (page.next_key_marker, page.next_version_id_marker);
        }
    }
}
