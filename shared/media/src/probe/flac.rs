//! FLAC: a description of the stream, then frames found by their checksums (RFC 9639).

use std::io::{Cursor, ErrorKind, Read};

use domain::MediaFormat;
use symphonia::{
    core::{
        errors::Error,
        formats::{FormatOptions, FormatReader},
        io::{MediaSourceStream, ReadOnlySource},
    },
    default::formats::FlacReader,
};

use super::{Codec, Coding, Ear, ProbeError, Refusal, Sound, source::Source};

pub(super) fn walk(
    mut source: Source,
    start: u64,
    mut ear: Option<&mut dyn Ear>,
) -> Result<Sound, ProbeError> {
    let info = StreamInfo::read(&mut source, start)?;
    let frames_start = skip_metadata(&mut source, start + 4)?;
    let frames_len = source.len() - frames_start;

    // The demuxer keeps all metadata in memory, so it is shown none but the stream's description.
    let head = [&b"fLaC\x80\0\0\x22"[..], &info.block].concat();
    let stream = Cursor::new(head).chain(source.into_file_at(frames_start)?);
    let stream = MediaSourceStream::new(Box::new(ReadOnlySource::new(stream)), Default::default());
    let mut reader = FlacReader::try_new(stream, FormatOptions::default()).map_err(refusal)?;
    if let Some(ear) = &mut ear {
        ear.begin(Coding::Flac { description: info.block }, 0);
    }
    let mut samples = 0;
    let mut bytes = 0;
    while let Some(packet) = reader.next_packet().map_err(refusal)? {
        samples += packet.dur.get();
        bytes += packet.data.len() as u64;
        if let Some(ear) = &mut ear {
            ear.hear(&packet.data);
        }
    }

    if samples < info.samples.saturating_sub(info.samples_per_frame.into()) {
        return Err(Refusal::Truncated.into());
    }
    if bytes < frames_len / 2 {
        return Err(Refusal::Damaged.into());
    }
    Ok(Sound {
        format: MediaFormat::Flac,
        codec: Codec::Flac,
        ticks: samples,
        ticks_per_second: info.sample_rate_hz,
        bytes,
        channels: info.channels,
        sample_rate_hz: info.sample_rate_hz,
        film: None,
    })
}

/// The STREAMINFO block (8.2).
struct StreamInfo {
    block: [u8; 34],
    samples_per_frame: u16,
    sample_rate_hz: u32,
    channels: u32,
    /// Zero when the encoder did not know.
    samples: u64,
}

impl StreamInfo {
    fn read(source: &mut Source, start: u64) -> Result<Self, ProbeError> {
        let [kind, 0, 0, 34] = source.array(start + 4)? else { return Err(Refusal::Damaged.into()) };
        if kind & 0x7f != 0 {
            return Err(Refusal::Damaged.into());
        }
        let [_, _, _, _, _, _, _, _, _, _, packed @ ..] = source.array::<18>(start + 8)?;
        let packed = u64::from_be_bytes(packed);
        Ok(Self {
            block: source.array(start + 8)?,
            samples_per_frame: u16::from_be_bytes(source.array(start + 10)?),
            sample_rate_hz: (packed >> 44) as u32,
            channels: (packed >> 41 & 7) as u32 + 1,
            samples: packed & 0xf_ffff_ffff,
        })
    }
}

/// Where the first frame starts.
fn skip_metadata(source: &mut Source, mut position: u64) -> Result<u64, ProbeError> {
    loop {
        let [kind, a, b, c] = source.array(position)?;
        position += 4 + u64::from(u32::from_be_bytes([0, a, b, c]));
        if position > source.len() {
            return Err(Refusal::Truncated.into());
        }
        if kind & 0x80 != 0 {
            return Ok(position);
        }
    }
}

fn refusal(error: Error) -> ProbeError {
    match error {
        Error::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => Refusal::Truncated.into(),
        Error::IoError(error) => error.into(),
        _ => Refusal::Damaged.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::tests::{FLAC, noise, probe_bytes};

    fn milliseconds(bytes: &[u8]) -> Result<u128, Refusal> {
        Ok(probe_bytes(bytes)?.duration.as_millis())
    }

    /// The fixture saying that it has so many samples.
    fn with_samples(samples: u32) -> Vec<u8> {
        let mut bytes = FLAC.to_vec();
        bytes[22..26].copy_from_slice(&samples.to_be_bytes());
        bytes
    }

    #[test]
    fn the_length_may_be_unknown() {
        assert_eq!(milliseconds(&with_samples(0)), Ok(2_000));
    }

    #[test]
    fn more_samples_declared_than_there_are_is_truncated() {
        assert_eq!(milliseconds(&with_samples(u32::MAX)), Err(Refusal::Truncated));
    }

    #[test]
    fn metadata_is_stepped_over() {
        let picture = [[6, 0xff, 0xff, 0xff].as_slice(), &vec![0; 0xff_ffff]].concat();
        let (description, rest) = FLAC.split_at(42);
        let bytes = [description, &picture, &picture, rest].concat();
        assert_eq!(milliseconds(&bytes), Ok(2_000));
    }

    #[test]
    fn metadata_without_end_is_truncated() {
        let (description, _) = FLAC.split_at(42);
        assert_eq!(milliseconds(description), Err(Refusal::Truncated));
        assert_eq!(milliseconds(&[description, &[6, 0xff, 0xff, 0xff, 0]].concat()), Err(Refusal::Truncated));
    }

    #[test]
    fn a_description_alone_does_not_make_noise_audio() {
        let head = &with_samples(0)[..42];
        let mut bytes: Vec<u8> = head.to_vec();
        bytes[4] |= 0x80;
        bytes.extend(noise(3).take(300_000));
        assert!(milliseconds(&bytes).is_err());
    }

    #[test]
    fn mostly_noise_is_damage() {
        let mut bytes = with_samples(0);
        bytes.extend(noise(5).take(60_000));
        assert_eq!(milliseconds(&bytes), Err(Refusal::Damaged));
    }

    #[test]
    fn the_description_comes_first() {
        let mut bytes = FLAC.to_vec();
        bytes[4] = 4;
        assert_eq!(milliseconds(&bytes), Err(Refusal::Damaged));
    }
}
