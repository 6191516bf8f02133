//! `GET /v1/imports`: lists imports, also those that have ended.

use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use tenant_context::permission::ReadImports;

use crate::{App, import_view::ImportView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadImports>().listed::<ImportView>()
}

pub(crate) async fn list_imports(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let wanted = request.page(&context, "imports")?;

    let grant = context.grant::<ReadImports>()?;

    let page = app.storage.list_imports(&grant, &wanted).await?;

    Ok(request.listed(&context, "imports", page, |import| ImportView::new(import, None)))
}
