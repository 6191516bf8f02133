//! Single sign-on: a tenancy's own identity provider.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::{GroupRef, TenancyId};
use url::{Host, Url};

use crate::{Invalid, text::checked_text};

/// How the people of a tenancy sign in through a provider of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SsoSettings {
    /// Who says who somebody is.
    #[serde(flatten)]
    pub provider: IdentityProvider,
    /// Whether signing in to the tenancy with a password is refused.
    pub is_forced: bool,
    /// Whether the provider asks everybody for a second factor: only then does signing in through it count as MFA.
    pub provider_enforces_mfa: bool,
    /// The group that somebody joins who signs in for the first time; none when everybody must be invited.
    pub join_group: Option<GroupRef>,
}

/// A customer's identity provider, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "protocol", rename_all = "snake_case")]
pub enum IdentityProvider {
    /// SAML 2.0.
    Saml(SamlMetadata),
    /// OpenID Connect 1.0.
    Oidc {
        /// Its issuer identifier; the discovery document is below it.
        issuer: PublicUrl,
        /// Who we are to it.
        client_id: OidcClientId,
    },
}

/// Where a SAML provider says what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SamlMetadata {
    /// An address, which is read again now and then.
    #[serde(rename = "metadata_url")]
    Url(PublicUrl),
    /// The document itself.
    #[serde(rename = "metadata_document")]
    Document(MetadataDocument),
}

impl IdentityProvider {
    /// Whether both speak the same protocol.
    pub fn speaks_as(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Saml(_), Self::Saml(_)) | (Self::Oidc { .. }, Self::Oidc { .. }))
    }
}

/// What the provider of a tenancy is called where people sign in: `ten-` and the tenancy's ULID, since Cognito allows no
/// underscore there. Whoever came through it belongs to that tenancy, whatever else is said of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProviderName(String);

impl ProviderName {
    /// The provider of `tenancy`, whether there is one or not.
    pub fn of(tenancy: &TenancyId) -> Self {
        Self(tenancy.as_str().replacen('_', "-", 1))
    }
}

impl FromStr for ProviderName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let tenancy = text.strip_prefix("ten-").and_then(|ulid| format!("ten_{ulid}").parse().ok());
        tenancy
            .map(|tenancy| Self::of(&tenancy))
            .ok_or(Invalid::new("a provider's name is ten- and the ULID of a tenancy"))
    }
}

checked_text!(ProviderName);

/// An https URL that anybody could read: its host is a name, and not one that is only known inside a network. At most
/// 2,048 bytes, without user, password and fragment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^https://[!-~]+$", "format" = "uri", "maxLength" = 2048))]
pub struct PublicUrl(String);

/// Names that no public server has (RFC 6761, RFC 6762, RFC 8375, RFC 9476, ICANN's `internal`), and the custom ones.
const INSIDE: [&str; 14] = [
    "alt",
    "arpa",
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "private",
    "test",
];

impl FromStr for PublicUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_public = Url::parse(text).is_ok_and(|url| {
            text.len() <= 2048
                && url.scheme() == "https"
                && url.username().is_empty()
                && url.password().is_none()
                && url.fragment().is_none()
                && is_public(url.host())
        });

        // Kept as it was written: an issuer is compared byte by byte (OpenID Connect Discovery 1.0, 4.3).
        (is_public && text.bytes().all(|byte| byte.is_ascii_graphic()))
            .then(|| Self(text.to_owned()))
            .ok_or(Invalid::new(
                "an https URL of at most 2048 bytes whose host is a public name, not an address, without user and fragment",
            ))
    }
}

checked_text!(PublicUrl);

fn is_public(host: Option<Host<&str>>) -> bool {
    let Some(Host::Domain(name)) = host else { return false };
    match name.trim_end_matches('.').rsplit_once('.') {
        Some((rest, last)) => !rest.is_empty() && !INSIDE.contains(&last),
        None => false,
    }
}

/// A SAML metadata document (XML, without a document type): at most 100,000 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("maxLength" = 100_000))]
pub struct MetadataDocument(String);

impl FromStr for MetadataDocument {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let is_metadata = text.len() <= 100_000
            && text.starts_with('<')
            && text.contains("EntityDescriptor")
            && !text.contains("<!DOCTYPE");

        is_metadata.then(|| Self(text.to_owned())).ok_or(Invalid::new(
            "a SAML metadata document has an EntityDescriptor, no document type, and at most 100000 bytes",
        ))
    }
}

checked_text!(MetadataDocument);

/// Who we are to an OpenID provider: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[!-~]{1,255}$"))]
pub struct OidcClientId(String);

impl FromStr for OidcClientId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        visible(text, 255)
            .map(Self)
            .ok_or(Invalid::new("an OpenID provider's client_id has 1 to 255 visible ASCII characters"))
    }
}

checked_text!(OidcClientId);

/// What proves to an OpenID provider that we are we: 1 to 1,000 visible ASCII characters. Passed on and never kept.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = "^[!-~]{1,1000}$"))]
pub struct OidcClientSecret(String);

impl OidcClientSecret {
    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for OidcClientSecret {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        visible(&text, 1000)
            .map(Self)
            .ok_or(Invalid::new("an OpenID provider's client_secret has 1 to 1000 visible ASCII characters"))
    }
}

/// Never shows the secret.
impl fmt::Debug for OidcClientSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OidcClientSecret")
    }
}

fn visible(text: &str, longest: usize) -> Option<String> {
    let is_visible = (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_visible.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_named_after_its_tenancy() {
        let name = ProviderName::of(&"ten_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap());

        assert_eq!(name.as_str(), "ten-01ARZ3NDEKTSV4RRFFQ69G5FAV");
        assert_eq!("ten-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse(), Ok(name));
        for bad in [
            "",
            "COGNITO",
            "Google",
            "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "ten-01arz3ndektsv4rrffq69g5fav",
            "ten-01ARZ3NDEKTSV4RRFFQ69G5FAV_x",
            "shw-01ARZ3NDEKTSV4RRFFQ69G5FAV",
        ] {
            assert!(bad.parse::<ProviderName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn public_urls_are_public() {
        for good in [
            "https://idp.acme.example/metadata",
            "https://acme.okta.com/app/exk1/sso/saml/metadata?x=1",
            "https://login.acme.example:8443/",
        ] {
            assert_eq!(good.parse::<PublicUrl>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "idp.acme.example",
            "http://idp.acme.example/",
            "ftp://idp.acme.example/",
            "https://localhost/",
            "https://localhost./",
            "https://idp/",
            "https://.example/",
            "https://app.localhost/",
            "https://idp.internal/",
            "https://printer.local/",
            "https://1.0.0.127.in-addr.arpa/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://93.184.216.34/",
            "https://[::1]/",
            "https://[fe80::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://ada@idp.acme.example/",
            "https://ada:secret@idp.acme.example/",
            "https://idp.acme.example/#x",
            "https://idp.acme.example/a b",
            "https://idp.acme.example/\n",
        ] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
        }
        assert!(format!("https://idp.acme.example/{}", "a".repeat(2048)).parse::<PublicUrl>().is_err());
    }

    #[test]
    fn metadata_has_no_document_type() {
        assert!("<EntityDescriptor/>".parse::<MetadataDocument>().is_ok());
        for bad in [
            "",
            "EntityDescriptor",
            "<html/>",
            "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]><EntityDescriptor/>",
        ] {
            assert!(bad.parse::<MetadataDocument>().is_err(), "{bad}");
        }
        assert!(format!("<EntityDescriptor>{}", "a".repeat(100_000)).parse::<MetadataDocument>().is_err());
    }

    #[test]
    fn settings_are_written_without_a_secret() {
        let settings: SsoSettings = serde_json::from_value(serde_json::json!({
            "protocol": "oidc", "issuer": "https://idp.acme.example", "client_id": "castkeep",
            "is_forced": true, "provider_enforces_mfa": true, "join_group": "editors",
        }))
        .unwrap();
        let secret = OidcClientSecret::try_from("s3cret".to_owned()).unwrap();

        assert_eq!(settings.join_group, "editors".parse().ok());
        assert_eq!(format!("{secret:?}"), "OidcClientSecret");
        let written = serde_json::to_value(&settings).unwrap();
        assert_eq!(serde_json::from_value::<SsoSettings>(written).unwrap(), settings);
    }

    #[test]
    fn either_kind_of_metadata_is_written_under_its_own_name() {
        for (name, value) in [
            ("metadata_url", "https://idp.acme.example/metadata"),
            ("metadata_document", "<EntityDescriptor/>"),
        ] {
            let json = serde_json::json!({
                "protocol": "saml", name: value, "is_forced": false, "provider_enforces_mfa": false, "join_group": null,
            });
            let settings: SsoSettings = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(serde_json::to_value(settings).unwrap(), json);
        }
    }
}
