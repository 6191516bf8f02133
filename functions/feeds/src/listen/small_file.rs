//! Transcripts and chapters: small, read by apps that are web pages too, and the same for good under one name.

use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use lambda_http::{Body, Response};
use lambda_kit::{Problem, Reply, Request};

use crate::listen::{Listen, find_file, hear_file, without_body};

/// Answers the file of the request's name that the feed leads to in `directory`.
pub(crate) async fn answer(app: &Listen, request: &Request, directory: &str) -> Result<Reply, Problem> {
    let (heard, name) = hear_file(app, request).await?;

    let file = find_file(app, &heard, &format!("{directory}/{name}")).await?;
    let etag = format!("\"{}\"", file.media);
    let is_known = request.known_as(&[&etag], None).is_some();
    let body = match is_known {
        true => Body::Empty,
        false => {
            let bytes = app.storage.read_media(&heard.context, &file.media).await?;
            let text = String::from_utf8(bytes.ok_or_else(Problem::not_found)?.into());
            Body::Text(text.map_err(|_| Problem::internal())?)
        }
    };

    let mut reply = Response::new(body);
    let caching = if heard.token.is_some() { "private, no-cache" } else { "public, max-age=3600" };
    let mut insert = |name: HeaderName, value: &str| -> Result<(), Problem> {
        reply.headers_mut().insert(name, HeaderValue::try_from(value).map_err(|_| Problem::internal())?);
        Ok(())
    };
    insert(header::ETAG, &etag)?;
    insert(header::CACHE_CONTROL, caching)?;
    insert(header::X_CONTENT_TYPE_OPTIONS, "nosniff")?;
    if heard.token.is_some() {
        insert(HeaderName::from_static("x-robots-tag"), "noindex, nofollow")?;
    } else {
        insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")?;
    }
    if is_known {
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(reply);
    }
    insert(header::CONTENT_TYPE, file.content_type.as_str())?;
    Ok(if request.method == Method::HEAD { without_body(reply) } else { reply })
}
