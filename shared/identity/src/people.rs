//! The user pool's own people: those who sign in with a password and a code, or with a passkey. Nobody signs up by themselves.

use aws_sdk_cognitoidentityprovider::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::admin_create_user::AdminCreateUserError,
    types::{AttributeType, DeliveryMediumType, MessageActionType},
};
use domain::{EmailAddress, PersonName};
use storage::Storage;

use crate::{ProviderError, providers::refused_or_failed};

/// The people of one user pool.
#[derive(Debug, Clone)]
pub struct People {
    cognito: Client,
    user_pool_id: String,
}

impl People {
    /// Of the pool of that id.
    pub fn new(storage: &Storage, user_pool_id: String) -> Self {
        Self { cognito: Client::new(storage.sdk_config()), user_pool_id }
    }

    /// Lets somebody sign in: Cognito writes to them with a password for the first time, again if they did not use it in time.
    /// Who is known already signs in as before. It gives access to no tenancy.
    ///
    /// # Errors
    /// [`ProviderError::Refused`] when Cognito does not take the address, [`ProviderError::Failed`].
    pub async fn invite(&self, name: &PersonName, email: &EmailAddress) -> Result<(), ProviderError> {
        let attributes = [("email", email.as_str()), ("email_verified", "true"), ("name", name.as_str())]
            .map(|(name, value)| AttributeType::builder().name(name).value(value).build())
            .into_iter()
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| ProviderError::Failed {
                operation: "cognito-idp:AdminCreateUser",
                source: Box::new(error),
            })?;
        match self.create(email, attributes.clone(), None).await {
            Err(known) if known.code() == Some("UsernameExistsException") => {}
            result => return result.map_err(|error| refused_or_failed("cognito-idp:AdminCreateUser", error)),
        }
        match self.create(email, attributes, Some(MessageActionType::Resend)).await {
            // They have a password of their own.
            Err(known) if known.code() == Some("UnsupportedUserStateException") => Ok(()),
            result => result.map_err(|error| refused_or_failed("cognito-idp:AdminCreateUser", error)),
        }
    }

    async fn create(
        &self,
        email: &EmailAddress,
        attributes: Vec<AttributeType>,
        action: Option<MessageActionType>,
    ) -> Result<(), SdkError<AdminCreateUserError>> {
        self.cognito
            .admin_create_user()
            .user_pool_id(&self.user_pool_id)
            .username(email.as_str())
            .set_user_attributes(Some(attributes))
            .desired_delivery_mediums(DeliveryMediumType::Email)
            .set_message_action(action)
            .send()
            .await?;
        Ok(())
    }
}
