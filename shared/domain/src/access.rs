use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::{
    Action, GroupId, GroupRef, MemberId, Membership, ShowId, SystemGroup, Timestamp, permission::Effect,
};

use crate::{GroupName, Invalid};

/// Access that nobody used for this long is taken.
pub const IDLE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How many groups one member may be in: all of them go into each token.
pub const MOST_GROUPS: usize = 10;

/// How many shows the memberships of one member may name, all together.
pub const MOST_SHOWS: usize = 50;

/// What a member may do, and since when: nothing but memberships gives access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Access {
    /// Who.
    pub member_id: MemberId,
    /// Whether they may sign in.
    pub state: AccessState,
    /// In which groups they are.
    pub memberships: Vec<GrantedMembership>,
    /// Of a machine client: an owner vouches for it, so that its sign-in counts as one with a second factor.
    pub is_vouched_for: bool,
    /// Counts changes, from 1. A session ends when it started at another version.
    pub version: u64,
}

/// Whether a member may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessState {
    /// Asked in, and has not come yet.
    Invited,
    /// May sign in.
    Active,
    /// May not, until an owner says so.
    Suspended,
}

/// One membership, and how it came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrantedMembership {
    /// The group.
    pub group: GroupRef,
    /// The shows that it covers; none means the whole tenancy.
    pub shows: Option<Vec<ShowId>>,
    /// Since when.
    pub granted_at: Timestamp,
    /// By whom, as in audit events.
    pub granted_by: String,
}

/// A group that a tenancy made for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomGroup {
    /// Its id.
    pub id: GroupId,
    /// What it is called.
    pub name: GroupName,
    /// What it allows; nothing at first.
    pub permissions: Vec<Action>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts changes, from 1; an `ETag` is made of it.
    pub version: u64,
}

impl Access {
    /// A member of nothing.
    pub fn new(member_id: MemberId, state: AccessState, is_vouched_for: bool) -> Self {
        Self { member_id, state, memberships: Vec::new(), is_vouched_for, version: 1 }
    }

    /// Into a group, or into it with other shows. Answers whether anything is different now.
    ///
    /// # Errors
    /// [`Invalid`] when that would be too many groups, too many shows, or none.
    pub fn join(
        &mut self,
        group: &GroupRef,
        shows: Option<Vec<ShowId>>,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, Invalid> {
        let shows = shows.map(|mut shows| {
            shows.sort();
            shows.dedup();
            shows
        });
        if shows.as_ref().is_some_and(Vec::is_empty) {
            return Err(Invalid::new("name at least one show, or leave shows out for the whole tenancy"));
        }
        if self.find(group).is_some_and(|membership| membership.shows == shows) {
            return Ok(false);
        }

        let mut memberships = self.memberships.clone();
        memberships.retain(|membership| membership.group != *group);
        memberships.push(GrantedMembership {
            group: group.clone(),
            shows,
            granted_at: now,
            granted_by: by.to_owned(),
        });
        let named = memberships.iter().flat_map(|membership| membership.shows.iter().flatten()).count();
        if memberships.len() > MOST_GROUPS || named > MOST_SHOWS {
            return Err(Invalid::new("a member is in at most 10 groups, which name at most 50 shows in all"));
        }
        self.memberships = memberships;
        self.version += 1;
        Ok(true)
    }

    /// Out of a group. Answers whether they were in it.
    pub fn leave(&mut self, group: &GroupRef) -> bool {
        let before = self.memberships.len();
        self.memberships.retain(|membership| membership.group != *group);
        let was_in_it = self.memberships.len() < before;
        self.version += u64::from(was_in_it);
        was_in_it
    }

    /// Into another state. Answers whether it is another.
    pub fn enter(&mut self, state: AccessState) -> bool {
        let is_changed = self.state != state;
        self.state = state;
        self.version += u64::from(is_changed);
        is_changed
    }

    /// Ends the member's sessions and changes nothing else.
    pub fn end_sessions(&mut self) {
        self.version += 1;
    }

    /// The groups that they are in.
    pub fn groups(&self) -> Vec<&GroupRef> {
        self.memberships.iter().map(|membership| &membership.group).collect()
    }

    /// The membership in `group`.
    pub fn find(&self, group: &GroupRef) -> Option<&GrantedMembership> {
        self.memberships.iter().find(|membership| membership.group == *group)
    }

    /// Whether they may sign in and are an owner of the whole tenancy.
    pub fn is_owner(&self) -> bool {
        let owners = GroupRef::System(SystemGroup::Owners);
        self.state == AccessState::Active && self.find(&owners).is_some_and(|owner| owner.shows.is_none())
    }

    /// Takes every membership that was granted, and not used, [`IDLE`] or longer before `as_of`. Answers what was taken.
    pub fn expire(&mut self, last_active_at: Option<Timestamp>, as_of: Timestamp) -> Vec<GroupRef> {
        let is_idle = |membership: &GrantedMembership| {
            let used_at = last_active_at.map_or(membership.granted_at, |at| at.max(membership.granted_at));
            used_at.plus(IDLE) <= as_of
        };
        let (taken, kept): (Vec<_>, Vec<_>) = self.memberships.drain(..).partition(is_idle);
        self.memberships = kept;
        self.version += u64::from(!taken.is_empty());
        taken.into_iter().map(|membership| membership.group).collect()
    }

    /// What the memberships allow. `custom` are the tenancy's own groups; one that is not among them allows nothing.
    pub fn to_memberships(&self, custom: &[CustomGroup]) -> Vec<Membership> {
        let permissions = |group: &GroupRef| match group {
            GroupRef::System(_) => Vec::new(),
            GroupRef::Custom(id) => {
                let found = custom.iter().find(|group| group.id == *id);
                found.map(|group| group.permissions.clone()).unwrap_or_default()
            }
        };
        let describe = |membership: &GrantedMembership| Membership {
            permissions: permissions(&membership.group),
            group: membership.group.clone(),
            shows: membership.shows.clone(),
        };
        self.memberships.iter().map(describe).collect()
    }
}

impl CustomGroup {
    /// A group that allows nothing.
    pub fn new(id: GroupId, name: GroupName, now: Timestamp) -> Self {
        Self { id, name, permissions: Vec::new(), created_at: now, version: 1 }
    }

    /// Makes changes and answers whether anything is different now; what is absent stays.
    ///
    /// # Errors
    /// [`Invalid`] for what no group can allow.
    pub fn apply(
        &mut self,
        name: Option<GroupName>,
        permissions: Option<Vec<Action>>,
    ) -> Result<bool, Invalid> {
        let before = self.clone();
        if let Some(mut permissions) = permissions {
            if permissions.iter().any(|action| action.effect() == Effect::Works) {
                return Err(Invalid::new("this permission is for Castkeep's own workers"));
            }
            permissions.sort();
            permissions.dedup();
            self.permissions = permissions;
        }
        if let Some(name) = name {
            self.name = name;
        }
        let is_changed = *self != before;
        self.version += u64::from(is_changed);
        Ok(is_changed)
    }

    /// Membership in it, in the whole tenancy.
    pub fn to_membership(&self) -> Membership {
        Membership {
            group: GroupRef::Custom(self.id.clone()),
            permissions: self.permissions.clone(),
            shows: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::EPOCH;

    fn access() -> Access {
        Access::new("usr_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(), AccessState::Active, false)
    }

    fn editors() -> GroupRef {
        SystemGroup::Editors.into()
    }

    fn show(last: char) -> ShowId {
        format!("shw_01ARZ3NDEKTSV4RRFFQ69G5FA{last}").parse().unwrap()
    }

    #[test]
    fn each_change_is_counted_and_what_changes_nothing_is_not() {
        let mut access = access();
        assert!(access.join(&editors(), None, "usr_1", NOW).unwrap());
        assert!(!access.join(&editors(), None, "usr_2", NOW.plus(IDLE)).unwrap());
        assert_eq!((access.version, access.find(&editors()).unwrap().granted_by.as_str()), (2, "usr_1"));
        assert!(access.leave(&editors()) && !access.leave(&editors()));
        assert!(access.enter(AccessState::Suspended) && !access.enter(AccessState::Suspended));
        assert_eq!(access.version, 4);
    }

    #[test]
    fn joining_again_with_other_shows_replaces_them() {
        let mut access = access();
        access.join(&editors(), Some(vec![show('B'), show('A'), show('B')]), "usr_1", NOW).unwrap();
        assert_eq!(access.find(&editors()).unwrap().shows, Some(vec![show('A'), show('B')]));
        assert!(!access.join(&editors(), Some(vec![show('A'), show('B')]), "usr_1", NOW).unwrap());
        access.join(&editors(), None, "usr_1", NOW).unwrap();
        assert_eq!((access.memberships.len(), &access.memberships[0].shows), (1, &None));
        assert!(access.join(&editors(), Some(vec![]), "usr_1", NOW).is_err());
    }

    #[test]
    fn a_token_stays_small() {
        let mut access = access();
        let shows: Vec<ShowId> = (0..51).map(|number| format!("shw_{number:026}").parse().unwrap()).collect();
        assert!(access.join(&editors(), Some(shows.clone()), "usr_1", NOW).is_err());
        assert!(access.join(&editors(), Some(shows[1..].to_vec()), "usr_1", NOW).is_ok());
        for number in 0..9 {
            let group = GroupRef::Custom(format!("grp_{number:026}").parse().unwrap());
            access.join(&group, None, "usr_1", NOW).unwrap();
        }
        assert!(access.join(&SystemGroup::Analysts.into(), None, "usr_1", NOW).is_err());
    }

    #[test]
    fn an_owner_is_active_and_of_the_whole_tenancy() {
        let owners = SystemGroup::Owners.into();
        let mut access = access();
        access.join(&owners, Some(vec![show('A')]), "usr_1", NOW).unwrap();
        assert!(!access.is_owner());
        access.join(&owners, None, "usr_1", NOW).unwrap();
        assert!(access.is_owner());
        access.enter(AccessState::Suspended);
        assert!(!access.is_owner());
    }

    #[test]
    fn thirty_days_without_use_and_not_a_second_less() {
        let second = Duration::from_secs(1);
        let granted = NOW.plus(IDLE);
        for (last_active_at, as_of, is_taken) in [
            (None, granted.plus(IDLE - second), false),
            (None, granted.plus(IDLE), true),
            (None, granted.plus(IDLE + second), true),
            (Some(NOW), granted.plus(IDLE - second), false),
            (Some(NOW), granted.plus(IDLE), true),
            (Some(granted.plus(second)), granted.plus(IDLE), false),
            (Some(granted.plus(second)), granted.plus(IDLE + second), true),
        ] {
            let mut access = access();
            access.join(&editors(), None, "usr_1", granted).unwrap();
            let before = access.version;

            let taken = access.expire(last_active_at, as_of);

            assert_eq!(!taken.is_empty(), is_taken, "{last_active_at:?} {as_of}");
            assert_eq!(access.version, before + u64::from(is_taken));
            assert_eq!(access.expire(last_active_at, as_of), [], "twice is once");
        }
    }

    #[test]
    fn a_group_of_ones_own_starts_with_nothing_and_never_does_a_workers_work() {
        let id = "grp_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let mut group = CustomGroup::new(id, "Night desk".parse().unwrap(), NOW);
        assert_eq!(group.permissions, []);
        assert!(group.apply(None, Some(vec![Action::ProcessUpload])).is_err());
        assert!(group.apply(None, Some(vec![Action::ReadShows, Action::ReadShows])).unwrap());
        assert!(!group.apply(None, Some(vec![Action::ReadShows])).unwrap());
        assert_eq!((group.permissions, group.version), (vec![Action::ReadShows], 2));
    }
}
