//! Which container and codec a file of audio or video has, and how long it plays.
//!
//! One file a format. Each walks the container's own structure and adds up what is there, without decoding, so durations
//! are exact also where a header is missing or wrong. On the way it hands each packet of sound to the [`Ear`], if there is
//! one. Files are hostile until proven otherwise: nothing is allocated or jumped to because a length field says so, and
//! memory does not grow with the file.
//!
//! Only FLAC goes through a demuxer crate, because its frames can be found by their checksums alone. The same crate's MP4
//! demuxer allocates as much as a file claims and panics on some that lie, its WAV one overflows, and its MP3 one takes
//! noise for frames.

use std::{fs::File, io, time::Duration};

use domain::MediaFormat;

mod ear;
mod flac;
mod mp3;
mod mp4;
mod ogg;
mod sniff;
mod source;
mod wav;

pub(crate) use ear::{Coding, Ear, PcmSample};
use sniff::Container;
use source::Source;

/// The shortest audio that can be an episode.
const SHORTEST: Duration = Duration::from_secs(1);

/// What a file of audio or video turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// The container.
    pub format: MediaFormat,
    /// How the sound is coded inside it.
    pub codec: Codec,
    /// How long it plays: MP3, M4A and MP4 as players show it, the others to the sample.
    pub duration: Duration,
    /// Mean bits per second of the sound alone, without tags and artwork.
    pub bit_rate: u32,
    /// 1 is mono, 2 stereo.
    pub channels: u8,
    /// Samples per second of one channel.
    pub sample_rate_hz: u32,
    /// The moving pictures, where there are some. A cover is none.
    pub video: Option<Video>,
}

/// The moving pictures of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Video {
    /// How they are coded.
    pub codec: VideoCodec,
    /// In pixels, as coded.
    pub width: u16,
    /// In pixels, as coded.
    pub height: u16,
    /// Thousandths of a picture per second, on average.
    pub frame_rate_millihertz: u32,
}

/// How moving pictures are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoCodec {
    /// H.264, which is AVC.
    H264,
    /// H.265, which is HEVC.
    Hevc,
}

impl VideoCodec {
    /// The codec's public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::Hevc => "hevc",
        }
    }
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
    /// Opus.
    Opus,
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
            Self::Opus => "opus",
        }
    }
}

/// Why a file cannot be the audio or video of an episode. Shown as one plain sentence, or two, that say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// No bytes.
    #[error("The file is empty. Export it again and upload the new file.")]
    EmptyFile,
    /// Text, a picture, an archive, noise.
    #[error(
        "The file is neither audio nor video. Upload an MP3, M4A, MP4, WAV, FLAC, Opus or Ogg Vorbis file."
    )]
    NotAudio,
    /// Sound or video in a container that is not taken.
    #[error(
        "The file is in a format that podcast apps do not all play. Export it as MP3, M4A, MP4, WAV, FLAC, Opus or Ogg Vorbis."
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
    /// Moving pictures, coded in a way that is not taken.
    #[error(
        "The file is a video that podcast apps do not all play. Export it as MP4 with H.264 and AAC, or its sound alone as MP3."
    )]
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
/// [`ProbeError::Refused`] when it is not audio or video that an episode can have, [`ProbeError::Unreadable`] when the disk
/// fails.
pub fn probe(file: File) -> Result<Probed, ProbeError> {
    walk(file, None)
}

/// Walks through `file` and hands the packets of its sound to `ear`, in their order.
pub(crate) fn walk(file: File, ear: Option<&mut dyn Ear>) -> Result<Probed, ProbeError> {
    let mut source = Source::new(file)?;
    if source.len() == 0 {
        return Err(Refusal::EmptyFile.into());
    }

    let (container, start) = sniff::sniff(&mut source)?;
    let sound = match container {
        Container::Mpeg => mp3::walk(&mut source, start, ear)?,
        Container::Mp4 => mp4::walk(&mut source, start, ear)?,
        Container::Wave => wav::walk(&mut source, start, ear)?,
        Container::Flac => flac::walk(source, start, ear)?,
        Container::Ogg => ogg::walk(&mut source, start, ear)?,
    };

    Ok(sound.probed()?)
}

/// What a walk through a container adds up to.
#[derive(Debug)]
struct Sound {
    format: MediaFormat,
    codec: Codec,
    /// Units of time, [`Sound::ticks_per_second`] to the second.
    ticks: u64,
    ticks_per_second: u32,
    /// Bytes of coded sound.
    bytes: u64,
    channels: u32,
    sample_rate_hz: u32,
    film: Option<Film>,
}

/// Moving pictures, and how long they and the sound play together.
#[derive(Debug)]
struct Film {
    video: Video,
    duration: Duration,
}

impl Sound {
    fn probed(self) -> Result<Probed, Refusal> {
        if !(8_000..=384_000).contains(&self.sample_rate_hz) || !(1..=8).contains(&self.channels) {
            return Err(Refusal::Damaged);
        }
        let sound_duration =
            duration(self.ticks, self.ticks_per_second)?.filter(|duration| !duration.is_zero());
        let sound_duration = sound_duration.ok_or(Refusal::TooShort)?;
        let duration = self.film.as_ref().map_or(sound_duration, |film| film.duration);
        if duration < SHORTEST {
            return Err(Refusal::TooShort);
        }

        let bit_rate = u128::from(self.bytes) * 8 * 1_000_000_000 / sound_duration.as_nanos();
        Ok(Probed {
            format: self.format,
            codec: self.codec,
            duration,
            bit_rate: u32::try_from(bit_rate).map_err(|_| Refusal::Damaged)?,
            channels: u8::try_from(self.channels).map_err(|_| Refusal::Damaged)?,
            sample_rate_hz: self.sample_rate_hz,
            video: self.film.map(|film| film.video),
        })
    }
}

/// Nothing when there is no clock to measure `ticks` with.
fn duration(ticks: u64, ticks_per_second: u32) -> Result<Option<Duration>, Refusal> {
    let nanoseconds = (u128::from(ticks) * 1_000_000_000).checked_div(u128::from(ticks_per_second));
    let Some(nanoseconds) = nanoseconds else { return Ok(None) };
    Ok(Some(Duration::from_nanos(u64::try_from(nanoseconds).map_err(|_| Refusal::Damaged)?)))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use super::*;

    pub(crate) const CONSTANT_RATE_MP3: &[u8] =
        include_bytes!("../../../tests/fixtures/audio/constant_rate.mp3");
    pub(crate) const VARIABLE_RATE_MP3: &[u8] =
        include_bytes!("../../../tests/fixtures/audio/variable_rate_without_header.mp3");
    pub(crate) const AAC_M4A: &[u8] = include_bytes!("../../../tests/fixtures/audio/aac.m4a");
    pub(crate) const FRAGMENTED_M4A: &[u8] = include_bytes!("../../../tests/fixtures/audio/fragmented.m4a");
    pub(crate) const PCM_WAV: &[u8] = include_bytes!("../../../tests/fixtures/audio/pcm.wav");
    pub(crate) const FLAC: &[u8] = include_bytes!("../../../tests/fixtures/audio/flac.flac");
    pub(crate) const VORBIS_OGG: &[u8] = include_bytes!("../../../tests/fixtures/audio/vorbis.ogg");
    pub(crate) const OPUS_OGG: &[u8] = include_bytes!("../../../tests/fixtures/audio/opus.ogg");

    const AUDIO: [&[u8]; 7] =
        [CONSTANT_RATE_MP3, VARIABLE_RATE_MP3, AAC_M4A, PCM_WAV, FLAC, VORBIS_OGG, OPUS_OGG];

    /// Probes a file of these bytes.
    pub(crate) fn probe_bytes(bytes: &[u8]) -> Result<Probed, Refusal> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        match probe(file) {
            Ok(probed) => Ok(probed),
            Err(ProbeError::Refused(refusal)) => Err(refusal),
            Err(ProbeError::Unreadable(error)) => panic!("{error}"),
        }
    }

    /// `bytes` with every `from` made `to`.
    pub(crate) fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
        assert_eq!(from.len(), to.len());
        let mut bytes = bytes.to_vec();
        let found: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
        assert!(!found.is_empty());
        for at in found {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
        bytes
    }

    /// Bytes that look random, the same in every run (xorshift64).
    pub(crate) fn noise(seed: u64) -> impl Iterator<Item = u8> {
        let mut state = seed | 1;
        std::iter::repeat_with(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
    }

    /// Durations are those that ffprobe 5.1 prints; of the MP3 without a header, the sum of its packets, and of Opus what is
    /// left of ffprobe's without the pre-skip.
    #[test]
    fn audio_is_recognised_and_measured() {
        let known = [
            (CONSTANT_RATE_MP3, MediaFormat::Mp3, Codec::Mp3, 2_088, 16_000, 32_000),
            (VARIABLE_RATE_MP3, MediaFormat::Mp3, Codec::Mp3, 2_088, 16_000, 50_758),
            (AAC_M4A, MediaFormat::M4a, Codec::Aac, 2_000, 16_000, 27_080),
            (PCM_WAV, MediaFormat::Wav, Codec::Pcm, 2_000, 8_000, 128_000),
            (FLAC, MediaFormat::Flac, Codec::Flac, 2_000, 8_000, 62_808),
            (VORBIS_OGG, MediaFormat::OggVorbis, Codec::Vorbis, 2_000, 16_000, 19_808),
            (OPUS_OGG, MediaFormat::OggOpus, Codec::Opus, 2_000, 48_000, 13_168),
        ];
        for (bytes, format, codec, milliseconds, sample_rate_hz, bit_rate) in known {
            let duration = Duration::from_millis(milliseconds);
            let expected =
                Probed { format, codec, duration, bit_rate, channels: 1, sample_rate_hz, video: None };
            assert_eq!(probe_bytes(bytes), Ok(expected));
        }
    }

    #[test]
    fn what_is_not_audio_is_refused() {
        let cases: [(&[u8], Refusal); 12] = [
            (b"", Refusal::EmptyFile),
            (b"\0", Refusal::NotAudio),
            (b"An MP3, or so its name says.\n", Refusal::NotAudio),
            (b"<!DOCTYPE html>\n<title>404</title>\n", Refusal::NotAudio),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x05x\0\0\x05x\x08\x02", Refusal::NotAudio),
            (b"PK\x03\x04\x0a\0\0\0\0\0", Refusal::NotAudio),
            (b"%PDF-1.7\n", Refusal::NotAudio),
            (b"\x7fELF\x02\x01\x01", Refusal::NotAudio),
            (b"ID3\x04\0\0\0\0\0\x02\0\0", Refusal::Truncated),
            (b"FORM\0\0\0\x2eAIFF", Refusal::UnsupportedFormat),
            (b"RIFF\x24\0\0\0AVI LIST", Refusal::UnsupportedFormat),
            (b"\x1a\x45\xdf\xa3\x01", Refusal::UnsupportedFormat),
        ];
        for (bytes, refusal) in cases {
            assert_eq!(probe_bytes(bytes), Err(refusal), "{:?}", bytes.get(..16).unwrap_or(bytes));
        }
    }

    #[test]
    fn noise_is_not_audio() {
        for seed in 1..=20 {
            let bytes: Vec<u8> = noise(seed << 20).take(200_000).collect();
            assert_eq!(probe_bytes(&bytes), Err(Refusal::NotAudio), "seed {seed}");
        }
    }

    #[test]
    fn an_archive_of_audio_is_not_audio() {
        let mut tar = vec![0; 512];
        tar[..8].copy_from_slice(b"tide.mp3");
        tar[257..262].copy_from_slice(b"ustar");
        let zip = b"PK\x03\x04\x0a\0\0\0\0\0".as_slice();

        assert_eq!(probe_bytes(&[&tar, CONSTANT_RATE_MP3].concat()), Err(Refusal::NotAudio));
        assert_eq!(probe_bytes(&[zip, CONSTANT_RATE_MP3].concat()), Err(Refusal::NotAudio));
    }

    #[test]
    fn id3_tags_may_come_before_any_format() {
        let tag = b"ID3\x04\0\x10\0\0\0\x03abc3DI\x04\0\x10\0\0\0\x03";
        for bytes in AUDIO {
            assert_eq!(probe_bytes(&[tag, tag, bytes].concat()).unwrap(), probe_bytes(bytes).unwrap());
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_refused_or_plays_shorter() {
        for whole in AUDIO {
            let duration = probe_bytes(whole).unwrap().duration;
            for cut in (0..whole.len()).step_by(101) {
                match probe_bytes(&whole[..cut]) {
                    Ok(probed) => {
                        assert_eq!(probed.format, MediaFormat::Mp3, "only MP3 has no end of its own");
                        assert!(probed.duration <= duration);
                    }
                    Err(refusal) => assert_ne!(refusal, Refusal::Encrypted),
                }
            }
        }
    }

    #[test]
    fn a_damaged_file_gets_an_answer() {
        for whole in AUDIO {
            for seed in 1..=400 {
                let mut noise = noise(seed << 16);
                let mut bytes = whole.to_vec();
                for _ in 0..1 + seed % 4 {
                    // Headers and indexes are where the lies are: the first and last kilobyte.
                    let at = usize::from(noise.next().unwrap()) << 2 | usize::from(noise.next().unwrap()) & 3;
                    let at = if noise.next().unwrap() & 1 == 0 { at } else { bytes.len() - 1 - at };
                    bytes[at] =
                        [noise.next().unwrap(), 0, 0x7f, 0xff][usize::from(noise.next().unwrap()) & 3];
                }
                if let Ok(probed) = probe_bytes(&bytes) {
                    assert!(probed.duration < Duration::from_secs(60), "{probed:?}");
                }
            }
        }
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        use Refusal::*;
        for refusal in [
            EmptyFile,
            NotAudio,
            UnsupportedFormat,
            UnsupportedCodec,
            Fragmented,
            Video,
            NoAudioTrack,
            SeveralTracks,
            Encrypted,
            Truncated,
            Damaged,
            TooShort,
        ] {
            let sentence = refusal.to_string();
            assert!(sentence.contains("Export") || sentence.contains("Upload"), "{sentence}");
        }
    }
}
