//! The minute's sweep: whatever is due and not rendered yet is queued for the renderer, be it an episode whose time has come, or
//! a change whose message got lost. A missed minute is made good by the next.

use lambda_kit::Tick;
use storage::{Storage, StorageError};

/// Queues what is due by the tick's time, and answers how many feeds that is.
///
/// # Errors
/// [`StorageError`] when the directory or the queue does not answer; the next tick makes it good.
pub async fn release_due(storage: &Storage, tick: &Tick) -> Result<usize, StorageError> {
    let due = storage.list_due(tick.time).await?;
    for request in &due {
        storage.request_render(request).await?;
    }
    Ok(due.len())
}
