//! What outlives a deletion outside of the tables, so that what was erased stays erased when they are restored.

use serde::{Deserialize, Serialize};
use tenant_context::{TenancyId, Timestamp};

use crate::{Deletion, DeletionScope, DeletionStage, DeletionState};

/// A deletion that has begun to destroy: ids, dates and counts, and no word that anybody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// Whose.
    pub tenancy_id: TenancyId,
    /// The deletion, as far as it was.
    pub deletion: Deletion,
}

impl Tombstone {
    /// Of `deletion`. Who holds it and why is not for good.
    pub fn new(tenancy_id: TenancyId, deletion: &Deletion) -> Self {
        let mut deletion = Deletion { holds: Vec::new(), problem: None, ..deletion.clone() };
        for report in &mut deletion.report {
            report.failed.clear();
        }
        Self { tenancy_id, deletion }
    }

    /// What is to be stored, where `stored` is found after a restore as of `now`: the deletion, begun anew. None where there is nothing
    /// to put back: the tables know of the deletion, and it goes on or has come to its end there. One that is `partial` begins anew
    /// too: whoever asks has looked into it.
    ///
    /// Of an exit the tables that were restored know too little, since others may not have been: it always begins anew, once for the
    /// same `now`.
    pub fn replay(&self, stored: Option<&Deletion>, now: Timestamp) -> Option<Deletion> {
        let is_exit = self.deletion.subject.scope() == DeletionScope::Tenancy;
        let is_known = stored.is_some_and(|stored| {
            let is_since = |stage: &DeletionStage| stage.state == DeletionState::Sealed && now <= stage.at;
            let goes_on = stored.state != DeletionState::Partial;
            goes_on && (!is_exit || stored.history.iter().any(is_since))
        });
        (!is_known).then(|| self.deletion.begin_anew(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Decider, DeletionStep, DeletionSubject, Due, LegalHold, NewDeletion, Retention, Store,
        deletion_subject::tests::{episode, show, tenancy, user},
    };

    const NOW: &str = "2028-02-10T08:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn begun(subject: DeletionSubject) -> Deletion {
        let (one, other) = (
            "usr_00000000000000000000000001".parse().unwrap(),
            "usr_00000000000000000000000002".parse().unwrap(),
        );
        let new = NewDeletion {
            id: "del_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            subject,
            retention: Retention::DEFAULT,
            holds: Vec::new(),
        };
        let by = |member| Decider { member, mfa_at: Some(at(NOW)) };
        let mut deletion = Deletion::request(new, by(&one), None, at(NOW)).unwrap();
        if deletion.subject.scope() == DeletionScope::Tenancy {
            deletion.approve(by(&other), at(NOW)).unwrap();
        }
        let day = deletion.due_at.unwrap();
        deletion.advance(day);
        assert!(deletion.step.is_some());
        deletion
    }

    fn buried(deletion: &Deletion) -> Tombstone {
        Tombstone::new("ten_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(), deletion)
    }

    #[test]
    fn what_the_tables_have_forgotten_begins_anew() {
        let later = at("2029-01-01T00:00:00Z");
        for (subject, first) in [
            (tenancy(), DeletionStep::Seal),
            (show(1), DeletionStep::Erase(Store::UploadBucket)),
            (episode(1), DeletionStep::Erase(Store::UploadBucket)),
            (user(), DeletionStep::Erase(Store::UploadBucket)),
        ] {
            let deletion = begun(subject);

            let mut again = buried(&deletion).replay(None, later).unwrap();

            assert_eq!((&again.id, &again.subject), (&deletion.id, &deletion.subject));
            assert!(again.pass > deletion.pass, "what an earlier pass says comes too late");
            let due = again.advance(later);
            assert!(matches!(&due[..], [Due::Work(order)] if order.step == first), "{due:?}");
        }
    }

    #[test]
    fn what_the_tables_know_goes_on_there() {
        let deletion = begun(show(1));
        assert_eq!(buried(&deletion).replay(Some(&deletion), at("2029-01-01T00:00:00Z")), None);
    }

    #[test]
    fn what_people_have_looked_into_begins_anew() {
        let mut deletion = begun(show(1));
        deletion.state = DeletionState::Partial;
        deletion.incident_id = Some("inc_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap());

        let again = buried(&deletion).replay(Some(&deletion), at("2029-01-01T00:00:00Z")).unwrap();

        assert_eq!((again.state, again.incident_id), (DeletionState::Erasing, None));
    }

    #[test]
    fn an_exit_begins_anew_once_for_each_restore() {
        let (first, second) = (at("2029-01-01T00:00:00Z"), at("2029-02-01T00:00:00Z"));
        let exit = begun(tenancy());

        let again = buried(&exit).replay(Some(&exit), first).unwrap();

        assert_eq!(again.state, DeletionState::Sealed);
        assert_eq!(buried(&exit).replay(Some(&again), first), None);
        assert!(buried(&exit).replay(Some(&again), second).is_some());
    }

    #[test]
    fn nothing_that_anybody_wrote_is_on_a_tombstone() {
        let mut deletion = begun(show(1));
        deletion.holds.push(LegalHold {
            subject: show(1),
            reason: "Somebody against somebody".parse().unwrap(),
            placed_by: "usr_00000000000000000000000001".to_owned(),
            placed_at: at(NOW),
        });
        let written = serde_json::to_string(&buried(&deletion)).unwrap();
        assert!(!written.contains("Somebody"), "{written}");
    }
}
