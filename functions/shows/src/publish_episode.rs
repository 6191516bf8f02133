//! `POST /v1/episodes/{episode}/publish`: into the feed, now or at a moment to come.

use lambda_kit::{Problem, Reply, Request, ok_at_version};
use serde::Deserialize;
use tenant_context::{EpisodeId, Timestamp, permission::PublishEpisode};

use crate::{App, view::EpisodeView};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    /// When it comes out; now when absent.
    #[serde(default)]
    at: Option<Timestamp>,
}

pub(crate) async fn publish_episode(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id: EpisodeId = request.parameter("episode")?;
    let Wire { at } = request.json()?;

    let permit = context.ask::<PublishEpisode>()?;
    let storage = &app.api.storage;
    let mut episode = storage.find_episode(&context, &id).await?.ok_or_else(Problem::not_found)?;
    let grant = permit.in_show(&episode.show_id)?;

    request.check_if_match(episode.version)?;
    let no_media =
        || Problem::conflict("media_missing", "Give the episode a media_id first: a feed needs audio.");
    let media_id = episode.media_id.clone().ok_or_else(no_media)?;
    let media = storage.find_media(&context, &media_id).await?.ok_or_else(no_media)?;
    let show = storage.find_show(&context, &episode.show_id).await?.ok_or_else(Problem::not_found)?;
    let (version, now) = (episode.version, storage.now());
    let is_changed = episode
        .publish(&show, &media, at.unwrap_or(now), now)
        .map_err(|invalid| Problem::conflict("not_publishable", invalid.to_string()))?;
    if is_changed {
        storage.update_published(&grant, &episode, version).await?;
        app.feed_changed(&context, &episode.show_id).await;
    }

    let version = episode.version;
    Ok(ok_at_version(EpisodeView::new(episode, now), version))
}
