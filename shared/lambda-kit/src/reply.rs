//! Answers that are not problems: `{"data": …}`, and `{"data": […], "page": {"next": …}}` for listings.

use http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use schemars::JsonSchema;
use serde::Serialize;

/// An answer.
pub type Reply = Response<Body>;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Data<T> {
    data: T,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Paged<T> {
    data: T,
    page: PageInfo,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Page")]
struct PageInfo {
    /// The cursor of the next page; none where this is the last.
    next: Option<String>,
}

/// 200 with one thing.
pub fn ok(data: impl Serialize) -> Reply {
    json(StatusCode::OK, &Data { data })
}

/// 200 with one thing, and its version as a strong `ETag` for `If-Match`.
pub fn ok_at_version(data: impl Serialize, version: u64) -> Reply {
    tagged(ok(data), version)
}

/// 201 with what was made, where it is, and its version.
pub fn created(data: impl Serialize, location: &str, version: Option<u64>) -> Reply {
    let reply = located(json(StatusCode::CREATED, &Data { data }), location);
    match version {
        Some(version) => tagged(reply, version),
        None => reply,
    }
}

/// 202: started; `location` tells how it goes.
pub fn accepted(data: impl Serialize, location: &str) -> Reply {
    located(json(StatusCode::ACCEPTED, &Data { data }), location)
}

/// 200 with a page of things, or with one thing as far as it is known. `next` is the cursor of the next page.
pub fn paged(data: impl Serialize, next: Option<String>) -> Reply {
    json(StatusCode::OK, &Paged { data, page: PageInfo { next } })
}

/// 200 with a page of things, one on each line (`application/x-ndjson`). `next` is a link to the next page (RFC 8288).
pub fn lines<T: Serialize>(data: impl IntoIterator<Item = T>, next: Option<String>) -> Reply {
    let mut text = String::new();
    for line in data.into_iter().filter_map(|each| serde_json::to_string(&each).ok()) {
        text.push_str(&line);
        text.push('\n');
    }
    let mut reply = Response::new(Body::Text(text));
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(Ok(link)) = next.map(|next| HeaderValue::try_from(format!("<{next}>; rel=\"next\""))) {
        headers.insert(header::LINK, link);
    }
    reply
}

/// 204.
pub fn no_content() -> Reply {
    let mut reply = Response::new(Body::Empty);
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply
}

/// A JSON document as it is, where a standard says what it looks like.
pub fn json(status: StatusCode, body: &impl Serialize) -> Reply {
    let mut reply = Response::new(Body::Text(serde_json::to_string(body).unwrap_or_default()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

fn tagged(mut reply: Reply, version: u64) -> Reply {
    if let Ok(tag) = HeaderValue::try_from(format!("\"{version}\"")) {
        reply.headers_mut().insert(header::ETAG, tag);
    }
    reply
}

fn located(mut reply: Reply, location: &str) -> Reply {
    if let Ok(location) = HeaderValue::try_from(location) {
        reply.headers_mut().insert(header::LOCATION, location);
    }
    reply
}
