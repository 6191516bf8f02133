//! The media worker: a scan verdict → media, or a reason why not.
//!
//! Every step may happen twice: promotion is by content, the end of an upload is one conditional transaction, and only then
//! do the bytes leave the quarantine. Killed anywhere and run again, there is one medium and one end.

use std::fs::File;

use domain::{Media, MediaFile, MediaFormat, Rejection, RejectionCode, Upload, UploadState};
use lambda_kit::Failure;
use serde::Deserialize;
use storage::{Measure, Measured, Quarantined, Storage, StorageError};
use tenant_context::{Grant, MediaId, TenancyId, TenantContext, UploadId, Worker, permission::ProcessUpload};

use crate::{
    renditions::{self, Examined},
    sandbox::Sandbox,
};

/// What the scanner said of one version of an uploaded object: the event of GuardDuty Malware Protection for S3.
#[derive(Debug)]
pub struct ScanVerdict {
    tenancy: TenancyId,
    object: Quarantined,
    status: ScanStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ScanStatus {
    Clean,
    Threat,
    NoVerdict,
}

#[derive(Deserialize)]
struct Event {
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    s3_object_details: ObjectDetails,
    #[serde(default)]
    scan_result_details: ResultDetails,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectDetails {
    object_key: String,
    #[serde(default)]
    version_id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResultDetails {
    #[serde(default)]
    scan_result_status: String,
}

/// The message is not a scan verdict about an upload.
#[derive(Debug, thiserror::Error)]
#[error("not a scan verdict about an upload: {0}")]
pub struct NotAVerdict(String);

impl ScanVerdict {
    /// Reads the event as EventBridge delivers it.
    ///
    /// # Errors
    /// [`NotAVerdict`] when it is something else.
    pub fn read(message: &str) -> Result<Self, NotAVerdict> {
        let unreadable = |what: &dyn std::fmt::Display| NotAVerdict(what.to_string());
        let Event { detail } = serde_json::from_str(message).map_err(|error| unreadable(&error))?;
        let object = detail.s3_object_details;
        let (tenancy, upload) =
            object.object_key.split_once('/').ok_or_else(|| unreadable(&object.object_key))?;
        Ok(Self {
            tenancy: tenancy.parse().map_err(|error| unreadable(&error))?,
            object: Quarantined {
                upload: upload.parse::<UploadId>().map_err(|error| unreadable(&error))?,
                version: object.version_id.filter(|version| !version.is_empty() && version != "null"),
            },
            // The plural and the singular are both in the documents.
            status: match detail.scan_result_details.scan_result_status.as_str() {
                "NO_THREATS_FOUND" => ScanStatus::Clean,
                "THREATS_FOUND" | "THREAT_FOUND" => ScanStatus::Threat,
                _ => ScanStatus::NoVerdict,
            },
        })
    }
}

/// Decides what becomes of an upload.
///
/// # Errors
/// [`Failure`] when a store or the disk does not do its part; running again goes on from there.
pub async fn process_upload(
    storage: &Storage,
    sandbox: &Sandbox,
    verdict: &ScanVerdict,
) -> Result<(), Failure> {
    let context = TenantContext::from_queue(verdict.tenancy.clone(), Worker::Media);
    let grant = context.grant::<ProcessUpload>().map_err(|denied| Failure::Poison(denied.to_string()))?;
    let Some(upload) = storage.find_upload(&context, &verdict.object.upload).await? else {
        tracing::info!(upload = %verdict.object.upload, "a verdict about an upload that was given up");
        return Ok(storage.delete_quarantined(&grant, &verdict.object).await?);
    };

    if !upload.state.is_final() {
        decide(storage, &grant, sandbox, verdict, upload).await?;
    }

    storage.delete_quarantined(&grant, &verdict.object).await?;
    Ok(storage.send_notice_of_end(&grant, &verdict.object.upload).await?)
}

async fn decide(
    storage: &Storage,
    grant: &Grant<'_, ProcessUpload>,
    sandbox: &Sandbox,
    verdict: &ScanVerdict,
    mut upload: Upload,
) -> Result<(), Failure> {
    if upload.state == UploadState::Probing && upload.clean_version != verdict.object.version {
        tracing::info!(upload = %upload.id, "a verdict about bytes that were sent after those that count");
        return Ok(());
    }
    let refusal = match verdict.status {
        ScanStatus::Clean => None,
        ScanStatus::Threat => Some(Rejection {
            code: RejectionCode::ThreatFound,
            detail:
                "The malware scan found a threat in the file. Clean it at its source and upload it again."
                    .to_owned(),
        }),
        ScanStatus::NoVerdict => Some(Rejection::not_scanned()),
    };
    if let Some(rejection) = refusal {
        return Ok(reject(storage, grant, upload, rejection).await?);
    }

    if upload.state.takes_bytes() {
        upload.start_scanning(storage.now()).map_err(poison)?;
    }
    if upload.state == UploadState::Scanning {
        upload.start_probing(verdict.object.version.clone(), storage.now()).map_err(poison)?;
        storage.advance_upload(grant, &upload, None).await?;
    }

    let mut file = tempfile::tempfile()?;
    let measure = storage.fetch_quarantined(grant, &verdict.object, &mut file).await?;
    match examine(storage, grant, sandbox, &upload, &file, measure).await? {
        Outcome::Refused(rejection) => Ok(reject(storage, grant, upload, rejection).await?),
        Outcome::Known(media) => finish(storage, grant, upload, &media, false).await,
        Outcome::New(original, examined) => {
            promote(storage, grant, verdict, upload, (original, *examined)).await
        }
    }
}

enum Outcome {
    Refused(Rejection),
    /// The same bytes are media already.
    Known(Box<Media>),
    New(MediaFile, Box<Examined>),
}

/// Whether the bytes are the ones that were announced, and what they are.
async fn examine(
    storage: &Storage,
    grant: &Grant<'_, ProcessUpload>,
    sandbox: &Sandbox,
    upload: &Upload,
    file: &File,
    measure: Measure,
) -> Result<Outcome, Failure> {
    let measured = measure.finish()?;
    if let Err(rejection) = check_announced(upload, &measured) {
        return Ok(Outcome::Refused(rejection));
    }
    if let Some(media) = storage.find_media_by_hash(grant, &measured.hash, upload.enclosure).await? {
        return Ok(match check_kind(upload, media.original.format) {
            Ok(()) => Outcome::Known(Box::new(media)),
            Err(rejection) => Outcome::Refused(rejection),
        });
    }

    Ok(match renditions::examine(sandbox, file, &upload.content_type, upload.enclosure).await? {
        Err(rejection) => Outcome::Refused(rejection),
        Ok(examined) => match check_kind(upload, examined.format) {
            Err(rejection) => Outcome::Refused(rejection),
            Ok(()) => Outcome::New(measured.of(examined.format), Box::new(examined)),
        },
    })
}

fn check_announced(upload: &Upload, measured: &Measured) -> Result<(), Rejection> {
    let (announced, size_bytes) = (upload.size_bytes, measured.size_bytes);
    if size_bytes != announced {
        return Err(Rejection {
            code: RejectionCode::WrongSize,
            detail: format!(
                "The file has {size_bytes} bytes, and {announced} were announced. Upload it again."
            ),
        });
    }
    if upload.sha256.as_ref().is_some_and(|announced| *announced != measured.hash) {
        let hash = &measured.hash;
        return Err(Rejection {
            code: RejectionCode::WrongChecksum,
            detail: format!(
                "The file's SHA-256 is {hash}, which is not the one that was announced. Upload it again."
            ),
        });
    }
    Ok(())
}

/// Whether the file is of the kind that was announced. Which format of that kind it is, only its bytes tell.
fn check_kind(upload: &Upload, found: MediaFormat) -> Result<(), Rejection> {
    let announced = &upload.content_type;
    if announced.may_be(found) {
        return Ok(());
    }
    Err(Rejection {
        code: RejectionCode::TypeMismatch,
        detail: format!(
            "The file was announced as {announced} and is {}. Upload it as what it is, or the file that you meant.",
            found.content_type()
        ),
    })
}

async fn reject(
    storage: &Storage,
    grant: &Grant<'_, ProcessUpload>,
    mut upload: Upload,
    rejection: Rejection,
) -> Result<(), StorageError> {
    if upload.reject(rejection, storage.now()).is_err() {
        return Ok(());
    }
    ended(storage.advance_upload(grant, &upload, None).await)
}

async fn promote(
    storage: &Storage,
    grant: &Grant<'_, ProcessUpload>,
    verdict: &ScanVerdict,
    upload: Upload,
    (original, examined): (MediaFile, Examined),
) -> Result<(), Failure> {
    for made in &examined.renditions {
        storage.write_rendition(grant, &made.rendition.file, made.path()).await?;
    }
    storage.promote(grant, &verdict.object, &original).await?;

    let now = storage.now();
    let media = Media {
        id: MediaId::new(now, storage.randomness()),
        original,
        content: examined.content,
        renditions: examined.renditions.into_iter().map(|made| made.rendition).collect(),
        created_at: now,
    };
    // When the same bytes became media at the same moment this fails, the message comes back, and finds that medium.
    finish(storage, grant, upload, &media, true).await
}

async fn finish(
    storage: &Storage,
    grant: &Grant<'_, ProcessUpload>,
    mut upload: Upload,
    media: &Media,
    is_new: bool,
) -> Result<(), Failure> {
    upload.finish(media, storage.now()).map_err(poison)?;
    Ok(storage.advance_upload(grant, &upload, is_new.then_some(media)).await?)
}

/// An upload that another delivery of the same verdict has ended is ended.
fn ended(result: Result<(), StorageError>) -> Result<(), StorageError> {
    match result {
        Err(StorageError::Conflict) => Ok(()),
        result => result,
    }
}

fn poison(error: impl std::fmt::Display) -> Failure {
    Failure::Poison(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(key: &str, result: &str) -> String {
        format!(
            r#"{{"source":"aws.guardduty","detail":{{"schemaVersion":"1.0","scanStatus":"COMPLETED",
            "s3ObjectDetails":{{"bucketName":"b","objectKey":"{key}","eTag":"e","versionId":"v1","s3Throttled":false}},
            "scanResultDetails":{{"scanResultStatus":"{result}","threats":null}}}}}}"#
        )
    }

    const KEY: &str = "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV/upl_01ARZ3NDEKTSV4RRFFQ69G5FAV";

    #[test]
    fn only_no_threats_found_is_clean() {
        for (result, status) in [
            ("NO_THREATS_FOUND", ScanStatus::Clean),
            ("THREATS_FOUND", ScanStatus::Threat),
            ("THREAT_FOUND", ScanStatus::Threat),
            ("UNSUPPORTED", ScanStatus::NoVerdict),
            ("ACCESS_DENIED", ScanStatus::NoVerdict),
            ("FAILED", ScanStatus::NoVerdict),
            ("", ScanStatus::NoVerdict),
        ] {
            assert_eq!(ScanVerdict::read(&event(KEY, result)).unwrap().status, status, "{result}");
        }
    }

    #[test]
    fn a_verdict_names_tenancy_upload_and_version() {
        let verdict = ScanVerdict::read(&event(KEY, "NO_THREATS_FOUND")).unwrap();
        assert_eq!(verdict.tenancy.as_str(), "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV");
        assert_eq!(verdict.object.upload.as_str(), "upl_01ARZ3NDEKTSV4RRFFQ69G5FAV");
        assert_eq!(verdict.object.version.as_deref(), Some("v1"));
    }

    #[test]
    fn what_is_no_verdict_is_refused() {
        for message in
            ["", "{}", &event("ten_*/upl_*", "NO_THREATS_FOUND"), &event("key", "NO_THREATS_FOUND")]
        {
            assert!(ScanVerdict::read(message).is_err(), "{message}");
        }
    }
}
