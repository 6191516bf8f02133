//! How the API behaves whatever it is about: idempotency keys, ETags, methods, OAuth's documents.

use std::{fs, process::Command};

use http::Method;
use serde_json::{Value, json};

use crate::{
    actors::{Tenant, send},
    flow::id,
    world::{run, unique},
};

fn new_show() -> Value {
    json!({
        "slug": unique("show"), "title": "T", "description": "D", "language": "en", "category": "News",
        "author": "A", "visibility": "public",
    })
}

#[test]
fn the_same_key_makes_one_show() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (show, key) = (new_show(), [("idempotency-key", "k-1")]);
        let post =
            async |show: &Value| acme.editor.send(Method::POST, "/v1/shows", &key, show.to_string()).await;

        let first = post(&show).await.data();
        let second = post(&show).await.data();
        let other = post(&new_show()).await;

        assert_eq!(first, second);
        other.assert_problem(422, "idempotency_key_reused");
        assert_eq!(acme.editor.get("/v1/shows").await.data().as_array().unwrap().len(), 1);
    });
}

#[test]
fn one_tenancys_key_is_not_anothers() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let key = [("idempotency-key", "k-1")];
        let new = json!({ "file_name": "a.mp3", "content_type": "audio/mpeg", "size_bytes": 9 });
        let one = acme.editor.send(Method::POST, "/v1/uploads", &key, new.to_string()).await.data();
        let again = acme.editor.send(Method::POST, "/v1/uploads", &key, new.to_string()).await.data();
        let other = globex.editor.send(Method::POST, "/v1/uploads", &key, new.to_string()).await.data();
        assert_eq!(one["id"], again["id"]);
        assert_ne!(one["id"], other["id"]);
    });
}

#[test]
fn a_slug_is_one_shows() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let show = new_show();
        acme.editor.post("/v1/shows", show.clone()).await.data();
        acme.editor.post("/v1/shows", show.clone()).await.assert_problem(409, "slug_taken");
        globex.editor.post("/v1/shows", show).await.assert_problem(409, "slug_taken");
    });
}

#[test]
fn a_change_to_an_older_version_is_refused() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let path = format!("/v1/shows/{}", id(&acme.show("public").await));
        let read = acme.editor.get(&path).await;
        let condition = [("if-match", read.header("etag"))];
        let patch = async |title: &str| {
            let change = json!({ "title": title }).to_string();
            acme.editor.send(Method::PATCH, &path, &condition, change).await
        };

        let first = patch("First").await;
        let second = patch("Second").await;

        assert_eq!(first.data()["title"], "First");
        assert_ne!(first.header("etag"), read.header("etag"));
        second.assert_problem(412, "precondition_failed");
        assert_eq!(acme.editor.get(&path).await.data()["title"], "First");
    });
}

#[test]
fn concurrent_changes_lose_nothing() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let path = format!("/v1/shows/{}", id(&acme.show("public").await));
        let changes = (0..8).map(|number| {
            let (editor, path) = (acme.editor.clone(), path.clone());
            tokio::spawn(
                async move { editor.patch(&path, json!({ "title": format!("T{number}") })).await.status },
            )
        });
        let mut succeeded = 0;
        for change in changes.collect::<Vec<_>>() {
            let status = change.await.unwrap().as_u16();
            assert!(matches!(status, 200 | 409), "{status}");
            succeeded += u64::from(status == 200);
        }

        let etag = acme.editor.get(&path).await.header("etag").to_owned();
        assert_eq!(etag, format!("\"{}\"", 1 + succeeded), "every change that was answered 200 is counted");
    });
}

#[test]
fn an_address_that_is_not_there_is_a_problem_too() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        acme.owner.get("/v1/nothing").await.assert_problem(404, "not_found");
        let nowhere = send(stack, Method::GET, &format!("{}/nothing", stack.listener()), &[], "").await;
        assert_eq!(nowhere.status, 404);
    });
}

#[test]
fn others_can_check_our_tokens() {
    run(async |stack| {
        let path = format!("{}/.well-known/openid-configuration", stack.api());
        let discovery = send(stack, Method::GET, &path, &[], "").await.json();
        let keys = send(stack, Method::GET, discovery["jwks_uri"].as_str().unwrap(), &[], "").await.json();

        assert_eq!(discovery["issuer"], stack.api());
        let key = &keys["keys"][0];
        assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&json!("RSA"), &json!("RS256"), &json!("sig")));
        assert!(key.get("d").is_none(), "public keys only");
    });
}

#[test]
fn the_document_is_served_with_the_urls_of_its_deployment() {
    run(async |stack| {
        let url = format!("{}/openapi.json", stack.api());
        let first = send(stack, Method::GET, &url, &[], "").await;
        let again = send(stack, Method::GET, &url, &[("if-none-match", first.header("etag"))], "").await;

        let document = first.json();
        assert_eq!(document["servers"][0]["url"], stack.api());
        assert_eq!(document["paths"]["/feeds/{file}"]["get"]["servers"][0]["url"], stack.listener());
        assert!(!String::from_utf8_lossy(&first.body).contains("castkeep.example"));
        assert_eq!(first.header("cache-control"), "public, max-age=300");
        assert!(first.header("etag").starts_with('"'), "strong: {}", first.header("etag"));
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    });
}

/// Schemas are for the document, which tests make: the linker leaves them out of what runs on Lambda.
#[test]
fn no_bootstrap_carries_the_schemas() {
    run(async |_| {
        let target = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("bootstraps");
        let mut bootstraps = 0;
        for archive in std::fs::read_dir(target).unwrap().map(|entry| entry.unwrap().path()) {
            if archive.extension().is_some_and(|extension| extension == "zip") {
                let bytes = std::fs::read(&archive).unwrap();
                let has = |name: &str| memchr::memmem::find(&bytes, name.as_bytes()).is_some();
                assert!(has("lambda_runtime"), "names of functions can be found in {}", archive.display());
                assert!(!has("schemars"), "{}", archive.display());
                bootstraps += 1;
            }
        }
        assert!(bootstraps >= 10, "only {bootstraps}");
    });
}

#[test]
fn personal_data_is_sealed_where_it_is_stored() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let query = json!({
            "TableName": stack.output("TenantTable").unwrap(),
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": { ":pk": { "S": format!("{}#users", acme.id) } },
        });
        let stored = stack.aws().dynamodb("Query", &query).await.unwrap().to_string();
        let read = acme.owner.get("/v1/users").await.data();

        assert_eq!(read[0]["name"], "First Owner");
        assert!(stored.contains("sealed_email"), "{stored}");
        assert!(!stored.contains("First Owner") && !stored.contains("@"), "{stored}");
    });
}

/// `verify-jws` is how a corpus of test vectors is pointed at the verifier.
#[test]
fn the_verifier_takes_a_token_of_ours_and_no_other_signature() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let keys = send(stack, Method::GET, &format!("{}/.well-known/jwks.json", stack.api()), &[], "").await;
        let folder = tempfile::tempdir().unwrap();
        let (key, token) = (folder.path().join("key"), folder.path().join("token"));
        fs::write(&key, keys.json()["keys"][0].to_string()).unwrap();
        let (signed, _) = acme.owner.token.rsplit_once('.').unwrap();
        let accepts = |text: &str| {
            fs::write(&token, text).unwrap();
            let verifier = Command::new(env!("CARGO_BIN_EXE_verify-jws")).args([&key, &token]).status();
            verifier.unwrap().code()
        };

        assert_eq!(accepts(&acme.owner.token), Some(0));
        assert_eq!(accepts(&format!("{signed}.AAAA")), Some(1));
        assert_eq!(accepts(signed), Some(1));
    });
}
