//! The user pool's own people: those who sign in with a password and a code, or with a passkey. Nobody signs up by themselves.

use aws_sdk_cognitoidentityprovider::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::admin_create_user::AdminCreateUserError,
    types::{AttributeType, DeliveryMediumType, MessageActionType, UserStatusType},
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

/// An account of the pool.
#[derive(Debug, Clone)]
pub struct Account {
    /// What the pool calls it.
    pub name: String,
    /// The subject of its ID tokens.
    pub subject: String,
    /// Whether it still waits for the first password of its own.
    pub is_unused: bool,
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

    /// Every account with this address, those that came through an identity provider too.
    ///
    /// # Errors
    /// [`ProviderError::Failed`].
    pub async fn find(&self, email: &EmailAddress) -> Result<Vec<Account>, ProviderError> {
        // In a filter, quotation marks and backslashes of the value are escaped.
        let value = email.as_str().replace('\\', "\\\\").replace('"', "\\\"");
        let request =
            self.cognito.list_users().user_pool_id(&self.user_pool_id).filter(format!("email = \"{value}\""));
        let mut found = request.into_paginator().items().send();
        let mut accounts = Vec::new();
        while let Some(user) = found.next().await {
            let user = user.map_err(|error| refused_or_failed("cognito-idp:ListUsers", error))?;
            let is_unused = user.user_status() == Some(&UserStatusType::ForceChangePassword);
            let subject = user.attributes().iter().find(|attribute| attribute.name() == "sub");
            if let (Some(name), Some(subject)) = (user.username(), subject.and_then(AttributeType::value)) {
                let (name, subject) = (name.to_owned(), subject.to_owned());
                accounts.push(Account { name, subject, is_unused });
            }
        }
        Ok(accounts)
    }

    /// Deletes an account, and with it what the pool knows of the person. One that does not exist is deleted already.
    ///
    /// # Errors
    /// [`ProviderError::Failed`].
    pub async fn delete(&self, name: &str) -> Result<(), ProviderError> {
        let request = self.cognito.admin_delete_user().user_pool_id(&self.user_pool_id).username(name);
        match request.send().await {
            Err(gone) if gone.code() == Some("UserNotFoundException") => Ok(()),
            result => {
                result.map(drop).map_err(|error| refused_or_failed("cognito-idp:AdminDeleteUser", error))
            }
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
