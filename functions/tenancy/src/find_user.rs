//! `GET /v1/users/{user}`.

use lambda_kit::{Problem, Reply, Request, ok_at_version};
use tenant_context::permission::ReadUsers;

use crate::{App, view::UserView};

pub(crate) async fn find_user(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id = request.parameter("user")?;

    let grant = context.grant::<ReadUsers>()?;

    let user = app.storage.find_user(&grant, &id).await?.ok_or_else(Problem::not_found)?;

    let version = user.1.version;
    Ok(ok_at_version(UserView::new(user), version))
}
