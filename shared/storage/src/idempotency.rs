//! `Idempotency-Key`: the same request twice makes one thing.
//!
//! The first request reserves the id of what it is about to make. A later one with the same key gets that id again, and
//! making something under an id that exists is answered with what exists.

use std::time::Duration;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use serde::{Deserialize, Serialize};
use tenant_context::{Grant, Permission};

use crate::{
    SecretHash, Storage, StorageError,
    error::During,
    item::item,
    keys::{Collection, partition},
};

/// How long a key is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// A key as the caller chose it, with the request that it goes with.
#[derive(Debug)]
pub struct IdempotencyKey {
    /// The header's value.
    pub key: String,
    /// Method, path and body of the request, hashed.
    pub request: SecretHash,
}

/// What a key has reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The id under which to make the thing.
    pub id: String,
    /// Whether an earlier request has reserved it.
    pub is_repeated: bool,
}

#[derive(Serialize, Deserialize)]
struct Record {
    id: String,
    request: SecretHash,
    expires_at: u64,
}

impl Storage {
    /// Reserves `id` for the caller's key, or answers what the key has reserved before.
    ///
    /// # Errors
    /// [`StorageError::IdempotencyMismatch`] when the key was used for another request.
    pub async fn reserve<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        key: &IdempotencyKey,
        id: &str,
    ) -> Result<Reservation, StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let record = Record {
            id: id.to_owned(),
            request: key.request.clone(),
            expires_at: self.now().plus(REMEMBERED).unix_seconds(),
        };
        // Principals choose keys on their own: one's key is not another's.
        let sort = SecretHash::of(&format!("{}#{}", context.principal(), key.key));

        let written = tenant
            .clients
            .dynamodb()
            .put_item()
            .table_name(self.environment.get("TENANT_TABLE")?)
            .set_item(Some(item(partition(context, Collection::Idempotency), sort.as_str(), &record)?))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;

        let earlier = match written {
            Ok(_) => return Ok(Reservation { id: record.id, is_repeated: false }),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => {
                self.find::<Record>(context, Collection::Idempotency, sort.as_str()).await?
            }
            Err(error) => return Err(error).during("dynamodb:PutItem"),
        };
        match earlier {
            Some(earlier) if earlier.request == key.request => {
                Ok(Reservation { id: earlier.id, is_repeated: true })
            }
            Some(_) => Err(StorageError::IdempotencyMismatch),
            None => Err(StorageError::Conflict),
        }
    }
}
