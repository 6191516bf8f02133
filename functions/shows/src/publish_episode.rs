//! `POST /v1/episodes/{episode}/publish`: puts an episode into the feed, now or at a moment to come.

use lambda_kit::{Problem, Reply, Request, ok_at_version, openapi::Operation};
use schemars::JsonSchema;
use serde::Deserialize;
use tenant_context::{EpisodeId, Timestamp, permission::PublishEpisode};

use crate::{App, view::EpisodeView};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Release {
    /// When it comes out; now when absent.
    #[serde(default)]
    at: Option<Timestamp>,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<PublishEpisode>()
        .path_parameter::<EpisodeId>("episode")
        .takes::<Release>()
        .conditional()
        .ok_at_version::<EpisodeView>()
        .problem(media_missing())
        .problem(not_publishable("The episode has media that podcast apps do not play."))
}

pub(crate) async fn publish_episode(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id: EpisodeId = request.parameter("episode")?;
    let Release { at } = request.json()?;

    let permit = context.ask::<PublishEpisode>()?;
    let storage = &app.api.storage;
    let mut episode = storage.find_episode(&context, &id).await?.ok_or_else(Problem::not_found)?;
    let grant = permit.in_show(&episode.show_id)?;

    request.check_if_match(episode.version)?;
    let media_id = episode.media_id.clone().ok_or_else(media_missing)?;
    let media = storage.find_media(&context, &media_id).await?.ok_or_else(media_missing)?;
    let show = storage.find_show(&context, &episode.show_id).await?.ok_or_else(Problem::not_found)?;
    let (version, now) = (episode.version, storage.now());
    let is_changed = episode.publish(&show, &media, at.unwrap_or(now), now).map_err(not_publishable)?;
    if is_changed {
        storage.update_published(&grant, &episode, version).await?;
        app.feed_changed(&context, &episode.show_id).await;
    }

    let version = episode.version;
    Ok(ok_at_version(EpisodeView::new(episode, now), version))
}

fn media_missing() -> Problem {
    Problem::conflict("media_missing", "Give the episode a media_id first: a feed needs audio.")
}

fn not_publishable(why: impl ToString) -> Problem {
    Problem::conflict("not_publishable", why.to_string())
}
