//! `GET /v1/shows/{show}/episodes`: lists a show's episodes, drafts too.

use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use tenant_context::{ShowId, permission::ReadEpisodes};

use crate::{App, view::EpisodeView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadEpisodes>().path_parameter::<ShowId>("show").listed::<EpisodeView>()
}

pub(crate) async fn list_episodes(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let show: ShowId = request.parameter("show")?;
    let listing = format!("{show}/episodes");
    let page = request.page(&context, &listing)?;

    context.ask::<ReadEpisodes>()?.in_show(&show)?;

    app.api.storage.find_show(&context, &show).await?.ok_or_else(Problem::not_found)?;
    let page = app.api.storage.list_episodes(&context, &show, &page).await?;

    let now = app.api.storage.now();
    Ok(request.listed(&context, &listing, page, |episode| EpisodeView::new(episode, now)))
}
