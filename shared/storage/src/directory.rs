//! What must be found before the tenancy is known, through the function's own role. Each function reaches only the kinds it needs.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::Slug;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tenant_context::{ClientId, Group, ListenerId, SessionId, ShowId, TenancyId};

use crate::{
    SecretHash, Storage, StorageError,
    error::During,
    item::{Item, get, item, key, string},
};

/// Who a client is, for signing in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClientRecord {
    /// The client.
    pub client_id: ClientId,
    /// The tenancy that it belongs to.
    pub tenancy_id: TenancyId,
    /// The hash of its secret.
    pub secret_hash: SecretHash,
    /// The groups that it is a member of.
    pub groups: Vec<Group>,
}

/// A session, for as long as its tokens live. Deleting it revokes them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionRecord {
    /// The session.
    pub session_id: SessionId,
    /// Who signed in, for logs.
    pub principal_id: String,
    /// The tenancy; none for an operator.
    pub tenancy_id: Option<TenancyId>,
    /// What the functions exchange for credentials.
    pub data_token: String,
    /// Seconds since 1970, for DynamoDB's time to live.
    pub expires_at: u64,
}

/// The show behind a public name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlugRecord {
    /// The name.
    pub slug: Slug,
    /// Whose show.
    pub tenancy_id: TenancyId,
    /// The show.
    pub show_id: ShowId,
}

/// The listener behind a feed token's hash.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FeedTokenRecord {
    /// Whose show.
    pub tenancy_id: TenancyId,
    /// The private show.
    pub show_id: ShowId,
    /// The listener.
    pub listener_id: ListenerId,
}

fn single(pk: String) -> Item {
    key(pk.clone(), pk)
}

impl Storage {
    /// Finds a client that wants to sign in.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn find_client_record(&self, id: &ClientId) -> Result<Option<ClientRecord>, StorageError> {
        self.look_up(format!("client#{id}")).await
    }

    /// Lets a client sign in from now on.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the id is taken.
    pub(crate) async fn create_client_record(&self, record: &ClientRecord) -> Result<(), StorageError> {
        self.enter(format!("client#{}", record.client_id), record, "attribute_not_exists(pk)", &[]).await
    }

    /// Remembers a session.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the id is taken.
    pub async fn create_session(&self, record: &SessionRecord) -> Result<(), StorageError> {
        self.enter(format!("session#{}", record.session_id), record, "attribute_not_exists(pk)", &[]).await
    }

    /// Finds a session that nobody ended. DynamoDB deletes late: the caller checks `expires_at`, or the token's `exp`.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn find_session(&self, id: &SessionId) -> Result<Option<SessionRecord>, StorageError> {
        self.look_up(format!("session#{id}")).await
    }

    /// The show behind a public name.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn find_slug(&self, slug: &Slug) -> Result<Option<SlugRecord>, StorageError> {
        self.look_up(format!("slug#{slug}")).await
    }

    /// Claims a name for a show. The same claim twice is one claim.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when another show has it.
    pub async fn claim_slug(&self, record: &SlugRecord) -> Result<(), StorageError> {
        let values = [(":show", string(record.show_id.as_str()))];
        let condition = "attribute_not_exists(pk) OR show_id = :show";
        self.enter(format!("slug#{}", record.slug), record, condition, &values).await
    }

    /// Takes over the claim of a show that was never made.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the claim has changed since.
    pub async fn take_over_slug(&self, record: &SlugRecord, from: &SlugRecord) -> Result<(), StorageError> {
        let values =
            [(":show", string(from.show_id.as_str())), (":tenancy", string(record.tenancy_id.as_str()))];
        let condition = "show_id = :show AND tenancy_id = :tenancy";
        self.enter(format!("slug#{}", record.slug), record, condition, &values).await
    }

    /// The listener behind a feed token's hash.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub async fn find_feed_token(&self, hash: &SecretHash) -> Result<Option<FeedTokenRecord>, StorageError> {
        self.look_up(format!("feed-token#{}", hash.as_str())).await
    }

    /// Makes a feed token work.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub(crate) async fn create_feed_token(
        &self,
        hash: &SecretHash,
        record: &FeedTokenRecord,
    ) -> Result<(), StorageError> {
        let pk = format!("feed-token#{}", hash.as_str());
        self.enter(pk, record, "attribute_not_exists(pk)", &[]).await
    }

    /// Makes a feed token stop working. One that does not exist has stopped already.
    ///
    /// # Errors
    /// [`StorageError`] when the directory does not answer.
    pub(crate) async fn delete_feed_token(&self, hash: &SecretHash) -> Result<(), StorageError> {
        self.own
            .dynamodb
            .delete_item()
            .table_name(self.environment.get("DIRECTORY_TABLE")?)
            .set_key(Some(single(format!("feed-token#{}", hash.as_str()))))
            .send()
            .await
            .during("dynamodb:DeleteItem")?;
        Ok(())
    }

    async fn look_up<T: DeserializeOwned>(&self, pk: String) -> Result<Option<T>, StorageError> {
        get(&self.own, self.environment.get("DIRECTORY_TABLE")?, single(pk)).await
    }

    async fn enter(
        &self,
        pk: String,
        record: &impl Serialize,
        condition: &str,
        values: &[(&str, AttributeValue)],
    ) -> Result<(), StorageError> {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        self.own
            .dynamodb
            .put_item()
            .table_name(self.environment.get("DIRECTORY_TABLE")?)
            .set_item(Some(item(pk.clone(), pk, record)?))
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values).filter(|values: &Item| !values.is_empty()))
            .send()
            .await
            .during("dynamodb:PutItem")?;
        Ok(())
    }
}
