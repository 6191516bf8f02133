//! The listener API: feeds and all that they lead to, for everybody under `/`, and for one listener under `/p/{feed_token}/`.

use std::{sync::Arc, time::Duration};

use domain::{Addresses, ContentHash, Farewell, FeedFile, FeedFiles, FeedToken, Slug};
use http::{HeaderValue, Method, StatusCode, header};
use lambda_http::{Body, Response};
use lambda_kit::{Problem, Reply, Request, openapi::Operation, routes};
use storage::{FeedObject, MediaLink, SecretHash, Storage};
use tenant_context::{Principal, ShowId, TenantContext};

use crate::{
    hub::Hub,
    listen::{
        documents::Documents,
        listening::{Listening, Use},
        recent::Recent,
    },
    pointer::{POINTER, Pointer, View, files_name},
};

mod accept;
mod ask_for_feed;
mod documents;
mod get_artwork;
mod get_chapters;
mod get_feed;
mod get_feed_by_password;
mod get_media;
mod get_transcript;
mod listening;
mod networks;
mod range;
mod recent;
mod small_file;

/// Long enough to start a download and to resume it soon; an app that comes later asks here again.
const LINK_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// What the operations need.
pub struct Listen {
    /// The feed bucket, and links to media.
    pub storage: Storage,
    /// Where feeds are.
    addresses: Addresses,
    /// Who tells subscribers of what is new, if anybody does.
    hub: Option<Hub>,
    /// Whether listeners may be sent their feed URLs.
    sends_mail: bool,
    /// Documents that were read before.
    documents: Documents,
    /// Public feeds as they were a moment ago.
    recent: Recent,
    /// Listeners whose use was noted, and from where.
    listening: Listening,
}

impl Listen {
    /// Nothing read yet, and no mail sent to anybody.
    pub fn new(storage: Storage, addresses: Addresses, hub: Option<Hub>) -> Self {
        Self {
            storage,
            addresses,
            hub,
            sends_mail: false,
            documents: Documents::default(),
            recent: Recent::default(),
            listening: Listening::default(),
        }
    }

    /// The same, where listeners may be sent their feed URLs.
    #[must_use]
    pub fn with_mail(self) -> Self {
        Self { sends_mail: true, ..self }
    }
}

routes! {
    /// The routes.
    pub fn routes() -> Router<Listen>;
    /// What they do.
    pub fn operations() in "listen/";

    GET "/feeds/{file}" => get_feed,
    HEAD "/feeds/{file}" => get_feed as head_feed,
    GET "/media/{episode}/{file}" => get_media,
    HEAD "/media/{episode}/{file}" => get_media as head_media,
    GET "/p/{feed_token}/feeds/{file}" => get_feed as get_private_feed,
    HEAD "/p/{feed_token}/feeds/{file}" => get_feed as head_private_feed,
    GET "/p/{feed_token}/media/{episode}/{file}" => get_media as get_private_media,
    HEAD "/p/{feed_token}/media/{episode}/{file}" => get_media as head_private_media,
    GET "/artwork/{file}" => get_artwork,
    HEAD "/artwork/{file}" => get_artwork as head_artwork,
    GET "/transcripts/{file}" => get_transcript,
    HEAD "/transcripts/{file}" => get_transcript as head_transcript,
    GET "/chapters/{file}" => get_chapters,
    HEAD "/chapters/{file}" => get_chapters as head_chapters,
    GET "/p/{feed_token}/artwork/{file}" => get_artwork as get_private_artwork,
    HEAD "/p/{feed_token}/artwork/{file}" => get_artwork as head_private_artwork,
    GET "/p/{feed_token}/transcripts/{file}" => get_transcript as get_private_transcript,
    HEAD "/p/{feed_token}/transcripts/{file}" => get_transcript as head_private_transcript,
    GET "/p/{feed_token}/chapters/{file}" => get_chapters as get_private_chapters,
    HEAD "/p/{feed_token}/chapters/{file}" => get_chapters as head_private_chapters,
    GET "/b/{file}" => get_feed_by_password,
    HEAD "/b/{file}" => get_feed_by_password as head_feed_by_password,
    POST "/shows/{slug}/listeners" => ask_for_feed,
}

type App = Arc<Listen>;

/// A feed that the caller may have: whose, which, and for which listener.
struct Heard {
    context: TenantContext,
    show: ShowId,
    slug: Slug,
    view: View,
    farewell: Option<Farewell>,
    token: Option<FeedToken>,
}

/// What every operation here is asked for and may answer.
fn describe_hearing(operation: Operation) -> Operation {
    let operation = operation.path_parameter::<String>("file").problem(Problem::not_found());
    if operation.is_about("feed_token") {
        operation.path_parameter::<FeedToken>("feed_token")
    } else {
        operation
    }
}

/// The token under whose path something is asked for; none for everybody's addresses.
fn token_in_path(request: &Request) -> Result<Option<FeedToken>, Problem> {
    if request.path.starts_with("/p/") { request.parameter("feed_token").map(Some) } else { Ok(None) }
}

/// Finds the feed behind `slug` for whoever asks. A private show has nothing for those without its token, and a token nothing
/// for another show: each looks like a show that does not exist.
async fn hear(
    app: &Listen,
    request: &Request,
    token: Option<FeedToken>,
    slug: Slug,
) -> Result<Heard, Problem> {
    let (context, show, pointer) = match &token {
        Some(token) => {
            let hash = SecretHash::of(token.as_str());
            let now = app.storage.now();
            let record = app.storage.find_feed_token(&hash, now).await?.ok_or_else(Problem::not_found)?;
            let context =
                TenantContext::from_feed_token(record.tenancy_id, record.show_id.clone(), record.listener_id);
            let pointer = read_pointer(app, &context, &record.show_id).await?;
            (context, record.show_id, pointer.ok_or_else(Problem::not_found)?)
        }
        None => find_show(app, &slug).await?.ok_or_else(Problem::not_found)?,
    };
    let view = if token.is_some() { pointer.listeners } else { pointer.public };
    let view = view.filter(|_| pointer.slug == slug).ok_or_else(Problem::not_found)?;

    if let (Principal::Listener(listener, _), Some(token)) = (context.principal(), &token) {
        let used = Use { context: &context, show: &show, listener, token, called_from: request.called_from };
        app.listening.note(&app.storage, &used).await;
    }
    Ok(Heard { context, show, slug, view, farewell: pointer.farewell, token })
}

fn parse_slug(text: &str) -> Result<Slug, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

/// Finds the show behind `slug`, whoever may listen to it.
async fn find_show(app: &Listen, slug: &Slug) -> Result<Option<(TenantContext, ShowId, Pointer)>, Problem> {
    let Some(record) = app.storage.read_published_slug(slug).await? else { return Ok(None) };
    let context = TenantContext::from_public_slug(record.tenancy_id, record.show_id.clone());
    let pointer = read_pointer(app, &context, &record.show_id).await?;
    let pointer = pointer.filter(|pointer| pointer.slug == *slug);
    Ok(pointer.map(|pointer| (context, record.show_id, pointer)))
}

async fn read_pointer(
    app: &Listen,
    context: &TenantContext,
    show: &ShowId,
) -> Result<Option<Pointer>, Problem> {
    let object = app.storage.read_feed_object(context, show, POINTER).await?;
    let read = |object: FeedObject| serde_json::from_slice(&object.bytes).map_err(|_| Problem::internal());
    object.map(read).transpose()
}

/// Finds the feed that leads to the file which the request names, and answers both: a file's name begins with its show's slug, up
/// to the first dot.
async fn hear_file(app: &Listen, request: &Request) -> Result<(Heard, String), Problem> {
    let file: String = request.parameter("file")?;
    let (slug, _) = file.split_once('.').ok_or_else(Problem::not_found)?;
    let heard = hear(app, request, token_in_path(request)?, parse_slug(slug)?).await?;
    Ok((heard, file))
}

/// Finds a file that the feed leads to, by its path: `artwork/<file name>`. A file that it does not lead to any more is missing.
async fn find_file(app: &Listen, heard: &Heard, path: &str) -> Result<FeedFile, Problem> {
    let name = files_name(&heard.view.files);
    let list = app.documents.read(&app.storage, &heard.context, &heard.show, name).await?;
    let mut files: FeedFiles = serde_json::from_slice(&list).map_err(|_| Problem::internal())?;
    files.remove(path).ok_or_else(Problem::not_found)
}

/// Redirects to a file of the media bucket, by a short-lived link that supports ranges.
async fn redirect(
    app: &Listen,
    request: &Request,
    heard: &Heard,
    media: &ContentHash,
) -> Result<Reply, Problem> {
    let link = if request.method == Method::HEAD { MediaLink::Head } else { MediaLink::Get };
    let url = app.storage.link_to_media(&heard.context, media, link, LINK_LIFETIME).await?;

    let mut reply = Response::new(Body::Empty);
    *reply.status_mut() = StatusCode::FOUND;
    let headers = reply.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::try_from(url).map_err(|_| Problem::internal())?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if heard.token.is_some() {
        headers.insert("x-robots-tag", HeaderValue::from_static("noindex, nofollow"));
    }
    Ok(reply)
}

/// Answers without a body what GET would have answered with one.
fn without_body(mut reply: Reply) -> Reply {
    *reply.body_mut() = lambda_http::Body::Empty;
    reply
}
