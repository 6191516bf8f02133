//! People who sign in with a password and a TOTP code.

use std::time::{SystemTime, UNIX_EPOCH};

use local::Stack;
use ring::hmac;
use serde_json::{Value, json};

use crate::world::unique;

const TEMPORARY_PASSWORD: &str = "First-Knock-2026";
const PASSWORD: &str = "Correct-Horse-9-Battery";

/// Somebody with a password and an authenticator app.
pub struct Person {
    stack: &'static Stack,
    pub email: String,
    authenticator: String,
}

impl Person {
    /// Invites somebody whom nobody knows yet, and sees them through their first sign-in.
    pub async fn new(stack: &'static Stack) -> Self {
        let email = format!("{}@people.example", unique("person"));
        let user = json!({
            "UserPoolId": stack.output("UserPoolId").unwrap(), "Username": email, "MessageAction": "SUPPRESS",
            "UserAttributes": [
                { "Name": "email", "Value": email }, { "Name": "email_verified", "Value": "true" },
                { "Name": "name", "Value": "Ada" },
            ],
        });
        stack.aws().cognito("AdminCreateUser", &user).await.unwrap();
        Self::accept_invitation(stack, &email).await
    }

    /// Sees somebody through their first sign-in who has been invited: a password of their own, and an authenticator. The
    /// invitation itself is not sent here, so an administrator sets the password that it would have held.
    pub async fn accept_invitation(stack: &'static Stack, email: &str) -> Self {
        let set = json!({
            "UserPoolId": stack.output("UserPoolId").unwrap(), "Username": email, "Password": TEMPORARY_PASSWORD,
            "Permanent": false,
        });
        stack.aws().cognito("AdminSetUserPassword", &set).await.unwrap();

        let mut person = Self { stack, email: email.to_owned(), authenticator: String::new() };
        let step = person.give_password(TEMPORARY_PASSWORD).await.unwrap();
        let step = person.respond(&step, json!({ "NEW_PASSWORD": PASSWORD })).await.unwrap();
        assert_eq!(step["ChallengeName"], "MFA_SETUP", "{step}");
        let session = json!({ "Session": step["Session"] });
        let made = stack.aws().cognito("AssociateSoftwareToken", &session).await.unwrap();
        person.authenticator = made["SecretCode"].as_str().unwrap().to_owned();
        let code = json!({ "Session": made["Session"], "UserCode": person.code() });
        let verified = stack.aws().cognito("VerifySoftwareToken", &code).await.unwrap();
        let step = json!({ "ChallengeName": "MFA_SETUP", "Session": verified["Session"] });
        person.respond(&step, json!({})).await.unwrap();
        person
    }

    /// Signs in, with the password and the code of this moment; answers the ID token.
    pub async fn sign_in(&self) -> String {
        self.tokens().await["IdToken"].as_str().unwrap().to_owned()
    }

    /// What Cognito answers to a complete sign-in.
    pub async fn tokens(&self) -> Value {
        let step = self.give_password(PASSWORD).await.unwrap();
        assert!(step["AuthenticationResult"].is_null(), "no token for a password alone: {step}");
        let code = json!({ "SOFTWARE_TOKEN_MFA_CODE": self.code() });
        self.respond(&step, code).await.unwrap()["AuthenticationResult"].clone()
    }

    /// The first step: Cognito's challenge for the next, or why there is none.
    pub async fn give_password(&self, password: &str) -> Result<Value, String> {
        let begin = json!({
            "ClientId": self.stack.output("UserPoolClientId").unwrap(), "AuthFlow": "USER_AUTH",
            "AuthParameters": {
                "USERNAME": self.email, "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": password,
            },
        });
        self.stack.aws().cognito("InitiateAuth", &begin).await.map_err(|failure| failure.to_string())
    }

    /// A further step.
    pub async fn respond(&self, step: &Value, mut responses: Value) -> Result<Value, String> {
        responses["USERNAME"] = json!(self.email);
        let respond = json!({
            "ClientId": self.stack.output("UserPoolClientId").unwrap(), "ChallengeName": step["ChallengeName"],
            "Session": step["Session"], "ChallengeResponses": responses,
        });
        let answer = self.stack.aws().cognito("RespondToAuthChallenge", &respond).await;
        answer.map_err(|failure| failure.to_string())
    }

    /// What the authenticator shows: RFC 6238 with SHA-1, 30 seconds and six digits.
    #[allow(clippy::disallowed_methods, reason = "an authenticator has a clock of its own")]
    fn code(&self) -> String {
        let step = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 30;
        totp(&self.authenticator, step)
    }
}

fn totp(secret: &str, step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &base32(secret));
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let offset = usize::from(tag.as_ref()[19] & 15);
    let number = u32::from_be_bytes(tag.as_ref()[offset..offset + 4].try_into().unwrap());
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// RFC 4648, 6.
fn base32(text: &str) -> Vec<u8> {
    let digits = text.bytes().map(|byte| b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|&b| b == byte));
    let bits: Vec<bool> =
        digits.flat_map(|digit| (0..5).rev().map(move |bit| digit.unwrap() >> bit & 1 == 1)).collect();
    let byte = |bits: &[bool]| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
    bits.chunks_exact(8).map(byte).collect()
}

#[test]
fn the_authenticator_shows_what_rfc_6238_says() {
    let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    assert_eq!(totp(secret, 1), "287082");
    assert_eq!(totp(secret, 1_111_111_109 / 30), "081804");
}
