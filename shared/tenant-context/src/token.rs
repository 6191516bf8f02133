//! The two tokens, both JWTs (RFC 7519) signed RS256 (RFC 7518) by a key that never leaves KMS.
//!
//! - The **context token** (audience `castkeep`, RFC 9068) is what a client holds and sends with each request.
//! - The **data token** (audience `castkeep-data`) never leaves the deployment. The authorizer hands it to the function, which
//!   exchanges it with STS for credentials that reach one tenancy. It carries the session tag that STS reads, which the
//!   context token must not: with that, any viewer could go to STS too, and round the policy.
//!
//! Only RS256 is understood, only keys that the caller passes in are used, and a header's `jwk`, `jku` or `x5u` is not looked at.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{digest, signature};
use serde::{Deserialize, Serialize};

use crate::{
    InvalidId, MemberId, Membership, Operator, SessionId, TenancyId, TenancyState, TenantContext, Timestamp,
};

/// Audience of the token that clients hold.
pub const CONTEXT_AUDIENCE: &str = "castkeep";

/// Audience of the token that functions exchange with STS; the only one that the IAM OIDC provider lists.
pub const DATA_AUDIENCE: &str = "castkeep-data";

/// How long a token is good for.
pub const LIFETIME: Duration = Duration::from_secs(15 * 60);

const CLOCK_SKEW_SECONDS: u64 = 60;
/// A data token names each show that a membership covers.
const LONGEST_TOKEN: usize = 16 * 1024;
/// Beyond this many tokens all are forgotten, and computed once more.
const MOST_KEPT: usize = 256;

/// Why a token is not accepted. Which of these it was is for logs: callers hear one sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum TokenError {
    #[error("not a compact JWS")]
    Malformed,
    #[error("signed with something else than RS256")]
    Algorithm,
    #[error("signed by a key that is not ours")]
    UnknownKey,
    #[error("the signature does not match")]
    Signature,
    #[error("issued by somebody else")]
    Issuer,
    #[error("meant for another audience")]
    Audience,
    #[error("expired")]
    Expired,
    #[error("issued in the future")]
    NotYetValid,
    #[error("claims are missing or malformed")]
    Claims,
}

impl From<InvalidId> for TokenError {
    fn from(_: InvalidId) -> Self {
        Self::Claims
    }
}

/// The public half of a signing key.
#[derive(Debug, Clone)]
pub struct VerificationKey {
    id: String,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

/// What should be a key is not one that RS256 signatures can be checked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RSA public key that checks signatures")]
pub struct InvalidKey;

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: String,
    n: String,
    e: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
}

impl VerificationKey {
    /// Reads a DER SubjectPublicKeyInfo (RFC 5280), which is what KMS answers. The key's id is its RFC 7638 thumbprint.
    ///
    /// # Errors
    /// [`InvalidKey`] when it is something else, or not RSA.
    pub fn from_public_key_info(der: &[u8]) -> Result<Self, InvalidKey> {
        let info = spki::SubjectPublicKeyInfoRef::try_from(der).map_err(|_| InvalidKey)?;
        let bits = info.subject_public_key.as_bytes().ok_or(InvalidKey)?;
        let key = pkcs1::RsaPublicKeyRef::try_from(bits).map_err(|_| InvalidKey)?;

        Ok(Self::from_components(key.modulus.as_bytes(), key.public_exponent.as_bytes()))
    }

    /// From a modulus and an exponent, big-endian, as in a JWK (RFC 7518, 6.3.1).
    pub fn from_components(modulus: &[u8], exponent: &[u8]) -> Self {
        let thumbprint = format!(
            r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
            URL_SAFE_NO_PAD.encode(exponent),
            URL_SAFE_NO_PAD.encode(modulus)
        );
        Self {
            id: URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, thumbprint.as_bytes())),
            modulus: modulus.to_vec(),
            exponent: exponent.to_vec(),
        }
    }

    /// Reads a member of a JWK set (RFC 7517): an RSA key for checking RS256, by the name that its owner gave it.
    ///
    /// # Errors
    /// [`InvalidKey`] when it is another kind of key, has no name, or says that it is for something else.
    pub fn from_jwk(jwk: &serde_json::Value) -> Result<Self, InvalidKey> {
        let jwk: Jwk = serde_json::from_value(jwk.clone()).map_err(|_| InvalidKey)?;
        let is_ours = jwk.kty == "RSA"
            && jwk.alg.is_none_or(|alg| alg == "RS256")
            && jwk.usage.is_none_or(|usage| usage == "sig")
            && jwk.key_ops.is_none_or(|operations| operations.iter().any(|operation| operation == "verify"))
            && !jwk.kid.is_empty();
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidKey);

        if is_ours {
            Ok(Self { id: jwk.kid, modulus: decode(&jwk.n)?, exponent: decode(&jwk.e)? })
        } else {
            Err(InvalidKey)
        }
    }

    /// The key's id: `kid` in a token's header.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key as a member of a JWK set (RFC 7517).
    pub fn to_jwk(&self) -> serde_json::Value {
        serde_json::json!({
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.id,
            "n": URL_SAFE_NO_PAD.encode(&self.modulus),
            "e": URL_SAFE_NO_PAD.encode(&self.exponent),
        })
    }
}

/// What a session is: one principal, one tenancy (none for an operator), what it was a member of when it signed in, and whether
/// it showed a second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Runs the deployment; sees into no tenancy.
    Operator,
    /// A person or a machine client of a tenancy.
    Member {
        /// Whose data.
        tenancy: TenancyId,
        /// Who.
        member: MemberId,
        /// What membership allows.
        memberships: Vec<Membership>,
        /// When they showed a second factor, if they did.
        mfa_at: Option<Timestamp>,
        /// Whether the tenancy leaves.
        state: TenancyState,
    },
}

const OPERATOR: &str = "operator";

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    typ: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: SessionId,
    iat: u64,
    exp: u64,
    /// Of context tokens: tells the authorizer where to look. Which tenancy a data token is for, its tags say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenancy_id: Option<TenancyId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memberships: Option<Vec<Membership>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mfa_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "TenancyState::is_active")]
    tenancy_state: TenancyState,
    #[serde(rename = "https://aws.amazon.com/tags", default, skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
}

#[derive(Serialize, Deserialize)]
struct Tags {
    principal_tags: PrincipalTags,
    transitive_tag_keys: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct PrincipalTags {
    #[serde(rename = "TenancyId")]
    tenancy: [TenancyId; 1],
}

/// A token that still needs its signature: sign [`Unsigned::input`], then [`Unsigned::sign_with`].
#[derive(Debug)]
pub struct Unsigned {
    input: String,
}

impl Unsigned {
    /// The token that a client will hold.
    pub fn context_token(
        issuer: &str,
        key_id: &str,
        subject: &Subject,
        session: &SessionId,
        now: Timestamp,
    ) -> Self {
        Self::new(
            key_id,
            "at+jwt",
            &Claims {
                aud: CONTEXT_AUDIENCE.to_owned(),
                tenancy_id: match subject {
                    Subject::Operator => None,
                    Subject::Member { tenancy, .. } => Some(tenancy.clone()),
                },
                memberships: None,
                mfa_at: None,
                tenancy_state: TenancyState::Active,
                tags: None,
                ..Claims::new(issuer, subject, session, now)
            },
        )
    }

    /// The token that functions will exchange with STS.
    pub fn data_token(
        issuer: &str,
        key_id: &str,
        subject: &Subject,
        session: &SessionId,
        now: Timestamp,
    ) -> Self {
        Self::new(key_id, "JWT", &Claims::new(issuer, subject, session, now))
    }

    fn new(key_id: &str, typ: &str, claims: &Claims) -> Self {
        let header =
            Header { alg: "RS256".to_owned(), kid: key_id.to_owned(), typ: Some(typ.to_owned()), crit: None };
        Self { input: format!("{}.{}", encode(&header), encode(claims)) }
    }

    /// The bytes to sign (RFC 7515, 5.1).
    pub fn input(&self) -> &[u8] {
        self.input.as_bytes()
    }

    /// The finished token.
    pub fn sign_with(self, signature: &[u8]) -> String {
        format!("{}.{}", self.input, URL_SAFE_NO_PAD.encode(signature))
    }
}

impl Claims {
    fn new(issuer: &str, subject: &Subject, session: &SessionId, now: Timestamp) -> Self {
        let claims = Self {
            iss: issuer.to_owned(),
            aud: DATA_AUDIENCE.to_owned(),
            sub: OPERATOR.to_owned(),
            sid: session.clone(),
            iat: now.unix_seconds(),
            exp: now.plus(LIFETIME).unix_seconds(),
            tenancy_id: None,
            memberships: None,
            mfa_at: None,
            tenancy_state: TenancyState::Active,
            tags: None,
        };
        match subject {
            Subject::Operator => claims,
            Subject::Member { tenancy, member, memberships, mfa_at, state } => Self {
                sub: member.to_string(),
                memberships: Some(memberships.clone()),
                mfa_at: *mfa_at,
                tenancy_state: *state,
                tags: Some(Tags {
                    principal_tags: PrincipalTags { tenancy: [tenancy.clone()] },
                    transitive_tag_keys: vec!["TenancyId".to_owned()],
                }),
                ..claims
            },
        }
    }
}

fn encode(part: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).unwrap_or_default())
}

/// What the functions behind the authorizer learn from a data token.
#[derive(Debug)]
pub enum Caller {
    /// Somebody in a tenancy.
    Tenant(TenantContext),
    /// Somebody who runs the deployment.
    Operator(Operator),
}

/// A data token's claims after every check. Private fields: only [`verify_data_token`] and [`SignedTokens::verify`] make one.
#[derive(Debug)]
pub struct VerifiedData {
    pub(crate) tenancy: TenancyId,
    pub(crate) member: MemberId,
    pub(crate) memberships: Vec<Membership>,
    pub(crate) mfa_at: Option<Timestamp>,
    pub(crate) state: TenancyState,
    pub(crate) token: String,
}

/// Whose session a context token belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The session.
    pub session: SessionId,
    /// Tenancy and member; none for an operator.
    pub member: Option<(TenancyId, MemberId)>,
}

/// Checks a context token and answers whose it is.
///
/// # Errors
/// [`TokenError`], whichever check failed first.
pub fn verify_context_token(
    token: &str,
    keys: &[VerificationKey],
    issuer: &str,
    now: Timestamp,
) -> Result<Bearer, TokenError> {
    let claims = claims(&verify_signature(token, keys)?, issuer, CONTEXT_AUDIENCE, now)?;
    let member = match claims.tenancy_id {
        None if claims.sub == OPERATOR => None,
        None => return Err(TokenError::Claims),
        Some(tenancy) => Some((tenancy, claims.sub.parse()?)),
    };
    Ok(Bearer { session: claims.sid, member })
}

/// Checks a data token and answers who calls.
///
/// # Errors
/// [`TokenError`], whichever check failed first.
pub fn verify_data_token(
    token: &str,
    keys: &[VerificationKey],
    issuer: &str,
    now: Timestamp,
) -> Result<Caller, TokenError> {
    caller(token, &verify_signature(token, keys)?, issuer, now)
}

/// Data tokens whose signatures were found right. With the same keys they stay right, so each is computed once; all else that a
/// token must be is checked each time.
#[derive(Debug, Default)]
pub struct SignedTokens(Mutex<HashSet<String>>);

impl SignedTokens {
    /// As [`verify_data_token`], with `keys` that are the same each time.
    ///
    /// # Errors
    /// [`TokenError`], whichever check failed first.
    pub fn verify(
        &self,
        token: &str,
        keys: &[VerificationKey],
        issuer: &str,
        now: Timestamp,
    ) -> Result<Caller, TokenError> {
        let payload = if self.lock().contains(token) {
            payload(token)?
        } else {
            let payload = verify_signature(token, keys)?;
            self.keep(token);
            payload
        };
        caller(token, &payload, issuer, now)
    }

    fn keep(&self, token: &str) {
        let mut tokens = self.lock();
        if tokens.len() >= MOST_KEPT {
            tokens.clear();
        }
        tokens.insert(token.to_owned());
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who calls, by the payload of a token whose signature is right.
fn caller(token: &str, payload: &[u8], issuer: &str, now: Timestamp) -> Result<Caller, TokenError> {
    let claims = claims(payload, issuer, DATA_AUDIENCE, now)?;
    match claims.tags {
        None if claims.sub == OPERATOR => Ok(Caller::Operator(Operator::new())),
        None => Err(TokenError::Claims),
        Some(tags) => {
            let [tenancy] = tags.principal_tags.tenancy;
            Ok(Caller::Tenant(TenantContext::from_token(VerifiedData {
                tenancy,
                member: claims.sub.parse()?,
                memberships: claims.memberships.ok_or(TokenError::Claims)?,
                mfa_at: claims.mfa_at,
                state: claims.tenancy_state,
                token: token.to_owned(),
            })))
        }
    }
}

fn claims(payload: &[u8], issuer: &str, audience: &str, now: Timestamp) -> Result<Claims, TokenError> {
    let claims: Claims = serde_json::from_slice(payload).map_err(|_| TokenError::Claims)?;

    if claims.iss != issuer {
        return Err(TokenError::Issuer);
    }
    if claims.aud != audience {
        return Err(TokenError::Audience);
    }
    if claims.exp <= now.unix_seconds() {
        return Err(TokenError::Expired);
    }
    if claims.iat > now.unix_seconds() + CLOCK_SKEW_SECONDS {
        return Err(TokenError::NotYetValid);
    }
    Ok(claims)
}

/// Checks a compact JWS (RFC 7515) against `keys` and answers its payload; claims are the caller's to check.
///
/// # Errors
/// [`TokenError::Malformed`], [`TokenError::Algorithm`], [`TokenError::UnknownKey`] or [`TokenError::Signature`].
pub fn verify_signature(token: &str, keys: &[VerificationKey]) -> Result<Vec<u8>, TokenError> {
    if token.len() > LONGEST_TOKEN {
        return Err(TokenError::Malformed);
    }
    let (input, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, payload) = input.split_once('.').ok_or(TokenError::Malformed)?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed);

    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| TokenError::Algorithm)?;
    if header.alg != "RS256" || header.crit.is_some() {
        return Err(TokenError::Algorithm);
    }
    let key = keys.iter().find(|key| key.id == header.kid).ok_or(TokenError::UnknownKey)?;

    signature::RsaPublicKeyComponents { n: &key.modulus, e: &key.exponent }
        .verify(&signature::RSA_PKCS1_2048_8192_SHA256, input.as_bytes(), &decode(signature)?)
        .map_err(|_| TokenError::Signature)?;
    decode(payload)
}

/// The middle of a compact JWS whose signature was checked before.
fn payload(token: &str) -> Result<Vec<u8>, TokenError> {
    let middle = token.split('.').nth(1).ok_or(TokenError::Malformed)?;
    URL_SAFE_NO_PAD.decode(middle).map_err(|_| TokenError::Malformed)
}

#[cfg(test)]
mod tests {
    use ring::{rand::SystemRandom, rsa, signature::KeyPair};

    use super::*;
    use crate::SystemGroup;

    const ISSUER: &str = "https://api.example";
    const NOW: Timestamp = Timestamp::EPOCH;

    struct Signer {
        pair: rsa::KeyPair,
    }

    impl Signer {
        fn new() -> Self {
            let der = include_bytes!("../tests/signing_key.pkcs8");
            Self { pair: rsa::KeyPair::from_pkcs8(der).unwrap() }
        }

        fn key(&self) -> VerificationKey {
            let public: rsa::PublicKeyComponents<Vec<u8>> = self.pair.public_key().into();
            VerificationKey::from_components(&public.n, &public.e)
        }

        fn sign(&self, unsigned: Unsigned) -> String {
            let mut signature = vec![0; self.pair.public().modulus_len()];
            self.pair
                .sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), unsigned.input(), &mut signature)
                .unwrap();
            unsigned.sign_with(&signature)
        }
    }

    fn subject() -> Subject {
        Subject::Member {
            tenancy: "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            member: "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            memberships: vec![Membership::of_system_group(SystemGroup::Editors)],
            mfa_at: Some(NOW),
            state: TenancyState::Active,
        }
    }

    fn session() -> SessionId {
        "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap()
    }

    fn bearer() -> Bearer {
        let Subject::Member { tenancy, member, .. } = subject() else { panic!("not a member") };
        Bearer { session: session(), member: Some((tenancy, member)) }
    }

    fn context_token(signer: &Signer) -> String {
        signer.sign(Unsigned::context_token(ISSUER, signer.key().id(), &subject(), &session(), NOW))
    }

    fn data_token(signer: &Signer, subject: &Subject) -> String {
        signer.sign(Unsigned::data_token(ISSUER, signer.key().id(), subject, &session(), NOW))
    }

    #[test]
    fn a_data_token_opens_its_tenancy() {
        let signer = Signer::new();
        let token = data_token(&signer, &subject());

        let Caller::Tenant(context) = verify_data_token(&token, &[signer.key()], ISSUER, NOW).unwrap() else {
            panic!("not a tenant")
        };

        assert_eq!(context.tenancy().as_str(), "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV");
        assert_eq!(context.data_token(), Some(token.as_str()));
        assert_eq!(context.memberships(), [Membership::of_system_group(SystemGroup::Editors)]);
        assert_eq!(context.mfa_at(), Some(NOW));
    }

    #[test]
    fn a_token_that_was_right_once_is_held_to_all_but_its_signature_again() {
        let (signer, signed) = (Signer::new(), SignedTokens::default());
        let (keys, token) = ([signer.key()], data_token(&signer, &subject()));
        let error = |token: &str, issuer: &str, now| signed.verify(token, &keys, issuer, now).unwrap_err();
        let is_tenant =
            |token: &str| matches!(signed.verify(token, &keys, ISSUER, NOW), Ok(Caller::Tenant(_)));

        assert!(is_tenant(&token) && is_tenant(&token));
        assert_eq!(signed.lock().len(), 1);
        assert_eq!(error(&token, "https://other.example", NOW), TokenError::Issuer);
        assert_eq!(error(&token, ISSUER, NOW.plus(LIFETIME)), TokenError::Expired);
        assert_eq!(error(&context_token(&signer), ISSUER, NOW), TokenError::Audience);
    }

    #[test]
    fn nothing_but_the_very_token_passes_for_one_that_was_right() {
        let (signer, signed) = (Signer::new(), SignedTokens::default());
        let (keys, token) = ([signer.key()], data_token(&signer, &subject()));
        signed.verify(&token, &keys, ISSUER, NOW).unwrap();

        let (input, signature) = token.rsplit_once('.').unwrap();
        let (header, payload) = input.split_once('.').unwrap();
        let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        let theirs = claims.replace("ten_01ARZ3NDEKTSV4RRFFQ69G5FAV", "ten_01ARZ3NDEKTSV4RRFFQ69G5FAW");
        let of_another = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(theirs));
        let unsigned = format!("{input}.");
        let longer = format!("{token}A");
        for forged in [of_another, unsigned, longer] {
            let refused = signed.verify(&forged, &keys, ISSUER, NOW);
            assert!(matches!(refused, Err(TokenError::Signature | TokenError::Malformed)), "{forged}");
        }
        assert_eq!(signed.lock().len(), 1);
    }

    #[test]
    fn tokens_that_were_right_are_forgotten_when_there_are_many() {
        let signed = SignedTokens::default();
        for number in 0..3 * MOST_KEPT {
            signed.keep(&number.to_string());
        }
        assert!(signed.lock().len() <= MOST_KEPT);
    }

    #[test]
    fn an_operator_sees_into_no_tenancy() {
        let signer = Signer::new();
        let token = data_token(&signer, &Subject::Operator);
        let caller = verify_data_token(&token, &[signer.key()], ISSUER, NOW).unwrap();
        assert!(matches!(caller, Caller::Operator(_)));
    }

    #[test]
    fn neither_token_passes_for_the_other() {
        let signer = Signer::new();
        let keys = [signer.key()];
        let data = data_token(&signer, &subject());
        let context = context_token(&signer);

        assert_eq!(verify_context_token(&context, &keys, ISSUER, NOW), Ok(bearer()));
        assert_eq!(verify_context_token(&data, &keys, ISSUER, NOW), Err(TokenError::Audience));
        assert_eq!(verify_data_token(&context, &keys, ISSUER, NOW).unwrap_err(), TokenError::Audience);
        let claims = String::from_utf8(verify_signature(&context, &keys).unwrap()).unwrap();
        assert!(!claims.contains("aws.amazon.com"), "a client could take {claims} to STS");
        assert!(!claims.contains("memberships"), "what a caller may do is not theirs to carry: {claims}");
    }

    #[test]
    fn a_published_key_checks_what_its_owner_signed() {
        let signer = Signer::new();
        let mut jwk = signer.key().to_jwk();
        let key = VerificationKey::from_jwk(&jwk).unwrap();
        assert_eq!(verify_context_token(&context_token(&signer), &[key], ISSUER, NOW), Ok(bearer()));

        jwk["kid"] = "theirs".into();
        jwk.as_object_mut().unwrap().retain(|name, _| !matches!(name.as_str(), "alg" | "use"));
        jwk["key_ops"] = serde_json::json!(["verify"]);
        assert_eq!(VerificationKey::from_jwk(&jwk).unwrap().id(), "theirs");
    }

    #[test]
    fn a_key_for_something_else_is_refused() {
        let jwk = Signer::new().key().to_jwk();
        for (name, value) in [
            ("kty", serde_json::json!("EC")),
            ("alg", serde_json::json!("RS512")),
            ("alg", serde_json::json!("none")),
            ("alg", serde_json::json!(["RS256"])),
            ("use", serde_json::json!("enc")),
            ("key_ops", serde_json::json!(["encrypt"])),
            ("key_ops", serde_json::json!([])),
            ("kid", serde_json::json!("")),
            ("kid", serde_json::json!(null)),
            ("n", serde_json::json!("not base64!")),
            ("e", serde_json::json!(65537)),
        ] {
            let mut other = jwk.clone();
            other[name] = value.clone();
            assert_eq!(VerificationKey::from_jwk(&other).unwrap_err(), InvalidKey, "{name}: {value}");
        }
        assert!(VerificationKey::from_jwk(&serde_json::json!({})).is_err());
    }

    #[test]
    fn a_token_expires_to_the_second() {
        let signer = Signer::new();
        let keys = [signer.key()];
        let token = context_token(&signer);
        let last = Timestamp::from_unix_seconds(LIFETIME.as_secs() - 1);
        let after = Timestamp::from_unix_seconds(LIFETIME.as_secs());

        assert_eq!(verify_context_token(&token, &keys, ISSUER, last), Ok(bearer()));
        assert_eq!(verify_context_token(&token, &keys, ISSUER, after), Err(TokenError::Expired));
    }

    #[test]
    fn forgeries_are_refused() {
        let signer = Signer::new();
        let keys = [signer.key()];
        let token = context_token(&signer);
        let (input, signature) = token.rsplit_once('.').unwrap();
        let (_, payload) = input.split_once('.').unwrap();
        let none =
            URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"none","typ":"JWT","kid":"{}"}}"#, keys[0].id()));
        let hs256 = none_to("HS256", keys[0].id());
        let other_claims = URL_SAFE_NO_PAD.encode(r#"{"iss":"https://api.example","aud":"castkeep"}"#);
        let header = input.split_once('.').unwrap().0;

        for (forgery, error) in [
            (format!("{none}.{payload}."), TokenError::Algorithm),
            (format!("{none}.{payload}.{signature}"), TokenError::Algorithm),
            (format!("{hs256}.{payload}.{signature}"), TokenError::Algorithm),
            (format!("{header}.{other_claims}.{signature}"), TokenError::Signature),
            (format!("{input}."), TokenError::Signature),
            (format!("{token}="), TokenError::Malformed),
            (input.to_owned(), TokenError::Malformed),
            (String::new(), TokenError::Malformed),
            ("a".repeat(10_000), TokenError::Malformed),
        ] {
            assert_eq!(verify_context_token(&forgery, &keys, ISSUER, NOW), Err(error), "{forgery}");
        }
        assert_eq!(verify_context_token(&token, &[], ISSUER, NOW), Err(TokenError::UnknownKey));
        assert_eq!(verify_context_token(&token, &keys, "https://other", NOW), Err(TokenError::Issuer));
    }

    fn none_to(algorithm: &str, key_id: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{algorithm}","typ":"JWT","kid":"{key_id}"}}"#))
    }
}
