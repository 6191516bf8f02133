//! `GET /v1/shows`: lists the shows. A page may have fewer than asked for: those that the caller's memberships do not cover are
//! left out.

use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use tenant_context::permission::ReadShows;

use crate::{App, view::ShowView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadShows>().listed::<ShowView>()
}

pub(crate) async fn list_shows(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let page = request.page(&context, "shows")?;

    let permit = context.ask::<ReadShows>()?;

    let mut page = app.api.storage.list_shows(&context, &page).await?;
    page.items.retain(|show| permit.in_show(&show.id).is_ok());

    Ok(request.listed(&context, "shows", page, |show| ShowView::new(show, &app.addresses)))
}
