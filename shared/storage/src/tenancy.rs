//! The tenancy itself.

use domain::TenancyName;
use serde::{Deserialize, Serialize};
use tenant_context::{Grant, TenancyId, TenantContext, Timestamp, permission::UpdateTenancy};

use crate::{Storage, StorageError, keys::Collection, transaction::Change};

/// A customer's space.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tenancy {
    /// Its id.
    pub id: TenancyId,
    /// What the customer calls it.
    pub name: TenancyName,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts changes, from 1.
    #[serde(default = "first_version")]
    pub version: u64,
}

/// Tenancies had none before they could change.
pub(crate) fn first_version() -> u64 {
    1
}

impl Storage {
    /// The context's own tenancy.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_tenancy(&self, context: &TenantContext) -> Result<Option<Tenancy>, StorageError> {
        self.find(context, Collection::Tenancy, context.tenancy().as_str()).await
    }

    /// Gives the tenancy another name; answers it at its next version.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else changed it first.
    pub async fn rename_tenancy(
        &self,
        grant: &Grant<'_, UpdateTenancy>,
        tenancy: Tenancy,
        name: TenancyName,
    ) -> Result<Tenancy, StorageError> {
        let mut change = Change::new(self, grant, grant.context().tenancy().as_str())?;
        change.rename_tenancy(tenancy.version, &name)?;
        change.commit().await?;
        Ok(Tenancy { name, version: tenancy.version + 1, ..tenancy })
    }
}
