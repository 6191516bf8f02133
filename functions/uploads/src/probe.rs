//! What the bytes of an upload really are. The file's name and declared type are never asked.
//!
//! One file a format. Each walks the container's own structure and adds up what is there, without decoding, so durations
//! are exact also where a header is missing or wrong. Files are hostile until proven otherwise: nothing is allocated or
//! jumped to because a length field says so, and memory does not grow with the file.
//!
//! Only FLAC goes through a demuxer crate, because its frames can be found by their checksums alone. The crate's MP4 and
//! WAV demuxers allocate what a file claims, and panic on some that lie; its MP3 one takes noise for frames.

use std::{fs::File, io, time::Duration};

use domain::AudioFormat;

mod flac;
mod mp3;
mod mp4;
mod ogg;
mod sniff;
mod source;
mod wav;

use sniff::Container;
use source::Source;

/// The shortest audio that can be an episode.
const SHORTEST: Duration = Duration::from_secs(1);

/// What a file of audio turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// The container.
    pub format: AudioFormat,
    /// How the sound is coded inside it.
    pub codec: Codec,
    /// How long it plays: MP3 and M4A as players show it, the others to the sample.
    pub duration: Duration,
    /// Mean bits per second of the sound alone, without tags and artwork.
    pub bit_rate: u32,
    /// 1 is mono, 2 stereo.
    pub channels: u8,
    /// Samples per second of one channel.
    pub sample_rate_hz: u32,
}

/// How sound is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// MPEG audio layer III.
    Mp3,
    /// MPEG-4 AAC: LC, HE or HE v2.
    Aac,
    /// Plain samples, integer or floating point.
    Pcm,
    /// FLAC.
    Flac,
    /// Vorbis.
    Vorbis,
}

impl Codec {
    /// The codec's public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mp3 => "mp3",
            Self::Aac => "aac",
            Self::Pcm => "pcm",
            Self::Flac => "flac",
            Self::Vorbis => "vorbis",
        }
    }
}

/// Why a file cannot be the audio of an episode. Shown as one plain sentence, or two, that say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// No bytes.
    #[error("The file is empty. Export it again and upload the new file.")]
    EmptyFile,
    /// Text, a picture, an archive, noise.
    #[error("The file is not audio. Upload an MP3, M4A, WAV, FLAC or Ogg Vorbis file.")]
    NotAudio,
    /// Sound or video in a container that is not taken.
    #[error(
        "The file is in a format that podcast apps do not all play. Export it as MP3, M4A, WAV, FLAC or Ogg Vorbis."
    )]
    UnsupportedFormat,
    /// A container that is taken, with sound coded in a way that is not.
    #[error(
        "The sound in the file is coded in a way that podcast apps do not all play. Export it as MP3, or as M4A with AAC."
    )]
    UnsupportedCodec,
    /// An MP4 written in pieces, as for streaming.
    #[error("The file is an MP4 in fragments, made for streaming. Export it as one plain M4A, or as MP3.")]
    Fragmented,
    /// Moving pictures.
    #[error("The file is a video. Export its sound alone, as MP3 or M4A.")]
    Video,
    /// A container without sound.
    #[error("There is no sound in the file. Export it again with its audio track.")]
    NoAudioTrack,
    /// More than one recording in one file.
    #[error("The file holds more than one audio track. Export it with one.")]
    SeveralTracks,
    /// Copy-protected.
    #[error("The file is copy-protected. Export it without protection.")]
    Encrypted,
    /// Ends before its sound does.
    #[error("The file ends before its audio does. Export it again and upload the whole file.")]
    Truncated,
    /// Contradicts itself, or is half noise.
    #[error("The file is damaged. Export it again and upload the new file.")]
    Damaged,
    /// Less than a second.
    #[error("The file plays for less than a second. Upload the whole episode.")]
    TooShort,
}

impl Refusal {
    /// The reason for programs. Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::EmptyFile => "empty_file",
            Self::NotAudio => "not_audio",
            Self::UnsupportedFormat => "unsupported_format",
            Self::UnsupportedCodec => "unsupported_codec",
            Self::Fragmented => "fragmented",
            Self::Video => "video",
            Self::NoAudioTrack => "no_audio_track",
            Self::SeveralTracks => "several_tracks",
            Self::Encrypted => "encrypted",
            Self::Truncated => "truncated",
            Self::Damaged => "damaged",
            Self::TooShort => "too_short",
        }
    }
}

/// Probing did not find audio.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The file is at fault: it will be refused next time too.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// This machine is at fault: trying again may help.
    #[error("cannot read the file to probe")]
    Unreadable(#[from] io::Error),
}

/// Finds out what `file` is. Where it is positioned does not matter.
///
/// # Errors
/// [`ProbeError::Refused`] when it is not audio that an episode can have, [`ProbeError::Unreadable`] when the disk fails.
pub fn probe(file: File) -> Result<Probed, ProbeError> {
    let mut source = Source::new(file)?;
    if source.len() == 0 {
        return Err(Refusal::EmptyFile.into());
    }

    let (container, start) = sniff::sniff(&mut source)?;
    let (format, sound) = match container {
        Container::Mpeg => (AudioFormat::Mp3, mp3::walk(&mut source, start)?),
        Container::Mp4 => (AudioFormat::M4a, mp4::walk(&mut source, start)?),
        Container::Wave => (AudioFormat::Wav, wav::walk(&mut source, start)?),
        Container::Flac => (AudioFormat::Flac, flac::walk(source, start)?),
        Container::Ogg => (AudioFormat::OggVorbis, ogg::walk(&mut source, start)?),
    };

    Ok(sound.probed(format)?)
}

/// What a walk through a container adds up to.
#[derive(Debug)]
struct Sound {
    codec: Codec,
    /// Units of time, [`Sound::ticks_per_second`] to the second.
    ticks: u64,
    ticks_per_second: u32,
    /// Bytes of coded sound.
    bytes: u64,
    channels: u32,
    sample_rate_hz: u32,
}

impl Sound {
    fn probed(self, format: AudioFormat) -> Result<Probed, Refusal> {
        if !(8_000..=384_000).contains(&self.sample_rate_hz) || !(1..=8).contains(&self.channels) {
            return Err(Refusal::Damaged);
        }
        let nanoseconds =
            self.duration_nanoseconds().filter(|nanoseconds| *nanoseconds > 0).ok_or(Refusal::TooShort)?;
        let duration = Duration::from_nanos(u64::try_from(nanoseconds).map_err(|_| Refusal::Damaged)?);
        if duration < SHORTEST {
            return Err(Refusal::TooShort);
        }

        let bit_rate = u128::from(self.bytes) * 8 * 1_000_000_000 / nanoseconds;
        Ok(Probed {
            format,
            codec: self.codec,
            duration,
            bit_rate: u32::try_from(bit_rate).map_err(|_| Refusal::Damaged)?,
            channels: u8::try_from(self.channels).map_err(|_| Refusal::Damaged)?,
            sample_rate_hz: self.sample_rate_hz,
        })
    }

    fn duration_nanoseconds(&self) -> Option<u128> {
        (u128::from(self.ticks) * 1_000_000_000).checked_div(u128::from(self.ticks_per_second))
    }
}
