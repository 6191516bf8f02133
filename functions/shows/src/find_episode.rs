//! `GET /v1/episodes/{episode}`: finds an episode.

use lambda_kit::{Problem, Reply, Request, ok_at_version, openapi::Operation};
use tenant_context::{EpisodeId, permission::ReadEpisodes};

use crate::{App, view::EpisodeView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadEpisodes>().path_parameter::<EpisodeId>("episode").ok_at_version::<EpisodeView>()
}

pub(crate) async fn find_episode(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id = request.parameter("episode")?;

    let permit = context.ask::<ReadEpisodes>()?;
    let episode = app.api.storage.find_episode(&context, &id).await?.ok_or_else(Problem::not_found)?;
    permit.in_show(&episode.show_id)?;

    let version = episode.version;
    Ok(ok_at_version(EpisodeView::new(episode, app.api.storage.now()), version))
}
