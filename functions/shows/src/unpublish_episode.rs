//! `POST /v1/episodes/{episode}/unpublish`: takes an episode out of the feed. Its GUID and enclosure URL stay its own for when
//! it comes back.

use lambda_kit::{Problem, Reply, Request, ok_at_version, openapi::Operation};
use tenant_context::{EpisodeId, permission::PublishEpisode};

use crate::{App, view::EpisodeView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<PublishEpisode>()
        .path_parameter::<EpisodeId>("episode")
        .conditional()
        .ok_at_version::<EpisodeView>()
        .problem(not_published("Only an episode that was published or scheduled can be unpublished."))
}

pub(crate) async fn unpublish_episode(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id: EpisodeId = request.parameter("episode")?;

    let permit = context.ask::<PublishEpisode>()?;
    let storage = &app.api.storage;
    let mut episode = storage.find_episode(&context, &id).await?.ok_or_else(Problem::not_found)?;
    let grant = permit.in_show(&episode.show_id)?;

    request.check_if_match(episode.version)?;
    let (version, now) = (episode.version, storage.now());
    let is_changed = episode.unpublish(now).map_err(not_published)?;
    if is_changed {
        storage.update_published(&grant, &episode, version).await?;
        app.feed_changed(&context, &episode.show_id).await;
    }

    let version = episode.version;
    Ok(ok_at_version(EpisodeView::new(episode, now), version))
}

fn not_published(why: impl ToString) -> Problem {
    Problem::conflict("not_published", why.to_string())
}
