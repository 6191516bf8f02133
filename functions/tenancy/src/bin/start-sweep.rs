//! Wires the start of a sweep, be it the day's or the hour's.

use lambda_kit::{Tick, open_storage, start_logging};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use tenancy::start_sweep::start_sweep;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    start_logging();
    let storage = &open_storage()?;

    run(service_fn(async move |event: LambdaEvent<Tick>| {
        start_sweep(storage, &event.payload).await.map_err(Error::from)
    }))
    .await
}
