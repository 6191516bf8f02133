//! Shows.

use domain::{Quota, Show};
use serde::Deserialize;
use tenant_context::{
    Grant, ShowId, TenantContext,
    permission::{CreateShow, RenderFeed, UpdateShow},
};

use crate::{
    Page, PageRequest, Storage, StorageError, access::reaches, keys::Collection, transaction::Change,
};

#[derive(Deserialize)]
struct FeedVersion {
    counter: u64,
}

impl Storage {
    /// Makes a show, whose feed is due at once.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when its id is taken, [`StorageError::QuotaExceeded`] when the tenancy may have no more.
    pub async fn create_show(&self, grant: &Grant<'_, CreateShow>, show: &Show) -> Result<(), StorageError> {
        let mut change = Change::new(self, grant, show.id.as_str())?;
        change
            .check_version(Collection::DeletedShows, show.id.as_str(), 0)?
            .create(Collection::Shows, show.id.as_str(), show)?
            .feed_changed(&show.id, None)?
            .count(Quota::Shows, 1);
        change.commit().await
    }

    /// Finds a show.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_show(
        &self,
        context: &TenantContext,
        id: &ShowId,
    ) -> Result<Option<Show>, StorageError> {
        self.find(context, Collection::Shows, id.as_str()).await
    }

    /// Lists shows.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_shows(
        &self,
        context: &TenantContext,
        request: &PageRequest,
    ) -> Result<Page<Show>, StorageError> {
        self.list(context, Collection::Shows, request).await
    }

    /// Replaces a show that is still at `version`; its feed is due at once.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else changed it first.
    pub async fn update_show(
        &self,
        grant: &Grant<'_, UpdateShow>,
        show: &Show,
        version: u64,
    ) -> Result<(), StorageError> {
        reaches(grant, &show.id)?;
        let mut change = Change::new(self, grant, show.id.as_str())?;
        change.replace(Collection::Shows, show.id.as_str(), version, show)?.feed_changed(&show.id, None)?;
        change.commit().await
    }

    /// Whether there ever was a show of this id, whatever became of it.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn has_been_a_show(&self, context: &TenantContext, id: &ShowId) -> Result<bool, StorageError> {
        let found: Option<FeedVersion> = self.find(context, Collection::FeedVersions, id.as_str()).await?;
        Ok(found.is_some())
    }

    /// How often what the show's feed shows has changed. A document of a higher count replaces one of a lower.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_feed_version(
        &self,
        grant: &Grant<'_, RenderFeed>,
        show: &ShowId,
    ) -> Result<u64, StorageError> {
        let found: Option<FeedVersion> =
            self.find(grant.context(), Collection::FeedVersions, show.as_str()).await?;
        Ok(found.map_or(0, |version| version.counter))
    }
}
