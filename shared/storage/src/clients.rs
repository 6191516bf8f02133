//! Machine clients of a tenancy (OAuth 2.0 client credentials).

use domain::{Access, ClientName, Quota};
use serde::{Deserialize, Serialize};
use tenant_context::{
    ClientId, Grant, MemberId, TenantContext, Timestamp, UserId,
    permission::{CreateClient, ReadClients, RevokeClient, RotateClient},
};

use crate::{
    ClientRecord, Page, PageRequest, Secret, SecretHash, Storage, StorageError, keys::Collection,
    transaction::Change,
};

/// A machine client. Its secret is shown when it is made or rotated and never again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Client {
    /// OAuth 2.0 `client_id`.
    pub id: ClientId,
    /// What it is for.
    pub name: ClientName,
    /// The first characters of its secret.
    pub secret_prefix: String,
    /// The person it was made for, if for one.
    pub user_id: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it got the secret that it has.
    pub rotated_at: Timestamp,
    /// Counts changes, from 1.
    pub version: u64,
}

impl Client {
    /// Who it is as a member of groups.
    pub fn member_id(&self) -> MemberId {
        MemberId::Client(self.id.clone())
    }
}

impl Storage {
    /// Makes a client. It can sign in once both stores know it; if this fails in between it is listed but cannot.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the id is taken or a group that it is to be in is gone, [`StorageError::QuotaExceeded`] when
    /// the tenancy may have no more.
    pub async fn create_client(
        &self,
        grant: &Grant<'_, CreateClient>,
        client: &Client,
        access: &Access,
        secret: &Secret,
    ) -> Result<(), StorageError> {
        let mut change = Change::new(self, grant, client.id.as_str())?;
        change
            .create(Collection::Clients, client.id.as_str(), client)?
            .count(Quota::Clients, 1)
            .save_access(None, access)?
            .check_groups_exist(access)?;
        change.commit().await?;

        self.create_client_record(&client_record(grant.context(), client, secret)).await
    }

    /// The tenancy's clients, each with what it may do.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_clients(
        &self,
        grant: &Grant<'_, ReadClients>,
        request: &PageRequest,
    ) -> Result<Page<(Client, Access)>, StorageError> {
        let context = grant.context();
        let page: Page<Client> = self.list(context, Collection::Clients, request).await?;
        Ok(Page { items: self.with_access(context, page.items, Client::member_id).await?, next: page.next })
    }

    /// Finds a client.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_client(
        &self,
        context: &TenantContext,
        id: &ClientId,
    ) -> Result<Option<(Client, Access)>, StorageError> {
        let client: Option<Client> = self.find(context, Collection::Clients, id.as_str()).await?;
        let found = self.with_access(context, client.into_iter().collect(), Client::member_id).await?;
        Ok(found.into_iter().next())
    }

    /// Gives a client a new secret. The old one, and every session, has ended when this answers.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else changed it at the same moment.
    pub async fn rotate_client(
        &self,
        grant: &Grant<'_, RotateClient>,
        mut client: Client,
        access: &Access,
        secret: &Secret,
    ) -> Result<Client, StorageError> {
        let version = client.version;
        client.secret_prefix = secret.prefix();
        client.rotated_at = self.now();
        client.version += 1;
        let mut after = access.clone();
        after.end_sessions();

        let mut change = self.change_access(grant, access, &after).await?;
        change.replace(Collection::Clients, client.id.as_str(), version, &client)?;
        change.commit().await?;
        self.replace_client_record(&client_record(grant.context(), &client, secret)).await?;
        Ok(client)
    }

    /// Takes a client's access for good. Without access its secret opens nothing, so what fails after that leaves nothing open.
    ///
    /// # Errors
    /// [`StorageError::LastOwner`], or [`StorageError::Conflict`] when somebody else changed it at the same moment.
    pub async fn revoke_client(
        &self,
        grant: &Grant<'_, RevokeClient>,
        client: &Client,
        access: &Access,
    ) -> Result<(), StorageError> {
        if access.is_owner() {
            self.check_other_owners(grant.context(), access).await?;
        }
        let mut change = Change::new(self, grant, client.id.as_str())?;
        change
            .delete(Collection::Clients, client.id.as_str())?
            .count(Quota::Clients, -1)
            .delete_access(access)?;
        change.commit().await?;
        self.delete_client_record(&client.id).await
    }
}

pub(crate) fn client_record(context: &TenantContext, client: &Client, secret: &Secret) -> ClientRecord {
    ClientRecord {
        client_id: client.id.clone(),
        tenancy_id: context.tenancy().clone(),
        secret_hash: SecretHash::of(secret.reveal()),
    }
}
