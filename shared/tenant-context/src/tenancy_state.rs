use serde::{Deserialize, Serialize};

use crate::{Action, permission::Effect};

/// Whether a tenancy is there for its members, or on its way out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenancyState {
    /// It is there.
    #[default]
    Active,
    /// Two owners have decided that it leaves: it is read and exported, and nothing new is written.
    Closing,
    /// Its day has come: of all that it could do, its members see how its exit goes, and hold it.
    Sealed,
}

impl TenancyState {
    /// Whether a member may still do this, where a group allows it.
    pub fn lets(self, action: Action) -> bool {
        let is_about_the_exit = matches!(
            action,
            Action::ReadDeletions
                | Action::ReadLegalHolds
                | Action::ManageLegalHolds
                | Action::CancelDeletion
        );
        match self {
            Self::Active => true,
            Self::Closing => {
                let is_export = action.as_str().starts_with("exports:");
                action.effect() == Effect::Reads
                    || is_export
                    || is_about_the_exit
                    || action == Action::LeaveTenancy
            }
            Self::Sealed => is_about_the_exit,
        }
    }

    /// Whether it is there as ever, which needs no word.
    pub fn is_active(&self) -> bool {
        *self == Self::Active
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_closes_is_read_and_what_is_sealed_can_be_held() {
        let lets =
            |state: TenancyState| Action::ALL.iter().copied().filter(move |action| state.lets(*action));
        assert_eq!(lets(TenancyState::Active).count(), Action::ALL.len());
        assert!(lets(TenancyState::Closing).any(|action| action == Action::ReadShows));
        for written in [Action::CreateShow, Action::CreateUpload, Action::InviteUser, Action::CreateDeletion]
        {
            assert!(!TenancyState::Closing.lets(written), "{written}");
        }
        let left: Vec<_> = lets(TenancyState::Sealed).map(Action::as_str).collect();
        assert_eq!(left, ["deletions:read", "deletions:cancel", "legal-holds:read", "legal-holds:manage"]);
    }
}
