//! What callers see of an upload.

use std::collections::BTreeMap;

use domain::{
    BitRate, ContentHash, ContentType, FileName, Part, Rejection, Upload, UploadState, UploadStep, Warning,
};
use schemars::JsonSchema;
use serde::Serialize;
use storage::{SignedPut, UploadPart};
use tenant_context::{MediaId, ShowId, Timestamp, UploadId};

use crate::media_view::MediaView;

/// How many parts get a URL in one answer; `GET` signs the next.
const MOST_PARTS: usize = 100;

/// Where the bytes that are not there yet go.
#[derive(Default)]
pub(crate) enum Wanted {
    /// None are wanted, or the caller may not send any.
    #[default]
    Nothing,
    /// All of them, in one piece.
    Whole(SignedPut),
    /// These parts.
    Parts(Vec<UploadPart>),
}

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
    /// How its enclosure is made, if it is a WAV or FLAC master.
    enclosure: EnclosureView,
    /// Bytes in each part but the last.
    part_size: u64,
    state: UploadState,
    state_changed_at: Timestamp,
    /// Every state so far, in order, with its time.
    history: Vec<UploadStep>,
    /// Why it is `rejected` or `expired`, in one plain sentence.
    reason: Option<String>,
    /// Where to PUT the bytes where they fit into one part. The rest follows by itself: nothing needs to be completed.
    upload: Option<PutView>,
    /// Otherwise the parts that are not there yet, with where to PUT each.
    parts: Vec<PartView>,
    /// What became of it, when `ready`.
    media_id: Option<MediaId>,
    /// The same with all that is known of it; in the answer about one upload alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<MediaView>,
    /// What listeners may mind in it.
    warnings: Vec<Warning>,
    /// Why nothing became of it, when `rejected`, for programs and for people.
    rejection: Option<Rejection>,
    created_at: Timestamp,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Put")]
struct PutView {
    /// How many bytes to PUT, neither more nor less.
    size_bytes: u64,
    /// Where to; good for some minutes.
    url: String,
    /// Headers to send with them, each as it is: the URL is good with these alone.
    headers: BTreeMap<String, String>,
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

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UploadEnclosure")]
struct EnclosureView {
    /// Bits per second of the MP3.
    bit_rate: BitRate,
    is_loudness_normalized: bool,
}

impl UploadView {
    pub(crate) fn new(upload: Upload, wanted: Wanted) -> Self {
        let size_bytes = upload.size_bytes;
        let (put, parts) = match wanted {
            Wanted::Nothing => (None, Vec::new()),
            Wanted::Whole(SignedPut { url, headers }) => {
                (Some(PutView { size_bytes, url, headers }), Vec::new())
            }
            Wanted::Parts(parts) => (None, parts),
        };
        let parts = parts.into_iter().map(|UploadPart { part, url }| PartView {
            part_number: part.number,
            size_bytes: part.size_bytes,
            url,
        });
        Self {
            upload: put,
            parts: parts.collect(),
            reason: upload.reason().map(str::to_owned),
            id: upload.id,
            show_id: upload.show_id,
            file_name: upload.file_name,
            content_type: upload.content_type,
            size_bytes: upload.size_bytes,
            sha256: upload.sha256,
            enclosure: EnclosureView {
                bit_rate: upload.enclosure.bit_rate,
                is_loudness_normalized: upload.enclosure.is_loudness_normalized,
            },
            part_size: upload.part_size,
            state: upload.state,
            state_changed_at: upload.state_changed_at,
            history: upload.history,
            media_id: upload.media_id,
            media: None,
            warnings: upload.warnings,
            rejection: upload.rejection,
            created_at: upload.created_at,
        }
    }

    pub(crate) fn with_media(self, media: Option<MediaView>) -> Self {
        Self { media, ..self }
    }
}

/// The first of `parts` that fit into one answer.
pub(crate) fn next_batch(parts: impl Iterator<Item = Part>) -> Vec<Part> {
    parts.take(MOST_PARTS).collect()
}
