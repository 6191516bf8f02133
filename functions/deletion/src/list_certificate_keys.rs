//! `GET /.well-known/certificate-keys.json`: lists the public keys of certificates' signatures, as a JWK set (RFC 7517). Whoever keeps
//! a certificate keeps this too, and needs nobody else to check it.

use http::StatusCode;
use lambda_kit::{Problem, Reply, Request, json, openapi::Operation};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::App;

#[derive(Serialize, JsonSchema)]
struct CertificateKeys {
    /// Keys on P-256 (RFC 7518, 6.2.1), each with its `kid`.
    keys: Vec<Value>,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.document::<CertificateKeys>(StatusCode::OK, "application/json", "The keys.")
}

pub(crate) async fn list_certificate_keys(app: App, _: Request) -> Result<Reply, Problem> {
    let key = app.certificate_key().await?;
    Ok(json(StatusCode::OK, &CertificateKeys { keys: vec![key.to_jwk()] }))
}
