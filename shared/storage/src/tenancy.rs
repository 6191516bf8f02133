//! The tenancy itself.

use domain::TenancyName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::{TenancyId, TenantContext, Timestamp};

use crate::{Storage, StorageError, keys::Collection};

/// A customer's space.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Tenancy {
    /// Its id.
    pub id: TenancyId,
    /// What the customer calls it.
    pub name: TenancyName,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Storage {
    /// The context's own tenancy.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_tenancy(&self, context: &TenantContext) -> Result<Option<Tenancy>, StorageError> {
        self.find(context, Collection::Tenancy, context.tenancy().as_str()).await
    }
}
