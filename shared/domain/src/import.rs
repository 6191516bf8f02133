use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::{ImportId, ShowId, Timestamp, UploadId};

use crate::{Invalid, List, PartPlan, Slug, WebUrl};

/// A worker that said nothing for so long was lost: somebody must be sent to go on.
pub const IMPORT_LOST_AFTER: Duration = Duration::from_secs(30 * 60);

/// Shows on their way in from another place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Its name inside the tenancy.
    pub id: ImportId,
    /// Where from.
    pub source: ImportSource,
    /// Who asked, as in audit events.
    pub requested_by: String,
    /// How far it is.
    pub state: ImportState,
    /// What the caller sends: archives, or the document of a feed. None where a feed is fetched.
    pub files: Vec<ImportFile>,
    /// How many of what came, and how many did not, when `finished`.
    pub counts: BTreeMap<ImportItemKind, ImportCounts>,
    /// What whoever asked has to know besides, in plain sentences, when `finished`.
    pub notes: Vec<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it came into its state.
    pub state_changed_at: Timestamp,
    /// Why nothing came of it, when `failed`: one plain sentence.
    pub reason: Option<String>,
    /// The upload that was being sent when it ended, and is to be given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up: Option<OpenUpload>,
}

/// An upload while its bytes are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenUpload {
    /// What it becomes.
    pub upload: UploadId,
    /// S3's name for the multipart upload.
    pub multipart: String,
}

/// Where shows come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(inline)]
pub enum ImportSource {
    /// The archives of an export, all of them, in any order.
    Archive {
        /// How many bytes each has.
        archives: List<NewArchive, 100>,
    },
    /// A feed whose document is sent. Its further pages and its files are fetched from where it says that they are.
    FeedFile {
        /// How many bytes the document has, at most 100,000,000.
        #[schemars(range(min = 1, max = Import::LARGEST_FEED))]
        size_bytes: u64,
        /// What is to become of it.
        #[serde(default)]
        feed: FeedOptions,
    },
    /// A feed, with all of its pages and files, from where it is.
    FeedUrl {
        /// Where it is.
        url: WebUrl,
        /// What is to become of it.
        #[serde(default)]
        feed: FeedOptions,
    },
}

/// One archive that will be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct NewArchive {
    /// How many bytes it has.
    #[schemars(range(min = 1, max = Import::LARGEST_ARCHIVE))]
    pub size_bytes: u64,
}

/// What is to become of a feed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct FeedOptions {
    /// The show's name in URLs; made of its title when absent. Where it is taken, a number is added to it.
    pub slug: Option<Slug>,
    /// The show that episodes are added to; a new one when absent. Episodes that it has already are left as they are.
    pub show_id: Option<ShowId>,
    /// Whether whoever owns the feed wants it to be imported. A feed that says `podcast:locked` is not imported without.
    pub owner_confirms: bool,
}

/// What an import starts with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImport {
    /// Where from.
    pub source: ImportSource,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// Files may be sent.
    Receiving,
    /// It goes on by itself.
    Importing,
    /// All came that could; the rest says why not.
    Finished,
    /// Somebody has ended it. What had come by then stays.
    Cancelled,
    /// It could not be read, and nothing came of it.
    Failed,
}

/// A file that the caller sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportFile {
    /// From 1.
    pub number: u32,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// Bytes in each part but the last.
    pub part_size: u64,
    /// S3's name for the multipart upload.
    pub multipart_id: Option<String>,
}

/// What became of something in an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportItem {
    /// Tells it from the others: its kind, and what it was known by where it came from.
    pub id: String,
    /// What it is.
    pub kind: ImportItemKind,
    /// What it is called. Nothing for people who listen.
    pub name: String,
    /// What became of it.
    pub outcome: ImportOutcome,
    /// The id that it has here, if it is here.
    pub new_id: Option<String>,
    /// What there is to know, in plain sentences: why it did not come, what is different.
    pub remarks: Vec<String>,
}

/// What is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportItemKind {
    /// A group of the tenancy's own.
    Group,
    /// A recording, a picture, a transcript or chapters.
    Media,
    /// A show.
    Show,
    /// An episode.
    Episode,
    /// A listener.
    Listener,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportOutcome {
    /// It came.
    Imported,
    /// It was here already.
    AlreadyHere,
    /// It did not come.
    NotImported,
}

/// How many of what came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ImportCounts {
    /// How many came.
    pub imported: u64,
    /// How many were here already.
    pub already_here: u64,
    /// How many did not come.
    pub not_imported: u64,
}

impl ImportItemKind {
    /// Its public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Media => "media",
            Self::Show => "show",
            Self::Episode => "episode",
            Self::Listener => "listener",
        }
    }
}

impl ImportItem {
    /// What was known as `key` where it came from.
    pub fn id_of(kind: ImportItemKind, key: &str) -> String {
        format!("{}-{key}", kind.as_str())
    }
}

impl ImportCounts {
    /// Counts one more.
    pub fn add(&mut self, outcome: ImportOutcome) {
        match outcome {
            ImportOutcome::Imported => self.imported += 1,
            ImportOutcome::AlreadyHere => self.already_here += 1,
            ImportOutcome::NotImported => self.not_imported += 1,
        }
    }
}

impl ImportSource {
    /// The sizes of the files that the caller sends.
    ///
    /// # Errors
    /// The field that is wrong, as a JSON pointer, and the rule.
    fn sizes(&self) -> Result<Vec<u64>, (String, Invalid)> {
        match self {
            Self::Archive { archives } if archives.is_empty() => {
                Err(("/source/archives".to_owned(), Invalid::new("name the size of each archive")))
            }
            Self::Archive { archives } => {
                for (at, archive) in archives.iter().enumerate() {
                    if !(1..=Import::LARGEST_ARCHIVE).contains(&archive.size_bytes) {
                        let rule = "an archive has 1 to 5000000000000 bytes (5 TB)";
                        return Err((format!("/source/archives/{at}/size_bytes"), Invalid::new(rule)));
                    }
                }
                Ok(archives.iter().map(|archive| archive.size_bytes).collect())
            }
            Self::FeedFile { size_bytes, .. } if !(1..=Import::LARGEST_FEED).contains(size_bytes) => {
                let rule = "the document of a feed has 1 to 100000000 bytes (100 MB)";
                Err(("/source/size_bytes".to_owned(), Invalid::new(rule)))
            }
            Self::FeedFile { size_bytes, .. } => Ok(vec![*size_bytes]),
            Self::FeedUrl { .. } => Ok(Vec::new()),
        }
    }

    /// What is to become of a feed; none for archives.
    pub fn feed(&self) -> Option<&FeedOptions> {
        match self {
            Self::Archive { .. } => None,
            Self::FeedFile { feed, .. } | Self::FeedUrl { feed, .. } => Some(feed),
        }
    }
}

impl Import {
    /// The largest archive: S3's limit for one object, 5 TB.
    pub const LARGEST_ARCHIVE: u64 = 5_000_000_000_000;
    /// The largest document of a feed: 100 MB.
    pub const LARGEST_FEED: u64 = 100_000_000;

    /// An import that nobody has begun with.
    ///
    /// # Errors
    /// The field that is wrong, as a JSON pointer, and the rule.
    pub fn new(
        id: ImportId,
        new: NewImport,
        requested_by: String,
        now: Timestamp,
    ) -> Result<Self, (String, Invalid)> {
        let sizes = new.source.sizes()?;
        let files = (1..).zip(sizes).map(|(number, size_bytes)| ImportFile {
            number,
            size_bytes,
            part_size: PartPlan::part_size_of_archive(size_bytes),
            multipart_id: None,
        });
        let files: Vec<ImportFile> = files.collect();
        Ok(Self {
            id,
            source: new.source,
            requested_by,
            state: if files.is_empty() { ImportState::Importing } else { ImportState::Receiving },
            files,
            counts: BTreeMap::new(),
            notes: Vec::new(),
            created_at: now,
            state_changed_at: now,
            reason: None,
            given_up: None,
        })
    }

    /// Whether it has not ended.
    pub fn goes_on(&self) -> bool {
        matches!(self.state, ImportState::Receiving | ImportState::Importing)
    }

    /// All files are there.
    pub fn start(&mut self, now: Timestamp) {
        self.enter(ImportState::Importing, now);
    }

    /// All came that could.
    pub fn finish(
        &mut self,
        counts: BTreeMap<ImportItemKind, ImportCounts>,
        notes: Vec<String>,
        now: Timestamp,
    ) {
        self.counts = counts;
        self.notes = notes;
        self.enter(ImportState::Finished, now);
    }

    /// Nothing more comes of it. `open` is given up with it.
    pub fn cancel(&mut self, open: Option<OpenUpload>, now: Timestamp) {
        self.given_up = open;
        self.enter(ImportState::Cancelled, now);
    }

    /// Nothing comes of it, for `reason`. `open` is given up with it.
    pub fn fail(&mut self, reason: &str, open: Option<OpenUpload>, now: Timestamp) {
        self.given_up = open;
        self.reason = Some(reason.to_owned());
        self.enter(ImportState::Failed, now);
    }

    fn enter(&mut self, state: ImportState, now: Timestamp) {
        self.state = state;
        self.state_changed_at = now;
    }
}

impl ImportFile {
    /// How the bytes are cut into parts.
    pub fn part_plan(&self) -> PartPlan {
        PartPlan::resume(self.size_bytes, self.part_size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::EPOCH;

    fn new(json: &str) -> Result<Import, String> {
        let new: NewImport = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let id = "imp_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        Import::new(id, new, "usr_1".to_owned(), NOW).map_err(|(pointer, rule)| format!("{pointer} {rule}"))
    }

    #[test]
    fn a_source_is_archives_a_document_or_a_url() {
        for (good, state) in [
            (r#"{"source":{"kind":"archive","archives":[{"size_bytes":22}]}}"#, ImportState::Receiving),
            (r#"{"source":{"kind":"feed_file","size_bytes":1}}"#, ImportState::Receiving),
            (r#"{"source":{"kind":"feed_url","url":"https://example.org/feed"}}"#, ImportState::Importing),
        ] {
            assert_eq!(new(good).unwrap().state, state, "{good}");
        }
        for bad in [
            r#"{"source":{"kind":"archive","archives":[]}}"#,
            r#"{"source":{"kind":"archive","archives":[{"size_bytes":0}]}}"#,
            r#"{"source":{"kind":"archive","archives":[{"size_bytes":5000000000001}]}}"#,
            r#"{"source":{"kind":"feed_file","size_bytes":100000001}}"#,
            r#"{"source":{"kind":"feed_url","url":"file:///etc/passwd"}}"#,
            r#"{"source":{"kind":"feed_url"}}"#,
            r#"{"source":{"kind":"other"}}"#,
        ] {
            assert!(new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_largest_archive_is_sent_in_as_many_parts_as_there_may_be() {
        let json = r#"{"source":{"kind":"archive","archives":[{"size_bytes":5000000000000}]}}"#;
        let file = new(json).unwrap().files.remove(0);
        let parts: Vec<_> = file.part_plan().parts().collect();
        assert!(parts.len() <= 10_000);
        assert_eq!(parts.iter().map(|part| part.size_bytes).sum::<u64>(), file.size_bytes);
    }
}
