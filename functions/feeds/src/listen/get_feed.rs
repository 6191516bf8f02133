//! `GET /feeds/{slug}.xml`, and the same under `/p/{feed_token}/`: a show's feed, in RSS 2.0; for browsers, the show's page.

use std::sync::Arc;

use bytes::Bytes;
use domain::{ContentHash, Farewell, FeedToken, Slug};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use lambda_http::{Body, Response};
use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use storage::SecretHash;
use tenant_context::Timestamp;

use crate::{
    listen::{
        App, Heard, Listen,
        accept::{accepts_gzip, prefers_page},
        describe_hearing, hear, parse_slug,
        range::{Asked, asked, asks_for_range},
        token_in_path, without_body,
    },
    page,
    pointer::{Document, TOKEN_MARK, document_name, gzip_name, page_gzip_name, page_name},
};

pub(crate) fn describe(operation: Operation) -> Operation {
    describe_feed(describe_hearing(operation))
}

/// What a feed is, wherever it is asked for.
pub(crate) fn describe_feed(operation: Operation) -> Operation {
    operation
        .problem(ended())
        .document::<String>(
            StatusCode::MOVED_PERMANENTLY,
            "application/rss+xml",
            "The feed is at Location; this is its last document here.",
        )
        .with_header("Location")
        .document::<String>(
            StatusCode::OK,
            "application/rss+xml",
            "The feed, compressed where gzip is accepted.",
        )
        .or_as::<String>("text/html")
        .cached()
        .with_header("Last-Modified")
        .ranged()
}

pub(crate) async fn get_feed(app: App, request: Request) -> Result<Reply, Problem> {
    let token = token_in_path(&request)?;
    answer_feed(app, &request, token).await
}

/// Answers the feed that the request names, for whoever shows `token`.
pub(crate) async fn answer_feed(
    app: App,
    request: &Request,
    token: Option<FeedToken>,
) -> Result<Reply, Problem> {
    let file: String = request.parameter("file")?;
    let name = file.strip_suffix(".xml").ok_or_else(Problem::not_found)?;
    let (slug, number) = match name.split_once('.') {
        None => (name, None),
        Some((slug, number)) => (slug, Some(number.parse().map_err(|_| Problem::not_found())?)),
    };
    let slug = parse_slug(slug)?;

    let is_public = token.is_none();
    let asked_at = app.storage.now();
    if is_public {
        if let Some(heard) = app.recent.find(&slug, asked_at)
            && let Some(representation) = Representation::choose(&heard, number, request)
            && let Some(known) = representation.known_to(request)
        {
            let headers = representation.headers(&app, &heard).await?;
            return not_modified(headers, known);
        }
        app.recent.forget(&slug);
    }

    let heard = match hear(&app, request, token, slug.clone()).await {
        Ok(heard) => Arc::new(heard),
        Err(problem) if is_public => return answer_for_good(&app, &slug).await?.ok_or(problem),
        Err(problem) => return Err(problem),
    };
    app.recent.keep(&heard, asked_at);
    let moved_to = match &heard.farewell {
        Some(Farewell::Ended) => return Err(ended()),
        Some(Farewell::Moved { feed_url }) => Some(feed_url),
        None => None,
    };

    let representation = Representation::choose(&heard, number, request).ok_or_else(Problem::not_found)?;
    let mut headers = representation.headers(&app, &heard).await?;
    let body = if let Some(feed_url) = moved_to {
        insert(&mut headers, header::LOCATION, feed_url.as_str())?;
        (StatusCode::MOVED_PERMANENTLY, representation.read(&app, &heard).await?)
    } else if let Some(known) = representation.known_to(request) {
        return not_modified(headers, known);
    } else {
        let bytes = representation.read(&app, &heard).await?;
        let length = bytes.len();
        match asked(request, length, &representation.etag, representation.modified_at) {
            Asked::Whole => (StatusCode::OK, bytes),
            Asked::Part(part) => {
                let range = format!("bytes {}-{}/{length}", part.start, part.end.saturating_sub(1));
                insert(&mut headers, header::CONTENT_RANGE, &range)?;
                (StatusCode::PARTIAL_CONTENT, bytes.slice(part))
            }
            Asked::Beyond => return beyond(request, length),
        }
    };

    let (status, bytes) = body;
    representation.describe_body(&mut headers, bytes.len());
    let reply = reply(status, headers, into_body(bytes));
    Ok(if request.method == Method::HEAD { without_body(reply) } else { reply })
}

/// What is answered under a slug whose tenancy has left. Its documents are gone, so apps are sent along without one.
async fn answer_for_good(app: &Listen, slug: &Slug) -> Result<Option<Reply>, Problem> {
    let published = app.storage.read_published_slug(slug).await?;
    let Some(last) = published.and_then(|published| published.farewell) else { return Ok(None) };
    match last.farewell {
        Farewell::Ended => Err(ended()),
        Farewell::Moved { feed_url } => {
            let mut headers = HeaderMap::new();
            insert(&mut headers, header::LOCATION, feed_url.as_str())?;
            // Of no bytes, which stay what they are.
            headers.insert(header::ETAG, HeaderValue::from_static("\"moved\""));
            insert(&mut headers, header::LAST_MODIFIED, &last.said_at.to_http_date())?;
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
            headers
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/rss+xml; charset=utf-8"));
            Ok(Some(reply(StatusCode::MOVED_PERMANENTLY, headers, Body::Empty)))
        }
    }
}

fn ended() -> Problem {
    Problem::gone("This show has ended, and its feed is gone for good. Stop asking for it.")
}

/// What this caller gets: the feed or the page, compressed or not.
struct Representation<'h> {
    /// The style of the page; none is the feed.
    style: Option<&'h str>,
    hash: &'h ContentHash,
    is_compressed: bool,
    /// Strong (RFC 9110, 8.8.3): one for each encoding, and one for each listener, whose document has their own token in it.
    etag: String,
    /// The tag of the same document in the other encoding.
    other_etag: String,
    modified_at: Timestamp,
}

impl<'h> Representation<'h> {
    /// `number` is that of an older part of the feed, from 1.
    fn choose(heard: &'h Heard, number: Option<usize>, request: &Request) -> Option<Self> {
        let view = &heard.view;
        let style = (number.is_none() && prefers_page(request)).then_some(view.style.as_str());
        let document = match number {
            Some(number) => view.older.get(number.checked_sub(1)?)?,
            None if style.is_some() => &view.page,
            None => &view.feed,
        };
        // Ranges are of the bytes that everybody can read.
        let is_compressed = heard.token.is_none() && accepts_gzip(request) && !asks_for_range(request);
        let Document { hash, modified_at } = document;
        let [plain, gzip] = tags(heard, hash);
        let (etag, other_etag) = if is_compressed { (gzip, plain) } else { (plain, gzip) };
        Some(Self { style, hash, is_compressed, etag, other_etag, modified_at: *modified_at })
    }

    fn known_to(&self, request: &Request) -> Option<&str> {
        request.known_as(&[&self.etag, &self.other_etag], Some(self.modified_at))
    }

    /// The object in the bucket.
    fn name(&self) -> String {
        match (self.style, self.is_compressed) {
            (None, false) => document_name(self.hash),
            (None, true) => gzip_name(self.hash),
            (Some(_), false) => page_name(self.hash),
            (Some(_), true) => page_gzip_name(self.hash),
        }
    }

    async fn read(&self, app: &Listen, heard: &Heard) -> Result<Bytes, Problem> {
        let bytes = app.documents.read(&app.storage, &heard.context, &heard.show, self.name()).await?;
        match &heard.token {
            None => Ok(bytes),
            Some(token) => {
                let text = str::from_utf8(&bytes).map_err(|_| Problem::internal())?;
                Ok(text.replace(TOKEN_MARK, token.as_str()).into())
            }
        }
    }

    /// What every answer says of it, 304 too.
    async fn headers(&self, app: &Listen, heard: &Heard) -> Result<HeaderMap, Problem> {
        let mut headers = HeaderMap::new();
        insert(&mut headers, header::ETAG, &self.etag)?;
        insert(&mut headers, header::LAST_MODIFIED, &self.modified_at.to_http_date())?;
        headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if heard.token.is_some() {
            // Nobody between us and the listener keeps it, and no search engine lists it.
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
            headers.insert("x-robots-tag", HeaderValue::from_static("noindex, nofollow"));
        } else {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            if let Some(hub) = &app.hub {
                insert(&mut headers, header::LINK, &hub.link(&app.addresses.feed(&heard.slug)))?;
            }
        }
        if let Some(style) = self.style {
            let media = app.storage.media_origin(&heard.context).await?;
            let policy = page::policy(style, &media);
            insert(&mut headers, header::CONTENT_SECURITY_POLICY, &policy)?;
            // The address of a private show's page is a secret.
            headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        }
        Ok(headers)
    }

    fn describe_body(&self, headers: &mut HeaderMap, length: usize) {
        let media_type = match self.style {
            None => "application/rss+xml; charset=utf-8",
            Some(_) => "text/html; charset=utf-8",
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        if self.is_compressed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
    }
}

fn tags(heard: &Heard, document: &ContentHash) -> [String; 2] {
    match &heard.token {
        None => [format!("\"{document}\""), format!("\"{document}-gzip\"")],
        Some(token) => {
            let listener = SecretHash::of(&format!("{document}{}", token.as_str()));
            let tag = format!("\"{}\"", listener.as_str());
            [tag.clone(), tag]
        }
    }
}

fn not_modified(mut headers: HeaderMap, known: &str) -> Result<Reply, Problem> {
    insert(&mut headers, header::ETAG, known)?;
    Ok(reply(StatusCode::NOT_MODIFIED, headers, Body::Empty))
}

fn beyond(request: &Request, length: usize) -> Result<Reply, Problem> {
    let mut reply = Problem::range_not_satisfiable().into_response(&request.request_id);
    insert(reply.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{length}"))?;
    Ok(reply)
}

fn reply(status: StatusCode, headers: HeaderMap, body: Body) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    *reply.headers_mut() = headers;
    reply
}

/// Text goes to API Gateway as it is, and what is not text in base64.
fn into_body(bytes: Bytes) -> Body {
    String::from_utf8(bytes.into()).map_or_else(|error| Body::Binary(error.into_bytes()), Body::Text)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), Problem> {
    headers.insert(name, HeaderValue::try_from(value).map_err(|_| Problem::internal())?);
    Ok(())
}
