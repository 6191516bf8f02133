//! Which container a file is, by its first bytes.

use super::{ProbeError, Refusal, source::Source};

/// A container with a walker.
pub(super) enum Container {
    Mpeg,
    Mp4,
    Wave,
    Flac,
    Ogg,
}

/// Tags before the sound that are skipped; a file of nothing but small tags would cost time.
const MOST_TAGS: usize = 16;

/// The container, and where it starts: after the ID3 tags that some programs put before anything.
pub(super) fn sniff(source: &mut Source) -> Result<(Container, u64), ProbeError> {
    let mut start = 0;
    for _ in 0..MOST_TAGS {
        match id3v2_len(source, start)? {
            Some(len) => start += len,
            None => break,
        }
    }
    if start >= source.len() {
        return Err(Refusal::Truncated.into());
    }

    let container = match source.bytes(start, 12)? {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E'] => Container::Wave,
        [b'R', b'F', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E'] => Container::Wave,
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Container::Mp4,
        [b'f', b'L', b'a', b'C', ..] => Container::Flac,
        [b'O', b'g', b'g', b'S', ..] => Container::Ogg,
        other => {
            refuse_known(other)?;
            if source.bytes(start + 257, 5)? == b"ustar" {
                return Err(Refusal::NotAudio.into());
            }
            Container::Mpeg
        }
    };
    Ok((container, start))
}

/// How long the ID3v2 tag at `position` is, header included, if there is one. ID3v2.4 structure, 3.1.
pub(super) fn id3v2_len(source: &mut Source, position: u64) -> Result<Option<u64>, ProbeError> {
    let Some([b'I', b'D', b'3', major, _, flags, size @ ..]) = source.find::<10>(position)? else {
        return Ok(None);
    };
    if major == 0xff || size.iter().any(|byte| *byte > 0x7f) {
        return Ok(None);
    }
    let body = size.iter().fold(0, |len, byte| len << 7 | u64::from(*byte));
    let footer = if major >= 4 && flags & 0x10 != 0 { 10 } else { 0 };
    Ok(Some(10 + body + footer))
}

/// Names what is known but not taken, so that it is not searched for MP3 frames: an archive may well hold some.
fn refuse_known(start: &[u8]) -> Result<(), Refusal> {
    const OTHER_AUDIO_AND_VIDEO: [&[u8]; 20] = [
        b"RIFF",
        b"riff",
        b"FORM",
        b"caff",
        b"\x1a\x45\xdf\xa3",
        b"\x30\x26\xb2\x75",
        b"FLV\x01",
        b"#!AMR",
        b"wvPk",
        b"MAC ",
        b".snd",
        b"MThd",
        b"\xff\xf1",
        b"\xff\xf4",
        b"\xff\xf5",
        b"\xff\xf9",
        b"\xff\xfc",
        b"\xff\xfd",
        b"\x0b\x77",
        b"\x00\x00\x01\xba",
    ];
    const ARCHIVES_AND_DOCUMENTS: [&[u8]; 6] =
        [b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"%PDF", b"\xd0\xcf\x11\xe0"];

    if OTHER_AUDIO_AND_VIDEO.iter().any(|magic| start.starts_with(magic)) {
        return Err(Refusal::UnsupportedFormat);
    }
    if ARCHIVES_AND_DOCUMENTS.iter().any(|magic| start.starts_with(magic)) {
        return Err(Refusal::NotAudio);
    }
    Ok(())
}
