//! `GET /v1/users`: the people of the tenancy.

use domain::{EmailAddress, PersonName};
use lambda_kit::{Problem, Reply, Request};
use serde::Serialize;
use storage::User;
use tenant_context::{Timestamp, UserId, permission::ReadUsers};

use crate::App;

#[derive(Serialize)]
pub(crate) struct UserView {
    id: UserId,
    name: PersonName,
    email: EmailAddress,
    created_at: Timestamp,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        let User { id, name, email, created_at } = user;
        Self { id, name, email, created_at }
    }
}

pub(crate) async fn list_users(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let page = request.page(&context, "users")?;
    let grant = context.grant::<ReadUsers>()?;

    let page = app.storage.list_users(&grant, &page).await?;

    Ok(request.listed(&context, "users", page, UserView::from))
}
