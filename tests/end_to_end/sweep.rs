//! The hour's sweep of uploads: what lost its event goes on, what nothing comes of ends, and nothing is left behind.

use std::time::Duration;

use bytes::Bytes;
use lambda_kit::SystemClock;
use serde_json::{Value, json};
use tenant_context::{Clock, Timestamp};

use crate::{
    actors::Tenant,
    audio::{another, mp3, send_bytes, send_parts},
    ear::Ear,
    flow::id,
    process::run_until,
    quiet::{Quiet, run_quietly},
    world::unique,
};

fn in_minutes(minutes: u64) -> Timestamp {
    SystemClock.now().plus(Duration::from_secs(60 * minutes))
}

fn in_days(days: u64) -> Timestamp {
    in_minutes(days * 24 * 60)
}

/// An upload whose bytes are all there, and the scan's verdict, which nobody has heard.
async fn sent(quiet: &Quiet, tenant: &Tenant) -> (Value, String) {
    sent_bytes(quiet, tenant, mp3(2, &unique("audio"))).await
}

async fn sent_bytes(quiet: &Quiet, tenant: &Tenant, audio: Bytes) -> (Value, String) {
    let new = json!({ "file_name": "a.mp3", "content_type": "audio/mpeg", "size_bytes": audio.len() });
    let started = tenant.editor.post("/v1/uploads", new).await.data();
    send_bytes(tenant, &started, &audio).await;
    let verdict = quiet.verdict(tenant, id(&started)).await;
    (started, verdict)
}

/// An upload of which one part is there.
async fn half_sent(tenant: &Tenant) -> Value {
    let size = (8 << 20) + 1;
    let new = json!({ "file_name": "a.mp3", "content_type": "audio/mpeg", "size_bytes": size });
    let started = tenant.editor.post("/v1/uploads", new).await.data();
    let first = json!({ "parts": [started["parts"][0]], "part_size": started["part_size"] });
    send_parts(tenant, &first, &Bytes::from(vec![0; 8 << 20])).await;
    started
}

async fn find(tenant: &Tenant, upload: &Value) -> Value {
    tenant.editor.get(&format!("/v1/uploads/{}", id(upload))).await.data()
}

#[test]
fn a_lost_arrival_is_made_good_by_the_sweep() {
    run_quietly(async |quiet| {
        let acme = Tenant::new(&quiet.stack).await;
        let (started, _) = sent(quiet, &acme).await;

        quiet.sweep(&acme, in_minutes(59)).await;
        assert_eq!(find(&acme, &started).await["state"], "created", "its event may still come");
        quiet.sweep(&acme, in_minutes(61)).await;

        assert_eq!(find(&acme, &started).await["state"], "scanning");
    });
}

#[test]
fn a_lost_verdict_is_made_good_by_the_sweep() {
    run_quietly(async |quiet| {
        let acme = Tenant::new(&quiet.stack).await;
        let (started, _) = sent(quiet, &acme).await;

        quiet.sweep(&acme, in_minutes(61)).await;
        let again = quiet.verdict(&acme, id(&started)).await;
        quiet.process(&again).await.unwrap();

        assert_eq!(find(&acme, &started).await["state"], "ready");
        assert_eq!(quiet.versions(&acme).await, 0);
    });
}

#[test]
fn probing_that_hangs_is_begun_again() {
    run_quietly(async |quiet| {
        let acme = Tenant::new(&quiet.stack).await;
        let (started, verdict) = sent(quiet, &acme).await;
        let mut awaits = 1;
        while find(&acme, &started).await["state"] != "probing" {
            run_until(awaits, async { quiet.process(&verdict).await.unwrap() }).await;
            awaits += 1;
        }

        quiet.sweep(&acme, in_minutes(61)).await;
        let again = quiet.verdict(&acme, id(&started)).await;
        quiet.process(&again).await.unwrap();

        assert_eq!(find(&acme, &started).await["state"], "ready");
    });
}

#[test]
fn what_is_never_scanned_is_rejected_after_a_day() {
    run_quietly(async |quiet| {
        let acme = Tenant::new(&quiet.stack).await;
        let (started, verdict) = sent(quiet, &acme).await;
        let verdict: Value = serde_json::from_str(&verdict).unwrap();
        let version = verdict["detail"]["s3ObjectDetails"]["versionId"].as_str().unwrap();
        quiet.forget_scan(&acme, id(&started), version).await;

        quiet.sweep(&acme, in_minutes(61)).await;
        quiet.sweep(&acme, in_minutes(24 * 60 - 1)).await;
        assert_eq!(find(&acme, &started).await["state"], "scanning", "it may still be scanned");
        quiet.sweep(&acme, in_minutes(24 * 60 + 1)).await;

        let ended = find(&acme, &started).await;
        assert_eq!(
            (&ended["state"], &ended["rejection"]["code"]),
            (&json!("rejected"), &json!("not_scanned"))
        );
        assert_eq!(quiet.versions(&acme).await, 0);
    });
}

#[test]
fn what_is_abandoned_expires_with_all_its_parts() {
    run_quietly(async |quiet| {
        let acme = Tenant::with_limits(&quiet.stack, json!({ "quotas": { "unfinished_uploads": 1 } })).await;
        let started = half_sent(&acme).await;

        quiet.sweep(&acme, in_days(7)).await;
        assert_eq!(find(&acme, &started).await["state"], "uploading", "it may still be finished");
        quiet.sweep(&acme, in_days(8)).await;

        let ended = find(&acme, &started).await;
        assert_eq!((&ended["state"], &ended["rejection"]), (&json!("expired"), &Value::Null));
        assert!(ended["reason"].as_str().unwrap().ends_with('.'), "{ended}");
        assert_eq!(ended["history"][2]["reason"], ended["reason"]);
        assert_eq!((&ended["parts"], &ended["upload"]), (&json!([]), &Value::Null));
        let path = format!("/{}?uploads&prefix={}/", quiet.stack.output("UploadBucket").unwrap(), acme.id);
        let open = quiet.stack.aws().s3(http::Method::GET, &path, Bytes::new()).await.unwrap();
        assert!(!String::from_utf8_lossy(open.body()).contains(id(&started)), "{open:?}");
        let path = format!("/v1/uploads/{}", id(&started));
        acme.editor.delete(&path).await.assert_problem(409, "upload_completed");
        let completed = acme.editor.post(&format!("{path}/complete"), json!({})).await.data();
        assert_eq!(completed["state"], "expired", "an end is an end");
        half_sent(&acme).await;
    });
}

#[test]
fn a_sweep_leaves_nothing_that_nobody_waits_for() {
    run_quietly(async |quiet| {
        let acme = Tenant::new(&quiet.stack).await;
        let audio = mp3(2, &unique("audio"));
        let (ended, verdict) = sent_bytes(quiet, &acme, audio.clone()).await;
        quiet.process(&verdict).await.unwrap();
        send_bytes(&acme, &ended, &another(&audio)).await;
        let (given_up, _) = sent(quiet, &acme).await;
        acme.editor.delete(&format!("/v1/uploads/{}", id(&given_up))).await;
        let (goes_on, _) = sent(quiet, &acme).await;

        quiet.sweep(&acme, in_minutes(58)).await;
        assert_eq!(quiet.versions(&acme).await, 3, "their events may still come");
        quiet.sweep(&acme, in_minutes(61)).await;

        assert_eq!(quiet.versions(&acme).await, 1);
        let again = quiet.verdict(&acme, id(&goes_on)).await;
        quiet.process(&again).await.unwrap();
        assert_eq!(find(&acme, &goes_on).await["state"], "ready");
        assert_eq!(quiet.versions(&acme).await, 0);
    });
}

#[test]
fn a_sweep_sees_to_one_tenancy() {
    run_quietly(async |quiet| {
        let (acme, globex) = (Tenant::new(&quiet.stack).await, Tenant::new(&quiet.stack).await);
        let ear = Ear::of(&globex).await;
        let (acmes, globexs) = (half_sent(&acme).await, half_sent(&globex).await);
        sent(quiet, &globex).await;
        let before = globex.editor.get("/v1/uploads").await.data();

        quiet.sweep(&acme, in_days(9)).await;

        assert_eq!(find(&acme, &acmes).await["state"], "expired");
        assert_eq!(globex.editor.get("/v1/uploads").await.data(), before);
        assert_eq!(find(&globex, &globexs).await["state"], "uploading");
        assert_eq!(quiet.versions(&globex).await, 1);
        assert_eq!(ear.hear().await, [] as [Value; 0]);
    });
}

#[test]
fn each_hour_every_tenancy_is_swept() {
    run_quietly(async |quiet| {
        let (acme, globex) = (Tenant::new(&quiet.stack).await, Tenant::new(&quiet.stack).await);

        let time = "2026-03-01T10:40:00Z";
        quiet.stack.aws().invoke("hourly-sweep", &json!({ "time": time })).await.unwrap();

        for tenant in [acme, globex] {
            let word = quiet.word_to_sweep(&format!("\"tenancy_id\":\"{}\"", tenant.id)).await;
            assert!(word.contains("2026-03-01T10:40:00"), "{word}");
        }
    });
}
