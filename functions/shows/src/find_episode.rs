//! `GET /v1/episodes/{episode}`.

use lambda_kit::{Problem, Reply, Request, ok_at_version};
use tenant_context::permission::ReadEpisodes;

use crate::{App, view::EpisodeView};

pub(crate) async fn find_episode(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id = request.parameter("episode")?;

    let permit = context.ask::<ReadEpisodes>()?;
    let episode = app.api.storage.find_episode(&context, &id).await?.ok_or_else(Problem::not_found)?;
    permit.in_show(&episode.show_id)?;

    let version = episode.version;
    Ok(ok_at_version(EpisodeView::new(episode, app.api.storage.now()), version))
}
