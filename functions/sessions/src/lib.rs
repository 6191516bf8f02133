//! Sign-in → context token: the OAuth 2.0 token endpoint, the documents that let others check our tokens, and the one that
//! describes the API.
//!
//! The only function that may sign. It never sees a tenancy's data.

use std::sync::Arc;

use http::{HeaderValue, header};
use identity::IdTokens;
use lambda_kit::{Reply, routes};
use storage::{SecretHash, Storage};

mod authenticate_client;
mod create_token;
mod describe_api;
mod describe_issuer;
mod exchange_token;
mod form;
mod list_keys;
mod revoke_token;

pub use describe_api::{ApiDescription, EXAMPLE_API_URL, EXAMPLE_LISTENER_URL};

/// What the operations need.
pub struct Sessions {
    /// The directory and the signing key.
    pub storage: Storage,
    /// The URL of the tenancy API: who issues tokens.
    pub issuer: String,
    /// Checks what people bring from the user pool.
    pub id_tokens: IdTokens,
    /// The client of people who have a password or a passkey at the user pool: the audience of their ID tokens.
    pub user_pool_client_id: String,
    /// The hash of the operator's secret; none when no operator may sign in.
    pub operator_secret: Option<SecretHash>,
    /// What all functions do.
    pub api_description: ApiDescription,
}

routes! {
    /// The routes.
    pub fn routes() -> Router<Sessions>;
    /// What they do.
    pub fn operations();

    POST "/oauth/token" => create_token,
    POST "/oauth/revoke" => revoke_token,
    GET "/.well-known/openid-configuration" => describe_issuer,
    GET "/.well-known/jwks.json" => list_keys,
    GET "/openapi.json" => describe_api,
}

type App = Arc<Sessions>;

/// Everybody may keep it for five minutes.
fn cacheable(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    reply
}
