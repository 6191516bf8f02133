//! `GET /v1/uploads/{upload}`: shows how far an upload got, with fresh URLs for what is missing, and what became of it. Whoever
//! may send bytes finds out here that some are there.

use domain::{Upload, UploadState};
use lambda_kit::{Problem, Reply, Request, ok, openapi::Operation};
use storage::{ReceivedPart, StorageError};
use tenant_context::{
    Grant, UploadId,
    permission::{CreateUpload, ReadUploads},
};

use crate::{
    App,
    media_view::MediaView,
    view::{UploadView, Wanted, next_batch},
};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadUploads>().path_parameter::<UploadId>("upload").ok::<UploadView>()
}

pub(crate) async fn find_upload(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id = request.parameter("upload")?;

    let permit = context.ask::<ReadUploads>()?;
    let mut upload = app.storage.find_upload(&context, &id).await?.ok_or_else(Problem::not_found)?;
    permit.in_place(upload.show_id.as_ref())?;

    let may_create = context.ask::<CreateUpload>().ok();
    let wanted = match may_create.and_then(|permit| permit.in_place(upload.show_id.clone().as_ref()).ok()) {
        Some(grant) if upload.state.takes_bytes() => see_what_is_missing(&app, &grant, &mut upload).await?,
        _ => Wanted::Nothing,
    };
    let media = match &upload.media_id {
        Some(id) => app.storage.find_media(&context, id).await?,
        None => None,
    };
    let media = match media {
        Some(media) => Some(MediaView::new(&app.storage, &context, media).await?),
        None => None,
    };

    Ok(ok(UploadView::new(upload, wanted).with_media(media)))
}

async fn see_what_is_missing(
    app: &App,
    grant: &Grant<'_, CreateUpload>,
    upload: &mut Upload,
) -> Result<Wanted, Problem> {
    if upload.multipart_id.is_none() {
        return Ok(Wanted::Whole(app.storage.sign_put(grant, upload).await?));
    }
    let received = app.storage.list_received_parts(grant, upload).await?.unwrap_or_default();
    note_first_part(app, grant, upload, &received).await?;
    let missing = upload.part_plan().parts().filter(|part| {
        !received.iter().any(|have| have.number == part.number && have.size_bytes == part.size_bytes)
    });
    Ok(Wanted::Parts(app.storage.sign_parts(grant, upload, &next_batch(missing)).await?))
}

async fn note_first_part(
    app: &App,
    grant: &Grant<'_, CreateUpload>,
    upload: &mut Upload,
    received: &[ReceivedPart],
) -> Result<(), Problem> {
    let Some(first) = received.iter().map(|part| part.received_at).min() else { return Ok(()) };
    if upload.state != UploadState::Created || upload.start_uploading(first).is_err() {
        return Ok(());
    }
    match app.storage.mark_received(grant, upload).await {
        // Somebody else has seen it, or all of them, at the same moment; the next answer tells.
        Err(StorageError::Conflict) => Ok(()),
        result => Ok(result?),
    }
}
