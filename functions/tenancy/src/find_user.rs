//! `GET /v1/users/{user}`: finds somebody.

use lambda_kit::{Problem, Reply, Request, ok_at_version, openapi::Operation};
use tenant_context::{UserId, permission::ReadUsers};

use crate::{App, view::UserView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadUsers>().path_parameter::<UserId>("user").ok_at_version::<UserView>()
}

pub(crate) async fn find_user(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id = request.parameter("user")?;

    let grant = context.grant::<ReadUsers>()?;

    let user = app.storage.find_user(&grant, &id).await?.ok_or_else(Problem::not_found)?;

    let version = user.1.version;
    Ok(ok_at_version(UserView::new(user), version))
}
