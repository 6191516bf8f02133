//! A line of a tenancy's audit log. The log is a chain: each event carries the hash of the one before it, so nobody can change,
//! remove or reorder events without changing every hash that comes after.
//!
//! The format, for whoever recomputes it. An event's `hash` is the SHA-256, in lower-case hexadecimal, of the event as JSON
//! without its member `hash`, in the canonical form of RFC 8785: members sorted by name at every level, no white space, UTF-8.
//! `sequence` is a number, `details` an object of texts, all else is text; all text is ASCII. The first event has sequence 1 and
//! 64 zeros as its `previous_hash`. The README has ten lines of Python that do it.

use std::{collections::BTreeMap, time::Duration};

use ring::digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenant_context::{AuditEventId, Timestamp};

use crate::ContentHash;

/// What a change leaves behind, or somebody who was shown personal data. Nothing in it is personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditEvent {
    /// Its id.
    pub id: AuditEventId,
    /// Its place in the tenancy's log: 1, 2, 3 and so on without a gap.
    pub sequence: u64,
    /// When it happened. No two events of a log have the same moment, and none has an earlier one than the event before it.
    pub at: Timestamp,
    /// What was done: the name of the permission that it took, as in `shows:create`.
    pub action: String,
    /// Who did it: `key_…`, `worker:media`.
    pub principal: String,
    /// The id of what it was done to.
    pub subject: String,
    /// What else is worth knowing: ids and the names of states, by what they are. Never personal data.
    pub details: BTreeMap<String, String>,
    /// The hash of the event before it; 64 zeros where there is none.
    pub previous_hash: ContentHash,
    /// The hash of everything else.
    pub hash: ContentHash,
}

/// What an event says before it has its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAuditEvent {
    /// See [`AuditEvent::id`].
    pub id: AuditEventId,
    /// See [`AuditEvent::at`]; made later where the log is ahead of it.
    pub at: Timestamp,
    /// See [`AuditEvent::action`].
    pub action: String,
    /// See [`AuditEvent::principal`].
    pub principal: String,
    /// See [`AuditEvent::subject`].
    pub subject: String,
    /// See [`AuditEvent::details`].
    pub details: BTreeMap<String, String>,
}

/// The last event of a log, in short: whoever knows it knows whether any event before it was touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditHead {
    /// The event's place, and so how many events there are.
    pub sequence: u64,
    /// The event's moment.
    pub at: Timestamp,
    /// The event's hash.
    pub hash: ContentHash,
}

impl AuditEvent {
    /// The hash that the first event has before it.
    pub fn no_hash() -> ContentHash {
        ContentHash::from_digest([0; 32])
    }

    /// The event that comes after `head`; the first where there is none.
    pub fn after(head: Option<&AuditHead>, new: NewAuditEvent) -> Self {
        let not_before = head.map_or(Timestamp::EPOCH, |head| head.at.plus(Duration::from_millis(1)));
        let event = Self {
            id: new.id,
            sequence: head.map_or(0, |head| head.sequence).saturating_add(1),
            at: new.at.max(not_before),
            action: new.action,
            principal: new.principal,
            subject: new.subject,
            details: new.details,
            previous_hash: head.map_or_else(Self::no_hash, |head| head.hash.clone()),
            hash: Self::no_hash(),
        };
        Self { hash: event.computed_hash(), ..event }
    }

    /// The head of a log that ends with this event.
    pub fn head(&self) -> AuditHead {
        AuditHead { sequence: self.sequence, at: self.at, hash: self.hash.clone() }
    }

    /// What `hash` must be.
    pub fn computed_hash(&self) -> ContentHash {
        // In alphabetical order, whatever order the JSON writer keeps.
        let canonical = json!({
            "action": self.action,
            "at": self.at,
            "details": self.details,
            "id": self.id,
            "previous_hash": self.previous_hash,
            "principal": self.principal,
            "sequence": self.sequence,
            "subject": self.subject,
        });
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, canonical.to_string().as_bytes()).as_ref());
        ContentHash::from_digest(hash)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn new_event(at: u64, subject: &str) -> NewAuditEvent {
        NewAuditEvent {
            id: "aud_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            at: Timestamp::from_unix_seconds(at),
            action: "shows:create".to_owned(),
            principal: "key_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
            subject: subject.to_owned(),
            details: BTreeMap::from([("state".to_owned(), "ready".to_owned())]),
        }
    }

    /// Hashed by `sha256sum`, not by this code.
    #[test]
    fn the_hash_is_as_documented() {
        let event = AuditEvent::after(None, new_event(1_769_851_800, "shw_01ARZ3NDEKTSV4RRFFQ69G5FAV"));

        assert_eq!(event.sequence, 1);
        assert_eq!(event.hash.as_str(), "2d8f5c352d5973f695083e11e2fb75274ba532fbddd444d897e3d2cf1cc418b9");
    }

    #[test]
    fn each_event_follows_the_one_before() {
        let first = AuditEvent::after(None, new_event(10, "a"));
        let second = AuditEvent::after(Some(&first.head()), new_event(20, "b"));

        assert_eq!(first.previous_hash.as_str(), "0".repeat(64));
        assert_eq!((second.sequence, &second.previous_hash), (2, &first.hash));
    }

    #[test]
    fn a_clock_that_is_behind_does_not_turn_back_the_log() {
        let first = AuditEvent::after(None, new_event(10, "a"));
        let second = AuditEvent::after(Some(&first.head()), new_event(9, "b"));

        assert_eq!(second.at, Timestamp::from_unix_milliseconds(10_001));
    }
}
