//! `GET /v1/uploads`.

use lambda_kit::{Problem, Reply, Request};
use tenant_context::permission::ReadUploads;

use crate::{App, view::UploadView};

pub(crate) async fn list_uploads(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let page = request.page(&context, "uploads")?;

    context.grant::<ReadUploads>()?;

    let page = app.storage.list_uploads(&context, &page).await?;

    Ok(request.listed(&context, "uploads", page, |upload| UploadView::new(upload, Vec::new())))
}
