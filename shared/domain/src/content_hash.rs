use std::str::FromStr;

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Invalid, text::checked_text};

/// A SHA-256 of bytes (FIPS 180-4) in lower-case hexadecimal; what content-addressed media is filed under.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[0-9a-f]{64}$"))]
pub struct ContentHash(String);

impl ContentHash {
    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = digest::digest(&digest::SHA256, bytes);
        Self(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// From the 32 bytes of a digest.
    pub fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The 32 bytes of the digest.
    pub fn to_digest(&self) -> [u8; 32] {
        let value = |digit: &u8| match digit {
            b'0'..=b'9' => digit - b'0',
            _ => digit - b'a' + 10,
        };
        let mut digest = [0; 32];
        for (byte, digits) in digest.iter_mut().zip(self.0.as_bytes().chunks(2)) {
            *byte = digits.iter().fold(0, |byte, digit| byte << 4 | value(digit));
        }
        digest
    }

    /// As Subresource Integrity writes it (W3C SRI, 3.5): `sha256-` and the digest in Base64.
    pub fn to_integrity(&self) -> String {
        format!("sha256-{}", BASE64_STANDARD.encode(self.to_digest()))
    }
}

impl FromStr for ContentHash {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.len() != 64 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(Invalid::new("a SHA-256 has 64 lower-case hexadecimal digits"));
        }
        Ok(Self(text.to_owned()))
    }
}

checked_text!(ContentHash);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_64_lower_case_digits() {
        let hash = ContentHash::from_digest([0x0a; 32]);
        assert_eq!(hash.as_str(), "0a".repeat(32));
        assert_eq!(hash.as_str().parse(), Ok(hash));
        let digest = std::array::from_fn(|index| (index * 8 + 3) as u8);
        assert_eq!(ContentHash::from_digest(digest).to_digest(), digest);
        for bad in ["", &"0A".repeat(32), &"0a".repeat(31), &"0g".repeat(32), &"é".repeat(32)] {
            assert!(bad.parse::<ContentHash>().is_err(), "{bad:?}");
        }
    }

    /// What `openssl dgst -sha256 -binary < /dev/null | base64` prints.
    #[test]
    fn integrity_is_base64_of_the_digest() {
        let empty = ContentHash::of(b"");
        assert_eq!(empty.to_integrity(), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }
}
