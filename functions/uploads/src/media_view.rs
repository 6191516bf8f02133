//! What callers see of media.

use std::time::Duration;

use domain::{ContentHash, Loudness, Media, MediaContent, MediaFile, MediaFormat, RenditionPurpose, Tags};
use schemars::JsonSchema;
use serde::Serialize;
use storage::{MediaLink, Storage, StorageError};
use tenant_context::{MediaId, TenantContext, Timestamp};

/// How long a link to a file works.
const LINK_LIFETIME: Duration = Duration::from_secs(10 * 60);

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Media")]
pub(crate) struct MediaView {
    id: MediaId,
    /// The bytes as they were uploaded.
    original: FileView,
    /// What was found out, by what they are.
    #[serde(flatten)]
    content: ContentView,
    /// What was made of them.
    renditions: Vec<RenditionView>,
    created_at: Timestamp,
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ContentView {
    Recording {
        duration_milliseconds: u64,
        /// The codec of the sound.
        codec: String,
        /// The codec of the moving pictures, where there are some.
        video_codec: Option<String>,
        /// Average bits per second of the sound.
        bit_rate: u32,
        /// 1 is mono, 2 stereo.
        channels: u8,
        sample_rate_hz: u32,
        /// None where it is silent, or coded in a way that is not decoded here.
        loudness: Option<Loudness>,
        /// What the file says of itself.
        tags: Tags,
    },
    Picture {
        /// Pixels of a side: it is square.
        side_px: u32,
    },
    Transcript {
        cues: u32,
        /// When the last cue ends.
        ends_at_milliseconds: u64,
    },
    Chapters {
        chapters: u32,
    },
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MediaFile")]
struct FileView {
    format: MediaFormat,
    content_type: String,
    size_bytes: u64,
    sha256: ContentHash,
    /// Where to GET it; good for ten minutes.
    url: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Rendition")]
struct RenditionView {
    purpose: RenditionPurpose,
    #[serde(flatten)]
    file: FileView,
}

impl MediaView {
    pub(crate) async fn new(
        storage: &Storage,
        context: &TenantContext,
        media: Media,
    ) -> Result<Self, StorageError> {
        let mut renditions = Vec::with_capacity(media.renditions.len());
        for rendition in media.renditions {
            let file = FileView::new(storage, context, rendition.file).await?;
            renditions.push(RenditionView { purpose: rendition.purpose, file });
        }
        Ok(Self {
            id: media.id,
            original: FileView::new(storage, context, media.original).await?,
            content: media.content.into(),
            renditions,
            created_at: media.created_at,
        })
    }
}

impl FileView {
    async fn new(storage: &Storage, context: &TenantContext, file: MediaFile) -> Result<Self, StorageError> {
        Ok(Self {
            format: file.format,
            content_type: file.format.content_type().to_owned(),
            size_bytes: file.size_bytes,
            url: storage.link_to_media(context, &file.hash, MediaLink::Get, LINK_LIFETIME).await?,
            sha256: file.hash,
        })
    }
}

impl From<MediaContent> for ContentView {
    fn from(content: MediaContent) -> Self {
        match content {
            MediaContent::Recording(recording) => Self::Recording {
                duration_milliseconds: recording.duration_milliseconds,
                codec: recording.codec,
                video_codec: recording.video_codec,
                bit_rate: recording.bit_rate,
                channels: recording.channels,
                sample_rate_hz: recording.sample_rate_hz,
                loudness: recording.loudness,
                tags: recording.tags,
            },
            MediaContent::Picture(picture) => Self::Picture { side_px: picture.side_px },
            MediaContent::Transcript(transcript) => Self::Transcript {
                cues: transcript.cues,
                ends_at_milliseconds: transcript.ends_at_milliseconds,
            },
            MediaContent::Chapters(found) => Self::Chapters { chapters: found.chapters },
        }
    }
}
