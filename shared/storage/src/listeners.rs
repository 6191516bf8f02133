//! Listeners of private shows, and their feed tokens.
//!
//! What people wrote is sealed. The token itself is not stored: the directory knows its hash, and so does the listener's item, so
//! that the token can be taken away.
//!
//! The two cannot change in one transaction. So whatever stops a token is in the directory before the listener's item says so, and
//! whatever lets it work again comes there after: cut off in between, too little works, and repeating finishes it. A new token is
//! in the directory first, when nobody has it yet.

use std::time::Duration;

use domain::{
    DeletionSubject, EmailAddress, FeedToken, Listener, ListenerAccess, ListenerLabel, Quota,
    SuspensionReason,
};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use tenant_context::{
    Grant, ListenerId, ShowId, TenantContext, Timestamp,
    permission::{ManageListeners, Permission, ReadListeners},
};

use crate::{
    FeedTokenRecord, Page, PageRequest, SecretHash, Storage, StorageError,
    access::reaches,
    keys::Collection,
    sealed::{DataKey, Sealed},
    transaction::Change,
};

/// A listener without what people wrote of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerRecord {
    /// The listener.
    pub id: ListenerId,
    /// Their show.
    pub show_id: ShowId,
    /// Whether their token works.
    pub access: ListenerAccess,
    /// Which version this is.
    pub version: u64,
}

/// What people wrote of a listener; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListenerWords {
    /// How to tell them from others.
    pub label: Option<ListenerLabel>,
    /// Where they get e-mail; nowhere where there is none inside.
    pub email: Option<Option<EmailAddress>>,
    /// Why they are suspended. It goes with the suspension.
    pub suspension_reason: Option<SuspensionReason>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct StoredListener {
    pub(crate) id: ListenerId,
    pub(crate) show_id: ShowId,
    sealed_label: Sealed,
    #[serde(default)]
    sealed_email: Option<Sealed>,
    /// Where they are in the index of addresses.
    #[serde(default)]
    pub(crate) email_place: Option<String>,
    pub(crate) token_hash: SecretHash,
    #[serde(default)]
    pub(crate) access: ListenerAccess,
    #[serde(default)]
    sealed_reason: Option<Sealed>,
    /// Why they are suspended, where nobody wrote a reason: whoever suspends them then seals none.
    #[serde(default)]
    pub(crate) is_suspended_as_shared: bool,
    #[serde(default)]
    pub(crate) found_shared_at: Option<Timestamp>,
    created_at: Timestamp,
    pub(crate) version: u64,
}

/// The reason of a suspension that no person decided.
const SHARED: &str = "The feed URL was used from too many networks at once.";

/// Three items each, and five more of the transaction's hundred: the show, the mark, the count and, as two, the audit event.
const MOST_IN_BATCH: usize = 31;

/// Longer than an `Idempotency-Key` is remembered, from which the batch's name is made.
const MARK_REMEMBERED: Duration = Duration::from_secs(48 * 60 * 60);

/// Says that a batch was added.
#[derive(Serialize, Deserialize)]
struct BatchMark {
    /// Seconds since 1970, for DynamoDB's time to live.
    expires_at: u64,
}

fn count(things: usize) -> u64 {
    u64::try_from(things).unwrap_or(u64::MAX)
}

impl Change<'_> {
    pub(crate) fn create_listener(&mut self, stored: &StoredListener) -> Result<&mut Self, StorageError> {
        let id = stored.id.as_str();
        self.move_listener_email(None, stored)?
            .create(Collection::ListenerIndex, id, &IndexEntry { show_id: stored.show_id.clone() })?
            .create(Collection::Listeners(&stored.show_id), id, stored)
    }

    /// Lets a listener be found by the address in `after`, and not by the one in `before` any more.
    fn move_listener_email(
        &mut self,
        before: Option<&StoredListener>,
        after: &StoredListener,
    ) -> Result<&mut Self, StorageError> {
        let collection = Collection::ListenerEmails(&after.show_id);
        let old = before.and_then(|before| before.email_place.as_ref());
        if old == after.email_place.as_ref() {
            return Ok(self);
        }
        if let Some(place) = old {
            self.delete_if_there(collection, place)?;
        }
        if let Some(place) = &after.email_place {
            self.create(collection, place, &EmailEntry { listener_id: after.id.clone() })?;
        }
        Ok(self)
    }
}

#[derive(Serialize, Deserialize)]
struct IndexEntry {
    show_id: ShowId,
}

/// In the index of addresses.
#[derive(Serialize, Deserialize)]
struct EmailEntry {
    listener_id: ListenerId,
}

impl StoredListener {
    pub(crate) fn open(self, context: &TenantContext, key: &DataKey) -> Result<Listener, StorageError> {
        let label = key.open(context, &label_field(&self.id), &self.sealed_label)?;
        let email = self.sealed_email.as_ref();
        let email = email.map(|sealed| key.open(context, &email_field(&self.id), sealed)).transpose()?;
        let reason = self.sealed_reason.as_ref();
        let reason = reason.map(|sealed| key.open(context, &reason_field(&self.id), sealed)).transpose()?;
        let reason = reason.or_else(|| self.is_suspended_as_shared.then(|| SHARED.to_owned()));
        Ok(Listener {
            label: label.try_into().map_err(StorageError::corrupt)?,
            email: email.map(TryInto::try_into).transpose().map_err(StorageError::corrupt)?,
            suspension_reason: reason.map(TryInto::try_into).transpose().map_err(StorageError::corrupt)?,
            id: self.id,
            show_id: self.show_id,
            access: self.access,
            found_shared_at: self.found_shared_at,
            last_used_at: None,
            created_at: self.created_at,
            version: self.version,
        })
    }

    fn record(&self) -> ListenerRecord {
        ListenerRecord {
            id: self.id.clone(),
            show_id: self.show_id.clone(),
            access: self.access,
            version: self.version,
        }
    }

    fn token_record(&self, context: &TenantContext) -> FeedTokenRecord {
        FeedTokenRecord {
            tenancy_id: context.tenancy().clone(),
            show_id: self.show_id.clone(),
            listener_id: self.id.clone(),
            access: self.access,
            listener_version: self.version,
        }
    }
}

/// What stands for an address in the index. Addresses are told apart without regard to case.
pub(crate) fn email_index(context: &TenantContext, key: &DataKey, email: &EmailAddress) -> String {
    key.blind_index(context, "listener-email", &email.as_str().to_lowercase())
}

/// Where a listener whom the tenancy has added is in the index: several may have one address.
fn email_place(context: &TenantContext, key: &DataKey, id: &ListenerId, email: &EmailAddress) -> String {
    format!("{}#{id}", email_index(context, key, email))
}

fn label_field(id: &ListenerId) -> String {
    format!("{id}/label")
}

fn email_field(id: &ListenerId) -> String {
    format!("{id}/email")
}

fn reason_field(id: &ListenerId) -> String {
    format!("{id}/suspension-reason")
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
        let stored =
            self.with_data_key(context, |key| self.seal_listener(context, key, listener, token)).await?;
        let mut change = Change::new(self, grant, listener.id.as_str())?;
        change
            .check_exists(Collection::Shows, listener.show_id.as_str())?
            .create_listener(&stored)?
            .count(Quota::Listeners, 1);
        self.commit_with_new_token(change, &stored).await
    }

    /// Adds the listeners of a table to `show`, in transactions of so many as fit. What an earlier try with the same `table` has
    /// added stays as it is by now: repeating adds the rest.
    ///
    /// # Errors
    /// [`StorageError::QuotaExceeded`] when the tenancy may not have so many more, [`StorageError::Conflict`] when the show is gone.
    pub async fn create_listeners(
        &self,
        grant: &Grant<'_, ManageListeners>,
        show: &ShowId,
        table: &str,
        listeners: &[(Listener, FeedToken)],
    ) -> Result<(), StorageError> {
        reaches(grant, show)?;
        let context = grant.context();
        let mut missing = Vec::new();
        for (number, batch) in listeners.chunks(MOST_IN_BATCH).enumerate() {
            let mark = format!("{table}#{number}");
            if !self.is_added(context, &mark).await? {
                missing.push((mark, batch));
            }
        }
        let more = missing.iter().map(|(_, batch)| batch.len()).sum::<usize>();
        if more > 0 {
            self.check_quota_for(grant, Quota::Listeners, count(more)).await?;
        }

        for (mark, batch) in missing {
            self.create_batch(grant, show, &mark, batch).await?;
        }
        Ok(())
    }

    async fn is_added(&self, context: &TenantContext, mark: &str) -> Result<bool, StorageError> {
        let found: Option<BatchMark> = self.find(context, Collection::Idempotency, mark).await?;
        Ok(found.is_some())
    }

    async fn create_batch(
        &self,
        grant: &Grant<'_, ManageListeners>,
        show: &ShowId,
        mark: &str,
        batch: &[(Listener, FeedToken)],
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let seal = |key: &DataKey| {
            batch.iter().map(|(listener, token)| self.seal_listener(context, key, listener, token)).collect()
        };
        let stored: Vec<StoredListener> = self.with_data_key(context, seal).await?;

        let ids: Vec<&str> = stored.iter().map(|stored| stored.id.as_str()).collect();
        let mut change = Change::new(self, grant, show.as_str())?;
        change.detail("listeners", &ids)?.check_exists(Collection::Shows, show.as_str())?;
        let expires_at = self.now().plus(MARK_REMEMBERED).unix_seconds();
        change.create(Collection::Idempotency, mark, &BatchMark { expires_at })?;
        for stored in &stored {
            change.create_listener(stored)?;
        }
        change.count(Quota::Listeners, i64::try_from(stored.len()).map_err(StorageError::corrupt)?);

        let records: Vec<_> =
            stored.iter().map(|stored| (&stored.token_hash, stored.token_record(context))).collect();
        try_join_all(records.iter().map(|(hash, record)| self.create_feed_token(hash, record))).await?;
        match change.commit().await {
            // The same request, sent twice at once, was quicker here.
            Err(StorageError::Conflict) if self.is_added(context, mark).await? => Ok(()),
            result => result,
        }
    }

    pub(crate) fn seal_listener(
        &self,
        context: &TenantContext,
        key: &DataKey,
        listener: &Listener,
        token: &FeedToken,
    ) -> Result<StoredListener, StorageError> {
        let seal = |field: &str, text: &str| key.seal(context, field, text, self.randomness());
        let email = listener.email.as_ref();
        Ok(StoredListener {
            id: listener.id.clone(),
            show_id: listener.show_id.clone(),
            sealed_label: seal(&label_field(&listener.id), listener.label.as_str())?,
            sealed_email: email.map(|email| seal(&email_field(&listener.id), email.as_str())).transpose()?,
            email_place: email.map(|email| email_place(context, key, &listener.id, email)),
            token_hash: SecretHash::of(token.as_str()),
            access: listener.access,
            sealed_reason: None,
            is_suspended_as_shared: false,
            found_shared_at: listener.found_shared_at,
            created_at: listener.created_at,
            version: listener.version,
        })
    }

    /// A listener who was one elsewhere: suspended where they were, with the reason.
    pub(crate) fn seal_imported_listener(
        &self,
        context: &TenantContext,
        key: &DataKey,
        listener: &Listener,
        token: &FeedToken,
    ) -> Result<StoredListener, StorageError> {
        let mut stored = self.seal_listener(context, key, listener, token)?;
        let seal = |reason: &SuspensionReason| {
            key.seal(context, &reason_field(&listener.id), reason.as_str(), self.randomness())
        };
        stored.sealed_reason = listener.suspension_reason.as_ref().map(seal).transpose()?;
        Ok(stored)
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
        let mut items: Vec<Listener> = self.with_data_key(context, open).await?;
        self.tell_last_use(context, show, &mut items).await?;
        Ok(Page { items, next: page.next })
    }

    /// A listener. Who asked is in the audit log before they see them.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer.
    pub async fn find_listener(
        &self,
        grant: &Grant<'_, ReadListeners>,
        id: &ListenerId,
    ) -> Result<Option<Listener>, StorageError> {
        let context = grant.context();
        let Some(stored) = self.find_stored_listener(context, id).await? else { return Ok(None) };
        reaches(grant, &stored.show_id)?;
        self.record(grant, id.as_str()).await?;
        let show = stored.show_id.clone();
        let mut listener = self.with_data_key(context, |key| stored.open(context, key)).await?;
        self.tell_last_use(context, &show, std::slice::from_mut(&mut listener)).await?;
        Ok(Some(listener))
    }

    /// A listener, without anything that people wrote of them.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_listener_record(
        &self,
        context: &TenantContext,
        id: &ListenerId,
    ) -> Result<Option<ListenerRecord>, StorageError> {
        Ok(self.find_stored_listener(context, id).await?.map(|stored| stored.record()))
    }

    /// Gives a listener other access and other words, and answers how they are then. What takes access from them has taken it when
    /// this answers. Where nothing is different, nothing is counted, and the directory is told again what it should know.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the listener is not as in `before` any more.
    pub async fn update_listener(
        &self,
        grant: &Grant<'_, ManageListeners>,
        before: &ListenerRecord,
        access: ListenerAccess,
        words: &ListenerWords,
    ) -> Result<ListenerRecord, StorageError> {
        reaches(grant, &before.show_id)?;
        let context = grant.context();
        let stored = self.find_stored_listener(context, &before.id).await?.ok_or(StorageError::Conflict)?;
        if stored.version != before.version {
            return Err(StorageError::Conflict);
        }
        if access == stored.access && *words == ListenerWords::default() {
            self.update_feed_token(&stored.token_hash, &stored.token_record(context)).await?;
            return Ok(stored.record());
        }

        let mut after = self.with_data_key(context, |key| self.rewrite(context, key, &stored, words)).await?;
        after.access = access;
        if access.suspended_at.is_none() {
            after.sealed_reason = None;
            after.is_suspended_as_shared = false;
        }
        after.version += 1;
        let mut change = Change::new(self, grant, before.id.as_str())?;
        change.move_listener_email(Some(&stored), &after)?;
        self.replace_listener(change, &stored, after).await
    }

    /// Puts `after`, the next version, in the place of `before`, with whatever else is in `change`.
    pub(crate) async fn replace_listener(
        &self,
        mut change: Change<'_>,
        before: &StoredListener,
        after: StoredListener,
    ) -> Result<ListenerRecord, StorageError> {
        let context = &change.context().clone();
        let access = before.access.restricted_by(after.access);
        let restricted = FeedTokenRecord { access, ..after.token_record(context) };
        self.update_feed_token(&after.token_hash, &restricted).await?;
        let state = after.access.state(self.now());
        change.detail("state", &state)?.replace(
            Collection::Listeners(&after.show_id),
            after.id.as_str(),
            before.version,
            &after,
        )?;
        let committed = change.commit().await;

        // Overtaken: the directory goes back to what the other change said.
        let now = match &committed {
            Ok(()) => Some(after),
            Err(_) => self.find_any_listener(context, &before.id).await?,
        };
        let Some(now) = now else { return Err(StorageError::Conflict) };
        self.update_feed_token(&now.token_hash, &now.token_record(context)).await?;
        committed.map(|()| now.record())
    }

    fn rewrite(
        &self,
        context: &TenantContext,
        key: &DataKey,
        stored: &StoredListener,
        words: &ListenerWords,
    ) -> Result<StoredListener, StorageError> {
        let mut after = stored.clone();
        if let Some(label) = &words.label {
            let field = label_field(&stored.id);
            after.sealed_label = key.seal(context, &field, label.as_str(), self.randomness())?;
        }
        if let Some(email) = &words.email {
            let field = email_field(&stored.id);
            let seal = |email: &EmailAddress| key.seal(context, &field, email.as_str(), self.randomness());
            after.sealed_email = email.as_ref().map(seal).transpose()?;
            after.email_place = email.as_ref().map(|email| email_place(context, key, &stored.id, email));
        }
        if let Some(reason) = &words.suspension_reason {
            let field = reason_field(&stored.id);
            after.sealed_reason = Some(key.seal(context, &field, reason.as_str(), self.randomness())?);
            after.is_suspended_as_shared = false;
        }
        Ok(after)
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
        let Some(stored) = self.find_stored_listener(grant.context(), id).await? else { return Ok(None) };
        reaches(grant, &stored.show_id)?;

        let show_id = stored.show_id.clone();
        self.replace_token(grant, stored, token).await?;
        Ok(Some(show_id))
    }

    /// First the old token stops, then the new one works.
    pub(crate) async fn replace_token<P: Permission>(
        &self,
        grant: &Grant<'_, P>,
        mut stored: StoredListener,
        token: &FeedToken,
    ) -> Result<(), StorageError> {
        self.delete_feed_token(&stored.token_hash).await?;
        let version = stored.version;
        stored.token_hash = SecretHash::of(token.as_str());
        stored.version += 1;
        let mut change = Change::new(self, grant, stored.id.as_str())?;
        change.replace(Collection::Listeners(&stored.show_id), stored.id.as_str(), version, &stored)?;
        self.commit_with_new_token(change, &stored).await
    }

    /// Takes a listener's token and forgets the listener. Answers whether there was one.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer; the token has stopped working then, and repeating finishes the rest.
    /// [`StorageError::Conflict`] when somebody else changed the listener at the same moment, [`StorageError::Held`] when a legal hold
    /// keeps them.
    pub async fn delete_listener(
        &self,
        grant: &Grant<'_, ManageListeners>,
        id: &ListenerId,
    ) -> Result<bool, StorageError> {
        let Some(stored) = self.find_stored_listener(grant.context(), id).await? else { return Ok(false) };
        reaches(grant, &stored.show_id)?;
        let subject = DeletionSubject::Listener { show_id: stored.show_id.clone(), listener_id: id.clone() };
        let holds = self.check_not_held(grant.context(), &subject).await?;

        self.delete_feed_token(&stored.token_hash).await?;
        let mut change = Change::new(self, grant, id.as_str())?;
        change
            .while_not_held(&holds)?
            .delete(Collection::ListenerIndex, id.as_str())?
            .delete_at(Collection::Listeners(&stored.show_id), id.as_str(), stored.version)?
            .delete_if_there(Collection::Listening(&stored.show_id), id.as_str())?
            .count(Quota::Listeners, -1);
        if let Some(place) = &stored.email_place {
            change.delete_if_there(Collection::ListenerEmails(&stored.show_id), place)?;
        }
        change.commit().await?;
        Ok(true)
    }

    /// Lets a token be known before the change that gives it to somebody. Where that does not happen it is forgotten again, unless the
    /// same request, worked through twice at once, was quicker; where even this is cut off, a token stays that nobody was told.
    pub(crate) async fn commit_with_new_token(
        &self,
        change: Change<'_>,
        stored: &StoredListener,
    ) -> Result<(), StorageError> {
        let context = change.context().clone();
        self.create_feed_token(&stored.token_hash, &stored.token_record(&context)).await?;
        let committed = change.commit().await;
        if matches!(committed, Err(StorageError::Conflict | StorageError::QuotaExceeded { .. })) {
            let now = self.find_any_listener(&context, &stored.id).await?;
            if now.is_none_or(|now| now.token_hash != stored.token_hash) {
                self.delete_feed_token(&stored.token_hash).await?;
            }
        }
        committed
    }

    /// The listeners of `show` with the address that `index` stands for; first who came by themselves.
    pub(crate) async fn find_listeners_by_email(
        &self,
        context: &TenantContext,
        show: &ShowId,
        index: &str,
    ) -> Result<Vec<StoredListener>, StorageError> {
        // `~` comes after whatever an id begins with.
        let last = format!("{index}#~");
        let entries: Vec<EmailEntry> =
            self.list_between(context, Collection::ListenerEmails(show), index, &last).await?;
        let find = async |entry: EmailEntry| {
            self.find(context, Collection::Listeners(show), entry.listener_id.as_str()).await
        };
        Ok(try_join_all(entries.into_iter().map(find)).await?.into_iter().flatten().collect())
    }

    /// Finds a listener of a show that is there, too.
    pub(crate) async fn find_stored_listener(
        &self,
        context: &TenantContext,
        id: &ListenerId,
    ) -> Result<Option<StoredListener>, StorageError> {
        let Some(listener) = self.find_any_listener(context, id).await? else { return Ok(None) };
        let show = self.find_show(context, &listener.show_id).await?;
        Ok(show.map(|_| listener))
    }

    /// Finds a listener, also of a show that was deleted and can be restored.
    pub(crate) async fn find_any_listener(
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
