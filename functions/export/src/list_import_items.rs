//! `GET /v1/imports/{import}/items`: lists what became of each group, medium, show, episode and listener.
//!
//! What came and as what, what was here already, and what did not come and why.

use domain::ImportItem;
use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use tenant_context::{ImportId, permission::ReadImports};

use crate::App;

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadImports>().path_parameter::<ImportId>("import").listed::<ImportItem>()
}

pub(crate) async fn list_import_items(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id: ImportId = request.parameter("import")?;
    let listing = format!("imports/{id}/items");
    let wanted = request.page(&context, &listing)?;

    let grant = context.grant::<ReadImports>()?;

    app.storage.find_import(&context, &id).await?.ok_or_else(Problem::not_found)?;
    let page = app.storage.list_import_items(&grant, &id, &wanted).await?;

    Ok(request.listed(&context, &listing, page, |item| item))
}
