//! `GET /media/{episode}/{file}`, and the same under `/p/{feed_token}/`: redirects to an episode's audio, by a short-lived link.
//!
//! The file name begins with the show's slug, up to its first dot; that is how the show is found.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use lambda_http::{Body, Response};
use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use storage::MediaLink;
use tenant_context::EpisodeId;

use crate::{
    listen::{App, describe_hearing, hear},
    pointer::{Enclosures, enclosures_name},
};

/// Long enough to start a download and to resume it soon; an app that comes later asks here again.
const LINK_LIFETIME: Duration = Duration::from_secs(10 * 60);

pub(crate) fn describe(operation: Operation) -> Operation {
    describe_hearing(operation)
        .path_parameter::<EpisodeId>("episode")
        .bodiless(StatusCode::FOUND, "The audio is at Location for ten minutes.")
        .with_header("Location")
}

pub(crate) async fn get_media(app: App, request: Request) -> Result<Reply, Problem> {
    let episode: EpisodeId = request.parameter("episode")?;
    let file: String = request.parameter("file")?;
    let (slug, _) = file.split_once('.').ok_or_else(Problem::not_found)?;

    let heard = hear(&app, &request, slug).await?;

    let name = enclosures_name(&heard.pointer.enclosures);
    let list = app.documents.read(&app.storage, &heard.context, &heard.show, name).await?;
    let enclosures: Enclosures = serde_json::from_slice(&list).map_err(|_| Problem::internal())?;
    let enclosure = enclosures
        .get(&episode)
        .filter(|enclosure| enclosure.file_name == file)
        .ok_or_else(Problem::not_found)?;
    let link = if request.method == Method::HEAD { MediaLink::Head } else { MediaLink::Get };
    let url = app.storage.link_to_media(&heard.context, &enclosure.media, link, LINK_LIFETIME).await?;

    let mut reply = Response::new(Body::Empty);
    *reply.status_mut() = StatusCode::FOUND;
    let headers = reply.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::try_from(url).map_err(|_| Problem::internal())?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok(reply)
}
