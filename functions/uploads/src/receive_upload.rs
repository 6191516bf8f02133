//! Bytes have come: S3's event → the upload is being scanned, whoever completes it or not.

use lambda_kit::Failure;
use serde::Deserialize;
use storage::{Storage, StorageError};
use tenant_context::{TenancyId, TenantContext, UploadId, Worker, permission::SweepUploads};

/// An object was written to the quarantine: S3's event as EventBridge delivers it.
#[derive(Debug)]
pub struct Arrival {
    tenancy: TenancyId,
    upload: UploadId,
}

#[derive(Deserialize)]
struct Event {
    source: Source,
    detail: Detail,
}

#[derive(Deserialize)]
enum Source {
    #[serde(rename = "aws.s3")]
    S3,
}

#[derive(Deserialize)]
struct Detail {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    key: String,
}

impl Arrival {
    /// Reads the event; none when the message is something else.
    pub fn read(message: &str) -> Option<Self> {
        let Event { source: Source::S3, detail } = serde_json::from_str(message).ok()?;
        let (tenancy, upload) = detail.object.key.split_once('/')?;
        Some(Self { tenancy: tenancy.parse().ok()?, upload: upload.parse().ok()? })
    }
}

/// Writes that the bytes are there, unless that is known, or the upload was given up.
///
/// # Errors
/// [`Failure`] when a store does not do its part; running again is as good.
pub async fn receive_upload(storage: &Storage, arrival: &Arrival) -> Result<(), Failure> {
    let context = TenantContext::from_queue(arrival.tenancy.clone(), Worker::UploadSweep);

    let grant = context.grant::<SweepUploads>().map_err(|denied| Failure::Poison(denied.to_string()))?;

    let Some(mut upload) = storage.find_upload(&context, &arrival.upload).await? else { return Ok(()) };
    if !upload.state.takes_bytes() || upload.start_scanning(storage.now()).is_err() {
        return Ok(());
    }
    match storage.mark_arrived(&grant, &upload).await {
        Err(StorageError::Conflict) => Ok(()),
        result => Ok(result?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(source: &str, key: &str) -> String {
        format!(
            r#"{{"detail-type":"Object Created","source":"{source}",
            "detail":{{"bucket":{{"name":"b"}},"object":{{"key":"{key}","size":9,"version-id":"v1"}}}}}}"#
        )
    }

    const KEY: &str = "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV/upl_01ARZ3NDEKTSV4RRFFQ69G5FAV";

    #[test]
    fn an_arrival_names_tenancy_and_upload() {
        let arrival = Arrival::read(&event("aws.s3", KEY)).unwrap();
        assert_eq!(arrival.tenancy.as_str(), "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV");
        assert_eq!(arrival.upload.as_str(), "upl_01ARZ3NDEKTSV4RRFFQ69G5FAV");
    }

    #[test]
    fn what_is_no_arrival_is_not_read() {
        for message in
            ["", "{}", &event("aws.guardduty", KEY), &event("aws.s3", "ten_*/upl_*"), &event("aws.s3", "key")]
        {
            assert!(Arrival::read(message).is_none(), "{message}");
        }
    }
}
