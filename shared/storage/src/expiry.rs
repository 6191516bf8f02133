//! Access that expires: who has been idle too long loses their memberships, and the owners hear of it.
//!
//! What was taken and the notice of it are one transaction; see [`crate::notices`] for how it is sent.

use domain::Access;
use tenant_context::{Grant, GroupRef, SystemGroup, TenantContext, Timestamp, permission::ExpireAccess};

use crate::{News, Notice, Storage, StorageError, keys::Collection};

impl Storage {
    /// Takes every membership that nobody used for [`domain::IDLE`] by `as_of`, but for the last owner's, and tells the owners.
    /// Twice is once; a day that was missed is made good by the next.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer; running again goes on from there.
    pub async fn expire_access(
        &self,
        grant: &Grant<'_, ExpireAccess>,
        as_of: Timestamp,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let activity = self.list_activity(context).await?;
        for access in self.list_access(context).await? {
            let last_active_at = activity.get(&access.member_id).copied();
            self.expire(grant, &access, last_active_at, as_of).await?;
        }
        self.send_notices(grant).await
    }

    async fn expire(
        &self,
        grant: &Grant<'_, ExpireAccess>,
        before: &Access,
        last_active_at: Option<Timestamp>,
        as_of: Timestamp,
    ) -> Result<(), StorageError> {
        let mut after = before.clone();
        let mut taken = after.expire(last_active_at, as_of);
        if taken.is_empty() {
            return Ok(());
        }
        let mut is_last_owner = false;
        if before.is_owner() && self.is_last_owner(grant.context(), before).await? {
            let owners = GroupRef::System(SystemGroup::Owners);
            after.memberships.extend(before.find(&owners).cloned());
            taken.retain(|group| *group != owners);
            if taken.is_empty() {
                is_last_owner = true;
                taken.push(owners);
            }
        }
        let (member_id, groups) = (before.member_id.clone(), taken.clone());
        let (id, news) = if is_last_owner {
            let id = format!("{member_id}/{}/{as_of}", before.version);
            (id, News::LastOwnerIdle { member_id, groups })
        } else {
            (format!("{member_id}/{}", before.version), News::AccessExpired { member_id, groups })
        };
        let notice = Notice { id, tenancy_id: grant.context().tenancy().clone(), news, as_of };
        if is_last_owner {
            return self.publish(&notice).await;
        }

        let mut change = self.change_access(grant, before, &after).await?;
        change.detail("groups_taken", &taken)?.create(Collection::Notices, &notice.id, &notice)?;
        match change.commit().await {
            // Somebody changed them at this moment: the next run sees how they are then.
            Err(StorageError::Conflict) => Ok(()),
            result => result,
        }
    }

    /// Whether without this owner there would be none. Where that cannot be told, nothing follows.
    async fn is_last_owner(&self, context: &TenantContext, owner: &Access) -> Result<bool, StorageError> {
        match self.check_other_owners(context, owner).await {
            Err(StorageError::LastOwner) => Ok(true),
            result => result.map(|()| false),
        }
    }
}
