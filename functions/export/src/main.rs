//! Wires the exports function.

use lambda_kit::{Api, open_storage, required, serve, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();
    let api = Api::new(open_storage()?, required("API_URL")?);

    serve(api, export::routes()).await
}
