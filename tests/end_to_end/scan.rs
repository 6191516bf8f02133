//! The scan decides: nothing but a clean verdict about the very bytes goes on, in whatever order verdicts come.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use bytes::Bytes;
use domain::ContentHash;
use serde_json::{Value, json};
use storage::{Quarantined, StorageError};
use tenant_context::{TenantContext, Worker, permission::ProcessUpload};

use crate::{
    actors::Tenant,
    audio::{another, mp3, send_bytes, upload, wait_for_end},
    flow::id,
    process::run_until,
    quiet::{Quiet, run_quietly},
    walls::s3_of,
    world::{run, unique},
};

/// The EICAR test file, written so that this source is not taken for it.
fn eicar() -> String {
    ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat()
}

async fn announce(tenant: &Tenant, bytes: &Bytes) -> Value {
    let new = json!({ "file_name": "a.mp3", "content_type": "audio/mpeg", "size_bytes": bytes.len() });
    tenant.editor.post("/v1/uploads", new).await.data()
}

async fn state(tenant: &Tenant, upload: &Value) -> Value {
    tenant.editor.get(&format!("/v1/uploads/{}", id(upload))).await.data()["state"].clone()
}

fn version_in(verdict: &str) -> String {
    let verdict: Value = serde_json::from_str(verdict).unwrap();
    verdict["detail"]["s3ObjectDetails"]["versionId"].as_str().unwrap().to_owned()
}

async fn is_media(quiet: &Quiet, tenant: &Tenant, bytes: &Bytes) -> bool {
    let hash = ContentHash::of(bytes);
    let path = format!("/{}/{}/{hash}", quiet.stack.output("MediaBucket").unwrap(), tenant.id);
    quiet.stack.aws().s3(http::Method::HEAD, &path, Bytes::new()).await.unwrap().status() == 200
}

#[test]
fn every_other_verdict_rejects() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let queue = stack.aws().queue_of("media-worker").await.unwrap();
        for (result, code) in [
            ("THREATS_FOUND", "threat_found"),
            ("THREAT_FOUND", "threat_found"),
            ("UNSUPPORTED", "not_scanned"),
            ("ACCESS_DENIED", "not_scanned"),
            ("FAILED", "not_scanned"),
            ("no_threats_found", "not_scanned"),
            ("", "not_scanned"),
        ] {
            let audio = mp3(2, &unique("audio"));
            let started = announce(&acme, &audio).await;
            let verdict = json!({ "source": "aws.guardduty", "detail": {
                "s3ObjectDetails": { "objectKey": format!("{}/{}", acme.id, id(&started)), "versionId": "v1" },
                "scanResultDetails": { "scanResultStatus": result },
            } });
            let message = json!({ "QueueUrl": queue, "MessageBody": verdict.to_string() });
            stack.aws().sqs("SendMessage", &message).await.unwrap();

            let path = format!("/v1/uploads/{}", id(&started));
            let ended = wait_for_end(&acme.editor, &path).await;

            assert_eq!(
                (&ended["state"], &ended["rejection"]["code"]),
                (&json!("rejected"), &json!(code)),
                "{result}"
            );
            assert_eq!(ended["reason"], ended["rejection"]["detail"]);
            // Good bytes that come after it change nothing.
            send_bytes(&acme, &started, &audio).await;
            assert_eq!(acme.editor.get(&path).await.data(), ended, "{result}");
        }
    });
}

#[test]
fn malware_after_music_is_found() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let music = mp3(2, &unique("audio"));
        let ogg = include_bytes!("../fixtures/audio/vorbis.ogg");
        for (what, music) in [("MP3", music.as_ref()), ("Ogg", ogg.as_ref())] {
            let infected = [music, eicar().as_bytes()].concat().into();

            let path = upload(&acme.editor, &acme, "a.mp3", json!({}), &infected).await;
            let ended = wait_for_end(&acme.editor, &path).await;

            assert_eq!(ended["rejection"]["code"], "threat_found", "{what}");
        }
    });
}

#[test]
fn the_first_clean_version_counts_and_later_ones_are_deleted() {
    run_quietly(async |quiet| {
        let acme = Tenant::new(&quiet.stack).await;
        for is_in_order in [true, false] {
            let first = mp3(2, &unique("audio"));
            let second = another(&first);
            let started = announce(&acme, &first).await;
            send_bytes(&acme, &started, &first).await;
            let verdict_1 = quiet.verdict(&acme, id(&started)).await;
            send_bytes(&acme, &started, &second).await;
            let verdict_2 = quiet.verdict(&acme, id(&started)).await;
            assert_ne!(version_in(&verdict_1), version_in(&verdict_2));
            let (counts, comes_after) = if is_in_order { (&first, &second) } else { (&second, &first) };
            let verdicts = if is_in_order { [&verdict_1, &verdict_2] } else { [&verdict_2, &verdict_1] };

            for verdict in verdicts.into_iter().chain(verdicts) {
                quiet.process(verdict).await.unwrap();
                assert_eq!(state(&acme, &started).await, "ready");
            }

            assert!(is_media(quiet, &acme, counts).await && !is_media(quiet, &acme, comes_after).await);
            assert_eq!(quiet.versions(&acme).await, 0);
        }
    });
}

#[test]
fn a_version_that_comes_while_the_first_is_probed_is_not_promoted() {
    run_quietly(async |quiet| {
        let acme = Tenant::new(&quiet.stack).await;
        let first = mp3(2, &unique("audio"));
        let second = another(&first);
        let started = announce(&acme, &first).await;
        send_bytes(&acme, &started, &first).await;
        let verdict_1 = quiet.verdict(&acme, id(&started)).await;
        send_bytes(&acme, &started, &second).await;
        let verdict_2 = quiet.verdict(&acme, id(&started)).await;
        let mut awaits = 1;
        while state(&acme, &started).await != "probing" {
            run_until(awaits, async { quiet.process(&verdict_1).await.unwrap() }).await;
            awaits += 1;
        }

        let threat = verdict_2.replace("NO_THREATS_FOUND", "THREATS_FOUND");
        for late in [&verdict_2, &threat] {
            quiet.process(late).await.unwrap();
            assert_eq!(state(&acme, &started).await, "probing", "{late}");
        }
        quiet.process(&verdict_1).await.unwrap();

        assert_eq!(state(&acme, &started).await, "ready");
        assert!(is_media(quiet, &acme, &first).await && !is_media(quiet, &acme, &second).await);
        assert_eq!(quiet.versions(&acme).await, 0);
    });
}

#[test]
fn a_verdict_about_what_was_given_up_removes_the_bytes() {
    run_quietly(async |quiet| {
        let acme = Tenant::new(&quiet.stack).await;
        let audio = mp3(2, &unique("audio"));
        let started = announce(&acme, &audio).await;
        send_bytes(&acme, &started, &audio).await;
        let verdict = quiet.verdict(&acme, id(&started)).await;
        let path = format!("/v1/uploads/{}", id(&started));
        assert_eq!(acme.editor.delete(&path).await.status, 204);
        assert_eq!(quiet.versions(&acme).await, 1);

        quiet.process(&verdict).await.unwrap();

        assert_eq!(quiet.versions(&acme).await, 0);
        acme.editor.get(&path).await.assert_problem(404, "not_found");
        assert!(!is_media(quiet, &acme, &audio).await);
    });
}

#[test]
fn a_made_up_verdict_opens_nothing() {
    run_quietly(async |quiet| {
        let acme = Tenant::new(&quiet.stack).await;
        let infected: Bytes = [mp3(2, &unique("audio")).as_ref(), eicar().as_bytes()].concat().into();
        let started = announce(&acme, &infected).await;
        send_bytes(&acme, &started, &infected).await;
        let verdict = quiet.verdict(&acme, id(&started)).await;
        assert!(verdict.contains("\"THREATS_FOUND\""), "{verdict}");

        let made_up = quiet.process(&verdict.replace("THREATS_FOUND", "NO_THREATS_FOUND")).await;

        assert!(
            matches!(made_up, Err(lambda_kit::Failure::Storage(StorageError::Denied { .. }))),
            "{made_up:?}"
        );
        assert!(!is_media(quiet, &acme, &infected).await);
        quiet.process(&verdict).await.unwrap();
        assert_eq!(state(&acme, &started).await, "rejected");
        assert_eq!(quiet.versions(&acme).await, 0);
    });
}

#[test]
fn nobody_but_the_scanner_reads_what_was_not_found_clean() {
    run_quietly(async |quiet| {
        let acme = Tenant::new(&quiet.stack).await;
        let s3 = s3_of(&acme).await;
        let bucket = quiet.stack.output("UploadBucket").unwrap();
        let context = TenantContext::from_queue(acme.id.parse().unwrap(), Worker::Media);
        let grant = context.grant::<ProcessUpload>().unwrap();
        let infected: Bytes = [mp3(2, &unique("audio")).as_ref(), eicar().as_bytes()].concat().into();
        let clean = mp3(2, &unique("audio"));

        for (bytes, forgets, may_be_read) in
            [(&infected, false, false), (&clean, true, false), (&clean, false, true)]
        {
            let started = announce(&acme, bytes).await;
            send_bytes(&acme, &started, bytes).await;
            let version = version_in(&quiet.verdict(&acme, id(&started)).await);
            if forgets {
                quiet.forget_scan(&acme, id(&started), &version).await;
            }
            let key = format!("{}/{}", acme.id, id(&started));

            let by_tenancy = s3.get_object().bucket(bucket).key(&key).send().await;
            let of_version = s3.get_object().bucket(bucket).key(&key).version_id(&version).send().await;
            let object = Quarantined { upload: id(&started).parse().unwrap(), version: Some(version) };
            let by_worker = quiet.worker().fetch_quarantined(&grant, &object, &mut Vec::new()).await;

            assert_eq!(by_tenancy.unwrap_err().code(), Some("AccessDenied"));
            assert_eq!(of_version.unwrap_err().code(), Some("AccessDenied"));
            match by_worker {
                Err(StorageError::Denied { .. }) => assert!(!may_be_read),
                read => assert!(may_be_read && read.is_ok(), "{:?}", read.err()),
            }
        }
    });
}
