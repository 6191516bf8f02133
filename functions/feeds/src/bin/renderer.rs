//! Wires the renderer.

use domain::Addresses;
use feeds::render_feed::render_feed;
use lambda_kit::{Failure, open_storage, required, start_logging, work_through};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();
    let storage = &open_storage()?;
    let addresses = &Addresses::public(required("LISTENER_URL")?.parse()?)?;

    work_through(async |message| {
        let request = serde_json::from_str(message).map_err(|error| Failure::Poison(error.to_string()))?;
        render_feed(storage, addresses, &request).await
    })
    .await
}
