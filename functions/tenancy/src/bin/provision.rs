//! Wires the provision function.

use identity::People;
use lambda_kit::{Api, open_storage, required, serve, start_logging};
use tenancy::Admin;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();
    let storage = open_storage()?;
    let people = People::new(&storage, required("USER_POOL_ID")?);
    let app = Admin { api: Api::new(storage, required("API_URL")?), people };

    serve(app, tenancy::provision_routes()).await
}
