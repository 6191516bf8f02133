//! Ogg: the second packet of the first stream is its comments (RFC 3533; Vorbis I, 4.2; RFC 7845, 5).

use std::{
    fs::File,
    io::{self, BufReader, Read, Take},
    vec,
};

use super::{Gathered, vorbis_comment};
use crate::pieces::{Pieces, array};

pub(super) fn read(pieces: &mut Pieces<'_>, start: u64, gathered: &mut Gathered) -> io::Result<()> {
    let mut file = pieces.stream(start..pieces.len())?;
    let Some(first) = Page::read(&mut file)? else { return Ok(()) };
    first.skip(&mut file)?;

    let mut comments = Packet {
        serial: first.serial,
        file,
        segments: Vec::new().into_iter(),
        left: 0,
        is_last_segment: false,
    };
    let Some(magic) = array::<7>(&mut comments)? else { return Ok(()) };
    match &magic {
        b"\x03vorbis" => vorbis_comment::read(&mut comments, gathered),
        b"OpusTag" if array(&mut comments)? == Some(*b"s") => vorbis_comment::read(&mut comments, gathered),
        _ => Ok(()),
    }
}

struct Page {
    serial: [u8; 4],
    segments: Vec<u8>,
}

impl Page {
    fn read(file: &mut dyn Read) -> io::Result<Option<Self>> {
        let Some(header) = array::<27>(&mut *file)? else { return Ok(None) };
        let [b'O', b'g', b'g', b'S', _, _, _, _, _, _, _, _, _, _, s0, s1, s2, s3, .., count] = header else {
            return Ok(None);
        };
        let mut segments = Vec::new();
        file.take(count.into()).read_to_end(&mut segments)?;
        Ok(Some(Self { serial: [s0, s1, s2, s3], segments }))
    }

    fn skip(&self, file: &mut dyn Read) -> io::Result<()> {
        let len = self.segments.iter().map(|len| u64::from(*len)).sum();
        io::copy(&mut file.take(len), &mut io::sink())?;
        Ok(())
    }
}

/// The bytes of one packet, over as many pages of its stream as it takes.
struct Packet<'a> {
    file: BufReader<Take<&'a mut File>>,
    serial: [u8; 4],
    segments: vec::IntoIter<u8>,
    /// Bytes left in this segment.
    left: u8,
    is_last_segment: bool,
}

impl Read for Packet<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.left == 0 {
            if self.is_last_segment {
                return Ok(0);
            }
            if let Some(len) = self.segments.next() {
                self.left = len;
                self.is_last_segment = len < 255;
                continue;
            }
            let Some(page) = Page::read(&mut self.file)? else { return Ok(0) };
            if page.serial == self.serial {
                self.segments = page.segments.into_iter();
            } else {
                page.skip(&mut self.file)?;
            }
        }
        let read = (&mut self.file).take(self.left.into()).read(out)?;
        self.left -= u8::try_from(read).unwrap_or(self.left);
        Ok(read)
    }
}
