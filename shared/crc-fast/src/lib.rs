//! The three checksums that S3's client can ask for, under the names by which it asks.
//!
//! The crate that it is written against has tables for a hundred algorithms, 0.7 MB that no compression makes smaller, in every function
//! that has the client. CRC-32 is the one that Castkeep asks for, so it is the quick one here.

use std::fmt;

use crc::{CRC_32_ISCSI, CRC_64_NVME, Crc, Digest as Slow, Table};

static CRC_32C: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISCSI);
static CRC_64: Crc<u64, Table<1>> = Crc::<u64, Table<1>>::new(&CRC_64_NVME);

/// Which checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrcAlgorithm {
    /// S3's `CRC32`, that of ZIP and Ethernet.
    Crc32IsoHdlc,
    /// S3's `CRC32C` (RFC 3720).
    Crc32Iscsi,
    /// S3's `CRC64NVME`.
    Crc64Nvme,
}

/// The checksum of bytes that come in pieces.
#[derive(Clone)]
pub struct Digest(State);

#[derive(Clone)]
enum State {
    Crc32(crc32fast::Hasher),
    Crc32c(Slow<'static, u32, Table<1>>),
    Crc64(Slow<'static, u64, Table<1>>),
}

impl Digest {
    /// Of no bytes yet.
    pub fn new(algorithm: CrcAlgorithm) -> Self {
        Self(match algorithm {
            CrcAlgorithm::Crc32IsoHdlc => State::Crc32(crc32fast::Hasher::new()),
            CrcAlgorithm::Crc32Iscsi => State::Crc32c(CRC_32C.digest()),
            CrcAlgorithm::Crc64Nvme => State::Crc64(CRC_64.digest()),
        })
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Crc32(hasher) => hasher.update(bytes),
            State::Crc32c(digest) => digest.update(bytes),
            State::Crc64(digest) => digest.update(bytes),
        }
    }

    /// The checksum; one of 32 bits is in the lower half.
    pub fn finalize(&self) -> u64 {
        match self.0.clone() {
            State::Crc32(hasher) => hasher.finalize().into(),
            State::Crc32c(digest) => digest.finalize().into(),
            State::Crc64(digest) => digest.finalize(),
        }
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Digest").field(&self.finalize()).finish()
    }
}

/// The checksum of bytes that are all here.
pub fn checksum(algorithm: CrcAlgorithm, bytes: &[u8]) -> u64 {
    let mut digest = Digest::new(algorithm);
    digest.update(bytes);
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of <https://reveng.sourceforge.io/crc-catalogue/all.htm>.
    #[test]
    fn checksums_are_those_of_the_catalogue() {
        for (algorithm, of_nothing, check) in [
            (CrcAlgorithm::Crc32IsoHdlc, 0, 0xcbf4_3926),
            (CrcAlgorithm::Crc32Iscsi, 0, 0xe306_9283),
            (CrcAlgorithm::Crc64Nvme, 0, 0xae8b_1486_0a79_9888),
        ] {
            assert_eq!(checksum(algorithm, b""), of_nothing, "{algorithm:?}");
            assert_eq!(checksum(algorithm, b"123456789"), check, "{algorithm:?}");
            let mut digest = Digest::new(algorithm);
            for piece in [b"1234".as_slice(), b"", b"56789"] {
                digest.update(piece);
            }
            assert_eq!(digest.finalize(), check, "{algorithm:?} in pieces");
        }
    }
}
