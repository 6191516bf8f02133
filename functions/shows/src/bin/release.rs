//! Wires the release function: the minute's sweep.

use lambda_kit::{Tick, open_storage, start_logging};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use shows::release_due::release_due;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    start_logging();
    let storage = &open_storage()?;

    run(service_fn(async move |event: LambdaEvent<Tick>| {
        release_due(storage, &event.payload).await.map_err(Error::from)
    }))
    .await
}
