//! What must not be destroyed, whoever asks for it and whatever day it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::Timestamp;

use crate::{DeletionSubject, HoldReason};

/// Keeps its subject, and what is in it, from being destroyed until it is released.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct LegalHold {
    /// What is held.
    pub subject: DeletionSubject,
    /// Why. Whoever asks for a deletion that it stops is told.
    pub reason: HoldReason,
    /// Who said so, as in audit events.
    pub placed_by: String,
    /// Since when.
    pub placed_at: Timestamp,
}

impl LegalHold {
    /// Whether it stops the destruction of `other`: of the same, of what is in it, and of what it is in.
    pub fn stops(&self, other: &DeletionSubject) -> bool {
        self.subject.contains(other) || other.contains(&self.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deletion_subject::tests::{episode, listener, show, tenancy, user};

    fn hold(subject: DeletionSubject) -> LegalHold {
        LegalHold {
            subject,
            reason: "Case 12".parse().unwrap(),
            placed_by: "operator".to_owned(),
            placed_at: Timestamp::EPOCH,
        }
    }

    #[test]
    fn a_hold_stops_what_is_held_what_is_in_it_and_what_it_is_in() {
        let all = [tenancy(), show(1), show(2), episode(1), episode(2), user(), listener(1), listener(2)];
        for (held, stopped) in [
            (tenancy(), all.to_vec()),
            (show(1), vec![tenancy(), show(1), episode(1), listener(1)]),
            (episode(1), vec![tenancy(), show(1), episode(1)]),
            (listener(1), vec![tenancy(), show(1), listener(1)]),
            (user(), vec![tenancy(), user()]),
        ] {
            let hold = hold(held.clone());
            for other in &all {
                assert_eq!(hold.stops(other), stopped.contains(other), "{held:?} and {other:?}");
            }
        }
    }
}
