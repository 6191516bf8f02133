//! `GET /v1/shows/{show}`: finds a show.

use lambda_kit::{Problem, Reply, Request, ok_at_version, openapi::Operation};
use tenant_context::{ShowId, permission::ReadShows};

use crate::{App, view::ShowView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadShows>().path_parameter::<ShowId>("show").ok_at_version::<ShowView>()
}

pub(crate) async fn find_show(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id = request.parameter("show")?;

    context.ask::<ReadShows>()?.in_show(&id)?;

    let show = app.api.storage.find_show(&context, &id).await?.ok_or_else(Problem::not_found)?;

    let version = show.version;
    Ok(ok_at_version(ShowView::new(show, &app.addresses), version))
}
