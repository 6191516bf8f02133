//! The media worker killed anywhere, and run again. This has a stack of its own, in which the real worker hears nothing.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use lambda_kit::SystemClock;
use local::{Options, Stack};
use serde_json::{Value, json};
use storage::{Environment, Storage, SystemRandomness};
use tokio::runtime::Builder;
use uploads::process_upload::{ScanVerdict, process_upload};

use crate::{
    actors::Tenant,
    audio::{mp3, upload},
    world::unique,
};

/// A worker's process: the environment that the template gives it, and credentials of its role.
struct Process {
    environment: Value,
    credentials: [String; 3],
}

impl Process {
    fn storage(&self) -> Storage {
        let [id, secret, token] = &self.credentials;
        let lookup = |name: &str| match name {
            "AWS_REGION" => Some(local::REGION.to_owned()),
            "AWS_ACCESS_KEY_ID" => Some(id.clone()),
            "AWS_SECRET_ACCESS_KEY" => Some(secret.clone()),
            "AWS_SESSION_TOKEN" => Some(token.clone()),
            name => self.environment[name].as_str().map(str::to_owned),
        };
        let randomness = Arc::new(SystemRandomness::new());
        Storage::new(Environment::read(lookup), Arc::new(SystemClock), randomness).unwrap()
    }
}

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

/// Runs `work` until it has waited `awaits` times, and drops it there, as a kill would. Answers whether it came to its end.
pub async fn run_until(awaits: usize, work: impl Future<Output = ()>) -> bool {
    let mut work = pin!(work);
    let mut waited = 0;
    std::future::poll_fn(|context: &mut Context<'_>| match work.as_mut().poll(context) {
        Poll::Ready(()) => Poll::Ready(true),
        Poll::Pending if waited == awaits => Poll::Ready(false),
        Poll::Pending => {
            waited += 1;
            Poll::Pending
        }
    })
    .await
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
        let mut environment = stack.aws().function_environment("media-worker").await.unwrap();
        environment["AWS_ENDPOINT_URL"] = json!(stack.aws().endpoint());
        let credentials = stack.aws().assume_role_of("media-worker").await.unwrap();
        let process = Process { environment, credentials };
        let acme = Tenant::new(stack).await;

        let mut awaits = 0;
        loop {
            let audio = mp3(2, &unique("audio"));
            let path = upload(&acme.editor, &acme, "episode.mp3", json!({}), &audio).await;
            let verdict = ScanVerdict::read(&take_verdict(stack, &json!(queue)).await).unwrap();

            let killed = process.storage();
            let came_to_its_end = run_until(awaits, async {
                process_upload(&killed, &verdict).await.unwrap();
            })
            .await;
            let again = process.storage();
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
