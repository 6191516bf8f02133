//! `GET /feeds/{slug}.xml`, and the same under `/p/{feed_token}/`: a show's feed, in RSS 2.0.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use lambda_http::{Body, Response};
use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use storage::SecretHash;

use crate::{
    listen::{App, Heard, Listen, describe_hearing, encoding::accepts_gzip, hear, without_body},
    pointer::{TOKEN_MARK, document_name, gzip_name},
};

pub(crate) fn describe(operation: Operation) -> Operation {
    describe_hearing(operation)
        .document::<String>(
            StatusCode::OK,
            "application/rss+xml",
            "The feed, compressed where gzip is accepted.",
        )
        .cached()
        .with_header("Last-Modified")
}

pub(crate) async fn get_feed(app: App, request: Request) -> Result<Reply, Problem> {
    let file: String = request.parameter("file")?;
    let slug = file.strip_suffix(".xml").ok_or_else(Problem::not_found)?;

    let heard = hear(&app, &request, slug).await?;

    let tags = Tags::new(&heard);
    let is_compressed = heard.token.is_none() && accepts_gzip(&request);
    let (etag, other) = if is_compressed { (&tags.gzip, &tags.plain) } else { (&tags.plain, &tags.gzip) };
    if let Some(known) = request.known_as(&[etag, other], Some(heard.pointer.modified_at)) {
        return answer(&heard, StatusCode::NOT_MODIFIED, known, Body::Empty);
    }
    let body = if is_compressed {
        let name = gzip_name(&heard.pointer.document);
        let bytes = app.documents.read(&app.storage, &heard.context, &heard.show, name).await?;
        Body::Binary(bytes.to_vec())
    } else {
        Body::Text(read_document(&app, &heard).await?)
    };

    let length = body.len();
    let mut reply = answer(&heard, StatusCode::OK, etag, body)?;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/rss+xml; charset=utf-8"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if is_compressed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(if request.method == Method::HEAD { without_body(reply) } else { reply })
}

/// Strong tags (RFC 9110, 8.8.3): one for each encoding, and one for each listener, whose document has their own token in it.
struct Tags {
    plain: String,
    gzip: String,
}

impl Tags {
    fn new(heard: &Heard) -> Self {
        let document = &heard.pointer.document;
        match &heard.token {
            None => Self { plain: format!("\"{document}\""), gzip: format!("\"{document}-gzip\"") },
            Some(token) => {
                let listener = SecretHash::of(&format!("{document}{}", token.as_str()));
                let tag = format!("\"{}\"", listener.as_str());
                Self { plain: tag.clone(), gzip: tag }
            }
        }
    }
}

async fn read_document(app: &Listen, heard: &Heard) -> Result<String, Problem> {
    let name = document_name(&heard.pointer.document);
    let bytes = app.documents.read(&app.storage, &heard.context, &heard.show, name).await?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| Problem::internal())?;
    Ok(match &heard.token {
        None => text,
        Some(token) => text.replace(TOKEN_MARK, token.as_str()),
    })
}

fn answer(heard: &Heard, status: StatusCode, etag: &str, body: Body) -> Result<Reply, Problem> {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    insert(headers, header::ETAG, etag)?;
    insert(headers, header::LAST_MODIFIED, &heard.pointer.modified_at.to_http_date())?;
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if heard.token.is_some() {
        // Nobody between us and the listener keeps it, and no search engine lists it.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    } else {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    }
    Ok(reply)
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) -> Result<(), Problem> {
    headers.insert(name, HeaderValue::try_from(value).map_err(|_| Problem::internal())?);
    Ok(())
}
