use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use super::{ProbeError, Refusal};

/// A file read at any position through one window, so that memory stays the same however large the file is.
pub(super) struct Source {
    /// Twins share where it is positioned, so every read seeks first.
    file: File,
    len: u64,
    window: Vec<u8>,
    window_start: u64,
}

/// Room for the largest Ogg page (65,307 bytes) after [`LOOK_BACK`].
pub(super) const WINDOW: usize = 128 * 1024;

/// How much of what lies before a position is kept when the window moves: the MP3 walk looks one frame ahead and returns.
const LOOK_BACK: u64 = 8 * 1024;

impl Source {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self { file, len, window: Vec::with_capacity(WINDOW), window_start: 0 })
    }

    /// A second window onto the same file, for what is read by turns.
    pub(super) fn twin(&self) -> io::Result<Self> {
        let window = Vec::with_capacity(WINDOW);
        Ok(Self { file: self.file.try_clone()?, len: self.len, window, window_start: 0 })
    }

    /// Bytes in the file.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The `wanted` bytes at `position`, or as many as there are before the file ends. At most 64 KiB and a bit.
    pub(super) fn bytes(&mut self, position: u64, wanted: usize) -> io::Result<&[u8]> {
        let end = position.saturating_add(wanted as u64).min(self.len);
        let window_end = self.window_start + self.window.len() as u64;
        if position < self.window_start || end > window_end {
            self.move_window(position.saturating_sub(LOOK_BACK))?;
        }

        let from = usize::try_from(position.saturating_sub(self.window_start)).unwrap_or(usize::MAX);
        let rest = self.window.get(from..).unwrap_or_default();
        Ok(rest.get(..wanted).unwrap_or(rest))
    }

    /// The `N` bytes at `position`, if the file has them.
    pub(super) fn find<const N: usize>(&mut self, position: u64) -> io::Result<Option<[u8; N]>> {
        Ok(self.bytes(position, N)?.first_chunk().copied())
    }

    /// The `N` bytes at `position`.
    ///
    /// # Errors
    /// [`Refusal::Truncated`] when the file ends before.
    pub(super) fn array<const N: usize>(&mut self, position: u64) -> Result<[u8; N], ProbeError> {
        Ok(self.find(position)?.ok_or(Refusal::Truncated)?)
    }

    /// The file itself, at `position`.
    pub(super) fn into_file_at(mut self, position: u64) -> io::Result<File> {
        self.file.seek(SeekFrom::Start(position))?;
        Ok(self.file)
    }

    fn move_window(&mut self, start: u64) -> io::Result<()> {
        self.window.clear();
        self.window_start = start;
        self.file.seek(SeekFrom::Start(start))?;
        (&mut self.file).take(WINDOW as u64).read_to_end(&mut self.window)?;
        Ok(())
    }
}
