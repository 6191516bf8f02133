//! How many of a thing a tenancy has. Transactions count, see [`crate::transaction::Change::count`]; nobody lists to know.

use domain::Quota;
use serde::{Deserialize, Serialize};
use tenant_context::{Grant, Permission};

use crate::{Storage, StorageError, keys::Collection};

/// A count, as it is stored.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Count {
    pub used: i64,
}

impl Storage {
    /// Whether there is a place for one more. Only the transaction that makes it can be sure: this is for what comes before and is
    /// not taken back.
    ///
    /// # Errors
    /// [`StorageError::QuotaExceeded`] when there is none.
    pub async fn check_quota<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        quota: Quota,
    ) -> Result<(), StorageError> {
        self.check_quota_for(grant, quota, 1).await
    }

    /// The same for `more` at once.
    pub(crate) async fn check_quota_for<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        quota: Quota,
        more: u64,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let limit = self.limits(context).await?.quota(quota);
        let count: Option<Count> = self.find(context, Collection::Quotas, quota.as_str()).await?;
        let used = u64::try_from(count.unwrap_or_default().used).unwrap_or_default();
        if used.saturating_add(more) <= limit {
            Ok(())
        } else {
            Err(StorageError::QuotaExceeded { quota, limit })
        }
    }
}
