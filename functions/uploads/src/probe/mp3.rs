//! MPEG audio layer III: a chain of frames, each saying how long it is (ISO/IEC 11172-3, 2.4.2.3; 13818-3 for low rates).

use super::{Codec, ProbeError, Refusal, Sound, sniff::id3v2_len, source::Source};

/// Frames that must follow one another before bytes count as MP3: one header in some thousand random bytes looks right.
const FRAMES_TO_BELIEVE: usize = 4;

/// How far into the file the first frame may start: a recording cut from a stream starts inside a frame.
const MOST_LEADING_JUNK: u64 = 4 * 1024;

/// How many zeros may come before: some programs leave room after a tag without saying so.
const MOST_LEADING_ZEROS: u64 = 1024 * 1024;

/// Bytes between frames that are searched through before they must be outweighed by frames.
const JUNK_ALLOWANCE: u64 = 1024 * 1024;

pub(super) fn walk(source: &mut Source, start: u64) -> Result<Sound, ProbeError> {
    let (mut position, first) = find_first_frame(source, start)?.ok_or(Refusal::NotAudio)?;
    let mut frames = 0;
    let mut bytes = 0;
    let mut junk = position - start;
    let promised = promised_frames(source, position, &first)?;
    if promised.is_some() {
        position += first.len;
    }

    while position < source.len() {
        if let Some(frame) = frame_at(source, position)?.filter(|frame| frame.continues(&first)) {
            if position + frame.len > source.len() {
                break;
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
        codec: Codec::Mp3,
        ticks: frames * u64::from(first.samples),
        ticks_per_second: first.sample_rate_hz,
        bytes,
        channels: first.channels,
        sample_rate_hz: first.sample_rate_hz,
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
            Version::Mpeg1 => {
                ([32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320], 144_000, 1152, 1)
            }
            Version::Mpeg2 => ([8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160], 72_000, 576, 2),
            Version::Mpeg25 => ([8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160], 72_000, 576, 4),
        };
        let kilobits: u32 = *kilobits.get(usize::from(rates >> 4).checked_sub(1)?)?;
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
    if source.len() - position == 128 && source.find(position)? == Some(*b"TAG") {
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
