//! ID tokens of a user pool (OpenID Connect Core 1.0, 2), checked.

use std::{fmt, sync::Arc};

use domain::{EmailAddress, PersonName, ProviderName};
use serde::Deserialize;
use tenant_context::{
    Clock, Timestamp,
    token::{TokenError, verify_signature},
};
use url::Url;

use crate::published_keys::{KeysUnavailable, PublishedKeys};

const CLOCK_SKEW_SECONDS: u64 = 60;

/// Who signed in, in Cognito's own words. Only [`SignedIdToken::for_audience`] makes one.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// Cognito's id of the person, which never changes: letters, digits and hyphens.
    pub subject: String,
    /// The tenancy's provider that vouches for them; none for somebody with a password or a passkey.
    pub provider: Option<ProviderName>,
    /// Where to write to them, if that is known. What a provider says here proves nothing. Personal data.
    pub email: Option<EmailAddress>,
    /// Whether they have shown to Cognito that they read what is sent there; never so for a provider's word.
    pub email_is_verified: bool,
    /// What they are called, if that is known. Personal data.
    pub name: Option<PersonName>,
    /// When they proved who they are; refreshing tokens does not change it.
    pub authenticated_at: Timestamp,
    /// The client that the token was issued to.
    pub client_id: String,
}

/// An ID token whose every claim but the audience has been checked: which client it may be for depends on its provider.
#[derive(Debug)]
pub struct SignedIdToken {
    identity: Identity,
}

/// Why an ID token is not accepted. Which of these it was is for logs: callers hear one sentence.
#[derive(Debug, thiserror::Error)]
pub enum IdTokenError {
    /// Its signature, its issuer, its time or its audience is not as it should be.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It is a token of the pool for something else.
    #[error("not an ID token")]
    Use,
    /// What it says of the provider does not go together.
    #[error("its provider cannot be told")]
    Provider,
    /// It could not be checked. Trying again may help.
    #[error(transparent)]
    KeysUnavailable(#[from] KeysUnavailable),
}

/// The ID tokens of one user pool.
#[derive(Clone)]
pub struct IdTokens {
    issuer: String,
    keys: Arc<PublishedKeys>,
    clock: Arc<dyn Clock>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    token_use: String,
    iat: u64,
    exp: u64,
    auth_time: u64,
    #[serde(rename = "cognito:username")]
    username: String,
    identities: Option<Vec<LinkedIdentity>>,
    email: Option<String>,
    email_verified: Option<bool>,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinkedIdentity {
    provider_name: String,
}

impl IdTokens {
    /// `issuer` is the pool's: `https://cognito-idp.<region>.amazonaws.com/<pool id>`. Its keys are below that URL, or where
    /// `endpoint_url` stands in for AWS, below the same path there.
    ///
    /// # Errors
    /// When one of the two is no URL.
    pub fn new(
        issuer: String,
        endpoint_url: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, url::ParseError> {
        let pool: Url = issuer.parse()?;
        let base = match endpoint_url {
            Some(endpoint) => endpoint.parse::<Url>()?.join(pool.path())?,
            None => pool,
        };
        let keys = format!("{}/.well-known/jwks.json", base.as_str().trim_end_matches('/')).parse()?;
        Ok(Self { issuer, keys: Arc::new(PublishedKeys::new(keys)), clock })
    }

    /// Checks signature, issuer, use and times, and that what the token says of its provider goes together.
    ///
    /// # Errors
    /// [`IdTokenError`], whichever check failed first.
    pub async fn verify(&self, token: &str) -> Result<SignedIdToken, IdTokenError> {
        let now = self.clock.now();
        let payload = match verify_signature(token, &self.keys.get(now).await?) {
            Err(TokenError::UnknownKey) => {
                let keys = self.keys.get_again(now).await?.ok_or(TokenError::UnknownKey)?;
                verify_signature(token, &keys)?
            }
            result => result?,
        };
        read(&payload, &self.issuer, now)
    }
}

impl SignedIdToken {
    /// The provider that vouches for the person: look up what its client is before [`SignedIdToken::for_audience`].
    pub fn provider(&self) -> Option<&ProviderName> {
        self.identity.provider.as_ref()
    }

    /// Who signed in, if the token was issued to one of these clients. Somebody whom a provider vouches for comes through that
    /// provider's client and no other; everybody else through the people's own.
    ///
    /// # Errors
    /// [`TokenError::Audience`].
    pub fn for_audience(self, client_ids: &[&str]) -> Result<Identity, IdTokenError> {
        if client_ids.contains(&self.identity.client_id.as_str()) {
            Ok(self.identity)
        } else {
            Err(TokenError::Audience.into())
        }
    }
}

/// Never shows what is personal.
impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.provider {
            Some(provider) => write!(formatter, "{} by {provider}", self.subject),
            None => formatter.write_str(&self.subject),
        }
    }
}

fn read(payload: &[u8], issuer: &str, now: Timestamp) -> Result<SignedIdToken, IdTokenError> {
    let claims: Claims = serde_json::from_slice(payload).map_err(|_| TokenError::Claims)?;
    let latest = now.unix_seconds() + CLOCK_SKEW_SECONDS;

    if claims.iss != issuer {
        return Err(TokenError::Issuer.into());
    }
    if claims.token_use != "id" {
        return Err(IdTokenError::Use);
    }
    if claims.exp <= now.unix_seconds() {
        return Err(TokenError::Expired.into());
    }
    if claims.iat > latest || claims.auth_time > latest {
        return Err(TokenError::NotYetValid.into());
    }
    if !is_subject(&claims.sub) {
        return Err(TokenError::Claims.into());
    }
    let provider = find_provider(&claims)?;

    Ok(SignedIdToken {
        identity: Identity {
            email: claims.email.and_then(|email| email.parse().ok()),
            email_is_verified: provider.is_none() && claims.email_verified == Some(true),
            name: claims.name.and_then(|name| name.parse().ok()),
            authenticated_at: Timestamp::from_unix_seconds(claims.auth_time),
            client_id: claims.aud,
            subject: claims.sub,
            provider,
        },
    })
}

/// It becomes part of keys.
fn is_subject(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Cognito writes the provider twice: into `identities`, and in front of the user name, which nobody can change. Either alone
/// is not believed. People of the pool's own have a UUID for a name, without an underscore, and no identities.
fn find_provider(claims: &Claims) -> Result<Option<ProviderName>, IdTokenError> {
    let prefix = claims.username.split_once('_').map(|(prefix, _)| prefix);
    match (claims.identities.as_deref(), prefix) {
        (None, None) => Ok(None),
        // Cognito writes user names in lower case where their case does not matter.
        (Some([identity]), Some(prefix)) if prefix.eq_ignore_ascii_case(&identity.provider_name) => {
            identity.provider_name.parse().map(Some).map_err(|_| IdTokenError::Provider)
        }
        _ => Err(IdTokenError::Provider),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ISSUER: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc";
    const ACME: &str = "ten-01ARZ3NDEKTSV4RRFFQ69G5FAV";
    const GLOBEX: &str = "ten-01ARZ3NDEKTSV4RRFFQ69G5FAW";

    fn now() -> Timestamp {
        Timestamp::from_unix_seconds(1_000_000)
    }

    fn claims() -> Value {
        json!({
            "iss": ISSUER, "aud": "people", "sub": "3f2a", "token_use": "id", "iat": 999_990, "exp": 1_000_900,
            "auth_time": 999_000, "cognito:username": "3f2a", "email": "ada@example.org", "email_verified": true,
            "name": "Ada",
        })
    }

    fn federated(provider: &str, username: &str) -> Value {
        let mut claims = claims();
        claims["cognito:username"] = json!(username);
        claims["identities"] = json!([{ "providerName": provider, "userId": "ada", "primary": "true" }]);
        claims
    }

    fn check(claims: &Value) -> Result<SignedIdToken, String> {
        read(claims.to_string().as_bytes(), ISSUER, now()).map_err(|error| error.to_string())
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[name] = value;
        claims
    }

    #[test]
    fn a_person_of_the_pool_has_no_provider() {
        let identity = check(&claims()).unwrap().for_audience(&["others", "people"]).unwrap();

        assert_eq!((identity.subject.as_str(), &identity.provider), ("3f2a", &None));
        assert_eq!(identity.email.as_ref().map(EmailAddress::as_str), Some("ada@example.org"));
        assert!(identity.email_is_verified);
        assert_eq!(identity.authenticated_at, Timestamp::from_unix_seconds(999_000));
        assert_eq!(format!("{identity:?}"), "3f2a", "no name and no address in a log");
    }

    #[test]
    fn a_token_for_another_client_is_refused() {
        let error = check(&claims()).unwrap().for_audience(&["others", ""]).unwrap_err();
        assert_eq!(error.to_string(), TokenError::Audience.to_string());
        assert!(check(&claims()).unwrap().for_audience(&[]).is_err());
    }

    #[test]
    fn every_claim_is_checked() {
        for (name, value, error) in [
            (
                "iss",
                json!("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_other"),
                "issued by somebody else",
            ),
            ("iss", json!(format!("{ISSUER}/")), "issued by somebody else"),
            ("token_use", json!("access"), "not an ID token"),
            ("exp", json!(1_000_000), "expired"),
            ("iat", json!(1_000_061), "issued in the future"),
            ("auth_time", json!(1_000_061), "issued in the future"),
            ("sub", json!("a#b"), "claims are missing or malformed"),
            ("sub", json!(""), "claims are missing or malformed"),
            ("aud", json!(["people"]), "claims are missing or malformed"),
            ("auth_time", Value::Null, "claims are missing or malformed"),
            ("email_verified", json!("true"), "claims are missing or malformed"),
        ] {
            assert_eq!(check(&with(name, value.clone())).unwrap_err(), error, "{name}: {value}");
        }
        assert!(check(&with("exp", json!(1_000_001))).is_ok());
        assert!(check(&with("iat", json!(1_000_060))).is_ok());
    }

    #[test]
    fn a_federated_person_has_the_provider_that_cognito_names_twice() {
        for username in [format!("{ACME}_Ada"), format!("{ACME}_ada").to_lowercase(), format!("{ACME}_a_b")] {
            let token = check(&federated(ACME, &username)).unwrap();
            assert_eq!(token.provider().map(ProviderName::as_str), Some(ACME), "{username}");
            assert!(!token.identity.email_is_verified, "a provider's word is no verification");
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let mut two = federated(ACME, &format!("{ACME}_ada"));
        two["identities"] = json!([{ "providerName": ACME }, { "providerName": GLOBEX }]);
        let mut none = federated(ACME, &format!("{ACME}_ada"));
        none["identities"] = json!([]);
        for claims in [
            two,
            none,
            federated(GLOBEX, &format!("{ACME}_ada")),
            federated(ACME, "3f2a"),
            federated(ACME, &format!("{GLOBEX}_{ACME}_ada")),
            federated("Google", "Google_ada"),
            federated("", "_ada"),
            with("cognito:username", json!(format!("{ACME}_ada"))),
            with("identities", json!([{ "providerName": ACME }])),
        ] {
            assert_eq!(check(&claims).unwrap_err(), "its provider cannot be told", "{claims}");
        }
        let as_text = with("identities", json!(format!("[{{\"providerName\":\"{ACME}\"}}]")));
        assert_eq!(check(&as_text).unwrap_err(), "claims are missing or malformed");
    }
}
