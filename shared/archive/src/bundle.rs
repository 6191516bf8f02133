use std::io::Read;

use flate2::{Compression, read::DeflateEncoder};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    entry_name::EntryName,
    records::{Facts, Method, local_header, local_header_len},
};

/// What an archive's directory says of the files of one object. They stand in it one after another, each with its header and
/// nothing between, so that they can be anywhere in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bundle {
    files: Vec<BundledFile>,
}

/// A file of a bundle. It is below 4 GiB, since it was in memory once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct BundledFile {
    name: EntryName,
    modified_at: u64,
    method: Method,
    compressed_size: u32,
    size_bytes: u32,
    crc32: u32,
}

/// Writes files into one object, to be stored where the archive's other objects are. The same files give the same bytes.
#[derive(Debug, Default)]
pub struct BundleWriter {
    bytes: Vec<u8>,
    files: Vec<BundledFile>,
}

impl BundleWriter {
    /// Writes a file, deflated where that makes it smaller, and gives its CRC-32. `modified_at` is in seconds since
    /// 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`Error::Name`] for a name that is none, [`Error::TooLarge`] from 4 GiB on. Nothing is written then.
    pub fn add(&mut self, name: impl Into<String>, modified_at: u64, bytes: &[u8]) -> Result<u32, Error> {
        let name = EntryName::try_from(name.into())?;
        let Some(size_bytes) = length(bytes) else {
            return Err(Error::TooLarge { name: name.into() });
        };
        let deflated = deflate(bytes).filter(|deflated| deflated.len() < bytes.len());
        let deflated = deflated.and_then(|deflated| Some((length(&deflated)?, deflated)));

        let file = BundledFile {
            name,
            modified_at,
            method: if deflated.is_some() { Method::Deflated } else { Method::Stored },
            compressed_size: deflated.as_ref().map_or(size_bytes, |(compressed_size, _)| *compressed_size),
            size_bytes,
            crc32: crc32fast::hash(bytes),
        };
        let crc32 = file.crc32;
        self.bytes.extend(local_header(&file.facts()));
        self.bytes.extend_from_slice(deflated.as_ref().map_or(bytes, |(_, deflated)| deflated));
        self.files.push(file);
        Ok(crc32)
    }

    /// How many bytes there are by now.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The object's bytes, and what to tell the planner of them.
    pub fn finish(self) -> (Vec<u8>, Bundle) {
        (self.bytes, Bundle { files: self.files })
    }
}

impl Bundle {
    /// How many bytes the object has.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(BundledFile::len).sum()
    }

    /// The files, and where in the object their headers begin.
    pub(crate) fn files(&self) -> impl Iterator<Item = (u64, Facts<'_>)> {
        self.files.iter().scan(0, |end, file| {
            let start = *end;
            *end += file.len();
            Some((start, file.facts()))
        })
    }
}

impl BundledFile {
    fn facts(&self) -> Facts<'_> {
        Facts {
            name: &self.name,
            modified_at: self.modified_at,
            method: self.method,
            compressed_size: self.compressed_size.into(),
            size_bytes: self.size_bytes.into(),
            crc32: self.crc32,
        }
    }

    fn len(&self) -> u64 {
        local_header_len(&self.facts()) + u64::from(self.compressed_size)
    }
}

/// What of length is in no need of ZIP64.
fn length(bytes: &[u8]) -> Option<u32> {
    u32::try_from(bytes.len()).ok().filter(|length| *length < u32::MAX)
}

/// Nothing where it fails, which memory does not: the file is stored then.
fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut deflated = Vec::new();
    DeflateEncoder::new(bytes, Compression::default()).read_to_end(&mut deflated).ok()?;
    Some(deflated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_deflated_where_that_makes_it_smaller() {
        let mut writer = BundleWriter::default();
        let words = b"and again ".repeat(100);
        assert_eq!(writer.add("a.json", 1, &words).unwrap(), crc32fast::hash(&words));
        writer.add("b.json", 1, b"{}").unwrap();
        writer.add("c.json", 1, b"").unwrap();
        let size_bytes = writer.size_bytes();

        let (bytes, bundle) = writer.finish();
        let methods: Vec<Method> = bundle.files.iter().map(|file| file.method).collect();
        assert_eq!(methods, [Method::Deflated, Method::Stored, Method::Stored]);
        assert!(bytes.len() < words.len());
        assert_eq!((bytes.len(), bytes.len() as u64), (size_bytes, bundle.size_bytes()));
    }

    #[test]
    fn a_file_without_a_good_name_leaves_nothing() {
        let mut writer = BundleWriter::default();
        assert!(matches!(writer.add("../a", 1, b"x"), Err(Error::Name { .. })));
        assert_eq!(writer.finish(), (vec![], Bundle { files: vec![] }));
    }
}
