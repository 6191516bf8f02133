use std::ops::Range;

use crate::probe::{ProbeError, Refusal, source::Source};

/// A box and where its body is in the file.
pub(super) struct Mp4Box {
    pub(super) kind: [u8; 4],
    pub(super) body: Range<u64>,
}

/// The boxes in a part of the file, one after the other (14496-12, 4.2).
pub(super) struct Boxes(Range<u64>);

impl Boxes {
    pub(super) fn new(part: Range<u64>) -> Self {
        Self(part)
    }

    /// The next box.
    ///
    /// # Errors
    /// [`Refusal::Truncated`] when it goes on beyond the end of the file, [`Refusal::Damaged`] when beyond that of its parent.
    pub(super) fn next(&mut self, source: &mut Source) -> Result<Option<Mp4Box>, ProbeError> {
        let Range { start, end } = self.0;
        // Fewer bytes than a header are padding: QuickTime ends lists with four zeros.
        if end - start < 8 {
            return Ok(None);
        }
        let [a, b, c, d, kind @ ..] = source.array::<8>(start)?;
        let (header_len, len) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (8, end - start),
            1 => (16, u64::from_be_bytes(source.array(start + 8)?)),
            len => (8, len.into()),
        };
        if len < header_len {
            return Err(Refusal::Damaged.into());
        }
        if len > end - start {
            return Err(if end == source.len() { Refusal::Truncated } else { Refusal::Damaged }.into());
        }
        self.0.start = start + len;
        Ok(Some(Mp4Box { kind, body: start + header_len..start + len }))
    }
}

/// The first box of this kind in a part of the file.
pub(super) fn find_child(
    source: &mut Source,
    part: Range<u64>,
    wanted: [u8; 4],
) -> Result<Option<Range<u64>>, ProbeError> {
    let mut boxes = Boxes::new(part);
    while let Some(Mp4Box { kind, body }) = boxes.next(source)? {
        if kind == wanted {
            return Ok(Some(body));
        }
    }
    Ok(None)
}
