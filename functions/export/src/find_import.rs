//! `GET /v1/imports/{import}`: shows how far an import is, and in the end what came. Where nothing was heard of it for long, its worker
//! is sent for again.

use std::time::Duration;

use domain::{IMPORT_LOST_AFTER, ImportState};
use lambda_kit::{Problem, Reply, Request, ok, openapi::Operation};
use storage::ImportRequest;
use tenant_context::{
    ImportId,
    permission::{CreateImport, ReadImports},
};

use crate::{App, import::progress::Progress, import_view::ImportView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadImports>().path_parameter::<ImportId>("import").ok::<ImportView>()
}

pub(crate) async fn find_import(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id = request.parameter("import")?;

    context.grant::<ReadImports>()?;

    let import = app.storage.find_import(&context, &id).await?.ok_or_else(Problem::not_found)?;
    if let Ok(grant) = context.grant::<CreateImport>()
        && import.state == ImportState::Receiving
    {
        return Ok(ok(ImportView::with_files(&app.storage, &grant, import).await?));
    }
    let work = match import.state {
        ImportState::Importing => app.storage.find_import_work::<Progress>(&context, &id).await?,
        _ => None,
    };
    let now = app.storage.now();
    if work.as_ref().is_some_and(|work| work.saved_at.plus(IMPORT_LOST_AFTER) <= now) {
        let message = ImportRequest { tenancy_id: context.tenancy().clone(), import_id: id };
        app.storage.request_import(&message, Duration::ZERO).await?;
    }

    Ok(ok(ImportView::new(import, work.map(|work| work.progress.done))))
}
