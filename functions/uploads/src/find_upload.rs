//! `GET /v1/uploads/{upload}`: shows how far an upload got, with fresh URLs for the parts that are missing.

use domain::{PartPlan, UploadState};
use lambda_kit::{Problem, Reply, Request, ok, openapi::Operation};
use tenant_context::{
    UploadId,
    permission::{CreateUpload, ReadUploads},
};

use crate::{
    App,
    view::{UploadView, next_batch},
};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadUploads>().path_parameter::<UploadId>("upload").ok::<UploadView>()
}

pub(crate) async fn find_upload(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id = request.parameter("upload")?;

    let permit = context.ask::<ReadUploads>()?;
    let upload = app.storage.find_upload(&context, &id).await?.ok_or_else(Problem::not_found)?;
    permit.in_place(upload.show_id.as_ref())?;

    let may_create = context.ask::<CreateUpload>().ok();
    let parts = match may_create.and_then(|permit| permit.in_place(upload.show_id.as_ref()).ok()) {
        Some(grant) if upload.state == UploadState::Created => {
            let received = app.storage.list_received_parts(&grant, &upload).await?.unwrap_or_default();
            let plan = PartPlan::for_size(upload.size_bytes).map_err(|_| Problem::internal())?;
            let missing = plan.parts().filter(|part| {
                !received.iter().any(|have| have.number == part.number && have.size_bytes == part.size_bytes)
            });
            app.storage.sign_parts(&grant, &upload, &next_batch(missing)).await?
        }
        _ => Vec::new(),
    };

    Ok(ok(UploadView::new(upload, parts)))
}
