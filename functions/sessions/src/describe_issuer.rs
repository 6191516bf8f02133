//! OpenID Connect Discovery 1.0 and the JWK set (RFC 7517): what STS, and anybody, needs to check our tokens.
//!
//! IAM wants the members of an OpenID provider, response types included, although we only ever answer at the token endpoint.

use http::{HeaderValue, StatusCode, header};
use lambda_kit::{Problem, Reply, Request, json};
use serde_json::json;
use tenant_context::token::VerificationKey;

use crate::App;

pub(crate) async fn describe_issuer(app: App, _: Request) -> Result<Reply, Problem> {
    let issuer = &app.issuer;
    Ok(cacheable(json(
        StatusCode::OK,
        &json!({
            "issuer": issuer,
            "token_endpoint": format!("{issuer}/oauth/token"),
            "revocation_endpoint": format!("{issuer}/oauth/revoke"),
            "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
            "grant_types_supported": [
                "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange",
            ],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "claims_supported": ["iss", "aud", "sub", "iat", "exp"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }),
    )))
}

pub(crate) async fn list_keys(app: App, _: Request) -> Result<Reply, Problem> {
    let keys = app.storage.verification_keys().await?;
    let keys: Vec<_> = keys.iter().map(VerificationKey::to_jwk).collect();
    Ok(cacheable(json(StatusCode::OK, &json!({ "keys": keys }))))
}

/// Everybody may keep it for five minutes.
fn cacheable(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    reply
}
