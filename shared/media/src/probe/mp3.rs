//! MPEG audio layer III: a chain of frames, each saying how long it is (ISO/IEC 11172-3, 2.4.2.3; 13818-3 for low rates).

use domain::MediaFormat;

use super::{Codec, Coding, Ear, ProbeError, Refusal, Sound, sniff::id3v2_len, source::Source};

/// Frames that must follow one another before bytes count as MP3: one header in some thousand random bytes looks right.
const FRAMES_TO_BELIEVE: usize = 4;

/// How far into the file the first frame may start: a recording cut from a stream starts inside a frame.
const MOST_LEADING_JUNK: u64 = 4 * 1024;

/// How many zeros may come before: some programs leave room after a tag without saying so.
const MOST_LEADING_ZEROS: u64 = 1024 * 1024;

/// Bytes between frames that are searched through before they must be outweighed by frames.
const JUNK_ALLOWANCE: u64 = 1024 * 1024;

pub(super) fn walk(
    source: &mut Source,
    start: u64,
    mut ear: Option<&mut dyn Ear>,
) -> Result<Sound, ProbeError> {
    let (mut position, first) = find_first_frame(source, start)?.ok_or(Refusal::NotAudio)?;
    let mut frames = 0;
    let mut bytes = 0;
    let mut junk = 0;
    let promised = promised_frames(source, position, &first)?;
    if promised.is_some() {
        position += first.len;
    }
    if let Some(ear) = &mut ear {
        ear.begin(Coding::Mp3, 0);
    }

    while position < source.len() {
        if let Some(frame) = frame_at(source, position)?.filter(|frame| frame.continues(&first)) {
            if position + frame.len > source.len() {
                break;
            }
            if let Some(ear) = &mut ear {
                ear.hear(source.bytes(position, usize::try_from(frame.len).unwrap_or(0))?);
            }
            frames += 1;
            bytes += frame.len;
            position += frame.len;
        } else if let Some(len) = tag_len(source, position)? {
            position += len;
        } else {
            let next = find_next_frame(source, position + 1, &first, bytes + JUNK_ALLOWANCE)?;
            junk += next - position;
            position = next;
        }
    }

    if junk > bytes {
        return Err(Refusal::Damaged.into());
    }
    if promised.is_some_and(|promised| frames + 1 < promised - promised / 100) {
        return Err(Refusal::Truncated.into());
    }
    Ok(Sound {
        format: MediaFormat::Mp3,
        codec: Codec::Mp3,
        ticks: frames * u64::from(first.samples),
        ticks_per_second: first.sample_rate_hz,
        bytes,
        channels: first.channels,
        sample_rate_hz: first.sample_rate_hz,
        film: None,
    })
}

/// A frame's header, understood.
struct Frame {
    version: Version,
    len: u64,
    samples: u32,
    channels: u32,
    sample_rate_hz: u32,
}

#[derive(PartialEq)]
enum Version {
    Mpeg1,
    Mpeg2,
    Mpeg25,
}

impl Frame {
    /// Nothing for what is not a layer III header, or has no length in it (the "free" bit rate).
    fn parse([sync, version, rates, mode]: [u8; 4]) -> Option<Self> {
        const HIGH_KILOBITS: [u32; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
        const LOW_KILOBITS: [u32; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

        if sync != 0xff || version & 0xe6 != 0xe2 {
            return None;
        }
        let version = match version >> 3 & 3 {
            3 => Version::Mpeg1,
            2 => Version::Mpeg2,
            0 => Version::Mpeg25,
            _ => return None,
        };
        let (kilobits, bytes_per_kilobit, samples, rate_divisor) = match version {
            Version::Mpeg1 => (HIGH_KILOBITS, 144_000, 1152, 1),
            Version::Mpeg2 => (LOW_KILOBITS, 72_000, 576, 2),
            Version::Mpeg25 => (LOW_KILOBITS, 72_000, 576, 4),
        };
        let kilobits = *kilobits.get(usize::from(rates >> 4).checked_sub(1)?)?;
        let sample_rate_hz = [44_100, 48_000, 32_000].get(usize::from(rates >> 2 & 3))? / rate_divisor;
        let padding = u32::from(rates >> 1 & 1);

        Some(Self {
            version,
            len: u64::from(bytes_per_kilobit * kilobits / sample_rate_hz + padding),
            samples,
            channels: if mode >> 6 == 3 { 1 } else { 2 },
            sample_rate_hz,
        })
    }

    /// Whether both can be of one recording. Mono and stereo frames may alternate.
    fn continues(&self, other: &Self) -> bool {
        self.version == other.version && self.sample_rate_hz == other.sample_rate_hz
    }
}

fn frame_at(source: &mut Source, position: u64) -> Result<Option<Frame>, ProbeError> {
    Ok(source.find(position)?.and_then(Frame::parse))
}

fn find_first_frame(source: &mut Source, start: u64) -> Result<Option<(u64, Frame)>, ProbeError> {
    let mut junk = 0;
    for position in start..source.len().min(start + MOST_LEADING_ZEROS) {
        if let Some(frame) = frame_at(source, position)?
            && is_believable(source, position, &frame)?
        {
            return Ok(Some((position, frame)));
        }
        if source.bytes(position, 1)? != [0] {
            junk += 1;
        }
        if junk > MOST_LEADING_JUNK {
            break;
        }
    }
    Ok(None)
}

/// Whether enough frames follow `first`, or frames and tags up to the very end of a file with fewer.
fn is_believable(source: &mut Source, mut position: u64, first: &Frame) -> Result<bool, ProbeError> {
    for _ in 0..FRAMES_TO_BELIEVE {
        match frame_at(source, position)?.filter(|frame| frame.continues(first)) {
            Some(frame) => position += frame.len,
            None => return Ok(position == source.len() || tag_len(source, position)?.is_some()),
        }
    }
    Ok(position <= source.len())
}

/// Where the next frame that has a successor starts, or where the file ends.
fn find_next_frame(source: &mut Source, start: u64, like: &Frame, most_junk: u64) -> Result<u64, ProbeError> {
    for position in start..source.len() {
        if position - start > most_junk {
            return Err(Refusal::Damaged.into());
        }
        if let Some(frame) = frame_at(source, position)?.filter(|frame| frame.continues(like)) {
            let next = position + frame.len;
            if next == source.len() || frame_at(source, next)?.is_some_and(|next| next.continues(like)) {
                return Ok(position);
            }
        }
    }
    Ok(source.len())
}

/// How long the tag at `position` is, if there is one: ID3v1, ID3v2 (files joined end to end), APE.
fn tag_len(source: &mut Source, position: u64) -> Result<Option<u64>, ProbeError> {
    if let Some(len) = id3v2_len(source, position)? {
        return Ok(Some(len));
    }
    if position + 128 == source.len() && source.find(position)? == Some(*b"TAG") {
        return Ok(Some(128));
    }
    Ok(match source.find::<16>(position)? {
        Some([b'A', b'P', b'E', b'T', b'A', b'G', b'E', b'X', _, _, _, _, a, b, c, d]) => {
            Some(32 + u64::from(u32::from_le_bytes([a, b, c, d])))
        }
        _ => None,
    })
}

/// How many frames the first one promises, when it is a header of the kind that encoders write (Xing, Info, VBRI) and no
/// sound. Zero when it does not say.
fn promised_frames(source: &mut Source, position: u64, first: &Frame) -> Result<Option<u64>, ProbeError> {
    let xing = match (&first.version, first.channels) {
        (Version::Mpeg1, 2) => 36,
        (Version::Mpeg1, _) | (_, 2) => 21,
        _ => 13,
    };
    if let Some([b'X', b'i', b'n', b'g', flags @ ..] | [b'I', b'n', b'f', b'o', flags @ ..]) =
        source.find::<8>(position + xing)?
    {
        let says_frames = u32::from_be_bytes(flags) & 1 != 0;
        let frames = source.find(position + xing + 8)?.map_or(0, u32::from_be_bytes);
        return Ok(Some(if says_frames { frames.into() } else { 0 }));
    }
    Ok(match source.find::<18>(position + 36)? {
        Some([b'V', b'B', b'R', b'I', .., a, b, c, d]) => Some(u32::from_be_bytes([a, b, c, d]).into()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::probe::tests::{CONSTANT_RATE_MP3, VARIABLE_RATE_MP3, noise, probe_bytes};

    /// MPEG-1, 64 kbit/s, 48 kHz, mono: 192 bytes, 24 ms.
    const FRAME: [u8; 4] = [0xff, 0xfb, 0x54, 0xc4];
    const FRAME_LEN: usize = 192;

    fn frames(count: usize) -> Vec<u8> {
        let mut frame = [0; FRAME_LEN];
        frame[..4].copy_from_slice(&FRAME);
        frame.repeat(count)
    }

    /// A first frame of no sound that promises `count` more.
    fn promise(count: u32) -> Vec<u8> {
        let mut frame = frames(1);
        frame[21..33].copy_from_slice(&[b"Info\0\0\0\x01", count.to_be_bytes().as_slice()].concat());
        frame
    }

    fn id3v2(body: usize) -> Vec<u8> {
        let size = [21, 14, 7, 0].map(|shift| (body >> shift & 0x7f) as u8);
        [b"ID3\x03\0\0", size.as_slice(), &vec![b'x'; body]].concat()
    }

    fn milliseconds(bytes: &[u8]) -> Result<u128, Refusal> {
        Ok(probe_bytes(bytes)?.duration.as_millis())
    }

    #[test]
    fn frames_are_counted() {
        let probed = probe_bytes(&frames(100)).unwrap();
        assert_eq!((probed.duration, probed.bit_rate), (Duration::from_millis(2_400), 64_000));
        assert_eq!((probed.channels, probed.sample_rate_hz), (1, 48_000));
    }

    #[test]
    fn every_version_has_its_own_lengths() {
        let known = [
            ([0xff, 0xfb, 0x90, 0x00], 417, 1152, 44_100, 2),
            ([0xff, 0xfa, 0x92, 0xc0], 418, 1152, 44_100, 1),
            ([0xff, 0xfb, 0xe8, 0x40], 1440, 1152, 32_000, 2),
            ([0xff, 0xf3, 0x84, 0xc0], 192, 576, 24_000, 1),
            ([0xff, 0xe3, 0x18, 0x00], 72, 576, 8_000, 2),
        ];
        for (header, len, samples, sample_rate_hz, channels) in known {
            let frame = Frame::parse(header).unwrap();
            assert_eq!((frame.len, frame.samples), (len, samples), "{header:x?}");
            assert_eq!((frame.sample_rate_hz, frame.channels), (sample_rate_hz, channels), "{header:x?}");
        }
    }

    #[test]
    fn headers_that_say_nothing_possible_are_not_headers() {
        let version = [0xff, 0xeb, 0x54, 0xc4];
        let layer = [0xff, 0xfd, 0x54, 0xc4];
        let free_bit_rate = [0xff, 0xfb, 0x04, 0xc4];
        let bit_rate = [0xff, 0xfb, 0xf4, 0xc4];
        let zero_hertz = [0xff, 0xfb, 0x5c, 0xc4];
        for header in [version, layer, free_bit_rate, bit_rate, zero_hertz, [0; 4], [0xff; 4]] {
            assert!(Frame::parse(header).is_none(), "{header:x?}");
        }
    }

    #[test]
    fn one_frame_is_too_short() {
        assert_eq!(milliseconds(&frames(1)), Err(Refusal::TooShort));
        assert_eq!(milliseconds(&frames(41)), Err(Refusal::TooShort));
        assert_eq!(milliseconds(&frames(42)), Ok(1_008));
    }

    #[test]
    fn a_header_in_the_midst_of_something_else_is_not_audio() {
        let mut text = b"All work and no play. ".repeat(1_000);
        text[1_000..1_004].copy_from_slice(&FRAME);
        assert_eq!(milliseconds(&text), Err(Refusal::NotAudio));

        text[1_000 + FRAME_LEN..1_004 + FRAME_LEN].copy_from_slice(&FRAME);
        assert_eq!(milliseconds(&text), Err(Refusal::NotAudio));
    }

    #[test]
    fn a_few_frames_do_not_make_text_audio() {
        let text = b"All work and no play. ".repeat(1_000);
        assert_eq!(milliseconds(&[frames(50), text].concat()), Err(Refusal::Damaged));
    }

    #[test]
    fn garbage_between_frames_is_not_counted() {
        let garbage: Vec<u8> = noise(7).take(5_000).collect();
        assert_eq!(milliseconds(&[frames(50), garbage, frames(50)].concat()), Ok(2_400));
    }

    #[test]
    fn a_recording_may_start_inside_a_frame() {
        assert_eq!(milliseconds(&[&frames(1)[100..], &frames(100)].concat()), Ok(2_400));
    }

    #[test]
    fn frames_behind_too_much_else_are_not_looked_for() {
        let junk = vec![b'x'; 5_000];
        assert_eq!(milliseconds(&[junk, frames(100)].concat()), Err(Refusal::NotAudio));
    }

    #[test]
    fn tags_are_not_counted() {
        let id3v1 = [b"TAG".as_slice(), &[0; 125]].concat();
        let ape = [b"APETAGEX\xd0\x07\0\0\x0a\0\0\0".as_slice(), &[0; 26]].concat();
        let padding = vec![0; 3_000];
        let bytes = [id3v2(30 << 20), padding, frames(50), id3v2(9_000), frames(50), ape, id3v1].concat();

        let probed = probe_bytes(&bytes).unwrap();

        assert_eq!((probed.duration, probed.bit_rate), (Duration::from_millis(2_400), 64_000));
    }

    #[test]
    fn a_header_frame_is_no_sound() {
        assert_eq!(milliseconds(&[promise(100), frames(100)].concat()), Ok(2_400));
    }

    #[test]
    fn fewer_frames_than_promised_is_truncated() {
        assert_eq!(milliseconds(&[promise(200), frames(197)].concat()), Ok(4_728));
        assert_eq!(milliseconds(&[promise(200), frames(196)].concat()), Err(Refusal::Truncated));
        assert_eq!(milliseconds(&[promise(u32::MAX), frames(200)].concat()), Err(Refusal::Truncated));
    }

    #[test]
    fn more_frames_than_promised_all_count() {
        assert_eq!(milliseconds(&[promise(2), frames(100)].concat()), Ok(2_400));
    }

    #[test]
    fn real_files_joined_end_to_end_play_one_after_the_other() {
        let joined = [VARIABLE_RATE_MP3, VARIABLE_RATE_MP3].concat();
        assert_eq!(milliseconds(&joined), Ok(2 * 2_088));

        // The second one's header frame is silence now: 36 ms.
        let joined = [CONSTANT_RATE_MP3, CONSTANT_RATE_MP3].concat();
        assert_eq!(milliseconds(&joined), Ok(2 * 2_088 + 36));
    }
}
