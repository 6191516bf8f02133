//! `DELETE /v1/uploads/{upload}`: gives up an upload whose bytes are not all there.

use lambda_kit::{Problem, Reply, Request, no_content, openapi::Operation};
use storage::StorageError;
use tenant_context::{UploadId, permission::CreateUpload};

use crate::App;

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<CreateUpload>()
        .path_parameter::<UploadId>("upload")
        .no_content()
        .problem(upload_completed())
}

pub(crate) async fn delete_upload(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id = request.parameter("upload")?;

    let permit = context.ask::<CreateUpload>()?;
    let upload = app.storage.find_upload(&context, &id).await?.ok_or_else(Problem::not_found)?;
    let grant = permit.in_place(upload.show_id.as_ref())?;

    if !upload.state.takes_bytes() {
        return Err(upload_completed());
    }
    match app.storage.abort_upload(&grant, &upload).await {
        Err(StorageError::Conflict) => Err(upload_completed()),
        result => Ok(result.map(|()| no_content())?),
    }
}

fn upload_completed() -> Problem {
    Problem::conflict(
        "upload_completed",
        "The bytes of this upload are there, or it has ended; it ends by itself.",
    )
}
