use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Digest, Moment};

/// What a certificate of this form calls itself.
pub const FORMAT: &str = "castkeep-destruction-certificate/1";

/// Says that something was destroyed: what, for whom, how, and how that was verified. Ids stand for people, as their names are gone.
///
/// The fields are those of the sample in NIST SP 800-88 Rev. 1, Appendix G. What it asks of a device (maker, model, serial number) is
/// here the store and its items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Which form of certificate it is.
    pub format: String,
    /// The deletion's id: what this certificate goes by.
    pub deletion_id: String,
    /// Counts the deletions of the same subject, from 1.
    pub generation: u64,
    /// The tenancy that it was part of, or that it was.
    pub tenancy_id: String,
    /// `tenancy`, `show`, `episode` or `person`.
    pub scope: String,
    /// The id of what was destroyed.
    pub subject_id: String,
    /// Whether all of it was.
    pub outcome: Outcome,
    /// Who asked for it.
    pub requested: Decision,
    /// Who approved it, where a second person must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Decision>,
    /// How many days it could have been taken back.
    pub retention_days: u64,
    /// When destruction could begin.
    pub due_at: Moment,
    /// What was destroyed, store by store.
    pub stores: Vec<StoreDestruction>,
    /// What could not be destroyed. Nothing, where the outcome is `erased`.
    pub not_destroyed: Vec<NotDestroyed>,
    /// What is kept on purpose, why, and until when.
    pub kept: Vec<Kept>,
    /// When every store had been counted; nothing was left then, where the outcome is `erased`.
    pub verified_at: Moment,
    /// How often all stores were gone through.
    pub passes: u64,
    /// The key under which the data was encrypted, where it was destroyed too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyDestruction>,
    /// When the last backup expires that has any of it. What was encrypted under the key cannot be read from one once that is gone.
    pub backups_gone_at: Moment,
    /// The program that did it, and its version.
    pub software: String,
    /// Who runs that program.
    pub operator: String,
    /// When this was written.
    pub issued_at: Moment,
}

/// Whether all was destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing is left.
    Erased,
    /// Something is left, and listed.
    Partial,
}

/// Somebody decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Who: the id of a user or a client.
    pub by: String,
    /// When.
    pub at: Moment,
}

/// What was destroyed of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreDestruction {
    /// The store.
    pub store: String,
    /// How many items or objects.
    pub items: u64,
    /// How many versions of them, delete markers included.
    pub versions: u64,
    /// How many bytes, where the store says.
    pub bytes: u64,
    /// How many leaves its Merkle tree has: each is an item that was about to be destroyed, and may be there twice.
    pub leaves: u64,
    /// The root of that tree (RFC 6962).
    pub root: Digest,
    /// How thorough that is.
    pub technique: Technique,
    /// What was done, in one plain sentence.
    pub method: String,
    /// How it was verified.
    pub verification: Verification,
}

/// How thorough destruction is, in the words of NIST SP 800-88 Rev. 1, 2.5 and 2.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Technique {
    /// Gone for whoever uses the store's own interface.
    Clear,
    /// Gone for whoever has the medium, too.
    Purge,
    /// The key is gone, so nothing that is left of the bytes can be read.
    CryptographicErase,
}

/// How it was verified that a store has nothing left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// How many items, versions and delete markers were counted afterwards.
    pub remaining: u64,
    /// By what: the listing, and of what.
    pub counted_by: String,
}

/// Something that could not be destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotDestroyed {
    /// The store that it is in.
    pub store: String,
    /// Its key there.
    pub key: String,
    /// Why.
    pub reason: String,
}

/// Something that is kept on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
    /// Until when; for good where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
}

/// A key that is destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyDestruction {
    /// Its id.
    pub key_id: String,
    /// When that was ordered.
    pub scheduled_at: Moment,
    /// When it is destroyed. Nobody can read what was encrypted under it from then on, backups included.
    pub destroyed_at: Moment,
}

impl Certificate {
    /// What does not go together in it, in one plain sentence. Such a certificate is neither signed nor believed.
    pub fn contradiction(&self) -> Option<&'static str> {
        let is_left = self.stores.iter().any(|store| store.verification.remaining > 0);
        let is_erased = self.outcome == Outcome::Erased;
        let is_exit = self.scope == "tenancy";
        let approved_at = self.approved.as_ref().map_or(&self.requested.at, |approved| &approved.at);
        let key = self.key.as_ref();
        [
            (self.format != FORMAT, "It is of a form that this program does not know."),
            (
                is_erased && !self.not_destroyed.is_empty(),
                "It says that all was erased, and lists what was not.",
            ),
            (is_erased && is_left, "It says that all was erased, and counts what is left."),
            (
                !is_erased && !is_left && self.not_destroyed.is_empty(),
                "It says that something is left, and not what.",
            ),
            (self.stores.is_empty(), "It names no store."),
            (self.has_store_twice(), "It names a store twice."),
            (is_exit && self.subject_id != self.tenancy_id, "It is of a tenancy's exit, and names another."),
            (is_exit && self.approved.is_none(), "A tenancy's exit takes a second owner, and it names none."),
            (is_exit && is_erased && key.is_none(), "A tenancy's exit destroys its key, and it names none."),
            (
                self.approved.as_ref().is_some_and(|approved| approved.by == self.requested.by),
                "Whoever asked for it approved it, too.",
            ),
            (
                !(self.requested.at <= *approved_at
                    && *approved_at <= self.due_at
                    && self.due_at <= self.verified_at
                    && self.verified_at <= self.issued_at
                    && self.verified_at <= self.backups_gone_at),
                "Its times are not in order.",
            ),
            (
                key.is_some_and(|key| {
                    key.scheduled_at < self.verified_at || key.destroyed_at <= key.scheduled_at
                }),
                "The key was to be destroyed before all was counted, or was so at once.",
            ),
        ]
        .into_iter()
        .find_map(|(is_wrong, sentence)| is_wrong.then_some(sentence))
    }

    fn has_store_twice(&self) -> bool {
        let mut names: Vec<_> = self.stores.iter().map(|store| &store.store).collect();
        names.sort();
        names.windows(2).any(|pair| pair.first() == pair.last())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Tree;

    pub(crate) fn moment(text: &str) -> Moment {
        text.parse().unwrap()
    }

    fn store(name: &str, items: u64) -> StoreDestruction {
        let mut tree = Tree::new();
        (0..items).for_each(|item| tree.append(&item.to_be_bytes()));
        StoreDestruction {
            store: name.to_owned(),
            items,
            versions: items + 3,
            bytes: items * 1000,
            leaves: tree.leaves(),
            root: tree.root(),
            technique: Technique::CryptographicErase,
            method: "Every version and delete marker was deleted by its id.".to_owned(),
            verification: Verification {
                remaining: 0,
                counted_by: "ListObjectVersions under the tenancy's prefix".to_owned(),
            },
        }
    }

    pub(crate) fn certificate() -> Certificate {
        let ten = "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        Certificate {
            format: FORMAT.to_owned(),
            deletion_id: "del_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
            generation: 2,
            tenancy_id: ten.to_owned(),
            scope: "tenancy".to_owned(),
            subject_id: ten.to_owned(),
            outcome: Outcome::Erased,
            requested: Decision {
                by: "usr_01ARZ3NDEKTSV4RRFFQ69G5FAA".to_owned(),
                at: moment("2026-01-01T09:00:00.000Z"),
            },
            approved: Some(Decision {
                by: "usr_01ARZ3NDEKTSV4RRFFQ69G5FAB".to_owned(),
                at: moment("2026-01-02T09:00:00.000Z"),
            }),
            retention_days: 30,
            due_at: moment("2026-02-01T09:00:00.000Z"),
            stores: vec![store("media_bucket", 5), store("tenant_table", 7)],
            not_destroyed: Vec::new(),
            kept: vec![Kept {
                what: "A tombstone: the tenancy's id".to_owned(),
                why: "So that a restored backup does not bring it back — “ever”.".to_owned(),
                until: None,
            }],
            verified_at: moment("2026-02-01T10:30:00.000Z"),
            passes: 1,
            key: Some(KeyDestruction {
                key_id: "key-1".to_owned(),
                scheduled_at: moment("2026-02-01T10:30:01.000Z"),
                destroyed_at: moment("2026-02-08T10:30:01.000Z"),
            }),
            backups_gone_at: moment("2026-03-04T10:30:00.000Z"),
            software: "castkeep 0.1.0".to_owned(),
            operator: "podcasts.example".to_owned(),
            issued_at: moment("2026-02-01T10:31:00.000Z"),
        }
    }

    type Change = fn(&mut Certificate);

    #[test]
    fn what_does_not_go_together_is_found() {
        assert_eq!(certificate().contradiction(), None);
        let changes: [(Change, &str); 12] = [
            (|it| it.format.push('0'), "does not know"),
            (|it| it.not_destroyed.push(left()), "lists what was not"),
            (|it| it.stores[0].verification.remaining = 1, "counts what is left"),
            (|it| it.outcome = Outcome::Partial, "and not what"),
            (|it| it.stores.clear(), "no store"),
            (|it| it.stores.push(it.stores[0].clone()), "twice"),
            (|it| it.subject_id.push('x'), "names another"),
            (|it| it.approved = None, "second owner"),
            (|it| it.key = None, "destroys its key"),
            (|it| it.approved.as_mut().unwrap().by = it.requested.by.clone(), "approved it, too"),
            (|it| it.verified_at = moment("2026-01-31T10:30:00.000Z"), "not in order"),
            (
                |it| it.key.as_mut().unwrap().scheduled_at = moment("2026-02-01T10:29:00.000Z"),
                "before all was counted",
            ),
        ];
        for (change, sentence) in changes {
            let mut certificate = certificate();
            change(&mut certificate);
            assert!(certificate.contradiction().is_some_and(|found| found.contains(sentence)), "{sentence}");
        }
    }

    #[test]
    fn a_partial_one_lists_what_is_left() {
        let mut certificate = certificate();
        certificate.outcome = Outcome::Partial;
        certificate.key = None;
        certificate.not_destroyed.push(left());
        assert_eq!(certificate.contradiction(), None);
    }

    pub(crate) fn left() -> NotDestroyed {
        NotDestroyed {
            store: "media_bucket".to_owned(),
            key: "a".to_owned(),
            reason: "It is locked.".to_owned(),
        }
    }
}
