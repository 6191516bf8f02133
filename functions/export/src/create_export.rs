//! `POST /v1/exports`: has everything of a tenancy, of some shows or of one person put into archives.

use domain::{Export, ExportScope, NewExport, PersonId};
use lambda_kit::{Problem, Reply, Request, accepted, openapi::Operation};
use storage::{ExportRequest, StorageError};
use tenant_context::{ExportId, Grant, TenantContext, permission::CreateExport};

use crate::{App, progress::Progress, view::ExportView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<CreateExport>()
        .takes::<NewExport>()
        .idempotent()
        .accepted::<ExportView>()
        .problem(export_running(None))
}

pub(crate) async fn create_export(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let new: NewExport = request.json()?;

    let grant = context.grant::<CreateExport>()?;

    check_scope(&app, &context, &new.scope).await?;
    let export = find_or_create(&app, &request, &grant, new).await?;
    let message = ExportRequest { tenancy_id: context.tenancy().clone(), export_id: export.id.clone() };
    app.storage.request_export(&message).await?;

    let location = format!("/v1/exports/{}", export.id);
    Ok(accepted(ExportView::new(export, None, app.storage.now()), &location))
}

/// What is named must be there.
async fn check_scope(app: &App, context: &TenantContext, scope: &ExportScope) -> Result<(), Problem> {
    match scope {
        ExportScope::Tenancy {} => {}
        ExportScope::Shows { show_ids } => {
            for (at, show) in show_ids.iter().enumerate() {
                if app.storage.find_show(context, show).await?.is_none() {
                    let pointer = format!("/scope/show_ids/{at}");
                    return Err(Problem::invalid_field(&pointer, "There is no such show.".to_owned()));
                }
            }
        }
        ExportScope::Person { person_id } => {
            let is_there = match person_id {
                PersonId::User(id) => app.storage.has_user(context, id).await?,
                PersonId::Listener(id) => app.storage.find_listener_record(context, id).await?.is_some(),
            };
            if !is_there {
                let rule = "There is no such user or listener.".to_owned();
                return Err(Problem::invalid_field("/scope/person_id", rule));
            }
        }
    }
    Ok(())
}

async fn find_or_create(
    app: &App,
    request: &Request,
    grant: &Grant<'_, CreateExport>,
    new: NewExport,
) -> Result<Export, Problem> {
    let context = grant.context();
    let reserved = app.reserve(request, grant, ExportId::new).await?;
    if reserved.is_repeated
        && let Some(export) = app.storage.find_export(context, &reserved.id).await?
    {
        return Ok(export);
    }
    let by = context.principal().to_string();
    let export = Export::new(reserved.id, new, by, app.storage.now())
        .map_err(|(pointer, invalid)| Problem::invalid_field(pointer, invalid.to_string()))?;
    match app.storage.create_export(grant, &export, &Progress::start()).await {
        Ok(()) => Ok(export),
        Err(StorageError::Conflict) => {
            Err(export_running(app.storage.find_running_export(context, &export.scope).await?))
        }
        Err(error) => Err(error.into()),
    }
}

fn export_running(id: Option<ExportId>) -> Problem {
    let which = id.map_or_else(|| "Another export".to_owned(), |id| id.to_string());
    Problem::conflict(
        "export_running",
        format!("{which} of the same is being made: wait until it is ready, or end it with DELETE."),
    )
}
