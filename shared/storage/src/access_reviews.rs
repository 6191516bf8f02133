//! Access reviews: who may do what, since when, and when they last did; and who attested that it is as it should be.

use domain::{Access, AccessReview, ContentHash, Reviewed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::{
    AttestationId, Grant, Timestamp,
    permission::{AttestAccessReview, ReadAccessReview},
};

use crate::{
    Client, Page, PageRequest, Storage, StorageError, User, keys::Collection, transaction::Change,
    users::StoredUser,
};

/// Somebody's word that an access review is as it should be.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Attestation {
    /// Its id.
    pub id: AttestationId,
    /// `sha256` of the review.
    pub review_sha256: ContentHash,
    /// How many rows it had.
    pub rows: u64,
    /// Who gave their word, as in audit events.
    pub attested_by: String,
    /// When.
    pub attested_at: Timestamp,
}

impl Storage {
    /// The access review as it is now. Who asked is in the audit log before they see it.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer.
    pub async fn review_access(
        &self,
        grant: &Grant<'_, ReadAccessReview>,
    ) -> Result<AccessReview, StorageError> {
        let context = grant.context();
        self.record(grant, context.tenancy().as_str()).await?;
        let stored: Vec<StoredUser> = self.list_all(context, Collection::Users).await?;
        let users: Vec<(User, Access)> = self.open_users(context, stored).await?;
        let clients: Vec<Client> = self.list_all(context, Collection::Clients).await?;
        let clients = self.with_access(context, clients, Client::member_id).await?;
        let activity = self.list_activity(context).await?;

        let users = users.into_iter().map(|(user, access)| (Reviewed::Person(user.name, user.email), access));
        let clients = clients.into_iter().map(|(client, access)| (Reviewed::Client(client.name), access));
        Ok(AccessReview::new(users.chain(clients).map(|(member, access)| {
            let last_active_at = activity.get(&access.member_id).copied();
            (member, access, last_active_at)
        })))
    }

    /// Keeps an attestation.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when its id is taken.
    pub async fn create_attestation(
        &self,
        grant: &Grant<'_, AttestAccessReview>,
        attestation: &Attestation,
    ) -> Result<(), StorageError> {
        let id = attestation.id.as_str();
        let mut change = Change::new(self, grant, id)?;
        change.create(Collection::Attestations, id, attestation)?;
        change.commit().await
    }

    /// The attestations, oldest first.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_attestations(
        &self,
        grant: &Grant<'_, ReadAccessReview>,
        request: &PageRequest,
    ) -> Result<Page<Attestation>, StorageError> {
        self.list(grant.context(), Collection::Attestations, request).await
    }
}
