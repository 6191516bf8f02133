//! Context token → who calls: API Gateway asks here before a request reaches a function of the tenancy API.
//!
//! It checks the token's signature and age, that nobody ended its session, and that nobody changed what its holder may do
//! since it began. It hands the session's data token to the function. It decides nothing about permissions: those are asked
//! for where the work is done.

use serde::{Deserialize, Serialize};
use storage::{Storage, StorageError};
use tenant_context::token::verify_context_token;

/// A request of a Lambda authorizer of type `TOKEN`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizerRequest {
    /// The `Authorization` header.
    pub authorization_token: String,
    /// The method that was called: `arn:aws:execute-api:<region>:<account>:<api>/<stage>/<method>/<path>`.
    pub method_arn: String,
}

/// What API Gateway wants to know. It remembers it for a minute for the same token, so it covers every method of the API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizerResponse {
    principal_id: String,
    policy_document: PolicyDocument,
    context: Context,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyDocument {
    version: &'static str,
    statement: [Statement; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: &'static str,
    action: &'static str,
    resource: String,
}

/// Handed to the function as `requestContext.authorizer`; callers cannot write there.
#[derive(Debug, Serialize)]
struct Context {
    data_token: String,
    tenancy_id: String,
    principal_id: String,
}

/// Who calls, or nobody.
///
/// # Errors
/// [`StorageError`] when the directory or KMS does not answer: that is our fault, and not a 401.
pub async fn authorize(
    storage: &Storage,
    issuer: &str,
    request: &AuthorizerRequest,
) -> Result<Option<AuthorizerResponse>, StorageError> {
    let Some(token) = bearer(&request.authorization_token) else { return Ok(None) };
    let keys = storage.verification_keys().await?;
    let bearer = match verify_context_token(token, keys, issuer, storage.now()) {
        Ok(bearer) => bearer,
        Err(error) => {
            tracing::info!(%error, "a context token was refused");
            return Ok(None);
        }
    };

    let Some(session) = storage.find_live_session(&bearer).await? else { return Ok(None) };

    Ok(Some(AuthorizerResponse {
        policy_document: PolicyDocument {
            version: "2012-10-17",
            statement: [Statement {
                effect: "Allow",
                action: "execute-api:Invoke",
                resource: every_method(&request.method_arn),
            }],
        },
        context: Context {
            data_token: session.data_token,
            tenancy_id: session.tenancy_id.map(String::from).unwrap_or_default(),
            principal_id: session.principal_id.clone(),
        },
        principal_id: session.principal_id,
    }))
}

/// The sentence that makes API Gateway answer 401.
pub fn unauthorized() -> lambda_runtime::Error {
    "Unauthorized".into()
}

/// The token of RFC 6750; the scheme's name has no case.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn every_method(method_arn: &str) -> String {
    let mut parts = method_arn.splitn(3, '/');
    let (api, stage) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{api}/{stage}/*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_what_follows_the_scheme() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc"), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("abc"), None);
    }

    #[test]
    fn the_answer_covers_every_method_of_the_stage() {
        let arn = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/live/GET/v1/shows/shw_1";
        assert_eq!(every_method(arn), "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/live/*");
    }
}
