//! Groups: sets of actions. Membership is what gives a person or a machine client access.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::OnceLock};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Action, GroupId, InvalidId, ShowId,
    policy::{Place, gives},
};

/// A system group. The same six in every tenancy; nobody can change what they allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SystemGroup {
    /// Everything a tenancy can do, its clients and users included.
    Owners,
    /// Everything about shows, episodes, uploads and listeners.
    Editors,
    /// Editors who make no shows and see no listeners.
    Publishers,
    /// May draft, but not publish.
    Contributors,
    /// See shows and episodes.
    Analysts,
    /// See everything, change nothing.
    Auditors,
}

/// A group: one of the system's, by its name, or one that the tenancy made, by its id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = pattern()))]
pub enum GroupRef {
    /// `owners`, `editors` and so on.
    System(SystemGroup),
    /// `grp_…`.
    Custom(GroupId),
}

/// What one membership allows: in which group, what that group allows if it is the tenancy's own, and in which shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Membership {
    /// The group.
    pub group: GroupRef,
    /// What the tenancy's own group allows; empty for a system group, whose actions the policy knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Action>,
    /// The shows that it covers; none means the whole tenancy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shows: Option<Vec<ShowId>>,
}

impl SystemGroup {
    /// Every system group there is.
    pub const ALL: &[SystemGroup] = &[
        SystemGroup::Owners,
        SystemGroup::Editors,
        SystemGroup::Publishers,
        SystemGroup::Contributors,
        SystemGroup::Analysts,
        SystemGroup::Auditors,
    ];

    /// What it allows.
    pub fn permissions(self) -> Vec<Action> {
        // Two hundred decisions, always the same.
        static PERMISSIONS: OnceLock<BTreeMap<SystemGroup, Vec<Action>>> = OnceLock::new();
        let ask = |group: &SystemGroup| {
            let membership = Membership::of_system_group(*group);
            let is_given = |action: &Action| gives(&membership, *action, Place::Tenancy);
            (*group, Action::ALL.iter().copied().filter(is_given).collect())
        };
        let permissions = PERMISSIONS.get_or_init(|| Self::ALL.iter().map(ask).collect());
        permissions.get(&self).cloned().unwrap_or_default()
    }

    /// The group's name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            SystemGroup::Owners => "owners",
            SystemGroup::Editors => "editors",
            SystemGroup::Publishers => "publishers",
            SystemGroup::Contributors => "contributors",
            SystemGroup::Analysts => "analysts",
            SystemGroup::Auditors => "auditors",
        }
    }
}

impl Membership {
    /// Of a system group, in the whole tenancy.
    pub fn of_system_group(group: SystemGroup) -> Self {
        Self { group: GroupRef::System(group), permissions: Vec::new(), shows: None }
    }

    /// Whether it covers `show`.
    pub fn covers(&self, show: &ShowId) -> bool {
        self.shows.as_ref().is_none_or(|shows| shows.contains(show))
    }
}

/// What a [`GroupRef`] looks like.
fn pattern() -> String {
    let names: Vec<_> = SystemGroup::ALL.iter().map(|group| group.as_str()).collect();
    format!("^({}|{}_[0-9A-HJKMNP-TV-Z]{{26}})$", names.join("|"), GroupId::PREFIX)
}

impl FromStr for GroupRef {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let system = SystemGroup::ALL.iter().copied().find(|group| group.as_str() == text);
        system.map(Self::System).map_or_else(|| text.parse().map(Self::Custom), Ok)
    }
}

impl TryFrom<String> for GroupRef {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<GroupRef> for String {
    fn from(group: GroupRef) -> String {
        group.to_string()
    }
}

impl From<SystemGroup> for GroupRef {
    fn from(group: SystemGroup) -> Self {
        Self::System(group)
    }
}

impl fmt::Display for GroupRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GroupRef::System(group) => formatter.write_str(group.as_str()),
            GroupRef::Custom(id) => id.fmt(formatter),
        }
    }
}

impl fmt::Debug for GroupRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_a_name_of_the_system_or_an_id() {
        assert_eq!("owners".parse(), Ok(GroupRef::System(SystemGroup::Owners)));
        let custom: GroupRef = "grp_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        assert_eq!(custom.to_string(), "grp_01ARZ3NDEKTSV4RRFFQ69G5FAV");
        for bad in ["", "Owners", "admins", "grp_*", "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
            assert!(bad.parse::<GroupRef>().is_err(), "{bad}");
        }
    }
}
