//! Letting people in: somebody with an invitation, or somebody for whom the tenancy's identity provider vouches. Done by sign-in,
//! which has a role of its own for it. Each step may happen twice: killed anywhere and run again, there is one user.

use domain::{Access, AccessState, EmailAddress, PersonName, Quota};
use tenant_context::{Grant, GroupRef, MemberId, UserId, permission::AdmitUser};

use crate::{
    IdentityRecord, SecretHash, Storage, StorageError, User,
    keys::Collection,
    transaction::Change,
    users::{ComesBy, email_index},
};

/// Somebody whom a tenancy's identity provider vouches for, and who is no user yet.
#[derive(Debug)]
pub struct Newcomer {
    /// The hash of their subject.
    pub identity: SecretHash,
    /// What they are called.
    pub name: PersonName,
    /// Where to write to them.
    pub email: EmailAddress,
    /// The group that they join.
    pub group: GroupRef,
}

impl Storage {
    /// Whether an invited user was invited under this address.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn is_invited_as(
        &self,
        grant: &Grant<'_, AdmitUser>,
        user: &UserId,
        email: &EmailAddress,
    ) -> Result<bool, StorageError> {
        let context = grant.context();
        let Some(stored) = self.find_stored_user(context, user).await? else { return Ok(false) };
        let index = self.with_data_key(context, |key| Ok(email_index(context, key, email))).await?;
        Ok(stored.email_index == index)
    }

    /// Accepts an invitation: the person is the user from now on, and the user may sign in.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when they are another user of the tenancy already, or somebody else is this user.
    pub async fn accept_invitation(
        &self,
        grant: &Grant<'_, AdmitUser>,
        user: &UserId,
        identity: &SecretHash,
        invitation: &SecretHash,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let member = MemberId::User(user.clone());
        let stored = self.find_stored_user(context, user).await?;
        let before = self.find_access(context, &member).await?;
        let (Some(mut stored), Some(before)) = (stored, before) else { return Err(StorageError::Conflict) };
        if stored.identity.as_ref().is_some_and(|known| known != identity) {
            return Err(StorageError::Conflict);
        }

        let record = IdentityRecord { tenancy_id: context.tenancy().clone(), user_id: user.clone() };
        self.bind_identity(identity, &record).await?;
        if before.state == AccessState::Invited {
            let version = stored.version;
            stored.identity = Some(identity.clone());
            stored.invitation_hash = None;
            stored.version += 1;
            let mut after = before.clone();
            after.enter(AccessState::Active);
            let mut change = Change::new(self, grant, user.as_str())?;
            change
                .replace(Collection::Users, user.as_str(), version, &stored)?
                .save_access(Some(&before), &after)?;
            change.commit().await?;
        }
        self.delete_invitation_record(invitation).await
    }

    /// Makes a newcomer a user, under `user`, which is the one that an earlier try has bound to them if there was one.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody in the tenancy has their address, or the same happens at this very moment.
    pub async fn admit_newcomer(
        &self,
        grant: &Grant<'_, AdmitUser>,
        user: UserId,
        newcomer: Newcomer,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let Newcomer { identity, name, email, group } = newcomer;
        let user = User { id: user, name, email, created_at: self.now() };
        let mut access = Access::new(user.member_id(), AccessState::Active, false);
        access.join(&group, None, "sso", user.created_at).map_err(StorageError::corrupt)?;

        let record = IdentityRecord { tenancy_id: context.tenancy().clone(), user_id: user.id.clone() };
        self.bind_identity(&identity, &record).await?;
        let mut change = Change::new(self, grant, user.id.as_str())?;
        self.with_data_key(context, |key| {
            change.create_user(self, context, key, (&user, &access), ComesBy::Provider(&identity)).map(drop)
        })
        .await?;
        change.check_groups_exist(&access)?.count(Quota::Users, 1);
        change.commit().await
    }
}
