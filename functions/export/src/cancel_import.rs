//! `DELETE /v1/imports/{import}`: ends an import, and has what was sent for it deleted. What has come by then stays.

use std::time::Duration;

use domain::ImportState;
use lambda_kit::{Problem, Reply, Request, no_content, openapi::Operation};
use storage::{ImportRequest, StorageError};
use tenant_context::{Grant, ImportId, permission::CreateImport};

use crate::{App, import::progress::Progress};

/// How often it is tried again when the worker gets further at the same moment.
const MOST_TRIES: usize = 10;

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<CreateImport>().path_parameter::<ImportId>("import").no_content().problem(import_over())
}

pub(crate) async fn cancel_import(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id = request.parameter("import")?;

    let grant = context.grant::<CreateImport>()?;

    end(&app, &grant, &id).await?;
    // Also where it was ended before: the message that cleans up may have been lost.
    let message = ImportRequest { tenancy_id: context.tenancy().clone(), import_id: id };
    app.storage.request_import(&message, Duration::ZERO).await?;

    Ok(no_content())
}

/// Ends it, however far the worker gets in the meantime.
async fn end(app: &App, grant: &Grant<'_, CreateImport>, id: &ImportId) -> Result<(), Problem> {
    let (storage, context) = (&app.storage, grant.context());
    for _ in 0..MOST_TRIES {
        let mut import = storage.find_import(context, id).await?.ok_or_else(Problem::not_found)?;
        if import.state == ImportState::Cancelled {
            return Ok(());
        }
        if !import.goes_on() {
            return Err(import_over());
        }
        let Some(work) = storage.find_import_work::<Progress>(context, id).await? else { continue };
        import.cancel(work.progress.open_upload(), storage.now());
        match storage.cancel_import(grant, &import, &work).await {
            Err(StorageError::Conflict) => {}
            result => return Ok(result?),
        }
    }
    Err(StorageError::Conflict.into())
}

fn import_over() -> Problem {
    Problem::conflict(
        "import_over",
        "This import has ended, or came to its end at this moment; look at it again.",
    )
}
