//! `GET /openapi.json`: describes the API: this document.
//!
//! It is made from the code by a test (`the_document_is_what_the_code_says`) and committed; only its URLs are this deployment's.

use std::sync::OnceLock;

use http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use serde_json::Value;
use storage::SecretHash;

use crate::{App, cacheable};

/// Stands for the tenancy API in the committed document.
pub const EXAMPLE_API_URL: &str = "https://api.castkeep.example";

/// Stands for the listener API in the committed document.
pub const EXAMPLE_LISTENER_URL: &str = "https://listen.castkeep.example";

/// The OpenAPI document of one deployment.
pub struct ApiDescription {
    api_url: String,
    listener_url: String,
    written: OnceLock<Written>,
}

struct Written {
    text: String,
    etag: String,
}

impl ApiDescription {
    /// The document for a deployment whose two APIs have these URLs.
    pub fn new(api_url: String, listener_url: String) -> Self {
        Self { api_url, listener_url, written: OnceLock::new() }
    }

    /// Written when it is first asked for: few instances of the function ever are.
    fn written(&self) -> &Written {
        self.written.get_or_init(|| {
            let text = include_str!("../openapi.json")
                .replace(EXAMPLE_API_URL, &self.api_url)
                .replace(EXAMPLE_LISTENER_URL, &self.listener_url);
            let etag = format!("\"{}\"", SecretHash::of(&text).as_str());
            Written { text, etag }
        })
    }
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.document::<Value>(StatusCode::OK, "application/json", "The document, in OpenAPI 3.1.").cached()
}

pub(crate) async fn describe_api(app: App, request: Request) -> Result<Reply, Problem> {
    let Written { text, etag } = app.api_description.written();

    let mut reply = if request.known_as(&[etag], None).is_some() {
        let mut reply = Response::new(Body::Empty);
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        reply
    } else {
        let mut reply = Response::new(Body::Text(text.clone()));
        reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        reply
    };

    let etag = HeaderValue::try_from(etag).map_err(|_| Problem::internal())?;
    reply.headers_mut().insert(header::ETAG, etag);
    Ok(cacheable(reply))
}
