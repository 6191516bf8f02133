//! What an operator has agreed with a tenancy. It is part of the tenancy's item.

use domain::Limits;
use serde::Deserialize;
use tenant_context::TenantContext;

use crate::{Storage, StorageError, keys::Collection};

#[derive(Deserialize)]
struct Agreed {
    #[serde(default)]
    limits: Limits,
}

impl Storage {
    /// The tenancy's limits, read on first use of these credentials: a change is seen when they are renewed, within 15 minutes.
    pub(crate) async fn limits(&self, context: &TenantContext) -> Result<Limits, StorageError> {
        let tenant = self.tenant(context).await?;
        let limits = tenant.limits.get_or_try_init(async || {
            let agreed: Option<Agreed> =
                self.find(context, Collection::Tenancy, context.tenancy().as_str()).await?;
            Ok::<_, StorageError>(agreed.map(|agreed| agreed.limits).unwrap_or_default())
        });
        limits.await.cloned()
    }
}
