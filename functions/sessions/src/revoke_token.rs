//! `POST /oauth/revoke` (RFC 7009): signs out. The session has ended when this answers, everywhere within a minute.

use http::StatusCode;
use lambda_kit::{Problem, Reply, Request, json};
use serde_json::json;
use tenant_context::token::verify_context_token;

use crate::{
    App,
    create_token::{Refusal, describe},
    form::Form,
};

pub(crate) async fn revoke_token(app: App, request: Request) -> Result<Reply, Problem> {
    let Some(token) = Form::parse(&request).find("token") else {
        let description = "Send the context token as token=…, application/x-www-form-urlencoded.";
        return Ok(describe(&Refusal { error: "invalid_request", description }, &[]));
    };

    // Who holds the token may end it: there is nothing else to ask. A token that is none has ended already.
    let keys = app.storage.verification_keys().await?;
    if let Ok(bearer) = verify_context_token(&token, keys, &app.issuer, app.storage.now()) {
        app.storage.end_session(&bearer.session).await?;
    }

    Ok(json(StatusCode::OK, &json!({})))
}
