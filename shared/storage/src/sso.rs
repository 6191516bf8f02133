//! Single sign-on of a tenancy: its settings, sealed. What signing in needs of them is in the directory.
//!
//! The item stays when single sign-on ends, so that its version never comes twice.

use domain::SsoSettings;
use serde::{Deserialize, Serialize};
use tenant_context::{Grant, GroupRef, TenantContext, Timestamp, permission::UpdateSso};

use crate::{
    Storage, StorageError,
    keys::Collection,
    sealed::{DataKey, Sealed},
    transaction::Change,
};

/// How the people of a tenancy sign in through a provider of their own, if they do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sso {
    /// The settings; none when people sign in with passwords and passkeys alone.
    pub settings: Option<SsoSettings>,
    /// When they last changed.
    pub changed_at: Timestamp,
    /// Counts changes; 0 before the first.
    pub version: u64,
}

impl Sso {
    /// The group that newcomers join, if they may come.
    pub fn join_group(&self) -> Option<&GroupRef> {
        self.settings.as_ref()?.join_group.as_ref()
    }
}

#[derive(Serialize, Deserialize)]
struct StoredSso {
    sealed_settings: Option<Sealed>,
    changed_at: Timestamp,
    version: u64,
}

const FIELD: &str = "sso/settings";

impl StoredSso {
    fn seal(
        sso: &Sso,
        context: &TenantContext,
        key: &DataKey,
        storage: &Storage,
    ) -> Result<Self, StorageError> {
        let seal = |settings: &SsoSettings| {
            let text = serde_json::to_string(settings).map_err(StorageError::corrupt)?;
            key.seal(context, FIELD, &text, storage.randomness())
        };
        Ok(Self {
            sealed_settings: sso.settings.as_ref().map(seal).transpose()?,
            changed_at: sso.changed_at,
            version: sso.version,
        })
    }

    fn open(self, context: &TenantContext, key: &DataKey) -> Result<Sso, StorageError> {
        let open = |sealed: &Sealed| {
            let text = key.open(context, FIELD, sealed)?;
            serde_json::from_str(&text).map_err(StorageError::corrupt)
        };
        Ok(Sso {
            settings: self.sealed_settings.as_ref().map(open).transpose()?,
            changed_at: self.changed_at,
            version: self.version,
        })
    }
}

impl Storage {
    /// The tenancy's single sign-on.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer.
    pub async fn find_sso(&self, context: &TenantContext) -> Result<Sso, StorageError> {
        let id = context.tenancy().as_str();
        let stored: Option<StoredSso> = self.find(context, Collection::Sso, id).await?;
        match stored {
            Some(stored) => self.with_data_key(context, |key| stored.open(context, key)).await,
            None => Ok(Sso { settings: None, changed_at: Timestamp::EPOCH, version: 0 }),
        }
    }

    /// Replaces settings that are still at `version`; answers them with the next.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else changed them first, or the group that newcomers join is gone.
    pub async fn update_sso(
        &self,
        grant: &Grant<'_, UpdateSso>,
        settings: Option<SsoSettings>,
        version: u64,
    ) -> Result<Sso, StorageError> {
        let context = grant.context();
        let id = context.tenancy().as_str();
        let sso = Sso { settings, changed_at: self.now(), version: version + 1 };
        let stored = self.with_data_key(context, |key| StoredSso::seal(&sso, context, key, self)).await?;

        let mut change = Change::new(self, grant, id)?;
        if version == 0 {
            change.create(Collection::Sso, id, &stored)?;
        } else {
            change.replace(Collection::Sso, id, version, &stored)?;
        }
        if let Some(GroupRef::Custom(group)) = sso.join_group() {
            change.check_exists(Collection::Access, group.as_str())?;
        }
        change.commit().await?;
        Ok(sso)
    }
}
