//! Single sign-on as a whole: the settings, what the directory says of them, and what Cognito has.
//!
//! A change goes through the three in this order: the settings, sealed, under the next version, which only one change wins;
//! Cognito; the directory, which carries the version of the settings that it is made of. Whatever was killed in between is
//! seen by the two versions, and done by asking again. Until then the directory holds what is stricter, of before and after.

use std::{sync::Arc, time::Duration};

use domain::{ProviderName, SsoSettings};
use http::StatusCode;
use identity::{IdentityProviders, ProviderError};
use lambda_kit::{Api, Problem, Request};
use schemars::JsonSchema;
use serde::Serialize;
use storage::{ProviderRecord, Sso};
use tenant_context::{TenantContext, Timestamp};
use url::Url;

/// A change takes this long at most: the function is stopped sooner.
const CHANGE_TAKES: Duration = Duration::from_secs(30);

/// What the operations need.
pub struct SingleSignOn {
    /// The stores, and who calls.
    pub api: Api,
    /// The identity providers of the user pool.
    pub providers: IdentityProviders,
}

pub(crate) type App = Arc<SingleSignOn>;

/// What there is of a tenancy's single sign-on.
#[derive(Clone)]
pub(crate) struct Found {
    pub sso: Sso,
    pub record: Option<ProviderRecord>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "SsoState")]
pub(crate) enum State {
    /// People sign in with passwords and passkeys alone.
    Off,
    /// People sign in through the provider.
    Active,
    /// Somebody is changing it.
    Changing,
    /// A change was cut off: whoever repeats it finishes it.
    Unfinished,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Sso")]
pub(crate) struct SsoView {
    state: State,
    settings: Option<SsoSettings>,
    changed_at: Option<Timestamp>,
    sign_in_url: Option<Url>,
    sign_in_client_id: Option<String>,
    saml: SamlView,
    oidc: OidcView,
}

/// What a SAML provider must be told.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SamlServiceProvider")]
struct SamlView {
    assertion_consumer_url: String,
    entity_id: String,
    email_attribute: &'static str,
    name_attribute: &'static str,
}

/// What an OpenID provider must be told.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OidcRelyingParty")]
struct OidcView {
    redirect_uri: String,
    scopes: &'static [&'static str],
}

impl SingleSignOn {
    pub(crate) async fn find(&self, context: &TenantContext) -> Result<Found, Problem> {
        Ok(Found {
            sso: self.api.storage.find_sso(context).await?,
            record: self.api.storage.find_provider(&ProviderName::of(context.tenancy())).await?,
        })
    }

    pub(crate) fn view(&self, context: &TenantContext, found: Found) -> SsoView {
        let state = found.state(self.api.storage.now());
        let client_id = found.record.map(|record| record.client_id).filter(|_| found.sso.settings.is_some());
        let name = ProviderName::of(context.tenancy());
        let us = self.providers.service_provider();
        SsoView {
            state,
            settings: found.sso.settings,
            changed_at: Some(found.sso.changed_at).filter(|_| found.sso.version > 0),
            sign_in_url: client_id.as_ref().map(|client_id| self.providers.sign_in_url(&name, client_id)),
            sign_in_client_id: client_id,
            saml: SamlView {
                assertion_consumer_url: us.assertion_consumer_url,
                entity_id: us.entity_id,
                email_attribute: us.email_attribute,
                name_attribute: us.name_attribute,
            },
            oidc: OidcView { redirect_uri: us.redirect_uri, scopes: us.scopes },
        }
    }
}

impl Found {
    pub(crate) fn state(&self, now: Timestamp) -> State {
        match (&self.sso.settings, &self.record) {
            (None, None) => State::Off,
            (Some(_), Some(record)) if record.settings_version == self.sso.version => State::Active,
            _ if now < self.sso.changed_at.plus(CHANGE_TAKES) => State::Changing,
            _ => State::Unfinished,
        }
    }

    /// Holds the caller to the version in `If-Match`, and back while somebody else's change is under way.
    pub(crate) fn check_changeable(&self, request: &Request, now: Timestamp) -> Result<State, Problem> {
        request.check_if_match(self.sso.version)?;
        match self.state(now) {
            State::Changing => Err(sso_changing()),
            state => Ok(state),
        }
    }
}

pub(crate) fn sso_changing() -> Problem {
    Problem::conflict(
        "sso_changing",
        "A change of single sign-on is under way, or was cut off just now. Repeat in half a minute.",
    )
}

/// What to answer when Cognito did not do its part. `pointer` is the member that Cognito was to read.
pub(crate) fn problem(error: ProviderError, pointer: &str) -> Problem {
    match error {
        ProviderError::Refused(reason) => Problem::invalid_field(pointer, reason),
        ProviderError::Failed { .. } => {
            tracing::error!(%error, cause = ?error, "a provider was not changed");
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Not available right now",
                "Cognito did not do its part. Repeat the request in half a minute: that finishes what was begun.",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(settings: bool, version: u64, record: Option<u64>) -> Found {
        let settings_of = || {
            serde_json::from_value(serde_json::json!({
                "protocol": "saml", "metadata_url": "https://idp.acme.example/metadata", "is_forced": false,
                "provider_enforces_mfa": false, "join_group": null,
            }))
            .unwrap()
        };
        let record = record.map(|settings_version| ProviderRecord {
            provider: "ten-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            tenancy_id: "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            client_id: "client".to_owned(),
            is_forced: false,
            provider_enforces_mfa: true,
            join_group: "editors".parse().ok(),
            settings_version,
        });
        let sso = Sso { settings: settings.then(settings_of), changed_at: Timestamp::EPOCH, version };
        Found { sso, record }
    }

    #[test]
    fn two_versions_that_agree_are_a_finished_change() {
        let later = Timestamp::EPOCH.plus(CHANGE_TAKES);
        for (found, at_once, after) in [
            (found(false, 0, None), State::Off, State::Off),
            (found(false, 2, None), State::Off, State::Off),
            (found(true, 2, Some(2)), State::Active, State::Active),
            (found(true, 2, Some(1)), State::Changing, State::Unfinished),
            (found(true, 1, None), State::Changing, State::Unfinished),
            (found(false, 3, Some(2)), State::Changing, State::Unfinished),
        ] {
            assert!(found.state(Timestamp::EPOCH) == at_once && found.state(later) == after);
        }
    }

    #[test]
    fn while_it_changes_the_stricter_holds() {
        let record = found(true, 1, Some(1)).record.unwrap();
        let mut settings = found(true, 1, None).sso.settings.unwrap();
        settings.is_forced = true;

        let restricted = record.restricted_by(&settings);

        assert!(restricted.is_forced && !restricted.provider_enforces_mfa);
        assert_eq!((restricted.join_group, restricted.settings_version), (None, 1));
    }
}
