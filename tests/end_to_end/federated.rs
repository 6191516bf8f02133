//! People who sign in through their tenancy's own provider, which the test plays.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Method, StatusCode};
use local::Stack;
use url::{Url, form_urlencoded};

use crate::actors::{Answer, Tenant, send};

/// Somebody whom their tenancy's SAML provider vouches for.
pub struct FederatedPerson {
    stack: &'static Stack,
    name_id: String,
    sign_in_url: Url,
    pub client_id: String,
}

impl FederatedPerson {
    /// Metadata of a SAML provider, as a customer's own would publish it.
    pub fn metadata() -> String {
        let binding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
        format!(
            r#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:idp"><IDPSSODescriptor
            protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><SingleSignOnService Binding="{binding}"
            Location="https://idp.example/sso"/></IDPSSODescriptor></EntityDescriptor>"#
        )
    }

    /// Somebody known to `tenant`'s provider by this name; the tenancy's single sign-on must be on.
    pub async fn of(tenant: &Tenant, name_id: &str) -> Self {
        let sso = tenant.owner.get("/v1/tenancy/sso").await.data();
        let text = |name: &str| sso[name].as_str().unwrap_or_else(|| panic!("{sso}")).to_owned();
        Self {
            stack: tenant.stack,
            name_id: name_id.to_owned(),
            sign_in_url: text("sign_in_url").parse().unwrap(),
            client_id: text("sign_in_client_id"),
        }
    }

    /// Signs in, with the provider saying all this of them; answers the ID token.
    pub async fn sign_in(&self, said: &[(&str, &str)]) -> String {
        let redirect = self.begin(|_| {}).await;
        assert_eq!(redirect.status, StatusCode::FOUND, "{redirect:?}");
        let relay = query(redirect.header("location"), "RelayState");

        let form = [("SAMLResponse", self.assertion(said)), ("RelayState", relay)];
        let redirect = self.post("/saml2/idpresponse", &form).await;
        let code = query(redirect.header("location"), "code");

        let redirect_uri = query(self.sign_in_url.as_str(), "redirect_uri");
        let form = [
            ("grant_type", "authorization_code".to_owned()),
            ("client_id", self.client_id.clone()),
            ("code", code),
            ("redirect_uri", redirect_uri),
        ];
        let tokens = self.post("/oauth2/token", &form).await.json();
        tokens["id_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned()
    }

    /// Goes to where the tenancy's people begin, or where `change` makes of it. The pool's domain is the emulator here.
    pub async fn begin(&self, change: impl Fn(&mut Url)) -> Answer {
        let mut url = self.sign_in_url.clone();
        change(&mut url);
        let path = format!("{}?{}", url.path(), url.query().unwrap());
        send(self.stack, Method::GET, &format!("{}{path}", self.stack.aws().endpoint()), &[], "").await
    }

    async fn post(&self, path: &str, form: &[(&str, String)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let url = format!("{}{path}", self.stack.aws().endpoint());
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        send(self.stack, Method::POST, &url, &headers, body).await
    }

    fn assertion(&self, said: &[(&str, &str)]) -> String {
        let attributes: String = said
            .iter()
            .map(|(name, value)| {
                format!("<Attribute Name='{name}'><AttributeValue>{value}</AttributeValue></Attribute>")
            })
            .collect();
        STANDARD.encode(format!(
            "<Response xmlns='urn:oasis:names:tc:SAML:2.0:protocol'>\
             <Assertion xmlns='urn:oasis:names:tc:SAML:2.0:assertion'><Subject><NameID>{}</NameID></Subject>\
             <AttributeStatement>{attributes}</AttributeStatement></Assertion></Response>",
            self.name_id
        ))
    }
}

fn query(url: &str, name: &str) -> String {
    let url: Url = url.parse().unwrap_or_else(|_| panic!("no URL: {url}"));
    let mut pairs = url.query_pairs();
    pairs.find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name} in {url}")).1.into_owned()
}
