//! `DELETE /v1/users/{user}`: removes somebody. Their name, their address and their access go; their sessions end within a minute.

use lambda_kit::{Problem, Reply, Request, no_content, openapi::Operation};
use tenant_context::{MemberId, UserId, permission::RemoveUser};

use crate::{App, giving};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<RemoveUser>()
        .path_parameter::<UserId>("user")
        .conditional()
        .spares_the_last_owner()
        .heeds_legal_holds()
        .no_content()
}

pub(crate) async fn remove_user(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id: UserId = request.parameter("user")?;

    let grant = context.grant::<RemoveUser>()?;
    let member = MemberId::User(id.clone());
    let access = app.storage.find_access(&context, &member).await?.ok_or_else(Problem::not_found)?;
    giving::check_access(&app, &context, &access).await?;

    request.check_if_match(access.version)?;
    app.storage.remove_user(&grant, &id, &access).await?;

    Ok(no_content())
}
