//! When listeners last used their tokens, to the hour: written where feeds are served, apart from what a tenancy says of a listener.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use domain::Listener;
use serde::{Deserialize, Serialize};
use tenant_context::{ListenerId, ShowId, TenantContext, Timestamp};

use crate::{
    Storage, StorageError,
    error::During,
    item::{key, string},
    keys::{Collection, partition},
    transaction::number,
};

/// A use this soon after one that was written is not.
pub const LISTENING_NOTED_EVERY: Duration = Duration::from_secs(60 * 60);

#[derive(Serialize, Deserialize)]
struct StoredListening {
    listener_id: ListenerId,
    /// Seconds since 1970.
    last_used_at: u64,
}

impl Storage {
    /// Remembers that a listener's token was used now, unless that was written within the hour before.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn note_listening(
        &self,
        context: &TenantContext,
        show: &ShowId,
        listener: &ListenerId,
    ) -> Result<(), StorageError> {
        let now = self.now().unix_seconds();
        let tenant = self.tenant(context).await?;
        let written = tenant
            .clients
            .dynamodb()
            .update_item()
            .table_name(self.environment.get("TENANT_TABLE")?)
            .set_key(Some(key(partition(context, Collection::Listening(show)), listener.as_str())))
            .update_expression("SET listener_id = :listener, last_used_at = :now")
            .condition_expression("attribute_not_exists(pk) OR last_used_at <= :before")
            .expression_attribute_values(":listener", string(listener.as_str()))
            .expression_attribute_values(":now", number(now))
            .expression_attribute_values(
                ":before",
                number(now.saturating_sub(LISTENING_NOTED_EVERY.as_secs())),
            )
            .send()
            .await;
        match written {
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(()),
            result => result.during("dynamodb:UpdateItem").map(drop),
        }
    }

    /// Tells of each of these listeners of `show`, in the order of their ids, when they last used their token.
    pub(crate) async fn tell_last_use(
        &self,
        context: &TenantContext,
        show: &ShowId,
        listeners: &mut [Listener],
    ) -> Result<(), StorageError> {
        let (Some(first), Some(last)) = (listeners.first(), listeners.last()) else { return Ok(()) };
        let collection = Collection::Listening(show);
        let noted: Vec<StoredListening> =
            self.list_between(context, collection, first.id.as_str(), last.id.as_str()).await?;
        let noted: HashMap<_, _> =
            noted.into_iter().map(|noted| (noted.listener_id, noted.last_used_at)).collect();
        for listener in listeners {
            listener.last_used_at = noted.get(&listener.id).copied().map(Timestamp::from_unix_seconds);
        }
        Ok(())
    }
}
