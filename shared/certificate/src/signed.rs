use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Certificate, Digest, Keys, NotCanonical, canonical};

/// Tells our signatures from a token's, should a key ever sign both.
const TYPE: &str = "castkeep-destruction-certificate";

/// A certificate and its signature: what is written to a file and given away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedCertificate {
    /// What is said.
    pub certificate: Certificate,
    /// A JWS (RFC 7515) in the compact form, its payload detached (Appendix F): `header..signature`, ES256. The payload is the
    /// canonical JSON (RFC 8785) of `certificate`.
    pub signature: String,
}

/// A certificate that still needs its signature: sign [`Unsigned::signing_input`], or [`Unsigned::digest`], then
/// [`Unsigned::sign_with`].
#[derive(Debug)]
pub struct Unsigned {
    certificate: Certificate,
    header: String,
    input: String,
}

/// A certificate that was found genuine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What it says.
    pub certificate: Certificate,
    /// The key that signed it.
    pub key_id: String,
}

/// What should be a signature is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an ECDSA signature on P-256")]
pub struct NotASignature;

/// Why a certificate is not believed, in one plain sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum Why {
    #[error("It is not a signed certificate: {0}.")]
    Malformed(String),
    #[error(
        "Its signature is not of the kind that certificates have (ES256, RFC 7515 with a detached payload)."
    )]
    Algorithm,
    #[error("It was signed by the key {0}, which is not among the keys.")]
    UnknownKey(String),
    #[error("The signature does not match: it was changed, or somebody else signed it.")]
    Signature,
    #[error("It contradicts itself. {0}")]
    Contradiction(&'static str),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

impl Unsigned {
    /// For the key with this id to sign.
    ///
    /// # Errors
    /// [`Why::Contradiction`] for what does not go together, [`Why::Malformed`] for what has no canonical form.
    pub fn new(certificate: Certificate, key_id: &str) -> Result<Self, Why> {
        if let Some(contradiction) = certificate.contradiction() {
            return Err(Why::Contradiction(contradiction));
        }
        let header = Header { alg: "ES256".to_owned(), kid: key_id.to_owned(), typ: TYPE.to_owned() };
        let header = URL_SAFE_NO_PAD.encode(canonical(&header)?);
        let input = signing_input(&header, &certificate)?;
        Ok(Self { certificate, header, input })
    }

    /// The bytes to sign (RFC 7515, 5.1).
    pub fn signing_input(&self) -> &[u8] {
        self.input.as_bytes()
    }

    /// Their SHA-256, for KMS, which takes no longer messages than 4,096 bytes.
    pub fn digest(&self) -> [u8; 32] {
        *Digest::of(&[self.signing_input()]).as_bytes()
    }

    /// The signed certificate, of the DER signature that KMS answers (RFC 3279, 2.2.3).
    ///
    /// # Errors
    /// [`NotASignature`] for anything else.
    pub fn sign_with(self, der: &[u8]) -> Result<SignedCertificate, NotASignature> {
        let signature = URL_SAFE_NO_PAD.encode(fixed_form(der).ok_or(NotASignature)?);
        Ok(SignedCertificate {
            certificate: self.certificate,
            signature: format!("{}..{signature}", self.header),
        })
    }
}

impl SignedCertificate {
    /// The certificate's file: canonical JSON, and so always the same bytes.
    ///
    /// # Errors
    /// [`NotCanonical`] for what cannot be signed either.
    pub fn to_json(&self) -> Result<String, NotCanonical> {
        canonical(self)
    }
}

/// Checks a certificate's file against the keys that its reader trusts. However the JSON is laid out, what it says must be what was
/// signed.
///
/// # Errors
/// Why it is not believed.
pub fn verify(json: &str, keys: &Keys) -> Result<Verified, Why> {
    let signed: SignedCertificate =
        serde_json::from_str(json).map_err(|error| Why::Malformed(error.to_string()))?;
    let (header, signature) = signed.signature.split_once("..").ok_or(Why::Algorithm)?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Why::Algorithm);

    let Header { alg, kid, typ } = serde_json::from_slice(&decode(header)?).map_err(|_| Why::Algorithm)?;
    if alg != "ES256" || typ != TYPE {
        return Err(Why::Algorithm);
    }
    let Some(key) = keys.find(&kid) else { return Err(Why::UnknownKey(kid)) };
    let input = signing_input(header, &signed.certificate)?;
    if !key.signed(input.as_bytes(), &decode(signature)?) {
        return Err(Why::Signature);
    }
    match signed.certificate.contradiction() {
        Some(contradiction) => Err(Why::Contradiction(contradiction)),
        None => Ok(Verified { certificate: signed.certificate, key_id: kid }),
    }
}

fn signing_input(header: &str, certificate: &Certificate) -> Result<String, NotCanonical> {
    Ok(format!("{header}.{}", URL_SAFE_NO_PAD.encode(canonical(certificate)?)))
}

impl From<NotCanonical> for Why {
    fn from(error: NotCanonical) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// Both numbers of a DER `Ecdsa-Sig-Value` in a row, 32 bytes each (RFC 7518, 3.4). Takes DER alone: each number in its shortest form.
fn fixed_form(der: &[u8]) -> Option<[u8; 64]> {
    let (numbers, rest) = der_value(der, 0x30)?;
    let (r, numbers) = der_value(numbers, 0x02)?;
    let (s, numbers) = der_value(numbers, 0x02)?;
    if !rest.is_empty() || !numbers.is_empty() {
        return None;
    }

    let mut fixed = [0; 64];
    let (left, right) = fixed.split_at_mut(32);
    write_number(r, left)?;
    write_number(s, right)?;
    Some(fixed)
}

/// The contents of what `der` begins with, where it has this tag, and what follows it. An ECDSA signature on P-256 has less than 128
/// bytes, so every length is one byte.
fn der_value(der: &[u8], expected: u8) -> Option<(&[u8], &[u8])> {
    let ([tag, length], rest) = der.split_first_chunk()?;
    if *tag != expected || *length >= 0x80 {
        return None;
    }
    rest.split_at_checked(usize::from(*length))
}

/// Writes a positive DER integer to the end of `bytes`.
fn write_number(number: &[u8], bytes: &mut [u8]) -> Option<()> {
    let digits = match number {
        [0, next, ..] if *next >= 0x80 => number.get(1..)?,
        [1..=0x7f, ..] => number,
        _ => return None,
    };
    let start = bytes.len().checked_sub(digits.len())?;
    bytes.get_mut(start..)?.copy_from_slice(digits);
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::Index};
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::{PublicKey, certificate::tests::certificate};

    /// Signs as KMS does: DER out.
    struct Signer {
        pair: EcdsaKeyPair,
        key: PublicKey,
    }

    impl Signer {
        fn new() -> Self {
            let random = SystemRandom::new();
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
            let pair =
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
            let point = &pair.public_key().as_ref()[1..];
            let (x, y) = point.split_at(32);
            let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": "k1", "x": encode(x), "y": encode(y) });
            Self { pair, key: PublicKey::from_jwk(&jwk).unwrap() }
        }

        fn keys(&self) -> Keys {
            Keys::new(vec![self.key.clone()])
        }

        fn sign(&self, certificate: Certificate) -> SignedCertificate {
            self.sign_as(certificate, self.key.id())
        }

        fn sign_as(&self, certificate: Certificate, key_id: &str) -> SignedCertificate {
            let unsigned = Unsigned::new(certificate, key_id).unwrap();
            let der = self.pair.sign(&SystemRandom::new(), unsigned.signing_input()).unwrap();
            unsigned.sign_with(der.as_ref()).unwrap()
        }
    }

    fn json(signed: &SignedCertificate) -> String {
        signed.to_json().unwrap()
    }

    #[test]
    fn what_was_signed_is_believed_however_it_is_laid_out() {
        let signer = Signer::new();
        let signed = signer.sign(certificate());
        let verified = verify(&json(&signed), &signer.keys()).unwrap();
        assert_eq!((verified.certificate, verified.key_id.as_str()), (certificate(), "k1"));

        let pretty = serde_json::to_string_pretty(&signed).unwrap();
        assert!(verify(&pretty, &signer.keys()).is_ok());
    }

    #[test]
    fn a_key_that_is_not_trusted_signs_nothing() {
        let (signer, other) = (Signer::new(), Signer::new());
        let signed = json(&signer.sign(certificate()));
        assert_eq!(verify(&signed, &other.keys()), Err(Why::Signature), "another key of that name");
        let renamed = json(&signer.sign_as(certificate(), "k2"));
        assert_eq!(verify(&renamed, &signer.keys()), Err(Why::UnknownKey("k2".to_owned())));
        assert_eq!(verify(&signed, &Keys::default()), Err(Why::UnknownKey("k1".to_owned())));
    }

    #[test]
    fn forged_headers_are_refused() {
        let signer = Signer::new();
        let signed = signer.sign(certificate());
        let (_, signature) = signed.signature.split_once("..").unwrap();
        for header in [
            json!({ "alg": "none", "kid": "k1", "typ": TYPE }),
            json!({ "alg": "HS256", "kid": "k1", "typ": TYPE }),
            json!({ "alg": "ES256", "kid": "k1", "typ": "JWT" }),
            json!({ "alg": "ES256", "kid": "k1" }),
            json!({ "alg": "ES256", "kid": "k1", "typ": TYPE, "crit": ["b64"], "b64": false }),
            json!({ "alg": "ES256", "kid": "k1", "typ": TYPE, "jwk": {} }),
        ] {
            let header = URL_SAFE_NO_PAD.encode(header.to_string());
            let forged = SignedCertificate { signature: format!("{header}..{signature}"), ..signed.clone() };
            assert_eq!(verify(&json(&forged), &signer.keys()), Err(Why::Algorithm));
        }
        for other in ["", "..", "a.b.c", &format!("{signature}..{signature}")] {
            let forged = SignedCertificate { signature: other.to_owned(), ..signed.clone() };
            assert_eq!(verify(&json(&forged), &signer.keys()), Err(Why::Algorithm), "{other}");
        }
        let (header, _) = signed.signature.split_once("..").unwrap();
        let unsigned = SignedCertificate { signature: format!("{header}.."), ..signed.clone() };
        assert_eq!(verify(&json(&unsigned), &signer.keys()), Err(Why::Signature));
    }

    #[test]
    fn what_contradicts_itself_is_not_signed() {
        let mut contradicting = certificate();
        contradicting.stores.clear();
        assert!(matches!(Unsigned::new(contradicting, "k1"), Err(Why::Contradiction(_))));
        let mut too_large = certificate();
        too_large.stores[0].bytes = u64::MAX;
        assert!(matches!(Unsigned::new(too_large, "k1"), Err(Why::Malformed(_))));
    }

    /// Every place in a JSON value that is a text or a number.
    fn leaves(value: &Value, pointer: String, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| leaves(value, format!("{pointer}/{name}"), found));
            }
            Value::Array(values) => {
                values
                    .iter()
                    .enumerate()
                    .for_each(|(at, value)| leaves(value, format!("{pointer}/{at}"), found));
            }
            _ => found.push(pointer),
        }
    }

    #[test]
    fn a_change_of_any_single_field_is_noticed() {
        let signer = Signer::new();
        let signed = serde_json::to_value(signer.sign(certificate())).unwrap();
        let mut fields = Vec::new();
        leaves(&signed, String::new(), &mut fields);
        assert_eq!(fields.len(), 45);
        for field in fields {
            let mut changed = signed.clone();
            let value = changed.pointer_mut(&field).unwrap();
            *value = match &*value {
                Value::String(text) => format!("{text}x").into(),
                number => (number.as_u64().unwrap() + 1).into(),
            };
            assert!(verify(&changed.to_string(), &signer.keys()).is_err(), "{field}");

            let (parent, name) = field.rsplit_once('/').unwrap();
            let mut removed = signed.clone();
            if removed.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).is_some() {
                assert!(verify(&removed.to_string(), &signer.keys()).is_err(), "{field} removed");
            }
        }
        let mut more = signed.clone();
        more["certificate"]["more"] = "x".into();
        assert!(matches!(verify(&more.to_string(), &signer.keys()), Err(Why::Malformed(_))));
        let twice = signed.to_string().replacen("\"generation\":2", "\"generation\":2,\"generation\":2", 1);
        assert!(
            matches!(verify(&twice, &signer.keys()), Err(Why::Malformed(_))),
            "a member that is there twice"
        );
    }

    proptest! {
        #[test]
        fn a_change_of_any_byte_is_noticed(at in any::<Index>(), flip in 1..=u8::MAX) {
            let signer = Signer::new();
            let mut bytes = json(&signer.sign(certificate())).into_bytes();
            *at.get_mut(&mut bytes) ^= flip;
            if let Ok(text) = String::from_utf8(bytes) {
                prop_assert!(verify(&text, &signer.keys()).is_err(), "{text}");
            }
        }

        #[test]
        fn der_of_any_two_numbers_becomes_their_fixed_form(r in any::<[u8; 32]>(), s in any::<[u8; 32]>(), zeros in 0..32_usize) {
            let (mut r, mut s) = (r, s);
            r[..zeros].fill(0);
            r[31] |= 1;
            s[31] |= 1;
            let der = der_of(&r, &s);
            prop_assert_eq!(fixed_form(&der).unwrap().to_vec(), [r, s].concat());
            prop_assert_eq!(fixed_form(&der[..der.len() - 1]), None);
            prop_assert_eq!(fixed_form(&[&der[..], &[0]].concat()), None);
        }

        #[test]
        fn no_bytes_break_the_reader_of_der(der in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = fixed_form(&der);
        }
    }

    fn der_of(r: &[u8], s: &[u8]) -> Vec<u8> {
        let number = |bytes: &[u8]| {
            let digits: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
            let sign = if digits[0] >= 0x80 { vec![0] } else { vec![] };
            let digits = [sign, digits].concat();
            [vec![2, digits.len() as u8], digits].concat()
        };
        let numbers = [number(r), number(s)].concat();
        [vec![0x30, numbers.len() as u8], numbers].concat()
    }

    #[test]
    fn numbers_in_another_form_than_der_are_refused() {
        for der in [
            vec![0x30, 6, 2, 1, 0, 2, 1, 1],
            vec![0x30, 6, 2, 1, 0x80, 2, 1, 1],
            vec![0x30, 7, 2, 2, 0, 1, 2, 1, 1],
            vec![0x30, 5, 2, 0, 2, 1, 1],
            vec![0x31, 6, 2, 1, 1, 2, 1, 1],
            der_of(&[1; 33], &[1; 32]),
        ] {
            assert_eq!(fixed_form(&der), None, "{der:?}");
        }
    }

    /// Made by Python's `json` and `openssl dgst -sha256 -sign`, not by this code.
    #[test]
    fn what_openssl_signed_is_believed() {
        let keys = Keys::from_jwks(include_str!("../tests/openssl.jwks.json")).unwrap();
        let verified = verify(include_str!("../tests/openssl.json"), &keys).unwrap();
        assert_eq!(verified.certificate, certificate());
    }
}
