//! A stack in which the workers of uploads hear nothing by themselves: a test reads their messages, and does their work with their
//! roles, in the order that it wants.

use std::{
    future::Future,
    sync::{Arc, LazyLock, Mutex},
};

use bytes::Bytes;
use http::Method;
use lambda_kit::{Failure, SystemClock};
use local::Stack;
use serde_json::json;
use storage::{Storage, SweepRequest};
use tenant_context::Timestamp;
use tokio::{runtime::Runtime, sync::OnceCell};
use uploads::{
    process_upload::{ScanVerdict, process_upload},
    sweep_uploads::sweep_uploads,
};

use crate::{
    actors::Tenant,
    process::{Process, sandbox},
    world::start,
};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static QUIET: OnceCell<Quiet> = OnceCell::const_new();

pub struct Quiet {
    pub stack: Stack,
    worker: Process,
    sweep: Process,
    verdict_queue: String,
    sweep_queue: String,
    /// Messages that were read and not asked for yet, each with its queue.
    read: Mutex<Vec<(String, String)>>,
}

/// Runs a test against the quiet stack, which the first one starts.
pub fn run_quietly<F: Future<Output = ()>>(test: impl FnOnce(&'static Quiet) -> F) {
    RUNTIME.block_on(async {
        let quiet = QUIET.get_or_init(Quiet::start).await;
        test(quiet).await;
    });
}

impl Quiet {
    async fn start() -> Self {
        let stack = start().await;
        for binary in ["media-worker", "upload-sweep"] {
            stack.aws().pause_queue(binary).await.unwrap();
        }
        Self {
            worker: Process::of(&stack, "media-worker").await,
            sweep: Process::of(&stack, "upload-sweep").await,
            verdict_queue: stack.aws().queue_of("media-worker").await.unwrap(),
            sweep_queue: stack.aws().queue_of("upload-sweep").await.unwrap(),
            read: Mutex::default(),
            stack,
        }
    }

    /// The next verdict about an upload that nobody has asked for yet.
    pub async fn verdict(&self, tenant: &Tenant, upload: &str) -> String {
        self.message(&self.verdict_queue, &format!("{}/{upload}", tenant.id)).await
    }

    /// The next word to the sweep that has `text` in it.
    pub async fn word_to_sweep(&self, text: &str) -> String {
        self.message(&self.sweep_queue, text).await
    }

    async fn message(&self, queue: &str, text: &str) -> String {
        loop {
            {
                let mut read = self.read.lock().unwrap();
                let ours = read.iter().position(|(of, message)| of == queue && message.contains(text));
                if let Some(index) = ours {
                    return read.remove(index).1;
                }
            }
            let receive = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1 });
            let received = self.stack.aws().sqs("ReceiveMessage", &receive).await.unwrap();
            for message in received["Messages"].as_array().into_iter().flatten() {
                let delete = json!({ "QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"] });
                self.stack.aws().sqs("DeleteMessage", &delete).await.unwrap();
                let body = message["Body"].as_str().unwrap().to_owned();
                self.read.lock().unwrap().push((queue.to_owned(), body));
            }
        }
    }

    /// The stores as the media worker has them.
    pub fn worker(&self) -> Storage {
        self.worker.storage(Arc::new(SystemClock))
    }

    /// Does what the media worker does with a message.
    pub async fn process(&self, message: &str) -> Result<(), Failure> {
        process_upload(&self.worker(), &sandbox(), &ScanVerdict::read(message).unwrap()).await
    }

    /// Does what the hour's sweep does for a tenancy.
    pub async fn sweep(&self, tenant: &Tenant, as_of: Timestamp) {
        let storage = self.sweep.storage(Arc::new(SystemClock));
        let request = SweepRequest { tenancy_id: tenant.id.parse().unwrap(), as_of };
        sweep_uploads(&storage, &request).await.unwrap();
    }

    /// How many versions and deletion marks lie in a tenancy's quarantine.
    pub async fn versions(&self, tenant: &Tenant) -> usize {
        count_versions(&self.stack, tenant).await
    }

    /// Takes the scan's tag from a version, as if the scan had never come to it.
    pub async fn forget_scan(&self, tenant: &Tenant, upload: &str, version: &str) {
        let bucket = self.stack.output("UploadBucket").unwrap();
        let path = format!("/{bucket}/{}/{upload}?tagging&versionId={version}", tenant.id);
        let answer = self.stack.aws().s3(Method::DELETE, &path, Bytes::new()).await.unwrap();
        assert_eq!(answer.status(), 204, "{answer:?}");
    }
}

/// How many versions and deletion marks lie in a tenancy's quarantine.
pub async fn count_versions(stack: &Stack, tenant: &Tenant) -> usize {
    let path = format!("/{}?versions&prefix={}/", stack.output("UploadBucket").unwrap(), tenant.id);
    let listing = stack.aws().s3(Method::GET, &path, Bytes::new()).await.unwrap();
    let listing = String::from_utf8_lossy(listing.body()).into_owned();
    assert!(listing.contains("ListVersionsResult"), "{listing}");
    listing.matches("<VersionId>").count()
}
