use crate::Invalid;

/// How many bytes go into which part of a multipart upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartPlan {
    size_bytes: u64,
    part_size: u64,
}

/// One part of a multipart upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// From 1, as S3 counts.
    pub number: u16,
    /// How many bytes it has.
    pub size_bytes: u64,
}

const MEBIBYTE: u64 = 1 << 20;

/// S3's limit for one upload.
const MOST_PARTS: u16 = 10_000;

// S3 takes parts of 5 MiB to 5 GiB; the last may be smaller.
const _: () = assert!(PartPlan::PART_SIZE >= 5 * MEBIBYTE);
const _: () = assert!(PartPlan::LARGEST / PartPlan::PART_SIZE <= MOST_PARTS as u64);

impl PartPlan {
    /// The largest upload: 5 GiB.
    pub const LARGEST: u64 = 5 << 30;

    const PART_SIZE: u64 = 8 * MEBIBYTE;

    /// A plan for `size_bytes` bytes.
    ///
    /// # Errors
    /// [`Invalid`] for nothing, and for more than [`PartPlan::LARGEST`].
    pub fn for_size(size_bytes: u64) -> Result<Self, Invalid> {
        if !(1..=Self::LARGEST).contains(&size_bytes) {
            return Err(Invalid::new("an upload has 1 to 5368709120 bytes (5 GiB)"));
        }
        Ok(Self { size_bytes, part_size: Self::PART_SIZE })
    }

    /// Bytes in each part of an archive, which may have more bytes than an upload.
    pub(crate) fn part_size_of_archive(size_bytes: u64) -> u64 {
        let smallest = size_bytes.div_ceil(u64::from(MOST_PARTS)).div_ceil(MEBIBYTE) * MEBIBYTE;
        smallest.max(Self::PART_SIZE)
    }

    pub(crate) fn resume(size_bytes: u64, part_size: u64) -> Self {
        Self { size_bytes, part_size }
    }

    /// How many bytes each part has but the last, which has what is left.
    pub fn part_size(self) -> u64 {
        self.part_size
    }

    /// Whether all bytes fit into one part, so that nobody needs to put any together.
    pub fn is_one_piece(self) -> bool {
        self.size_bytes <= self.part_size
    }

    /// The parts in their order.
    pub fn parts(self) -> impl Iterator<Item = Part> {
        (1..=MOST_PARTS).scan(self.size_bytes, move |left, number| {
            let size_bytes = self.part_size.min(*left);
            *left -= size_bytes;
            (size_bytes > 0).then_some(Part { number, size_bytes })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(size_bytes: u64) -> Vec<u64> {
        PartPlan::for_size(size_bytes).unwrap().parts().map(|part| part.size_bytes).collect()
    }

    #[test]
    fn the_last_part_has_what_is_left() {
        const PART: u64 = PartPlan::PART_SIZE;
        assert_eq!(sizes(1), [1]);
        assert_eq!(sizes(PART), [PART]);
        assert_eq!(sizes(PART + 1), [PART, 1]);
        assert_eq!(sizes(2 * PART), [PART, PART]);
    }

    #[test]
    fn what_fits_into_one_part_is_one_piece() {
        let is_one_piece = |size_bytes| PartPlan::for_size(size_bytes).unwrap().is_one_piece();
        assert!(is_one_piece(1) && is_one_piece(PartPlan::PART_SIZE));
        assert!(!is_one_piece(PartPlan::PART_SIZE + 1) && !is_one_piece(PartPlan::LARGEST));
    }

    #[test]
    fn the_largest_upload_fits() {
        let parts: Vec<Part> = PartPlan::for_size(PartPlan::LARGEST).unwrap().parts().collect();
        assert_eq!(parts.len(), 640);
        assert_eq!(parts.iter().map(|part| part.size_bytes).sum::<u64>(), PartPlan::LARGEST);
        assert_eq!(parts.last().unwrap().number, 640);
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        assert!(PartPlan::for_size(0).is_err());
        assert!(PartPlan::for_size(PartPlan::LARGEST + 1).is_err());
        assert!(PartPlan::for_size(u64::MAX).is_err());
    }
}
