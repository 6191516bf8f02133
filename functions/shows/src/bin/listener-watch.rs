//! Wires the watch over listeners' feed tokens.

use lambda_kit::{Failure, open_storage, start_logging, work_through};
use shows::watch_listener::watch_listener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();
    let storage = &open_storage()?;

    work_through(async |message| {
        let request = serde_json::from_str(message).map_err(|error| Failure::Poison(error.to_string()))?;
        watch_listener(storage, &request).await
    })
    .await
}
