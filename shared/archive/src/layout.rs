//! How what stands in an archive becomes parts of an upload.
//!
//! Bytes that S3 copies take turns with bytes that go through the caller. A copied stretch lies within one object and ends with it,
//! because a header or the directory comes next; it begins with the object, or where what went before is long enough for a part.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{
    Bundle, Limits, StoredObject,
    entry_name::EntryName,
    records::{Facts, Method, directory_header_len, end_len, local_header_len},
};

/// One object in an archive, with the header that goes before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Segment {
    /// The object is a file.
    File { name: EntryName, modified_at: u64, object: StoredObject },
    /// The object has files and their headers.
    Bundle { source: String, bundle: Bundle },
}

impl Segment {
    pub(crate) fn source(&self) -> &str {
        match self {
            Self::File { object, .. } => &object.source,
            Self::Bundle { source, .. } => source,
        }
    }

    /// What the header before the object says.
    pub(crate) fn header(&self) -> Option<Facts<'_>> {
        match self {
            Self::File { name, modified_at, object } => Some(Facts {
                name,
                modified_at: *modified_at,
                method: Method::Stored,
                compressed_size: object.size_bytes,
                size_bytes: object.size_bytes,
                crc32: object.crc32,
            }),
            Self::Bundle { .. } => None,
        }
    }

    fn header_len(&self) -> u64 {
        self.header().map_or(0, |facts| local_header_len(&facts))
    }

    pub(crate) fn object_len(&self) -> u64 {
        match self {
            Self::File { object, .. } => object.size_bytes,
            Self::Bundle { bundle, .. } => bundle.size_bytes(),
        }
    }

    /// Bytes of header and object.
    pub(crate) fn len(&self) -> u64 {
        self.header_len() + self.object_len()
    }

    /// Its files, and how far from its start their headers are.
    pub(crate) fn files(&self) -> impl Iterator<Item = (u64, Facts<'_>)> {
        let bundle = match self {
            Self::File { .. } => None,
            Self::Bundle { bundle, .. } => Some(bundle),
        };
        let file = self.header().map(|facts| (0, facts));
        file.into_iter().chain(bundle.into_iter().flat_map(Bundle::files))
    }
}

/// A stretch of an archive, which is whole parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stretch {
    /// These bytes of the archive, the first of which is the first of a segment.
    Through { segment: usize, range: Range<u64> },
    /// These bytes of a segment's object, the last of which is its last.
    Copied { segment: usize, range: Range<u64> },
}

/// An archive's segments, told one after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    limits: Limits,
    sums: Sums,
    segments: usize,
    /// All but the last, which is open until the directory comes.
    stretches: Vec<Stretch>,
    /// With which segment the last begins.
    open_segment: usize,
}

/// Of an archive without its directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sums {
    files: u64,
    size: u64,
    copied: u64,
    /// Bytes since the last copied stretch.
    open: u64,
    /// Parts without those.
    parts: u64,
    directory: u64,
}

/// What one more segment does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    sums: Sums,
    copied: Option<Copied>,
}

/// What S3 copies of a segment's object, and how much goes through the caller before, some of the object too.
#[derive(Debug, Clone, Copy)]
struct Copied {
    through: u64,
    from: u64,
    to: u64,
}

impl Layout {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, sums: Sums::default(), segments: 0, stretches: vec![], open_segment: 0 }
    }

    /// What `segment` would do; nothing when it needs more bytes than can be counted, or more parts than there may be.
    pub(crate) fn step(&self, segment: &Segment) -> Option<Step> {
        let limits = &self.limits;
        let object = segment.object_len();
        let mut sums = self.sums;
        for (offset, facts) in segment.files() {
            sums.files += 1;
            sums.directory += directory_header_len(&facts, self.sums.size.checked_add(offset)?);
        }
        sums.size = sums.size.checked_add(segment.header_len())?.checked_add(object)?;
        sums.open += segment.header_len();

        let missing = if sums.open == 0 { 0 } else { limits.part_min.saturating_sub(sums.open) };
        let rest = object.saturating_sub(missing);
        // Of objects that are no larger than the smallest part S3 copies no range.
        let copied = (rest >= limits.part_min && object > limits.part_min).then(|| Copied {
            through: sums.open.saturating_add(missing),
            from: missing,
            to: object,
        });
        if let Some(Copied { through, .. }) = copied {
            sums.parts += limits.through_parts(through) + limits.copied_parts(rest);
            sums.copied += rest;
            sums.open = 0;
        } else {
            sums.open += object;
        }

        sums.finished_size()?;
        let fits = sums.finished_parts(limits) <= limits.parts_max.into();
        fits.then_some(Step { sums, copied })
    }

    /// Takes the segment that `step` was made for.
    pub(crate) fn push(&mut self, step: Step) {
        if let Some(Copied { through, from, to }) = step.copied {
            if through > 0 {
                let start = self.open_from();
                self.stretches.push(Stretch::Through {
                    segment: self.open_segment,
                    range: start..start.saturating_add(through),
                });
            }
            self.stretches.push(Stretch::Copied { segment: self.segments, range: from..to });
            self.open_segment = self.segments + 1;
        }
        self.sums = step.sums;
        self.segments += 1;
    }

    /// In which stretch a part is, and which of its bytes. Counted from 0.
    pub(crate) fn part(&self, index: u32) -> Option<(Stretch, Range<u64>)> {
        let last = Stretch::Through { segment: self.open_segment, range: self.open_from()..self.size() };
        let mut index = u64::from(index);
        for stretch in self.stretches.iter().chain([&last]) {
            let (parts, whole) = match stretch {
                Stretch::Through { range, .. } => (self.limits.through_parts(len(range)), range),
                Stretch::Copied { range, .. } => (self.limits.copied_parts(len(range)), range),
            };
            if index < parts {
                return share(whole, index, parts).map(|bytes| (stretch.clone(), bytes));
            }
            index -= parts;
        }
        None
    }

    fn open_from(&self) -> u64 {
        self.sums.size.saturating_sub(self.sums.open)
    }

    /// How many files there are.
    pub(crate) fn files(&self) -> u64 {
        self.sums.files
    }

    /// Bytes of the directory's lines.
    pub(crate) fn directory_len(&self) -> u64 {
        self.sums.directory
    }

    /// Bytes of the archive.
    pub(crate) fn size(&self) -> u64 {
        self.sums.finished_size().unwrap_or(u64::MAX)
    }

    pub(crate) fn copied(&self) -> u64 {
        self.sums.copied
    }

    /// How many parts the archive has: no more than the limit, of which each step made sure.
    pub(crate) fn parts(&self) -> u32 {
        u32::try_from(self.sums.finished_parts(&self.limits)).unwrap_or(u32::MAX)
    }
}

impl Step {
    /// Bytes of the archive, were this its last segment.
    pub(crate) fn size(&self) -> u64 {
        self.sums.finished_size().unwrap_or(u64::MAX)
    }
}

impl Sums {
    /// Bytes from the directory on.
    fn end(&self) -> u64 {
        self.directory.saturating_add(end_len(self.files, self.directory, self.size))
    }

    fn finished_size(&self) -> Option<u64> {
        self.size.checked_add(self.end())
    }

    fn finished_parts(&self, limits: &Limits) -> u64 {
        self.parts.saturating_add(limits.through_parts(self.open.saturating_add(self.end())))
    }
}

fn len(range: &Range<u64>) -> u64 {
    range.end.saturating_sub(range.start)
}

/// One of `parts` that are of the same length, but for a byte.
fn share(whole: &Range<u64>, index: u64, parts: u64) -> Option<Range<u64>> {
    let (shorter, longer) = (len(whole).checked_div(parts)?, len(whole).checked_rem(parts)?);
    let start = |index: u64| whole.start + index * shorter + index.min(longer);
    Some(start(index)..start(index + 1))
}
