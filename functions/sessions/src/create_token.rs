//! `POST /oauth/token`: signs in, with credentials of one kind or another for a context token (RFC 6749, RFC 8693).
//!
//! Answers, errors too, look as RFC 6749 says (5.1 and 5.2), because OAuth clients read them.

use http::{HeaderValue, StatusCode, header};
use lambda_kit::{Problem, Reply, Request, json, openapi::Operation};
use schemars::JsonSchema;
use serde::Serialize;
use storage::{SessionRecord, StorageError};
use tenant_context::{
    SessionId, TenancyId,
    token::{LIFETIME, Subject, Unsigned},
};

use crate::{
    App, Sessions, authenticate_client::authenticate_client, exchange_token::exchange_token, form::Form,
};

const CLIENT_CREDENTIALS: &str = "client_credentials";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const CHOOSE: Refusal = Refusal {
    error: "invalid_target",
    description: "You are a user of several tenancies. Send audience=ten_…, one of tenancies.",
};

/// Who signed in, and at which versions of their access; none for an operator.
pub(crate) struct SignedIn {
    pub subject: Subject,
    pub versions: Option<(u64, u64)>,
}

/// An error as RFC 6749, 5.2 and RFC 8693, 2.2.2 name them.
pub(crate) struct Refusal {
    pub error: &'static str,
    pub description: &'static str,
}

/// Why nobody signed in: a refusal for the caller, or a fault of ours.
pub(crate) enum NoSignIn {
    Refused(Refusal),
    /// They are a user of several tenancies and name none.
    ChooseTenancy(Vec<TenancyId>),
    Failed(StorageError),
}

#[derive(JsonSchema)]
#[allow(dead_code, reason = "told to callers; Form reads one field after the other")]
struct TokenRequest {
    /// `client_credentials`, or `urn:ietf:params:oauth:grant-type:token-exchange`.
    grant_type: String,
    /// Of a machine client: here, or as HTTP Basic.
    client_id: Option<String>,
    /// Of a machine client: here, or as HTTP Basic.
    client_secret: Option<String>,
    /// Of a person: the ID token of the user pool.
    subject_token: Option<String>,
    /// Of a person: `urn:ietf:params:oauth:token-type:id_token`.
    subject_token_type: Option<String>,
    /// Of a person in several tenancies: the one to sign in to.
    audience: Option<TenancyId>,
    /// Of a person who was invited: the secret of the invitation, with the first sign-in.
    invitation: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Token {
    /// The context token.
    access_token: String,
    /// `Bearer` (RFC 6750).
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
}

/// RFC 6749, 5.2.
#[derive(Serialize, JsonSchema)]
pub(crate) struct OauthError<'a> {
    /// The stable name, for programs.
    error: &'static str,
    /// For people.
    error_description: &'static str,
    /// The tenancies to choose from, with `invalid_target`.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tenancies: &'a [TenancyId],
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .takes_as::<TokenRequest>("application/x-www-form-urlencoded")
        .document::<Token>(StatusCode::OK, "application/json", "Signed in.")
        .document::<OauthError>(StatusCode::BAD_REQUEST, "application/json", "Nobody signed in.")
        .document::<OauthError>(
            StatusCode::UNAUTHORIZED,
            "application/json",
            "No client has these credentials.",
        )
}

pub(crate) async fn create_token(app: App, request: Request) -> Result<Reply, Problem> {
    let form = Form::parse(&request);
    let signed_in = match form.find("grant_type").as_deref() {
        Some(CLIENT_CREDENTIALS) => authenticate_client(&app, &request, &form).await,
        Some(TOKEN_EXCHANGE) => exchange_token(&app, &form).await,
        Some(_) => Err(refuse(
            "unsupported_grant_type",
            "Use client_credentials, or urn:ietf:params:oauth:grant-type:token-exchange for people.",
        )),
        None => Err(refuse("invalid_request", "Send grant_type as application/x-www-form-urlencoded.")),
    };

    let signed_in = match signed_in {
        Ok(signed_in) => signed_in,
        Err(NoSignIn::Refused(refusal)) => return Ok(no_sign_in(&refusal, &[])),
        Err(NoSignIn::ChooseTenancy(tenancies)) => return Ok(no_sign_in(&CHOOSE, &tenancies)),
        Err(NoSignIn::Failed(error)) => return Err(error.into()),
    };
    let access_token = start_session(&app, &signed_in).await?;

    let token = Token { access_token, token_type: "Bearer", expires_in: LIFETIME.as_secs() };
    Ok(json(StatusCode::OK, &token))
}

/// Signs both tokens, remembers the session with the data token, and answers the context token.
async fn start_session(app: &Sessions, signed_in: &SignedIn) -> Result<String, StorageError> {
    let (storage, issuer) = (&app.storage, &app.issuer);
    let subject = &signed_in.subject;
    let now = storage.now();
    let session = SessionId::new(now, storage.randomness());
    let key_id = storage.signing_key_id().await?;

    let (context_token, data_token) = tokio::try_join!(
        storage.sign(Unsigned::context_token(issuer, key_id, subject, &session, now)),
        storage.sign(Unsigned::data_token(issuer, key_id, subject, &session, now)),
    )?;
    let (principal_id, tenancy_id) = match subject {
        Subject::Operator => ("operator".to_owned(), None),
        Subject::Member { tenancy, member, .. } => (member.to_string(), Some(tenancy.clone())),
    };
    let record = SessionRecord {
        session_id: session,
        principal_id,
        tenancy_id,
        data_token,
        started_at_versions: signed_in.versions,
        expires_at: now.plus(LIFETIME).unix_seconds(),
    };
    storage.create_session(&record).await?;
    if let Subject::Member { tenancy, member, .. } = subject {
        storage.touch(tenancy, member).await?;
    }
    Ok(context_token)
}

pub(crate) fn refuse(error: &'static str, description: &'static str) -> NoSignIn {
    NoSignIn::Refused(Refusal { error, description })
}

impl From<StorageError> for NoSignIn {
    fn from(error: StorageError) -> Self {
        Self::Failed(error)
    }
}

/// Says no as RFC 6749, 5.2 has it. `tenancies` are those that the caller may choose from.
pub(crate) fn no_sign_in(refusal: &Refusal, tenancies: &[TenancyId]) -> Reply {
    let is_client = refusal.error == "invalid_client";
    let status = if is_client { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    let body = OauthError { error: refusal.error, error_description: refusal.description, tenancies };
    let mut reply = json(status, &body);
    if is_client {
        reply.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
    }
    reply
}
