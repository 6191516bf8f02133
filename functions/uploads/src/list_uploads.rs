//! `GET /v1/uploads`: lists the uploads. A page may have fewer than asked for: those for shows that the caller's memberships do
//! not cover are left out.

use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use tenant_context::permission::ReadUploads;

use crate::{App, view::UploadView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadUploads>().listed::<UploadView>()
}

pub(crate) async fn list_uploads(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let page = request.page(&context, "uploads")?;

    let permit = context.ask::<ReadUploads>()?;

    let mut page = app.storage.list_uploads(&context, &page).await?;
    page.items.retain(|upload| permit.in_place(upload.show_id.as_ref()).is_ok());

    Ok(request.listed(&context, "uploads", page, |upload| UploadView::new(upload, Vec::new())))
}
