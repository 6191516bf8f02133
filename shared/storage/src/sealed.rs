//! Personal fields, sealed with AES-256-GCM before they leave the function.
//!
//! The data key is the tenancy's, wrapped by its KMS key under the encryption context `TenancyId`, and kept beside the tenancy.
//! When that KMS key is destroyed, every copy of the sealed fields is unreadable, those in backups included.

use std::fmt;

use aws_sdk_kms::primitives::Blob;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use serde::{Deserialize, Serialize};
use tenant_context::{TenantContext, id::Randomness};

use crate::{Storage, StorageError, error::During, keys::Collection};

/// A tenancy's data key, unwrapped.
pub(crate) struct DataKey {
    sealing: LessSafeKey,
    indexing: hmac::Key,
}

/// Never shows the key.
impl fmt::Debug for DataKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DataKey")
    }
}

/// A sealed field as it is stored: base64 of nonce, ciphertext and tag.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Sealed(String);

impl DataKey {
    pub(crate) fn new(plaintext: &[u8]) -> Result<Self, StorageError> {
        let sealing = UnboundKey::new(&AES_256_GCM, plaintext).map_err(StorageError::corrupt)?;
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, plaintext), b"blind index");
        Ok(Self {
            sealing: LessSafeKey::new(sealing),
            indexing: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()),
        })
    }

    /// Seals `text`; it opens only for the same tenancy and the same `field` (say `usr_…/email`).
    pub(crate) fn seal(
        &self,
        context: &TenantContext,
        field: &str,
        text: &str,
        randomness: &dyn Randomness,
    ) -> Result<Sealed, StorageError> {
        let mut nonce = [0; NONCE_LEN];
        randomness.fill(&mut nonce);
        let mut bytes = text.as_bytes().to_vec();
        self.sealing
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad(context, field), &mut bytes)
            .map_err(StorageError::corrupt)?;
        Ok(Sealed(STANDARD_NO_PAD.encode([nonce.as_slice(), &bytes].concat())))
    }

    /// What stands for `text` where it must be found and may not be read: the same for the same text in the same tenancy.
    pub(crate) fn blind_index(&self, context: &TenantContext, kind: &str, text: &str) -> String {
        let message = format!("{}/{kind}/{text}", context.tenancy());
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.indexing, message.as_bytes()))
    }

    /// Opens what [`DataKey::seal`] sealed.
    pub(crate) fn open(
        &self,
        context: &TenantContext,
        field: &str,
        sealed: &Sealed,
    ) -> Result<String, StorageError> {
        let unreadable = || StorageError::corrupt(format!("{field} does not open"));
        let bytes = STANDARD_NO_PAD.decode(&sealed.0).map_err(|_| unreadable())?;
        let (nonce, ciphertext) = bytes.split_at_checked(NONCE_LEN).ok_or_else(unreadable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| unreadable())?;
        let mut ciphertext = ciphertext.to_vec();
        let text = self
            .sealing
            .open_in_place(nonce, aad(context, field), &mut ciphertext)
            .map_err(|_| unreadable())?;
        String::from_utf8(text.to_vec()).map_err(|_| unreadable())
    }
}

fn aad(context: &TenantContext, field: &str) -> Aad<String> {
    Aad::from(format!("{}/{field}", context.tenancy()))
}

#[derive(Deserialize)]
struct WrappedKey {
    wrapped_data_key: String,
}

/// How a wrapped data key is stored.
pub(crate) fn wrapped(blob: &[u8]) -> String {
    STANDARD_NO_PAD.encode(blob)
}

impl Storage {
    /// Calls `work` with the tenancy's data key, unwrapping it on first use of these credentials.
    pub(crate) async fn with_data_key<T>(
        &self,
        context: &TenantContext,
        work: impl FnOnce(&DataKey) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let tenant = self.tenant(context).await?;
        let key = tenant
            .data_key
            .get_or_try_init(async || {
                let id = context.tenancy().as_str();
                let tenancy: Option<WrappedKey> = self.find(context, Collection::Tenancy, id).await?;
                let tenancy = tenancy.ok_or_else(|| StorageError::corrupt("the tenancy is missing"))?;
                let blob = STANDARD_NO_PAD.decode(tenancy.wrapped_data_key).map_err(StorageError::corrupt)?;
                let answer = tenant
                    .clients
                    .kms()
                    .decrypt()
                    .key_id(self.tenancy_key(context.tenancy())?)
                    .ciphertext_blob(Blob::new(blob))
                    .encryption_context("TenancyId", id)
                    .send()
                    .await
                    .during("kms:Decrypt")?;
                DataKey::new(answer.plaintext.unwrap_or_else(|| Blob::new([])).as_ref())
            })
            .await?;
        work(key)
    }
}

#[cfg(test)]
mod tests {
    use tenant_context::Worker;

    use super::*;
    use crate::SystemRandomness;

    fn context(last: char) -> TenantContext {
        let tenancy = format!("ten_01ARZ3NDEKTSV4RRFFQ69G5FA{last}");
        TenantContext::from_queue(tenancy.parse().unwrap(), Worker::Media)
    }

    #[test]
    fn a_field_opens_for_its_own_tenancy_and_place_only() {
        let key = DataKey::new(&[7; 32]).unwrap();
        let sealed =
            key.seal(&context('A'), "usr_1/email", "ada@example.org", &SystemRandomness::new()).unwrap();

        assert_eq!(key.open(&context('A'), "usr_1/email", &sealed).unwrap(), "ada@example.org");
        assert!(key.open(&context('B'), "usr_1/email", &sealed).is_err());
        assert!(key.open(&context('A'), "usr_2/email", &sealed).is_err());
        assert!(DataKey::new(&[8; 32]).unwrap().open(&context('A'), "usr_1/email", &sealed).is_err());
        assert!(!sealed.0.contains("ada"));
    }

    #[test]
    fn an_index_finds_and_tells_nothing() {
        let key = DataKey::new(&[7; 32]).unwrap();
        let index = |last, text| key.blind_index(&context(last), "email", text);
        assert_eq!(index('A', "ada@example.org"), index('A', "ada@example.org"));
        assert_ne!(index('A', "ada@example.org"), index('A', "ida@example.org"));
        assert_ne!(index('A', "ada@example.org"), index('B', "ada@example.org"));
        let other = DataKey::new(&[8; 32]).unwrap().blind_index(&context('A'), "email", "ada@example.org");
        assert_ne!(index('A', "ada@example.org"), other);
    }
}
