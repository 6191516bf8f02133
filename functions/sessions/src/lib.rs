//! Sign-in → context token: the OAuth 2.0 token endpoint, and the documents that let others check our tokens.
//!
//! The only function that may sign. It never sees a tenancy's data.

use std::sync::Arc;

use http::Method;
use identity::IdTokens;
use lambda_kit::Router;
use storage::{SecretHash, Storage};

mod authenticate_client;
mod create_token;
mod describe_issuer;
mod exchange_token;
mod form;
mod revoke_token;

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
}

/// The routes.
pub fn routes() -> Router<Sessions> {
    Router::new()
        .route(Method::POST, "/oauth/token", create_token::create_token)
        .route(Method::POST, "/oauth/revoke", revoke_token::revoke_token)
        .route(Method::GET, "/.well-known/openid-configuration", describe_issuer::describe_issuer)
        .route(Method::GET, "/.well-known/jwks.json", describe_issuer::list_keys)
}

type App = Arc<Sessions>;
