//! What carries deletions out: for one tenancy, everything that is due at the moment of the event that asks for it.
//!
//! Each deletion says itself what is due, in the state that it is stored in. A step is done, then the deletion is stored with what came
//! of it; whoever was killed in between finds the same step due and does what is left of it. Whatever destroys asks first whether a
//! legal hold stops it.

use domain::{Deletion, DeletionScope, DeletionState, DeletionStep, Due, Order, Refusal, Reminder, Store};
use lambda_kit::Failure;
use storage::{DeletionRecord, Storage, StorageError, SweepRequest, Work};
use tenant_context::{Grant, IncidentId, TenantContext, Timestamp, Worker, permission::CarryOutDeletion};

use crate::{
    account::{Accounts, count_accounts, erase_account},
    certify::{certify, end},
};

/// Where everything is done.
#[derive(Clone, Copy)]
struct Worksite<'a> {
    storage: &'a Storage,
    accounts: &'a Accounts,
    grant: &'a Grant<'a, CarryOutDeletion>,
    as_of: Timestamp,
}

/// Carries out what is due of the tenancy's deletions as of the moment that `request` names.
///
/// # Errors
/// [`Failure`] when a store does not do its part; running again goes on from there.
pub async fn carry_out_deletions(
    storage: &Storage,
    accounts: &Accounts,
    request: &SweepRequest,
) -> Result<(), Failure> {
    let context = TenantContext::from_queue(request.tenancy_id.clone(), Worker::Deletion);

    let grant = context.grant::<CarryOutDeletion>().map_err(|denied| Failure::Poison(denied.to_string()))?;

    let site = Worksite { storage, accounts, grant: &grant, as_of: request.as_of };
    if let Some(exit) = storage.find_open_exit(&grant).await?
        && carry_out_exit(storage, accounts, request, exit).await?
    {
        return Ok(());
    }
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

/// Carries the tenancy's exit on, with rights that reach all that it has. Answers whether it is past its day: then nothing else is
/// to be done for this tenancy.
async fn carry_out_exit(
    storage: &Storage,
    accounts: &Accounts,
    request: &SweepRequest,
    exit: DeletionRecord,
) -> Result<bool, Failure> {
    let context = TenantContext::from_queue(request.tenancy_id.clone(), Worker::Exit);

    let grant = context.grant::<CarryOutDeletion>().map_err(|denied| Failure::Poison(denied.to_string()))?;

    let id = exit.deletion.id.clone();
    let site = Worksite { storage, accounts, grant: &grant, as_of: request.as_of };
    match site.carry_out(exit).await {
        Err(Failure::Storage(why @ (StorageError::Held(_) | StorageError::NotYet(_)))) => {
            tracing::info!(%why, "an exit waits");
        }
        result => result?,
    }
    let exit = storage.find_deletion(&context, &id).await?;
    let is_beyond = |record: DeletionRecord| {
        record.deletion.step.is_some() || record.deletion.state == DeletionState::Erased
    };
    Ok(exit.is_some_and(is_beyond))
}

impl Worksite<'_> {
    /// Does one step after the other for as long as one is due.
    async fn carry_out(&self, mut record: DeletionRecord) -> Result<(), Failure> {
        loop {
            // An event that comes late takes nothing back.
            let site = Worksite { as_of: self.as_of.max(record.deletion.heard_at), ..*self };
            let held = site.storage.with_holds(site.grant.context(), record.clone(), site.as_of).await?;
            let mut deletion = held.deletion;
            let due = deletion.advance(site.as_of);
            record = site.save(record, &deletion).await?;
            for due in &due {
                match due {
                    Due::Remind(reminder) => record = site.remind(record, &mut deletion, *reminder).await?,
                    Due::Incident => record = site.open_incident(record, &mut deletion).await?,
                    Due::Work(_) => {}
                }
            }
            let order = due.into_iter().find_map(|due| match due {
                Due::Work(order) => Some(order),
                Due::Remind(_) | Due::Incident => None,
            });
            let Some(order) = order else { return Ok(()) };

            let futile_passes = deletion.futile_passes;
            site.work(&mut deletion, &order).await?;
            record = site.save(record, &deletion).await?;
            if deletion.futile_passes != futile_passes {
                // Something was left: what is still being written may be done by the next hour.
                return Ok(());
            }
        }
    }

    /// Tells the owners that the day comes.
    async fn remind(
        &self,
        record: DeletionRecord,
        deletion: &mut Deletion,
        reminder: Reminder,
    ) -> Result<DeletionRecord, Failure> {
        deletion.reminded(reminder);
        let storage = self.storage;
        let record = storage.remind_of_exit(self.grant, &record, deletion, reminder, self.as_of).await?;
        storage.send_notices(self.grant).await?;
        Ok(record)
    }

    /// Says that people must look. Whoever asks for the deletion is told, too.
    async fn open_incident(
        &self,
        record: DeletionRecord,
        deletion: &mut Deletion,
    ) -> Result<DeletionRecord, Failure> {
        let incident = IncidentId::new(self.storage.now(), self.storage.randomness());
        deletion.incident_opened(incident.clone());
        let record = self.save(record, deletion).await?;
        let problem = deletion.problem.as_deref().unwrap_or_default();
        tracing::error!(%incident, deletion = %deletion.id, problem, "a deletion needs people");
        Ok(record)
    }

    /// Does what is due and tells `deletion`.
    async fn work(&self, deletion: &mut Deletion, order: &Order) -> Result<(), Failure> {
        let before = deletion.clone();
        let work = Work { grant: self.grant, deletion: &before, order, as_of: self.as_of };
        match order.step {
            DeletionStep::Erase(store) => {
                let is_exit = before.subject.scope() == DeletionScope::Tenancy;
                if !is_exit && before.stores.first() == Some(&store) {
                    self.storage.bury(&work, &before).await?;
                }
                let destroyed = match store {
                    Store::UserPool => erase_account(self.storage, self.accounts, &work).await?,
                    store => self.storage.erase(&work, store).await?,
                };
                deletion.erased(order, destroyed, &[], self.as_of).map_err(out_of_order)?;
            }
            DeletionStep::Verify => {
                let mut counts = Vec::with_capacity(before.stores.len());
                for store in &before.stores {
                    counts.push(match store {
                        Store::UserPool => count_accounts(self.storage, self.accounts, &work).await?,
                        store => self.storage.count_left(&work, *store).await?,
                    });
                }
                deletion.verified(order, &counts, self.as_of).map_err(out_of_order)?;
            }
            DeletionStep::Certify => {
                match before.subject.scope() {
                    DeletionScope::Tenancy if before.was_erased() => end(self.storage, &work).await?,
                    DeletionScope::Tenancy => certify(self.storage, &self.accounts.operator, &work).await?,
                    _ => self.storage.forget_notes(&work).await?,
                }
                deletion.certified(order, self.as_of).map_err(out_of_order)?;
                self.storage.bury(&work, deletion).await?;
            }
            DeletionStep::Seal => {
                self.storage.bury(&work, &before).await?;
                self.storage.seal(&work).await?;
                deletion.sealed(order, self.as_of).map_err(out_of_order)?;
            }
            // To be stored before KMS is told.
            DeletionStep::ScheduleKey if before.key_begun_at.is_none() => {
                deletion.begin_key(order, self.as_of).map_err(out_of_order)?;
                self.storage.bury(&work, deletion).await?;
            }
            DeletionStep::ScheduleKey => {
                let key = self.storage.schedule_key(&work).await?;
                deletion.key_scheduled(order, key, self.as_of).map_err(out_of_order)?;
            }
        }
        Ok(())
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
