//! How far the worker is with an export: what it writes down after each step, and goes on from when it was killed.

use domain::{AuditPlace, ContentHash, OpenArchive, PersonId};
use serde::{Deserialize, Serialize};
use tenant_context::ShowId;

/// How far the worker is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub(crate) stage: Stage,
    /// What the last step of gathering has written; it names the one before it.
    pub(crate) last_gathered: Option<ContentHash>,
    /// Files of the tenancy's media that were there when archives were laid out, and were not any more when they were copied.
    pub(crate) lost: Vec<ContentHash>,
    /// What can be told of it.
    pub done: Done,
}

/// How much is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    pub(crate) files: u64,
    pub(crate) bytes: Option<u64>,
    pub(crate) bytes_done: u64,
}

/// What the worker does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// Reads what the tenancy has, and writes it down as files.
    Gather(Step),
    /// Decides what is where in which archive.
    LayOut,
    /// Has an archive put together.
    Assemble {
        /// The plan that it goes by.
        plan: ContentHash,
        /// Which archive, from 1.
        archive: u32,
        /// S3's name for it while it is open.
        upload: Option<String>,
    },
    /// Deletes what is not needed any more.
    CleanUp {
        /// The plan that was gone by.
        plan: ContentHash,
    },
}

/// What is gathered in one step, and from where on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// The tenancy, its settings and groups.
    Tenancy,
    Users(After),
    Clients(After),
    /// The next show after this one.
    Show(Option<ShowId>),
    Episodes(ShowId, After),
    Listeners(ShowId, After),
    Media(After),
    Audit(After),
    AuditVerification(AuditPlaceText),
    /// One person, whom these ids mean.
    Person,
    /// What one person did and what was done to them.
    PersonEvents(Vec<PersonId>, After),
}

/// From where on a listing goes on, and how many files it has filled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct After {
    pub(crate) id: Option<String>,
    pub(crate) files: u32,
}

/// An [`AuditPlace`] as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuditPlaceText(String);

impl Progress {
    /// Nothing is done.
    pub fn start() -> Self {
        Self {
            stage: Stage::Gather(Step::Tenancy),
            last_gathered: None,
            lost: Vec::new(),
            done: Done::default(),
        }
    }

    /// The archive that is open.
    pub(crate) fn open_archive(&self) -> Option<OpenArchive> {
        match &self.stage {
            Stage::Assemble { archive, upload: Some(upload), .. } => {
                Some(OpenArchive { number: *archive, upload: upload.clone() })
            }
            _ => None,
        }
    }
}

impl Done {
    /// Gathering is a tenth of the whole: how long it takes nobody knows before.
    pub(crate) fn percent(self) -> u8 {
        let Some(bytes) = self.bytes.filter(|bytes| *bytes > 0) else { return 0 };
        let assembled = u128::from(self.bytes_done.min(bytes)) * 90 / u128::from(bytes);
        u8::try_from(assembled + 10).unwrap_or(100)
    }
}

impl After {
    /// The number of the next file.
    pub(crate) fn file(&self) -> u32 {
        self.files.saturating_add(1)
    }

    /// After one more file, from `id` on.
    pub(crate) fn next(&self, id: String) -> Self {
        Self { id: Some(id), files: self.file() }
    }
}

impl From<AuditPlace> for AuditPlaceText {
    fn from(place: AuditPlace) -> Self {
        Self(place.to_string())
    }
}

impl AuditPlaceText {
    /// The place; the start for what names none.
    pub(crate) fn place(&self) -> AuditPlace {
        self.0.parse().unwrap_or_else(|_| AuditPlace::start())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_grows_from_gathering_to_the_end() {
        let percent = |bytes, bytes_done| Done { files: 1, bytes, bytes_done }.percent();
        assert_eq!([percent(None, 0), percent(Some(10), 0), percent(Some(10), 5)], [0, 10, 55]);
        assert_eq!([percent(Some(10), 10), percent(Some(u64::MAX), u64::MAX)], [100, 100]);
    }
}
