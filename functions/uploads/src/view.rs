//! What callers see of an upload.

use domain::{ContentHash, ContentType, FileName, Part, Rejection, Upload, UploadState};
use schemars::JsonSchema;
use serde::Serialize;
use storage::UploadPart;
use tenant_context::{MediaId, ShowId, Timestamp, UploadId};

/// How many parts get a URL in one answer; `GET` signs the next.
const MOST_PARTS: usize = 100;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Upload")]
pub(crate) struct UploadView {
    id: UploadId,
    show_id: Option<ShowId>,
    file_name: FileName,
    content_type: ContentType,
    /// How many bytes the caller says there are.
    size_bytes: u64,
    /// What the caller says they hash to, if they say.
    sha256: Option<ContentHash>,
    /// Bytes in each part but the last.
    part_size: u64,
    state: UploadState,
    state_changed_at: Timestamp,
    /// Parts that are not there yet, with where to PUT them.
    parts: Vec<PartView>,
    /// What became of it, when `ready`.
    media_id: Option<MediaId>,
    /// Why nothing became of it, when `rejected`.
    rejection: Option<Rejection>,
    created_at: Timestamp,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Part")]
struct PartView {
    /// From 1.
    part_number: u16,
    /// How many bytes to PUT, neither more nor less.
    size_bytes: u64,
    /// Where to; good for some minutes.
    url: String,
}

impl UploadView {
    pub(crate) fn new(upload: Upload, parts: Vec<UploadPart>) -> Self {
        let parts = parts.into_iter().map(|UploadPart { part, url }| PartView {
            part_number: part.number,
            size_bytes: part.size_bytes,
            url,
        });
        Self {
            parts: parts.collect(),
            id: upload.id,
            show_id: upload.show_id,
            file_name: upload.file_name,
            content_type: upload.content_type,
            size_bytes: upload.size_bytes,
            sha256: upload.sha256,
            part_size: upload.part_size,
            state: upload.state,
            state_changed_at: upload.state_changed_at,
            media_id: upload.media_id,
            rejection: upload.rejection,
            created_at: upload.created_at,
        }
    }
}

/// The first of `parts` that fit into one answer.
pub(crate) fn next_batch(parts: impl Iterator<Item = Part>) -> Vec<Part> {
    parts.take(MOST_PARTS).collect()
}
