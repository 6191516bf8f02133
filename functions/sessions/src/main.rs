//! Wires the sessions function.

use std::sync::Arc;

use identity::IdTokens;
use lambda_kit::{SystemClock, open_storage, required, serve, start_logging, variable};
use sessions::{ApiDescription, Sessions, routes};
use storage::SecretHash;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();
    let endpoint_url = variable("AWS_ENDPOINT_URL");
    let issuer = required("API_URL")?;
    let app = Sessions {
        storage: open_storage()?,
        id_tokens: IdTokens::new(
            required("USER_POOL_ISSUER")?,
            endpoint_url.as_deref(),
            Arc::new(SystemClock),
        )?,
        user_pool_client_id: required("USER_POOL_CLIENT_ID")?,
        operator_secret: variable("OPERATOR_SECRET_SHA256").map(|hex| SecretHash::from_hex(&hex)),
        api_description: ApiDescription::new(issuer.clone(), required("LISTENER_URL")?),
        issuer,
    };

    serve(app, routes()).await
}
