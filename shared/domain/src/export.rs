use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::{ExportId, ListenerId, ShowId, Timestamp, UserId};

use crate::{ContentHash, Invalid, List};

/// How long an export can be downloaded, from when it is ready.
pub const EXPORT_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A worker that said nothing for so long was lost: somebody must be sent to go on.
pub const EXPORT_LOST_AFTER: Duration = Duration::from_secs(30 * 60);

/// A copy of what a tenancy owns, in ZIP archives that it can take away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Its name inside the tenancy.
    pub id: ExportId,
    /// Of what.
    pub scope: ExportScope,
    /// The most bytes of one archive; a file that is larger has one of its own.
    pub archive_bytes: u64,
    /// Who asked, as in audit events.
    pub requested_by: String,
    /// How far it is.
    pub state: ExportState,
    /// What is there to download, when `ready`.
    pub archives: Vec<ExportArchive>,
    /// How many files are in it, when `ready`; the manifest and what explains it are among them.
    pub files: u64,
    /// How many files should be in it and are not: the manifest says which and why.
    pub missing: u64,
    /// When it was asked for. What came later need not be in it.
    pub created_at: Timestamp,
    /// When it came into its state.
    pub state_changed_at: Timestamp,
    /// Until when it can be downloaded, when `ready`.
    pub expires_at: Option<Timestamp>,
    /// What kept it from being made, when `failed`: one plain sentence.
    pub reason: Option<String>,
    /// The archive that was being put together when it ended, and is to be given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up: Option<OpenArchive>,
}

/// An archive while S3 puts it together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenArchive {
    /// From 1.
    pub number: u32,
    /// S3's name for the multipart upload.
    pub upload: String,
}

/// What is exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ExportScope {
    /// Everything that the tenancy owns.
    Tenancy {},
    /// Some shows, with all that belongs to them.
    Shows {
        /// Which, at most 50.
        show_ids: List<ShowId, 50>,
    },
    /// What is known of one person (GDPR, Articles 15 and 20): a user or a listener, and the listeners with the same e-mail address.
    Person {
        /// The user, or the listener.
        person_id: PersonId,
    },
}

/// Somebody of whom personal data is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PersonId {
    /// Somebody who signs in.
    User(UserId),
    /// Somebody who listens.
    Listener(ListenerId),
}

/// What an export starts with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExport {
    /// Of what.
    pub scope: ExportScope,
    /// The most bytes of one archive, from 64 MiB to 5 TB; a file that is larger has one of its own. 50 GiB where nothing is said.
    #[serde(default = "NewExport::default_archive_bytes")]
    #[schemars(range(min = Export::SMALLEST_ARCHIVE, max = Export::LARGEST_ARCHIVE))]
    pub archive_bytes: u64,
}

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// It is being put together.
    Preparing,
    /// It can be downloaded.
    Ready,
    /// Somebody has ended it; nothing of it is there.
    Cancelled,
    /// It could not be made; nothing of it is there.
    Failed,
    /// It was there for seven days.
    Expired,
}

/// One archive of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportArchive {
    /// From 1.
    pub number: u32,
    /// How many bytes it has.
    pub size_bytes: u64,
}

impl ExportScope {
    /// What stands for the scope: one export of each is made at a time.
    pub fn name(&self) -> String {
        match self {
            Self::Tenancy {} => "tenancy".to_owned(),
            Self::Person { person_id } => person_id.to_string(),
            Self::Shows { show_ids } => {
                let mut ids: Vec<&str> = show_ids.iter().map(ShowId::as_str).collect();
                ids.sort_unstable();
                ids.dedup();
                format!("shows-{}", ContentHash::of(ids.join(" ").as_bytes()))
            }
        }
    }
}

impl std::fmt::Display for PersonId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) => id.fmt(formatter),
            Self::Listener(id) => id.fmt(formatter),
        }
    }
}

impl NewExport {
    fn default_archive_bytes() -> u64 {
        50 << 30
    }
}

impl Export {
    /// The smallest archive that can be asked for: 64 MiB.
    pub const SMALLEST_ARCHIVE: u64 = 64 << 20;
    /// The largest: S3's limit for one object, 5 TB.
    pub const LARGEST_ARCHIVE: u64 = 5_000_000_000_000;

    /// An export that nobody has begun with.
    ///
    /// # Errors
    /// The field that is wrong, as a JSON pointer, and the rule.
    pub fn new(
        id: ExportId,
        new: NewExport,
        requested_by: String,
        now: Timestamp,
    ) -> Result<Self, (&'static str, Invalid)> {
        let NewExport { scope, archive_bytes } = new;
        if !(Self::SMALLEST_ARCHIVE..=Self::LARGEST_ARCHIVE).contains(&archive_bytes) {
            let rule = "an archive has at least 67108864 bytes (64 MiB) and at most 5000000000000 (5 TB)";
            return Err(("/archive_bytes", Invalid::new(rule)));
        }
        if matches!(&scope, ExportScope::Shows { show_ids } if show_ids.is_empty()) {
            return Err(("/scope/show_ids", Invalid::new("name at least one show, or export the tenancy")));
        }
        Ok(Self {
            id,
            scope,
            archive_bytes,
            requested_by,
            state: ExportState::Preparing,
            archives: Vec::new(),
            files: 0,
            missing: 0,
            created_at: now,
            state_changed_at: now,
            expires_at: None,
            reason: None,
            given_up: None,
        })
    }

    /// How far it is at the moment `now`: what is over expires by itself.
    pub fn state(&self, now: Timestamp) -> ExportState {
        match self.state {
            ExportState::Ready if self.expires_at.is_some_and(|at| at <= now) => ExportState::Expired,
            state => state,
        }
    }

    /// It can be downloaded from `now` on.
    pub fn finish(&mut self, archives: Vec<ExportArchive>, files: u64, missing: u64, now: Timestamp) {
        self.archives = archives;
        self.files = files;
        self.missing = missing;
        self.expires_at = Some(now.plus(EXPORT_KEPT));
        self.enter(ExportState::Ready, now);
    }

    /// Nothing comes of it, or nothing more. `open` is given up with it.
    pub fn cancel(&mut self, open: Option<OpenArchive>, now: Timestamp) {
        self.archives.clear();
        self.given_up = open;
        self.enter(ExportState::Cancelled, now);
    }

    /// Nothing comes of it, for `reason`. `open` is given up with it.
    pub fn fail(&mut self, reason: &str, open: Option<OpenArchive>, now: Timestamp) {
        self.given_up = open;
        self.reason = Some(reason.to_owned());
        self.enter(ExportState::Failed, now);
    }

    fn enter(&mut self, state: ExportState, now: Timestamp) {
        self.state = state;
        self.state_changed_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::EPOCH;

    fn new(json: &str) -> Result<Export, String> {
        let new: NewExport = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let id = "exp_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        Export::new(id, new, "usr_1".to_owned(), NOW).map_err(|(pointer, rule)| format!("{pointer} {rule}"))
    }

    #[test]
    fn a_scope_is_a_tenancy_some_shows_or_one_person() {
        for good in [
            r#"{"scope":{"kind":"tenancy"}}"#,
            r#"{"scope":{"kind":"shows","show_ids":["shw_01ARZ3NDEKTSV4RRFFQ69G5FAV"]},"archive_bytes":67108864}"#,
            r#"{"scope":{"kind":"person","person_id":"usr_01ARZ3NDEKTSV4RRFFQ69G5FAV"}}"#,
            r#"{"scope":{"kind":"person","person_id":"lsn_01ARZ3NDEKTSV4RRFFQ69G5FAV"}}"#,
        ] {
            assert!(new(good).is_ok(), "{good}");
        }
        for bad in [
            r#"{}"#,
            r#"{"scope":{"kind":"tenancy","show_ids":[]}}"#,
            r#"{"scope":{"kind":"shows","show_ids":[]}}"#,
            r#"{"scope":{"kind":"person","person_id":"shw_01ARZ3NDEKTSV4RRFFQ69G5FAV"}}"#,
            r#"{"scope":{"kind":"tenancy"},"archive_bytes":67108863}"#,
            r#"{"scope":{"kind":"tenancy"},"archive_bytes":5000000000001}"#,
        ] {
            assert!(new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_same_shows_in_any_order_are_one_scope() {
        let scope = |ids: &[&str]| {
            let ids: Vec<ShowId> = ids
                .iter()
                .map(|last| format!("shw_01ARZ3NDEKTSV4RRFFQ69G5FA{last}").parse().unwrap())
                .collect();
            ExportScope::Shows { show_ids: ids.try_into().unwrap() }.name()
        };
        assert_eq!(scope(&["A", "B"]), scope(&["B", "A", "B"]));
        assert_ne!(scope(&["A"]), scope(&["B"]));
    }

    #[test]
    fn seven_days_to_the_second() {
        let mut export = new(r#"{"scope":{"kind":"tenancy"}}"#).unwrap();
        export.finish(vec![ExportArchive { number: 1, size_bytes: 22 }], 1, 0, NOW);

        let last = Timestamp::from_unix_seconds(7 * 24 * 60 * 60 - 1);
        assert_eq!(export.state(last), ExportState::Ready);
        assert_eq!(export.state(last.plus(Duration::from_secs(1))), ExportState::Expired);
    }
}
