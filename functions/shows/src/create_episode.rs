//! `POST /v1/shows/{show}/episodes`: makes a draft of an episode.

use domain::{Episode, NewEpisode, Quota};
use lambda_kit::{Problem, Reply, Request, created, openapi::Operation};
use tenant_context::{EpisodeId, ShowId, permission::CreateEpisode};

use crate::{App, Shows, attachments, view::EpisodeView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<CreateEpisode>()
        .path_parameter::<ShowId>("show")
        .takes::<NewEpisode>()
        .idempotent()
        .counted(Quota::Episodes)
        .created_at_version::<EpisodeView>()
}

pub(crate) async fn create_episode(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let show_id: ShowId = request.parameter("show")?;
    let new: NewEpisode = request.json()?;

    let grant = context.ask::<CreateEpisode>()?.in_show(&show_id)?;

    let storage = &app.api.storage;
    let show = storage.find_show(&context, &show_id).await?.ok_or_else(Problem::not_found)?;
    if let Some(media) = &new.media_id
        && storage.find_media(&context, media).await?.is_none_or(|media| media.recording().is_none())
    {
        return Err(Problem::invalid_field(
            "/media_id",
            "There is no such recording. Use the media_id of an upload of audio or video that is ready.",
        ));
    }
    let reserved = app.api.reserve(&request, &grant, EpisodeId::new).await?;
    if reserved.is_repeated
        && let Some(episode) = storage.find_episode(&context, &reserved.id).await?
    {
        return Ok(answer(&app, episode));
    }
    let episode = Episode::new(reserved.id, show.id, new, storage.now());
    attachments::check(storage, &context, &episode.attachments()).await?;
    storage.create_episode(&grant, &episode).await?;

    Ok(answer(&app, episode))
}

fn answer(app: &Shows, episode: Episode) -> Reply {
    let (location, version) = (format!("/v1/episodes/{}", episode.id), episode.version);
    created(EpisodeView::new(episode, app.api.storage.now()), &location, Some(version))
}
