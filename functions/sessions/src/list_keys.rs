//! `GET /.well-known/jwks.json`: lists the public keys of tokens' signatures, as a JWK set (RFC 7517).

use http::StatusCode;
use lambda_kit::{Problem, Reply, Request, json, openapi::Operation};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tenant_context::token::VerificationKey;

use crate::{App, cacheable};

#[derive(Serialize, JsonSchema)]
struct JwkSet {
    /// RSA keys (RFC 7518, 6.3.1), each with its `kid`.
    keys: Vec<Value>,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.document::<JwkSet>(StatusCode::OK, "application/json", "The keys.")
}

pub(crate) async fn list_keys(app: App, _: Request) -> Result<Reply, Problem> {
    let keys = app.storage.verification_keys().await?;
    let keys = keys.iter().map(VerificationKey::to_jwk).collect();
    Ok(cacheable(json(StatusCode::OK, &JwkSet { keys })))
}
