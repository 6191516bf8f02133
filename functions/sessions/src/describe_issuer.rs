//! `GET /.well-known/openid-configuration`: tells STS, and anybody, where our keys are (OpenID Connect Discovery 1.0).
//!
//! IAM wants the members of an OpenID provider, response types included, although we only ever answer at the token endpoint.

use http::StatusCode;
use lambda_kit::{Problem, Reply, Request, json, openapi::Operation};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{App, cacheable};

#[derive(Serialize, JsonSchema)]
struct OpenidConfiguration<'a> {
    issuer: &'a str,
    token_endpoint: String,
    revocation_endpoint: String,
    jwks_uri: String,
    grant_types_supported: &'static [&'static str],
    token_endpoint_auth_methods_supported: &'static [&'static str],
    response_types_supported: &'static [&'static str],
    subject_types_supported: &'static [&'static str],
    claims_supported: &'static [&'static str],
    id_token_signing_alg_values_supported: &'static [&'static str],
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.document::<OpenidConfiguration>(StatusCode::OK, "application/json", "The configuration.")
}

pub(crate) async fn describe_issuer(app: App, _: Request) -> Result<Reply, Problem> {
    let issuer = &app.issuer;
    let configuration = OpenidConfiguration {
        issuer,
        token_endpoint: format!("{issuer}/oauth/token"),
        revocation_endpoint: format!("{issuer}/oauth/revoke"),
        jwks_uri: format!("{issuer}/.well-known/jwks.json"),
        grant_types_supported: &["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"],
        token_endpoint_auth_methods_supported: &["client_secret_basic", "client_secret_post"],
        response_types_supported: &["id_token"],
        subject_types_supported: &["public"],
        claims_supported: &["iss", "aud", "sub", "iat", "exp"],
        id_token_signing_alg_values_supported: &["RS256"],
    };
    Ok(cacheable(json(StatusCode::OK, &configuration)))
}
