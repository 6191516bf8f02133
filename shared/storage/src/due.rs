//! Work that is due: one item for each show that must be rendered, and for each episode that waits for its time.
//!
//! It is written in the transaction of the change that makes it due, under the tenancy's own partition of the directory, and
//! deleted by the renderer. A message that got lost, or a minute that was missed, is found by the sweep through the index `due`,
//! which carries keys only.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use tenant_context::{EpisodeId, Grant, ShowId, TenancyId, TenantContext, Timestamp, permission::RenderFeed};

use crate::{
    RenderRequest, Storage, StorageError,
    error::During,
    item::{Item, item, key, string},
    keys,
};

/// Spreads the index over partitions; the sweep asks for each.
const SHARDS: u8 = 4;

#[derive(Serialize, Deserialize)]
struct DueWork {
    due_shard: String,
    due_at: Timestamp,
}

/// A due item as the renderer found it.
#[derive(Debug, Clone)]
pub struct Due {
    sort: String,
    due_at: Timestamp,
}

fn shard(show: &ShowId) -> String {
    let last = show.as_str().bytes().last().unwrap_or_default();
    format!("due-shard#{}", last % SHARDS)
}

/// The item that has the show's feed rendered at `due_at`, for the sake of `episode` and what happens to it then, if it waits for
/// its time.
pub(crate) fn render_at(
    context: &TenantContext,
    show: &ShowId,
    episode: Option<(&EpisodeId, &str)>,
    due_at: Timestamp,
) -> Result<Item, StorageError> {
    let sort = match episode {
        Some((episode, what)) => format!("{show}#{episode}#{what}"),
        None => show.to_string(),
    };
    item(keys::due(context), sort, &DueWork { due_shard: shard(show), due_at })
}

impl Storage {
    /// The shows of all tenancies whose feeds are due by `now`: ids only.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn list_due(&self, now: Timestamp) -> Result<Vec<RenderRequest>, StorageError> {
        let mut due = Vec::new();
        for shard in 0..SHARDS {
            let mut pages = self
                .own
                .dynamodb()
                .query()
                .table_name(self.environment.get("DIRECTORY_TABLE")?)
                .index_name("due")
                .key_condition_expression("due_shard = :shard AND due_at <= :now")
                .expression_attribute_values(":shard", string(format!("due-shard#{shard}")))
                .expression_attribute_values(":now", string(now.to_string()))
                .into_paginator()
                .items()
                .send();
            while let Some(item) = pages.next().await {
                due.push(render_request(&item.during("dynamodb:Query")?, now)?);
            }
        }
        due.sort();
        due.dedup();
        Ok(due)
    }

    /// What is due of one show by `now`.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn list_due_of_show(
        &self,
        grant: &Grant<'_, RenderFeed>,
        show: &ShowId,
        now: Timestamp,
    ) -> Result<Vec<Due>, StorageError> {
        let places = self.list_due_places(grant.context(), show.as_str()).await?;
        let due = places.into_iter().filter(|(_, due_at)| *due_at <= now);
        Ok(due.map(|(sort, due_at)| Due { sort, due_at }).collect())
    }

    /// The due items of the tenancy whose sort keys begin so: where each is, and for when.
    pub(crate) async fn list_due_places(
        &self,
        context: &TenantContext,
        beginning: &str,
    ) -> Result<Vec<(String, Timestamp)>, StorageError> {
        let tenant = self.tenant(context).await?;
        let mut pages = tenant
            .clients
            .dynamodb()
            .query()
            .table_name(self.environment.get("DIRECTORY_TABLE")?)
            .key_condition_expression("pk = :pk AND begins_with(sk, :beginning)")
            .expression_attribute_values(":pk", string(keys::due(context)))
            .expression_attribute_values(":beginning", string(beginning))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut due = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.during("dynamodb:Query")?;
            let sort = text(&item, "sk")?.to_owned();
            let work: DueWork = crate::item::body(item)?;
            due.push((sort, work.due_at));
        }
        Ok(due)
    }

    /// Strikes off what was rendered, unless it became due anew in the meantime.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn finish_due(&self, grant: &Grant<'_, RenderFeed>, due: &[Due]) -> Result<(), StorageError> {
        let tenant = self.tenant(grant.context()).await?;
        for done in due {
            let deleted = tenant
                .clients
                .dynamodb()
                .delete_item()
                .table_name(self.environment.get("DIRECTORY_TABLE")?)
                .set_key(Some(key(keys::due(grant.context()), done.sort.as_str())))
                .condition_expression("due_at = :due_at")
                .expression_attribute_values(":due_at", string(done.due_at.to_string()))
                .send()
                .await
                .during("dynamodb:DeleteItem");
            match deleted {
                Ok(_) | Err(StorageError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn render_request(item: &Item, as_of: Timestamp) -> Result<RenderRequest, StorageError> {
    let tenancy = text(item, "pk")?.strip_prefix("due#").unwrap_or_default();
    let show = text(item, "sk")?.split('#').next().unwrap_or_default();
    Ok(RenderRequest {
        tenancy_id: tenancy.parse::<TenancyId>().map_err(StorageError::corrupt)?,
        show_id: show.parse::<ShowId>().map_err(StorageError::corrupt)?,
        as_of,
    })
}

fn text<'a>(item: &'a Item, name: &str) -> Result<&'a str, StorageError> {
    let value = item.get(name).map(AttributeValue::as_s);
    value.and_then(Result::ok).map(String::as_str).ok_or_else(|| StorageError::corrupt(name))
}
