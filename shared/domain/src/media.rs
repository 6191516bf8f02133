use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::{MediaId, Timestamp};

use crate::{Chapters, ContentHash};

/// What became of an upload: scanned, looked into and filed under its hash. Never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Media {
    /// Its name inside the tenancy.
    pub id: MediaId,
    /// The bytes as they were uploaded.
    #[serde(flatten)]
    pub original: MediaFile,
    /// What they are.
    pub content: MediaContent,
    /// What was made of them.
    #[serde(default)]
    pub renditions: Vec<Rendition>,
    /// When it was promoted.
    pub created_at: Timestamp,
}

/// A file of the media bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MediaFile {
    /// Of all its bytes; its name in the media bucket.
    pub hash: ContentHash,
    /// How many bytes.
    pub size_bytes: u64,
    /// CRC-32 of all its bytes, as ZIP has it (APPNOTE 4.4.7).
    pub crc32: u32,
    /// The format, found by looking at the bytes.
    pub format: MediaFormat,
}

/// What the bytes of a medium are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MediaContent {
    /// The sound of an episode, and moving pictures where there are some.
    Recording(Recording),
    /// Artwork of a show or an episode.
    Picture(Picture),
    /// What is said in an episode.
    Transcript(TranscriptSummary),
    /// The chapters of an episode.
    Chapters(ChaptersSummary),
}

/// What was found out about a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recording {
    /// How long it plays, in milliseconds.
    pub duration_milliseconds: u64,
    /// The codec of the sound, as the prober names it: `mp3`, `aac`.
    pub codec: String,
    /// The codec of the moving pictures, where there are some.
    #[serde(default)]
    pub video_codec: Option<String>,
    /// Average bits per second of the sound.
    pub bit_rate: u32,
    /// 1 is mono, 2 stereo.
    pub channels: u8,
    /// Samples per second of one channel.
    pub sample_rate_hz: u32,
    /// How loud it is, where that could be measured.
    #[serde(default)]
    pub loudness: Option<Loudness>,
    /// What the file says of itself.
    #[serde(default)]
    pub tags: Tags,
}

/// How loud a recording is (EBU R 128, ITU-R BS.1770).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Loudness {
    /// Integrated loudness in LUFS.
    pub integrated_lufs: Decibels,
    /// The highest true peak of any channel, in dBTP.
    pub true_peak_dbtp: Decibels,
}

/// A level, kept in hundredths; a plain number in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(from = "f64", into = "f64")]
#[schemars(with = "f64")]
pub struct Decibels(i32);

/// What a file says of itself, as far as listeners care.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tags {
    /// The title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artist: Option<String>,
    /// What it belongs to: the show, mostly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub album: Option<String>,
    /// When it was recorded or released, as the file says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// A remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A picture that can be artwork.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Picture {
    /// Pixels of a side: it is square.
    pub side_px: u32,
}

/// What was found out about a transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TranscriptSummary {
    /// How many cues it has.
    pub cues: u32,
    /// When its last cue ends, in milliseconds.
    pub ends_at_milliseconds: u64,
}

/// What was found out about a file of chapters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChaptersSummary {
    /// How many there are.
    pub chapters: u32,
}

/// A file that was made from a medium, kept beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rendition {
    /// What it is for.
    pub purpose: RenditionPurpose,
    /// The file.
    #[serde(flatten)]
    pub file: MediaFile,
}

/// What a rendition is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RenditionPurpose {
    /// What podcast apps play, made from a master.
    Enclosure,
    /// Peaks to draw, as `audiowaveform` writes them in JSON, version 2.
    Waveform,
    /// The chapters that the file has or is, as Podcasting 2.0 chapters in JSON, version 1.2.
    Chapters,
    /// The artwork that is in the file.
    Artwork,
    /// Artwork at a size for web pages.
    Web,
    /// A transcript for podcast apps; there is one of each format.
    Transcript,
}

/// A format that the media worker understands or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
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
    /// JSON of a kind that its purpose tells.
    Json,
}

impl Media {
    /// What is said of it as a recording; `None` for all else.
    pub fn recording(&self) -> Option<&Recording> {
        match &self.content {
            MediaContent::Recording(recording) => Some(recording),
            _ => None,
        }
    }

    /// What a feed carries of it: the bytes as they are where apps play them, else the enclosure that was made of them.
    pub fn enclosure(&self) -> Option<&MediaFile> {
        if self.original.format.is_enclosure() {
            return Some(&self.original);
        }
        self.rendition(RenditionPurpose::Enclosure)
    }

    /// The first rendition with a purpose.
    pub fn rendition(&self, purpose: RenditionPurpose) -> Option<&MediaFile> {
        self.renditions.iter().find(|rendition| rendition.purpose == purpose).map(|rendition| &rendition.file)
    }
}

impl ChaptersSummary {
    /// What there is to say of `chapters`.
    pub fn of(chapters: &Chapters) -> Self {
        Self { chapters: u32::try_from(chapters.chapters().len()).unwrap_or(u32::MAX) }
    }
}

impl Loudness {
    /// Quieter or louder than this by more than [`Loudness::TOLERANCE`] is worth a warning: what Apple Podcasts asks for.
    pub const TARGET: Decibels = Decibels(-1600);
    /// How far from the target nobody minds.
    pub const TOLERANCE: Decibels = Decibels(200);

    /// Whether it is so far from the target that listeners reach for the volume.
    pub fn is_off_target(self) -> bool {
        (self.integrated_lufs.0 - Self::TARGET.0).abs() > Self::TOLERANCE.0
    }
}

impl From<f64> for Decibels {
    fn from(level: f64) -> Self {
        // A cast from floating point saturates, and makes nothing of what is no number.
        Self((level * 100.0).round() as i32)
    }
}

impl From<Decibels> for f64 {
    fn from(level: Decibels) -> Self {
        Self::from(level.0) / 100.0
    }
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
            Self::Json => "application/json",
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
            Self::Json => "json",
        }
    }

    /// Whether a feed may carry it: Apple Podcasts takes MP3 and M4A as audio, and MP4 as video.
    pub fn is_enclosure(self) -> bool {
        matches!(self, Self::Mp3 | Self::M4a | Self::Mp4)
    }

    /// Whether an enclosure is made of it: nothing is lost in it yet.
    pub fn is_master(self) -> bool {
        matches!(self, Self::Wav | Self::Flac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::episode::tests::media;

    #[test]
    fn formats_have_stable_names() {
        use MediaFormat::*;
        let all = [Mp3, M4a, Wav, Flac, OggVorbis, OggOpus, Mp4, Jpeg, Png, WebVtt, SubRip, Json];
        let names = r#"["mp3","m4a","wav","flac","ogg_vorbis","ogg_opus","mp4","jpeg","png","web_vtt","sub_rip","json"]"#;
        assert_eq!(serde_json::to_string(&all).unwrap(), names);
    }

    #[test]
    fn a_feed_carries_what_apps_play_or_the_enclosure_made_of_a_master() {
        let as_it_is = media(MediaFormat::Mp3);
        assert_eq!(as_it_is.enclosure(), Some(&as_it_is.original));

        let mut master = media(MediaFormat::Wav);
        assert_eq!(master.enclosure(), None);
        let enclosure = as_it_is.original;
        master.renditions.push(Rendition { purpose: RenditionPurpose::Enclosure, file: enclosure.clone() });
        assert_eq!(master.enclosure(), Some(&enclosure));
    }

    #[test]
    fn two_loudness_units_off_are_not_worth_a_warning() {
        let at = |level: f64| Loudness { integrated_lufs: level.into(), true_peak_dbtp: (-1.0).into() };
        assert!([-18.0, -16.0, -14.0].map(at).iter().all(|loudness| !loudness.is_off_target()));
        assert!([-18.01, -13.99, -70.0].map(at).iter().all(|loudness| loudness.is_off_target()));
    }

    #[test]
    fn levels_are_plain_numbers_in_json() {
        assert_eq!(serde_json::to_string(&Decibels::from(-16.004)).unwrap(), "-16.0");
        assert_eq!(serde_json::from_str::<Decibels>("-23.5").unwrap(), Decibels(-2350));
        assert_eq!(Decibels::from(f64::NEG_INFINITY), Decibels(i32::MIN));
    }

    #[test]
    fn media_survives_json() {
        let media = media(MediaFormat::Flac);
        let json = serde_json::to_string(&media).unwrap();
        assert_eq!(serde_json::from_str::<Media>(&json).unwrap(), media);
    }
}
