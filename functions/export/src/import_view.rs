//! What callers see of an import.

use std::collections::BTreeMap;

use domain::{Import, ImportCounts, ImportItemKind, ImportSource, ImportState};
use schemars::JsonSchema;
use serde::Serialize;
use storage::{SignedPut, Storage, StorageError, UploadPart};
use tenant_context::{Grant, ImportId, Timestamp, permission::CreateImport};

use crate::import::progress::Done;

/// How many parts of a file get a URL in one answer; `GET` signs the next.
const MOST_PARTS: usize = 100;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Import")]
pub(crate) struct ImportView {
    id: ImportId,
    source: ImportSource,
    state: ImportState,
    state_changed_at: Timestamp,
    /// What to send, while `receiving`; for whoever may import.
    files: Vec<FileView>,
    /// How far it is; in the answer about one import that is `importing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<ImportProgressView>,
    /// How many of what came, were here already, and did not come, when `finished`. `GET /v1/imports/{import}/items` says which and
    /// why.
    counts: BTreeMap<ImportItemKind, ImportCounts>,
    /// What to know besides, when `finished`.
    notes: Vec<String>,
    /// Why nothing came of it, when `failed`.
    reason: Option<String>,
    /// Who asked: the id of a person or a machine client.
    requested_by: String,
    created_at: Timestamp,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ImportFile")]
struct FileView {
    /// From 1.
    number: u32,
    size_bytes: u64,
    /// Bytes in each part but the last.
    part_size: u64,
    /// Where to PUT the file where it fits into one part.
    upload: Option<ImportPutView>,
    /// Otherwise the next parts that are not there yet, with where to PUT each. There may be more: ask again when these are sent.
    parts: Vec<ImportPartView>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ImportPut")]
struct ImportPutView {
    /// Where to; good for some minutes.
    url: String,
    /// Headers to send with the bytes, each as it is: the URL is good with these alone.
    headers: BTreeMap<String, String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ImportPart")]
struct ImportPartView {
    /// From 1.
    part_number: u16,
    /// How many bytes to PUT, neither more nor less.
    size_bytes: u64,
    /// Where to; good for some minutes.
    url: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ImportProgress")]
struct ImportProgressView {
    /// How many things there are; none while they are being read.
    things: Option<u64>,
    /// Of how many it is known what became of them.
    things_done: u64,
    percent: u8,
}

impl ImportView {
    pub(crate) fn new(import: Import, done: Option<Done>) -> Self {
        Self {
            id: import.id,
            source: import.source,
            state: import.state,
            state_changed_at: import.state_changed_at,
            files: Vec::new(),
            progress: done.map(ImportProgressView::from),
            counts: import.counts,
            notes: import.notes,
            reason: import.reason,
            requested_by: import.requested_by,
            created_at: import.created_at,
        }
    }

    /// The same, with where to send what is not there yet.
    pub(crate) async fn with_files(
        storage: &Storage,
        grant: &Grant<'_, CreateImport>,
        import: Import,
    ) -> Result<Self, StorageError> {
        let mut files = Vec::new();
        if import.state == ImportState::Receiving {
            for file in &import.files {
                let (mut upload, mut parts) = (None, Vec::new());
                if file.part_plan().is_one_piece() {
                    let SignedPut { url, headers } = storage.sign_import_put(grant, &import.id, file).await?;
                    upload = Some(ImportPutView { url, headers });
                } else {
                    let signed = storage.sign_import_parts(grant, &import.id, file, MOST_PARTS).await?;
                    parts.extend(signed.into_iter().map(ImportPartView::from));
                }
                let (number, size_bytes, part_size) = (file.number, file.size_bytes, file.part_size);
                files.push(FileView { number, size_bytes, part_size, upload, parts });
            }
        }
        Ok(Self { files, ..Self::new(import, None) })
    }
}

impl From<UploadPart> for ImportPartView {
    fn from(UploadPart { part, url }: UploadPart) -> Self {
        Self { part_number: part.number, size_bytes: part.size_bytes, url }
    }
}

impl From<Done> for ImportProgressView {
    fn from(done: Done) -> Self {
        Self { things: done.things, things_done: done.things_done, percent: done.percent() }
    }
}
