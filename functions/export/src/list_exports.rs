//! `GET /v1/exports`: lists exports, also those that are over.

use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use tenant_context::permission::ReadExports;

use crate::{App, view::ExportView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadExports>().listed::<ExportView>()
}

pub(crate) async fn list_exports(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let wanted = request.page(&context, "exports")?;

    let grant = context.grant::<ReadExports>()?;

    let page = app.storage.list_exports(&grant, &wanted).await?;

    let now = app.storage.now();
    Ok(request.listed(&context, "exports", page, |export| ExportView::new(export, None, now)))
}
