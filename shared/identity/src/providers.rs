//! The identity provider of a tenancy, and the one client that takes it and no other.
//!
//! Both are named after the tenancy, so that no list is shared and nothing of another tenancy is ever read to be written back.
//! IAM cannot tell one tenancy's provider from another's: names are made here, from a context, and nowhere else.

use std::{collections::HashMap, error::Error};

use aws_sdk_cognitoidentityprovider::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{
        ExplicitAuthFlowsType, IdentityProviderTypeType, OAuthFlowType, PreventUserExistenceErrorTypes,
        TimeUnitsType, TokenValidityUnitsType,
    },
};
use domain::{IdentityProvider, OidcClientSecret, ProviderName, SamlMetadata};
use storage::Storage;
use tenant_context::{Grant, Permission, permission::UpdateSso};
use url::Url;

/// What a SAML provider must call a person's address, and what we call it.
const SAML_EMAIL: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
/// What a SAML provider must call a person's name.
const SAML_NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
const SCOPES: [&str; 3] = ["openid", "email", "profile"];
/// Cognito's shortest for refresh tokens: somebody whom the customer's provider has locked out is out within the hour.
const REFRESH_MINUTES: i32 = 60;
const TOKEN_MINUTES: i32 = 15;

/// Why a provider is not as asked for.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Cognito cannot use what it was given, and nothing has changed. In Cognito's own words.
    #[error("{0}")]
    Refused(String),
    /// Cognito did not do its part. Trying again may help.
    #[error("{operation} failed")]
    Failed {
        /// The AWS operation.
        operation: &'static str,
        /// What went wrong.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// The identity providers of one user pool.
#[derive(Debug, Clone)]
pub struct IdentityProviders {
    cognito: Client,
    user_pool_id: String,
    sign_in_url: Url,
    callback_urls: Vec<String>,
}

/// What a customer's own administrators need to set up their side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceProvider {
    /// SAML: where assertions are posted to (assertion consumer service).
    pub assertion_consumer_url: String,
    /// SAML: who we are (entity id, audience).
    pub entity_id: String,
    /// SAML: the attribute that must hold a person's address.
    pub email_attribute: &'static str,
    /// SAML: the attribute that should hold a person's name.
    pub name_attribute: &'static str,
    /// OpenID Connect: where authorization codes go.
    pub redirect_uri: String,
    /// OpenID Connect: what is asked for.
    pub scopes: &'static [&'static str],
}

/// Create and update take the same members, by two types that have nothing in common.
macro_rules! with_settings {
    ($request:expr, $providers:expr, $name:expr) => {
        $request
            .user_pool_id(&$providers.user_pool_id)
            .client_name($name.as_str())
            .supported_identity_providers($name.as_str())
            // Without this, the pool's own people could sign in with their passwords here.
            .explicit_auth_flows(ExplicitAuthFlowsType::AllowRefreshTokenAuth)
            .allowed_o_auth_flows_user_pool_client(true)
            .allowed_o_auth_flows(OAuthFlowType::Code)
            .set_allowed_o_auth_scopes(Some(SCOPES.map(str::to_owned).to_vec()))
            .set_callback_urls(Some($providers.callback_urls.clone()))
            .set_write_attributes(Some(["email", "name"].map(str::to_owned).to_vec()))
            .prevent_user_existence_errors(PreventUserExistenceErrorTypes::Enabled)
            .enable_token_revocation(true)
            .id_token_validity(TOKEN_MINUTES)
            .access_token_validity(TOKEN_MINUTES)
            .refresh_token_validity(REFRESH_MINUTES)
            .token_validity_units(minutes())
    };
}

impl IdentityProviders {
    /// `sign_in_url` is where the pool's domain answers; `callback_urls` are where browsers go after sign-in.
    pub fn new(
        storage: &Storage,
        user_pool_id: String,
        sign_in_url: Url,
        callback_urls: Vec<String>,
    ) -> Self {
        Self { cognito: Client::new(storage.sdk_config()), user_pool_id, sign_in_url, callback_urls }
    }

    /// Makes the tenancy's provider as asked for, whatever there was of it, and its client. Answers the client's id. May be
    /// killed anywhere and run again.
    ///
    /// # Errors
    /// [`ProviderError::Refused`] when Cognito cannot use it. What speaks another protocol has to be deleted first.
    pub async fn update(
        &self,
        grant: &Grant<'_, UpdateSso>,
        provider: &IdentityProvider,
        secret: Option<&OidcClientSecret>,
    ) -> Result<String, ProviderError> {
        let name = ProviderName::of(grant.context().tenancy());

        if self.exists(&name).await? {
            self.update_provider(&name, provider, secret).await?;
        } else {
            self.create_provider(&name, provider, secret).await?;
        }
        self.update_client(&name).await
    }

    /// Removes the tenancy's provider and its client, whatever there is of them. May be killed anywhere and run again.
    ///
    /// # Errors
    /// [`ProviderError::Failed`] when Cognito does not answer.
    pub async fn delete<P: Permission>(&self, grant: &Grant<'_, P>) -> Result<(), ProviderError> {
        let name = ProviderName::of(grant.context().tenancy());

        for client_id in self.list_clients(&name).await? {
            self.delete_client(&client_id).await?;
        }
        let request = self
            .cognito
            .delete_identity_provider()
            .user_pool_id(&self.user_pool_id)
            .provider_name(name.as_str());
        match request.send().await {
            Err(error) if !is_missing(&error) => Err(failed("cognito-idp:DeleteIdentityProvider", error)),
            _ => Ok(()),
        }
    }

    /// Where the people of a tenancy begin to sign in through its provider. A client adds PKCE and `state` (RFC 7636, RFC 6749).
    pub fn sign_in_url(&self, provider: &ProviderName, client_id: &str) -> Url {
        let mut url = self.sign_in_url.clone();
        url.set_path("/oauth2/authorize");
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", client_id)
            .append_pair("identity_provider", provider.as_str())
            .append_pair("scope", &SCOPES.join(" "))
            .append_pair("redirect_uri", self.callback_urls.first().map_or("", String::as_str));
        url
    }

    /// What a provider must be told about us. The same for every tenancy.
    pub fn service_provider(&self) -> ServiceProvider {
        let url = |path: &str| {
            let mut url = self.sign_in_url.clone();
            url.set_path(path);
            url.to_string()
        };
        ServiceProvider {
            assertion_consumer_url: url("/saml2/idpresponse"),
            entity_id: format!("urn:amazon:cognito:sp:{}", self.user_pool_id),
            email_attribute: SAML_EMAIL,
            name_attribute: SAML_NAME,
            redirect_uri: url("/oauth2/idpresponse"),
            scopes: &SCOPES,
        }
    }

    async fn exists(&self, name: &ProviderName) -> Result<bool, ProviderError> {
        let request = self
            .cognito
            .describe_identity_provider()
            .user_pool_id(&self.user_pool_id)
            .provider_name(name.as_str());
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(failed("cognito-idp:DescribeIdentityProvider", error)),
        }
    }

    async fn create_provider(
        &self,
        name: &ProviderName,
        provider: &IdentityProvider,
        secret: Option<&OidcClientSecret>,
    ) -> Result<(), ProviderError> {
        let kind = match provider {
            IdentityProvider::Saml(_) => IdentityProviderTypeType::Saml,
            IdentityProvider::Oidc { .. } => IdentityProviderTypeType::Oidc,
        };
        self.cognito
            .create_identity_provider()
            .user_pool_id(&self.user_pool_id)
            .provider_name(name.as_str())
            .provider_type(kind)
            .set_provider_details(Some(details(provider, secret)))
            .set_attribute_mapping(Some(mapping(provider)))
            .send()
            .await
            .map_err(|error| refused_or_failed("cognito-idp:CreateIdentityProvider", error))?;
        Ok(())
    }

    async fn update_provider(
        &self,
        name: &ProviderName,
        provider: &IdentityProvider,
        secret: Option<&OidcClientSecret>,
    ) -> Result<(), ProviderError> {
        self.cognito
            .update_identity_provider()
            .user_pool_id(&self.user_pool_id)
            .provider_name(name.as_str())
            .set_provider_details(Some(details(provider, secret)))
            .set_attribute_mapping(Some(mapping(provider)))
            .send()
            .await
            .map_err(|error| refused_or_failed("cognito-idp:UpdateIdentityProvider", error))?;
        Ok(())
    }

    /// Cognito chooses the id of a client, so one that was made just before being killed is found by its name.
    async fn update_client(&self, name: &ProviderName) -> Result<String, ProviderError> {
        let mut clients = self.list_clients(name).await?.into_iter();
        let Some(client_id) = clients.next() else {
            let made =
                with_settings!(self.cognito.create_user_pool_client(), self, name).generate_secret(false);
            let made =
                made.send().await.map_err(|error| failed("cognito-idp:CreateUserPoolClient", error))?;
            let client_id = made.user_pool_client.and_then(|client| client.client_id);
            return client_id.ok_or_else(|| ProviderError::Failed {
                operation: "cognito-idp:CreateUserPoolClient",
                source: "Cognito answered no client id".into(),
            });
        };

        let update = with_settings!(self.cognito.update_user_pool_client(), self, name).client_id(&client_id);
        update.send().await.map_err(|error| failed("cognito-idp:UpdateUserPoolClient", error))?;
        for more in clients {
            self.delete_client(&more).await?;
        }
        Ok(client_id)
    }

    async fn delete_client(&self, client_id: &str) -> Result<(), ProviderError> {
        let request =
            self.cognito.delete_user_pool_client().user_pool_id(&self.user_pool_id).client_id(client_id);
        match request.send().await {
            Err(error) if !is_missing(&error) => Err(failed("cognito-idp:DeleteUserPoolClient", error)),
            _ => Ok(()),
        }
    }

    /// The ids of the clients of this name, always in the same order.
    async fn list_clients(&self, name: &ProviderName) -> Result<Vec<String>, ProviderError> {
        let mut ids = Vec::new();
        let mut pages = self
            .cognito
            .list_user_pool_clients()
            .user_pool_id(&self.user_pool_id)
            .max_results(60)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed("cognito-idp:ListUserPoolClients", error))?;
            let clients = page.user_pool_clients.unwrap_or_default().into_iter();
            let ours = clients.filter(|client| client.client_name.as_deref() == Some(name.as_str()));
            ids.extend(ours.filter_map(|client| client.client_id));
        }
        ids.sort();
        Ok(ids)
    }
}

fn details(provider: &IdentityProvider, secret: Option<&OidcClientSecret>) -> HashMap<String, String> {
    let scopes = SCOPES.join(" ");
    let members: Vec<(&str, &str)> = match provider {
        IdentityProvider::Saml(metadata) => vec![
            match metadata {
                SamlMetadata::Url(url) => ("MetadataURL", url.as_str()),
                SamlMetadata::Document(document) => ("MetadataFile", document.as_str()),
            },
            // Nobody comes in who did not begin here: an assertion without a request could be somebody else's.
            ("IDPInit", "false"),
            ("RequestSigningAlgorithm", "rsa-sha256"),
        ],
        IdentityProvider::Oidc { issuer, client_id } => vec![
            ("oidc_issuer", issuer.as_str()),
            ("client_id", client_id.as_str()),
            ("client_secret", secret.map_or("", OidcClientSecret::reveal)),
            ("attributes_request_method", "GET"),
            ("authorize_scopes", &scopes),
        ],
    };
    members.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What gets in of what a provider says. No `email_verified`: a provider's word proves nothing.
fn mapping(provider: &IdentityProvider) -> HashMap<String, String> {
    let (email, name) = match provider {
        IdentityProvider::Saml(_) => (SAML_EMAIL, SAML_NAME),
        IdentityProvider::Oidc { .. } => ("email", "name"),
    };
    HashMap::from([("email".to_owned(), email.to_owned()), ("name".to_owned(), name.to_owned())])
}

fn minutes() -> TokenValidityUnitsType {
    TokenValidityUnitsType::builder()
        .id_token(TimeUnitsType::Minutes)
        .access_token(TimeUnitsType::Minutes)
        .refresh_token(TimeUnitsType::Minutes)
        .build()
}

fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

fn is_missing<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    code(error) == Some("ResourceNotFoundException")
}

fn failed<E, R>(operation: &'static str, error: SdkError<E, R>) -> ProviderError
where
    E: Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    ProviderError::Failed { operation, source: Box::new(error) }
}

pub(crate) fn refused_or_failed<E, R>(operation: &'static str, error: SdkError<E, R>) -> ProviderError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    if code(&error) == Some("InvalidParameterException") {
        let message = error.as_service_error().and_then(ProvideErrorMetadata::message);
        return ProviderError::Refused(message.unwrap_or("Cognito cannot use this.").to_owned());
    }
    failed(operation, error)
}
