//! How the packets of a track are coded: `stsd`, `esds` (ISO/IEC 14496-14, 5.6) and AudioSpecificConfig (14496-3, 1.6.2.1).

use std::ops::Range;

use super::boxes::{Boxes, Mp4Box, find_child};
use crate::probe::{ProbeError, Refusal, VideoCodec, source::Source};

/// An `esds` is some forty bytes.
const LONGEST_ESDS: usize = 1024;

/// What is known of the sound before a packet is read.
pub(super) struct SampleDescription {
    pub(super) channels: u32,
    pub(super) sample_rate_hz: u32,
    /// As the track has it.
    pub(super) audio_config: Vec<u8>,
    pub(super) is_high_efficiency: bool,
}

impl SampleDescription {
    /// # Errors
    /// [`Refusal::UnsupportedCodec`] for anything but AAC, [`Refusal::Encrypted`] for protected AAC.
    pub(super) fn read(source: &mut Source, tables: Range<u64>) -> Result<Self, ProbeError> {
        let Mp4Box { kind, body } = first_entry(source, tables)?;
        match &kind {
            b"mp4a" => {}
            b"enca" | b"drms" => return Err(Refusal::Encrypted.into()),
            _ => return Err(Refusal::UnsupportedCodec.into()),
        }
        let channels = u16::from_be_bytes(source.array(body.start + 16)?);
        // QuickTime's versions 1 and 2 have more fields before the boxes.
        let children = match u16::from_be_bytes(source.array(body.start + 8)?) {
            0 => 28,
            1 => 44,
            _ => 64,
        };
        let children = body.start + children..body.end;
        if children.is_empty() {
            return Err(Refusal::Damaged.into());
        }
        let decoder = match find_child(source, children.clone(), *b"wave")? {
            Some(wave) => DecoderConfig::find(source, wave)?,
            None => DecoderConfig::find(source, children)?,
        };
        let config = decoder.audio_config()?;
        Ok(AudioConfig::read(config)?.description(config, channels.into())?)
    }
}

/// What is known of moving pictures before one is read.
pub(super) struct VideoDescription {
    pub(super) codec: VideoCodec,
    pub(super) width: u16,
    pub(super) height: u16,
}

impl VideoDescription {
    /// Nothing for pictures such as covers and chapters have, which make no film.
    ///
    /// # Errors
    /// [`Refusal::Video`] for anything but H.264 and HEVC, [`Refusal::Encrypted`] for what is protected.
    pub(super) fn read(source: &mut Source, tables: Range<u64>) -> Result<Option<Self>, ProbeError> {
        const MPEG4_JPEG: u8 = 0x6c;
        const MPEG4_PNG: u8 = 0x6d;

        let Mp4Box { kind, body } = first_entry(source, tables)?;
        let codec = match &kind {
            b"avc1" | b"avc3" => VideoCodec::H264,
            b"hvc1" | b"hev1" => VideoCodec::Hevc,
            b"jpeg" | b"mjpa" | b"png " => return Ok(None),
            b"mp4v" => {
                let children = (body.start + 78).min(body.end)..body.end;
                let decoder = DecoderConfig::find(source, children)?;
                let is_picture = matches!(decoder.object_type, MPEG4_JPEG | MPEG4_PNG);
                return if is_picture { Ok(None) } else { Err(Refusal::Video.into()) };
            }
            b"encv" | b"drmi" => return Err(Refusal::Encrypted.into()),
            _ => return Err(Refusal::Video.into()),
        };
        Ok(Some(Self {
            codec,
            width: u16::from_be_bytes(source.array(body.start + 24)?),
            height: u16::from_be_bytes(source.array(body.start + 26)?),
        }))
    }
}

fn first_entry(source: &mut Source, tables: Range<u64>) -> Result<Mp4Box, ProbeError> {
    let stsd = find_child(source, tables, *b"stsd")?.ok_or(Refusal::Damaged)?;
    let entries = (stsd.start + 8).min(stsd.end)..stsd.end;
    Ok(Boxes::new(entries).next(source)?.ok_or(Refusal::Damaged)?)
}

/// What the descriptors of an `esds` say of the decoder.
struct DecoderConfig<'a> {
    object_type: u8,
    specific: &'a [u8],
}

impl<'a> DecoderConfig<'a> {
    fn find(source: &'a mut Source, part: Range<u64>) -> Result<Self, ProbeError> {
        let esds = find_child(source, part, *b"esds")?.ok_or(Refusal::Damaged)?;
        let len = usize::try_from(esds.end - esds.start).unwrap_or(usize::MAX).min(LONGEST_ESDS);
        Ok(Self::read(source.bytes(esds.start + 4, len.saturating_sub(4))?)?)
    }

    fn read(esds: &'a [u8]) -> Result<Self, Refusal> {
        const ELEMENTARY_STREAM: u8 = 3;
        const DECODER_CONFIG: u8 = 4;

        let stream = descriptor(esds, ELEMENTARY_STREAM)?;
        let [_, _, flags, stream @ ..] = stream else { return Err(Refusal::Damaged) };
        let stream = if flags & 0x80 != 0 { stream.get(2..) } else { Some(stream) };
        let stream = stream.ok_or(Refusal::Damaged)?;
        // A description elsewhere (0x40) or on another clock (0x20) is for broadcasts.
        if flags & 0x60 != 0 {
            return Err(Refusal::UnsupportedCodec);
        }

        let decoder = descriptor(stream, DECODER_CONFIG)?;
        let Some(([object_type, ..], specific)) = decoder.split_first_chunk::<13>() else {
            return Err(Refusal::Damaged);
        };
        Ok(Self { object_type: *object_type, specific })
    }

    /// The AudioSpecificConfig.
    fn audio_config(&self) -> Result<&'a [u8], Refusal> {
        const DECODER_SPECIFIC: u8 = 5;
        const MPEG4_AUDIO: u8 = 0x40;

        if self.object_type != MPEG4_AUDIO {
            return Err(Refusal::UnsupportedCodec);
        }
        descriptor(self.specific, DECODER_SPECIFIC)
    }
}

/// The body of the descriptor that `bytes` start with, if its tag is the wanted one (14496-1, 8.3.3).
fn descriptor(bytes: &[u8], tag: u8) -> Result<&[u8], Refusal> {
    let mut rest = bytes.strip_prefix(&[tag]).ok_or(Refusal::Damaged)?;
    let mut len = 0;
    for _ in 0..4 {
        let (byte, after) = rest.split_first().ok_or(Refusal::Damaged)?;
        rest = after;
        len = len << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    rest.get(..len).ok_or(Refusal::Damaged)
}

struct AudioConfig {
    object_type: u32,
    sample_rate_hz: u32,
    /// Zero when it is told elsewhere.
    channel_configuration: u32,
}

const AAC_LC: u32 = 2;
/// Spectral band replication: HE-AAC.
const SBR: u32 = 5;
/// Parametric stereo: HE-AAC v2.
const PS: u32 = 29;

impl AudioConfig {
    fn read(config: &[u8]) -> Result<Self, Refusal> {
        let mut bits = Bits::new(config);
        let object_type = bits.object_type();
        let core_rate = bits.sample_rate()?;
        let channel_configuration = bits.take(4);
        let (object_type, sample_rate_hz) = match object_type {
            SBR | PS => (object_type, bits.sample_rate()?),
            AAC_LC => extension(bits)?.unwrap_or((AAC_LC, core_rate)),
            _ => (object_type, core_rate),
        };
        Ok(Self { object_type, sample_rate_hz, channel_configuration })
    }

    fn description(self, config: &[u8], declared_channels: u32) -> Result<SampleDescription, Refusal> {
        let channels = match (self.object_type, self.channel_configuration) {
            (PS, _) => 2,
            (AAC_LC | SBR, 0) => declared_channels,
            (AAC_LC | SBR, 7) => 8,
            (AAC_LC | SBR, channels @ 1..=6) => channels,
            _ => return Err(Refusal::UnsupportedCodec),
        };
        Ok(SampleDescription {
            channels,
            sample_rate_hz: self.sample_rate_hz,
            audio_config: config.to_vec(),
            is_high_efficiency: self.object_type != AAC_LC,
        })
    }
}

/// HE-AAC described so that a decoder that knows LC only can play half of it: what it is, and its rate.
fn extension(mut bits: Bits) -> Result<Option<(u32, u32)>, Refusal> {
    const REPLICATION: u32 = 0x2b7;
    const STEREO: u32 = 0x548;

    let _frame_length = bits.take(1);
    if bits.take(1) == 1 {
        let _core_coder_delay = bits.take(14);
    }
    let _is_extended = bits.take(1);
    if bits.take(11) != REPLICATION || bits.object_type() != SBR || bits.take(1) == 0 {
        return Ok(None);
    }
    let sample_rate_hz = bits.sample_rate()?;
    let is_stereo = bits.take(11) == STEREO && bits.take(1) == 1;
    Ok(Some((if is_stereo { PS } else { SBR }, sample_rate_hz)))
}

/// The first 128 bits of something, taken from the left; zeros after its end.
struct Bits(u128);

impl Bits {
    fn new(bytes: &[u8]) -> Self {
        let bytes = bytes.iter().chain(std::iter::repeat(&0)).take(16);
        Self(bytes.fold(0, |bits, byte| bits << 8 | u128::from(*byte)))
    }

    fn take(&mut self, count: u32) -> u32 {
        let taken = self.0 >> (128 - count);
        self.0 <<= count;
        taken as u32
    }

    fn object_type(&mut self) -> u32 {
        match self.take(5) {
            31 => 32 + self.take(6),
            object_type => object_type,
        }
    }

    fn sample_rate(&mut self) -> Result<u32, Refusal> {
        const RATES: [u32; 13] = [
            96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
            7_350,
        ];
        match self.take(4) {
            15 => Ok(self.take(24)),
            index => RATES.get(index as usize).copied().ok_or(Refusal::Damaged),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(config: &[u8]) -> Result<(u32, u32), Refusal> {
        let description = AudioConfig::read(config)?.description(config, 3)?;
        Ok((description.channels, description.sample_rate_hz))
    }

    #[test]
    fn the_profiles_that_apps_play_are_understood() {
        let low_complexity = [0x12, 0x10];
        let high_efficiency = [0x2b, 0x92, 0x08, 0x00];
        let high_efficiency_v2 = [0xeb, 0x8a, 0x08, 0x00];
        assert_eq!(read(&low_complexity), Ok((2, 44_100)));
        assert_eq!(read(&high_efficiency), Ok((2, 44_100)));
        assert_eq!(read(&high_efficiency_v2), Ok((2, 44_100)));
    }

    #[test]
    fn high_efficiency_may_be_an_extension_of_low_complexity() {
        let replicated = [0x13, 0x90, 0x56, 0xe5, 0xa0];
        let replicated_in_stereo = [0x13, 0x88, 0x56, 0xe5, 0xa5, 0x48, 0x80];
        let not_replicated = [0x13, 0x90, 0x56, 0xe5, 0x20];
        assert_eq!(read(&replicated), Ok((2, 44_100)));
        assert_eq!(read(&replicated_in_stereo), Ok((2, 44_100)));
        assert_eq!(read(&not_replicated), Ok((2, 22_050)));

        let is_high_efficiency =
            |config| AudioConfig::read(config).unwrap().description(config, 2).unwrap().is_high_efficiency;
        assert!(is_high_efficiency(&replicated));
        assert!(!is_high_efficiency(&not_replicated));
    }

    #[test]
    fn rates_and_channels_may_be_told_elsewhere() {
        let rate_in_full = [0x17, 0x80, 0x5d, 0xc0, 0x10];
        let channels_in_the_box = [0x12, 0x00];
        assert_eq!(read(&rate_in_full), Ok((2, 48_000)));
        assert_eq!(read(&channels_in_the_box), Ok((3, 44_100)));
    }

    #[test]
    fn other_profiles_are_not_taken() {
        let main = [0x0a, 0x10];
        let low_delay = [0xba, 0x10];
        let unified_speech_and_audio = [0xf9, 0x46, 0x40];
        for config in [main.as_slice(), &low_delay, &unified_speech_and_audio, &[]] {
            assert!(read(config).is_err(), "{config:x?}");
        }
    }

    #[test]
    fn descriptors_do_not_reach_beyond_what_holds_them() {
        assert_eq!(descriptor(&[3, 2, 7, 8, 9], 3), Ok([7, 8].as_slice()));
        assert_eq!(descriptor(&[3, 0x80, 0x80, 0x80, 1, 7], 3), Ok([7].as_slice()));
        for bytes in [[].as_slice(), &[3], &[4, 0], &[3, 3, 7, 8], &[3, 0xff, 0xff, 0xff, 0x7f, 0]] {
            assert_eq!(descriptor(bytes, 3), Err(Refusal::Damaged), "{bytes:x?}");
        }
    }
}
