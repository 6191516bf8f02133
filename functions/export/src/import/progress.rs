//! How far the worker is with an import: what it writes down after each step, and goes on from when it was killed.

use domain::{ContentHash, OpenUpload};
use serde::{Deserialize, Serialize};
use tenant_context::UploadId;

/// How far the worker is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub(crate) stage: Stage,
    /// What is to come, once it was read.
    pub(crate) plan: Option<ContentHash>,
    /// How often the present step was tried for nothing.
    pub(crate) tries: u32,
    /// What can be told of it.
    pub done: Done,
}

/// How much is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    pub(crate) things: Option<u64>,
    pub(crate) things_done: u64,
}

/// What the worker does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// Reads an archive or a feed, and makes nothing of it yet.
    Read,
    /// Has media scanned and looked into.
    Media {
        /// The next of the plan.
        next: usize,
        /// What is on its way.
        underway: Vec<Underway>,
    },
    Groups {
        next: usize,
    },
    Shows {
        next: usize,
    },
    Episodes {
        next: usize,
    },
    Listeners {
        next: usize,
    },
    /// Counts what came.
    Finish,
}

/// A medium on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Underway {
    /// Which of the plan.
    pub(crate) index: usize,
    /// What it becomes.
    pub(crate) upload: UploadId,
    /// S3's name for its multipart upload.
    pub(crate) multipart: Option<String>,
    /// What goes on with a fetch that was cut off.
    pub(crate) validator: Option<String>,
    /// How many bytes it has, once all are there.
    pub(crate) whole: Option<u64>,
    /// Whether scan and probe have it.
    pub(crate) is_sent: bool,
    /// Why it does not come, once that is certain. A run after a kill does not ask anew, and be told otherwise.
    pub(crate) refused: Option<String>,
    /// How often it was tried for nothing.
    pub(crate) tries: u32,
}

impl Progress {
    /// Nothing is done.
    pub fn start() -> Self {
        Self { stage: Stage::Read, plan: None, tries: 0, done: Done::default() }
    }

    /// The upload whose bytes are being sent.
    pub(crate) fn open_upload(&self) -> Option<OpenUpload> {
        let Stage::Media { underway, .. } = &self.stage else { return None };
        underway.iter().filter(|one| !one.is_sent).find_map(|one| {
            let multipart = one.multipart.clone()?;
            Some(OpenUpload { upload: one.upload.clone(), multipart })
        })
    }
}

impl Underway {
    pub(crate) fn new(index: usize, upload: UploadId) -> Self {
        Self {
            index,
            upload,
            multipart: None,
            validator: None,
            whole: None,
            is_sent: false,
            refused: None,
            tries: 0,
        }
    }
}

impl Done {
    pub(crate) fn percent(self) -> u8 {
        let Some(things) = self.things.filter(|things| *things > 0) else { return 0 };
        let percent = self.things_done.min(things).saturating_mul(100).checked_div(things);
        percent.and_then(|percent| u8::try_from(percent).ok()).unwrap_or(100)
    }
}
