//! WAVE, also beyond 4 GB (RF64, EBU Tech 3306): chunks in a row, one of which is the samples.

use super::{Codec, ProbeError, Refusal, Sound, source::Source};

/// What a size field says when the real size is elsewhere, or was not known when it was written.
const UNKNOWN: u32 = u32::MAX;

pub(super) fn walk(source: &mut Source, start: u64) -> Result<Sound, ProbeError> {
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
                return if len > there { Err(Refusal::Truncated.into()) } else { Ok(format.sound(len)) };
            }
            _ => {}
        }
        position = body + u64::from(size) + u64::from(size % 2);
    }
    Err(if position > source.len() { Refusal::Truncated } else { Refusal::NoAudioTrack }.into())
}

struct Format {
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

        match (codec, bits) {
            (PCM, 8 | 16 | 24 | 32) | (FLOAT, 32 | 64) => {}
            _ => return Err(Refusal::UnsupportedCodec.into()),
        }
        if channels == 0 || u32::from(bytes_per_frame) != u32::from(channels) * u32::from(bits / 8) {
            return Err(Refusal::Damaged.into());
        }
        Ok(Self { channels: channels.into(), sample_rate_hz, bytes_per_frame: bytes_per_frame.into() })
    }

    fn sound(self, len: u64) -> Sound {
        let frames = len / u64::from(self.bytes_per_frame);
        Sound {
            codec: Codec::Pcm,
            ticks: frames,
            ticks_per_second: self.sample_rate_hz,
            bytes: frames * u64::from(self.bytes_per_frame),
            channels: self.channels,
            sample_rate_hz: self.sample_rate_hz,
        }
    }
}
