//! Wires what holds the ledger of tombstones against tables that were restored.

use deletion::replay_tombstones::{ReplayRequest, replay_tombstones};
use lambda_kit::{open_storage, start_logging};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    start_logging();
    let storage = &open_storage()?;

    run(service_fn(async move |event: LambdaEvent<ReplayRequest>| {
        replay_tombstones(storage, &event.payload).await.map_err(|failure| Error::from(failure.to_string()))
    }))
    .await
}
