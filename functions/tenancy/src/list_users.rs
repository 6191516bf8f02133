//! `GET /v1/users`: lists the people of the tenancy.

use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use tenant_context::permission::ReadUsers;

use crate::{App, view::UserView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadUsers>().listed::<UserView>()
}

pub(crate) async fn list_users(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let page = request.page(&context, "users")?;

    let grant = context.grant::<ReadUsers>()?;

    let page = app.storage.list_users(&grant, &page).await?;

    Ok(request.listed(&context, "users", page, UserView::new))
}
