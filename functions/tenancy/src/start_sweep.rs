//! The start of a sweep: asks for what each tenancy needs each day, or each hour. A missed one is made good by the next.

use lambda_kit::Tick;
use storage::{Storage, StorageError, SweepRequest};

/// Queues every tenancy for a sweep as of the tick's time, and answers how many there are.
///
/// # Errors
/// [`StorageError`] when the directory or the queue does not answer; running again is as good.
pub async fn start_sweep(storage: &Storage, tick: &Tick) -> Result<usize, StorageError> {
    let tenancies = storage.list_tenancies().await?;
    for tenancy_id in &tenancies {
        let request = SweepRequest { tenancy_id: tenancy_id.clone(), as_of: tick.time };
        storage.request_sweep(&request).await?;
    }
    Ok(tenancies.len())
}
