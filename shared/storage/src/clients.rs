//! Machine clients of a tenancy (OAuth 2.0 client credentials).

use domain::ClientName;
use serde::{Deserialize, Serialize};
use tenant_context::{
    ClientId, Grant, Group, Timestamp, UserId,
    permission::{CreateClient, ReadClients},
};

use crate::{
    ClientRecord, Page, PageRequest, Secret, SecretHash, Storage, StorageError, keys::Collection,
    transaction::Change,
};

/// A machine client. Its secret is shown when it is made and never again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Client {
    /// OAuth 2.0 `client_id`.
    pub id: ClientId,
    /// What it is for.
    pub name: ClientName,
    /// The groups that it is a member of.
    pub groups: Vec<Group>,
    /// The person it was made for, if for one.
    pub user_id: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Storage {
    /// Makes a client. It can sign in once both stores know it; if this fails in between it is listed but cannot.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer.
    pub async fn create_client(
        &self,
        grant: &Grant<'_, CreateClient>,
        client: &Client,
        secret: &Secret,
    ) -> Result<(), StorageError> {
        let mut change = Change::new(self, grant, client.id.as_str())?;
        change.create(Collection::Clients, client.id.as_str(), client)?;
        change.commit().await?;

        self.create_client_record(&ClientRecord {
            client_id: client.id.clone(),
            tenancy_id: grant.context().tenancy().clone(),
            secret_hash: SecretHash::of(secret.reveal()),
            groups: client.groups.clone(),
        })
        .await
    }

    /// The tenancy's clients.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_clients(
        &self,
        grant: &Grant<'_, ReadClients>,
        request: &PageRequest,
    ) -> Result<Page<Client>, StorageError> {
        self.list(grant.context(), Collection::Clients, request).await
    }
}
