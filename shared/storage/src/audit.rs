//! The audit log: one partition of events by their place, and apart from it the head, which is the last event in short.
//!
//! Events are written by [`Change`] alone, with every change and before anybody is shown personal data. No data role may update
//! or delete one.

use domain::{AuditChain, AuditEvent, AuditFilter, AuditHead, AuditPlace, AuditProblem};
use tenant_context::{Grant, Permission, TenantContext, Timestamp, permission::ReadAudit};

use crate::{
    Page, Storage, StorageError,
    error::During,
    item::{Item, body, sort_key, string},
    keys::{Collection, audit_place, partition},
    transaction::Change,
};

/// How many events one call looks at: a few megabytes, which takes seconds.
const MOST_EXAMINED: u16 = 20_000;
/// How many events are read at once where most will not be asked for.
const READ_AT_ONCE: u16 = 1_000;

/// How a tenancy's audit log was found.
#[derive(Debug)]
pub struct AuditVerification {
    /// How many events from the first on are as they were written.
    pub events: u64,
    /// Where the log says that it ends.
    pub head: Option<AuditHead>,
    /// Where it is not what it was; none where nothing was found.
    pub problem: Option<AuditProblem>,
    /// Where to go on: the log is longer than one call looks at. None at the end, and where a problem was found.
    pub next: Option<AuditPlace>,
}

/// What is in the partition of events: an event at its place, or something else.
struct Stored {
    place: u64,
    event: Option<AuditEvent>,
}

impl Storage {
    /// Lists events in their order, from after the place `after` on. Looks at 20,000 at most: a page may hold fewer than `limit`,
    /// or none, and there is more nevertheless.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] where an event cannot be read: verifying says which.
    pub async fn list_audit_events(
        &self,
        grant: &Grant<'_, ReadAudit>,
        filter: &AuditFilter,
        after: Option<u64>,
        limit: u16,
    ) -> Result<Page<AuditEvent>, StorageError> {
        self.read_audit_events(grant.context(), filter, after, limit).await
    }

    pub(crate) async fn read_audit_events(
        &self,
        context: &TenantContext,
        filter: &AuditFilter,
        after: Option<u64>,
        limit: u16,
    ) -> Result<Page<AuditEvent>, StorageError> {
        let mut next = match (after, filter.after) {
            (Some(place), _) => place.saturating_add(1),
            (None, Some(moment)) => self.first_place_after(context, moment).await?,
            (None, None) => 1,
        };
        // One more than asked for tells whether there is a next page.
        let read_at_once = if filter.takes_all() { limit.saturating_add(1) } else { READ_AT_ONCE };
        let mut items = Vec::new();
        let mut examined = 0;
        loop {
            let events = self.read_events(context, next, read_at_once).await?;
            let mut events = events.into_iter().peekable();
            if events.peek().is_none() {
                return Ok(Page { items, next: None });
            }
            while let Some(stored) = events.next() {
                let event = stored.event.ok_or_else(|| StorageError::corrupt("an audit event"))?;
                if filter.is_past(&event) {
                    return Ok(Page { items, next: None });
                }
                if filter.matches(&event) {
                    items.push(event);
                }
                next = stored.place.saturating_add(1);
                examined += 1;
                if items.len() == usize::from(limit) || examined == MOST_EXAMINED {
                    let is_more = events.peek().is_some() || !filter.takes_all();
                    return Ok(Page { items, next: is_more.then(|| stored.place.to_string()) });
                }
            }
        }
    }

    /// Recomputes the log from `from` on, `most` events at most, and holds it against its head and its newest anchors. Leaves an
    /// event that says what was found.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer. What was done to the log is no error.
    pub async fn verify_audit_log(
        &self,
        grant: &Grant<'_, ReadAudit>,
        from: AuditPlace,
        most: u16,
    ) -> Result<AuditVerification, StorageError> {
        let context = grant.context();
        let verification = self.recompute(context, from, most).await?;

        let mut change = Change::new(self, grant, context.tenancy().as_str())?;
        match &verification.problem {
            None => change.detail("verified", &"intact")?,
            Some(problem) => change.detail("verified", &problem.kind)?,
        };
        match change.commit().await {
            // No event can come after the end of a log whose head is not its end. To say so matters more.
            Err(StorageError::Corrupt(reason)) if verification.problem.is_some() => {
                tracing::error!(reason, "the verification of an audit log could not be recorded");
            }
            result => result?,
        }
        Ok(verification)
    }

    /// Leaves an event of having shown `subject`, or what is in it, to the holder of the grant.
    pub(crate) async fn record<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        subject: &str,
    ) -> Result<(), StorageError> {
        Change::new(self, grant, subject)?.commit().await
    }

    pub(crate) async fn find_audit_head(
        &self,
        context: &TenantContext,
    ) -> Result<Option<AuditHead>, StorageError> {
        self.find(context, Collection::AuditHead, context.tenancy().as_str()).await
    }

    pub(crate) async fn recompute(
        &self,
        context: &TenantContext,
        from: AuditPlace,
        most: u16,
    ) -> Result<AuditVerification, StorageError> {
        let mut chain = AuditChain::new(from, self.newest_anchors(context).await?);
        let mut left = most.min(MOST_EXAMINED);
        loop {
            // The head before the events: what it counts must be there, what comes after it may not be yet.
            let head = self.find_audit_head(context).await?;
            let first = chain.place().sequence.saturating_add(1);
            let events = self.read_events(context, first, left).await?;

            let found = if events.is_empty() {
                chain.end(head.as_ref())
            } else {
                left = left.saturating_sub(u16::try_from(events.len()).unwrap_or(u16::MAX));
                events.iter().try_for_each(|stored| chain.follow(stored.place, stored.event.as_ref()))
            };
            let is_at_end = events.is_empty() || found.is_err();
            if is_at_end || left == 0 {
                return Ok(AuditVerification {
                    events: chain.place().sequence,
                    head,
                    problem: found.err(),
                    next: (!is_at_end).then(|| chain.place().clone()),
                });
            }
        }
    }

    /// The place of the first event later than `moment`, found by halving: events are in order of time.
    async fn first_place_after(
        &self,
        context: &TenantContext,
        moment: Timestamp,
    ) -> Result<u64, StorageError> {
        let (mut low, mut high) = (1, 1);
        if let Some(head) = self.find_audit_head(context).await? {
            high = head.sequence.saturating_add(1);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            let events = self.read_events(context, middle, 1).await?;
            match events.first() {
                Some(Stored { event: Some(event), place }) if event.at <= moment => {
                    low = place.saturating_add(1)
                }
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// Reads what is at the place `first` and after it: `most` items, or fewer where they are large or the last.
    async fn read_events(
        &self,
        context: &TenantContext,
        first: u64,
        most: u16,
    ) -> Result<Vec<Stored>, StorageError> {
        let tenant = self.tenant(context).await?;
        let answer = tenant
            .clients
            .dynamodb()
            .query()
            .table_name(self.environment.get("TENANT_TABLE")?)
            .key_condition_expression("pk = :pk AND sk >= :first")
            .expression_attribute_values(":pk", string(partition(context, Collection::Audit)))
            .expression_attribute_values(":first", string(audit_place(first)))
            .limit(i32::from(most))
            .consistent_read(true)
            .send()
            .await
            .during("dynamodb:Query")?;
        Ok(answer.items.unwrap_or_default().into_iter().map(stored).collect())
    }
}

/// What is under a key that is no place is no event; it comes before all places, where nothing can be.
fn stored(mut item: Item) -> Stored {
    let place: Option<u64> = sort_key(&item).and_then(|key| key.parse().ok());
    item.retain(|name, _| name != "pk" && name != "sk");
    Stored { place: place.unwrap_or_default(), event: place.and_then(|_| body(item).ok()) }
}
