//! `PUT /v1/tenancy/sso`: lets people sign in through this provider from now on. It replaces what was set before, whole.

use domain::{
    IdentityProvider, MetadataDocument, OidcClientId, OidcClientSecret, PublicUrl, SamlMetadata, SsoSettings,
};
use identity::ProviderError;
use lambda_kit::{FieldError, Problem, Reply, Request, ok_at_version, openapi::Operation};
use schemars::JsonSchema;
use serde::Deserialize;
use storage::{ProviderRecord, Sso, StorageError};
use tenant_context::{Grant, GroupRef, SystemGroup, TenantContext, permission::UpdateSso};

use crate::{
    giving,
    sso::{App, Found, SingleSignOn, SsoView, State, problem, sso_changing},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewSsoSettings")]
struct Wire {
    protocol: Protocol,
    metadata_url: Option<PublicUrl>,
    metadata_document: Option<MetadataDocument>,
    issuer: Option<PublicUrl>,
    client_id: Option<OidcClientId>,
    client_secret: Option<OidcClientSecret>,
    #[serde(default)]
    is_forced: bool,
    #[serde(default)]
    provider_enforces_mfa: bool,
    #[serde(default)]
    join_group: Option<GroupRef>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "SsoProtocol")]
enum Protocol {
    Saml,
    Oidc,
}

struct Wanted {
    settings: SsoSettings,
    secret: Option<OidcClientSecret>,
}

impl Wire {
    fn parse(self) -> Result<Wanted, Problem> {
        let Wire { metadata_url, metadata_document, issuer, client_id, client_secret, .. } = self;
        let (provider, secret) = match self.protocol {
            Protocol::Saml => {
                refuse(&[
                    ("/issuer", issuer.is_some()),
                    ("/client_id", client_id.is_some()),
                    ("/client_secret", client_secret.is_some()),
                ])?;
                let metadata = match (metadata_url, metadata_document) {
                    (Some(url), None) => SamlMetadata::Url(url),
                    (None, Some(document)) => SamlMetadata::Document(document),
                    _ => {
                        return Err(Problem::invalid_field(
                            "/metadata_url",
                            "Give metadata_url or metadata_document, and not both.",
                        ));
                    }
                };
                (IdentityProvider::Saml(metadata), None)
            }
            Protocol::Oidc => {
                refuse(&[
                    ("/metadata_url", metadata_url.is_some()),
                    ("/metadata_document", metadata_document.is_some()),
                ])?;
                match (issuer, client_id, client_secret) {
                    (Some(issuer), Some(client_id), Some(secret)) => {
                        (IdentityProvider::Oidc { issuer, client_id }, Some(secret))
                    }
                    (issuer, client_id, secret) => {
                        return Err(Problem::invalid(missing(&[
                            ("/issuer", issuer.is_none()),
                            ("/client_id", client_id.is_none()),
                            ("/client_secret", secret.is_none()),
                        ])));
                    }
                }
            }
        };
        let settings = SsoSettings {
            provider,
            is_forced: self.is_forced,
            provider_enforces_mfa: self.provider_enforces_mfa,
            join_group: self.join_group,
        };
        Ok(Wanted { settings, secret })
    }
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<UpdateSso>()
        .takes::<Wire>()
        .conditional()
        .ok_at_version::<SsoView>()
        .problem(sso_changing())
        .problem(sso_protocol())
}

pub(crate) async fn update_sso(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let Wanted { settings, secret } = request.json::<Wire>()?.parse()?;

    let grant = context.grant::<UpdateSso>()?;
    check_giving(&app, &context, settings.join_group.as_ref()).await?;

    let before = app.find(&context).await?;
    before.check_changeable(&request, app.api.storage.now())?;
    check_protocol(&before.sso, &settings)?;
    let after = change(&app, &grant, before, settings, secret).await?;

    let version = after.sso.version;
    Ok(ok_at_version(app.view(&context, after), version))
}

/// Who chooses the provider chooses who everybody is, and so gives all that there is to give.
async fn check_giving(
    app: &SingleSignOn,
    context: &TenantContext,
    join_group: Option<&GroupRef>,
) -> Result<(), Problem> {
    let unknown = || Problem::invalid_field("/join_group", "There is no such group.");
    for group in [Some(&GroupRef::System(SystemGroup::Owners)), join_group].into_iter().flatten() {
        giving::check_membership(&app.api, context, group, None, unknown).await?;
    }
    Ok(())
}

/// Cognito cannot turn a provider of one kind into one of the other.
fn check_protocol(sso: &Sso, wanted: &SsoSettings) -> Result<(), Problem> {
    match &sso.settings {
        Some(settings) if !settings.provider.speaks_as(&wanted.provider) => Err(sso_protocol()),
        _ => Ok(()),
    }
}

fn sso_protocol() -> Problem {
    Problem::conflict(
        "sso_protocol",
        "Single sign-on speaks another protocol. Delete it first, then set it up again.",
    )
}

async fn change(
    app: &SingleSignOn,
    grant: &Grant<'_, UpdateSso>,
    before: Found,
    settings: SsoSettings,
    secret: Option<OidcClientSecret>,
) -> Result<Found, Problem> {
    let storage = &app.api.storage;
    let sso = storage.update_sso(grant, Some(settings.clone()), before.sso.version).await?;
    if let Some(record) = &before.record {
        storage.update_provider(grant, &record.restricted_by(&settings)).await?;
    }

    match app.providers.update(grant, &settings.provider, secret.as_ref()).await {
        Ok(client_id) => {
            let record = ProviderRecord::new(grant, client_id, &settings, sso.version);
            storage.update_provider(grant, &record).await?;
            Ok(Found { sso, record: Some(record) })
        }
        Err(error) => {
            if matches!(error, ProviderError::Refused(_)) {
                take_back(app, grant, before, sso.version).await?;
            }
            Err(problem(error, pointer(&settings.provider)))
        }
    }
}

/// What was there before holds again: Cognito still has it. If that itself was cut off, it stays unfinished.
async fn take_back(
    app: &SingleSignOn,
    grant: &Grant<'_, UpdateSso>,
    before: Found,
    version: u64,
) -> Result<(), StorageError> {
    let was_active = before.state(before.sso.changed_at) == State::Active;
    let sso = app.api.storage.update_sso(grant, before.sso.settings, version).await?;
    match before.record.filter(|_| was_active) {
        Some(record) => {
            let record = ProviderRecord { settings_version: sso.version, ..record };
            app.api.storage.update_provider(grant, &record).await
        }
        None => Ok(()),
    }
}

/// The member that Cognito reads.
fn pointer(provider: &IdentityProvider) -> &'static str {
    match provider {
        IdentityProvider::Saml(SamlMetadata::Url(_)) => "/metadata_url",
        IdentityProvider::Saml(SamlMetadata::Document(_)) => "/metadata_document",
        IdentityProvider::Oidc { .. } => "/issuer",
    }
}

fn refuse(members: &[(&str, bool)]) -> Result<(), Problem> {
    let errors = named(members, "The other protocol has this. Leave it out.");
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

fn missing(members: &[(&str, bool)]) -> Vec<FieldError> {
    named(members, "OpenID Connect needs this.")
}

fn named(members: &[(&str, bool)], detail: &str) -> Vec<FieldError> {
    let named = members.iter().filter(|(_, is_named)| *is_named);
    named
        .map(|(pointer, _)| FieldError { pointer: (*pointer).to_owned(), detail: detail.to_owned() })
        .collect()
}
