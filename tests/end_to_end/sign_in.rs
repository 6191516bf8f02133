//! What people bring from Cognito, and how the product reads it.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use identity::IdTokens;
use lambda_kit::SystemClock;
use local::{REGION, Stack};
use serde_json::{Value, json};
use tenant_context::{Clock, Timestamp};

use crate::{people::Person, world::run};

/// The real time, and this much more.
struct Later(Duration);

impl Clock for Later {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(self.0)
    }
}

/// The ID tokens of the stack's own user pool, some time from now.
pub fn id_tokens(stack: &Stack, later: Duration) -> IdTokens {
    let pool = stack.output("UserPoolId").unwrap();
    let issuer = format!("https://cognito-idp.{REGION}.amazonaws.com/{pool}");
    IdTokens::new(issuer, Some(stack.aws().endpoint()), Arc::new(Later(later))).unwrap()
}

async fn refusal(tokens: &IdTokens, token: &str) -> String {
    tokens.verify(token).await.expect_err(token).to_string()
}

#[test]
fn a_person_signs_in_with_a_password_and_a_code() {
    run(async |stack| {
        let person = Person::new(stack).await;
        let client = stack.output("UserPoolClientId").unwrap();
        let tokens = id_tokens(stack, Duration::ZERO);

        let first = tokens.verify(&person.sign_in().await).await.unwrap().for_audience(&[client]).unwrap();
        let second = tokens.verify(&person.sign_in().await).await.unwrap().for_audience(&[client]).unwrap();

        assert_eq!(first.subject, second.subject);
        assert_eq!((&first.provider, first.client_id.as_str()), (&None, client));
        assert_eq!(first.email.map(String::from), Some(person.email));
        assert!(first.email_is_verified);
        assert_eq!(first.name.map(String::from).as_deref(), Some("Ada"));
        assert!(first.authenticated_at <= second.authenticated_at);
    });
}

#[test]
fn nobody_signs_in_without_a_second_factor() {
    run(async |stack| {
        let person = Person::new(stack).await;
        let wrong_password = person.give_password("Wrong-Horse-9-Battery").await.unwrap_err();
        let step = person.give_password("Correct-Horse-9-Battery").await.unwrap();
        let wrong_code =
            person.respond(&step, json!({ "SOFTWARE_TOKEN_MFA_CODE": "000000" })).await.unwrap_err();

        assert!(wrong_password.contains("NotAuthorizedException"), "{wrong_password}");
        assert_eq!(step["ChallengeName"], "SOFTWARE_TOKEN_MFA");
        assert!(step["AuthenticationResult"].is_null(), "{step}");
        assert!(wrong_code.contains("CodeMismatchException"), "{wrong_code}");
    });
}

#[test]
fn nobody_signs_up_and_nobody_learns_who_is_there() {
    run(async |stack| {
        let person = Person::new(stack).await;
        let known = person.give_password("Wrong-Horse-9-Battery").await.unwrap_err();
        let delete = json!({ "UserPoolId": stack.output("UserPoolId").unwrap(), "Username": person.email });
        stack.aws().cognito("AdminDeleteUser", &delete).await.unwrap();
        let unknown = person.give_password("Wrong-Horse-9-Battery").await.unwrap_err();
        let sign_up = json!({
            "ClientId": stack.output("UserPoolClientId").unwrap(), "Username": "uninvited@people.example",
            "Password": "Correct-Horse-9-Battery",
        });

        assert_eq!(known, unknown);
        let refused = stack.aws().cognito("SignUp", &sign_up).await.unwrap_err().to_string();
        assert!(refused.contains("SignUp is not permitted"), "{refused}");
    });
}

#[test]
fn an_id_token_is_good_for_its_own_time_and_client() {
    run(async |stack| {
        let token = Person::new(stack).await.sign_in().await;

        let verified = id_tokens(stack, Duration::ZERO).verify(&token).await.unwrap();
        let other_client = verified.for_audience(&["somebody-else"]).unwrap_err();
        let in_time = id_tokens(stack, Duration::from_secs(14 * 60)).verify(&token).await;
        let too_late = refusal(&id_tokens(stack, Duration::from_secs(15 * 60)), &token).await;

        assert_eq!(other_client.to_string(), "meant for another audience");
        assert!(in_time.is_ok());
        assert_eq!(too_late, "expired");
    });
}

#[test]
fn what_is_no_id_token_of_the_pool_is_refused() {
    run(async |stack| {
        let tokens = id_tokens(stack, Duration::ZERO);
        let signed = Person::new(stack).await.tokens().await;
        let id_token = signed["IdToken"].as_str().unwrap();
        let [header, payload, signature] = id_token.split('.').collect::<Vec<_>>()[..] else { panic!() };
        let edited = |change: fn(&mut Value)| {
            let mut claims: Value =
                serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
            change(&mut claims);
            format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()))
        };
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"x"}"#);
        let access = signed["AccessToken"].as_str().unwrap();

        for (what, token, reason) in [
            ("an access token", access.to_owned(), "claims are missing or malformed"),
            (
                "another subject",
                edited(|claims| claims["sub"] = json!("somebody")),
                "the signature does not match",
            ),
            (
                "a longer life",
                edited(|claims| claims["exp"] = json!(4_000_000_000_u64)),
                "the signature does not match",
            ),
            ("no signature", format!("{header}.{payload}."), "the signature does not match"),
            (
                "no algorithm",
                format!("{none}.{payload}.{signature}"),
                "signed with something else than RS256",
            ),
            ("nothing", String::new(), "not a compact JWS"),
        ] {
            assert_eq!(refusal(&tokens, &token).await, reason, "{what}");
        }
        assert!(tokens.verify(id_token).await.is_ok());
    });
}

#[test]
fn a_token_of_another_pool_is_refused() {
    run(async |stack| {
        let pool = json!({ "PoolName": "theirs", "MfaConfiguration": "OFF" });
        let pool = stack.aws().cognito("CreateUserPool", &pool).await.unwrap()["UserPool"]["Id"].clone();
        let client = json!({
            "UserPoolId": pool, "ClientName": "c", "ExplicitAuthFlows": ["ALLOW_USER_AUTH"],
        });
        let client = stack.aws().cognito("CreateUserPoolClient", &client).await.unwrap();
        let client = client["UserPoolClient"]["ClientId"].clone();
        let password = "Correct-Horse-9-Battery";
        let user = json!({ "UserPoolId": pool, "Username": "ada", "MessageAction": "SUPPRESS" });
        stack.aws().cognito("AdminCreateUser", &user).await.unwrap();
        let set = json!({ "UserPoolId": pool, "Username": "ada", "Password": password, "Permanent": true });
        stack.aws().cognito("AdminSetUserPassword", &set).await.unwrap();
        let begin = json!({
            "ClientId": client, "AuthFlow": "USER_AUTH",
            "AuthParameters": { "USERNAME": "ada", "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": password },
        });
        let signed = stack.aws().cognito("InitiateAuth", &begin).await.unwrap();
        let token = signed["AuthenticationResult"]["IdToken"].as_str().unwrap();

        let reason = refusal(&id_tokens(stack, Duration::ZERO), token).await;

        assert_eq!(reason, "signed by a key that is not ours");
    });
}
