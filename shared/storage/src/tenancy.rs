//! The tenancy itself, and the people in it.

use domain::{EmailAddress, PersonName, TenancyName};
use serde::{Deserialize, Serialize};
use tenant_context::{Grant, TenancyId, TenantContext, Timestamp, UserId, permission::ReadUsers};

use crate::{
    Page, PageRequest, Storage, StorageError,
    keys::Collection,
    sealed::{DataKey, Sealed},
};

/// A customer's space.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tenancy {
    /// Its id.
    pub id: TenancyId,
    /// What the customer calls it.
    pub name: TenancyName,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A person in a tenancy.
#[derive(Debug, Clone)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// What they are called.
    pub name: PersonName,
    /// Where to write to them.
    pub email: EmailAddress,
    /// When they came.
    pub created_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredUser {
    id: UserId,
    sealed_name: Sealed,
    sealed_email: Sealed,
    created_at: Timestamp,
}

impl StoredUser {
    pub(crate) fn seal(
        user: &User,
        context: &TenantContext,
        key: &DataKey,
        storage: &Storage,
    ) -> Result<Self, StorageError> {
        let seal = |field: &str, text: &str| {
            key.seal(context, &format!("{}/{field}", user.id), text, storage.randomness())
        };
        Ok(Self {
            id: user.id.clone(),
            sealed_name: seal("name", user.name.as_str())?,
            sealed_email: seal("email", user.email.as_str())?,
            created_at: user.created_at,
        })
    }

    fn open(self, context: &TenantContext, key: &DataKey) -> Result<User, StorageError> {
        let open = |field: &str, sealed: &Sealed| key.open(context, &format!("{}/{field}", self.id), sealed);
        Ok(User {
            name: open("name", &self.sealed_name)?.try_into().map_err(StorageError::corrupt)?,
            email: open("email", &self.sealed_email)?.try_into().map_err(StorageError::corrupt)?,
            id: self.id,
            created_at: self.created_at,
        })
    }
}

impl Storage {
    /// The context's own tenancy.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_tenancy(&self, context: &TenantContext) -> Result<Option<Tenancy>, StorageError> {
        self.find(context, Collection::Tenancy, context.tenancy().as_str()).await
    }

    /// The people of the tenancy.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_users(
        &self,
        grant: &Grant<'_, ReadUsers>,
        request: &PageRequest,
    ) -> Result<Page<User>, StorageError> {
        let context = grant.context();
        let page: Page<StoredUser> = self.list(context, Collection::Users, request).await?;
        let open = |key: &DataKey| page.items.into_iter().map(|user| user.open(context, key)).collect();
        Ok(Page { items: self.with_data_key(context, open).await?, next: page.next })
    }
}
