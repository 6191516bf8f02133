//! The media worker: a scan verdict → media, or a reason why not.
//!
//! Every step may happen twice: promotion is by content, the end of an upload is one conditional transaction, and only then
//! do the bytes leave the quarantine. Killed anywhere and run again, there is one medium and one end.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom},
};

use domain::{ContentHash, Media, Rejection, RejectionCode, Upload, UploadState};
use lambda_kit::Failure;
use media::{ProbeError, Probed, Refusal, probe};
use serde::Deserialize;
use storage::{Quarantined, Storage, StorageError};
use tenant_context::{Grant, MediaId, TenancyId, TenantContext, UploadId, Worker, permission::ProcessUpload};

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
pub async fn process_upload(storage: &Storage, verdict: &ScanVerdict) -> Result<(), Failure> {
    let context = TenantContext::from_queue(verdict.tenancy.clone(), Worker::Media);
    let grant = context.grant::<ProcessUpload>().map_err(|denied| Failure::Poison(denied.to_string()))?;
    let Some(upload) = storage.find_upload(&context, &verdict.object.upload).await? else {
        tracing::info!(upload = %verdict.object.upload, "a verdict about an upload that was given up");
        return Ok(storage.delete_quarantined(&grant, &verdict.object).await?);
    };

    if !upload.state.is_final() {
        decide(storage, &grant, verdict, upload).await?;
    }

    Ok(storage.delete_quarantined(&grant, &verdict.object).await?)
}

async fn decide(
    storage: &Storage,
    grant: &Grant<'_, ProcessUpload>,
    verdict: &ScanVerdict,
    mut upload: Upload,
) -> Result<(), Failure> {
    let refusal = match verdict.status {
        ScanStatus::Clean => None,
        ScanStatus::Threat => Some(Rejection {
            code: RejectionCode::ThreatFound,
            detail:
                "The malware scan found a threat in the file. Clean it at its source and upload it again."
                    .to_owned(),
        }),
        ScanStatus::NoVerdict => Some(Rejection {
            code: RejectionCode::NotScanned,
            detail:
                "The malware scan came to no verdict, and nothing unscanned is kept. Upload the file again."
                    .to_owned(),
        }),
    };
    if let Some(rejection) = refusal {
        return Ok(reject(storage, grant, upload, rejection).await?);
    }

    if upload.state == UploadState::Created {
        upload.start_scanning(storage.now()).map_err(poison)?;
    }
    if upload.state == UploadState::Scanning {
        upload.start_probing(storage.now()).map_err(poison)?;
        storage.advance_upload(grant, &upload, None).await?;
    }

    let mut file = tempfile::tempfile()?;
    let (hash, size_bytes) = storage.fetch_quarantined(grant, &verdict.object, &mut file).await?;
    file.seek(SeekFrom::Start(0))?;
    match examine(&upload, &hash, size_bytes, file)? {
        Err(rejection) => Ok(reject(storage, grant, upload, rejection).await?),
        Ok(probed) => promote(storage, grant, verdict, upload, (hash, size_bytes, probed)).await,
    }
}

/// Whether the bytes are the ones that were announced, and audio.
fn examine(
    upload: &Upload,
    hash: &ContentHash,
    size_bytes: u64,
    file: File,
) -> Result<Result<Probed, Rejection>, io::Error> {
    if size_bytes != upload.size_bytes {
        let announced = upload.size_bytes;
        return Ok(Err(Rejection {
            code: RejectionCode::WrongSize,
            detail: format!(
                "The file has {size_bytes} bytes, and {announced} were announced. Upload it again."
            ),
        }));
    }
    if upload.sha256.as_ref().is_some_and(|announced| announced != hash) {
        return Ok(Err(Rejection {
            code: RejectionCode::WrongChecksum,
            detail: format!(
                "The file's SHA-256 is {hash}, which is not the one that was announced. Upload it again."
            ),
        }));
    }
    match probe(file) {
        Ok(probed) => Ok(Ok(probed)),
        Err(ProbeError::Refused(refusal)) => {
            Ok(Err(Rejection { code: code(refusal), detail: refusal.to_string() }))
        }
        Err(ProbeError::Unreadable(error)) => Err(error),
    }
}

fn code(refusal: Refusal) -> RejectionCode {
    match refusal {
        Refusal::EmptyFile => RejectionCode::EmptyFile,
        Refusal::NotAudio => RejectionCode::NotAudio,
        Refusal::UnsupportedFormat => RejectionCode::UnsupportedFormat,
        Refusal::UnsupportedCodec => RejectionCode::UnsupportedCodec,
        Refusal::Fragmented => RejectionCode::Fragmented,
        Refusal::Video => RejectionCode::Video,
        Refusal::NoAudioTrack => RejectionCode::NoAudioTrack,
        Refusal::SeveralTracks => RejectionCode::SeveralTracks,
        Refusal::Encrypted => RejectionCode::Encrypted,
        Refusal::Truncated => RejectionCode::Truncated,
        Refusal::Damaged => RejectionCode::Damaged,
        Refusal::TooShort => RejectionCode::TooShort,
    }
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
    mut upload: Upload,
    (hash, size_bytes, probed): (ContentHash, u64, Probed),
) -> Result<(), Failure> {
    storage.promote(grant, &verdict.object, &hash, probed.format).await?;

    let now = storage.now();
    let known = storage.find_media_by_hash(grant, &hash).await?;
    let is_new = known.is_none();
    let media = known.unwrap_or_else(|| Media {
        id: MediaId::new(now, storage.randomness()),
        hash,
        size_bytes,
        format: probed.format,
        duration_milliseconds: u64::try_from(probed.duration.as_millis()).unwrap_or(u64::MAX),
        codec: probed.codec.as_str().to_owned(),
        bit_rate: probed.bit_rate,
        channels: probed.channels,
        sample_rate_hz: probed.sample_rate_hz,
        created_at: now,
    });
    upload.finish(media.id.clone(), now).map_err(poison)?;
    // When the same bytes became media at the same moment this fails, the message comes back, and finds that medium.
    Ok(storage.advance_upload(grant, &upload, is_new.then_some(&media)).await?)
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
