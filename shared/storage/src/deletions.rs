//! Deletions: the record of each, and what is deleted at first: it leaves the place where everything looks for it, and can be put back
//! until its day. What happens on that day is in [`crate::destruction`].
//!
//! A show or an episode is moved, in one transaction with the record. So nothing that reads shows or episodes needs to know of
//! deletions. Slugs, GUIDs and the counts of quotas stay as they are.

use domain::{Deletion, DeletionScope, DeletionState, DeletionSubject, Episode, Show};
use serde::{Deserialize, Serialize};
use tenant_context::{
    DeletionId, EpisodeId, Grant, ShowId, TenancyState, TenantContext,
    permission::{CancelDeletion, CarryOutDeletion, CreateDeletion, RenderFeed},
};

use crate::{
    Page, PageRequest, Storage, StorageError, access::reaches, keys::Collection, transaction::Change,
};

/// A deletion, and which version of it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionRecord {
    /// The deletion.
    pub deletion: Deletion,
    /// Counts changes, from 1.
    pub version: u64,
}

/// In the list of those that have not ended.
#[derive(Serialize, Deserialize)]
pub(crate) struct OpenDeletion {
    pub(crate) id: DeletionId,
}

/// The last deletion of a subject.
#[derive(Serialize, Deserialize)]
pub(crate) struct LastDeletion {
    deletion_id: DeletionId,
    /// The deletion's generation.
    version: u64,
}

impl LastDeletion {
    pub(crate) fn of(deletion: &Deletion) -> Self {
        Self { deletion_id: deletion.id.clone(), version: deletion.generation }
    }
}

/// What is deleted first: put aside, from where it can be restored.
#[derive(Debug)]
pub enum PutAside<'a> {
    /// A show, with all that is in it.
    Show(&'a Show),
    /// An episode.
    Episode(&'a Episode),
    /// Nothing: a person can only be erased.
    Nothing,
}

/// The show that a subject is in, or is.
pub fn show_of(subject: &DeletionSubject) -> Option<&ShowId> {
    match subject {
        DeletionSubject::Show { show_id }
        | DeletionSubject::Episode { show_id, .. }
        | DeletionSubject::Listener { show_id, .. } => Some(show_id),
        DeletionSubject::Tenancy { .. } | DeletionSubject::User { .. } => None,
    }
}

/// Where the record of a deletion is: that of an exit, where the exit does not erase it.
pub(crate) fn home(subject: &DeletionSubject) -> Collection<'static> {
    match subject {
        DeletionSubject::Tenancy { .. } => Collection::Exits,
        _ => Collection::Deletions,
    }
}

impl Change<'_> {
    /// Its subject has no other one at this moment.
    pub(crate) fn last_deletion_is(&mut self, deletion: &Deletion) -> Result<&mut Self, StorageError> {
        let last = LastDeletion::of(deletion);
        let (subjects, subject) = (Collection::DeletionSubjects, deletion.subject.id());
        match deletion.generation {
            1 => self.create(subjects, subject, &last),
            next => self.replace(subjects, subject, next.saturating_sub(1), &last),
        }
    }

    /// A show leaves the place where everything looks for it, and its feed with it.
    pub(crate) fn put_show_aside(&mut self, show: &Show) -> Result<&mut Self, StorageError> {
        self.delete_at(Collection::Shows, show.id.as_str(), show.version)?
            .create(Collection::DeletedShows, show.id.as_str(), show)?
            .feed_changed(&show.id, None)
    }

    /// An episode leaves the place where everything looks for it, and the feed.
    pub(crate) fn put_episode_aside(&mut self, episode: &Episode) -> Result<&mut Self, StorageError> {
        let (id, show) = (episode.id.as_str(), &episode.show_id);
        self.delete_at(Collection::Episodes(show), id, episode.version)?
            .create(Collection::DeletedEpisodes(show), id, episode)?
            .feed_changed(show, None)
    }

    /// The next version of a deletion's record. One that has ended leaves the list of those that have not.
    pub(crate) fn replace_deletion(
        &mut self,
        before: &DeletionRecord,
        after: &Deletion,
    ) -> Result<DeletionRecord, StorageError> {
        let id = after.id.as_str();
        let record = DeletionRecord { deletion: after.clone(), version: before.version + 1 };
        self.detail("deletion", &after.id)?.detail("state", &after.state)?.replace(
            home(&after.subject),
            id,
            before.version,
            &record,
        )?;
        if after.state.is_final() && after.subject.scope() != DeletionScope::Tenancy {
            self.delete_if_there(Collection::OpenDeletions, id)?;
        }
        Ok(record)
    }
}

impl Storage {
    /// Deletes what `deletion` is about: it is out of sight at once, and with it what apps have of it once the feed is rendered, which
    /// is due at once.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when it has changed, or is being deleted already, [`StorageError::LastOwner`].
    pub async fn create_deletion(
        &self,
        grant: &Grant<'_, CreateDeletion>,
        deletion: &Deletion,
        put_aside: PutAside<'_>,
    ) -> Result<DeletionRecord, StorageError> {
        reaches(grant, show_of(&deletion.subject))?;
        if let DeletionSubject::User { user_id } = &deletion.subject {
            self.check_not_last_owner(grant.context(), user_id).await?;
        }
        let (id, subject) = (deletion.id.as_str(), deletion.subject.id());
        let record = DeletionRecord { deletion: deletion.clone(), version: 1 };

        let mut change = Change::new(self, grant, subject)?;
        change
            .detail("deletion", &deletion.id)?
            .detail("state", &deletion.state)?
            .create(Collection::Deletions, id, &record)?
            .create(Collection::OpenDeletions, id, &OpenDeletion { id: deletion.id.clone() })?;
        change.last_deletion_is(deletion)?;
        match put_aside {
            PutAside::Show(show) => {
                change.put_show_aside(show)?;
            }
            PutAside::Episode(episode) => {
                change.put_episode_aside(episode)?;
            }
            PutAside::Nothing => {}
        }
        change.commit().await?;
        Ok(record)
    }

    /// Ends a deletion that was taken back, and puts what it is about back to where it was.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the deletion has changed, or the show of an episode is gone.
    pub async fn restore(
        &self,
        grant: &Grant<'_, CancelDeletion>,
        before: &DeletionRecord,
        cancelled: &Deletion,
    ) -> Result<DeletionRecord, StorageError> {
        reaches(grant, show_of(&cancelled.subject))?;
        let context = grant.context();
        let mut change = Change::new(self, grant, cancelled.subject.id())?;
        let record = change.replace_deletion(before, cancelled)?;
        match &cancelled.subject {
            DeletionSubject::Show { show_id } => {
                let id = show_id.as_str();
                let mut show =
                    self.find_put_aside_show(context, show_id).await?.ok_or(StorageError::Conflict)?;
                change.delete_at(Collection::DeletedShows, id, show.version)?;
                show.version += 1;
                change.create(Collection::Shows, id, &show)?.feed_changed(show_id, None)?;
            }
            DeletionSubject::Episode { show_id, episode_id } => {
                let id = episode_id.as_str();
                let aside = Collection::DeletedEpisodes(show_id);
                let episode: Option<Episode> = self.find(context, aside, id).await?;
                let mut episode = episode.ok_or(StorageError::Conflict)?;
                change.delete_at(aside, id, episode.version)?;
                episode.version += 1;
                let publication = episode.publication.as_ref();
                change
                    .check_exists(Collection::Shows, show_id.as_str())?
                    .create(Collection::Episodes(show_id), id, &episode)?
                    .feed_changed(show_id, publication.map(|publication| (episode_id, publication)))?;
            }
            DeletionSubject::Tenancy { .. } if before.deletion.state == DeletionState::Closing => {
                change.tenancy_is(TenancyState::Active)?;
            }
            DeletionSubject::Tenancy { .. } => {}
            _ => return Err(StorageError::Conflict),
        }
        change.commit().await?;
        Ok(record)
    }

    /// Writes how far a deletion got.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else changed it first.
    pub async fn update_deletion(
        &self,
        grant: &Grant<'_, CarryOutDeletion>,
        before: &DeletionRecord,
        after: &Deletion,
    ) -> Result<DeletionRecord, StorageError> {
        if after.subject.scope() == DeletionScope::Tenancy {
            return self.update_exit(grant, before, after).await;
        }
        let mut change = Change::new(self, grant, after.subject.id())?;
        let record = change.replace_deletion(before, after)?;
        change.commit().await?;
        Ok(record)
    }

    /// Finds a deletion.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_deletion(
        &self,
        context: &TenantContext,
        id: &DeletionId,
    ) -> Result<Option<DeletionRecord>, StorageError> {
        match self.find(context, Collection::Deletions, id.as_str()).await? {
            Some(record) => Ok(Some(record)),
            None => self.find(context, Collection::Exits, id.as_str()).await,
        }
    }

    /// The last deletion of what has this id, whatever became of it.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_last_deletion(
        &self,
        context: &TenantContext,
        subject: &str,
    ) -> Result<Option<DeletionRecord>, StorageError> {
        let last: Option<LastDeletion> = self.find(context, Collection::DeletionSubjects, subject).await?;
        match last {
            Some(last) => self.find_deletion(context, &last.deletion_id).await,
            None => Ok(None),
        }
    }

    /// Lists deletions, those that have ended too.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_deletions(
        &self,
        context: &TenantContext,
        request: &PageRequest,
    ) -> Result<Page<DeletionRecord>, StorageError> {
        let page: Page<DeletionRecord> = self.list(context, Collection::Deletions, request).await?;
        let mut exits = self.list_exits(context).await?;
        let comes = |record: &DeletionRecord| Some(record.deletion.id.as_str()) > request.after.as_deref();
        exits.retain(comes);

        let is_more = page.next.is_some();
        let mut items = page.items;
        items.extend(exits);
        items.sort_by(|one, other| one.deletion.id.cmp(&other.deletion.id));
        let is_more = is_more || items.len() > usize::from(request.limit);
        items.truncate(usize::from(request.limit));
        let last = items.last().map(|record| record.deletion.id.to_string());
        Ok(Page { next: last.filter(|_| is_more), items })
    }

    /// All deletions that have not ended.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_open_deletions(
        &self,
        grant: &Grant<'_, CarryOutDeletion>,
    ) -> Result<Vec<DeletionRecord>, StorageError> {
        let context = grant.context();
        let open: Vec<OpenDeletion> = self.list_all(context, Collection::OpenDeletions).await?;
        let mut records = Vec::with_capacity(open.len());
        for entry in open {
            records.extend(self.find_deletion(context, &entry.id).await?);
        }
        Ok(records)
    }

    /// Finds what has this id and can be held: it may be deleted already, as long as it can be restored.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_holdable(
        &self,
        context: &TenantContext,
        id: &str,
    ) -> Result<Option<DeletionSubject>, StorageError> {
        if id == context.tenancy().as_str() {
            return Ok(Some(DeletionSubject::Tenancy { tenancy_id: context.tenancy().clone() }));
        }
        if let Ok(show_id) = id.parse::<ShowId>() {
            let is_there = self.find_show(context, &show_id).await?.is_some()
                || self.find_put_aside_show(context, &show_id).await?.is_some();
            return Ok(is_there.then_some(DeletionSubject::Show { show_id }));
        }
        if let Ok(episode_id) = id.parse::<EpisodeId>() {
            let show_id = self.find_show_of_episode(context, &episode_id).await?;
            return Ok(show_id.map(|show_id| DeletionSubject::Episode { show_id, episode_id }));
        }
        if let Ok(user_id) = id.parse() {
            let is_there = self.find_stored_user(context, &user_id).await?.is_some();
            return Ok(is_there.then_some(DeletionSubject::User { user_id }));
        }
        let Ok(listener_id) = id.parse() else { return Ok(None) };
        let listener = self.find_any_listener(context, &listener_id).await?;
        Ok(listener.map(|listener| DeletionSubject::Listener { show_id: listener.show_id, listener_id }))
    }

    /// A show that was deleted and can be restored, for its feed.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_deleted_show(
        &self,
        grant: &Grant<'_, RenderFeed>,
        id: &ShowId,
    ) -> Result<Option<Show>, StorageError> {
        self.find_put_aside_show(grant.context(), id).await
    }

    pub(crate) async fn find_put_aside_show(
        &self,
        context: &TenantContext,
        id: &ShowId,
    ) -> Result<Option<Show>, StorageError> {
        self.find(context, Collection::DeletedShows, id.as_str()).await
    }
}
