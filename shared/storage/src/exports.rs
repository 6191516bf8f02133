//! Exports: the item that callers see, and apart from it how far the worker is.
//!
//! An export that goes on has three items: itself, its scope, so that no second one of it begins, and its work. All three are made
//! together. What ends it deletes its scope and its work in the same transaction, so that a worker which still goes on finds at its
//! next step that there is nothing more to do.

use domain::{Export, ExportScope};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tenant_context::{
    ExportId, Grant, Permission, TenantContext, Timestamp,
    permission::{CreateExport, PrepareExport, ReadExports},
};

use crate::{
    Notice, Page, PageRequest, Storage, StorageError,
    error::During,
    item::item,
    keys::{Collection, partition},
    transaction::{Change, number},
};

const PREPARING: &[&str] = &["preparing"];
const READY: &[&str] = &["ready"];

#[derive(Serialize, Deserialize)]
struct Running {
    export_id: ExportId,
}

/// How far the worker is. What it writes down is its own.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredWork {
    progress: String,
    saved_at: Timestamp,
    version: u64,
}

/// How far the worker is with an export.
#[derive(Debug, Clone)]
pub struct ExportWork<T> {
    /// What it has written down.
    pub progress: T,
    /// When.
    pub saved_at: Timestamp,
    pub(crate) version: u64,
}

impl StoredWork {
    pub(crate) fn new(
        progress: &impl Serialize,
        saved_at: Timestamp,
        version: u64,
    ) -> Result<Self, StorageError> {
        let progress = serde_json::to_string(progress).map_err(StorageError::corrupt)?;
        Ok(Self { progress, saved_at, version })
    }

    pub(crate) fn open<T: DeserializeOwned>(self) -> Result<ExportWork<T>, StorageError> {
        Ok(ExportWork {
            progress: serde_json::from_str(&self.progress).map_err(StorageError::corrupt)?,
            saved_at: self.saved_at,
            version: self.version,
        })
    }
}

impl Storage {
    /// Starts an export, whose worker begins with `progress`.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when one of the same scope goes on, or the id is taken.
    pub async fn create_export(
        &self,
        grant: &Grant<'_, CreateExport>,
        export: &Export,
        progress: &impl Serialize,
    ) -> Result<(), StorageError> {
        let id = export.id.as_str();
        let scope = export.scope.name();
        let mut change = Change::new(self, grant, id)?;
        change
            .detail("scope", &scope)?
            .create(Collection::Exports, id, export)?
            .create(Collection::RunningExports, &scope, &Running { export_id: export.id.clone() })?
            .create(Collection::ExportWork, id, &StoredWork::new(progress, self.now(), 1)?)?;
        change.commit().await
    }

    /// Finds an export.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_export(
        &self,
        context: &TenantContext,
        id: &ExportId,
    ) -> Result<Option<Export>, StorageError> {
        self.find(context, Collection::Exports, id.as_str()).await
    }

    /// Lists exports, the oldest first.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_exports(
        &self,
        grant: &Grant<'_, ReadExports>,
        request: &PageRequest,
    ) -> Result<Page<Export>, StorageError> {
        self.list(grant.context(), Collection::Exports, request).await
    }

    /// The export of the same scope that goes on, if one does.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_running_export(
        &self,
        context: &TenantContext,
        scope: &ExportScope,
    ) -> Result<Option<ExportId>, StorageError> {
        let running: Option<Running> = self.find(context, Collection::RunningExports, &scope.name()).await?;
        Ok(running.map(|running| running.export_id))
    }

    /// Ends an export that is ready, for a caller: nobody downloads it any more.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when it is not ready any more.
    pub async fn withdraw_export(
        &self,
        grant: &Grant<'_, CreateExport>,
        export: &Export,
    ) -> Result<(), StorageError> {
        let mut change = Change::new(self, grant, export.id.as_str())?;
        // Another export of the same scope may go on by now.
        end(&mut change, export, READY)?;
        change.commit().await
    }

    /// Ends an export that is being prepared, for a caller, as long as the worker is just as far as in `work`.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the worker has got further, or the export has ended.
    pub async fn cancel_export<T>(
        &self,
        grant: &Grant<'_, CreateExport>,
        export: &Export,
        work: &ExportWork<T>,
    ) -> Result<(), StorageError> {
        let mut change = Change::new(self, grant, export.id.as_str())?;
        end_preparing(&mut change, export, work)?;
        change.commit().await
    }

    /// Writes that an export is ready, or failed, and that the tenancy has to hear of it.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when it has ended already, or another worker has got further with it.
    pub async fn finish_export<T>(
        &self,
        grant: &Grant<'_, PrepareExport>,
        export: &Export,
        work: &ExportWork<T>,
    ) -> Result<(), StorageError> {
        let mut change = Change::new(self, grant, export.id.as_str())?;
        end_preparing(&mut change, export, work)?;
        if let Some(notice) = Notice::of_export(grant.context(), export) {
            change.create(Collection::Notices, &notice.id, &notice)?;
        }
        change.commit().await
    }

    /// Sends the notice of an export's end, unless that was done, or it goes on.
    ///
    /// # Errors
    /// [`StorageError`] when a store does not answer; running again goes on from there.
    pub async fn send_notice_of_export(
        &self,
        grant: &Grant<'_, PrepareExport>,
        export: &ExportId,
    ) -> Result<(), StorageError> {
        self.send_notice_if_there(grant, export.as_str()).await
    }

    /// How far the worker is; none once the export has ended.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn find_export_work<T: DeserializeOwned>(
        &self,
        context: &TenantContext,
        export: &ExportId,
    ) -> Result<Option<ExportWork<T>>, StorageError> {
        let stored: Option<StoredWork> = self.find(context, Collection::ExportWork, export.as_str()).await?;
        stored.map(StoredWork::open).transpose()
    }

    /// Writes down how far the worker is. Its own bookkeeping: the audit log hears of the end.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the export has ended, or another worker has got further with it.
    pub async fn save_export_work<T: Serialize>(
        &self,
        grant: &Grant<'_, PrepareExport>,
        export: &ExportId,
        work: &mut ExportWork<T>,
    ) -> Result<(), StorageError> {
        self.save_work(grant, Collection::ExportWork, export.as_str(), work).await
    }

    pub(crate) async fn save_work<P: Permission, T: Serialize>(
        &self,
        grant: &Grant<'_, P>,
        collection: Collection<'_>,
        id: &str,
        work: &mut ExportWork<T>,
    ) -> Result<(), StorageError> {
        let context = grant.context();
        let next = StoredWork::new(&work.progress, self.now(), work.version + 1)?;
        let tenant = self.tenant(context).await?;
        tenant
            .clients
            .dynamodb()
            .put_item()
            .table_name(self.environment.get("TENANT_TABLE")?)
            .set_item(Some(item(partition(context, collection), id, &next)?))
            .condition_expression("#version = :version")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", number(work.version))
            .send()
            .await
            .during("dynamodb:PutItem")?;
        work.saved_at = next.saved_at;
        work.version = next.version;
        Ok(())
    }
}

fn end_preparing<T>(
    change: &mut Change<'_>,
    export: &Export,
    work: &ExportWork<T>,
) -> Result<(), StorageError> {
    end(change, export, PREPARING)?;
    change.delete_if_there(Collection::RunningExports, &export.scope.name())?.delete_at(
        Collection::ExportWork,
        export.id.as_str(),
        work.version,
    )?;
    Ok(())
}

fn end(change: &mut Change<'_>, export: &Export, before: &[&str]) -> Result<(), StorageError> {
    change.detail("state", &export.state)?.replace_in_state(
        Collection::Exports,
        export.id.as_str(),
        before,
        export,
    )?;
    Ok(())
}
