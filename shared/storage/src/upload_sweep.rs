//! What watches over uploads: what lies in the quarantine, what the scan said of it, and the ends that no event brings. With these
//! rights nobody reads a byte.

use aws_smithy_types::DateTime;
use domain::{Rejection, Upload, UploadState};
use serde::Serialize;
use tenant_context::{Grant, Timestamp, permission::SweepUploads};

use crate::{
    Quarantined, Storage, StorageError,
    error::During,
    keys::{self, Collection},
    transaction::Change,
    uploads::{UnfinishedUpload, end_upload},
};

/// Where the scan writes what it found.
const VERDICT_TAG: &str = "GuardDutyMalwareScanStatus";

/// One version of an object in the quarantine, or the mark that it was deleted.
#[derive(Debug, Clone)]
pub struct QuarantinedVersion {
    /// Which object, and which version of it.
    pub object: Quarantined,
    /// When it was written.
    pub written_at: Timestamp,
    /// Whether there are bytes in it.
    pub has_bytes: bool,
}

/// A verdict as the scan's event tells it: see the media worker, which reads both.
#[derive(Serialize)]
struct Verdict<'a> {
    detail: VerdictDetail<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerdictDetail<'a> {
    s3_object_details: VerdictObject<'a>,
    scan_result_details: VerdictResult<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerdictObject<'a> {
    bucket_name: &'a str,
    object_key: String,
    version_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerdictResult<'a> {
    scan_result_status: &'a str,
}

impl Storage {
    /// All uploads that have not ended.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_unfinished_uploads(
        &self,
        grant: &Grant<'_, SweepUploads>,
    ) -> Result<Vec<Upload>, StorageError> {
        let context = grant.context();
        let unfinished: Vec<UnfinishedUpload> = self.list_all(context, Collection::UnfinishedUploads).await?;
        let mut uploads = Vec::with_capacity(unfinished.len());
        for entry in unfinished {
            uploads.extend(self.find_upload(context, &entry.id).await?);
        }
        Ok(uploads)
    }

    /// Every version of everything in the tenancy's quarantine, those of one object from the oldest on.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn list_quarantine(
        &self,
        grant: &Grant<'_, SweepUploads>,
    ) -> Result<Vec<QuarantinedVersion>, StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let prefix = keys::objects(context);
        let read = |key: Option<&str>, version: Option<&str>, at: Option<&DateTime>, has_bytes| {
            let upload = key.and_then(|key| key.strip_prefix(&prefix)).and_then(|name| name.parse().ok())?;
            let seconds = at.and_then(|at| u64::try_from(at.secs()).ok()).unwrap_or_default();
            Some(QuarantinedVersion {
                object: Quarantined { upload, version: version.map(str::to_owned) },
                written_at: Timestamp::from_unix_seconds(seconds),
                has_bytes,
            })
        };
        let mut found = Vec::new();
        let (mut key_marker, mut version_marker) = (None, None);
        loop {
            let page = tenant
                .clients
                .s3()
                .list_object_versions()
                .bucket(self.environment.get("UPLOAD_BUCKET")?)
                .prefix(&prefix)
                .set_key_marker(key_marker)
                .set_version_id_marker(version_marker)
                .send()
                .await
                .during("s3:ListObjectVersions")?;
            let versions = page.versions().iter();
            found.extend(
                versions.filter_map(|each| read(each.key(), each.version_id(), each.last_modified(), true)),
            );
            let marks = page.delete_markers().iter();
            found.extend(
                marks.filter_map(|each| read(each.key(), each.version_id(), each.last_modified(), false)),
            );
            if !page.is_truncated.unwrap_or_default() {
                break;
            }
            (key_marker, version_marker) = (page.next_key_marker, page.next_version_id_marker);
        }
        // S3 lists the newest first.
        found.reverse();
        Ok(found)
    }

    /// What the scan wrote on one version; none where it has not come to it.
    ///
    /// # Errors
    /// [`StorageError`] when S3 does not answer.
    pub async fn find_scan_result(
        &self,
        grant: &Grant<'_, SweepUploads>,
        object: &Quarantined,
    ) -> Result<Option<String>, StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let tags = tenant
            .clients
            .s3()
            .get_object_tagging()
            .bucket(self.environment.get("UPLOAD_BUCKET")?)
            .key(keys::upload_object(context, &object.upload))
            .set_version_id(object.version.clone())
            .send()
            .await
            .during("s3:GetObjectTagging")?;
        let verdict = tags.tag_set.into_iter().find(|tag| tag.key == VERDICT_TAG);
        Ok(verdict.map(|tag| tag.value))
    }

    /// Tells the media worker of a verdict, as the scan's event would have. Twice is once.
    ///
    /// # Errors
    /// [`StorageError`] when the queue does not answer.
    pub async fn repeat_verdict(
        &self,
        grant: &Grant<'_, SweepUploads>,
        object: &Quarantined,
        result: &str,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let verdict = Verdict {
            detail: VerdictDetail {
                s3_object_details: VerdictObject {
                    bucket_name: self.environment.get("UPLOAD_BUCKET")?,
                    object_key: keys::upload_object(context, &object.upload),
                    version_id: object.version.as_deref(),
                },
                scan_result_details: VerdictResult { scan_result_status: result },
            },
        };
        self.send("SCAN_VERDICT_QUEUE_URL", context.tenancy(), &verdict).await
    }

    /// Ends an upload that is abandoned as of then, parts first. Answers whether it is ended: it may have gone on in the meantime.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer; running again goes on from there.
    pub async fn expire_upload(
        &self,
        grant: &Grant<'_, SweepUploads>,
        mut upload: Upload,
        as_of: Timestamp,
    ) -> Result<bool, StorageError> {
        let before = upload.state;
        if upload.expire(as_of).is_err() {
            return Ok(false);
        }
        self.abort_multipart_upload(grant, &upload).await?;
        self.write_end(grant, before, &upload).await
    }

    /// Ends an upload that was never scanned. Answers whether it is ended: the verdict may have come in the meantime.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer.
    pub async fn reject_unscanned(
        &self,
        grant: &Grant<'_, SweepUploads>,
        mut upload: Upload,
        as_of: Timestamp,
    ) -> Result<bool, StorageError> {
        let before = upload.state;
        if upload.reject(Rejection::not_scanned(), as_of).is_err() {
            return Ok(false);
        }
        self.write_end(grant, before, &upload).await
    }

    async fn write_end(
        &self,
        grant: &Grant<'_, SweepUploads>,
        before: UploadState,
        upload: &Upload,
    ) -> Result<bool, StorageError> {
        let mut change = Change::new(self, grant, upload.id.as_str())?;
        change.detail("state", &upload.state)?.replace_in_state(
            Collection::Uploads,
            upload.id.as_str(),
            &[before.as_str()],
            upload,
        )?;
        end_upload(&mut change, grant.context(), upload)?;
        match change.commit().await {
            Ok(()) => Ok(true),
            Err(StorageError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
