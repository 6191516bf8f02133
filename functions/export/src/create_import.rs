//! `POST /v1/imports`: has shows with all that belongs to them brought from archives of an export, or from the feed of another host.
//! Archives and documents are sent first, to where the answer says; then `POST /v1/imports/{import}/start`. One import of a tenancy
//! goes on at a time.

use std::time::Duration;

use domain::{Import, ImportState, NewImport};
use lambda_kit::{Problem, Reply, Request, accepted, openapi::Operation};
use storage::{ImportRequest, StorageError};
use tenant_context::{Grant, ImportId, permission::CreateImport};

use crate::{App, import::progress::Progress, import_view::ImportView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<CreateImport>()
        .takes::<NewImport>()
        .idempotent()
        .accepted::<ImportView>()
        .problem(import_running(None))
}

pub(crate) async fn create_import(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let new: NewImport = request.json()?;

    let grant = context.grant::<CreateImport>()?;

    if let Some(show) = new.source.feed().and_then(|feed| feed.show_id.as_ref())
        && app.storage.find_show(&context, show).await?.is_none()
    {
        return Err(Problem::invalid_field("/source/feed/show_id", "There is no such show."));
    }
    let import = find_or_create(&app, &request, &grant, new).await?;
    if import.state == ImportState::Importing {
        let message = ImportRequest { tenancy_id: context.tenancy().clone(), import_id: import.id.clone() };
        app.storage.request_import(&message, Duration::ZERO).await?;
    }

    let location = format!("/v1/imports/{}", import.id);
    Ok(accepted(ImportView::with_files(&app.storage, &grant, import).await?, &location))
}

async fn find_or_create(
    app: &App,
    request: &Request,
    grant: &Grant<'_, CreateImport>,
    new: NewImport,
) -> Result<Import, Problem> {
    let context = grant.context();
    let reserved = app.reserve(request, grant, ImportId::new).await?;
    if reserved.is_repeated
        && let Some(import) = app.storage.find_import(context, &reserved.id).await?
    {
        return Ok(import);
    }
    let by = context.principal().to_string();
    let import = Import::new(reserved.id, new, by, app.storage.now())
        .map_err(|(pointer, invalid)| Problem::invalid_field(&pointer, invalid.to_string()))?;
    match app.storage.create_import(grant, import, &Progress::start()).await {
        Err(StorageError::Conflict) => Err(import_running(app.storage.find_running_import(context).await?)),
        result => Ok(result?),
    }
}

fn import_running(id: Option<ImportId>) -> Problem {
    let which = id.map_or_else(|| "Another import".to_owned(), |id| id.to_string());
    Problem::conflict(
        "import_running",
        format!("{which} goes on: wait until it is finished, or end it with DELETE."),
    )
}
