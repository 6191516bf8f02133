//! What carries deletions out: for one tenancy, everything that is due at the moment of the event that asks for it.
//!
//! Each deletion says itself what is due, in the state that it is stored in. A step is done, then the deletion is stored with what came
//! of it; whoever was killed in between finds the same step due and does what is left of it. A legal hold is read before each item.

use domain::{Deletion, DeletionStep, Due, Order, Refusal, Store};
use identity::People;
use lambda_kit::Failure;
use storage::{DeletionRecord, Storage, StorageError, SweepRequest, Work};
use tenant_context::{Grant, TenantContext, Timestamp, Worker, permission::CarryOutDeletion};

use crate::account::{count_accounts, erase_account};

/// Where everything is done.
struct Worksite<'a> {
    storage: &'a Storage,
    people: &'a People,
    grant: &'a Grant<'a, CarryOutDeletion>,
    as_of: Timestamp,
}

/// Carries out what is due of the tenancy's deletions as of the moment that `request` names.
///
/// # Errors
/// [`Failure`] when a store does not do its part; running again goes on from there.
pub async fn carry_out_deletions(
    storage: &Storage,
    people: &People,
    request: &SweepRequest,
) -> Result<(), Failure> {
    let context = TenantContext::from_queue(request.tenancy_id.clone(), Worker::Deletion);

    let grant = context.grant::<CarryOutDeletion>().map_err(|denied| Failure::Poison(denied.to_string()))?;

    let site = Worksite { storage, people, grant: &grant, as_of: request.as_of };
    for record in storage.list_open_deletions(&grant).await? {
        match site.carry_out(record).await {
            // It waits; the others do not wait for it.
            Err(Failure::Storage(
                why @ (StorageError::Held(_) | StorageError::NotYet(_) | StorageError::LastOwner),
            )) => tracing::info!(%why, "a deletion waits"),
            result => result?,
        }
    }
    Ok(())
}

impl Worksite<'_> {
    /// Does one step after the other for as long as one is due.
    async fn carry_out(&self, mut record: DeletionRecord) -> Result<(), Failure> {
        loop {
            let held = self.storage.with_holds(self.grant.context(), record.clone(), self.as_of).await?;
            let mut deletion = held.deletion;
            let due = deletion.advance(self.as_of);
            record = self.save(record, &deletion).await?;
            let order = due.into_iter().find_map(|due| match due {
                Due::Work(order) => Some(order),
                Due::Remind(_) | Due::Incident => None,
            });
            let Some(order) = order else { return Ok(()) };

            let pass = deletion.pass;
            if !self.work(&mut deletion, &order).await? {
                return Ok(());
            }
            record = self.save(record, &deletion).await?;
            if deletion.pass != pass {
                // Something was left: what is still being written may be done by the next hour.
                return Ok(());
            }
        }
    }

    /// Does what is due and tells `deletion`. Answers whether it was something that is done here.
    async fn work(&self, deletion: &mut Deletion, order: &Order) -> Result<bool, Failure> {
        let before = deletion.clone();
        let work = Work { grant: self.grant, deletion: &before, order, as_of: self.as_of };
        match order.step {
            DeletionStep::Erase(store) => {
                let destroyed = match store {
                    Store::UserPool => erase_account(self.storage, self.people, &work).await?,
                    store => self.storage.erase(&work, store).await?,
                };
                deletion.erased(order, destroyed, &[], self.as_of).map_err(out_of_order)?;
            }
            DeletionStep::Verify => {
                let mut counts = Vec::with_capacity(before.stores.len());
                for store in &before.stores {
                    counts.push(match store {
                        Store::UserPool => count_accounts(self.storage, self.people, &work).await?,
                        store => self.storage.count_left(&work, *store).await?,
                    });
                }
                deletion.verified(order, &counts, self.as_of).map_err(out_of_order)?;
            }
            DeletionStep::Certify => {
                self.storage.forget_notes(&work).await?;
                deletion.certified(order, self.as_of).map_err(out_of_order)?;
            }
            DeletionStep::Seal | DeletionStep::ScheduleKey => return Ok(false),
        }
        Ok(true)
    }

    /// Stores the deletion, where anything of it is different.
    async fn save(&self, before: DeletionRecord, after: &Deletion) -> Result<DeletionRecord, StorageError> {
        if before.deletion == *after {
            return Ok(before);
        }
        self.storage.update_deletion(self.grant, &before, after).await
    }
}

/// The order came from this very deletion, so nothing leads here but a mistake in this program.
fn out_of_order(refusal: Refusal) -> Failure {
    Failure::Poison(refusal.to_string())
}
