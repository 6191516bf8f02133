//! `GET /v1/shows`.

use lambda_kit::{Problem, Reply, Request};
use tenant_context::permission::ReadShows;

use crate::{App, view::ShowView};

pub(crate) async fn list_shows(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let page = request.page(&context, "shows")?;

    context.grant::<ReadShows>()?;

    let page = app.api.storage.list_shows(&context, &page).await?;

    Ok(request.listed(&context, "shows", page, |show| ShowView::new(show, &app.addresses)))
}
