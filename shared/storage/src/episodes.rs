//! Episodes. They are kept by show; an index leads from an episode's id to its show.

use domain::{Episode, Publication, Quota};
use futures::future::try_join;
use serde::{Deserialize, Serialize};
use tenant_context::{
    EpisodeId, Grant, ShowId, TenantContext,
    permission::{CreateEpisode, PublishEpisode, RenderFeed, UpdateEpisode},
};

use crate::{
    Page, PageRequest, Storage, StorageError, access::reaches, keys::Collection, transaction::Change,
};

#[derive(Serialize, Deserialize)]
pub(crate) struct IndexEntry {
    pub(crate) show_id: ShowId,
}

impl Storage {
    /// Makes a draft in a show that exists.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when its id is taken or the show is gone, [`StorageError::QuotaExceeded`] when the tenancy may have
    /// no more.
    pub async fn create_episode(
        &self,
        grant: &Grant<'_, CreateEpisode>,
        episode: &Episode,
    ) -> Result<(), StorageError> {
        reaches(grant, &episode.show_id)?;
        let id = episode.id.as_str();
        let mut change = Change::new(self, grant, id)?;
        change
            .check_exists(Collection::Shows, episode.show_id.as_str())?
            .create(Collection::EpisodeIndex, id, &IndexEntry { show_id: episode.show_id.clone() })?
            .create(Collection::Episodes(&episode.show_id), id, episode)?
            .count(Quota::Episodes, 1);
        change.commit().await
    }

    /// Finds an episode of a show that is there, too.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_episode(
        &self,
        context: &TenantContext,
        id: &EpisodeId,
    ) -> Result<Option<Episode>, StorageError> {
        let Some(show_id) = self.find_show_of_episode(context, id).await? else { return Ok(None) };
        let (show, episode) = try_join(
            self.find_show(context, &show_id),
            self.find(context, Collection::Episodes(&show_id), id.as_str()),
        )
        .await?;
        Ok(show.and(episode))
    }

    /// The show that an episode is in, also one that was deleted and can be restored.
    pub(crate) async fn find_show_of_episode(
        &self,
        context: &TenantContext,
        id: &EpisodeId,
    ) -> Result<Option<ShowId>, StorageError> {
        let entry: Option<IndexEntry> = self.find(context, Collection::EpisodeIndex, id.as_str()).await?;
        Ok(entry.map(|entry| entry.show_id))
    }

    /// Lists a show's episodes, drafts too.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_episodes(
        &self,
        context: &TenantContext,
        show: &ShowId,
        request: &PageRequest,
    ) -> Result<Page<Episode>, StorageError> {
        self.list(context, Collection::Episodes(show), request).await
    }

    /// All of a show's episodes, drafts too.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_all_episodes(
        &self,
        context: &TenantContext,
        show: &ShowId,
    ) -> Result<Vec<Episode>, StorageError> {
        self.list_all(context, Collection::Episodes(show)).await
    }

    /// All of a show's episodes, for its feed.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_episodes_for_feed(
        &self,
        grant: &Grant<'_, RenderFeed>,
        show: &ShowId,
    ) -> Result<Vec<Episode>, StorageError> {
        self.list_all(grant.context(), Collection::Episodes(show)).await
    }

    /// Replaces a draft that is still at `version`.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else changed it first.
    pub async fn update_draft(
        &self,
        grant: &Grant<'_, UpdateEpisode>,
        episode: &Episode,
        version: u64,
    ) -> Result<(), StorageError> {
        reaches(grant, &episode.show_id)?;
        let mut change = Change::new(self, grant, episode.id.as_str())?;
        change.replace(Collection::Episodes(&episode.show_id), episode.id.as_str(), version, episode)?;
        change.commit().await
    }

    /// Replaces an episode that is, was or will be in the feed, and is still at `version`. The feed is due at once, and again
    /// at each moment to come at which it changes by itself.
    ///
    /// Its GUID and its enclosure's file name are in a ledger, in the same transaction: whose they are, and which are the
    /// episode's. The ledger refuses every other answer for good, also after the episode is gone.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else changed it first, or the ledger refuses it.
    pub async fn update_published(
        &self,
        grant: &Grant<'_, PublishEpisode>,
        episode: &Episode,
        version: u64,
    ) -> Result<(), StorageError> {
        reaches(grant, &episode.show_id)?;
        let mut change = Change::new(self, grant, episode.id.as_str())?;
        change
            .detail("state", &episode.state(self.now()))?
            .replace(Collection::Episodes(&episode.show_id), episode.id.as_str(), version, episode)?
            .feed_changed(
                &episode.show_id,
                episode.publication.as_ref().map(|publication| (&episode.id, publication)),
            )?;
        if let Some(Publication { guid, file_name, .. }) = &episode.publication {
            let ledger = Collection::PublicationLedger(&episode.show_id);
            change.record(ledger, &format!("guid#{guid}"), episode.id.as_str())?.record(
                ledger,
                &format!("episode#{}", episode.id),
                &format!("{guid} {file_name}"),
            )?;
        }
        change.commit().await
    }
}
