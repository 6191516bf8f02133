//! `POST /v1/imports/{import}/start`: says that all files are sent. The rest follows by itself.

use std::time::Duration;

use domain::ImportState;
use lambda_kit::{FieldError, Nothing, Problem, Reply, Request, accepted, openapi::Operation};
use storage::{ImportRequest, IncompleteFile, StorageError};
use tenant_context::{ImportId, permission::CreateImport};

use crate::{App, import_view::ImportView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<CreateImport>()
        .path_parameter::<ImportId>("import")
        .takes::<Nothing>()
        .accepted::<ImportView>()
        .problem(import_incomplete(Vec::new()))
        .problem(import_ended())
}

pub(crate) async fn start_import(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id = request.parameter("import")?;
    let Nothing {} = request.json()?;

    let grant = context.grant::<CreateImport>()?;

    let mut import = app.storage.find_import(&context, &id).await?.ok_or_else(Problem::not_found)?;
    if !import.goes_on() {
        return Err(import_ended());
    }
    if import.state == ImportState::Receiving {
        let incomplete = app.storage.assemble_import_files(&grant, &import).await?;
        if !incomplete.is_empty() {
            return Err(import_incomplete(incomplete));
        }
        import.start(app.storage.now());
        match app.storage.start_import(&grant, &import).await {
            Err(StorageError::Conflict) => return Err(import_ended()),
            result => result?,
        }
    }
    let message = ImportRequest { tenancy_id: context.tenancy().clone(), import_id: id };
    app.storage.request_import(&message, Duration::ZERO).await?;

    let location = format!("/v1/imports/{}", import.id);
    Ok(accepted(ImportView::new(import, None), &location))
}

fn import_incomplete(files: Vec<IncompleteFile>) -> Problem {
    let errors = files.into_iter().map(|IncompleteFile { number, part }| FieldError {
        pointer: format!("/files/{}", number.saturating_sub(1)),
        detail: format!("Part {part} of file {number} is missing, or has another size than announced."),
    });
    let detail = "Files are missing or have another size than announced. GET the import for URLs, PUT them, start again.";
    Problem { errors: errors.collect(), ..Problem::conflict("import_incomplete", detail) }
}

fn import_ended() -> Problem {
    Problem::conflict(
        "import_ended",
        "This import has ended, or came to its end at this moment; look at it again.",
    )
}
