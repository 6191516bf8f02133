//! A request, as operations see it.

use std::{
    str::FromStr,
    sync::{Arc, OnceLock},
};

use domain::Standing;
use http::{HeaderMap, Method};
use lambda_http::{Body, RequestExt, aws_lambda_events::query_map::QueryMap, request::RequestContext};
use serde::{Serialize, de::DeserializeOwned};
use storage::{IdempotencyKey, Page, PageRequest, SecretHash};
use tenant_context::{TenantContext, Timestamp};

use crate::{FieldError, Problem, Reply, page, reply};

/// Larger bodies are answered 413: nothing in the API needs one. Media goes to S3 directly.
pub(crate) const LARGEST_BODY: usize = 256 * 1024;

/// A request to one of our routes.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, without the stage.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// API Gateway's id of the request.
    pub request_id: String,
    pub(crate) data_token: Option<String>,
    pub(crate) parameters: Vec<(&'static str, String)>,
    /// Where the caller stands, once that is known. The answer tells it, whatever becomes of the request.
    pub(crate) standing: Arc<OnceLock<Standing>>,
    query: QueryMap,
    body: Body,
}

impl Request {
    pub(crate) fn new(request: lambda_http::Request) -> Self {
        let (request_id, data_token) = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV1(context)) => (
                context.request_id.clone(),
                context
                    .authorizer
                    .fields
                    .get("data_token")
                    .and_then(|token| token.as_str())
                    .map(str::to_owned),
            ),
            Some(RequestContext::ApiGatewayV2(context)) => (context.request_id.clone(), None),
            _ => (None, None),
        };
        let query = request.query_string_parameters();
        let path = request.raw_http_path().to_owned();
        let (parts, body) = request.into_parts();
        Self {
            method: parts.method,
            path,
            headers: parts.headers,
            request_id: request_id.unwrap_or_default(),
            data_token,
            parameters: Vec::new(),
            standing: Arc::default(),
            query,
            body,
        }
    }

    /// A parameter of the path, parsed. What does not parse cannot exist.
    ///
    /// # Errors
    /// 404.
    pub fn parameter<T: FromStr>(&self, name: &str) -> Result<T, Problem> {
        let parameter = self.parameters.iter().find(|(known, _)| *known == name);
        parameter.and_then(|(_, text)| text.parse().ok()).ok_or_else(Problem::not_found)
    }

    /// A header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body's bytes.
    pub fn body(&self) -> &[u8] {
        self.body.as_ref()
    }

    /// The body as JSON (RFC 8259); an empty body reads as `{}`. Unknown members are refused by the types that we read into.
    ///
    /// # Errors
    /// 400 when it is not JSON, 415 when it says it is something else, 422 when it breaks a rule.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let content_type = self.header("content-type").unwrap_or("application/json");
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !self.body().is_empty() && !essence.eq_ignore_ascii_case("application/json") {
            return Err(Problem::unsupported_media_type());
        }
        let bytes = if self.body().is_empty() { b"{}" } else { self.body() };
        let deserializer = &mut serde_json::Deserializer::from_slice(bytes);
        serde_path_to_error::deserialize(deserializer).map_err(|error| problem(&error))
    }

    /// Which page of `listing` is asked for.
    ///
    /// # Errors
    /// 400 for a limit or a cursor that cannot be used.
    pub fn page(&self, context: &TenantContext, listing: &str) -> Result<PageRequest, Problem> {
        page::page_request(context, listing, self.query.first("limit"), self.query.first("cursor"))
    }

    /// Answers a page of `listing`.
    pub fn listed<T, W: Serialize>(
        &self,
        context: &TenantContext,
        listing: &str,
        page: Page<T>,
        describe: impl FnMut(T) -> W,
    ) -> Reply {
        let next = page.next.map(|id| page::cursor(context, listing, &id));
        reply::listed(page.items.into_iter().map(describe).collect(), next)
    }

    /// Holds the caller to the version that `If-Match` names, if it names one.
    ///
    /// # Errors
    /// 412 when `version` is another.
    pub fn check_if_match(&self, version: u64) -> Result<(), Problem> {
        match self.header("if-match") {
            Some(tag) if tag != "*" && tag != format!("\"{version}\"") => Err(Problem::precondition_failed()),
            _ => Ok(()),
        }
    }

    /// The tag under which the caller has it already, if so (RFC 9110, 13): `If-None-Match` before `If-Modified-Since`. `etags` are
    /// those of every encoding of the same document, first that of the encoding which the caller would get: a cache is told
    /// which of its copies is still right (RFC 9111, 4.3.4).
    pub fn known_as<'a>(&self, etags: &[&'a str], modified_at: Option<Timestamp>) -> Option<&'a str> {
        if let Some(condition) = self.header("if-none-match") {
            let named: Vec<_> = condition.split(',').map(|tag| tag.trim().trim_start_matches("W/")).collect();
            return etags.iter().copied().find(|etag| named.iter().any(|tag| tag == etag || *tag == "*"));
        }
        let since = self.header("if-modified-since").map(Timestamp::from_http_date);
        let is_unchanged = match (since, modified_at) {
            (Some(Ok(since)), Some(modified_at)) => modified_at.unix_seconds() <= since.unix_seconds(),
            _ => false,
        };
        etags.first().copied().filter(|_| is_unchanged)
    }

    /// The caller's `Idempotency-Key`, bound to this very request.
    ///
    /// # Errors
    /// 400 when it is longer than 255 characters or not printable ASCII.
    pub fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, Problem> {
        let Some(value) = self.headers.get("idempotency-key") else { return Ok(None) };
        let key = value.to_str().ok().filter(|key| (1..=255).contains(&key.len())).ok_or_else(|| {
            Problem::bad_request("Idempotency-Key must be 1 to 255 printable ASCII characters.")
        })?;
        let request = format!("{} {}\n{}", self.method, self.path, String::from_utf8_lossy(self.body()));
        Ok(Some(IdempotencyKey { key: key.to_owned(), request: SecretHash::of(&request) }))
    }

    pub(crate) fn check_size(&self) -> Result<(), Problem> {
        if self.body().len() <= LARGEST_BODY { Ok(()) } else { Err(Problem::payload_too_large(LARGEST_BODY)) }
    }
}

fn problem(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    if !error.inner().is_data() {
        return Problem::bad_request(format!("The body is not valid JSON: {}.", error.inner()));
    }
    let mut pointer = String::new();
    for segment in error.path().iter() {
        let segment = segment.to_string();
        let segment = segment.trim_start_matches('[').trim_end_matches(']');
        pointer.push('/');
        pointer.push_str(&segment.replace('~', "~0").replace('/', "~1"));
    }
    // serde_json ends its sentences with a position that means nothing to people.
    let detail = error.inner().to_string();
    let detail = detail.rsplit_once(" at line ").map_or(detail.as_str(), |(sentence, _)| sentence);
    Problem::invalid(vec![FieldError { pointer, detail: detail.to_owned() }])
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        #[allow(dead_code)]
        names: Vec<String>,
    }

    fn request(body: &str) -> Request {
        Request::new(http::Request::post("/v1/things").body(Body::from(body)).unwrap())
    }

    #[test]
    fn says_which_member_is_wrong() {
        let problem = request(r#"{"names": ["a", 1]}"#).json::<Wire>().unwrap_err();
        assert_eq!(problem.errors[0].pointer, "/names/1");
        assert_eq!(problem.errors[0].detail, "invalid type: integer `1`, expected a string");
    }

    #[test]
    fn unknown_members_and_broken_json_are_refused() {
        assert_eq!(request(r#"{"names": [], "x": 1}"#).json::<Wire>().unwrap_err().code, "invalid_request");
        assert_eq!(request("{").json::<Wire>().unwrap_err().code, "bad_request");
        assert_eq!(request("").json::<Wire>().unwrap_err().code, "invalid_request");
    }

    #[test]
    fn the_same_key_with_another_body_is_another_request() {
        let hash = |body: &str| {
            let mut request = request(body);
            request.headers.insert("idempotency-key", "k".parse().unwrap());
            request.idempotency_key().unwrap().unwrap().request
        };
        assert_eq!(hash("{}"), hash("{}"));
        assert_ne!(hash("{}"), hash("[]"));
    }
}
