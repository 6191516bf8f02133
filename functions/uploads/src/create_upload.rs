//! `POST /v1/uploads`: starts an upload, and answers where to PUT the file, or its parts where it is large.

use domain::{NewUpload, PartPlan, Quota, Upload};
use lambda_kit::{Problem, Reply, Request, created, openapi::Operation};
use tenant_context::{Grant, UploadId, permission::CreateUpload};

use crate::{
    App,
    view::{UploadView, Wanted, next_batch},
};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<CreateUpload>()
        .takes::<NewUpload>()
        .idempotent()
        .counted(Quota::UnfinishedUploads)
        .created::<UploadView>()
}

pub(crate) async fn create_upload(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let new: NewUpload = request.json()?;
    let plan = PartPlan::for_size(new.size_bytes)
        .map_err(|invalid| Problem::invalid_field("/size_bytes", invalid.to_string()))?;

    let grant = context.ask::<CreateUpload>()?.in_place(new.show_id.as_ref()).map_err(|_| name_a_show())?;

    if let Some(show) = &new.show_id
        && app.storage.find_show(&context, show).await?.is_none()
    {
        return Err(name_a_show());
    }
    let upload = find_or_create(&app, &request, &grant, new).await?;
    let wanted = if upload.multipart_id.is_none() {
        Wanted::Whole(app.storage.sign_put(&grant, &upload).await?)
    } else {
        Wanted::Parts(app.storage.sign_parts(&grant, &upload, &next_batch(plan.parts())).await?)
    };

    let location = format!("/v1/uploads/{}", upload.id);
    Ok(created(UploadView::new(upload, wanted), &location, None))
}

async fn find_or_create(
    app: &App,
    request: &Request,
    grant: &Grant<'_, CreateUpload>,
    new: NewUpload,
) -> Result<Upload, Problem> {
    let reserved = app.reserve(request, grant, UploadId::new).await?;
    if reserved.is_repeated
        && let Some(upload) = app.storage.find_upload(grant.context(), &reserved.id).await?
    {
        return Ok(upload);
    }
    let upload = Upload::new(reserved.id, new, app.storage.now())
        .map_err(|invalid| Problem::invalid_field("/size_bytes", invalid.to_string()))?;
    Ok(app.storage.create_upload(grant, upload).await?)
}

fn name_a_show() -> Problem {
    Problem::invalid_field("/show_id", "Name a show that there is, and that your access covers.")
}
