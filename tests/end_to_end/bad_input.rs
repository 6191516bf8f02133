//! What is not as it should be gets a clear answer, loses nothing, and changes nothing else.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use http::Method;
use local::Stack;
use serde_json::{Value, json};

use crate::{
    actors::{Actor, Tenant, request_token, send},
    audio::{mp3, send_parts, upload, wait_for_end},
    world::{run, unique},
};

/// Uploads bytes that must be refused, and asserts the reason.
async fn assert_rejected(tenant: &Tenant, announced: Value, bytes: &Bytes, code: &str) {
    let path = upload(&tenant.editor, tenant, "episode.mp3", announced, bytes).await;
    let upload = wait_for_end(&tenant.editor, &path).await;
    assert_eq!(upload["state"], "rejected", "{upload}");
    assert_eq!(upload["rejection"]["code"], code, "{upload}");
    assert!(upload["rejection"]["detail"].as_str().is_some_and(|detail| detail.ends_with('.')), "{upload}");
    assert_eq!(upload["media_id"], Value::Null);
}

#[test]
fn what_is_not_audio_is_rejected_with_a_reason() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        assert_rejected(&acme, json!({}), &"Not a podcast.\n".repeat(1000).into(), "not_audio").await;
        assert_rejected(&acme, json!({}), &mp3(61, &unique("cut")).slice(0..8_000), "too_short").await;
    });
}

#[test]
fn a_wrong_checksum_is_rejected() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let wrong = json!({ "sha256": "0".repeat(64) });
        // So long that it comes in parts: what comes in one piece is refused by S3.
        assert_rejected(&acme, wrong, &mp3(600, &unique("audio")), "wrong_checksum").await;
    });
}

#[test]
fn malware_is_rejected() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        // The EICAR test file, written so that this source is not taken for it.
        let eicar = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat();
        let infected = [mp3(61, &unique("audio")).as_ref(), eicar.as_bytes()].concat();
        assert_rejected(&acme, json!({}), &infected.into(), "threat_found").await;
    });
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        for size in [json!(0), json!(5_368_709_121_u64), json!(-1), json!("many")] {
            let new = json!({ "file_name": "a.mp3", "content_type": "audio/mpeg", "size_bytes": size });
            let answer = acme.editor.post("/v1/uploads", new).await;
            answer.assert_problem(422, "invalid_request");
            assert_eq!(answer.json()["errors"][0]["pointer"], "/size_bytes");
        }
    });
}

#[test]
fn two_gigabytes_that_never_come_lose_nothing() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let new = json!({ "file_name": "a.mp3", "content_type": "audio/mpeg", "size_bytes": 2_u64 << 30 });
        let upload = acme.editor.post("/v1/uploads", new).await.data();
        let part = Bytes::from(vec![0; 8 << 20]);
        let first = json!({ "parts": [upload["parts"][0]], "part_size": upload["part_size"] });
        send_parts(&acme, &first, &part).await;
        let path = format!("/v1/uploads/{}", upload["id"].as_str().unwrap());

        let refused = acme.editor.post(&format!("{path}/complete"), json!({})).await;

        refused.assert_problem(409, "upload_incomplete");
        assert_eq!(refused.json()["errors"][0]["pointer"], "/parts/2");
        let resumed = acme.editor.get(&path).await.data();
        assert_eq!(
            (&resumed["state"], &resumed["parts"][0]["part_number"]),
            (&json!("uploading"), &json!(2))
        );
        assert_eq!(acme.editor.delete(&path).await.status, 204);
        acme.editor.get(&path).await.assert_problem(404, "not_found");
    });
}

#[test]
fn a_part_takes_exactly_its_size() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let new =
            json!({ "file_name": "a.mp3", "content_type": "audio/mpeg", "size_bytes": (8 << 20) + 1000 });
        let upload = acme.editor.post("/v1/uploads", new).await.data();
        let url = upload["parts"][1]["url"].as_str().unwrap();

        let longer = send(stack, Method::PUT, url, &[], vec![0; 1001]).await;

        assert_eq!(longer.status, 403, "{longer:?}");
        let path = format!("/v1/uploads/{}/complete", upload["id"].as_str().unwrap());
        acme.editor.post(&path, json!({})).await.assert_problem(409, "upload_incomplete");
    });
}

#[test]
fn bodies_that_break_a_rule_say_which_member() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = json!({
            "slug": "a show", "title": "T", "description": "D", "language": "en", "category": "News",
            "author": "A", "visibility": "public",
        });
        let with = |name: &str, value: Value| {
            let mut show = show.clone();
            show["slug"] = json!(unique("show"));
            show[name] = value;
            show
        };
        for (name, value) in [
            ("slug", json!("a show")),
            ("title", json!("")),
            ("title", json!("x".repeat(1_000))),
            ("title", json!("a\u{0}b")),
            ("description", json!("<script>alert(1)</script>")),
            ("language", json!("klingon")),
            ("category", json!("Everything")),
            ("visibility", json!("secret")),
        ] {
            let answer = acme.editor.post("/v1/shows", with(name, value)).await;
            answer.assert_problem(422, "invalid_request");
            assert_eq!(answer.json()["errors"][0]["pointer"], format!("/{name}"));
        }
        let unknown = acme.editor.post("/v1/shows", with("colour", json!("blue"))).await;
        unknown.assert_problem(422, "invalid_request");
        assert!(unknown.json()["errors"][0]["detail"].as_str().unwrap().contains("colour"));
        assert_eq!(acme.editor.get("/v1/shows").await.data(), json!([]));
    });
}

#[test]
fn what_is_not_json_is_refused() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let post = async |headers: &[(&str, &str)], body: Bytes| {
            acme.editor.send(Method::POST, "/v1/shows", headers, body).await
        };
        post(&[], "{".into()).await.assert_problem(400, "bad_request");
        let ten_megabytes = json!({ "title": "x".repeat(10 << 20) }).to_string();
        post(&[], ten_megabytes.into()).await.assert_problem(413, "payload_too_large");
        let one_megabyte = json!({ "title": "x".repeat(1 << 20) }).to_string();
        post(&[], one_megabyte.into()).await.assert_problem(413, "payload_too_large");
    });
}

#[test]
fn tokens_that_are_not_ours_are_refused() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (header, payload, signature) = split(&acme.owner.token);
        let edit = |part: &str, from: &str, to: &str| {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
            assert!(text.contains(from), "{text}");
            URL_SAFE_NO_PAD.encode(text.replace(from, to))
        };
        let none = edit(&header, "RS256", "none");
        let expired =
            sign_again(stack, &header, &payload, |claims| claims["exp"] = json!(1_700_000_000)).await;
        let for_others =
            sign_again(stack, &header, &payload, |claims| claims["aud"] = json!("elsewhere")).await;
        let by_others =
            sign_again(stack, &header, &payload, |claims| claims["iss"] = json!("https://x.example")).await;
        let no_session = sign_again(stack, &header, &payload, |claims| {
            claims["sid"] = json!("ses_01ARZ3NDEKTSV4RRFFQ69G5FAV");
        })
        .await;

        let untouched = sign_again(stack, &header, &payload, |_| {}).await;
        assert!(Actor::with_token(stack, &untouched).get("/v1/me").await.status.is_success());
        for (what, token) in [
            ("alg none", format!("{none}.{payload}.")),
            ("alg none, signed", format!("{none}.{payload}.{signature}")),
            ("other claims", format!("{header}.{}.{signature}", edit(&payload, "castkeep", "castkeep-data"))),
            ("expired", expired),
            ("another audience", for_others),
            ("another issuer", by_others),
            ("no session", no_session),
            ("no token", String::new()),
            ("not a token", "x".to_owned()),
        ] {
            let answer = Actor::with_token(stack, &token).get("/v1/me").await;
            assert_eq!(answer.status, 401, "{what}: {answer:?}");
            answer.assert_problem(401, "unauthenticated");
        }
        let url = format!("{}/v1/me", stack.api());
        send(stack, Method::GET, &url, &[], "").await.assert_problem(401, "unauthenticated");
    });
}

#[test]
fn both_signing_keys_are_published_and_verify() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (header, payload, _) = split(&acme.owner.token);
        let keys = send(stack, Method::GET, &format!("{}/.well-known/jwks.json", stack.api()), &[], "").await;
        let keys: Vec<String> = keys.json()["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect();
        let header = String::from_utf8(URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        assert!(header.contains(&keys[0]), "the first one signs");
        let by_second = URL_SAFE_NO_PAD.encode(header.replace(&keys[0], &keys[1]));

        let rotated = sign_with(stack, 1, &by_second, &payload, |_| {}).await;
        let mixed_up = sign_with(stack, 0, &by_second, &payload, |_| {}).await;

        assert_eq!(keys.len(), 2);
        assert_eq!(Actor::with_token(stack, &rotated).get("/v1/me").await.status, 200);
        Actor::with_token(stack, &mixed_up).get("/v1/me").await.assert_problem(401, "unauthenticated");
    });
}

#[test]
fn sign_in_answers_as_oauth_says() {
    run(async |stack| {
        let operator = stack.operator();
        let wrong_secret = request_token(stack, &operator.client_id, "wrong").await;
        let unknown = request_token(stack, "key_01ARZ3NDEKTSV4RRFFQ69G5FAV", "wrong").await;
        let token_url = format!("{}/oauth/token", stack.api());
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let password = send(stack, Method::POST, &token_url, &form, "grant_type=password").await;
        let basic = STANDARD.encode(format!("{}:{}", operator.client_id, operator.client_secret));
        let basic = format!("Basic {basic}");
        let headers = [form[0], ("authorization", basic.as_str())];
        let by_header =
            send(stack, Method::POST, &token_url, &headers, "grant_type=client_credentials").await;

        assert_eq!(
            (wrong_secret.status.as_u16(), &wrong_secret.json()["error"]),
            (401, &json!("invalid_client"))
        );
        assert_eq!(wrong_secret.body, unknown.body, "who exists is nobody's business");
        assert_eq!(
            (password.status.as_u16(), &password.json()["error"]),
            (400, &json!("unsupported_grant_type"))
        );
        assert_eq!(by_header.json()["token_type"], "Bearer");
        assert_eq!(by_header.json()["expires_in"], 900);
        assert_eq!(by_header.header("cache-control"), "no-store");
    });
}

fn split(token: &str) -> (String, String, String) {
    let mut parts = token.split('.').map(str::to_owned);
    (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap())
}

/// A token with other claims, signed by the real key, as only an administrator of the account could.
async fn sign_again(stack: &Stack, header: &str, payload: &str, change: impl FnOnce(&mut Value)) -> String {
    sign_with(stack, 0, header, payload, change).await
}

/// The same with the signing key of that number: the first one signs.
async fn sign_with(
    stack: &Stack,
    number: usize,
    header: &str,
    payload: &str,
    change: impl FnOnce(&mut Value),
) -> String {
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    change(&mut claims);
    let input = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let environment = stack.aws().function_environment("sessions").await.unwrap();
    let sign = json!({
        "KeyId": environment["SIGNING_KEYS"].as_str().unwrap().split(',').nth(number).unwrap(), "Message": STANDARD.encode(&input), "MessageType": "RAW",
        "SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256",
    });
    let signed = stack.aws().kms("Sign", &sign).await.unwrap();
    let signature = STANDARD.decode(signed["Signature"].as_str().unwrap()).unwrap();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}
