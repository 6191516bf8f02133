//! SQS batches: what failed comes back, what succeeded does not (partial batch responses).

use std::time::Duration;

use lambda_runtime::{LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};
use storage::StorageError;

/// Why a message was not worked through. It comes back until the queue gives up and moves it to the dead-letter queue.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A store did not do its part. Trying again may help.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The message, or what it leads to, cannot be understood. Trying again will not help; the dead-letter queue keeps it.
    #[error("{0}")]
    Poison(String),
    /// Somebody else's server did not do its part. The queue tries again later.
    #[error("{0}")]
    Elsewhere(String),
    /// The function's own disk or runtime failed. Trying again may help.
    #[error("{0}")]
    Local(#[from] std::io::Error),
}

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "messageId")]
    message_id: String,
    body: String,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failures {
    batch_item_failures: Vec<FailedItem>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailedItem {
    item_identifier: String,
}

/// How long to wait before each further try. A message that fails for good comes back only when its visibility timeout is
/// over, which is long because a worker may take long.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(3)];

async fn try_again(work: &impl AsyncFn(&str) -> Result<(), Failure>, message: &str) -> Result<(), Failure> {
    for pause in PAUSES {
        // On the heap: a worker's future is large, and its type deep.
        match Box::pin(work(message)).await {
            Err(Failure::Storage(error)) => tracing::warn!(%error, cause = ?error, "trying again"),
            result => return result,
        }
        tokio::time::sleep(pause).await;
    }
    Box::pin(work(message)).await
}

/// Works through batches until Lambda ends the process. One message's failure does not touch its neighbours.
///
/// # Errors
/// When the Lambda runtime API cannot be reached.
pub async fn work_through(
    work: impl AsyncFn(&str) -> Result<(), Failure>,
) -> Result<(), lambda_runtime::Error> {
    let work = &work;
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<Batch>| {
        let mut failures = Failures::default();
        for record in event.payload.records {
            if let Err(error) = try_again(work, &record.body).await {
                tracing::error!(%error, cause = ?error, message_id = record.message_id, "a message failed");
                failures.batch_item_failures.push(FailedItem { item_identifier: record.message_id });
            }
        }
        Ok::<_, lambda_runtime::Error>(failures)
    }))
    .await
}
