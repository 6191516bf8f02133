use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::{EpisodeId, ListenerId, ShowId, TenancyId, UserId};

/// What is deleted, or held. The tenancy that it is in, the context says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DeletionSubject {
    /// A tenancy, with all that is in it.
    Tenancy {
        /// Which.
        tenancy_id: TenancyId,
    },
    /// A show, with its episodes and listeners.
    Show {
        /// Which.
        show_id: ShowId,
    },
    /// An episode, with its media.
    Episode {
        /// The show that it is in.
        show_id: ShowId,
        /// Which.
        episode_id: EpisodeId,
    },
    /// A person who signs in.
    User {
        /// Which.
        user_id: UserId,
    },
    /// A person who listens to a private show.
    Listener {
        /// The show that they listen to.
        show_id: ShowId,
        /// Which.
        listener_id: ListenerId,
    },
}

/// How much a deletion takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeletionScope {
    /// All that a tenancy has: its exit.
    Tenancy,
    /// A show, with its episodes and listeners.
    Show,
    /// An episode.
    Episode,
    /// What is known of a person.
    Person,
}

impl DeletionSubject {
    /// How much that is.
    pub fn scope(&self) -> DeletionScope {
        match self {
            Self::Tenancy { .. } => DeletionScope::Tenancy,
            Self::Show { .. } => DeletionScope::Show,
            Self::Episode { .. } => DeletionScope::Episode,
            Self::User { .. } | Self::Listener { .. } => DeletionScope::Person,
        }
    }

    /// The id of what is deleted.
    pub fn id(&self) -> &str {
        match self {
            Self::Tenancy { tenancy_id } => tenancy_id.as_str(),
            Self::Show { show_id } => show_id.as_str(),
            Self::Episode { episode_id, .. } => episode_id.as_str(),
            Self::User { user_id } => user_id.as_str(),
            Self::Listener { listener_id, .. } => listener_id.as_str(),
        }
    }

    /// Whether `other`, of the same tenancy, is the same or goes with it.
    pub fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tenancy { tenancy_id }, Self::Tenancy { tenancy_id: other }) => tenancy_id == other,
            (Self::Tenancy { .. }, _) => true,
            (
                Self::Show { show_id },
                Self::Show { show_id: other }
                | Self::Episode { show_id: other, .. }
                | Self::Listener { show_id: other, .. },
            ) => show_id == other,
            _ => self == other,
        }
    }
}

impl fmt::Display for DeletionSubject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.id())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn tenancy() -> DeletionSubject {
        DeletionSubject::Tenancy { tenancy_id: "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap() }
    }

    pub(crate) fn show(number: u8) -> DeletionSubject {
        DeletionSubject::Show { show_id: show_id(number) }
    }

    pub(crate) fn episode(number: u8) -> DeletionSubject {
        let episode_id = format!("epi_{number:026}").parse().unwrap();
        DeletionSubject::Episode { show_id: show_id(number), episode_id }
    }

    pub(crate) fn listener(number: u8) -> DeletionSubject {
        let listener_id = format!("lsn_{number:026}").parse().unwrap();
        DeletionSubject::Listener { show_id: show_id(number), listener_id }
    }

    pub(crate) fn user() -> DeletionSubject {
        DeletionSubject::User { user_id: "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap() }
    }

    fn show_id(number: u8) -> ShowId {
        format!("shw_{number:026}").parse().unwrap()
    }

    #[test]
    fn a_subject_survives_json_and_says_what_it_is() {
        for (subject, json) in [
            (tenancy(), r#"{"kind":"tenancy","tenancy_id":"ten_01ARZ3NDEKTSV4RRFFQ69G5FAV"}"#),
            (user(), r#"{"kind":"user","user_id":"usr_01ARZ3NDEKTSV4RRFFQ69G5FAV"}"#),
        ] {
            assert_eq!(serde_json::to_string(&subject).unwrap(), json);
            assert_eq!(serde_json::from_str::<DeletionSubject>(json).unwrap(), subject);
        }
        assert_eq!(user().scope(), DeletionScope::Person);
        assert_eq!(listener(1).to_string(), "lsn_00000000000000000000000001");
    }
}
