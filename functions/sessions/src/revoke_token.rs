//! `POST /oauth/revoke`: signs out (RFC 7009). The session has ended when this answers, everywhere within a minute.

use http::StatusCode;
use lambda_kit::{Problem, Reply, Request, json, openapi::Operation};
use schemars::JsonSchema;
use serde::Serialize;
use tenant_context::token::verify_context_token;

use crate::{
    App,
    create_token::{OauthError, Refusal, no_sign_in},
    form::Form,
};

#[derive(JsonSchema)]
#[allow(dead_code, reason = "told to callers; Form reads one field after the other")]
struct RevocationRequest {
    /// The context token.
    token: String,
}

/// Nothing needs to be said.
#[derive(Serialize, JsonSchema)]
struct Revoked {}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .takes_as::<RevocationRequest>("application/x-www-form-urlencoded")
        .document::<Revoked>(StatusCode::OK, "application/json", "Signed out.")
        .document::<OauthError>(StatusCode::BAD_REQUEST, "application/json", "Not as RFC 7009 has it.")
}

pub(crate) async fn revoke_token(app: App, request: Request) -> Result<Reply, Problem> {
    let Some(token) = Form::parse(&request).find("token") else {
        let description = "Send the context token as token=…, application/x-www-form-urlencoded.";
        return Ok(no_sign_in(&Refusal { error: "invalid_request", description }, &[]));
    };

    // Who holds the token may end it: there is nothing else to ask. A token that is none has ended already.
    let keys = app.storage.verification_keys().await?;
    if let Ok(bearer) = verify_context_token(&token, keys, &app.issuer, app.storage.now()) {
        app.storage.end_session(&bearer.session).await?;
    }

    Ok(json(StatusCode::OK, &Revoked {}))
}
