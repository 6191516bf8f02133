//! Wires the shows function.

use domain::Addresses;
use lambda_kit::{Api, open_storage, required, serve, start_logging};
use shows::Shows;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();
    let app = Shows {
        api: Api::new(open_storage()?, required("API_URL")?),
        addresses: Addresses::public(required("LISTENER_URL")?.parse()?)?,
    };

    serve(app, shows::routes()).await
}
