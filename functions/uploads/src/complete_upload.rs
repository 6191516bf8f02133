//! `POST /v1/uploads/{upload}/complete`: says that all parts are there. Scanning and probing follow by themselves. What is sent in one
//! piece is complete when it is there, and this changes nothing.

use domain::{Part, Upload, UploadState};
use lambda_kit::{FieldError, Nothing, Problem, Reply, Request, accepted, openapi::Operation};
use storage::{ReceivedPart, StorageError};
use tenant_context::{UploadId, permission::CreateUpload};

use crate::{
    App,
    view::{UploadView, Wanted},
};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<CreateUpload>()
        .path_parameter::<UploadId>("upload")
        .takes::<Nothing>()
        .accepted::<UploadView>()
        .problem(upload_incomplete())
}

pub(crate) async fn complete_upload(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id: UploadId = request.parameter("upload")?;
    let Nothing {} = request.json()?;

    let permit = context.ask::<CreateUpload>()?;
    let mut upload = app.storage.find_upload(&context, &id).await?.ok_or_else(Problem::not_found)?;
    let grant = permit.in_place(upload.show_id.as_ref())?;

    if upload.state.takes_bytes() && upload.multipart_id.is_some() {
        // No parts and no multipart upload: an earlier call put them together and did not come to say so.
        if let Some(received) = app.storage.list_received_parts(&grant, &upload).await? {
            check_parts(&upload, &received)?;
            if let Some(first) = received.iter().map(|part| part.received_at).min()
                && upload.state == UploadState::Created
            {
                upload.start_uploading(first).map_err(|_| Problem::internal())?;
            }
            app.storage.assemble(&grant, &upload, &received).await?;
        }
        upload.start_scanning(app.storage.now()).map_err(|_| Problem::internal())?;
        match app.storage.mark_received(&grant, &upload).await {
            // Whoever watches over the quarantine was quicker, and knows more.
            Err(StorageError::Conflict) => {
                upload = app.storage.find_upload(&context, &id).await?.ok_or_else(Problem::not_found)?;
            }
            result => result?,
        }
    }

    let location = format!("/v1/uploads/{id}");
    Ok(accepted(UploadView::new(upload, Wanted::Nothing), &location))
}

/// S3 would put any parts together; the caller announced how many bytes there are.
fn check_parts(upload: &Upload, received: &[ReceivedPart]) -> Result<(), Problem> {
    let wrong: Vec<_> = upload
        .part_plan()
        .parts()
        .filter_map(|part| complaint(&part, received).map(|detail| (part, detail)))
        .map(|(part, detail)| FieldError { pointer: format!("/parts/{}", part.number), detail })
        .take(100)
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Problem { errors: wrong, ..upload_incomplete() })
}

fn upload_incomplete() -> Problem {
    let detail = "Parts are missing or have another size than announced. GET the upload for URLs, PUT them, complete again.";
    Problem::conflict("upload_incomplete", detail)
}

fn complaint(part: &Part, received: &[ReceivedPart]) -> Option<String> {
    match received.iter().find(|have| have.number == part.number) {
        None => Some(format!("Part {} of {} bytes is missing.", part.number, part.size_bytes)),
        Some(have) if have.size_bytes != part.size_bytes => Some(format!(
            "Part {} has {} bytes and should have {}.",
            part.number, have.size_bytes, part.size_bytes
        )),
        Some(_) => None,
    }
}
