//! What stands in a ZIP archive besides files: APPNOTE.TXT 6.3.10, in brackets its sections.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::entry_name::EntryName;

/// How a file's bytes stand in an archive [4.4.5].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    Stored,
    Deflated,
}

/// What both of a file's headers say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) name: &'a EntryName,
    /// Seconds since 1970-01-01T00:00:00Z.
    pub(crate) modified_at: u64,
    pub(crate) method: Method,
    pub(crate) compressed_size: u64,
    pub(crate) size_bytes: u64,
    pub(crate) crc32: u32,
}

/// What is too large for a field of 32 bits is in a ZIP64 record instead, and the field is full [4.4.1.4].
const FULL: u64 = u32::MAX as u64;
/// Sizes are known beforehand (no bit 3), and names are UTF-8 (bit 11) [4.4.4].
const FLAGS: u16 = 1 << 11;
/// The version that brought what an archive needs: 2.0 deflate and folders, 4.5 ZIP64 [4.4.3].
const PLAIN: u16 = 20;
const ZIP64: u16 = 45;
/// Unix, where external attributes are a file's mode [4.4.2].
const MADE_BY: u16 = (3 << 8) | ZIP64;
/// A regular file that everybody may read.
const MODE: u32 = 0o100_644 << 16;

const LOCAL_HEADER: u64 = 30;
const DIRECTORY_HEADER: u64 = 46;
const TIMESTAMP: u64 = 9;

/// What stands before a file's bytes [4.3.7].
pub(crate) fn local_header(facts: &Facts<'_>) -> Vec<u8> {
    let mut extra = Vec::new();
    if has_long_size(facts) {
        // Here both sizes are needed, even if one would fit [4.5.3].
        put_zip64(&mut extra, &[facts.size_bytes, facts.compressed_size]);
    }
    put_timestamp(&mut extra, facts);

    let mut bytes = Vec::new();
    bytes.extend(0x0403_4b50_u32.to_le_bytes());
    put_common(&mut bytes, facts, has_long_size(facts), has_long_size(facts), &extra);
    bytes.extend(facts.name.as_str().as_bytes());
    bytes.extend(extra);
    bytes
}

/// How many bytes [`local_header`] gives.
pub(crate) fn local_header_len(facts: &Facts<'_>) -> u64 {
    let zip64 = if has_long_size(facts) { 20 } else { 0 };
    LOCAL_HEADER + u64::from(facts.name.len()) + zip64 + timestamp_len(facts)
}

/// The file's line in the central directory, its local header at `offset` [4.3.12].
pub(crate) fn directory_header(facts: &Facts<'_>, offset: u64) -> Vec<u8> {
    let mut extra = Vec::new();
    let long = long_fields(facts, offset);
    if !long.is_empty() {
        put_zip64(&mut extra, &long);
    }
    put_timestamp(&mut extra, facts);

    let mut bytes = Vec::new();
    bytes.extend(0x0201_4b50_u32.to_le_bytes());
    bytes.extend(MADE_BY.to_le_bytes());
    put_common(&mut bytes, facts, !long.is_empty(), has_long_size(facts), &extra);
    bytes.extend([0; 2]); // no comment
    bytes.extend([0; 2]); // first disk
    bytes.extend([0; 2]); // internal attributes
    bytes.extend(MODE.to_le_bytes());
    bytes.extend(short(offset).to_le_bytes());
    bytes.extend(facts.name.as_str().as_bytes());
    bytes.extend(extra);
    bytes
}

/// How many bytes [`directory_header`] gives.
pub(crate) fn directory_header_len(facts: &Facts<'_>, offset: u64) -> u64 {
    let zip64 = match (has_long_size(facts), offset >= FULL) {
        (false, false) => 0,
        (false, true) => 12,
        (true, false) => 20,
        (true, true) => 28,
    };
    DIRECTORY_HEADER + u64::from(facts.name.len()) + zip64 + timestamp_len(facts)
}

/// The end of an archive whose central directory has `size_bytes` bytes at `offset` [4.3.14 to 4.3.16].
pub(crate) fn end(entries: u64, size_bytes: u64, offset: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if needs_zip64_end(entries, size_bytes, offset) {
        bytes.extend(0x0606_4b50_u32.to_le_bytes());
        bytes.extend(44_u64.to_le_bytes()); // bytes that follow in this record
        bytes.extend(MADE_BY.to_le_bytes());
        bytes.extend(ZIP64.to_le_bytes());
        bytes.extend([0; 8]); // the one disk
        bytes.extend(entries.to_le_bytes());
        bytes.extend(entries.to_le_bytes());
        bytes.extend(size_bytes.to_le_bytes());
        bytes.extend(offset.to_le_bytes());

        bytes.extend(0x0706_4b50_u32.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(offset.saturating_add(size_bytes).to_le_bytes());
        bytes.extend(1_u32.to_le_bytes()); // disks
    }
    let short_entries = u16::try_from(entries).unwrap_or(u16::MAX);
    bytes.extend(0x0605_4b50_u32.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(short_entries.to_le_bytes());
    bytes.extend(short_entries.to_le_bytes());
    bytes.extend(short(size_bytes).to_le_bytes());
    bytes.extend(short(offset).to_le_bytes());
    bytes.extend([0; 2]); // no comment
    bytes
}

/// How many bytes [`end`] gives.
pub(crate) fn end_len(entries: u64, size_bytes: u64, offset: u64) -> u64 {
    if needs_zip64_end(entries, size_bytes, offset) { 56 + 20 + 22 } else { 22 }
}

fn needs_zip64_end(entries: u64, size_bytes: u64, offset: u64) -> bool {
    entries >= u64::from(u16::MAX) || size_bytes >= FULL || offset >= FULL
}

fn has_long_size(facts: &Facts<'_>) -> bool {
    facts.size_bytes >= FULL || facts.compressed_size >= FULL
}

/// What of a file's line in the directory needs 64 bits, in its order [4.5.3].
fn long_fields(facts: &Facts<'_>, offset: u64) -> Vec<u64> {
    let sizes = has_long_size(facts).then_some([facts.size_bytes, facts.compressed_size]);
    sizes.into_iter().flatten().chain((offset >= FULL).then_some(offset)).collect()
}

/// From the version needed to the lengths of name and extra field, what both headers have.
fn put_common(bytes: &mut Vec<u8>, facts: &Facts<'_>, is_zip64: bool, has_long_size: bool, extra: &[u8]) {
    let (date, time) = dos_date_and_time(facts.modified_at);
    let method: u16 = match facts.method {
        Method::Stored => 0,
        Method::Deflated => 8,
    };
    let size = |size| if has_long_size { u32::MAX } else { short(size) };
    bytes.extend((if is_zip64 { ZIP64 } else { PLAIN }).to_le_bytes());
    bytes.extend(FLAGS.to_le_bytes());
    bytes.extend(method.to_le_bytes());
    bytes.extend(time.to_le_bytes());
    bytes.extend(date.to_le_bytes());
    bytes.extend(facts.crc32.to_le_bytes());
    bytes.extend(size(facts.compressed_size).to_le_bytes());
    bytes.extend(size(facts.size_bytes).to_le_bytes());
    bytes.extend(facts.name.len().to_le_bytes());
    bytes.extend(short_len(extra).to_le_bytes());
}

fn put_zip64(extra: &mut Vec<u8>, fields: &[u64]) {
    let fields: Vec<u8> = fields.iter().flat_map(|field| field.to_le_bytes()).collect();
    extra.extend(1_u16.to_le_bytes());
    extra.extend(short_len(&fields).to_le_bytes());
    extra.extend(fields);
}

/// Info-ZIP's extended timestamp: the time in UTC and to the second, where DOS has it in no zone and in steps of two seconds.
fn put_timestamp(extra: &mut Vec<u8>, facts: &Facts<'_>) {
    if let Ok(seconds) = i32::try_from(facts.modified_at) {
        extra.extend(0x5455_u16.to_le_bytes());
        extra.extend(5_u16.to_le_bytes());
        extra.push(1); // the time of modification, and no other
        extra.extend(seconds.to_le_bytes());
    }
}

/// It has 32 bits: from 2038 on there is none.
fn timestamp_len(facts: &Facts<'_>) -> u64 {
    if i32::try_from(facts.modified_at).is_ok() { TIMESTAMP } else { 0 }
}

/// In UTC [4.4.6]. DOS began in 1980 and ends in 2107.
fn dos_date_and_time(modified_at: u64) -> (u16, u16) {
    const FIRST: (u16, u16) = (1 << 5 | 1, 0);
    const LAST: (u16, u16) = (127 << 9 | 12 << 5 | 31, 23 << 11 | 59 << 5 | 29);
    let moment = i64::try_from(modified_at).ok().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    let Some(moment) = moment else { return LAST };
    let Ok(year) = u16::try_from(moment.year() - 1980) else { return FIRST };
    if year > 127 {
        return LAST;
    }
    let date = year << 9 | u16::from(u8::from(moment.month())) << 5 | u16::from(moment.day());
    let time =
        u16::from(moment.hour()) << 11 | u16::from(moment.minute()) << 5 | u16::from(moment.second() / 2);
    (date, time)
}

fn short(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Of an extra field, which has some dozens of bytes.
fn short_len(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [u64; 6] = [0, 1, FULL - 1, FULL, FULL + 1, 5 << 40];

    #[test]
    fn headers_are_as_long_as_they_say() {
        let name = EntryName::try_from("shows/Über.mp3".to_owned()).unwrap();
        for (size_bytes, offset) in SIZES.into_iter().flat_map(|size| SIZES.map(|offset| (size, offset))) {
            for modified_at in [0, 1_700_000_000, 1 << 31, u64::MAX] {
                let facts = Facts {
                    name: &name,
                    modified_at,
                    method: Method::Stored,
                    compressed_size: size_bytes,
                    size_bytes,
                    crc32: 7,
                };
                assert_eq!(local_header(&facts).len() as u64, local_header_len(&facts));
                assert_eq!(
                    directory_header(&facts, offset).len() as u64,
                    directory_header_len(&facts, offset)
                );
            }
        }
        for entries in [0, 65_534, 65_535, 65_536] {
            for (size_bytes, offset) in SIZES.into_iter().zip(SIZES) {
                let bytes = end(entries, size_bytes, offset);
                assert_eq!(bytes.len() as u64, end_len(entries, size_bytes, offset));
            }
        }
    }

    #[test]
    fn times_are_in_utc_and_end_where_dos_does() {
        let fields = |at| {
            let (date, time) = dos_date_and_time(at);
            let date = (date >> 9, date >> 5 & 15, date & 31);
            (date, (time >> 11, time >> 5 & 63, time & 31))
        };
        assert_eq!(fields(0), ((0, 1, 1), (0, 0, 0)));
        assert_eq!(fields(315_532_799), ((0, 1, 1), (0, 0, 0)));
        // 2026-01-31T09:30:07Z
        assert_eq!(fields(1_769_851_807), ((46, 1, 31), (9, 30, 3)));
        assert_eq!(fields(4_354_819_199), ((127, 12, 31), (23, 59, 29)));
        assert_eq!(fields(4_354_819_200), fields(4_354_819_199));
        assert_eq!(fields(u64::MAX), fields(4_354_819_199));
    }
}
