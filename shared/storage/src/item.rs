//! Items of the two tables: a key, a body, and the body read back.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Serialize, de::DeserializeOwned};
use tenant_context::{Grant, Permission, TenantContext};

use crate::{
    Storage, StorageError,
    aws::Clients,
    error::During,
    keys::{Collection, partition},
};

pub(crate) type Item = HashMap<String, AttributeValue>;

/// A page of a listing.
#[derive(Debug)]
pub struct Page<T> {
    /// What is on the page, by ascending id.
    pub items: Vec<T>,
    /// The id to go on after; none on the last page.
    pub next: Option<String>,
}

/// Which page of a listing.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// Go on after this id.
    pub after: Option<String>,
    /// This many at most.
    pub limit: u16,
}

pub(crate) fn string(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn key(partition: impl Into<String>, sort: impl Into<String>) -> Item {
    HashMap::from([("pk".to_owned(), string(partition)), ("sk".to_owned(), string(sort))])
}

pub(crate) fn item(
    partition: impl Into<String>,
    sort: impl Into<String>,
    body: &impl Serialize,
) -> Result<Item, StorageError> {
    let mut item: Item = serde_dynamo::to_item(body).map_err(StorageError::corrupt)?;
    item.extend(key(partition, sort));
    Ok(item)
}

pub(crate) fn body<T: DeserializeOwned>(item: Item) -> Result<T, StorageError> {
    serde_dynamo::from_item(item).map_err(StorageError::corrupt)
}

/// Reads one item, seeing every write that was answered before.
pub(crate) async fn get<T: DeserializeOwned>(
    clients: &Clients,
    table: &str,
    key: Item,
) -> Result<Option<T>, StorageError> {
    let answer = clients
        .dynamodb()
        .get_item()
        .table_name(table)
        .set_key(Some(key))
        .consistent_read(true)
        .send()
        .await
        .during("dynamodb:GetItem")?;
    answer.item.map(body).transpose()
}

impl Storage {
    /// Reads one item of a tenancy.
    pub(crate) async fn find<T: DeserializeOwned>(
        &self,
        context: &TenantContext,
        collection: Collection<'_>,
        id: &str,
    ) -> Result<Option<T>, StorageError> {
        let tenant = self.tenant(context).await?;
        let table = self.environment.get(collection.table())?;
        get(&tenant.clients, table, key(partition(context, collection), id)).await
    }

    /// Reads a page of a tenancy's collection.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        context: &TenantContext,
        collection: Collection<'_>,
        request: &PageRequest,
    ) -> Result<Page<T>, StorageError> {
        let tenant = self.tenant(context).await?;
        let partition = partition(context, collection);
        let start = request.after.as_ref().map(|after| key(partition.as_str(), after.as_str()));

        let answer = tenant
            .clients
            .dynamodb()
            .query()
            .table_name(self.environment.get(collection.table())?)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(partition))
            .set_exclusive_start_key(start)
            .limit(i32::from(request.limit))
            .consistent_read(true)
            .send()
            .await
            .during("dynamodb:Query")?;

        Ok(Page {
            next: answer.last_evaluated_key.as_ref().and_then(sort_key),
            items: answer.items.unwrap_or_default().into_iter().map(body).collect::<Result<_, _>>()?,
        })
    }

    /// Reads what a tenancy's collection has under sort keys from `first` to `last`.
    pub(crate) async fn list_between<T: DeserializeOwned>(
        &self,
        context: &TenantContext,
        collection: Collection<'_>,
        first: &str,
        last: &str,
    ) -> Result<Vec<T>, StorageError> {
        let tenant = self.tenant(context).await?;
        let mut found = tenant
            .clients
            .dynamodb()
            .query()
            .table_name(self.environment.get(collection.table())?)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", string(partition(context, collection)))
            .expression_attribute_values(":first", string(first))
            .expression_attribute_values(":last", string(last))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut items = Vec::new();
        while let Some(item) = found.next().await {
            items.push(body(item.during("dynamodb:Query")?)?);
        }
        Ok(items)
    }

    /// Deletes what has been done. What does not exist has been struck off already.
    pub(crate) async fn strike_off<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        collection: Collection<'_>,
        id: &str,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        tenant
            .clients
            .dynamodb()
            .delete_item()
            .table_name(self.environment.get(collection.table())?)
            .set_key(Some(key(partition(context, collection), id)))
            .send()
            .await
            .during("dynamodb:DeleteItem")?;
        Ok(())
    }

    /// Reads a tenancy's whole collection, page by page.
    pub(crate) async fn list_all<T: DeserializeOwned>(
        &self,
        context: &TenantContext,
        collection: Collection<'_>,
    ) -> Result<Vec<T>, StorageError> {
        let mut items = Vec::new();
        let mut request = PageRequest { after: None, limit: 1000 };
        loop {
            let page = self.list(context, collection, &request).await?;
            items.extend(page.items);
            match page.next {
                Some(next) => request.after = Some(next),
                None => return Ok(items),
            }
        }
    }
}

pub(crate) fn sort_key(key: &Item) -> Option<String> {
    key.get("sk").and_then(|value| value.as_s().ok()).cloned()
}
