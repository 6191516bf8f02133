//! The hour's sweep of one tenancy: what no event came for goes on or ends, and nothing is left in the quarantine that nobody waits for.
//!
//! It reads what the scan wrote on the bytes, and never a byte. Every step may happen twice.

use std::collections::HashSet;

use domain::{LOST_AFTER, Upload, UploadState};
use lambda_kit::Failure;
use storage::{QuarantinedVersion, Storage, StorageError, SweepRequest};
use tenant_context::{Grant, TenantContext, Timestamp, Worker, permission::SweepUploads};

/// Sees to the tenancy's uploads as of the moment that `request` names.
///
/// # Errors
/// [`Failure`] when a store does not do its part; running again goes on from there.
pub async fn sweep_uploads(storage: &Storage, request: &SweepRequest) -> Result<(), Failure> {
    let context = TenantContext::from_queue(request.tenancy_id.clone(), Worker::UploadSweep);

    let grant = context.grant::<SweepUploads>().map_err(|denied| Failure::Poison(denied.to_string()))?;

    let unfinished = storage.list_unfinished_uploads(&grant).await?;
    let quarantine = storage.list_quarantine(&grant).await?;
    let mut going_on = HashSet::new();
    for upload in unfinished {
        let id = upload.id.clone();
        let versions = quarantine.iter().filter(|version| version.has_bytes && version.object.upload == id);
        if !see_to(storage, &grant, upload, &versions.collect::<Vec<_>>(), request.as_of).await? {
            going_on.insert(id);
        }
    }
    for version in quarantine.iter().filter(|version| !going_on.contains(&version.object.upload)) {
        // What was written just now has its own event coming.
        if version.written_at.plus(LOST_AFTER) <= request.as_of {
            storage.delete_quarantined(&grant, &version.object).await?;
        }
    }
    Ok(storage.send_notices(&grant).await?)
}

/// Answers whether the upload has ended.
async fn see_to(
    storage: &Storage,
    grant: &Grant<'_, SweepUploads>,
    mut upload: Upload,
    versions: &[&QuarantinedVersion],
    as_of: Timestamp,
) -> Result<bool, StorageError> {
    if upload.is_abandoned(as_of) {
        return storage.expire_upload(grant, upload, as_of).await;
    }
    if !upload.is_lost(as_of) {
        return Ok(false);
    }

    // As its event would have: since they came.
    if let Some(first) = versions.first()
        && upload.state.takes_bytes()
        && upload.start_scanning(first.written_at).is_ok()
    {
        match storage.mark_arrived(grant, &upload).await {
            // Its event has come after all.
            Err(StorageError::Conflict) => return Ok(false),
            result => result?,
        }
    }
    let mut has_verdict = false;
    for version in versions {
        if upload.state == UploadState::Probing && version.object.version != upload.clean_version {
            continue;
        }
        if let Some(result) = storage.find_scan_result(grant, &version.object).await? {
            storage.repeat_verdict(grant, &version.object, &result).await?;
            has_verdict = true;
        }
    }
    if !has_verdict && upload.is_beyond_scanning(as_of) {
        return storage.reject_unscanned(grant, upload, as_of).await;
    }
    Ok(false)
}
