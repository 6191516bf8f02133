//! The media worker killed anywhere, and run again. This has a stack of its own, in which the real worker hears nothing.

use std::sync::Arc;

use bytes::Bytes;
use lambda_kit::SystemClock;
use local::{Options, Stack};
use serde_json::{Value, json};
use tokio::runtime::Builder;
use uploads::process_upload::{ScanVerdict, process_upload};

use crate::{
    actors::Tenant,
    audio::{mp3, upload},
    process::{Process, run_until},
    world::unique,
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

async fn count(stack: &Stack, partition: String) -> usize {
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

async fn list(stack: &Stack, bucket: &str, prefix: &str) -> usize {
    let path = format!("/{}?list-type=2&prefix={prefix}", stack.output(bucket).unwrap());
    let listing = stack.aws().s3(http::Method::GET, &path, Bytes::new()).await.unwrap();
    String::from_utf8_lossy(listing.body()).matches("<Key>").count()
}

#[test]
fn a_worker_killed_anywhere_and_run_again_makes_one_medium() {
    // One thread: nothing is answered between sending and waiting, so each call is a place to be killed at.
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stack: &'static Stack = Box::leak(Box::new(
            Stack::start(Options::for_tests().unwrap()).await.unwrap_or_else(|failure| panic!("{failure}")),
        ));
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
                process_upload(&killed, &verdict).await.unwrap();
            })
            .await;
            let again = process.storage(Arc::new(SystemClock));
            process_upload(&again, &verdict).await.unwrap();
            process_upload(&again, &verdict).await.unwrap();

            let upload = acme.editor.get(&path).await.data();
            assert_eq!(upload["state"], "ready", "killed after {awaits} awaits: {upload}");
            awaits += 1;
            for (what, found) in [
                ("media", count(stack, format!("{}#media", acme.id)).await),
                ("hashes", count(stack, format!("{}#media-hashes", acme.id)).await),
                ("objects", list(stack, "MediaBucket", &acme.id).await),
            ] {
                assert_eq!(found, awaits, "{what} after being killed after {} awaits", awaits - 1);
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
