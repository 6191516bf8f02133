use serde::{Deserialize, Serialize};
use tenant_context::{MediaId, Timestamp};

use crate::ContentHash;

/// The audio of an episode: scanned, probed and filed under its hash. Never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Its name inside the tenancy.
    pub id: MediaId,
    /// Of all its bytes; its name in the media bucket.
    pub hash: ContentHash,
    /// How many bytes.
    pub size_bytes: u64,
    /// The container, found by probing.
    pub format: MediaFormat,
    /// How long it plays, in milliseconds.
    pub duration_milliseconds: u64,
    /// The codec inside the container, as the prober names it: `mp3`, `aac`.
    pub codec: String,
    /// Average bits per second.
    pub bit_rate: u32,
    /// 1 is mono, 2 stereo.
    pub channels: u8,
    /// Samples per second of one channel.
    pub sample_rate_hz: u32,
    /// When it was promoted.
    pub created_at: Timestamp,
}

/// A format that the media worker understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaFormat {
    /// MPEG audio layer III.
    Mp3,
    /// AAC in MPEG-4.
    M4a,
    /// RIFF WAVE.
    Wav,
    /// FLAC in its own container.
    Flac,
    /// Vorbis in Ogg.
    OggVorbis,
    /// Opus in Ogg.
    OggOpus,
    /// Moving pictures with AAC in MPEG-4.
    Mp4,
    /// A picture (JPEG).
    Jpeg,
    /// A picture (PNG).
    Png,
    /// A transcript in WebVTT.
    WebVtt,
    /// A transcript in SubRip.
    SubRip,
}

impl MediaFormat {
    /// The type to serve it as, and to write in an enclosure. M4A has three names; Apple's is the one that apps know.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Mp3 => "audio/mpeg",
            Self::M4a => "audio/x-m4a",
            Self::Wav => "audio/wav",
            Self::Flac => "audio/flac",
            Self::OggVorbis | Self::OggOpus => "audio/ogg",
            Self::Mp4 => "video/mp4",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebVtt => "text/vtt",
            Self::SubRip => "application/x-subrip",
        }
    }

    /// What its file names end with, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Mp3 => "mp3",
            Self::M4a => "m4a",
            Self::Wav => "wav",
            Self::Flac => "flac",
            Self::OggVorbis => "ogg",
            Self::OggOpus => "opus",
            Self::Mp4 => "mp4",
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebVtt => "vtt",
            Self::SubRip => "srt",
        }
    }

    /// Whether a feed may carry it: Apple Podcasts takes MP3 and M4A as audio.
    pub fn is_enclosure(self) -> bool {
        matches!(self, Self::Mp3 | Self::M4a)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_have_stable_names() {
        use MediaFormat::*;
        let all = [Mp3, M4a, Wav, Flac, OggVorbis, OggOpus, Mp4, Jpeg, Png, WebVtt, SubRip];
        let names =
            r#"["mp3","m4a","wav","flac","ogg_vorbis","ogg_opus","mp4","jpeg","png","web_vtt","sub_rip"]"#;
        assert_eq!(serde_json::to_string(&all).unwrap(), names);
    }
}
