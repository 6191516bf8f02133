//! What is put into an export of what people are called: the worker opens it under the grant to prepare one. Who asked for the
//! export, and of whom, is in the audit log before the worker begins.

use domain::{Access, AuditEvent, AuditFilter, AuditPlace, EmailAddress, Listener, Show};
use tenant_context::{Grant, ListenerId, ShowId, UserId, permission::PrepareExport};

use crate::{
    Attestation, AuditVerification, Client, Page, PageRequest, Storage, StorageError, User, keys::Collection,
    listeners::StoredListener, sealed::DataKey, users::StoredUser,
};

/// A user with what they may do.
pub type ExportedUser = (User, Access);

impl Storage {
    /// A page of the tenancy's people.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_users_for_export(
        &self,
        grant: &Grant<'_, PrepareExport>,
        request: &PageRequest,
    ) -> Result<Page<ExportedUser>, StorageError> {
        let context = grant.context();
        let page: Page<StoredUser> = self.list(context, Collection::Users, request).await?;
        Ok(Page { items: self.open_users(context, page.items).await?, next: page.next })
    }

    /// One of the tenancy's people.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_user_for_export(
        &self,
        grant: &Grant<'_, PrepareExport>,
        id: &UserId,
    ) -> Result<Option<ExportedUser>, StorageError> {
        let context = grant.context();
        let stored = self.find_stored_user(context, id).await?;
        Ok(self.open_users(context, stored.into_iter().collect()).await?.into_iter().next())
    }

    /// Whoever of the tenancy's people has this address.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_user_by_email_for_export(
        &self,
        grant: &Grant<'_, PrepareExport>,
        email: &EmailAddress,
    ) -> Result<Option<ExportedUser>, StorageError> {
        match self.find_user_id_by_email(grant.context(), email).await? {
            Some(id) => self.find_user_for_export(grant, &id).await,
            None => Ok(None),
        }
    }

    /// Every listener with this address, of whatever show. Addresses are told apart without regard to case.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_listeners_by_email_for_export(
        &self,
        grant: &Grant<'_, PrepareExport>,
        email: &EmailAddress,
    ) -> Result<Vec<Listener>, StorageError> {
        let context = grant.context();
        let is_same = |other: &Option<EmailAddress>| {
            other.as_ref().is_some_and(|other| other.as_str().to_lowercase() == email.as_str().to_lowercase())
        };
        let shows: Vec<Show> = self.list_all(context, Collection::Shows).await?;
        let mut found = Vec::new();
        for show in shows {
            let mut request = PageRequest { after: None, limit: 1_000 };
            loop {
                let page = self.list_listeners_for_export(grant, &show.id, &request).await?;
                found.extend(page.items.into_iter().filter(|listener| is_same(&listener.email)));
                match page.next {
                    Some(next) => request.after = Some(next),
                    None => break,
                }
            }
        }
        Ok(found)
    }

    /// A page of a show's listeners, with when each last used their token.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_listeners_for_export(
        &self,
        grant: &Grant<'_, PrepareExport>,
        show: &ShowId,
        request: &PageRequest,
    ) -> Result<Page<Listener>, StorageError> {
        let context = grant.context();
        let page: Page<StoredListener> = self.list(context, Collection::Listeners(show), request).await?;
        let open = |key: &DataKey| page.items.into_iter().map(|stored| stored.open(context, key)).collect();
        let mut items: Vec<Listener> = self.with_data_key(context, open).await?;
        self.tell_last_use(context, show, &mut items).await?;
        Ok(Page { items, next: page.next })
    }

    /// One listener.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_listener_for_export(
        &self,
        grant: &Grant<'_, PrepareExport>,
        id: &ListenerId,
    ) -> Result<Option<Listener>, StorageError> {
        let context = grant.context();
        let Some(stored) = self.find_stored_listener(context, id).await? else { return Ok(None) };
        let show = stored.show_id.clone();
        let mut listener = self.with_data_key(context, |key| stored.open(context, key)).await?;
        self.tell_last_use(context, &show, std::slice::from_mut(&mut listener)).await?;
        Ok(Some(listener))
    }

    /// A page of the tenancy's machine clients, each with what it may do.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_clients_for_export(
        &self,
        grant: &Grant<'_, PrepareExport>,
        request: &PageRequest,
    ) -> Result<Page<(Client, Access)>, StorageError> {
        let context = grant.context();
        let page: Page<Client> = self.list(context, Collection::Clients, request).await?;
        Ok(Page { items: self.with_access(context, page.items, Client::member_id).await?, next: page.next })
    }

    /// Every attestation of an access review.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_attestations_for_export(
        &self,
        grant: &Grant<'_, PrepareExport>,
    ) -> Result<Vec<Attestation>, StorageError> {
        self.list_all(grant.context(), Collection::Attestations).await
    }

    /// A page of the audit log, from after the place `after` on.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] where an event cannot be read.
    pub async fn list_audit_events_for_export(
        &self,
        grant: &Grant<'_, PrepareExport>,
        filter: &AuditFilter,
        after: Option<u64>,
        limit: u16,
    ) -> Result<Page<AuditEvent>, StorageError> {
        self.read_audit_events(grant.context(), filter, after, limit).await
    }

    /// Recomputes the audit log from `from` on, `most` events at most.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer. What was done to the log is no error.
    pub async fn verify_audit_log_for_export(
        &self,
        grant: &Grant<'_, PrepareExport>,
        from: AuditPlace,
        most: u16,
    ) -> Result<AuditVerification, StorageError> {
        self.recompute(grant.context(), from, most).await
    }
}
