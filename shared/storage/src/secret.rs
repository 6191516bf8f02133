//! Secrets that somebody carries: shown once, stored as a hash.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest;
use serde::{Deserialize, Serialize};
use tenant_context::id::Randomness;

/// 256 random bits as 43 characters of base64url.
pub struct Secret(String);

impl Secret {
    /// A new one.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        let mut bytes = [0; 32];
        randomness.fill(&mut bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Its first characters, by which its owner tells it from others. The rest holds 216 random bits.
    pub fn prefix(&self) -> String {
        self.0.chars().take(6).collect()
    }

    /// The secret itself, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Never shows the secret.
impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// The SHA-256 of a secret, in lower-case hex. No salt and no stretching: the secrets are 256 random bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretHash(String);

impl SecretHash {
    /// The hash of `secret`.
    pub fn of(secret: &str) -> Self {
        let digest = digest::digest(&digest::SHA256, secret.as_bytes());
        Self(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// A hash as somebody wrote it down.
    pub fn from_hex(hex: &str) -> Self {
        Self(hex.to_ascii_lowercase())
    }

    /// Whether `secret` is the one. Both sides are hashes, so how long it takes says nothing about the secret.
    pub fn matches(&self, secret: &str) -> bool {
        *self == Self::of(secret)
    }

    /// The hash as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRandomness;

    #[test]
    fn only_the_secret_matches() {
        let secret = Secret::generate(&SystemRandomness::new());
        let hash = SecretHash::of(secret.reveal());

        assert!(hash.matches(secret.reveal()));
        assert!(!hash.matches(""));
        assert!(!hash.matches(hash.as_str()));
        assert_eq!(secret.reveal().len(), 43);
        assert!(!format!("{secret:?}").contains(secret.reveal()));
    }

    #[test]
    fn hashes_as_sha256sum_does() {
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(SecretHash::of("abc"), SecretHash::from_hex(hash));
    }
}
