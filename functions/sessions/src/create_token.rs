//! `POST /oauth/token`: client credentials (RFC 6749, 4.4) for a context token.
//!
//! Answers, errors too, look as RFC 6749 says (5.1 and 5.2), because OAuth clients read them.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, StatusCode, header};
use lambda_kit::{Problem, Reply, Request, json};
use serde::Serialize;
use storage::{SessionRecord, StorageError};
use tenant_context::{
    ClientId, SessionId,
    token::{LIFETIME, Subject, Unsigned},
};
use url::form_urlencoded;

use crate::{App, Sessions};

const OPERATOR: &str = "operator";

#[derive(Serialize)]
struct Token {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
}

#[derive(Serialize)]
struct OauthError {
    error: &'static str,
    error_description: &'static str,
}

struct Credentials {
    client_id: String,
    client_secret: String,
}

pub(crate) async fn create_token(app: App, request: Request) -> Result<Reply, Problem> {
    let form = Form::parse(&request);
    match form.find("grant_type").as_deref() {
        Some("client_credentials") => {}
        Some(_) => return Ok(refused("unsupported_grant_type", "Use grant_type=client_credentials.")),
        None => {
            return Ok(refused(
                "invalid_request",
                "Send grant_type=client_credentials as application/x-www-form-urlencoded.",
            ));
        }
    }
    let Some(credentials) = basic(&request).or_else(|| form.credentials()) else {
        return Ok(refused(
            "invalid_client",
            "Send client_id and client_secret, in the form or as HTTP Basic.",
        ));
    };

    let Some(subject) = find_subject(&app, &credentials).await? else {
        return Ok(refused("invalid_client", "No client has this client_id and client_secret."));
    };

    let access_token = start_session(&app, &subject).await?;

    let token = Token { access_token, token_type: "Bearer", expires_in: LIFETIME.as_secs() };
    Ok(json(StatusCode::OK, &token))
}

/// Who has these credentials. An unknown client and a wrong secret are the same nobody.
async fn find_subject(app: &Sessions, credentials: &Credentials) -> Result<Option<Subject>, StorageError> {
    if credentials.client_id == OPERATOR {
        let is_operator =
            app.operator_secret.as_ref().is_some_and(|hash| hash.matches(&credentials.client_secret));
        return Ok(is_operator.then_some(Subject::Operator));
    }
    let Ok(client_id) = credentials.client_id.parse::<ClientId>() else { return Ok(None) };
    let record = app.storage.find_client_record(&client_id).await?;
    Ok(record.filter(|record| record.secret_hash.matches(&credentials.client_secret)).map(|record| {
        Subject::Client { tenancy: record.tenancy_id, client: record.client_id, groups: record.groups }
    }))
}

/// Signs both tokens, remembers the session with the data token, and answers the context token.
async fn start_session(app: &Sessions, subject: &Subject) -> Result<String, StorageError> {
    let (storage, issuer) = (&app.storage, &app.issuer);
    let now = storage.now();
    let session = SessionId::new(now, storage.randomness());
    let key_id = storage.signing_key_id().await?;

    let (context_token, data_token) = tokio::try_join!(
        storage.sign(Unsigned::context_token(issuer, key_id, subject, &session, now)),
        storage.sign(Unsigned::data_token(issuer, key_id, subject, &session, now)),
    )?;
    let (principal_id, tenancy_id) = match subject {
        Subject::Operator => (OPERATOR.to_owned(), None),
        Subject::Client { tenancy, client, .. } => (client.to_string(), Some(tenancy.clone())),
    };
    let record = SessionRecord {
        session_id: session,
        principal_id,
        tenancy_id,
        data_token,
        expires_at: now.plus(LIFETIME).unix_seconds(),
    };
    storage.create_session(&record).await?;
    Ok(context_token)
}

fn refused(error: &'static str, error_description: &'static str) -> Reply {
    let status = if error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    let mut reply = json(status, &OauthError { error, error_description });
    if status == StatusCode::UNAUTHORIZED {
        reply.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
    }
    reply
}

/// HTTP Basic (RFC 7617) with both halves form-encoded, as RFC 6749, 2.3.1 has it.
fn basic(request: &Request) -> Option<Credentials> {
    let (scheme, encoded) = request.header("authorization")?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |text: &str| {
        let text = text.replace('&', "%26");
        form_urlencoded::parse(text.as_bytes()).next().map(|(text, _)| text.into_owned())
    };
    Some(Credentials { client_id: decode(id)?, client_secret: decode(secret)? })
}

struct Form(Vec<(String, String)>);

impl Form {
    fn parse(request: &Request) -> Self {
        Self(form_urlencoded::parse(request.body()).into_owned().collect())
    }

    /// A field that is there once: RFC 6749 forbids repetition.
    fn find(&self, name: &str) -> Option<String> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        values.next().filter(|_| values.next().is_none()).cloned()
    }

    fn credentials(&self) -> Option<Credentials> {
        Some(Credentials { client_id: self.find("client_id")?, client_secret: self.find("client_secret")? })
    }
}
