use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom, Take},
    ops::Range,
};

/// A file read in pieces at any position. What lies beyond its end is missing, which is no error.
pub(crate) struct Pieces<'a> {
    file: &'a mut File,
    len: u64,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(file: &'a mut File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self { file, len })
    }

    /// Bytes in the file.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The bytes at `at`, or as many as there are before the file ends. They are kept in memory: the caller has a limit.
    pub(crate) fn bytes(&mut self, at: u64, wanted: u64) -> io::Result<Vec<u8>> {
        let there = wanted.min(self.len.saturating_sub(at));
        let mut bytes = Vec::with_capacity(usize::try_from(there).unwrap_or(0));
        self.stream(at..at.saturating_add(there))?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The `N` bytes at `at`, if the file has them.
    pub(crate) fn array<const N: usize>(&mut self, at: u64) -> io::Result<Option<[u8; N]>> {
        self.file.seek(SeekFrom::Start(at))?;
        array(&mut *self.file)
    }

    /// A part of the file, from its start on.
    pub(crate) fn stream(&mut self, part: Range<u64>) -> io::Result<BufReader<Take<&mut File>>> {
        self.file.seek(SeekFrom::Start(part.start))?;
        Ok(BufReader::new((&mut *self.file).take(part.end.saturating_sub(part.start))))
    }
}

/// The next `N` bytes, if there are so many.
pub(crate) fn array<const N: usize>(mut from: impl Read) -> io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    match from.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
