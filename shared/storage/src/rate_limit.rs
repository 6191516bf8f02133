//! Requests, counted: one item for each tenancy and window, with a number for each principal and one for all of them.
//!
//! One conditional write leases requests of both, or of neither, so that the sum of all leases stays within the limits whatever
//! the number of instances. The rules are in [`domain::Lease`]; here is the memory of this instance, and the store.

use std::{collections::HashMap, sync::PoisonError, time::Duration};

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use domain::{Lease, RatePolicy, Share, Standing, Step, Window};
use tenant_context::{Operator, TenantContext};

use crate::{
    Storage, StorageError,
    aws::Clients,
    error::During,
    item::{Item, key},
    keys::{Collection, OPERATOR_RATE, partition},
    transaction::number,
};

/// A counter outlives its window by this much, for instances whose clocks are behind.
const KEPT: Duration = Duration::from_secs(60 * 60);

/// What this instance holds, by the counter's partition and the principal.
pub(crate) type Leases = HashMap<(String, String), Lease>;

/// Where a principal's requests are counted.
struct Counter<'a> {
    clients: &'a Clients,
    table: &'a str,
    partition: String,
    principal: String,
}

/// What the counter says to a lease; with either, how many requests of each policy are taken.
enum Answer {
    Given(Vec<u32>),
    TooFewLeft(Vec<u32>),
}

impl Storage {
    /// Counts a request of the context's principal, and tells whether it is to be served.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer: the request was not counted.
    pub async fn count_request(&self, context: &TenantContext) -> Result<Standing, StorageError> {
        let tenant = self.tenant(context).await?;
        let rates = self.limits(context).await?.rates(self.rate_limits);
        let counter = Counter {
            clients: &tenant.clients,
            table: self.environment.get("TENANT_TABLE")?,
            partition: partition(context, Collection::Rate),
            principal: context.principal().to_string(),
        };
        let limits = [(RatePolicy::Principal, rates.per_principal), (RatePolicy::Tenancy, rates.per_tenancy)];
        self.count(&counter, &limits).await
    }

    /// The same for an operator, who has no tenancy: in the directory, with the function's own role.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer: the request was not counted.
    pub async fn count_operator_request(&self, _: &Operator) -> Result<Standing, StorageError> {
        let counter = Counter {
            clients: &self.own,
            table: self.environment.get("DIRECTORY_TABLE")?,
            partition: OPERATOR_RATE.to_owned(),
            principal: "operator".to_owned(),
        };
        self.count(&counter, &[(RatePolicy::Principal, self.rate_limits.per_principal)]).await
    }

    async fn count(
        &self,
        counter: &Counter<'_>,
        limits: &[(RatePolicy, u32)],
    ) -> Result<Standing, StorageError> {
        let now = self.now();
        let unused = Lease::new(Window::of(now), limits);
        loop {
            let (step, lease) = self.with_lease(counter, &unused, |lease| (lease.step(), lease.clone()));
            let Step::Lease(size) = step else { return Ok(lease.standing(step == Step::Serve, now)) };

            match counter.lease(&lease, size).await? {
                Answer::Given(taken) => self.with_lease(counter, &unused, |lease| lease.extend(size, &taken)),
                Answer::TooFewLeft(taken) => self.with_lease(counter, &unused, |lease| lease.learn(&taken)),
            }
        }
    }

    /// What this instance holds of the principal's window; `unused` when that is a window it holds nothing of.
    fn with_lease<T>(&self, counter: &Counter<'_>, unused: &Lease, work: impl FnOnce(&mut Lease) -> T) -> T {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        let holder = (counter.partition.clone(), counter.principal.clone());
        if leases.get(&holder).is_none_or(|lease| lease.window() != unused.window()) {
            leases.retain(|_, lease| lease.window() >= unused.window());
            leases.insert(holder.clone(), unused.clone());
        }
        work(leases.entry(holder).or_insert_with(|| unused.clone()))
    }
}

impl Counter<'_> {
    /// Takes `size` requests of every policy, or of none when one of them has fewer left.
    async fn lease(&self, lease: &Lease, size: u32) -> Result<Answer, StorageError> {
        let (mut additions, mut conditions) = (Vec::new(), Vec::new());
        let mut update = self
            .clients
            .dynamodb()
            .update_item()
            .table_name(self.table)
            .set_key(Some(key(self.partition.as_str(), lease.window().starts_at().to_string())))
            .expression_attribute_values(":size", number(u64::from(size)))
            .expression_attribute_values(
                ":expires_at",
                number(lease.window().ends_at().plus(KEPT).unix_seconds()),
            )
            .return_values(ReturnValue::UpdatedNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for share in lease.shares() {
            let policy = share.policy.as_str();
            let most = number(u64::from(share.limit.saturating_sub(size)));
            additions.push(format!("#{policy} :size"));
            conditions.push(format!("(attribute_not_exists(#{policy}) OR #{policy} <= :{policy})"));
            update = update
                .expression_attribute_names(format!("#{policy}"), self.attribute(share))
                .expression_attribute_values(format!(":{policy}"), most);
        }

        let answer = update
            .update_expression(format!("SET expires_at = :expires_at ADD {}", additions.join(", ")))
            .condition_expression(conditions.join(" AND "))
            .send()
            .await;

        match answer {
            Ok(updated) => Ok(Answer::Given(self.taken(lease, updated.attributes()))),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Answer::TooFewLeft(self.taken(lease, failed.item())))
                }
                _ => Err(error).during("dynamodb:UpdateItem"),
            },
        }
    }

    /// How many requests of each policy are taken. What cannot be read is used up, so that nobody asks again and again.
    fn taken(&self, lease: &Lease, item: Option<&Item>) -> Vec<u32> {
        let taken = |share: &Share| {
            let Some(item) = item else { return share.limit };
            let number = |value: &AttributeValue| value.as_n().ok()?.parse().ok();
            item.get(self.attribute(share)).map_or(0, |value| number(value).unwrap_or(share.limit))
        };
        lease.shares().iter().map(taken).collect()
    }

    fn attribute(&self, share: &Share) -> &str {
        match share.policy {
            RatePolicy::Principal => &self.principal,
            RatePolicy::Tenancy => RatePolicy::Tenancy.as_str(),
        }
    }
}
