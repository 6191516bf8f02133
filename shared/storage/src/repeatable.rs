//! Randomness that comes again: what a repeated request makes is what the first one made, although no store keeps the secrets in
//! it. It is derived from the tenancy's data key and the caller's own `Idempotency-Key`, which is stored as a hash only; or, where a
//! message asks, its id.

use std::fmt;

use ring::hmac;
use tenant_context::{Grant, Permission, TenantContext, Timestamp, id::Randomness};

use crate::{IdempotencyKey, Storage, StorageError, sealed::DataKey};

/// What one request may draw from, again and again. `Debug` does not show it.
pub struct Repeatable {
    key: hmac::Key,
}

/// One thing's share of it: every time the same bytes.
pub struct Draw {
    key: hmac::Key,
}

impl Storage {
    /// What the request with this key, first made at `at`, draws from.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer.
    pub async fn repeatable<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        key: &IdempotencyKey,
        at: Timestamp,
    ) -> Result<Repeatable, StorageError> {
        let context = grant.context();
        let request = format!("{}/{at}/{}/{}", context.principal(), key.request.as_str(), key.key);
        self.with_data_key(context, |key| Ok(Repeatable::new(context, key, "repeatable", &request))).await
    }
}

impl Repeatable {
    /// What the request of this kind draws from.
    pub(crate) fn new(context: &TenantContext, key: &DataKey, kind: &str, request: &str) -> Self {
        let secret = key.blind_index(context, kind, request);
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()) }
    }

    /// The share of the thing with this name.
    pub fn draw(&self, name: &str) -> Draw {
        let derived = hmac::sign(&self.key, name.as_bytes());
        Draw { key: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()) }
    }
}

impl Randomness for Draw {
    fn fill(&self, bytes: &mut [u8]) {
        for (block, number) in bytes.chunks_mut(32).zip(0_u64..) {
            let derived = hmac::sign(&self.key, &number.to_be_bytes());
            for (byte, drawn) in block.iter_mut().zip(derived.as_ref()) {
                *byte = *drawn;
            }
        }
    }
}

/// Never shows the key.
impl fmt::Debug for Repeatable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Repeatable")
    }
}

/// Never shows the key.
impl fmt::Debug for Draw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Draw")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(secret: &[u8], name: &str) -> [u8; 80] {
        let mut bytes = [0; 80];
        Repeatable { key: hmac::Key::new(hmac::HMAC_SHA256, secret) }.draw(name).fill(&mut bytes);
        bytes
    }

    #[test]
    fn the_same_thing_draws_the_same_and_another_something_else() {
        let first = drawn(b"secret", "0/token");
        assert_eq!(drawn(b"secret", "0/token"), first);
        assert_ne!(drawn(b"secret", "1/token"), first);
        assert_ne!(drawn(b"other", "0/token"), first);
        assert_ne!(first[..32], first[32..64]);
    }
}
