//! What is to come in an import, with the ids that it has where it comes from.

use archive::Found;
use domain::{
    ContentHash, ContentType, CustomGroup, EnclosureSettings, Episode, FileName, ImportItem, Listener, Show,
};
use lambda_kit::Failure;
use serde::{Deserialize, Serialize};
use storage::StorageError;
use tenant_context::{MediaId, ShowId};

/// Everything that is to come.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) media: Vec<PlannedMedia>,
    pub(crate) groups: Vec<CustomGroup>,
    pub(crate) shows: Vec<PlannedShow>,
    pub(crate) episodes: Vec<PlannedEpisode>,
    pub(crate) listeners: Vec<Listener>,
    /// What does not come, whatever is done.
    pub(crate) left_out: Vec<ImportItem>,
    /// What whoever asked has to know.
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlannedMedia {
    pub(crate) id: MediaId,
    pub(crate) name: String,
    pub(crate) from: Origin,
    pub(crate) file_name: FileName,
    pub(crate) content_type: ContentType,
    pub(crate) sha256: Option<ContentHash>,
    pub(crate) enclosure: EnclosureSettings,
    pub(crate) remarks: Vec<String>,
}

/// Where the bytes of a medium are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// In a file that was sent.
    Archive { file: u32, entry: Found },
    /// At another host.
    Url(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlannedShow {
    pub(crate) show: Show,
    /// The show that is here and takes its episodes.
    pub(crate) existing: Option<ShowId>,
    pub(crate) remarks: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlannedEpisode {
    pub(crate) episode: Episode,
    pub(crate) remarks: Vec<String>,
}

/// Why there is no plan.
#[derive(Debug)]
pub(crate) enum NotRead {
    /// Nothing can come of it, for this reason: one plain sentence.
    Refused(String),
    /// Another server did not do its part: later it may.
    Later(String),
    Failed(Failure),
}

impl Plan {
    /// How many things there are.
    pub(crate) fn things(&self) -> u64 {
        let things = [
            self.media.len(),
            self.groups.len(),
            self.shows.len(),
            self.episodes.len(),
            self.listeners.len(),
        ];
        u64::try_from(things.iter().sum::<usize>()).unwrap_or(u64::MAX)
    }
}

impl From<StorageError> for NotRead {
    fn from(error: StorageError) -> Self {
        Self::Failed(error.into())
    }
}
