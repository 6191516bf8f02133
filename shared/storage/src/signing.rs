//! The keys that sign tokens. Their private halves never leave KMS. There are two, so that one can be rotated for the other: the
//! first one signs, and what either has signed is verified.

use aws_sdk_kms::{
    primitives::Blob,
    types::{MessageType, SigningAlgorithmSpec},
};
use tenant_context::{
    Grant,
    permission::CarryOutDeletion,
    token::{Unsigned, VerificationKey},
};

use crate::{Storage, StorageError, error::During};

impl Storage {
    /// The public keys that tokens may be signed by, the one that signs first; asked for once a process.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when KMS does not answer.
    pub async fn verification_keys(&self) -> Result<&[VerificationKey], StorageError> {
        self.verification_keys
            .get_or_try_init(async || {
                let mut keys = Vec::new();
                for key_id in self.environment.get("SIGNING_KEYS")?.split(',') {
                    let request = self.own.kms().get_public_key().key_id(key_id);
                    let answer = request.send().await.during("kms:GetPublicKey")?;
                    let der = answer.public_key.map(Blob::into_inner).unwrap_or_default();
                    keys.push(VerificationKey::from_public_key_info(&der).map_err(StorageError::corrupt)?);
                }
                Ok(keys)
            })
            .await
            .map(Vec::as_slice)
    }

    /// The key that new tokens are signed by.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when KMS does not answer.
    pub async fn signing_key_id(&self) -> Result<&str, StorageError> {
        let first = self.verification_keys().await?.first();
        first.map(VerificationKey::id).ok_or_else(|| StorageError::corrupt("no signing key"))
    }

    /// The public half of the key that signs certificates, as a DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when KMS does not answer.
    pub async fn certificate_key(&self) -> Result<Vec<u8>, StorageError> {
        let request = self.own.kms().get_public_key().key_id(self.environment.get("CERTIFICATE_KEY")?);
        let answer = request.send().await.during("kms:GetPublicKey")?;
        Ok(answer.public_key.map(Blob::into_inner).unwrap_or_default())
    }

    /// Signs a certificate (ES256) by its digest, for whoever has carried the deletion out. Answers DER.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when KMS does not answer.
    pub async fn sign_certificate(
        &self,
        _grant: &Grant<'_, CarryOutDeletion>,
        digest: [u8; 32],
    ) -> Result<Vec<u8>, StorageError> {
        let request = self
            .own
            .kms()
            .sign()
            .key_id(self.environment.get("CERTIFICATE_KEY")?)
            .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
            .message_type(MessageType::Digest)
            .message(Blob::new(digest));
        Ok(request.send().await.during("kms:Sign")?.signature.map(Blob::into_inner).unwrap_or_default())
    }

    /// Signs a token (RS256).
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when KMS does not answer.
    pub async fn sign(&self, token: Unsigned) -> Result<String, StorageError> {
        let keys = self.environment.get("SIGNING_KEYS")?;
        let answer = self
            .own
            .kms()
            .sign()
            .key_id(keys.split(',').next().unwrap_or_default())
            .signing_algorithm(SigningAlgorithmSpec::RsassaPkcs1V15Sha256)
            .message(Blob::new(token.input()))
            .send()
            .await
            .during("kms:Sign")?;
        Ok(token.sign_with(answer.signature.unwrap_or_else(|| Blob::new([])).as_ref()))
    }
}
