//! Reads what an archive says of itself, from ranges of it that the caller fetches: the end first, then the directory, then what stands
//! before a file. Nothing in it is believed: each place must lie within the archive, and no file may be larger than the caller says.

use std::{io::Read, ops::Range};

use flate2::read::DeflateDecoder;
use serde::{Deserialize, Serialize};

/// Why an archive cannot be read. Trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is no end of a central directory where one should be.
    #[error("this is no ZIP archive, or a part of one")]
    NoArchive,
    /// It contradicts itself.
    #[error("the archive is damaged: {0}")]
    Damaged(&'static str),
    /// It uses something of the format that is not read here.
    #[error("the archive has {0}, which is not read here")]
    Unsupported(&'static str),
    /// A file has more bytes than it may.
    #[error("{0:?} in the archive has more bytes than it may")]
    TooLarge(String),
}

/// Where the central directory is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryPlace {
    /// Its bytes in the archive.
    pub range: Range<u64>,
    entries: u64,
}

/// A file in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Its name, as the archive has it: never a path to write to.
    pub name: String,
    /// Where what stands before its bytes begins.
    pub header_at: u64,
    /// How many bytes it takes.
    pub compressed_size: u64,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// CRC-32 of them.
    pub crc32: u32,
    /// Whether it is there as it is.
    pub is_stored: bool,
}

/// As many bytes of an archive's end hold all that [`find_directory`] looks for: the end, the longest comment and what ZIP64 puts
/// before them.
pub const LONGEST_END: u64 = 22 + 65_535 + 20 + 56;
/// Bytes that stand before a file, but for its name and what is extra.
pub const HEADER: u64 = 30;

const END: u32 = 0x0605_4b50;
const ZIP64_LOCATOR: u32 = 0x0706_4b50;
const ZIP64_END: u32 = 0x0606_4b50;
const DIRECTORY_HEADER: u32 = 0x0201_4b50;
const LOCAL_HEADER: u32 = 0x0403_4b50;

/// Reads numbers one after another.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn at(bytes: &'a [u8], at: usize) -> Result<Self, ReadError> {
        bytes.get(at..).map(Self).ok_or(CUT_OFF)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ReadError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(CUT_OFF)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number<const BYTES: usize>(&mut self) -> Result<u64, ReadError> {
        Ok(self.take(BYTES)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn short(&mut self) -> Result<u64, ReadError> {
        self.number::<2>()
    }

    fn long(&mut self) -> Result<u64, ReadError> {
        self.number::<4>()
    }

    fn length(&mut self) -> Result<usize, ReadError> {
        usize::try_from(self.short()?).map_err(|_| CUT_OFF)
    }
}

const CUT_OFF: ReadError = ReadError::Damaged("it ends in the middle of a record");
const FULL: u64 = u32::MAX as u64;

/// Finds the central directory of an archive of `size_bytes`, whose last bytes are `tail`.
///
/// # Errors
/// [`ReadError`] when there is none.
pub fn find_directory(tail: &[u8], size_bytes: u64) -> Result<DirectoryPlace, ReadError> {
    let tail_at = size_bytes.checked_sub(tail.len() as u64).ok_or(ReadError::NoArchive)?;
    let last = tail.len().checked_sub(22).ok_or(ReadError::NoArchive)?;
    let is_end = |at: &usize| {
        let comment = tail.len().saturating_sub(at.saturating_add(22));
        let mut end = Cursor(tail.get(*at..).unwrap_or_default());
        end.long() == Ok(u64::from(END)) && end.take(16).is_ok() && end.length() == Ok(comment)
    };
    let at = (0..=last).rev().find(is_end).ok_or(ReadError::NoArchive)?;

    let mut end = Cursor::at(tail, at)?;
    end.take(4)?;
    let (disk, directory_disk) = (end.short()?, end.short()?);
    let (_, mut entries) = (end.short()?, end.short()?);
    let (mut size, mut offset) = (end.long()?, end.long()?);
    if (disk, directory_disk) != (0, 0) && disk != 0xffff {
        return Err(ReadError::Unsupported("several volumes"));
    }
    let mut before = tail_at.saturating_add(at as u64);
    if let Some(locator) = at.checked_sub(20)
        && Cursor::at(tail, locator)?.long()? == u64::from(ZIP64_LOCATOR)
    {
        let mut place = Cursor::at(tail, locator)?;
        place.take(8)?;
        let end_at = place.number::<8>()?;
        let in_tail = end_at.checked_sub(tail_at).and_then(|at| usize::try_from(at).ok());
        let in_tail = in_tail.ok_or(ReadError::Damaged("its ZIP64 end is not before its end"))?;
        let mut zip64 = Cursor::at(tail, in_tail)?;
        if zip64.long()? != u64::from(ZIP64_END) {
            return Err(ReadError::Damaged("its ZIP64 end is not where it says"));
        }
        zip64.take(8 + 2 + 2 + 8 + 8)?;
        entries = zip64.number::<8>()?;
        size = zip64.number::<8>()?;
        offset = zip64.number::<8>()?;
        before = end_at;
    }
    let directory_end = offset.checked_add(size).filter(|end| *end <= before);
    let directory_end = directory_end.ok_or(ReadError::Damaged("its directory is not within it"))?;
    // A line of the directory has 46 bytes at least.
    if entries.checked_mul(46).is_none_or(|least| least > size) {
        return Err(ReadError::Damaged("its directory is shorter than it says"));
    }
    Ok(DirectoryPlace { range: offset..directory_end, entries })
}

/// Reads the central directory, whose bytes are those at `place`.
///
/// # Errors
/// [`ReadError`] when it is damaged, or uses what is not read here.
pub fn read_directory(bytes: &[u8], place: &DirectoryPlace) -> Result<Vec<Found>, ReadError> {
    let mut directory = Cursor(bytes);
    let mut found = Vec::new();
    for _ in 0..place.entries {
        if directory.long()? != u64::from(DIRECTORY_HEADER) {
            return Err(ReadError::Damaged("a line of its directory begins otherwise"));
        }
        directory.take(4)?;
        let (flags, method) = (directory.short()?, directory.short()?);
        directory.take(4)?;
        let crc32 = directory.long()?;
        let (mut compressed_size, mut size_bytes) = (directory.long()?, directory.long()?);
        let (name, extra, comment) = (directory.length()?, directory.length()?, directory.length()?);
        directory.take(8)?;
        let mut header_at = directory.long()?;
        let name = directory.take(name)?;
        let mut extra = Cursor(directory.take(extra)?);
        directory.take(comment)?;

        while extra.0.len() >= 4 {
            let (id, length) = (extra.short()?, extra.length()?);
            let mut field = Cursor(extra.take(length)?);
            if id != 1 {
                continue;
            }
            for value in [&mut size_bytes, &mut compressed_size, &mut header_at] {
                if *value == FULL {
                    *value = field.number::<8>()?;
                }
            }
        }
        if flags & 1 != 0 {
            return Err(ReadError::Unsupported("encrypted files"));
        }
        if !matches!(method, 0 | 8) {
            return Err(ReadError::Unsupported("files in another compression than deflate"));
        }
        let is_stored = method == 0;
        let ends_at = header_at.checked_add(HEADER).and_then(|at| at.checked_add(compressed_size));
        if ends_at.is_none_or(|end| end > place.range.start) || (is_stored && compressed_size != size_bytes) {
            return Err(ReadError::Damaged("a file is not where its directory says"));
        }
        found.push(Found {
            name: String::from_utf8(name.to_vec())
                .map_err(|_| ReadError::Unsupported("names that are not UTF-8"))?,
            header_at,
            compressed_size,
            size_bytes,
            crc32: u32::try_from(crc32).unwrap_or_default(),
            is_stored,
        });
    }
    Ok(found)
}

impl Found {
    /// Where its bytes are, by the [`HEADER`] bytes at [`Found::header_at`].
    ///
    /// # Errors
    /// [`ReadError`] when something else is there.
    pub fn range(&self, header: &[u8]) -> Result<Range<u64>, ReadError> {
        let mut cursor = Cursor(header);
        if cursor.long()? != u64::from(LOCAL_HEADER) {
            return Err(ReadError::Damaged("a file is not where its directory says"));
        }
        cursor.take(22)?;
        let before = HEADER.saturating_add(cursor.short()?).saturating_add(cursor.short()?);
        let start = self.header_at.saturating_add(before);
        Ok(start..start.saturating_add(self.compressed_size))
    }

    /// The file, of which `bytes` are in the archive. It may have `most` bytes.
    ///
    /// # Errors
    /// [`ReadError`] when it has more, or other bytes than the archive says.
    pub fn unpack(&self, bytes: &[u8], most: u64) -> Result<Vec<u8>, ReadError> {
        if self.size_bytes > most {
            return Err(ReadError::TooLarge(self.name.clone()));
        }
        let mut unpacked = Vec::new();
        if self.is_stored {
            unpacked.extend_from_slice(bytes);
        } else {
            let mut decoder = DeflateDecoder::new(bytes).take(self.size_bytes.saturating_add(1));
            decoder
                .read_to_end(&mut unpacked)
                .map_err(|_| ReadError::Damaged("a file cannot be unpacked"))?;
        }
        if unpacked.len() as u64 != self.size_bytes || crc32fast::hash(&unpacked) != self.crc32 {
            return Err(ReadError::Damaged("a file has other bytes than its directory says"));
        }
        Ok(unpacked)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor as IoCursor, Write};

    use proptest::prelude::*;
    use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn slice(bytes: &[u8], range: &Range<u64>) -> Vec<u8> {
        bytes.get(range.start as usize..range.end as usize).unwrap_or_default().to_vec()
    }

    fn read(archive: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ReadError> {
        let size = archive.len() as u64;
        let tail = slice(archive, &(size.saturating_sub(LONGEST_END)..size));
        let place = find_directory(&tail, size)?;
        let found = read_directory(&slice(archive, &place.range), &place)?;
        let unpack = |file: Found| {
            let range = file.range(&slice(archive, &(file.header_at..file.header_at + HEADER)))?;
            Ok((file.name.clone(), file.unpack(&slice(archive, &range), 1 << 20)?))
        };
        found.into_iter().map(unpack).collect()
    }

    fn archive(files: &[(&str, &[u8])], comment: &str, method: CompressionMethod) -> Vec<u8> {
        let mut writer = ZipWriter::new(IoCursor::new(Vec::new()));
        writer.set_comment(comment).unwrap();
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn what_another_program_has_written_is_read() {
        let words = b"and again ".repeat(1_000);
        let files: [(&str, &[u8]); 3] = [("a.json", b"{}"), ("shows/Über.txt", &words), ("empty", b"")];
        for comment in ["", "of no account"] {
            for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
                let read = read(&archive(&files, comment, method)).unwrap();
                let expected = files.map(|(name, bytes)| (name.to_owned(), bytes.to_vec()));
                assert_eq!(read, expected);
            }
        }
    }

    #[test]
    fn a_file_is_no_larger_than_it_says_and_may_be() {
        let zeros = vec![0; 2 << 20];
        let bomb = archive(&[("bomb", &zeros)], "", CompressionMethod::Deflated);
        assert_eq!(read(&bomb), Err(ReadError::TooLarge("bomb".to_owned())));
    }

    proptest! {
        #[test]
        fn whatever_is_changed_in_an_archive_is_refused_or_read(at in 0_usize..400, to in any::<u8>(), cut in 0_usize..400) {
            let mut bytes = archive(&[("a", b"some words"), ("b", b"more")], "", CompressionMethod::Stored);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = to;
            }
            bytes.truncate(bytes.len().saturating_sub(cut / 8));
            read(&bytes).ok();
        }
    }
}
