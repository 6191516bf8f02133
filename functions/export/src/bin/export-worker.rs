//! Wires the export worker.

use std::time::Duration;

use domain::Addresses;
use export::prepare_export::prepare_export;
use lambda_kit::{Failure, open_storage, required, start_logging, work_through};

/// How long it works at a time: Lambda ends it after fifteen minutes, and a part may take a few.
const SLICE: Duration = Duration::from_secs(8 * 60);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();
    let storage = &open_storage()?;
    let addresses = &Addresses::public(required("LISTENER_URL")?.parse()?)?;

    work_through(async |message| {
        let request = serde_json::from_str(message).map_err(|error| Failure::Poison(error.to_string()))?;
        prepare_export(storage, addresses, &request, SLICE).await
    })
    .await
}
