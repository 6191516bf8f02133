//! `GET /media/{episode}/{file}`, and the same under `/p/{feed_token}/`: redirects to an episode's audio, by a short-lived link.
//!
//! The file name begins with the show's slug, up to its first dot; that is how the show is found.

use http::StatusCode;
use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use tenant_context::EpisodeId;

use crate::{
    listen::{App, describe_hearing, find_file, hear_file, redirect},
    pointer::{Enclosures, enclosures_name},
};

pub(crate) fn describe(operation: Operation) -> Operation {
    describe_hearing(operation)
        .path_parameter::<EpisodeId>("episode")
        .bodiless(StatusCode::FOUND, "The audio is at Location for ten minutes.")
        .with_header("Location")
}

pub(crate) async fn get_media(app: App, request: Request) -> Result<Reply, Problem> {
    let episode: EpisodeId = request.parameter("episode")?;

    let (heard, file) = hear_file(&app, &request).await?;

    let name = enclosures_name(&heard.view.enclosures);
    let list = app.documents.read(&app.storage, &heard.context, &heard.show, name).await?;
    let mut enclosures: Enclosures = serde_json::from_slice(&list).map_err(|_| Problem::internal())?;
    let media = match enclosures.remove(&episode).filter(|enclosure| enclosure.file_name == file) {
        Some(enclosure) => enclosure.media,
        None => find_file(&app, &heard, &format!("media/{episode}/{file}")).await?.media,
    };
    redirect(&app, &request, &heard, &media).await
}
