//! From which networks a feed token is used: counted where feeds are served, and judged by a worker of its own.

use aws_sdk_dynamodb::{
    error::ProvideErrorMetadata,
    types::{AttributeValue, ReturnValue},
};
use domain::{ListenerState, ListeningHour, MOST_NETWORKS, NetworkMark};
use serde::Deserialize;
use tenant_context::{Grant, ShowId, TenantContext, permission::WatchListeners};

use crate::{
    News, Notice, SecretHash, Storage, StorageError, WatchRequest,
    error::During,
    item::key,
    keys::{Collection, partition},
    listeners::StoredListener,
    transaction::{Change, number},
};

#[derive(Deserialize)]
struct StoredNetworks {
    networks: Vec<NetworkMark>,
}

/// The hash of a token and an hour, as a sort key.
fn place(token: &SecretHash, hour: ListeningHour) -> String {
    format!("{}#{}", token.as_str(), hour.starts_at())
}

impl Storage {
    /// Remembers that a token was used from a network in `hour`, until the hour is forgotten, and answers whether these were too many
    /// networks by now. No more are written down than it takes to know.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn note_network(
        &self,
        context: &TenantContext,
        show: &ShowId,
        token: &SecretHash,
        hour: ListeningHour,
        mark: &NetworkMark,
    ) -> Result<bool, StorageError> {
        let tenant = self.tenant(context).await?;
        let written = tenant
            .clients
            .dynamodb()
            .update_item()
            .table_name(self.environment.get("TENANT_TABLE")?)
            .set_key(Some(key(partition(context, Collection::Networks(show)), place(token, hour))))
            .update_expression("ADD networks :mark SET expires_at = :expires_at")
            .condition_expression("attribute_not_exists(networks) OR size(networks) <= :most")
            .expression_attribute_values(":mark", AttributeValue::Ss(vec![mark.as_str().to_owned()]))
            .expression_attribute_values(":expires_at", number(hour.is_forgotten_at().unix_seconds()))
            .expression_attribute_values(":most", AttributeValue::N(MOST_NETWORKS.to_string()))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await;
        match written {
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(true),
            result => {
                let networks = result.during("dynamodb:UpdateItem")?.attributes;
                let networks = networks.as_ref().and_then(|item| item.get("networks")?.as_ss().ok());
                Ok(networks.is_some_and(|networks| networks.len() > MOST_NETWORKS))
            }
        }
    }

    /// Where a listener's token was indeed used from too many networks in the hour that `request` names, tells the tenancy, and
    /// suspends the listener if the show says so: once for each listener and day.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer; running again goes on from there.
    pub async fn watch_listener(
        &self,
        grant: &Grant<'_, WatchListeners>,
        request: &WatchRequest,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let id = &request.listener_id;
        let day = request.as_of.date();
        let notice_id = format!("{id}/{day}");
        let Some(stored) = self.find_stored_listener(context, id).await? else { return Ok(()) };
        if stored.found_shared_at.is_some_and(|at| at.date() == day) {
            return self.send_notice_if_there(grant, &notice_id).await;
        }
        if !self.is_shared(context, &stored, ListeningHour::of(request.as_of)).await? {
            return Ok(());
        }

        let show = self.find_show(context, &stored.show_id).await?;
        let mut after = stored.clone();
        after.found_shared_at = Some(request.as_of);
        after.version += 1;
        after.is_suspended_as_shared = show.is_some_and(|show| show.suspends_shared_listeners);
        if after.is_suspended_as_shared {
            after.access = after.access.suspended(self.now());
        }
        let news = News::ListenerShared {
            show_id: stored.show_id.clone(),
            listener_id: id.clone(),
            is_suspended: after.is_suspended_as_shared,
        };
        let tenancy_id = context.tenancy().clone();
        let notice = Notice { id: notice_id, tenancy_id, news, as_of: request.as_of };
        let mut change = Change::new(self, grant, id.as_str())?;
        change.create(Collection::Notices, &notice.id, &notice)?;
        self.replace_listener(change, &stored, after).await?;
        self.send_notice_if_there(grant, &notice.id).await
    }

    /// Whether somebody still listens with a token that was used from too many networks in `hour`.
    async fn is_shared(
        &self,
        context: &TenantContext,
        stored: &StoredListener,
        hour: ListeningHour,
    ) -> Result<bool, StorageError> {
        if stored.access.state(self.now()) != ListenerState::Active {
            return Ok(false);
        }
        let place = place(&stored.token_hash, hour);
        let found: Option<StoredNetworks> =
            self.find(context, Collection::Networks(&stored.show_id), &place).await?;
        Ok(found.is_some_and(|found| found.networks.len() > MOST_NETWORKS))
    }
}
