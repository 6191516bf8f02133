//! `DELETE /v1/exports/{export}`: ends an export, and has its archives deleted. Links to them work no more than a minute longer.

use domain::ExportState;
use lambda_kit::{Problem, Reply, Request, no_content, openapi::Operation};
use storage::{ExportRequest, StorageError};
use tenant_context::{ExportId, Grant, permission::CreateExport};

use crate::{App, progress::Progress};

/// How often it is tried again when the worker gets further at the same moment.
const MOST_TRIES: usize = 10;

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<CreateExport>()
        .path_parameter::<ExportId>("export")
        .no_content()
        .problem(export_ended())
}

pub(crate) async fn cancel_export(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id = request.parameter("export")?;

    let grant = context.grant::<CreateExport>()?;

    end(&app, &grant, &id).await?;
    // Also where it was ended before: the message that cleans up may have been lost.
    let message = ExportRequest { tenancy_id: context.tenancy().clone(), export_id: id };
    app.storage.request_export(&message).await?;

    Ok(no_content())
}

/// Ends it, however far the worker gets in the meantime.
async fn end(app: &App, grant: &Grant<'_, CreateExport>, id: &ExportId) -> Result<(), Problem> {
    let (storage, context) = (&app.storage, grant.context());
    for _ in 0..MOST_TRIES {
        let mut export = storage.find_export(context, id).await?.ok_or_else(Problem::not_found)?;
        let ended = match export.state {
            ExportState::Cancelled => return Ok(()),
            ExportState::Failed | ExportState::Expired => return Err(export_ended()),
            ExportState::Ready => {
                export.cancel(None, storage.now());
                storage.withdraw_export(grant, &export).await
            }
            ExportState::Preparing => match storage.find_export_work::<Progress>(context, id).await? {
                Some(work) => {
                    export.cancel(work.progress.open_archive(), storage.now());
                    storage.cancel_export(grant, &export, &work).await
                }
                None => Err(StorageError::Conflict),
            },
        };
        match ended {
            Err(StorageError::Conflict) => {}
            result => return Ok(result?),
        }
    }
    Err(StorageError::Conflict.into())
}

fn export_ended() -> Problem {
    Problem::conflict(
        "export_ended",
        "This export has ended, or came to its end at this moment; look at it again.",
    )
}
