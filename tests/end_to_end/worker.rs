//! The media worker and the sweep of uploads, each killed anywhere and run again. They have stacks of their own, in which the real
//! ones hear nothing.

use std::sync::Arc;

use bytes::Bytes;
use domain::{ABANDONED_AFTER, LOST_AFTER};
use lambda_kit::SystemClock;
use local::Stack;
use serde_json::{Value, json};
use storage::SweepRequest;
use tenant_context::Clock;
use uploads::{
    process_upload::{ScanVerdict, process_upload},
    sweep_uploads::sweep_uploads,
};

use crate::{
    actors::Tenant,
    audio::{mp3, upload},
    ear::Ear,
    process::{Process, run_until, sandbox},
    quiet::count_versions,
    quotas::{now_less, start_upload},
    world::{run_alone, unique},
};

/// The verdict that the scanner has given of the only upload so far, taken off the queue before the worker hears of it.
async fn take_verdict(stack: &Stack, queue: &Value) -> String {
    loop {
        let receive = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 1, "WaitTimeSeconds": 1 });
        let received = stack.aws().sqs("ReceiveMessage", &receive).await.unwrap();
        if let Some(message) = received["Messages"].as_array().and_then(|messages| messages.first()) {
            let delete = json!({ "QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"] });
            stack.aws().sqs("DeleteMessage", &delete).await.unwrap();
            return message["Body"].as_str().unwrap().to_owned();
        }
    }
}

/// How many items a partition of the tenancies' table has.
pub async fn count(stack: &Stack, partition: String) -> usize {
    let query = json!({
        "TableName": stack.output("TenantTable").unwrap(), "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": { ":pk": { "S": partition } },
    });
    let found = stack.aws().dynamodb("Query", &query).await.unwrap();
    found["Items"].as_array().unwrap().len()
}

/// How many uploads have not ended, as their counter says.
async fn unfinished_uploads(stack: &Stack, tenant: &Tenant) -> i64 {
    let get = json!({
        "TableName": stack.output("TenantTable").unwrap(),
        "Key": { "pk": { "S": format!("{}#quotas", tenant.id) }, "sk": { "S": "unfinished_uploads" } },
    });
    let item = stack.aws().dynamodb("GetItem", &get).await.unwrap();
    item["Item"]["used"]["N"].as_str().unwrap().parse().unwrap()
}

/// How many objects a bucket has under a prefix.
pub async fn list(stack: &Stack, bucket: &str, prefix: &str) -> usize {
    let path = format!("/{}?list-type=2&prefix={prefix}", stack.output(bucket).unwrap());
    let listing = stack.aws().s3(http::Method::GET, &path, Bytes::new()).await.unwrap();
    String::from_utf8_lossy(listing.body()).matches("<Key>").count()
}

#[test]
fn a_worker_killed_anywhere_and_run_again_makes_one_medium() {
    run_alone(async |stack| {
        stack.aws().pause_queue("media-worker").await.unwrap();
        let queue = stack.aws().queue_of("media-worker").await.unwrap();
        let process = Process::of(stack, "media-worker").await;
        let acme = Tenant::new(stack).await;

        let mut awaits = 0;
        loop {
            let audio = mp3(2, &unique("audio"));
            let path = upload(&acme.editor, &acme, "episode.mp3", json!({}), &audio).await;
            let verdict = ScanVerdict::read(&take_verdict(stack, &json!(queue)).await).unwrap();

            let killed = process.storage(Arc::new(SystemClock));
            let came_to_its_end = run_until(awaits, async {
                process_upload(&killed, &sandbox(), &verdict).await.unwrap();
            })
            .await;
            let again = process.storage(Arc::new(SystemClock));
            process_upload(&again, &sandbox(), &verdict).await.unwrap();
            process_upload(&again, &sandbox(), &verdict).await.unwrap();

            let upload = acme.editor.get(&path).await.data();
            assert_eq!(upload["state"], "ready", "killed after {awaits} awaits: {upload}");
            awaits += 1;
            for (what, found, expected) in [
                ("media", count(stack, format!("{}#media", acme.id)).await, awaits),
                ("hashes", count(stack, format!("{}#media-hashes", acme.id)).await, awaits),
                // One for each medium, and their waveform: silence looks the same every time.
                ("objects", list(stack, "MediaBucket", &acme.id).await, awaits + 1),
            ] {
                assert_eq!(found, expected, "{what} after being killed after {} awaits", awaits - 1);
            }
            assert_eq!(unfinished_uploads(stack, &acme).await, 0, "killed after {} awaits", awaits - 1);
            assert_eq!(
                list(stack, "UploadBucket", &format!("{}/", acme.id)).await,
                0,
                "the quarantine is empty"
            );
            if came_to_its_end {
                break;
            }
        }
        assert!(awaits >= 8, "only {awaits} places to be killed at");
    });
}

#[test]
fn a_sweep_killed_anywhere_and_run_again_ends_once() {
    run_alone(async |stack| {
        for binary in ["media-worker", "upload-sweep"] {
            stack.aws().pause_queue(binary).await.unwrap();
        }
        let queue = json!(stack.aws().queue_of("media-worker").await.unwrap());
        let (sweeper, worker) =
            (Process::of(stack, "upload-sweep").await, Process::of(stack, "media-worker").await);
        let acme = Tenant::new(stack).await;
        let ear = Ear::of(&acme).await;
        let now = SystemClock.now();
        let as_of = now.plus(2 * LOST_AFTER);
        let request = SweepRequest { tenancy_id: acme.id.parse().unwrap(), as_of };
        let sized =
            json!({ "file_name": "a.mp3", "content_type": "audio/mpeg", "size_bytes": (8 << 20) + 1 });

        let mut awaits = 0;
        let mut expired = Vec::new();
        loop {
            // One upload whose verdict gets lost, one that is given up after it came, one that is abandoned.
            let audio = mp3(2, &unique("audio"));
            let lost = upload(&acme.editor, &acme, "episode.mp3", json!({}), &audio).await;
            take_verdict(stack, &queue).await;
            let given_up = upload(&acme.editor, &acme, "episode.mp3", json!({}), &audio).await;
            take_verdict(stack, &queue).await;
            assert_eq!(acme.editor.delete(&given_up).await.status, 204);
            let abandoned = start_upload(&acme, &sized, now_less(ABANDONED_AFTER)).await;

            let killed = sweeper.storage(Arc::new(SystemClock));
            let came_to_its_end = run_until(awaits, async {
                sweep_uploads(&killed, &request).await.unwrap();
            })
            .await;
            let again = sweeper.storage(Arc::new(SystemClock));
            sweep_uploads(&again, &request).await.unwrap();
            let verdict = ScanVerdict::read(&take_verdict(stack, &queue).await).unwrap();
            process_upload(&worker.storage(Arc::new(SystemClock)), &sandbox(), &verdict).await.unwrap();
            // A killed sweep has told of it too.
            stack.aws().sqs("PurgeQueue", &json!({ "QueueUrl": queue })).await.unwrap();

            assert_eq!(acme.editor.get(&lost).await.data()["state"], "ready", "after {awaits} awaits");
            let path = format!("/v1/uploads/{abandoned}");
            assert_eq!(acme.editor.get(&path).await.data()["state"], "expired", "after {awaits} awaits");
            assert_eq!(count_versions(stack, &acme).await, 0, "after {awaits} awaits");
            assert_eq!(unfinished_uploads(stack, &acme).await, 0, "after {awaits} awaits");
            assert_eq!(count(stack, format!("{}#notices", acme.id)).await, 0, "after {awaits} awaits");
            expired.push(json!(abandoned));
            awaits += 1;
            if came_to_its_end {
                break;
            }
        }
        let mut told = Vec::new();
        while !expired.iter().all(|id| told.iter().any(|notice: &Value| notice["upload_id"] == *id)) {
            told.extend(ear.hear().await);
        }
        assert!(awaits >= 8, "only {awaits} places to be killed at");
    });
}
