//! Wires the listener API.

use feeds::listen::{Listen, routes};
use lambda_kit::{open_storage, serve, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();

    serve(Listen::new(open_storage()?), routes()).await
}
