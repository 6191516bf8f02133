//! A change: what is written, and the audit event of it, in one transaction. The event goes to the end of the tenancy's log,
//! which is a chain: the head of the log is swapped in the same transaction, and whoever finds it swapped tries again.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        AttributeValue, CancellationReason, ConditionCheck, Delete, Put, TransactWriteItem, Update,
        builders::ConditionCheckBuilder,
    },
};
use domain::{Access, AuditEvent, AuditHead, NewAuditEvent, Publication, Quota, TenancyName};
use serde::Serialize;
use serde_json::Value;
use tenant_context::{
    AuditEventId, EpisodeId, Grant, GroupRef, Permission, ShowId, TenancyState, TenantContext, Timestamp,
    id::Randomness,
};

use crate::{
    Storage, StorageError, due,
    item::{Item, item, key, string},
    keys::{Collection, HOLDS_VERSION, TENANCY_ACCESS, audit_place, partition},
    tenancy::first_version,
};

/// How often a transaction that came off second against another is tried again. Every change of a tenancy writes the head of
/// its audit log, so many at once must take turns. With the pauses between, so many tries take some five seconds.
const MOST_TRIES: u32 = 30;
/// A pause is a random part of this, which doubles with each try up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// Writes that happen together or not at all, in the name of whoever holds the grant.
pub(crate) struct Change<'s> {
    storage: &'s Storage,
    context: TenantContext,
    at: Timestamp,
    writes: Vec<TransactWriteItem>,
    counts: Vec<(Quota, i64)>,
    event: NewAuditEvent,
}

/// What is recorded for good.
#[derive(Serialize)]
struct Recorded<'r> {
    value: &'r str,
}

/// A count whose condition is the quota.
struct Counted {
    /// Where it stands among the writes.
    at: usize,
    quota: Quota,
    limit: u64,
}

/// Why a transaction did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cancelled {
    /// A condition of the change itself does not hold: trying again will not help.
    OwnCondition,
    /// Another change has written its audit event first.
    LogMoved,
    /// It met another transaction on the same item.
    Collision,
}

impl<'s> Change<'s> {
    /// Starts a change to `subject`, with its audit event.
    pub(crate) fn new<P: Permission>(
        storage: &'s Storage,
        grant: &Grant<'_, P>,
        subject: &str,
    ) -> Result<Self, StorageError> {
        let at = storage.now();
        Ok(Self {
            storage,
            context: grant.context().clone(),
            at,
            writes: Vec::new(),
            counts: Vec::new(),
            event: NewAuditEvent {
                id: AuditEventId::new(at, storage.randomness()),
                at,
                action: grant.action().as_str().to_owned(),
                principal: grant.context().principal().to_string(),
                subject: subject.to_owned(),
                details: BTreeMap::new(),
            },
        })
    }

    /// In whose name, and in which tenancy.
    pub(crate) fn context(&self) -> &TenantContext {
        &self.context
    }

    /// Notes an id or the name of a state, or several of them, in the audit event. Never personal data.
    pub(crate) fn detail(&mut self, name: &str, value: &impl Serialize) -> Result<&mut Self, StorageError> {
        let text = match serde_json::to_value(value).map_err(StorageError::corrupt)? {
            Value::String(text) => text,
            Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
            _ => return Err(StorageError::corrupt(format!("{name} is no text"))),
        };
        self.event.details.insert(name.to_owned(), text);
        Ok(self)
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

    /// An item that takes the place of whatever is there.
    pub(crate) fn put(
        &mut self,
        collection: Collection<'_>,
        id: &str,
        body: &impl Serialize,
    ) -> Result<&mut Self, StorageError> {
        let put = Put::builder().table_name(self.table(collection)?).set_item(Some(item(
            partition(&self.context, collection),
            id,
            body,
        )?));
        self.push(TransactWriteItem::builder().put(put.build().map_err(StorageError::corrupt)?))
    }

    /// An item that says the same for good: written once, and refused when it is there and says something else.
    pub(crate) fn record(
        &mut self,
        collection: Collection<'_>,
        id: &str,
        value: &str,
    ) -> Result<&mut Self, StorageError> {
        let put = Put::builder()
            .table_name(self.table(collection)?)
            .set_item(Some(item(partition(&self.context, collection), id, &Recorded { value })?))
            .condition_expression("attribute_not_exists(pk) OR #value = :value")
            .expression_attribute_names("#value", "value")
            .expression_attribute_values(":value", string(value));
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

    /// An item whose `state` must be one of `states`, and that shall not exist any more.
    pub(crate) fn delete_in_state(
        &mut self,
        collection: Collection<'_>,
        id: &str,
        states: &[&str],
    ) -> Result<&mut Self, StorageError> {
        let (condition, values) = in_state(states);
        let delete = Delete::builder()
            .table_name(self.table(collection)?)
            .set_key(Some(key(partition(&self.context, collection), id)))
            .condition_expression(condition)
            .expression_attribute_names("#state", "state")
            .set_expression_attribute_values(Some(values));
        self.push(TransactWriteItem::builder().delete(delete.build().map_err(StorageError::corrupt)?))
    }

    /// Counts a change that the show's feed shows, which is due at once, and again at each moment of `episode` that is to come.
    pub(crate) fn feed_changed(
        &mut self,
        show: &ShowId,
        episode: Option<(&EpisodeId, &Publication)>,
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
        if let Some((episode, publication)) = episode {
            let now = self.at;
            for (what, at) in publication.moments().filter(|(_, at)| *at > now) {
                let due = due::render_at(&self.context, show, Some((episode, what)), at)?;
                self.put_due(due)?;
            }
        }
        Ok(self)
    }

    /// An item that must exist.
    pub(crate) fn check_exists(
        &mut self,
        collection: Collection<'_>,
        id: &str,
    ) -> Result<&mut Self, StorageError> {
        self.check(collection, id, |check| check.condition_expression("attribute_exists(pk)"))
    }

    /// An item that must still be at `version`; at 0 there must be none.
    pub(crate) fn check_version(
        &mut self,
        collection: Collection<'_>,
        id: &str,
        version: u64,
    ) -> Result<&mut Self, StorageError> {
        self.check(collection, id, |check| match version {
            0 => check.condition_expression("attribute_not_exists(pk)"),
            version => check
                .condition_expression("#version = :version")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":version", number(version)),
        })
    }

    /// An item whose `state` must be one of `states`.
    pub(crate) fn check_in_state(
        &mut self,
        collection: Collection<'_>,
        id: &str,
        states: &[&str],
    ) -> Result<&mut Self, StorageError> {
        let (condition, values) = in_state(states);
        self.check(collection, id, |check| {
            check
                .condition_expression(condition)
                .expression_attribute_names("#state", "state")
                .set_expression_attribute_values(Some(values))
        })
    }

    /// An item that is not written, on a condition all the same.
    fn check(
        &mut self,
        collection: Collection<'_>,
        id: &str,
        condition: impl FnOnce(ConditionCheckBuilder) -> ConditionCheckBuilder,
    ) -> Result<&mut Self, StorageError> {
        let check = ConditionCheck::builder()
            .table_name(self.table(collection)?)
            .set_key(Some(key(partition(&self.context, collection), id)));
        let check = condition(check).build().map_err(StorageError::corrupt)?;
        self.push(TransactWriteItem::builder().condition_check(check))
    }

    /// An item that must exist, and shall not any more.
    pub(crate) fn delete(&mut self, collection: Collection<'_>, id: &str) -> Result<&mut Self, StorageError> {
        let delete = Delete::builder()
            .table_name(self.table(collection)?)
            .set_key(Some(key(partition(&self.context, collection), id)))
            .condition_expression("attribute_exists(pk)");
        self.push(TransactWriteItem::builder().delete(delete.build().map_err(StorageError::corrupt)?))
    }

    /// An item that must still be at `version`, and shall not exist any more.
    pub(crate) fn delete_at(
        &mut self,
        collection: Collection<'_>,
        id: &str,
        version: u64,
    ) -> Result<&mut Self, StorageError> {
        let delete = Delete::builder()
            .table_name(self.table(collection)?)
            .set_key(Some(key(partition(&self.context, collection), id)))
            .condition_expression("#version = :version")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", number(version));
        self.push(TransactWriteItem::builder().delete(delete.build().map_err(StorageError::corrupt)?))
    }

    /// An item that shall not exist any more, and may be missing already.
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

    /// Counts a change of the tenancy's legal holds.
    pub(crate) fn holds_changed(&mut self) -> Result<&mut Self, StorageError> {
        let update = Update::builder()
            .table_name(self.table(Collection::LegalHolds)?)
            .set_key(Some(key(partition(&self.context, Collection::LegalHolds), HOLDS_VERSION)))
            .update_expression("ADD #version :one")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":one", number(1));
        self.push(TransactWriteItem::builder().update(update.build().map_err(StorageError::corrupt)?))
    }

    /// The id of its audit event, which no other change has.
    pub(crate) fn id(&self) -> AuditEventId {
        self.event.id.clone()
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

    /// The name of a tenancy that must still be at `version`. What else is in the item stays: the data key, the limits.
    pub(crate) fn rename_tenancy(
        &mut self,
        version: u64,
        name: &TenancyName,
    ) -> Result<&mut Self, StorageError> {
        let is_unchanged = if version == first_version() {
            "attribute_exists(pk) AND (attribute_not_exists(#version) OR #version = :version)"
        } else {
            "#version = :version"
        };
        let update = Update::builder()
            .table_name(self.table(Collection::Tenancy)?)
            .set_key(Some(key(
                partition(&self.context, Collection::Tenancy),
                self.context.tenancy().as_str(),
            )))
            .update_expression("SET #name = :name, #version = :next")
            .condition_expression(is_unchanged)
            .expression_attribute_names("#name", "name")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":name", string(name.as_str()))
            .expression_attribute_values(":version", number(version))
            .expression_attribute_values(":next", number(version + 1));
        self.push(TransactWriteItem::builder().update(update.build().map_err(StorageError::corrupt)?))
    }

    /// A member's access, new (`before` is none) or changed, and with it who the tenancy's owners are. An audit event about the
    /// member says how it is then.
    pub(crate) fn save_access(
        &mut self,
        before: Option<&Access>,
        after: &Access,
    ) -> Result<&mut Self, StorageError> {
        let id = after.member_id.as_str();
        if self.event.subject == id {
            self.detail("state", &after.state)?.detail("groups", &after.groups())?;
        }
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

    /// Whether the tenancy is there for its members. Every session ends: tokens say it.
    pub(crate) fn tenancy_is(&mut self, state: TenancyState) -> Result<&mut Self, StorageError> {
        let name = serde_json::to_value(state).map_err(StorageError::corrupt)?;
        let update = Update::builder()
            .table_name(self.table(Collection::Access)?)
            .set_key(Some(key(partition(&self.context, Collection::Access), TENANCY_ACCESS)))
            .update_expression("SET #state = :state ADD #version :one")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":state", string(name.as_str().unwrap_or_default()))
            .expression_attribute_values(":one", number(1));
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

    /// Writes everything, with the audit event that comes next in the log, or nothing.
    ///
    /// # Errors
    /// [`StorageError::QuotaExceeded`] when the tenancy may have no more of what is counted, [`StorageError::Conflict`] when
    /// another condition of the change did not hold, [`StorageError::Corrupt`] when the audit log goes on beyond its head, so
    /// that no event can come next.
    pub(crate) async fn commit(mut self) -> Result<(), StorageError> {
        let tenant = self.storage.tenant(&self.context).await?;
        let counted = self.write_counts().await?;
        let mut head = self.storage.find_audit_head(&self.context).await?;
        let mut tries = 0;
        loop {
            let written = tenant
                .clients
                .dynamodb()
                .transact_write_items()
                .set_transact_items(Some(self.with_event_after(head.as_ref())?))
                .send()
                .await;
            let Err(error) = written else { return Ok(()) };
            let reasons = reasons(&error);
            if let Some(exceeded) = exceeded(&counted, reasons.get(..self.writes.len()).unwrap_or_default()) {
                return Err(exceeded);
            }
            let cancelled = why_cancelled(reasons, self.writes.len());
            match cancelled {
                Some(Cancelled::OwnCondition) => return Err(StorageError::Conflict),
                Some(_) if tries < MOST_TRIES => tries += 1,
                _ => return Err(StorageError::from_sdk("dynamodb:TransactWriteItems", error)),
            }

            tokio::time::sleep(pause(tries, self.storage.randomness())).await;
            let now = self.storage.find_audit_head(&self.context).await?;
            if cancelled == Some(Cancelled::LogMoved) && now == head {
                return Err(StorageError::corrupt("the audit log goes on beyond its head"));
            }
            head = now;
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

    /// The change's own writes, then the two of the audit log.
    fn with_event_after(&self, head: Option<&AuditHead>) -> Result<Vec<TransactWriteItem>, StorageError> {
        let event = AuditEvent::after(head, self.event.clone());
        let place = audit_place(event.sequence);
        let put = Put::builder()
            .table_name(self.table(Collection::Audit)?)
            .set_item(Some(item(partition(&self.context, Collection::Audit), place, &event)?))
            .condition_expression("attribute_not_exists(pk)");

        let key = partition(&self.context, Collection::AuditHead);
        let swap = Put::builder().table_name(self.table(Collection::AuditHead)?).set_item(Some(item(
            key,
            self.context.tenancy().as_str(),
            &event.head(),
        )?));
        let swap = match head {
            None => swap.condition_expression("attribute_not_exists(pk)"),
            Some(head) => swap
                .condition_expression("#sequence = :sequence AND #hash = :hash")
                .expression_attribute_names("#sequence", "sequence")
                .expression_attribute_names("#hash", "hash")
                .expression_attribute_values(":sequence", number(head.sequence))
                .expression_attribute_values(":hash", string(head.hash.as_str())),
        };

        let mut writes = self.writes.clone();
        for put in [put, swap] {
            let put = put.build().map_err(StorageError::corrupt)?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        Ok(writes)
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

/// The quota that alone stood in the way; `reasons` are those of the change's own writes.
fn exceeded(counted: &[Counted], reasons: &[CancellationReason]) -> Option<StorageError> {
    let mut failed = reasons.iter().enumerate().filter_map(|(at, reason)| {
        let quota = counted.iter().find(|counted| counted.at == at);
        (reason.code() == Some("ConditionalCheckFailed")).then_some(quota)
    });
    let first = failed.next()??;
    failed
        .all(|other| other.is_some())
        .then_some(StorageError::QuotaExceeded { quota: first.quota, limit: first.limit })
}

/// Why a transaction was cancelled whose first `own` writes are the change's own, and the rest the audit log's. There is a
/// reason for each write, in their order. A collision counts before the log: then the log need not have moved.
fn why_cancelled(reasons: &[CancellationReason], own: usize) -> Option<Cancelled> {
    let has = |reasons: &[CancellationReason], code| reasons.iter().any(|reason| reason.code() == Some(code));
    let (change, log) = reasons.split_at_checked(own)?;
    if has(change, "ConditionalCheckFailed") {
        Some(Cancelled::OwnCondition)
    } else if has(reasons, "TransactionConflict") {
        Some(Cancelled::Collision)
    } else if has(log, "ConditionalCheckFailed") {
        Some(Cancelled::LogMoved)
    } else {
        None
    }
}

fn reasons(error: &SdkError<TransactWriteItemsError>) -> &[CancellationReason] {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons()
        }
        _ => &[],
    }
}

/// A random time, so that those who met do not meet again.
fn pause(tries: u32, randomness: &dyn Randomness) -> Duration {
    let longest = FIRST_PAUSE.saturating_mul(1_u32.checked_shl(tries).unwrap_or(u32::MAX)).min(LONGEST_PAUSE);
    let mut random = [0; 2];
    randomness.fill(&mut random);
    longest.mul_f64(f64::from(u16::from_be_bytes(random)) / f64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRandomness;

    /// What comes of a change of two writes, and the log's two after them.
    fn cancelled_by(codes: [&str; 4]) -> Option<Cancelled> {
        let reasons = codes.map(|code| CancellationReason::builder().code(code).build());
        why_cancelled(&reasons, 2)
    }

    #[test]
    fn a_lost_race_is_told_from_a_conflict_by_the_place_of_the_reason() {
        const FAILED: &str = "ConditionalCheckFailed";
        const COLLIDED: &str = "TransactionConflict";
        for (codes, why) in [
            (["None", FAILED, "None", "None"], Some(Cancelled::OwnCondition)),
            ([FAILED, "None", FAILED, FAILED], Some(Cancelled::OwnCondition)),
            ([FAILED, COLLIDED, "None", COLLIDED], Some(Cancelled::OwnCondition)),
            (["None", "None", FAILED, FAILED], Some(Cancelled::LogMoved)),
            (["None", "None", "None", FAILED], Some(Cancelled::LogMoved)),
            (["None", "None", FAILED, COLLIDED], Some(Cancelled::Collision)),
            (["None", COLLIDED, "None", "None"], Some(Cancelled::Collision)),
            (["None", "ItemCollectionSizeLimitExceeded", "None", "None"], None),
        ] {
            assert_eq!(cancelled_by(codes), why, "{codes:?}");
        }
        assert_eq!(why_cancelled(&[], 0), None, "no cancellation at all");
    }

    #[test]
    fn a_quota_is_told_where_it_alone_stood_in_the_way() {
        const FAILED: &str = "ConditionalCheckFailed";
        let counted = [Counted { at: 1, quota: Quota::Shows, limit: 3 }];
        let is_exceeded = |codes: [&str; 2]| {
            let own = codes.map(|code| CancellationReason::builder().code(code).build());
            exceeded(&counted, &own).is_some()
        };

        assert!(is_exceeded(["None", FAILED]));
        assert!(!is_exceeded([FAILED, FAILED]), "something else as well");
        assert!(!is_exceeded(["None", "None"]));
    }

    #[test]
    fn pauses_grow_to_their_longest() {
        let longest = |tries| {
            let pauses = (0..200).map(|_| pause(tries, &SystemRandomness::new()));
            pauses.max().unwrap()
        };
        assert!(longest(0) <= FIRST_PAUSE);
        assert!(longest(MOST_TRIES) > LONGEST_PAUSE / 2 && longest(u32::MAX) <= LONGEST_PAUSE);
    }
}
