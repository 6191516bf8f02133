//! Wires the media worker.

use lambda_kit::{Failure, open_storage, start_logging, work_through};
use uploads::process_upload::{ScanVerdict, process_upload};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();
    let storage = &open_storage()?;

    work_through(async |message| {
        let verdict = ScanVerdict::read(message).map_err(|error| Failure::Poison(error.to_string()))?;
        process_upload(storage, &verdict).await
    })
    .await
}
