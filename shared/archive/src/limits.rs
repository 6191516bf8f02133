use serde::{Deserialize, Serialize};

use crate::Error;

/// How large archives and their parts may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The largest archive in bytes. Only an archive of a single object or bundle may be larger.
    pub archive_bytes: u64,
    /// The smallest part in bytes. Only the last one may be smaller.
    pub part_min: u64,
    /// The largest part in bytes.
    pub part_max: u64,
    /// How many bytes a part should have that goes through the caller, who has it in memory. None has more than this or
    /// twice `part_min`, whichever is more.
    pub part_target: u64,
    /// The most parts of an archive.
    pub parts_max: u32,
}

const MEBIBYTE: u64 = 1 << 20;

impl Limits {
    /// The limits of S3 ("Amazon S3 multipart upload limits" in its user guide), and parts of 8 MiB through the caller.
    pub fn s3(archive_bytes: u64) -> Self {
        Self {
            archive_bytes,
            part_min: 5 * MEBIBYTE,
            part_max: 5120 * MEBIBYTE,
            part_target: 8 * MEBIBYTE,
            parts_max: 10_000,
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let Self { part_min, part_max, part_target, parts_max, .. } = *self;
        let two_fit = part_min.checked_mul(2).is_some_and(|two| two <= part_max);
        (part_min >= 1 && (part_min..=part_max).contains(&part_target) && two_fit && parts_max >= 1)
            .then_some(())
            .ok_or(Error::Limits)
    }

    /// Into how many parts bytes are cut that go through the caller: of the target's size, but none below the minimum.
    pub(crate) fn through_parts(&self, size_bytes: u64) -> u64 {
        let wanted = size_bytes.div_ceil(self.part_target.max(1));
        let possible = size_bytes.checked_div(self.part_min).unwrap_or(1).max(1);
        wanted.min(possible)
    }

    /// Into how many parts bytes are cut that S3 copies. None is below the minimum, since the largest part has room for two of the
    /// smallest.
    pub(crate) fn copied_parts(&self, size_bytes: u64) -> u64 {
        size_bytes.div_ceil(self.part_max.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_by_which_no_part_can_be_made_are_refused() {
        let s3 = Limits::s3(1);
        assert!(s3.check().is_ok());
        for bad in [
            Limits { part_min: 0, ..s3 },
            Limits { part_min: s3.part_target + 1, ..s3 },
            Limits { part_target: s3.part_max + 1, ..s3 },
            Limits { part_max: 2 * s3.part_min - 1, part_target: s3.part_min, ..s3 },
            Limits { part_min: u64::MAX, part_target: u64::MAX, part_max: u64::MAX, ..s3 },
            Limits { parts_max: 0, ..s3 },
        ] {
            assert_eq!(bad.check(), Err(Error::Limits), "{bad:?}");
        }
    }

    #[test]
    fn bytes_are_cut_into_parts_of_the_targets_size_and_none_too_small() {
        let limits = Limits { archive_bytes: 0, part_min: 5, part_max: 100, part_target: 8, parts_max: 1 };
        for (size_bytes, parts) in [(1, 1), (8, 1), (9, 1), (10, 2), (16, 2), (17, 3), (80, 10)] {
            assert_eq!(limits.through_parts(size_bytes), parts, "{size_bytes}");
        }
        for (size_bytes, parts) in [(1, 1), (100, 1), (101, 2), (200, 2), (201, 3)] {
            assert_eq!(limits.copied_parts(size_bytes), parts, "{size_bytes}");
        }
    }
}
