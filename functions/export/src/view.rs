//! What callers see of an export.

use domain::{Export, ExportArchive, ExportScope, ExportState};
use schemars::JsonSchema;
use serde::Serialize;
use tenant_context::{ExportId, Timestamp};

use crate::progress::Done;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Export")]
pub(crate) struct ExportView {
    id: ExportId,
    scope: ExportScope,
    /// The most bytes of one archive; a file that is larger has one of its own.
    archive_bytes: u64,
    state: ExportState,
    state_changed_at: Timestamp,
    /// How far it is; in the answer about one export that is `preparing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<ProgressView>,
    /// What there is to download, when `ready`.
    archives: Vec<ExportArchive>,
    /// How many files are in the archives, when `ready`.
    files: u64,
    /// How many should be in there and are not; `manifest.json` says which and why.
    missing: u64,
    /// Until when it can be downloaded, when `ready`.
    expires_at: Option<Timestamp>,
    /// What kept it from being made, when `failed`.
    reason: Option<String>,
    /// Who asked: the id of a person or a machine client.
    requested_by: String,
    created_at: Timestamp,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ExportProgress")]
struct ProgressView {
    /// How many files were gathered so far.
    files: u64,
    /// How many bytes the archives will have; none while files are being gathered.
    bytes: Option<u64>,
    /// How many of these are there.
    bytes_done: u64,
    /// How much of the whole is done, as far as that can be told.
    percent: u8,
}

impl ExportView {
    pub(crate) fn new(export: Export, done: Option<Done>, now: Timestamp) -> Self {
        let state = export.state(now);
        Self {
            archives: if state == ExportState::Ready { export.archives } else { Vec::new() },
            id: export.id,
            scope: export.scope,
            archive_bytes: export.archive_bytes,
            state,
            state_changed_at: export.state_changed_at,
            progress: done.map(ProgressView::from),
            files: export.files,
            missing: export.missing,
            expires_at: export.expires_at,
            reason: export.reason,
            requested_by: export.requested_by,
            created_at: export.created_at,
        }
    }
}

impl From<Done> for ProgressView {
    fn from(done: Done) -> Self {
        Self { files: done.files, bytes: done.bytes, bytes_done: done.bytes_done, percent: done.percent() }
    }
}
