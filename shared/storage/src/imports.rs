//! Imports: the item that callers see, what became of each thing in one, and apart from that how far the worker is.
//!
//! What the worker makes and the word of it are one transaction: killed and run again, it finds the word and makes nothing twice.
//! The ids of what it makes are drawn from the import's own randomness, which comes again.

use domain::{
    CustomGroup, Episode, FeedToken, Import, ImportItem, Listener, Publication, Quota, Show, Upload,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tenant_context::{
    EpisodeId, Grant, ImportId, ShowId, TenantContext,
    permission::{CarryOutImport, CreateImport, ReadImports},
};

use crate::{
    ExportWork, Notice, Page, PageRequest, Repeatable, Storage, StorageError,
    episodes::IndexEntry,
    error::During,
    exports::StoredWork,
    item::item,
    keys::{Collection, partition},
    transaction::Change,
    uploads::UnfinishedUpload,
};

/// How far the worker is with an import.
pub type ImportWork<T> = ExportWork<T>;

const RECEIVING: &[&str] = &["receiving"];
const IMPORTING: &[&str] = &["importing"];
const GOING_ON: &[&str] = &["receiving", "importing"];

#[derive(Serialize, Deserialize)]
struct Running {
    import_id: ImportId,
}

/// Whose a GUID is, in the publication ledger.
#[derive(Deserialize)]
struct Holder {
    value: EpisodeId,
}

impl Storage {
    /// Starts an import, whose worker begins with `progress`.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when one goes on, or the id is taken.
    pub async fn create_import(
        &self,
        grant: &Grant<'_, CreateImport>,
        mut import: Import,
        progress: &impl Serialize,
    ) -> Result<Import, StorageError> {
        if self.find_running_import(grant.context()).await?.is_some() {
            return Err(StorageError::Conflict);
        }
        self.open_import_files(grant, &mut import).await?;
        let (id, tenancy) = (import.id.as_str(), grant.context().tenancy().clone());
        let mut change = Change::new(self, grant, id)?;
        change
            .detail("state", &import.state)?
            .create(Collection::Imports, id, &import)?
            .create(Collection::RunningImports, tenancy.as_str(), &Running { import_id: import.id.clone() })?
            .create(Collection::ImportWork, id, &StoredWork::new(progress, self.now(), 1)?)?;
        change.commit().await?;
        Ok(import)
    }

    /// Finds an import.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_import(
        &self,
        context: &TenantContext,
        id: &ImportId,
    ) -> Result<Option<Import>, StorageError> {
        self.find(context, Collection::Imports, id.as_str()).await
    }

    /// Lists imports, the oldest first.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_imports(
        &self,
        grant: &Grant<'_, ReadImports>,
        request: &PageRequest,
    ) -> Result<Page<Import>, StorageError> {
        self.list(grant.context(), Collection::Imports, request).await
    }

    /// What became of each thing in an import so far.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_import_items(
        &self,
        grant: &Grant<'_, ReadImports>,
        import: &ImportId,
        request: &PageRequest,
    ) -> Result<Page<ImportItem>, StorageError> {
        self.list(grant.context(), Collection::ImportItems(import), request).await
    }

    /// The same, all of it.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_all_import_items(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        import: &ImportId,
    ) -> Result<Vec<ImportItem>, StorageError> {
        self.list_all(grant.context(), Collection::ImportItems(import)).await
    }

    /// The import that goes on, if one does.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_running_import(
        &self,
        context: &TenantContext,
    ) -> Result<Option<ImportId>, StorageError> {
        let tenancy = context.tenancy().as_str();
        let running: Option<Running> = self.find(context, Collection::RunningImports, tenancy).await?;
        Ok(running.map(|running| running.import_id))
    }

    /// Writes that all files of an import are there.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when that was written, or the import has ended.
    pub async fn start_import(
        &self,
        grant: &Grant<'_, CreateImport>,
        import: &Import,
    ) -> Result<(), StorageError> {
        let mut change = Change::new(self, grant, import.id.as_str())?;
        change.detail("state", &import.state)?.replace_in_state(
            Collection::Imports,
            import.id.as_str(),
            RECEIVING,
            import,
        )?;
        change.commit().await
    }

    /// Ends an import for a caller. What has come stays.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when it has ended, or its worker has got further than `work`.
    pub async fn cancel_import<T>(
        &self,
        grant: &Grant<'_, CreateImport>,
        import: &Import,
        work: &ImportWork<T>,
    ) -> Result<(), StorageError> {
        let id = import.id.as_str();
        let mut change = Change::new(self, grant, id)?;
        end(&mut change, grant.context(), import)?.delete_at(Collection::ImportWork, id, work.version)?;
        change.commit().await
    }

    /// Writes that an import came to its end, and that the tenancy has to hear of it.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when it has ended already.
    pub async fn finish_import(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        import: &Import,
    ) -> Result<(), StorageError> {
        let id = import.id.as_str();
        let mut change = Change::new(self, grant, id)?;
        end(&mut change, grant.context(), import)?.delete_if_there(Collection::ImportWork, id)?;
        if let Some(notice) = Notice::of_import(grant.context(), import) {
            change.create(Collection::Notices, &notice.id, &notice)?;
        }
        change.commit().await
    }

    /// Sends the notice of an import's end, unless that was done, or it goes on.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer; running again goes on from there.
    pub async fn send_notice_of_import(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        import: &ImportId,
    ) -> Result<(), StorageError> {
        self.send_notice_if_there(grant, import.as_str()).await
    }

    /// How far the worker is; none once the import has ended.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_import_work<T: DeserializeOwned>(
        &self,
        context: &TenantContext,
        import: &ImportId,
    ) -> Result<Option<ImportWork<T>>, StorageError> {
        let stored: Option<StoredWork> = self.find(context, Collection::ImportWork, import.as_str()).await?;
        stored.map(StoredWork::open).transpose()
    }

    /// Writes down how far the worker is. Its own bookkeeping: the audit log hears of what it makes.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the import has ended, or another worker has got further with it.
    pub async fn save_import_work<T: Serialize>(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        import: &ImportId,
        work: &mut ImportWork<T>,
    ) -> Result<(), StorageError> {
        self.save_work(grant, Collection::ImportWork, import.as_str(), work).await
    }

    /// What the ids and tokens of an import are drawn from, each time the same.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer.
    pub async fn draws_of_import(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        import: &ImportId,
    ) -> Result<Repeatable, StorageError> {
        let context = grant.context();
        let draw = |key: &_| Ok(Repeatable::new(context, key, "import", import.as_str()));
        self.with_data_key(context, draw).await
    }

    /// Writes down what became of something that is not made here: the worker's own bookkeeping. What was written first counts.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn note_import_item(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        import: &ImportId,
        note: &ImportItem,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let tenant = self.tenant(context).await?;
        let written = tenant
            .clients
            .dynamodb()
            .put_item()
            .table_name(self.environment.get("TENANT_TABLE")?)
            .set_item(Some(item(partition(context, Collection::ImportItems(import)), &note.id, note)?))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await
            .during("dynamodb:PutItem");
        match written {
            Err(StorageError::Conflict) => Ok(()),
            result => result.map(|_| ()),
        }
    }

    /// What became of something in an import, if that is known.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_import_item(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        import: &ImportId,
        id: &str,
    ) -> Result<Option<ImportItem>, StorageError> {
        self.find(grant.context(), Collection::ImportItems(import), id).await
    }

    /// Makes the upload whose bytes the worker has put together. One that is there was made by an earlier run.
    ///
    /// # Errors
    /// [`StorageError::QuotaExceeded`] when the tenancy may have no more that have not ended, [`StorageError::Conflict`] when the import
    /// has ended: whoever cleans up then sees every upload that was made.
    pub async fn create_import_upload(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        import: &ImportId,
        upload: &Upload,
    ) -> Result<(), StorageError> {
        let id = upload.id.as_str();
        let unfinished = UnfinishedUpload { id: upload.id.clone(), created_at: upload.created_at };
        let mut change = Change::new(self, grant, id)?;
        change
            .detail("state", &upload.state)?
            .check_in_state(Collection::Imports, import.as_str(), IMPORTING)?
            .create(Collection::Uploads, id, upload)?
            .create(Collection::UnfinishedUploads, id, &unfinished)?
            .count(Quota::UnfinishedUploads, 1);
        match change.commit().await {
            Err(StorageError::Conflict) if self.find_upload(grant.context(), &upload.id).await?.is_some() => {
                Ok(())
            }
            result => result,
        }
    }

    /// Makes a show, whose feed is due at once.
    ///
    /// # Errors
    /// [`StorageError::QuotaExceeded`] when the tenancy may have no more.
    pub async fn import_show(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        import: &ImportId,
        show: &Show,
        word: &ImportItem,
    ) -> Result<(), StorageError> {
        let mut change = Change::new(self, grant, show.id.as_str())?;
        change
            .detail("import", import)?
            .create(Collection::Shows, show.id.as_str(), show)?
            .feed_changed(&show.id, None)?
            .count(Quota::Shows, 1);
        self.commit_with_word(grant, change, import, word).await
    }

    /// Makes an episode in a show that exists, and puts it into the feed where it was published. Its GUID and its file name are in
    /// the show's ledger from then on.
    ///
    /// # Errors
    /// [`StorageError::QuotaExceeded`] when the tenancy may have no more, [`StorageError::Conflict`] when another episode had its GUID
    /// first.
    pub async fn import_episode(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        import: &ImportId,
        episode: &Episode,
        word: &ImportItem,
    ) -> Result<(), StorageError> {
        let (id, show) = (episode.id.as_str(), &episode.show_id);
        let mut change = Change::new(self, grant, id)?;
        change
            .detail("import", import)?
            .detail("state", &episode.state(self.now()))?
            .check_exists(Collection::Shows, show.as_str())?
            .create(Collection::EpisodeIndex, id, &IndexEntry { show_id: show.clone() })?
            .create(Collection::Episodes(show), id, episode)?
            .count(Quota::Episodes, 1);
        if let Some(publication) = &episode.publication {
            let Publication { guid, file_name, .. } = publication;
            let ledger = Collection::PublicationLedger(show);
            change
                .feed_changed(show, Some((&episode.id, publication)))?
                .record(ledger, &format!("guid#{guid}"), id)?
                .record(ledger, &format!("episode#{id}"), &format!("{guid} {file_name}"))?;
        }
        self.commit_with_word(grant, change, import, word).await
    }

    /// The episode that has, or had, this GUID in the show.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_guid(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        show: &ShowId,
        guid: &str,
    ) -> Result<Option<EpisodeId>, StorageError> {
        let ledger = Collection::PublicationLedger(show);
        let found: Option<Holder> = self.find(grant.context(), ledger, &format!("guid#{guid}")).await?;
        Ok(found.map(|holder| holder.value))
    }

    /// Adds a listener with a token that nobody knows: whoever tells them a feed URL rotates it.
    ///
    /// # Errors
    /// [`StorageError::QuotaExceeded`] when the tenancy may have no more.
    pub async fn import_listener(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        import: &ImportId,
        (listener, token): (&Listener, &FeedToken),
        word: &ImportItem,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let stored = self
            .with_data_key(context, |key| self.seal_imported_listener(context, key, listener, token))
            .await?;
        let mut change = Change::new(self, grant, listener.id.as_str())?;
        change
            .detail("import", import)?
            .check_exists(Collection::Shows, listener.show_id.as_str())?
            .create_listener(&stored)?
            .create(Collection::ImportItems(import), &word.id, word)?
            .count(Quota::Listeners, 1);
        match self.commit_with_new_token(change, &stored).await {
            Err(StorageError::Conflict) => self.is_there(grant, import, word).await,
            result => result,
        }
    }

    /// Makes a group that nobody is in.
    ///
    /// # Errors
    /// [`StorageError::QuotaExceeded`] when the tenancy may have no more.
    pub async fn import_group(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        import: &ImportId,
        group: &CustomGroup,
        word: &ImportItem,
    ) -> Result<(), StorageError> {
        let mut change = Change::new(self, grant, group.id.as_str())?;
        change
            .detail("import", import)?
            .create(Collection::Access, group.id.as_str(), group)?
            .count(Quota::Groups, 1);
        self.commit_with_word(grant, change, import, word).await
    }

    async fn commit_with_word(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        mut change: Change<'_>,
        import: &ImportId,
        word: &ImportItem,
    ) -> Result<(), StorageError> {
        change.create(Collection::ImportItems(import), &word.id, word)?;
        match change.commit().await {
            Err(StorageError::Conflict) => self.is_there(grant, import, word).await,
            result => result,
        }
    }

    /// Whether an earlier run has made it.
    async fn is_there(
        &self,
        grant: &Grant<'_, CarryOutImport>,
        import: &ImportId,
        word: &ImportItem,
    ) -> Result<(), StorageError> {
        match self.find_import_item(grant, import, &word.id).await? {
            Some(_) => Ok(()),
            None => Err(StorageError::Conflict),
        }
    }
}

fn end<'c, 's>(
    change: &'c mut Change<'s>,
    context: &TenantContext,
    import: &Import,
) -> Result<&'c mut Change<'s>, StorageError> {
    change
        .detail("state", &import.state)?
        .replace_in_state(Collection::Imports, import.id.as_str(), GOING_ON, import)?
        .delete_if_there(Collection::RunningImports, context.tenancy().as_str())
}
