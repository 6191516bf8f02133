//! `grant_type=urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693): the ID token of somebody who signed in at the user
//! pool, for a context token of one tenancy.
//!
//! `audience` picks the tenancy where somebody is a user of several; `invitation` accepts one, with the first exchange. Who comes
//! through a tenancy's own provider belongs to that tenancy, whatever the token says of them.

use domain::{AccessState, EmailAddress, PersonName, ProviderName};
use identity::{IdTokenError, Identity};
use storage::{Newcomer, ProviderRecord, SecretHash, StorageError};
use tenant_context::{
    Grant, MemberId, TenancyId, TenantContext, Timestamp, UserId, Worker, permission::AdmitUser,
    token::Subject,
};

use crate::{
    Sessions,
    create_token::{NoSignIn, SignedIn, refuse},
    form::Form,
};

const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// Somebody who proved who they are, and how.
struct Person {
    identity: Identity,
    hash: SecretHash,
    provider: Option<ProviderRecord>,
}

pub(crate) async fn exchange_token(app: &Sessions, form: &Form) -> Result<SignedIn, NoSignIn> {
    if form.find("subject_token_type").as_deref() != Some(ID_TOKEN) {
        return Err(refuse(
            "invalid_request",
            "Send subject_token_type=urn:ietf:params:oauth:token-type:id_token.",
        ));
    }
    let token = form
        .find("subject_token")
        .ok_or_else(|| refuse("invalid_request", "Send the ID token of the user pool as subject_token."))?;
    let audience = form.find("audience").map(|text| text.parse::<TenancyId>());
    let audience = audience.transpose().map_err(|_| not_a_user())?;

    let person = authenticate(app, &token).await?;
    if let Some(secret) = form.find("invitation") {
        accept(app, &person, &SecretHash::of(&secret)).await?;
    }
    let (tenancy, user) = find_user(app, &person, audience).await?;

    sign_in(app, &person, tenancy, user).await
}

/// Checks the ID token: the pool's own people come through the pool's own client, everybody else through the client that takes
/// their provider and no other.
async fn authenticate(app: &Sessions, token: &str) -> Result<Person, NoSignIn> {
    let refused = |error: IdTokenError| match error {
        IdTokenError::KeysUnavailable(error) => {
            tracing::error!(%error, "the user pool's keys cannot be read");
            NoSignIn::Failed(StorageError::Unavailable {
                operation: "the user pool's keys",
                source: Box::new(error),
            })
        }
        error => {
            tracing::info!(%error, "an ID token was refused");
            refuse("invalid_request", "The subject_token is not a valid ID token of the user pool.")
        }
    };
    let signed = app.id_tokens.verify(token).await.map_err(refused)?;
    let provider = match signed.provider() {
        Some(name) => Some(app.storage.find_provider(name).await?.ok_or_else(not_a_user)?),
        None => None,
    };
    let client = provider.as_ref().map_or(app.user_pool_client_id.as_str(), |record| &record.client_id);
    let identity = signed.for_audience(&[client]).map_err(refused)?;

    Ok(Person { hash: SecretHash::of(&identity.subject), identity, provider })
}

/// Makes the person the user that the invitation is for. It is good for the address that it was sent to, and for no other.
async fn accept(app: &Sessions, person: &Person, invitation: &SecretHash) -> Result<(), NoSignIn> {
    let void = || refuse("invalid_grant", "This invitation is void, was used, or is for another address.");
    let record = app.storage.find_invitation(invitation, app.storage.now()).await?.ok_or_else(void)?;
    if person.provider.as_ref().is_some_and(|provider| provider.tenancy_id != record.tenancy_id) {
        return Err(void());
    }
    let context = TenantContext::from_queue(record.tenancy_id, Worker::SignIn);
    let grant = admission(&context)?;
    let is_theirs = match &person.identity.email {
        Some(email) => app.storage.is_invited_as(&grant, &record.user_id, email).await?,
        None => false,
    };
    if !is_theirs {
        return Err(void());
    }
    match app.storage.accept_invitation(&grant, &record.user_id, &person.hash, invitation).await {
        Err(StorageError::Conflict) => Err(void()),
        result => Ok(result?),
    }
}

/// Which user of which tenancy the person is.
async fn find_user(
    app: &Sessions,
    person: &Person,
    audience: Option<TenancyId>,
) -> Result<(TenancyId, UserId), NoSignIn> {
    let mut users = app.storage.list_identities(&person.hash).await?;
    if let Some(provider) = &person.provider {
        users.retain(|user| user.tenancy_id == provider.tenancy_id);
        if audience.as_ref().is_some_and(|audience| *audience != provider.tenancy_id) {
            return Err(not_a_user());
        }
        if let Some(user) = users.pop() {
            return Ok((user.tenancy_id, user.user_id));
        }
        let user = UserId::new(app.storage.now(), app.storage.randomness());
        return Ok((provider.tenancy_id.clone(), user));
    }

    if let Some(audience) = audience {
        users.retain(|user| user.tenancy_id == audience);
    }
    match users.as_slice() {
        [] => Err(not_a_user()),
        [user] => Ok((user.tenancy_id.clone(), user.user_id.clone())),
        several => Err(NoSignIn::ChooseTenancy(several.iter().map(|user| user.tenancy_id.clone()).collect())),
    }
}

async fn sign_in(
    app: &Sessions,
    person: &Person,
    tenancy: TenancyId,
    user: UserId,
) -> Result<SignedIn, NoSignIn> {
    let member = MemberId::User(user.clone());
    let mut found = app.storage.find_sign_in(&tenancy, &member).await?;
    if let (None, Some(provider)) = (&found, &person.provider) {
        admit(app, person, provider, user).await?;
        found = app.storage.find_sign_in(&tenancy, &member).await?;
    }
    let found = found.filter(|found| found.access.state == AccessState::Active).ok_or_else(not_a_user)?;
    let mfa_at = second_factor(app, person, &tenancy).await?;

    let versions = Some(found.versions());
    let memberships = found.access.to_memberships(&found.groups);
    let state = found.state;
    Ok(SignedIn { subject: Subject::Member { tenancy, member, memberships, mfa_at, state }, versions })
}

/// When the person showed a second factor. The user pool asks its own people for one; a provider counts as its tenancy says.
async fn second_factor(
    app: &Sessions,
    person: &Person,
    tenancy: &TenancyId,
) -> Result<Option<Timestamp>, NoSignIn> {
    let at = person.identity.authenticated_at;
    if let Some(provider) = &person.provider {
        return Ok(provider.provider_enforces_mfa.then_some(at));
    }
    let own_provider = app.storage.find_provider(&ProviderName::of(tenancy)).await?;
    if own_provider.is_some_and(|provider| provider.is_forced) {
        return Err(refuse(
            "invalid_target",
            "This tenancy's people sign in through its own identity provider.",
        ));
    }
    Ok(Some(at))
}

/// Somebody new, whom the tenancy's provider vouches for, joins the group that the tenancy chose, if it chose one.
async fn admit(
    app: &Sessions,
    person: &Person,
    provider: &ProviderRecord,
    user: UserId,
) -> Result<(), NoSignIn> {
    let group = provider.join_group.clone().ok_or_else(not_a_user)?;
    let email = person.identity.email.clone().ok_or_else(|| {
        refuse("invalid_request", "The identity provider tells no e-mail address: map one.")
    })?;
    let name = match &person.identity.name {
        Some(name) => name.clone(),
        None => nameless(&email)?,
    };
    let context = TenantContext::from_queue(provider.tenancy_id.clone(), Worker::SignIn);
    let grant = admission(&context)?;
    let newcomer = Newcomer { identity: person.hash.clone(), name, email, group };
    match app.storage.admit_newcomer(&grant, user, newcomer).await {
        Err(StorageError::Conflict) => Err(refuse(
            "invalid_grant",
            "Somebody in this tenancy has your address. Sign in with the invitation that they sent you.",
        )),
        Err(StorageError::QuotaExceeded { .. }) => Err(refuse(
            "invalid_grant",
            "Your tenancy has as many users as it may have. Its owners can remove somebody, or ask for more.",
        )),
        result => Ok(result?),
    }
}

fn admission(context: &TenantContext) -> Result<Grant<'_, AdmitUser>, StorageError> {
    context.grant().map_err(|denied| StorageError::Corrupt(denied.to_string()))
}

/// What somebody is called whose provider tells no name.
fn nameless(email: &EmailAddress) -> Result<PersonName, StorageError> {
    let name = email.as_str().split('@').next().unwrap_or_default();
    name.parse().map_err(|invalid: domain::Invalid| StorageError::Corrupt(invalid.to_string()))
}

/// Who is no user, was suspended, or asks for a tenancy that there is not: the same for all.
fn not_a_user() -> NoSignIn {
    refuse("invalid_target", "You are no user of this tenancy. Ask an owner for an invitation.")
}
