//! `GET /v1/clients`: lists the machine clients of the tenancy, without their secrets.

use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use tenant_context::permission::ReadClients;

use crate::{App, view::ClientView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadClients>().listed::<ClientView>()
}

pub(crate) async fn list_clients(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let page = request.page(&context, "clients")?;

    let grant = context.grant::<ReadClients>()?;

    let page = app.storage.list_clients(&grant, &page).await?;

    Ok(request.listed(&context, "clients", page, ClientView::new))
}
