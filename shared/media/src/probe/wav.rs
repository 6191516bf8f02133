//! WAVE, also beyond 4 GB (RF64, EBU Tech 3306): chunks in a row, one of which is the samples.

use domain::MediaFormat;

use super::{Codec, Coding, Ear, PcmSample, ProbeError, Refusal, Sound, source::Source};

/// What a size field says when the real size is elsewhere, or was not known when it was written.
const UNKNOWN: u32 = u32::MAX;

/// Samples are heard in pieces of at most so many bytes.
const PIECE: usize = 32 * 1024;

pub(super) fn walk(source: &mut Source, start: u64, ear: Option<&mut dyn Ear>) -> Result<Sound, ProbeError> {
    let mut format = None;
    let mut long_data_len = None;
    let mut position = start + 12;

    while let Some([a, b, c, d, size @ ..]) = source.find::<8>(position)? {
        let body = position + 8;
        let size = u32::from_le_bytes(size);
        match &[a, b, c, d] {
            b"ds64" => long_data_len = Some(u64::from_le_bytes(source.array(body + 8)?)),
            b"fmt " => format = Some(Format::read(source, body, size)?),
            b"data" => {
                let format = format.ok_or(Refusal::Damaged)?;
                let there = source.len() - body;
                let len = match (size, long_data_len) {
                    (UNKNOWN, Some(len)) => len,
                    (UNKNOWN, None) | (0, _) => there,
                    (len, _) => len.into(),
                };
                if len > there {
                    return Err(Refusal::Truncated.into());
                }
                if let Some(ear) = ear {
                    format.play(source, body, len, ear)?;
                }
                return Ok(format.sound(len));
            }
            _ => {}
        }
        position = body + u64::from(size) + u64::from(size % 2);
    }
    Err(if position > source.len() { Refusal::Truncated } else { Refusal::NoAudioTrack }.into())
}

struct Format {
    sample: PcmSample,
    channels: u32,
    sample_rate_hz: u32,
    bytes_per_frame: u32,
}

impl Format {
    fn read(source: &mut Source, position: u64, size: u32) -> Result<Self, ProbeError> {
        const PCM: u16 = 1;
        const FLOAT: u16 = 3;
        const EXTENSIBLE: u16 = 0xfffe;

        if size < 16 {
            return Err(Refusal::Damaged.into());
        }
        let mut codec = u16::from_le_bytes(source.array(position)?);
        let channels = u16::from_le_bytes(source.array(position + 2)?);
        let sample_rate_hz = u32::from_le_bytes(source.array(position + 4)?);
        let bytes_per_frame = u16::from_le_bytes(source.array(position + 12)?);
        let bits = u16::from_le_bytes(source.array(position + 14)?);
        if codec == EXTENSIBLE && size >= 40 {
            codec = u16::from_le_bytes(source.array(position + 24)?);
        }

        let sample = match (codec, bits) {
            (PCM, 8) => PcmSample::Unsigned8,
            (PCM, 16) => PcmSample::Signed16,
            (PCM, 24) => PcmSample::Signed24,
            (PCM, 32) => PcmSample::Signed32,
            (FLOAT, 32) => PcmSample::Float32,
            (FLOAT, 64) => PcmSample::Float64,
            _ => return Err(Refusal::UnsupportedCodec.into()),
        };
        if channels == 0 || u32::from(bytes_per_frame) != u32::from(channels) * u32::from(bits / 8) {
            return Err(Refusal::Damaged.into());
        }
        Ok(Self {
            sample,
            channels: channels.into(),
            sample_rate_hz,
            bytes_per_frame: bytes_per_frame.into(),
        })
    }

    fn play(&self, source: &mut Source, start: u64, len: u64, ear: &mut dyn Ear) -> Result<(), ProbeError> {
        let (sample, sample_rate_hz) = (self.sample, self.sample_rate_hz);
        let channels = usize::try_from(self.channels).map_err(|_| Refusal::Damaged)?;
        ear.begin(Coding::Pcm { sample, channels, sample_rate_hz }, 0);

        let bytes_per_frame = sample.len() * channels;
        let piece_len = (PIECE / bytes_per_frame).max(1) * bytes_per_frame;
        let end = start + len;
        for position in (start..end).step_by(piece_len) {
            let rest = usize::try_from(end - position).unwrap_or(usize::MAX);
            ear.hear(source.bytes(position, piece_len.min(rest))?);
        }
        Ok(())
    }

    fn sound(self, len: u64) -> Sound {
        let frames = len / u64::from(self.bytes_per_frame);
        Sound {
            format: MediaFormat::Wav,
            codec: Codec::Pcm,
            ticks: frames,
            ticks_per_second: self.sample_rate_hz,
            bytes: frames * u64::from(self.bytes_per_frame),
            channels: self.channels,
            sample_rate_hz: self.sample_rate_hz,
            film: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::tests::probe_bytes;

    /// PCM, mono, 8 kHz, 16 bits.
    const FORMAT: [u8; 16] = [1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0, 16, 0];

    fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let size = body.len() as u32;
        [kind.as_slice(), &size.to_le_bytes(), body, &vec![0; body.len() % 2]].concat()
    }

    fn wave(chunks: &[Vec<u8>]) -> Vec<u8> {
        [b"RIFF\xff\xff\xff\xffWAVE".as_slice(), &chunks.concat()].concat()
    }

    fn with_format(format: &[u8]) -> Result<u128, Refusal> {
        milliseconds(&wave(&[chunk(b"fmt ", format), chunk(b"data", &[0; 32_000])]))
    }

    fn with_declared_size(size: u32) -> Result<u128, Refusal> {
        let mut bytes = wave(&[chunk(b"fmt ", &FORMAT), chunk(b"data", &[0; 32_000])]);
        bytes[40..44].copy_from_slice(&size.to_le_bytes());
        milliseconds(&bytes)
    }

    fn milliseconds(bytes: &[u8]) -> Result<u128, Refusal> {
        Ok(probe_bytes(bytes)?.duration.as_millis())
    }

    #[test]
    fn samples_are_counted() {
        assert_eq!(with_format(&FORMAT), Ok(2_000));
    }

    #[test]
    fn other_chunks_are_stepped_over() {
        let bytes = wave(&[
            chunk(b"bext", &[0; 603]),
            chunk(b"fmt ", &FORMAT),
            chunk(b"LIST", b"INFO"),
            chunk(b"data", &[0; 32_000]),
            chunk(b"id3 ", &[0; 5_000]),
        ]);
        assert_eq!(milliseconds(&bytes), Ok(2_000));
    }

    #[test]
    fn a_size_that_was_not_known_means_all_that_is_there() {
        assert_eq!(with_declared_size(u32::MAX), Ok(2_000));
        assert_eq!(with_declared_size(0), Ok(2_000));
        assert_eq!(with_declared_size(16_000), Ok(1_000));
    }

    #[test]
    fn more_samples_declared_than_there_are_is_truncated() {
        assert_eq!(with_declared_size(32_001), Err(Refusal::Truncated));
        assert_eq!(with_declared_size(u32::MAX - 1), Err(Refusal::Truncated));
    }

    #[test]
    fn sizes_beyond_four_gigabytes_are_in_a_chunk_of_their_own() {
        let sizes = |data: u64| chunk(b"ds64", &[&[0; 8], data.to_le_bytes().as_slice(), &[0; 12]].concat());
        let mut data = chunk(b"data", &[0; 32_000]);
        data[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        let rf64 = |data_len| {
            let mut bytes = wave(&[sizes(data_len), chunk(b"fmt ", &FORMAT), data.clone()]);
            bytes[..4].copy_from_slice(b"RF64");
            milliseconds(&bytes)
        };

        assert_eq!(rf64(16_000), Ok(1_000));
        assert_eq!(rf64(u64::MAX), Err(Refusal::Truncated));
    }

    #[test]
    fn a_format_that_cannot_be_is_damage() {
        let mut zero_hertz = FORMAT;
        zero_hertz[4..8].fill(0);
        let mut no_channels = FORMAT;
        no_channels[2] = 0;
        let mut block_too_large = FORMAT;
        block_too_large[12] = 4;
        let mut most_of_everything = FORMAT;
        most_of_everything[2..14].fill(0xff);
        for format in [zero_hertz, no_channels, block_too_large, most_of_everything] {
            assert_eq!(with_format(&format), Err(Refusal::Damaged), "{format:x?}");
        }
        assert_eq!(with_format(&FORMAT[..15]), Err(Refusal::Damaged));
    }

    #[test]
    fn only_plain_samples_are_taken() {
        let mut adpcm = FORMAT;
        adpcm[0] = 2;
        assert_eq!(with_format(&adpcm), Err(Refusal::UnsupportedCodec));

        let extensible = |codec: u8| {
            let mut format = [0; 40];
            format[..16].copy_from_slice(&FORMAT);
            format[..2].copy_from_slice(&[0xfe, 0xff]);
            format[24] = codec;
            with_format(&format)
        };
        assert_eq!(extensible(1), Ok(2_000));
        assert_eq!(extensible(0x55), Err(Refusal::UnsupportedCodec));
    }

    #[test]
    fn chunks_without_samples_are_no_audio_track() {
        assert_eq!(milliseconds(&wave(&[chunk(b"fmt ", &FORMAT)])), Err(Refusal::NoAudioTrack));
        assert_eq!(milliseconds(&wave(&[chunk(b"data", &[0; 32_000])])), Err(Refusal::Damaged));
        assert_eq!(milliseconds(&wave(&[b"junk\xff\xff\xff\x7f".to_vec()])), Err(Refusal::Truncated));
    }
}
