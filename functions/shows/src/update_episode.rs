//! `PATCH /v1/episodes/{episode}`: changes an episode. What is absent stays. What is, was or will be in the feed takes the
//! right to publish.

use domain::{Episode, EpisodeChanges};
use lambda_kit::{Problem, Reply, Request, ok_at_version, openapi::Operation};
use tenant_context::{
    Action, Denied, EpisodeId, Grant, TenantContext,
    permission::{PublishEpisode, UpdateEpisode},
};

use crate::{App, attachments, view::EpisodeView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<UpdateEpisode>()
        .path_parameter::<EpisodeId>("episode")
        .takes::<EpisodeChanges>()
        .conditional()
        .ok_at_version::<EpisodeView>()
}

pub(crate) async fn update_episode(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id = request.parameter("episode")?;
    let changes: EpisodeChanges = request.json()?;

    let permit = context.ask::<UpdateEpisode>()?;
    let storage = &app.api.storage;
    let mut episode = storage.find_episode(&context, &id).await?.ok_or_else(Problem::not_found)?;
    let draft_grant = permit.in_show(&episode.show_id)?;
    let publish_grant = match &episode.publication {
        Some(_) => Some(publish_grant(&context, &episode)?),
        None => None,
    };

    request.check_if_match(episode.version)?;
    let before = episode.clone();
    let media = match &changes.media_id {
        Some(media) => storage.find_media(&context, media).await?,
        None => None,
    };
    let is_changed = episode
        .apply(changes, media.as_ref(), storage.now())
        .map_err(|invalid| Problem::invalid_field("/media_id", invalid.to_string()))?;
    if episode.attachments() != before.attachments() {
        attachments::check(storage, &context, &episode.attachments()).await?;
    }
    match publish_grant {
        _ if !is_changed => {}
        None => storage.update_draft(&draft_grant, &episode, before.version).await?,
        Some(grant) => {
            storage.update_published(&grant, &episode, before.version).await?;
            app.feed_changed(&context, &episode.show_id).await;
        }
    }

    let version = episode.version;
    Ok(ok_at_version(EpisodeView::new(episode, storage.now()), version))
}

/// Who may change drafts of the show knows of the episode: what they lack is said.
fn publish_grant<'c>(
    context: &'c TenantContext,
    episode: &Episode,
) -> Result<Grant<'c, PublishEpisode>, Problem> {
    let denied = Denied::NotAllowed(Action::PublishEpisode);
    Ok(context.ask::<PublishEpisode>()?.in_show(&episode.show_id).map_err(|_| denied)?)
}
