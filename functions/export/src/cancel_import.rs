//! `DELETE /v1/imports/{import}`: ends an import, and has what was sent for it deleted. What has come by then stays.

use std::time::Duration;

use domain::ImportState;
use lambda_kit::{Problem, Reply, Request, no_content, openapi::Operation};
use storage::{ImportRequest, StorageError};
use tenant_context::{ImportId, permission::CreateImport};

use crate::App;

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<CreateImport>().path_parameter::<ImportId>("import").no_content().problem(import_over())
}

pub(crate) async fn cancel_import(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id = request.parameter("import")?;

    let grant = context.grant::<CreateImport>()?;

    let mut import = app.storage.find_import(&context, &id).await?.ok_or_else(Problem::not_found)?;
    if import.goes_on() {
        import.cancel(app.storage.now());
        match app.storage.cancel_import(&grant, &import).await {
            Err(StorageError::Conflict) => return Err(import_over()),
            result => result?,
        }
    } else if import.state != ImportState::Cancelled {
        return Err(import_over());
    }
    // Also where it was ended before: the message that cleans up may have been lost.
    let message = ImportRequest { tenancy_id: context.tenancy().clone(), import_id: id };
    app.storage.request_import(&message, Duration::ZERO).await?;

    Ok(no_content())
}

fn import_over() -> Problem {
    Problem::conflict(
        "import_over",
        "This import has ended, or came to its end at this moment; look at it again.",
    )
}
