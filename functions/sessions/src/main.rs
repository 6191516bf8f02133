//! Wires the sessions function.

use lambda_kit::{open_storage, required, serve, start_logging, variable};
use sessions::{Sessions, routes};
use storage::SecretHash;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();
    let app = Sessions {
        storage: open_storage()?,
        issuer: required("API_URL")?,
        operator_secret: variable("OPERATOR_SECRET_SHA256").map(|hex| SecretHash::from_hex(&hex)),
    };

    serve(app, routes()).await
}
