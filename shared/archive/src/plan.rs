use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{
    Error, Limits,
    layout::{Layout, Segment, Stretch},
    records::{directory_header, directory_header_len, end, end_len, local_header, local_header_len},
};

/// How files lie in archives. To be stored while it is carried out; parts are worked out from it whenever they are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredPlan")]
pub struct Plan {
    limits: Limits,
    archives: Vec<Archive>,
}

/// A ZIP archive that is complete by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Archive {
    segments: Vec<Segment>,
    #[serde(skip)]
    layout: Layout,
}

/// A file of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its name, a relative path.
    pub name: &'a str,
    /// Which of the plan's archives has it, from 0.
    pub archive: usize,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// The CRC-32 of its bytes.
    pub crc32: u32,
}

/// One part of an archive's upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// S3 copies it (`UploadPartCopy`).
    Copied {
        /// The object's name, as the caller gave it.
        source: String,
        /// Which of its bytes; the end is not one of them, as it is in the header that S3 takes.
        range: Range<u64>,
    },
    /// The caller sends it (`UploadPart`): these, one after another.
    Through {
        /// None of them is empty.
        pieces: Vec<Piece>,
    },
}

/// Some bytes of a part that goes through the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// These.
    Bytes(Vec<u8>),
    /// To be read from an object.
    Range {
        /// The object's name, as the caller gave it.
        source: String,
        /// Which of its bytes; the end is not one of them.
        range: Range<u64>,
    },
}

#[derive(Deserialize)]
struct StoredPlan {
    limits: Limits,
    archives: Vec<Vec<Segment>>,
}

impl TryFrom<StoredPlan> for Plan {
    type Error = Error;

    fn try_from(stored: StoredPlan) -> Result<Self, Error> {
        stored.limits.check()?;
        let archives = stored.archives.into_iter().map(|segments| {
            let mut archive = Archive::new(stored.limits);
            for segment in segments {
                archive.push(segment).map_err(|_| Error::Plan)?;
            }
            Ok(archive)
        });
        Ok(Self { limits: stored.limits, archives: archives.collect::<Result<_, Error>>()? })
    }
}

impl Plan {
    pub(crate) fn new(limits: Limits) -> Result<Self, Error> {
        limits.check()?;
        Ok(Self { limits, archives: vec![] })
    }

    /// The archives: none if there is no file.
    pub fn archives(&self) -> &[Archive] {
        &self.archives
    }

    /// The files in their order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.archives.iter().enumerate().flat_map(|(index, archive)| {
            archive.segments.iter().flat_map(Segment::files).map(move |(_, facts)| Entry {
                name: facts.name.as_str(),
                archive: index,
                size_bytes: facts.size_bytes,
                crc32: facts.crc32,
            })
        })
    }

    /// How many bytes S3 copies.
    pub fn copied_bytes(&self) -> u64 {
        self.archives.iter().map(|archive| archive.layout.copied()).fold(0, u64::saturating_add)
    }

    /// How many bytes go through the caller.
    pub fn through_bytes(&self) -> u64 {
        let all = self.archives.iter().map(Archive::size_bytes).fold(0, u64::saturating_add);
        all.saturating_sub(self.copied_bytes())
    }

    /// Gives the segment back if there is no archive in which it fits, not even alone.
    pub(crate) fn push(&mut self, segment: Segment) -> Result<(), Segment> {
        let limit = self.limits.archive_bytes;
        let segment = match self.archives.last_mut() {
            Some(last) => match last.push_within(limit, segment) {
                Ok(()) => return Ok(()),
                Err(segment) => segment,
            },
            None => segment,
        };
        let mut archive = Archive::new(self.limits);
        archive.push(segment)?;
        self.archives.push(archive);
        Ok(())
    }
}

impl Archive {
    fn new(limits: Limits) -> Self {
        Self { segments: vec![], layout: Layout::new(limits) }
    }

    /// How many bytes it has.
    pub fn size_bytes(&self) -> u64 {
        self.layout.size()
    }

    /// How many parts it has.
    pub fn parts(&self) -> u32 {
        self.layout.parts()
    }

    /// A part, from 1 on as S3 counts; nothing where there is none.
    pub fn part(&self, number: u32) -> Option<Part> {
        let (stretch, bytes) = self.layout.part(number.checked_sub(1)?)?;
        Some(match stretch {
            Stretch::Copied { segment, .. } => {
                Part::Copied { source: self.segments.get(segment)?.source().to_owned(), range: bytes }
            }
            Stretch::Through { segment, range } => {
                Part::Through { pieces: self.pieces(segment, range.start, bytes) }
            }
        })
    }

    /// What is at `wanted` in the archive, which is nowhere before the segment `first` at `offset`.
    fn pieces(&self, first: usize, offset: u64, wanted: Range<u64>) -> Vec<Piece> {
        let mut pieces = Pieces { wanted, offset, pieces: vec![] };
        for segment in self.segments.iter().skip(first) {
            if pieces.is_complete() {
                break;
            }
            if let Some(facts) = segment.header() {
                pieces.pass_bytes(local_header_len(&facts), || local_header(&facts));
            }
            pieces.pass_object(segment.object_len(), segment.source());
        }
        self.pass_directory(&mut pieces);
        pieces.pieces
    }

    fn pass_directory(&self, pieces: &mut Pieces) {
        let mut offset = 0;
        for segment in &self.segments {
            if pieces.is_complete() {
                return;
            }
            for (within, facts) in segment.files() {
                let at = offset + within;
                pieces.pass_bytes(directory_header_len(&facts, at), || directory_header(&facts, at));
            }
            offset += segment.len();
        }
        let (files, len) = (self.layout.files(), self.layout.directory_len());
        pieces.pass_bytes(end_len(files, len, offset), || end(files, len, offset));
    }

    fn push(&mut self, segment: Segment) -> Result<(), Segment> {
        self.push_within(u64::MAX, segment)
    }

    fn push_within(&mut self, size_bytes: u64, segment: Segment) -> Result<(), Segment> {
        let step = self.layout.step(&segment).filter(|step| step.size() <= size_bytes);
        let Some(step) = step else { return Err(segment) };
        self.layout.push(step);
        self.segments.push(segment);
        Ok(())
    }
}

/// Goes through an archive and collects what is wanted of it.
struct Pieces {
    wanted: Range<u64>,
    /// Where it is.
    offset: u64,
    pieces: Vec<Piece>,
}

impl Pieces {
    fn is_complete(&self) -> bool {
        self.offset >= self.wanted.end
    }

    fn pass_bytes(&mut self, len: u64, bytes: impl FnOnce() -> Vec<u8>) {
        let Some(range) = self.pass(len) else { return };
        let bytes = bytes();
        let at = |offset| usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = bytes.get(at(range.start)..at(range.end)).unwrap_or_default();
        match self.pieces.last_mut() {
            Some(Piece::Bytes(before)) => before.extend_from_slice(bytes),
            _ => self.pieces.push(Piece::Bytes(bytes.to_vec())),
        }
    }

    fn pass_object(&mut self, len: u64, source: &str) {
        if let Some(range) = self.pass(len) {
            self.pieces.push(Piece::Range { source: source.to_owned(), range });
        }
    }

    /// Which of the next `len` bytes are wanted, if any are.
    fn pass(&mut self, len: u64) -> Option<Range<u64>> {
        let start = self.wanted.start.saturating_sub(self.offset);
        let end = self.wanted.end.saturating_sub(self.offset).min(len);
        self.offset = self.offset.saturating_add(len);
        (start < end).then_some(start..end)
    }
}
