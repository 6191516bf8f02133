//! After a restore: what the ledger of tombstones says was destroyed, and came back with a table, goes again.
//!
//! Each deletion that the tables have forgotten is put back into them as one that begins anew, and the worker is told. Nothing is
//! destroyed here.

use domain::Tombstone;
use lambda_kit::Failure;
use serde::{Deserialize, Serialize};
use storage::{Storage, StorageError, SweepRequest};
use tenant_context::{TenancyId, TenantContext, Timestamp, Worker, permission::ReplayDeletion};

/// What whoever has restored asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    /// The moment of the restore, or any after it. What was begun anew since needs not be begun again.
    pub time: Timestamp,
    /// The one tenancy of which items were restored; all of them where it is missing.
    #[serde(default)]
    pub tenancy_id: Option<TenancyId>,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// How many tombstones there are.
    pub tombstones: usize,
    /// How many deletions began anew.
    pub begun_anew: usize,
}

/// Holds the ledger against the tables. May be killed anywhere and run again.
///
/// # Errors
/// [`Failure`] when a store does not do its part; running again goes on from there.
pub async fn replay_tombstones(storage: &Storage, request: &ReplayRequest) -> Result<Replayed, Failure> {
    let places = storage.list_tombstones(request.tenancy_id.as_ref()).await?;
    let mut begun_anew = 0;
    for of_tenancy in places.chunk_by(|one, other| one.tenancy_id == other.tenancy_id) {
        // Where the tenancy itself has left, nothing else of it needs to be begun.
        let (exits, others): (Vec<_>, Vec<_>) = of_tenancy.iter().partition(|place| place.is_of_exit);
        for place in if exits.is_empty() { others } else { exits } {
            let tombstone = storage.read_tombstone(place).await?;
            begun_anew += usize::from(replay(storage, &tombstone, request.time).await?);
        }
        if let Some(first) = of_tenancy.first() {
            // Also where nothing began just now: whoever put it back may not have come as far as this.
            let sweep = SweepRequest { tenancy_id: first.tenancy_id.clone(), as_of: request.time };
            storage.request_sweep(&sweep).await?;
        }
    }
    Ok(Replayed { tombstones: places.len(), begun_anew })
}

/// Answers whether there was anything to begin anew.
async fn replay(storage: &Storage, tombstone: &Tombstone, now: Timestamp) -> Result<bool, Failure> {
    let context = TenantContext::from_queue(tombstone.tenancy_id.clone(), Worker::Replay);

    let grant = context.grant::<ReplayDeletion>().map_err(|denied| Failure::Poison(denied.to_string()))?;

    match storage.replay(&grant, tombstone, now).await {
        // Somebody changed what came back: it is put back as it is by now.
        Err(StorageError::Conflict) => Ok(storage.replay(&grant, tombstone, now).await?),
        result => Ok(result?),
    }
}
