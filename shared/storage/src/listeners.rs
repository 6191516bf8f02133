//! Listeners of private shows, and their feed tokens.
//!
//! The label is sealed. The token itself is not stored: the directory knows its hash, and so does the listener's item, so that
//! the token can be taken away.

use domain::{FeedToken, Listener, ListenerLabel, Quota};
use serde::{Deserialize, Serialize};
use tenant_context::{
    Grant, ListenerId, ShowId, TenantContext, Timestamp,
    permission::{ManageListeners, ReadListeners},
};

use crate::{
    FeedTokenRecord, Page, PageRequest, SecretHash, Storage, StorageError,
    access::reaches,
    keys::Collection,
    sealed::{DataKey, Sealed},
    transaction::Change,
};

#[derive(Serialize, Deserialize)]
struct StoredListener {
    id: ListenerId,
    show_id: ShowId,
    sealed_label: Sealed,
    token_hash: SecretHash,
    created_at: Timestamp,
    version: u64,
}

#[derive(Serialize, Deserialize)]
struct IndexEntry {
    show_id: ShowId,
}

impl StoredListener {
    fn open(self, context: &TenantContext, key: &DataKey) -> Result<Listener, StorageError> {
        let label = key.open(context, &label_field(&self.id), &self.sealed_label)?;
        Ok(Listener {
            label: ListenerLabel::try_from(label).map_err(StorageError::corrupt)?,
            id: self.id,
            show_id: self.show_id,
            created_at: self.created_at,
            version: self.version,
        })
    }
}

fn label_field(id: &ListenerId) -> String {
    format!("{id}/label")
}

impl Storage {
    /// Adds a listener, whose token works from now on.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the id is taken or the show is gone, [`StorageError::QuotaExceeded`] when the tenancy may have no
    /// more.
    pub async fn create_listener(
        &self,
        grant: &Grant<'_, ManageListeners>,
        listener: &Listener,
        token: &FeedToken,
    ) -> Result<(), StorageError> {
        reaches(grant, &listener.show_id)?;
        let context = grant.context();
        let id = listener.id.as_str();
        let seal = |key: &DataKey| {
            key.seal(context, &label_field(&listener.id), listener.label.as_str(), self.randomness())
        };
        let stored = StoredListener {
            id: listener.id.clone(),
            show_id: listener.show_id.clone(),
            sealed_label: self.with_data_key(context, seal).await?,
            token_hash: SecretHash::of(token.as_str()),
            created_at: listener.created_at,
            version: listener.version,
        };
        let mut change = Change::new(self, grant, id)?;
        change
            .check_exists(Collection::Shows, listener.show_id.as_str())?
            .create(Collection::ListenerIndex, id, &IndexEntry { show_id: listener.show_id.clone() })?
            .create(Collection::Listeners(&listener.show_id), id, &stored)?
            .count(Quota::Listeners, 1);
        change.commit().await?;

        self.create_feed_token(&stored.token_hash, &token_record(grant, &stored)).await
    }

    /// A show's listeners. Who asked is in the audit log before they see anybody.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_listeners(
        &self,
        grant: &Grant<'_, ReadListeners>,
        show: &ShowId,
        request: &PageRequest,
    ) -> Result<Page<Listener>, StorageError> {
        reaches(grant, show)?;
        let context = grant.context();
        self.record(grant, show.as_str()).await?;
        let page: Page<StoredListener> = self.list(context, Collection::Listeners(show), request).await?;
        let open = |key: &DataKey| page.items.into_iter().map(|stored| stored.open(context, key)).collect();
        Ok(Page { items: self.with_data_key(context, open).await?, next: page.next })
    }

    /// The show that somebody listens to.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_show_of_listener(
        &self,
        context: &TenantContext,
        id: &ListenerId,
    ) -> Result<Option<ShowId>, StorageError> {
        let entry: Option<IndexEntry> = self.find(context, Collection::ListenerIndex, id.as_str()).await?;
        Ok(entry.map(|entry| entry.show_id))
    }

    /// Gives a listener a new token and takes the old one: first the old one stops, then the new one works.
    /// Answers the listener's show; none when there is no such listener.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else changed the listener at the same moment.
    pub async fn rotate_feed_token(
        &self,
        grant: &Grant<'_, ManageListeners>,
        id: &ListenerId,
        token: &FeedToken,
    ) -> Result<Option<ShowId>, StorageError> {
        let Some(mut stored) = self.find_listener(grant.context(), id).await? else { return Ok(None) };
        reaches(grant, &stored.show_id)?;

        self.delete_feed_token(&stored.token_hash).await?;
        let version = stored.version;
        stored.token_hash = SecretHash::of(token.as_str());
        stored.version += 1;
        let mut change = Change::new(self, grant, id.as_str())?;
        change.replace(Collection::Listeners(&stored.show_id), id.as_str(), version, &stored)?;
        change.commit().await?;

        self.create_feed_token(&stored.token_hash, &token_record(grant, &stored)).await?;
        Ok(Some(stored.show_id))
    }

    /// Takes a listener's token and forgets the listener. Answers whether there was one.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer; the token has stopped working then, and repeating finishes the rest.
    pub async fn delete_listener(
        &self,
        grant: &Grant<'_, ManageListeners>,
        id: &ListenerId,
    ) -> Result<bool, StorageError> {
        let Some(stored) = self.find_listener(grant.context(), id).await? else { return Ok(false) };
        reaches(grant, &stored.show_id)?;

        self.delete_feed_token(&stored.token_hash).await?;
        let mut change = Change::new(self, grant, id.as_str())?;
        change
            .delete(Collection::ListenerIndex, id.as_str())?
            .delete(Collection::Listeners(&stored.show_id), id.as_str())?
            .count(Quota::Listeners, -1);
        change.commit().await?;
        Ok(true)
    }

    async fn find_listener(
        &self,
        context: &TenantContext,
        id: &ListenerId,
    ) -> Result<Option<StoredListener>, StorageError> {
        let entry: Option<IndexEntry> = self.find(context, Collection::ListenerIndex, id.as_str()).await?;
        match entry {
            Some(entry) => self.find(context, Collection::Listeners(&entry.show_id), id.as_str()).await,
            None => Ok(None),
        }
    }
}

fn token_record(grant: &Grant<'_, ManageListeners>, stored: &StoredListener) -> FeedTokenRecord {
    FeedTokenRecord {
        tenancy_id: grant.context().tenancy().clone(),
        show_id: stored.show_id.clone(),
        listener_id: stored.id.clone(),
    }
}
