//! Wires the sweep of one tenancy's uploads.

use lambda_kit::{Failure, open_storage, start_logging, work_through};
use uploads::{
    receive_upload::{Arrival, receive_upload},
    sweep_uploads::sweep_uploads,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();
    let storage = &open_storage()?;

    work_through(async |message| {
        if let Some(arrival) = Arrival::read(message) {
            return receive_upload(storage, &arrival).await;
        }
        let request = serde_json::from_str(message).map_err(|error| Failure::Poison(error.to_string()))?;
        sweep_uploads(storage, &request).await
    })
    .await
}
