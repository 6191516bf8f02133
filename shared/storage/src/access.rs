//! Who may do what in a tenancy: members' access and the tenancy's own groups. They are kept in the directory, under the
//! tenancy's own partition, because sign-in and the authorizer must know them before anybody has the tenancy's credentials.

use std::collections::{BTreeSet, HashMap};

use domain::{Access, CustomGroup, Quota};
use serde::{Deserialize, Serialize};
use tenant_context::{
    ClientId, Grant, GroupId, GroupRef, MemberId, Permission, ShowId, TenancyState, TenantContext, Timestamp,
    UserId,
    permission::{CreateGroup, DeleteGroup, ManageMembers, UpdateGroup},
};

use crate::{
    Sso, Storage, StorageError,
    keys::{Collection, TENANCY_ACCESS},
    transaction::Change,
};

/// What the directory says of a tenancy as a whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TenancyAccess {
    /// A session ends when it started at another version.
    pub version: u64,
    /// Those who may sign in and are owners of the whole tenancy.
    #[serde(with = "serde_dynamo::string_set")]
    pub owners: BTreeSet<String>,
    /// Whether the tenancy leaves.
    #[serde(default, skip_serializing_if = "TenancyState::is_active")]
    pub state: TenancyState,
}

/// When a member last signed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Activity {
    pub member_id: MemberId,
    pub last_active_at: Timestamp,
}

/// Ids of one kind lie between their prefix with `_` and with the character after it.
fn range(prefix: &str) -> (String, String) {
    (format!("{prefix}_"), format!("{prefix}`"))
}

impl Storage {
    /// What a member may do.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn find_access(
        &self,
        context: &TenantContext,
        member: &MemberId,
    ) -> Result<Option<Access>, StorageError> {
        self.find(context, Collection::Access, member.as_str()).await
    }

    /// What every member of the tenancy may do: clients first, then users, each by id.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn list_access(&self, context: &TenantContext) -> Result<Vec<Access>, StorageError> {
        let mut all = Vec::new();
        for prefix in [ClientId::PREFIX, UserId::PREFIX] {
            let (first, last) = range(prefix);
            all.extend(self.list_between(context, Collection::Access, &first, &last).await?);
        }
        Ok(all)
    }

    /// When each member last signed in. Who never did is not in it.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn list_activity(
        &self,
        context: &TenantContext,
    ) -> Result<HashMap<MemberId, Timestamp>, StorageError> {
        let all: Vec<Activity> = self.list_all(context, Collection::Activity).await?;
        Ok(all.into_iter().map(|active| (active.member_id, active.last_active_at)).collect())
    }

    /// The groups that the tenancy made for itself, by id.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn list_groups(&self, context: &TenantContext) -> Result<Vec<CustomGroup>, StorageError> {
        let (first, last) = range(GroupId::PREFIX);
        self.list_between(context, Collection::Access, &first, &last).await
    }

    /// A group that the tenancy made for itself.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn find_group(
        &self,
        context: &TenantContext,
        id: &GroupId,
    ) -> Result<Option<CustomGroup>, StorageError> {
        self.find(context, Collection::Access, id.as_str()).await
    }

    /// Makes a group.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when its id is taken.
    pub async fn create_group(
        &self,
        grant: &Grant<'_, CreateGroup>,
        group: &CustomGroup,
    ) -> Result<(), StorageError> {
        let mut change = Change::new(self, grant, group.id.as_str())?;
        change.create(Collection::Access, group.id.as_str(), group)?.count(Quota::Groups, 1);
        change.commit().await
    }

    /// Replaces a group that is still at `version`. Every session of the tenancy ends: some hold what the group allowed.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else changed it first.
    pub async fn update_group(
        &self,
        grant: &Grant<'_, UpdateGroup>,
        group: &CustomGroup,
        version: u64,
    ) -> Result<(), StorageError> {
        let mut change = Change::new(self, grant, group.id.as_str())?;
        change.replace(Collection::Access, group.id.as_str(), version, group)?.end_sessions_of_tenancy()?;
        change.commit().await
    }

    /// Deletes a group that `sso` puts nobody into. Who joins it at this very moment is a member of a group that allows nothing.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when it is gone already, or single sign-on is not as it was.
    pub async fn delete_group(
        &self,
        grant: &Grant<'_, DeleteGroup>,
        id: &GroupId,
        sso: &Sso,
    ) -> Result<(), StorageError> {
        let mut change = Change::new(self, grant, id.as_str())?;
        change
            .delete(Collection::Access, id.as_str())?
            .check_version(Collection::Sso, grant.context().tenancy().as_str(), sso.version)?
            .end_sessions_of_tenancy()?
            .count(Quota::Groups, -1);
        change.commit().await
    }

    /// Puts a member into `group`, or takes them out: `before` becomes `after`, and their sessions end.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else changed the member first or the group is gone, [`StorageError::LastOwner`].
    pub async fn update_membership(
        &self,
        grant: &Grant<'_, ManageMembers>,
        group: &GroupRef,
        before: &Access,
        after: &Access,
    ) -> Result<(), StorageError> {
        let mut change = self.change_access(grant, before, after).await?;
        change.detail("group", group)?;
        if let (GroupRef::Custom(id), Some(_)) = (group, after.find(group)) {
            change.check_exists(Collection::Access, id.as_str())?;
        }
        change.commit().await
    }

    /// Each of `members`, which are sorted by id, with what it may do. Who has no access any more is left out.
    pub(crate) async fn with_access<T>(
        &self,
        context: &TenantContext,
        members: Vec<T>,
        id: impl Fn(&T) -> MemberId,
    ) -> Result<Vec<(T, Access)>, StorageError> {
        let (Some(first), Some(last)) = (members.first().map(&id), members.last().map(&id)) else {
            return Ok(Vec::new());
        };
        let found: Vec<Access> =
            self.list_between(context, Collection::Access, first.as_str(), last.as_str()).await?;
        let mut found: HashMap<MemberId, Access> =
            found.into_iter().map(|access| (access.member_id.clone(), access)).collect();
        let with_access = |member| found.remove(&id(&member)).map(|access| (member, access));
        Ok(members.into_iter().filter_map(with_access).collect())
    }

    /// Starts a change of a member's access.
    pub(crate) async fn change_access<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        before: &Access,
        after: &Access,
    ) -> Result<Change<'_>, StorageError> {
        if before.is_owner() && !after.is_owner() {
            self.check_other_owners(grant.context(), before).await?;
        }
        let mut change = Change::new(self, grant, after.member_id.as_str())?;
        change.save_access(Some(before), after)?;
        Ok(change)
    }

    /// Whether the tenancy has an owner without this user.
    pub(crate) async fn check_not_last_owner(
        &self,
        context: &TenantContext,
        user: &UserId,
    ) -> Result<(), StorageError> {
        match self.find_access(context, &MemberId::User(user.clone())).await? {
            Some(access) if access.is_owner() => self.check_other_owners(context, &access).await,
            _ => Ok(()),
        }
    }

    /// A sentence instead of a failed condition. Two owners who take each other's leave at once are told apart by the condition.
    pub(crate) async fn check_other_owners(
        &self,
        context: &TenantContext,
        leaving: &Access,
    ) -> Result<(), StorageError> {
        let tenancy: Option<TenancyAccess> = self.find(context, Collection::Access, TENANCY_ACCESS).await?;
        let owners = tenancy.map(|tenancy| tenancy.owners).unwrap_or_default();
        let has_others = owners.iter().any(|owner| owner != leaving.member_id.as_str());
        if has_others { Ok(()) } else { Err(StorageError::LastOwner) }
    }
}

/// Holds a change to the show that it was granted for. What belongs to no show needs the whole tenancy.
pub(crate) fn reaches<'a, P: Permission>(
    grant: &Grant<'_, P>,
    place: impl Into<Option<&'a ShowId>>,
) -> Result<(), StorageError> {
    if grant.covers_place(place.into()) { Ok(()) } else { Err(StorageError::BeyondGrant) }
}
