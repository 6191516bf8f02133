//! The listener API: feeds and media, for everybody under `/`, and for one listener under `/p/{feed_token}/`.

use std::sync::Arc;

use domain::{FeedToken, Slug, Visibility};
use lambda_kit::{Problem, Reply, Request, openapi::Operation, routes};
use storage::{SecretHash, Storage};
use tenant_context::{ShowId, TenantContext};

use crate::{
    listen::documents::Documents,
    pointer::{POINTER, Pointer},
};

mod documents;
mod encoding;
mod get_feed;
mod get_media;

/// What the operations need.
pub struct Listen {
    /// The feed bucket, and links to media.
    pub storage: Storage,
    /// Documents that were read before.
    documents: Documents,
}

impl Listen {
    /// Nothing read yet.
    pub fn new(storage: Storage) -> Self {
        Self { storage, documents: Documents::default() }
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
}

type App = Arc<Listen>;

/// A feed that the caller may have: whose, which, and for which listener.
struct Heard {
    context: TenantContext,
    show: ShowId,
    pointer: Pointer,
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

/// Finds the feed behind `slug` for whoever asks. A private show has nothing for those without its token, and a token nothing
/// for another show: each looks like a show that does not exist.
async fn hear(app: &Listen, request: &Request, slug: &str) -> Result<Heard, Problem> {
    let slug: Slug = slug.parse().map_err(|_| Problem::not_found())?;
    let (context, show, token) = match request.parameter::<FeedToken>("feed_token") {
        Ok(token) => {
            let hash = SecretHash::of(token.as_str());
            let record = app.storage.find_feed_token(&hash).await?.ok_or_else(Problem::not_found)?;
            let context =
                TenantContext::from_feed_token(record.tenancy_id, record.show_id.clone(), record.listener_id);
            (context, record.show_id, Some(token))
        }
        Err(_) if request.path.starts_with("/p/") => return Err(Problem::not_found()),
        Err(_) => {
            let record = app.storage.read_published_slug(&slug).await?.ok_or_else(Problem::not_found)?;
            (TenantContext::from_public_slug(record.tenancy_id, record.show_id.clone()), record.show_id, None)
        }
    };

    let object = app.storage.read_feed_object(&context, &show, POINTER).await?;
    let object = object.ok_or_else(Problem::not_found)?;
    let pointer: Pointer = serde_json::from_slice(&object.bytes).map_err(|_| Problem::internal())?;
    let is_theirs = pointer.slug == slug && (pointer.visibility == Visibility::Private) == token.is_some();

    if is_theirs { Ok(Heard { context, show, pointer, token }) } else { Err(Problem::not_found()) }
}

/// Answers without a body what GET would have answered with one.
fn without_body(mut reply: Reply) -> Reply {
    *reply.body_mut() = lambda_http::Body::Empty;
    reply
}
