//! Access that expires: who has been idle too long loses their memberships, and the owners hear of it.
//!
//! What was taken and the notice of it are one transaction; the notice is sent after that, and struck off when it was sent. Killed
//! in between, the next run sends it: a notice may come twice, with the same id, and is never lost.

use domain::Access;
use serde::{Deserialize, Serialize};
use tenant_context::{
    Grant, GroupRef, MemberId, SystemGroup, TenancyId, TenantContext, Timestamp, permission::ExpireAccess,
};

use crate::{Storage, StorageError, error::During, keys::Collection};

/// What the tenancy's owners are told: somebody's access was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Tells one notice from another, for those who get it twice.
    pub id: String,
    /// What happened: `access_expired`, or `last_owner_idle`, when an owner was idle whom nobody could stand in for.
    pub kind: NoticeKind,
    /// Whose tenancy.
    pub tenancy_id: TenancyId,
    /// Whose access.
    pub member_id: MemberId,
    /// The groups that they are not in any more; for `last_owner_idle`, that they should not be in.
    pub groups: Vec<GroupRef>,
    /// The day's sweep that found it.
    pub as_of: Timestamp,
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Memberships were taken because nobody used them.
    AccessExpired,
    /// An owner is idle, and stays one: without them there would be none.
    LastOwnerIdle,
}

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
        let mut kind = NoticeKind::AccessExpired;
        if before.is_owner() && self.is_last_owner(grant.context(), before).await? {
            let owners = GroupRef::System(SystemGroup::Owners);
            after.memberships.extend(before.find(&owners).cloned());
            taken.retain(|group| *group != owners);
            if taken.is_empty() {
                kind = NoticeKind::LastOwnerIdle;
                taken.push(owners);
            }
        }
        let id = match kind {
            NoticeKind::AccessExpired => format!("{}/{}", before.member_id, before.version),
            NoticeKind::LastOwnerIdle => format!("{}/{}/{as_of}", before.member_id, before.version),
        };
        let notice = Notice {
            id,
            kind,
            tenancy_id: grant.context().tenancy().clone(),
            member_id: before.member_id.clone(),
            groups: taken,
            as_of,
        };
        if kind == NoticeKind::LastOwnerIdle {
            return self.publish(&notice).await;
        }

        let mut change = self.change_access(grant, before, &after).await?;
        change.detail("groups_taken", &notice.groups)?.create(Collection::Notices, &notice.id, &notice)?;
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

    async fn send_notices(&self, grant: &Grant<'_, ExpireAccess>) -> Result<(), StorageError> {
        let notices: Vec<Notice> = self.list_all(grant.context(), Collection::Notices).await?;
        for notice in notices {
            self.publish(&notice).await?;
            self.strike_off(grant, Collection::Notices, &notice.id).await?;
        }
        Ok(())
    }

    /// To whoever has subscribed to the topic; the tenancy goes with it as an attribute, to filter by.
    async fn publish(&self, notice: &Notice) -> Result<(), StorageError> {
        let tenancy = aws_sdk_sns::types::MessageAttributeValue::builder()
            .data_type("String")
            .string_value(notice.tenancy_id.as_str())
            .build()
            .map_err(StorageError::corrupt)?;
        self.own
            .sns
            .publish()
            .topic_arn(self.environment.get("NOTICE_TOPIC")?)
            .message(serde_json::to_string(notice).map_err(StorageError::corrupt)?)
            .message_attributes("TenancyId", tenancy)
            .send()
            .await
            .during("sns:Publish")?;
        Ok(())
    }
}
