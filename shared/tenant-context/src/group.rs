//! System groups: fixed sets of actions. Membership is what gives a principal access.

use serde::{Deserialize, Serialize};

use crate::Action;

/// A system group. The same six in every tenancy; nobody can change what they allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
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

impl Group {
    /// Every group there is.
    pub const ALL: &[Group] = &[
        Group::Owners,
        Group::Editors,
        Group::Publishers,
        Group::Contributors,
        Group::Analysts,
        Group::Auditors,
    ];

    /// Whether membership allows `action`. What workers do, no group allows.
    pub fn allows(self, action: Action) -> bool {
        use Action::*;

        match action {
            ReadTenancy | ReadShows | ReadEpisodes => true,
            ReadUploads => self != Group::Analysts,
            CreateUpload | CreateEpisode | UpdateEpisode => {
                matches!(self, Group::Owners | Group::Editors | Group::Publishers | Group::Contributors)
            }
            PublishEpisode => matches!(self, Group::Owners | Group::Editors | Group::Publishers),
            CreateShow | UpdateShow | ManageListeners => {
                matches!(self, Group::Owners | Group::Editors)
            }
            ReadListeners => matches!(self, Group::Owners | Group::Editors | Group::Auditors),
            ReadUsers | ReadClients => matches!(self, Group::Owners | Group::Auditors),
            CreateClient => self == Group::Owners,
            ProcessUpload | RenderFeed | ProvisionTenancy => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_as_reviewed() {
        let mut matrix = String::new();
        for action in Action::ALL {
            let allowed: Vec<_> = Group::ALL.iter().filter(|group| group.allows(*action)).collect();
            matrix.push_str(&format!("{action}: {allowed:?}\n"));
        }
        insta::assert_snapshot!(matrix);
    }
}
