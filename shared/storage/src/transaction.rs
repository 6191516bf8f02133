//! A change: what is written, and the audit event of it, in one transaction.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update},
};
use domain::{Access, Quota};
use serde::Serialize;
use tenant_context::{
    AuditEventId, EpisodeId, Grant, GroupRef, Permission, ShowId, TenantContext, Timestamp,
};

use crate::{
    Storage, StorageError, due,
    item::{Item, item, key, string},
    keys::{Collection, TENANCY_ACCESS, partition},
};

/// How often a transaction that collided with another is tried again.
const MOST_COLLISIONS: u32 = 5;

#[derive(Serialize)]
struct AuditEvent<'a> {
    id: AuditEventId,
    at: Timestamp,
    action: &'a str,
    principal: String,
    subject: &'a str,
}

/// Writes that happen together or not at all, in the name of whoever holds the grant.
pub(crate) struct Change<'s> {
    storage: &'s Storage,
    context: TenantContext,
    at: Timestamp,
    writes: Vec<TransactWriteItem>,
    counts: Vec<(Quota, i64)>,
}

/// A count whose condition is the quota.
struct Counted {
    /// Where it stands among the writes.
    at: usize,
    quota: Quota,
    limit: u64,
}

impl<'s> Change<'s> {
    /// Starts a change to `subject`, with its audit event.
    pub(crate) fn new<P: Permission>(
        storage: &'s Storage,
        grant: &Grant<'_, P>,
        subject: &str,
    ) -> Result<Self, StorageError> {
        let at = storage.now();
        let (writes, counts) = (Vec::new(), Vec::new());
        let mut change = Self { storage, context: grant.context().clone(), at, writes, counts };
        let event = AuditEvent {
            id: AuditEventId::new(at, storage.randomness()),
            at,
            action: grant.action().as_str(),
            principal: grant.context().principal().to_string(),
            subject,
        };
        change.create(Collection::Audit, event.id.as_str(), &event)?;
        Ok(change)
    }

    /// An item that must not exist yet.
    pub(crate) fn create(
        &mut self,
        collection: Collection<'_>,
        id: &str,
        body: &impl Serialize,
    ) -> Result<&mut Self, StorageError> {
        let put = Put::builder()
            .table_name(self.table(collection)?)
            .set_item(Some(item(partition(&self.context, collection), id, body)?))
            .condition_expression("attribute_not_exists(pk)");
        self.push(TransactWriteItem::builder().put(put.build().map_err(StorageError::corrupt)?))
    }

    /// An item that must still be at `version`; the new body carries the next.
    pub(crate) fn replace(
        &mut self,
        collection: Collection<'_>,
        id: &str,
        version: u64,
        body: &impl Serialize,
    ) -> Result<&mut Self, StorageError> {
        let put = Put::builder()
            .table_name(self.table(collection)?)
            .set_item(Some(item(partition(&self.context, collection), id, body)?))
            .condition_expression("#version = :version")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", number(version));
        self.push(TransactWriteItem::builder().put(put.build().map_err(StorageError::corrupt)?))
    }

    /// An item whose `state` must be one of `states`.
    pub(crate) fn replace_in_state(
        &mut self,
        collection: Collection<'_>,
        id: &str,
        states: &[&str],
        body: &impl Serialize,
    ) -> Result<&mut Self, StorageError> {
        let (condition, values) = in_state(states);
        let put = Put::builder()
            .table_name(self.table(collection)?)
            .set_item(Some(item(partition(&self.context, collection), id, body)?))
            .condition_expression(condition)
            .expression_attribute_names("#state", "state")
            .set_expression_attribute_values(Some(values));
        self.push(TransactWriteItem::builder().put(put.build().map_err(StorageError::corrupt)?))
    }

    /// An item whose `state` must be `state`, and that shall not exist any more.
    pub(crate) fn delete_in_state(
        &mut self,
        collection: Collection<'_>,
        id: &str,
        state: &str,
    ) -> Result<&mut Self, StorageError> {
        let (condition, values) = in_state(&[state]);
        let delete = Delete::builder()
            .table_name(self.table(collection)?)
            .set_key(Some(key(partition(&self.context, collection), id)))
            .condition_expression(condition)
            .expression_attribute_names("#state", "state")
            .set_expression_attribute_values(Some(values));
        self.push(TransactWriteItem::builder().delete(delete.build().map_err(StorageError::corrupt)?))
    }

    /// Counts a change that the show's feed shows, which is due at once, or when `episode` comes out.
    pub(crate) fn feed_changed(
        &mut self,
        show: &ShowId,
        episode: Option<(&EpisodeId, Timestamp)>,
    ) -> Result<&mut Self, StorageError> {
        let update = Update::builder()
            .table_name(self.table(Collection::FeedVersions)?)
            .set_key(Some(key(partition(&self.context, Collection::FeedVersions), show.as_str())))
            .update_expression("ADD #counter :one")
            .expression_attribute_names("#counter", "counter")
            .expression_attribute_values(":one", number(1));
        self.push(TransactWriteItem::builder().update(update.build().map_err(StorageError::corrupt)?))?;

        let due = due::render_at(&self.context, show, None, self.at)?;
        self.put_due(due)?;
        if let Some((episode, at)) = episode.filter(|(_, at)| *at > self.at) {
            let due = due::render_at(&self.context, show, Some(episode), at)?;
            self.put_due(due)?;
        }
        Ok(self)
    }

    /// An item that must exist.
    pub(crate) fn check_exists(
        &mut self,
        collection: Collection<'_>,
        id: &str,
    ) -> Result<&mut Self, StorageError> {
        let check = ConditionCheck::builder()
            .table_name(self.table(collection)?)
            .set_key(Some(key(partition(&self.context, collection), id)))
            .condition_expression("attribute_exists(pk)");
        self.push(TransactWriteItem::builder().condition_check(check.build().map_err(StorageError::corrupt)?))
    }

    /// An item that must exist, and shall not any more.
    pub(crate) fn delete(&mut self, collection: Collection<'_>, id: &str) -> Result<&mut Self, StorageError> {
        let delete = Delete::builder()
            .table_name(self.table(collection)?)
            .set_key(Some(key(partition(&self.context, collection), id)))
            .condition_expression("attribute_exists(pk)");
        self.push(TransactWriteItem::builder().delete(delete.build().map_err(StorageError::corrupt)?))
    }

    /// The same for an item that may be missing already.
    pub(crate) fn delete_if_there(
        &mut self,
        collection: Collection<'_>,
        id: &str,
    ) -> Result<&mut Self, StorageError> {
        let delete = Delete::builder()
            .table_name(self.table(collection)?)
            .set_key(Some(key(partition(&self.context, collection), id)));
        self.push(TransactWriteItem::builder().delete(delete.build().map_err(StorageError::corrupt)?))
    }

    /// Counts `step` more of what the quota is about: 1 for what is made, -1 for what ends. What ends is never held up by a count.
    pub(crate) fn count(&mut self, quota: Quota, step: i64) -> &mut Self {
        self.counts.push((quota, step));
        self
    }

    /// An item of the directory's due work, under the tenancy's own partition.
    fn put_due(&mut self, item: Item) -> Result<&mut Self, StorageError> {
        let table = self.storage.environment.get("DIRECTORY_TABLE")?;
        let put = Put::builder().table_name(table).set_item(Some(item));
        self.push(TransactWriteItem::builder().put(put.build().map_err(StorageError::corrupt)?))
    }

    /// A member's access, new (`before` is none) or changed, and with it who the tenancy's owners are.
    pub(crate) fn save_access(
        &mut self,
        before: Option<&Access>,
        after: &Access,
    ) -> Result<&mut Self, StorageError> {
        let id = after.member_id.as_str();
        match before {
            None => self.create(Collection::Access, id, after)?,
            Some(before) => self.replace(Collection::Access, id, before.version, after)?,
        };
        self.update_owners(id, before.is_some_and(Access::is_owner), after.is_owner())
    }

    /// A member's access, which shall not exist any more.
    pub(crate) fn delete_access(&mut self, access: &Access) -> Result<&mut Self, StorageError> {
        let id = access.member_id.as_str();
        self.delete(Collection::Access, id)?.update_owners(id, access.is_owner(), false)
    }

    /// The tenancy's own groups that a member is in must exist.
    pub(crate) fn check_groups_exist(&mut self, access: &Access) -> Result<&mut Self, StorageError> {
        for membership in &access.memberships {
            if let GroupRef::Custom(id) = &membership.group {
                self.check_exists(Collection::Access, id.as_str())?;
            }
        }
        Ok(self)
    }

    /// Never takes the last owner: whoever checked before may have been overtaken.
    fn update_owners(&mut self, member: &str, was: bool, is: bool) -> Result<&mut Self, StorageError> {
        let update = match (was, is) {
            (false, true) => Update::builder().update_expression("ADD owners :member"),
            (true, false) => Update::builder()
                .update_expression("DELETE owners :member")
                .condition_expression("size(owners) > :one")
                .expression_attribute_values(":one", number(1)),
            _ => return Ok(self),
        };
        let update = update
            .table_name(self.table(Collection::Access)?)
            .set_key(Some(key(partition(&self.context, Collection::Access), TENANCY_ACCESS)))
            .expression_attribute_values(":member", AttributeValue::Ss(vec![member.to_owned()]));
        self.push(TransactWriteItem::builder().update(update.build().map_err(StorageError::corrupt)?))
    }

    /// Ends every session of the tenancy: what a group allows has changed.
    pub(crate) fn end_sessions_of_tenancy(&mut self) -> Result<&mut Self, StorageError> {
        let update = Update::builder()
            .table_name(self.table(Collection::Access)?)
            .set_key(Some(key(partition(&self.context, Collection::Access), TENANCY_ACCESS)))
            .update_expression("ADD #version :one")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":one", number(1));
        self.push(TransactWriteItem::builder().update(update.build().map_err(StorageError::corrupt)?))
    }

    /// Writes everything, or nothing.
    ///
    /// # Errors
    /// [`StorageError::QuotaExceeded`] when the tenancy may have no more of what is counted, [`StorageError::Conflict`] when any
    /// other condition did not hold.
    pub(crate) async fn commit(mut self) -> Result<(), StorageError> {
        let tenant = self.storage.tenant(&self.context).await?;
        let counted = self.write_counts().await?;
        let mut attempt = 0;
        loop {
            let written = tenant
                .clients
                .dynamodb
                .transact_write_items()
                .set_transact_items(Some(self.writes.clone()))
                .send()
                .await;
            let Err(error) = written else { return Ok(()) };
            if let Some(exceeded) = exceeded(&counted, &error) {
                return Err(exceeded);
            }
            match cancellation(&error) {
                Some("ConditionalCheckFailed") => return Err(StorageError::Conflict),
                Some("TransactionConflict") if attempt < MOST_COLLISIONS => attempt += 1,
                _ => return Err(StorageError::from_sdk("dynamodb:TransactWriteItems", error)),
            }
            tokio::time::sleep(Duration::from_millis(20 << attempt)).await;
        }
    }

    /// Adds the counts to the writes.
    async fn write_counts(&mut self) -> Result<Vec<Counted>, StorageError> {
        let mut counted = Vec::new();
        for (quota, step) in std::mem::take(&mut self.counts) {
            let update = Update::builder()
                .table_name(self.table(Collection::Quotas)?)
                .set_key(Some(key(partition(&self.context, Collection::Quotas), quota.as_str())))
                .update_expression("ADD used :step")
                .expression_attribute_values(":step", AttributeValue::N(step.to_string()));
            let update = match u64::try_from(step) {
                Err(_) => update,
                Ok(step) => {
                    let limit = self.storage.limits(&self.context).await?.quota(quota);
                    let most = limit.checked_sub(step).ok_or(StorageError::QuotaExceeded { quota, limit })?;
                    counted.push(Counted { at: self.writes.len(), quota, limit });
                    update
                        .condition_expression("attribute_not_exists(used) OR used <= :most")
                        .expression_attribute_values(":most", number(most))
                }
            };
            self.push(TransactWriteItem::builder().update(update.build().map_err(StorageError::corrupt)?))?;
        }
        Ok(counted)
    }

    fn table(&self, collection: Collection<'_>) -> Result<&'s str, StorageError> {
        self.storage.environment.get(collection.table())
    }

    fn push(
        &mut self,
        write: aws_sdk_dynamodb::types::builders::TransactWriteItemBuilder,
    ) -> Result<&mut Self, StorageError> {
        self.writes.push(write.build());
        Ok(self)
    }
}

fn in_state(states: &[&str]) -> (String, Item) {
    let values: Item =
        states.iter().enumerate().map(|(at, state)| (format!(":state{at}"), string(*state))).collect();
    let names: Vec<_> = (0..states.len()).map(|at| format!(":state{at}")).collect();
    (format!("#state IN ({})", names.join(", ")), values)
}

pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

type TransactError = SdkError<TransactWriteItemsError>;

/// The quota that alone stood in the way.
fn exceeded(counted: &[Counted], error: &TransactError) -> Option<StorageError> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
    else {
        return None;
    };
    let mut failed = cancelled.cancellation_reasons().iter().enumerate().filter_map(|(at, reason)| {
        let quota = counted.iter().find(|counted| counted.at == at);
        (reason.code() == Some("ConditionalCheckFailed")).then_some(quota)
    });
    let first = failed.next()??;
    failed
        .all(|other| other.is_some())
        .then_some(StorageError::QuotaExceeded { quota: first.quota, limit: first.limit })
}

/// Why a transaction was cancelled: a condition that failed counts before a collision with another transaction.
fn cancellation(error: &TransactError) -> Option<&str> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
    else {
        return None;
    };
    let codes = || cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code());
    codes()
        .find(|code| *code == "ConditionalCheckFailed")
        .or_else(|| codes().find(|code| *code == "TransactionConflict"))
}
