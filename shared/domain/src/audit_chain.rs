use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::Serialize;

use crate::{AuditEvent, AuditHead, ContentHash, Invalid};

/// Follows an audit log from event to event and says where it is not what it was.
///
/// It can stop anywhere and go on later from its [`AuditPlace`]. Whoever can write the log can also write a whole chain anew,
/// head included: that is found against the anchors, heads that were written down elsewhere.
#[derive(Debug, Clone)]
pub struct AuditChain {
    place: AuditPlace,
    anchors: Vec<AuditHead>,
}

/// How far a log was followed: the last event that was as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPlace {
    /// The event's place; 0 before the first.
    pub sequence: u64,
    /// The event's hash.
    pub hash: ContentHash,
}

/// Where a log is not what it was, and how that shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditProblem {
    /// The first place at which the log does not hold.
    pub sequence: u64,
    /// For programs.
    pub kind: AuditProblemKind,
    /// For people: one plain sentence.
    pub detail: String,
}

/// How a log is not what it was, for programs. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditProblemKind {
    /// An event is not the one that was written.
    Changed,
    /// An event is not there.
    Missing,
    /// An event is at another's place.
    Reordered,
    /// The log does not end where its head says.
    HeadMismatch,
    /// The log is not the one whose head was anchored.
    AnchorMismatch,
}

impl AuditPlace {
    /// Before the first event.
    pub fn start() -> Self {
        Self { sequence: 0, hash: AuditEvent::no_hash() }
    }
}

/// `7:<hash>`.
impl fmt::Display for AuditPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.sequence, self.hash)
    }
}

impl FromStr for AuditPlace {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("a place in an audit log is a number, a colon and a SHA-256");
        let (sequence, hash) = text.split_once(':').ok_or_else(invalid)?;
        Ok(Self { sequence: sequence.parse().map_err(|_| invalid())?, hash: hash.parse()? })
    }
}

impl AuditChain {
    /// A log that was followed to `place`, and is now held against `anchors` too.
    pub fn new(place: AuditPlace, anchors: Vec<AuditHead>) -> Self {
        Self { place, anchors }
    }

    /// How far the log was followed.
    pub fn place(&self) -> &AuditPlace {
        &self.place
    }

    /// Takes the next event that there is: what is kept at the place `sequence`, or `None` where that is no event.
    ///
    /// # Errors
    /// [`AuditProblem`] when it is not the event that was written there. The chain stays where it was.
    pub fn follow(&mut self, sequence: u64, event: Option<&AuditEvent>) -> Result<(), AuditProblem> {
        use AuditProblemKind::*;

        let next = self.place.sequence.saturating_add(1);
        let problem = |kind, detail| Err(AuditProblem { sequence: next, kind, detail });
        if sequence > next {
            return problem(Missing, format!("There is no event {next}, but an event {sequence}."));
        }
        let Some(event) = event else {
            return problem(Changed, format!("What is in the place of event {next} cannot be read."));
        };
        if sequence < next || event.sequence != next {
            return problem(Reordered, format!("Event {} is in the place of event {next}.", event.sequence));
        }
        if event.computed_hash() != event.hash {
            return problem(Changed, format!("The hash of event {next} is not the hash of what it says."));
        }
        if event.previous_hash != self.place.hash {
            return problem(Changed, format!("Event {next} follows another event than the one before it."));
        }
        if self.anchors.iter().any(|anchor| anchor.sequence == next && anchor.hash != event.hash) {
            return problem(AnchorMismatch, format!("Event {next} was another when its hash was anchored."));
        }
        self.place = AuditPlace { sequence: next, hash: event.hash.clone() };
        Ok(())
    }

    /// Says that there are no more events, where `head` says that the log ends.
    ///
    /// # Errors
    /// [`AuditProblem`] when the log goes on, ended earlier or ended with another event.
    pub fn end(&self, head: Option<&AuditHead>) -> Result<(), AuditProblem> {
        use AuditProblemKind::*;

        let AuditPlace { sequence: last, hash } = &self.place;
        let problem = |sequence, kind, detail| Err(AuditProblem { sequence, kind, detail });
        let next = last.saturating_add(1);
        if self.anchors.iter().any(|anchor| anchor.sequence > *last) {
            return problem(
                next,
                AnchorMismatch,
                format!("There were more than {last} events when they were anchored."),
            );
        }
        match head {
            None if *last == 0 => Ok(()),
            None => problem(*last, HeadMismatch, format!("There are {last} events and no head.")),
            Some(head) if head.sequence > *last => problem(
                next,
                Missing,
                format!("There are {last} events, and the head counts {}.", head.sequence),
            ),
            Some(head) if head.sequence < *last => problem(
                *last,
                HeadMismatch,
                format!("There are {last} events, and the head counts {}.", head.sequence),
            ),
            Some(head) if head.hash != *hash => {
                problem(*last, HeadMismatch, format!("Event {last} is not the one that the head names."))
            }
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::*;
    use crate::{NewAuditEvent, audit_event::tests::new_event};

    fn log(events: impl IntoIterator<Item = NewAuditEvent>) -> Vec<AuditEvent> {
        let mut log: Vec<AuditEvent> = Vec::new();
        for event in events {
            let head = log.last().map(AuditEvent::head);
            log.push(AuditEvent::after(head.as_ref(), event));
        }
        log
    }

    /// A log of as many events as it has subjects.
    fn short_log(subjects: &str) -> Vec<AuditEvent> {
        log(subjects.chars().zip(10..).map(|(subject, at)| new_event(at, &subject.to_string())))
    }

    fn places(log: &[AuditEvent]) -> Vec<(u64, AuditEvent)> {
        (1..).zip(log.iter().cloned()).collect()
    }

    fn verify(
        stored: &[(u64, AuditEvent)],
        head: Option<&AuditHead>,
        anchors: &[AuditHead],
    ) -> Result<(), AuditProblem> {
        let mut chain = AuditChain::new(AuditPlace::start(), anchors.to_vec());
        for (sequence, event) in stored {
            chain.follow(*sequence, Some(event))?;
        }
        chain.end(head)
    }

    fn found(result: Result<(), AuditProblem>) -> (u64, AuditProblemKind) {
        let problem = result.unwrap_err();
        (problem.sequence, problem.kind)
    }

    fn text() -> impl Strategy<Value = String> {
        "[ -~]{0,12}"
    }

    prop_compose! {
        fn any_new_event()(
            at in 0..4_000_000_000_u64,
            action in text(), principal in text(), subject in text(),
            details in prop::collection::btree_map(text(), text(), 0..3),
        ) -> NewAuditEvent {
            NewAuditEvent { action, principal, details, ..new_event(at, &subject) }
        }
    }

    type Change = fn(&mut AuditEvent);

    /// Each member of an event, made into another.
    fn changes() -> Vec<(&'static str, Change)> {
        vec![
            ("id", |event| event.id = "aud_01ARZ3NDEKTSV4RRFFQ69G5FAW".parse().unwrap()),
            ("sequence", |event| event.sequence += 1),
            ("at", |event| event.at = event.at.plus(std::time::Duration::from_millis(1))),
            ("action", |event| event.action.push('x')),
            ("principal", |event| event.principal.push('x')),
            ("subject", |event| event.subject.push('x')),
            ("a detail", |event| {
                event.details.insert("x".repeat(20), String::new());
            }),
            ("previous_hash", |event| event.previous_hash = ContentHash::from_digest([1; 32])),
            ("hash", |event| event.hash = ContentHash::from_digest([1; 32])),
        ]
    }

    proptest! {
        #[test]
        fn any_log_that_nobody_touched_holds(events in vec(any_new_event(), 0..12), stop in any::<Index>()) {
            let log = log(events);
            let head = log.last().map(AuditEvent::head);
            let anchors: Vec<_> = log.iter().map(AuditEvent::head).collect();
            prop_assert_eq!(verify(&places(&log), head.as_ref(), &anchors), Ok(()));

            let mut chain = AuditChain::new(AuditPlace::start(), Vec::new());
            let (first, rest) = log.split_at(stop.index(log.len() + 1));
            for event in first {
                prop_assert_eq!(chain.follow(event.sequence, Some(event)), Ok(()));
            }
            let place = chain.place().to_string().parse().unwrap();
            let mut chain = AuditChain::new(place, Vec::new());
            for event in rest {
                prop_assert_eq!(chain.follow(event.sequence, Some(event)), Ok(()));
            }
            prop_assert_eq!(chain.end(head.as_ref()), Ok(()));
        }

        #[test]
        fn any_changed_event_is_found(events in vec(any_new_event(), 1..12), which in any::<Index>()) {
            let log = log(events);
            let head = log.last().map(AuditEvent::head);
            for (member, change) in changes() {
                for hash_again in [false, true] {
                    let mut stored = places(&log);
                    let (place, event) = which.get_mut(&mut stored[..]);
                    let place = *place;
                    let original = event.clone();
                    change(event);
                    if hash_again {
                        event.hash = event.computed_hash();
                    }
                    if *event == original {
                        continue;
                    }
                    let problem = verify(&stored, head.as_ref(), &[]).expect_err(member);
                    // An event that was hashed again is found by the next one, or by the head.
                    prop_assert!((place..=place + 1).contains(&problem.sequence), "{}: {:?}", member, problem);
                }
            }
        }

        #[test]
        fn any_removed_event_is_found(events in vec(any_new_event(), 1..12), which in any::<Index>()) {
            let log = log(events);
            let head = log.last().map(AuditEvent::head);
            let mut stored = places(&log);
            let (place, _) = stored.remove(which.index(log.len()));
            prop_assert_eq!(found(verify(&stored, head.as_ref(), &[])), (place, AuditProblemKind::Missing));
        }

        #[test]
        fn any_two_swapped_events_are_found(
            events in vec(any_new_event(), 2..12), one in any::<Index>(), other in any::<Index>(),
        ) {
            let log = log(events);
            let (one, other) = (one.index(log.len()), other.index(log.len()));
            prop_assume!(one != other);
            let head = log.last().map(AuditEvent::head);
            let mut swapped = log.clone();
            swapped.swap(one, other);
            let first = one.min(other) as u64 + 1;
            let result = verify(&places(&swapped), head.as_ref(), &[]);
            prop_assert_eq!(found(result), (first, AuditProblemKind::Reordered));
        }

        #[test]
        fn a_chain_written_anew_is_found_by_any_anchor_after_it(
            events in vec(any_new_event(), 1..12), from in any::<Index>(), anchored in any::<Index>(),
        ) {
            let genuine = log(events.clone());
            let from = from.index(events.len());
            let mut other = events;
            other[from].subject.push('x');
            let forged = log(other);
            let anchor = genuine[from + anchored.index(genuine.len() - from)].head();
            let head = forged.last().map(AuditEvent::head);

            prop_assert_eq!(verify(&places(&forged), head.as_ref(), &[]), Ok(()));
            let result = verify(&places(&forged), head.as_ref(), std::slice::from_ref(&anchor));
            prop_assert_eq!(found(result), (anchor.sequence, AuditProblemKind::AnchorMismatch));
        }
    }

    #[test]
    fn a_head_that_is_not_the_logs_is_found() {
        let log = short_log("abc");
        let head_of = |event: &AuditEvent| Some(event.head());
        let other = AuditHead { hash: ContentHash::from_digest([1; 32]), ..log[2].head() };

        for head in [None, head_of(&log[1]), Some(other)] {
            let result = verify(&places(&log), head.as_ref(), &[]);
            assert_eq!(found(result), (3, AuditProblemKind::HeadMismatch), "{head:?}");
        }
        assert_eq!(verify(&[], None, &[]), Ok(()));
    }

    #[test]
    fn a_log_cut_short_with_its_head_is_found_by_an_anchor() {
        let log = short_log("abc");
        let (cut, anchor) = (&log[..2], log[2].head());
        let result = verify(&places(cut), Some(&cut[1].head()), &[anchor]);
        assert_eq!(found(result), (3, AuditProblemKind::AnchorMismatch));
    }

    #[test]
    fn what_is_no_event_is_found() {
        let mut chain = AuditChain::new(AuditPlace::start(), Vec::new());
        assert_eq!(found(chain.follow(1, None)), (1, AuditProblemKind::Changed));
        let event = &short_log("a")[0];
        assert_eq!(found(chain.follow(0, Some(event))), (1, AuditProblemKind::Reordered));
    }

    #[test]
    fn places_are_read_as_they_are_written() {
        for bad in ["", "7", "x:0", "7:0", ":"] {
            assert!(bad.parse::<AuditPlace>().is_err(), "{bad:?}");
        }
    }
}
