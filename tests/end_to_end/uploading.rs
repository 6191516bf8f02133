//! Sending bytes: in one piece or in parts, again, at once, days later; and what is told of it.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::Method;
use lambda_kit::SystemClock;
use serde_json::{Value, json};
use tenant_context::Clock;

use crate::{
    actors::{Tenant, send},
    audio::{another, mp3, put_whole, send_parts, upload, wait_for_end},
    ear::Ear,
    flow::id,
    world::{run, unique},
};

async fn announce(tenant: &Tenant, bytes: &Bytes) -> Value {
    let new = json!({ "file_name": "a.mp3", "content_type": "audio/mpeg", "size_bytes": bytes.len() });
    tenant.editor.post("/v1/uploads", new).await.data()
}

fn states(upload: &Value) -> Vec<&str> {
    upload["history"].as_array().unwrap().iter().map(|step| step["state"].as_str().unwrap()).collect()
}

#[test]
fn a_small_file_needs_one_put_and_nothing_else() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let audio = mp3(2, &unique("audio"));
        let started = announce(&acme, &audio).await;
        let path = format!("/v1/uploads/{}", id(&started));
        let early = acme.editor.post(&format!("{path}/complete"), json!({})).await.data();
        let resumed = acme.editor.get(&path).await.data();

        let answer = put_whole(&acme, &resumed, audio.clone()).await;
        let mut ended = wait_for_end(&acme.editor, &path).await;
        let late = acme.editor.post(&format!("{path}/complete"), json!({})).await.data();

        assert_eq!(started["parts"], json!([]));
        assert_eq!((&early["state"], &resumed["state"]), (&json!("created"), &json!("created")));
        assert!(answer.status.is_success(), "{answer:?}");
        assert_eq!(states(&ended), ["created", "uploading", "scanning", "probing", "ready"]);
        let times = ended["history"].as_array().unwrap().iter().map(|step| step["at"].as_str().unwrap());
        assert!(times.is_sorted(), "{ended}");
        assert_eq!(ended["upload"], Value::Null);
        // The medium, with its links, is for who asks for the upload.
        ended.as_object_mut().unwrap().remove("media").unwrap();
        assert_eq!(late, ended, "an end is an end");
    });
}

#[test]
fn one_put_takes_what_was_announced_and_nothing_else() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let audio = mp3(2, &unique("audio"));
        let new = json!({
            "file_name": "a.mp3", "content_type": "audio/mpeg", "size_bytes": audio.len(),
            "sha256": domain::ContentHash::of(&audio),
        });
        let started = acme.editor.post("/v1/uploads", new).await.data();
        let url = started["upload"]["url"].as_str().unwrap();

        let longer = put_whole(&acme, &started, vec![0; audio.len() + 1]).await;
        let bare = send(stack, Method::PUT, url, &[], audio.clone()).await;
        let wrong = put_whole(&acme, &started, another(&audio)).await;
        let right = put_whole(&acme, &started, audio).await;

        assert_eq!((longer.status.as_u16(), bare.status.as_u16()), (403, 403));
        assert_eq!((wrong.status.as_u16(), right.status.as_u16()), (400, 200), "{wrong:?} {right:?}");
        let ended = wait_for_end(&acme.editor, &format!("/v1/uploads/{}", id(&started))).await;
        assert_eq!(ended["state"], "ready", "{ended}");
    });
}

#[test]
fn parts_may_be_sent_at_once_and_again_and_later() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        // Three parts.
        let audio = mp3(1200, &unique("audio"));
        let started = announce(&acme, &audio).await;
        let path = format!("/v1/uploads/{}", id(&started));
        let part =
            |number: usize| json!({ "parts": [started["parts"][number]], "part_size": started["part_size"] });
        send_parts(&acme, &part(2), &audio).await;

        let resumed = acme.editor.get(&path).await.data();
        let missing: Vec<_> =
            resumed["parts"].as_array().unwrap().iter().map(|part| &part["part_number"]).collect();
        assert_eq!((&resumed["state"], missing), (&json!("uploading"), vec![&json!(1), &json!(2)]));
        join_all([0, 1, 2, 0].map(|number| {
            let (acme, audio, part) = (&acme, &audio, part(number));
            async move { send_parts(acme, &part, audio).await }
        }))
        .await;
        acme.editor.post(&format!("{path}/complete"), json!({})).await.data();
        acme.editor.post(&format!("{path}/complete"), json!({})).await.data();

        let ended = wait_for_end(&acme.editor, &path).await;
        assert_eq!(states(&ended), ["created", "uploading", "scanning", "probing", "ready"], "{ended}");
    });
}

#[test]
fn the_list_is_narrowed_by_state() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let ready = upload(&acme.editor, &acme, "a.mp3", json!({}), &mp3(2, &unique("audio"))).await;
        let rejected = upload(&acme.editor, &acme, "a.mp3", json!({}), &"no audio".into()).await;
        let created = announce(&acme, &"never sent".into()).await;
        for path in [&ready, &rejected] {
            wait_for_end(&acme.editor, path).await;
        }
        let (ready, rejected) = (ready.rsplit('/').next().unwrap(), rejected.rsplit('/').next().unwrap());
        let created = id(&created);

        for (query, expected) in [
            ("state=ready", vec![ready]),
            ("state=created,rejected", vec![rejected, created]),
            ("state=rejected&state=created", vec![rejected, created]),
            ("state=ready&state=rejected,created,ready", vec![ready, rejected, created]),
            ("state=expired", vec![]),
            ("", vec![ready, rejected, created]),
        ] {
            let path = format!("/v1/uploads?{query}");
            let listed = acme.editor.get(&path).await.data();
            let ids: Vec<_> = listed.as_array().unwrap().iter().map(id).collect();
            assert_eq!(ids, expected, "{query}");
            assert_eq!(globex.editor.get(&path).await.data(), json!([]), "{query}");
        }
        for query in ["state=", "state=done", "state=ready,", "state=Ready"] {
            acme.editor.get(&format!("/v1/uploads?{query}")).await.assert_problem(400, "bad_request");
        }
    });
}

#[test]
fn a_cursor_goes_on_with_the_same_states_in_the_same_tenancy() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let mut expected = Vec::new();
        for _ in 0..3 {
            expected.push(id(&announce(&acme, &"never sent".into()).await).to_owned());
        }

        let mut found = Vec::new();
        let mut query = "state=created,uploading&limit=1".to_owned();
        let mut first_cursor = None;
        loop {
            let page = acme.editor.get(&format!("/v1/uploads?{query}")).await.json();
            found.extend(page["data"].as_array().unwrap().iter().map(|upload| id(upload).to_owned()));
            let Some(next) = page["page"]["next"].as_str() else { break };
            first_cursor.get_or_insert(next.to_owned());
            query = format!("state=uploading&state=created&limit=1&cursor={next}");
        }

        assert_eq!(found, expected);
        let cursor = first_cursor.unwrap();
        for query in ["state=created", "state=ready", ""] {
            let path = format!("/v1/uploads?{query}&cursor={cursor}");
            acme.editor.get(&path).await.assert_problem(400, "bad_request");
        }
        let path = format!("/v1/uploads?state=created,uploading&cursor={cursor}");
        globex.editor.get(&path).await.assert_problem(400, "bad_request");
    });
}

#[test]
fn names_that_are_paths_are_refused() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let long = "x".repeat(300);
        for name in [
            "../../x.mp3",
            "/etc/passwd",
            "C:\\x",
            "a\0.mp3",
            "\u{202e}3pm.exe",
            "\u{2066}a",
            "..",
            "...",
            " . ",
            "",
            &long,
        ] {
            let new = json!({ "file_name": name, "content_type": "audio/mpeg", "size_bytes": 9 });
            let refused = acme.editor.post("/v1/uploads", new).await;

            refused.assert_problem(422, "invalid_request");
            let error = &refused.json()["errors"][0];
            assert_eq!(error["pointer"], "/file_name", "{name:?}: {error}");
            assert!(error["detail"].as_str().unwrap().contains("file name"), "{name:?}: {error}");
        }
        // A name that is no path, whatever it looks like, is in no key.
        for name in ["..mp3", "%2e%2e%2fx.mp3", "~", "con", "שלום.mp3"] {
            let new = json!({ "file_name": name, "content_type": "audio/mpeg", "size_bytes": 9 });
            let started = acme.editor.post("/v1/uploads", new).await.data();
            assert_eq!(started["file_name"], name);
            let key = format!("/{}/{}?", acme.id, id(&started));
            assert!(started["upload"]["url"].as_str().unwrap().contains(&key), "{started}");
        }
    });
}

#[test]
fn every_end_is_told_with_ids_alone() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let (ear, neighbour) = (Ear::of(&acme).await, Ear::of(&globex).await);
        let ready =
            upload(&acme.editor, &acme, "secret name.mp3", json!({}), &mp3(2, &unique("audio"))).await;
        let rejected = upload(&acme.editor, &acme, "secret name.mp3", json!({}), &"no audio".into()).await;
        let media_id = wait_for_end(&acme.editor, &ready).await["media_id"].clone();
        wait_for_end(&acme.editor, &rejected).await;
        let expired = announce(&acme, &"never sent".into()).await;
        let as_of = SystemClock.now().plus(Duration::from_secs(9 * 24 * 60 * 60));
        let body = json!({ "tenancy_id": acme.id, "as_of": as_of }).to_string();
        let batch = json!({ "Records": [{ "messageId": "1", "body": body }] });
        let answer = stack.aws().invoke("upload-sweep", &batch).await.unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [] }));

        let mut told = Vec::new();
        while told.len() < 3 {
            told.extend(ear.hear().await);
        }

        let upload_id = |path: &str| json!(path.rsplit('/').next().unwrap());
        for (kind, upload_id, media_id) in [
            ("upload_ready", upload_id(&ready), media_id),
            ("upload_rejected", upload_id(&rejected), Value::Null),
            ("upload_expired", expired["id"].clone(), Value::Null),
        ] {
            let ours: Vec<_> = told.iter().filter(|notice| notice["upload_id"] == upload_id).collect();
            assert_eq!(ours.len(), 1, "{told:?}");
            assert_eq!((&ours[0]["kind"], &ours[0]["media_id"]), (&json!(kind), &media_id));
            assert_eq!((&ours[0]["tenancy_id"], &ours[0]["id"]), (&json!(acme.id), &upload_id));
        }
        assert!(!format!("{told:?}").contains("secret"), "{told:?}");
        assert_eq!(neighbour.hear().await, [] as [Value; 0]);
    });
}
