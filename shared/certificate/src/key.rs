use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Digest;

/// Coordinates of P-256 have as many bytes.
const COORDINATE: usize = 32;

/// What the DER SubjectPublicKeyInfo (RFC 5480) of a point on P-256 begins with, up to the coordinates: there is one such form.
const PUBLIC_KEY_INFO: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

/// The public half of a key that signs certificates: ECDSA on P-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: String,
    x: [u8; COORDINATE],
    y: [u8; COORDINATE],
}

/// The keys that somebody trusts to sign certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys(Vec<PublicKey>);

/// What should be a key is not one that ES256 signatures can be checked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a public key on P-256 that checks signatures")]
pub struct InvalidKey;

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    kid: String,
    x: String,
    y: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
}

impl PublicKey {
    /// Reads a DER SubjectPublicKeyInfo, which is what KMS answers. The key's id is its RFC 7638 thumbprint.
    ///
    /// # Errors
    /// [`InvalidKey`] when it is something else than a point on P-256.
    pub fn from_public_key_info(der: &[u8]) -> Result<Self, InvalidKey> {
        let point = der.strip_prefix(&PUBLIC_KEY_INFO).ok_or(InvalidKey)?;
        let (x, y) = point.split_at_checked(COORDINATE).ok_or(InvalidKey)?;
        let (x, y) = (x.try_into().map_err(|_| InvalidKey)?, y.try_into().map_err(|_| InvalidKey)?);
        let (encoded_x, encoded_y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{encoded_x}","y":"{encoded_y}"}}"#);
        let id = URL_SAFE_NO_PAD.encode(Digest::of(&[members.as_bytes()]).as_bytes());
        Ok(Self { id, x, y })
    }

    /// Reads a member of a JWK set (RFC 7517), by the name that its owner gave it.
    ///
    /// # Errors
    /// [`InvalidKey`] when it is another kind of key, has no name, or says that it is for something else.
    pub fn from_jwk(jwk: &Value) -> Result<Self, InvalidKey> {
        let jwk: Jwk = serde_json::from_value(jwk.clone()).map_err(|_| InvalidKey)?;
        let is_ours = jwk.kty == "EC"
            && jwk.crv == "P-256"
            && jwk.alg.is_none_or(|alg| alg == "ES256")
            && jwk.usage.is_none_or(|usage| usage == "sig")
            && !jwk.kid.is_empty();
        let decode = |text: &str| -> Result<[u8; COORDINATE], InvalidKey> {
            let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidKey)?;
            bytes.try_into().map_err(|_| InvalidKey)
        };

        if is_ours {
            Ok(Self { id: jwk.kid, x: decode(&jwk.x)?, y: decode(&jwk.y)? })
        } else {
            Err(InvalidKey)
        }
    }

    /// The key's id: `kid` in a signature's header.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key as a member of a JWK set.
    pub fn to_jwk(&self) -> Value {
        json!({
            "kty": "EC",
            "crv": "P-256",
            "use": "sig",
            "alg": "ES256",
            "kid": self.id,
            "x": URL_SAFE_NO_PAD.encode(self.x),
            "y": URL_SAFE_NO_PAD.encode(self.y),
        })
    }

    /// Whether `signature`, both numbers in a row (RFC 7518, 3.4), is this key's of `input`.
    pub(crate) fn signed(&self, input: &[u8], signature: &[u8]) -> bool {
        let point = [&[4], self.x.as_slice(), self.y.as_slice()].concat();
        let key = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point);
        key.verify(input, signature).is_ok()
    }
}

impl Keys {
    /// These keys and no others.
    pub fn new(keys: Vec<PublicKey>) -> Self {
        Self(keys)
    }

    /// Reads a JWK set. Keys for something else than certificates are passed over.
    ///
    /// # Errors
    /// [`InvalidKey`] where there is no set, or none of its keys is of use.
    pub fn from_jwks(json: &str) -> Result<Self, InvalidKey> {
        let set: Value = serde_json::from_str(json).map_err(|_| InvalidKey)?;
        let members = set.get("keys").and_then(Value::as_array).ok_or(InvalidKey)?;
        let keys: Vec<_> = members.iter().filter_map(|jwk| PublicKey::from_jwk(jwk).ok()).collect();
        if keys.is_empty() { Err(InvalidKey) } else { Ok(Self(keys)) }
    }

    /// The key of this name.
    pub(crate) fn find(&self, id: &str) -> Option<&PublicKey> {
        self.0.iter().find(|key| key.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, A.3.
    fn rfc_jwk() -> Value {
        json!({
            "kty": "EC", "crv": "P-256", "kid": "rfc",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        })
    }

    #[test]
    fn the_signature_of_the_rfc_is_accepted_and_no_other() {
        let key = PublicKey::from_jwk(&rfc_jwk()).unwrap();
        let input = b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let mut signature = URL_SAFE_NO_PAD
            .decode("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
            .unwrap();
        assert!(key.signed(input, &signature));
        assert!(!key.signed(b"something else", &signature));
        assert!(!key.signed(input, &[0; 64]));
        signature[63] ^= 1;
        assert!(!key.signed(input, &signature));
    }

    #[test]
    fn a_key_for_something_else_is_refused() {
        for (name, value) in [
            ("kty", json!("RSA")),
            ("crv", json!("P-384")),
            ("alg", json!("RS256")),
            ("use", json!("enc")),
            ("kid", json!("")),
            ("kid", json!(null)),
            ("x", json!("AA")),
            ("y", json!("not base64!")),
        ] {
            let mut other = rfc_jwk();
            other[name] = value.clone();
            assert_eq!(PublicKey::from_jwk(&other), Err(InvalidKey), "{name}: {value}");
            let sets = [json!({ "keys": [other] }), json!({ "keys": [other, rfc_jwk()] })]
                .map(|set| set.to_string());
            assert_eq!(sets.map(|set| Keys::from_jwks(&set).is_ok()), [false, true]);
        }
        for no_set in ["", "[]", "{}", r#"{"keys":[]}"#] {
            assert_eq!(Keys::from_jwks(no_set), Err(InvalidKey));
        }
    }

    #[test]
    fn what_kms_answers_becomes_a_jwk_and_comes_back() {
        let rfc = PublicKey::from_jwk(&rfc_jwk()).unwrap();
        let der = [&PUBLIC_KEY_INFO[..], &rfc.x, &rfc.y].concat();
        let key = PublicKey::from_public_key_info(&der).unwrap();

        assert_eq!(
            key.id(),
            "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
            "as RFC 7638 makes it of the key in RFC 7515, A.3"
        );
        assert_eq!(PublicKey::from_jwk(&key.to_jwk()), Ok(key));
        assert_eq!(PublicKey::from_public_key_info(&der[..90]), Err(InvalidKey));
        assert_eq!(PublicKey::from_public_key_info(&[&der[..], &[0]].concat()), Err(InvalidKey));
    }
}
