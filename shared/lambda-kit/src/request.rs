//! A request, as operations see it.

use std::{
    net::IpAddr,
    str::FromStr,
    sync::{Arc, OnceLock},
};

use domain::Standing;
use http::{HeaderMap, Method};
use lambda_http::{Body, RequestExt, aws_lambda_events::query_map::QueryMap, request::RequestContext};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use storage::{IdempotencyKey, Page, PageRequest, SecretHash};
use tenant_context::{TenantContext, Timestamp};

use crate::{
    FieldError, Problem, Reply,
    page::{self, Limits},
    reply,
};

/// Larger bodies are answered 413: nothing in the API needs one. Media goes to S3 directly.
pub(crate) const LARGEST_BODY: usize = 256 * 1024;

/// Nothing needs to be said.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

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
    /// The address from which API Gateway was called, as it saw that itself; nothing that the caller says of theirs.
    pub called_from: Option<IpAddr>,
    pub(crate) data_token: Option<String>,
    pub(crate) parameters: Vec<(&'static str, String)>,
    /// Where the caller stands, once that is known. The answer tells it, whatever becomes of the request.
    pub(crate) standing: Arc<OnceLock<Standing>>,
    query: QueryMap,
    body: Body,
}

impl Request {
    pub(crate) fn new(request: lambda_http::Request) -> Self {
        let (request_id, called_from, data_token) = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV1(context)) => (
                context.request_id.clone(),
                context.identity.source_ip.clone(),
                context
                    .authorizer
                    .fields
                    .get("data_token")
                    .and_then(|token| token.as_str())
                    .map(str::to_owned),
            ),
            Some(RequestContext::ApiGatewayV2(context)) => {
                (context.request_id.clone(), context.http.source_ip.clone(), None)
            }
            _ => (None, None, None),
        };
        let query = request.query_string_parameters();
        let path = request.raw_http_path().to_owned();
        let (parts, body) = request.into_parts();
        Self {
            method: parts.method,
            path,
            headers: parts.headers,
            request_id: request_id.unwrap_or_default(),
            called_from: called_from.and_then(|address| address.parse().ok()),
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

    /// Whether the body says that it is of `media_type` (RFC 9110, 8.3).
    pub fn is_of_type(&self, media_type: &str) -> bool {
        let content_type = self.header("content-type").unwrap_or_default();
        content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
    }

    /// The body as JSON (RFC 8259); an empty body reads as `{}`. Unknown members are refused by the types that we read into.
    ///
    /// # Errors
    /// 400 when it is not JSON, 415 when it says it is something else, 422 when it breaks a rule.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let is_said_to_be_other =
            self.header("content-type").is_some() && !self.is_of_type("application/json");
        if !self.body().is_empty() && is_said_to_be_other {
            return Err(Problem::unsupported_media_type());
        }
        let bytes = if self.body().is_empty() { b"{}" } else { self.body() };
        let deserializer = &mut serde_json::Deserializer::from_slice(bytes);
        serde_path_to_error::deserialize(deserializer).map_err(|error| problem(&error))
    }

    /// A parameter of the query; the first of that name.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.first(name)
    }

    /// What a parameter of the query says altogether: it may come several times, and may name several things with commas between.
    pub fn query_list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.query.all(name).unwrap_or_default().into_iter().flat_map(|text| text.split(','))
    }

    /// Whether the caller asks for `media_type` by its name (RFC 9110, 12.5.1).
    pub fn accepts(&self, media_type: &str) -> bool {
        let ranges = self.header("accept").unwrap_or_default().split(',');
        let mut essences = ranges.map(|range| range.split(';').next().unwrap_or_default().trim());
        essences.any(|essence| essence.eq_ignore_ascii_case(media_type))
    }

    /// Which page of `listing` is asked for.
    ///
    /// # Errors
    /// 400 for a limit or a cursor that cannot be used.
    pub fn page(&self, context: &TenantContext, listing: &str) -> Result<PageRequest, Problem> {
        self.page_within(context, listing, Limits::LISTING)
    }

    /// Which page of something long is asked for: `most` at once, and as many where nothing else is said.
    ///
    /// # Errors
    /// 400 for a limit or a cursor that cannot be used.
    pub fn page_of(&self, context: &TenantContext, listing: &str, most: u16) -> Result<PageRequest, Problem> {
        self.page_within(context, listing, Limits { default: most, most })
    }

    fn page_within(
        &self,
        context: &TenantContext,
        listing: &str,
        limits: Limits,
    ) -> Result<PageRequest, Problem> {
        page::page_request(context, listing, self.query("limit"), self.query("cursor"), limits)
    }

    /// Answers what came of a page of `listing`, which goes on after `next`.
    pub fn paged(
        &self,
        context: &TenantContext,
        listing: &str,
        data: impl Serialize,
        next: Option<String>,
    ) -> Reply {
        reply::paged(data, next.map(|place| page::cursor(context, listing, &place)))
    }

    /// Answers a page of `listing`, one thing on each line.
    pub fn listed_in_lines<T: Serialize>(
        &self,
        context: &TenantContext,
        listing: &str,
        page: Page<T>,
    ) -> Reply {
        reply::lines(page.items, page.next.map(|id| self.with_cursor(&page::cursor(context, listing, &id))))
    }

    /// A link to the same request with another cursor, relative to the request's own URL.
    fn with_cursor(&self, cursor: &str) -> String {
        let others = self.query.iter().filter(|(name, _)| *name != "cursor");
        let parameters: Vec<_> = others
            .chain([("cursor", cursor)])
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        format!("?{}", parameters.join("&"))
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
        reply::paged(page.items.into_iter().map(describe).collect::<Vec<_>>(), next)
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
        if self.headers.contains_key("if-none-match") {
            // Compared weakly (RFC 9110, 8.8.3.2). Our tags have no comma in them.
            let fields = self.headers.get_all("if-none-match").iter().filter_map(|value| value.to_str().ok());
            let tags = fields.flat_map(|field| field.split(',')).map(str::trim);
            let named: Vec<_> = tags.map(|tag| tag.strip_prefix("W/").unwrap_or(tag)).collect();
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

fn encode(text: &str) -> impl std::fmt::Display {
    const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, UNRESERVED)
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
    use std::collections::HashMap;

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
    fn a_media_type_is_asked_for_by_name() {
        let accepts = |accept: &'static str| {
            let mut request = request("");
            request.headers.insert("accept", accept.parse().unwrap());
            request.accepts("application/x-ndjson")
        };
        assert!(accepts("application/x-ndjson"));
        assert!(accepts("application/json;q=0.5, Application/X-NDJSON; q=0.9"));
        assert!(!accepts("application/json") && !accepts("*/*") && !accepts(""));
    }

    #[test]
    fn what_the_caller_has_is_known_by_its_tag_or_else_by_its_time() {
        const PLAIN: &str = "\"plain\"";
        const GZIP: &str = "\"gzip\"";
        const CHANGED: &str = "Sat, 31 Jan 2026 09:30:00 GMT";
        let changed = Timestamp::from_http_date(CHANGED).unwrap().plus(std::time::Duration::from_millis(900));
        let sooner = "Sat, 31 Jan 2026 09:29:59 GMT";
        let later = "Sat, 31 Jan 2026 09:30:01 GMT";
        for (none_match, modified_since, known) in [
            (None, None, None),
            (Some(PLAIN), None, Some(PLAIN)),
            (Some("W/\"plain\""), None, Some(PLAIN)),
            (Some("\"other\", W/\"gzip\" ,\"x\""), None, Some(GZIP)),
            (Some("\"gzip\",\"plain\""), None, Some(PLAIN)),
            (Some("*"), None, Some(PLAIN)),
            (Some("\"other\""), None, None),
            (Some("plain"), None, None),
            (Some(""), None, None),
            (Some("\"other\""), Some(later), None),
            (Some(PLAIN), Some(sooner), Some(PLAIN)),
            (None, Some(CHANGED), Some(PLAIN)),
            (None, Some(later), Some(PLAIN)),
            (None, Some("Saturday, 31-Jan-26 09:30:00 GMT"), Some(PLAIN)),
            (None, Some("Sat Jan 31 09:30:00 2026"), Some(PLAIN)),
            (None, Some(sooner), None),
            (None, Some("yesterday"), None),
        ] {
            let mut request = request("");
            for (name, value) in [("if-none-match", none_match), ("if-modified-since", modified_since)] {
                if let Some(value) = value {
                    request.headers.append(name, value.parse().unwrap());
                }
            }
            let found = request.known_as(&[PLAIN, GZIP], Some(changed));
            assert_eq!(found, known, "{none_match:?} {modified_since:?}");
        }
    }

    #[test]
    fn tags_may_come_in_more_than_one_field() {
        let mut request = request("");
        for tag in ["\"a\"", "\"b\""] {
            request.headers.append("if-none-match", tag.parse().unwrap());
        }
        assert_eq!(request.known_as(&["\"b\""], None), Some("\"b\""));
    }

    #[test]
    fn the_next_page_is_the_same_request_with_another_cursor() {
        let query = HashMap::from([("action", "a b&c"), ("cursor", "old")]);
        let query = query.into_iter().map(|(name, value)| (name.to_owned(), vec![value.to_owned()]));
        let request = http::Request::get("/v1/things").body(Body::Empty).unwrap();
        let request = Request::new(request.with_query_string_parameters(query.collect::<HashMap<_, _>>()));
        assert_eq!(request.with_cursor("new-1"), "?action=a%20b%26c&cursor=new-1");
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
