//! `grant_type=client_credentials` (RFC 6749, 4.4): a machine client, or the operator, with its secret.

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::AccessState;
use lambda_kit::Request;
use tenant_context::{ClientId, MemberId, token::Subject};
use url::form_urlencoded;

use crate::{
    Sessions,
    create_token::{NoSignIn, SignedIn, refuse},
    form::Form,
};

const OPERATOR: &str = "operator";

struct Credentials {
    client_id: String,
    client_secret: String,
}

pub(crate) async fn authenticate_client(
    app: &Sessions,
    request: &Request,
    form: &Form,
) -> Result<SignedIn, NoSignIn> {
    let credentials = basic(request).or_else(|| in_form(form)).ok_or_else(|| {
        refuse("invalid_client", "Send client_id and client_secret, in the form or as HTTP Basic.")
    })?;
    // An unknown client, a wrong secret and a client without access are the same nobody.
    let nobody = || refuse("invalid_client", "No client has this client_id and client_secret.");

    if credentials.client_id == OPERATOR {
        let is_operator =
            app.operator_secret.as_ref().is_some_and(|hash| hash.matches(&credentials.client_secret));
        let operator = is_operator.then_some(SignedIn { subject: Subject::Operator, versions: None });
        return operator.ok_or_else(nobody);
    }
    let client_id: ClientId = credentials.client_id.parse().map_err(|_| nobody())?;
    let record = app.storage.find_client_record(&client_id).await?.ok_or_else(nobody)?;
    if !record.secret_hash.matches(&credentials.client_secret) {
        return Err(nobody());
    }

    let member = MemberId::Client(client_id);
    let sign_in = app.storage.find_sign_in(&record.tenancy_id, &member).await?.ok_or_else(nobody)?;
    if sign_in.access.state != AccessState::Active {
        return Err(nobody());
    }
    let subject = Subject::Member {
        tenancy: record.tenancy_id,
        member,
        memberships: sign_in.access.to_memberships(&sign_in.groups),
        mfa_at: sign_in.access.is_vouched_for.then(|| app.storage.now()),
        state: sign_in.state,
    };
    Ok(SignedIn { subject, versions: Some(sign_in.versions()) })
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

fn in_form(form: &Form) -> Option<Credentials> {
    Some(Credentials { client_id: form.find("client_id")?, client_secret: form.find("client_secret")? })
}
