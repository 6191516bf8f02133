//! Wires the import worker.

use std::time::Duration;

use export::carry_out_import::carry_out_import;
use fetch::{Fetcher, Reach};
use lambda_kit::{Failure, open_storage, start_logging, variable, work_through};

/// How long it works at a time: Lambda ends it after fifteen minutes, and a part may take a few.
const SLICE: Duration = Duration::from_secs(8 * 60);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();
    let storage = &open_storage()?;
    let reach: Reach = variable("IMPORT_REACH").unwrap_or_default().parse()?;
    let fetcher = &Fetcher::new(reach);

    work_through(async |message| {
        let request = serde_json::from_str(message).map_err(|error| Failure::Poison(error.to_string()))?;
        carry_out_import(storage, fetcher, &request, SLICE).await
    })
    .await
}
