//! Problem details (RFC 9457): what callers read when something is not as they hoped.

use std::error::Error;

use domain::{Quota, Standing};
use http::{StatusCode, header};
use lambda_http::{Body, Response};
use schemars::JsonSchema;
use serde::Serialize;
use storage::StorageError;
use tenant_context::{Denied, OutOfScope, TenancyState};

/// An answer that says what went wrong and what to do about it. `code` is stable; `detail` is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable name, last part of `type`: `not_found`.
    pub code: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// One plain sentence about this very case.
    pub detail: String,
    /// Which members of the request are meant.
    pub errors: Vec<FieldError>,
    /// The quota that stands in the way.
    pub quota: Option<ExceededQuota>,
}

/// One member of a request body that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldError {
    /// Where it is: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What would be right.
    pub detail: String,
}

/// What a tenancy has as many of as it may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExceededQuota {
    /// The quota's name.
    pub name: Quota,
    /// How many the tenancy may have.
    pub limit: u64,
}

/// What went wrong and what to do about it (RFC 9457).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct Wire<'a> {
    /// `/problems/` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// One plain sentence about this very case, for people.
    detail: &'a str,
    /// The stable name, for programs.
    code: &'a str,
    /// What to quote in a report.
    request_id: &'a str,
    /// Which members of the request are meant, if certain ones are.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    /// What the tenancy has as many of as it may have, if that is why.
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<&'a ExceededQuota>,
}

impl Problem {
    /// A problem without fields.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self { status, code, title, detail: detail.into(), errors: Vec::new(), quota: None }
    }

    /// 404. The same for what is missing, what is another tenancy's and what cannot exist.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "Not found",
            "There is nothing here under this address. Check the id in the path.",
        )
    }

    /// 422: the body was understood and is not acceptable.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = "The request breaks a rule; see errors for each member and what would be right.";
        Self {
            errors,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", "Invalid request", detail)
        }
    }

    /// 422 about one member of the body.
    pub fn invalid_field(pointer: &str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { pointer: pointer.to_owned(), detail: detail.into() }])
    }

    /// 400: not what HTTP or JSON ask for.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", "Bad request", detail)
    }

    /// 401.
    pub fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Not signed in",
            "Send a valid context token: Authorization: Bearer … from POST /oauth/token.",
        )
    }

    /// 409: the state of things does not allow it. `detail` may be a rule that the domain tells without capital and full stop.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "Conflict", sentence(&detail.into()))
    }

    /// 409: somebody else was quicker.
    pub(crate) fn changed_meanwhile() -> Self {
        Self::conflict(
            "changed_meanwhile",
            "Somebody else changed this at the same moment. Read it again and repeat.",
        )
    }

    /// 409: somebody must be able to do everything.
    pub(crate) fn last_owner() -> Self {
        Self::conflict(
            "last_owner",
            "A tenancy has at least one active owner. Make somebody else an owner first.",
        )
    }

    /// 409: it must not be destroyed.
    pub(crate) fn legal_hold() -> Self {
        Self::conflict("legal_hold", "A legal hold keeps this. GET /v1/legal-holds says which and why.")
    }

    /// 412: `If-Match` names another version.
    pub fn precondition_failed() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition_failed",
            "Changed in the meantime",
            "Somebody else changed this. Read it again, then repeat your change with its new ETag in If-Match.",
        )
    }

    /// 429: the caller, or its tenancy, has sent more requests than are served in a minute.
    pub fn too_many_requests(standing: &Standing) -> Self {
        let detail = match standing.used_up() {
            Some(share) => format!(
                "This {} has had its {} requests of this minute. Repeat the request in {} seconds.",
                share.policy.as_str(),
                share.limit,
                standing.seconds_left
            ),
            None => format!("Repeat the request in {} seconds.", standing.seconds_left),
        };
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Too many requests", detail)
    }

    /// 403: the tenancy has as many as it may have. Not 429, which clients answer by trying again, and not 409: the thing that is
    /// asked for is in no conflict, it is refused. Kubernetes and Google answer the same.
    pub fn quota_exceeded(quota: Quota, limit: u64) -> Self {
        let things = quota.as_str().replace('_', " ");
        let detail = format!(
            "This tenancy may have {limit} {things} at the same time and has them. Ask whoever runs this service for more."
        );
        Self {
            quota: Some(ExceededQuota { name: quota, limit }),
            ..Self::new(StatusCode::FORBIDDEN, "quota_exceeded", "Quota exceeded", detail)
        }
    }

    /// 413. `largest` is in bytes.
    pub(crate) fn payload_too_large(largest: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            "Body too large",
            format!(
                "Send at most {largest} bytes here. Media goes to the URLs that POST /v1/uploads answers."
            ),
        )
    }

    /// 415.
    pub(crate) fn unsupported_media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Not JSON",
            "Send the body as application/json.",
        )
    }

    /// 409: nothing new is written any more.
    pub fn tenancy_closing() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "tenancy_closing",
            "The tenancy leaves",
            "This tenancy is closing: it is read and exported, and nothing new is written. To go on, cancel its exit \
             before its day: POST /v1/deletions/{deletion}/cancel.",
        )
    }

    /// 410: the tenancy's day has come.
    pub fn tenancy_sealed() -> Self {
        Self::new(
            StatusCode::GONE,
            "tenancy_sealed",
            "The tenancy has left",
            "This tenancy's day has come and it is being destroyed. GET /v1/deletions shows how far that is, and legal \
             holds still stop it.",
        )
    }

    /// 410: it was here, and does not come back.
    pub fn gone(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "gone", "Gone", detail)
    }

    /// 416. `Content-Range` tells how much there is.
    pub fn range_not_satisfiable() -> Self {
        Self::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "range_not_satisfiable",
            "No such range",
            "The range begins behind the end of what is here. Content-Range says how many bytes there are.",
        )
    }

    /// 422: an idempotency key stands for one request.
    pub(crate) fn idempotency_key_reused() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "Idempotency key used before",
            "This Idempotency-Key went with another request in the last 24 hours. Choose a new one.",
        )
    }

    /// 500. What happened is for the log, not for the caller.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Our mistake",
            "Something went wrong on our side. Nothing was lost; quote the request id when you report it.",
        )
    }

    /// 503.
    pub fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Not available right now",
            "A part of the system did not answer in time. Repeat the request in a few seconds.",
        )
    }

    /// The answer, with the request's id in it.
    pub fn into_response(self, request_id: &str) -> Response<Body> {
        let wire = Wire {
            kind: format!("/problems/{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id,
            errors: &self.errors,
            quota: self.quota.as_ref(),
        };
        let mut response = Response::new(Body::Text(serde_json::to_string(&wire).unwrap_or_default()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
        }
        response
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let (code, detail) = match denied {
            Denied::Leaving(_, TenancyState::Sealed) => return Self::tenancy_sealed(),
            Denied::Leaving(..) => return Self::tenancy_closing(),
            Denied::NotAllowed(action) => (
                "permission_denied",
                format!("This needs the permission {action}, which none of your groups gives you."),
            ),
            Denied::MfaRequired(action) => (
                "mfa_required",
                format!(
                    "Your groups allow {action} to those who signed in with a second factor. Sign in with one; \
                     for a machine client, an owner must vouch for it when it is made."
                ),
            ),
        };
        Self::new(StatusCode::FORBIDDEN, code, "Not allowed", detail)
    }
}

/// What the caller's memberships do not cover is not there for them.
impl From<OutOfScope> for Problem {
    fn from(_: OutOfScope) -> Self {
        Self::not_found()
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Conflict => Self::changed_meanwhile(),
            StorageError::LastOwner => Self::last_owner(),
            StorageError::IdempotencyMismatch => Self::idempotency_key_reused(),
            StorageError::QuotaExceeded { quota, limit } => Self::quota_exceeded(quota, limit),
            StorageError::Held(_) => Self::legal_hold(),
            StorageError::NotYet(_) => Self::unavailable(),
            StorageError::Unavailable { .. } => {
                log(&error);
                Self::unavailable()
            }
            StorageError::Denied { .. }
            | StorageError::BeyondGrant
            | StorageError::Corrupt(_)
            | StorageError::NotConfigured(_) => {
                log(&error);
                Self::internal()
            }
        }
    }
}

fn sentence(text: &str) -> String {
    let mut rest = text.trim_end_matches('.').chars();
    rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).chain(['.']).collect()
}

/// The whole chain of causes, for the operator.
fn log(error: &dyn Error) {
    let mut causes = String::new();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push_str(": ");
        causes.push_str(&cause.to_string());
        source = cause.source();
    }
    tracing::error!(%error, causes, "a store failed");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_rfc_9457() {
        let response = Problem::invalid_field("/title", "Give a title.").into_response("r-1");

        let Body::Text(text) = response.body() else { panic!("not text") };
        let body: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(body["type"], "/problems/invalid_request");
        assert_eq!(body["status"], 422);
        assert_eq!(body["request_id"], "r-1");
        assert_eq!(body["errors"][0]["pointer"], "/title");
    }

    #[test]
    fn an_exceeded_quota_is_named_with_its_size() {
        let response = Problem::quota_exceeded(Quota::UnfinishedUploads, 500).into_response("r-1");

        let Body::Text(text) = response.body() else { panic!("not text") };
        let body: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!((&body["status"], &body["code"]), (&403.into(), &"quota_exceeded".into()));
        assert_eq!(body["quota"], serde_json::json!({ "name": "unfinished_uploads", "limit": 500 }));
        assert!(body["detail"].as_str().unwrap().contains("500 unfinished uploads"), "{body}");
    }

    #[test]
    fn a_rule_of_the_domain_is_told_as_a_sentence() {
        let detail = |text: &str| Problem::conflict("not_published", text).detail;
        assert_eq!(
            detail("only a show that is private has listeners"),
            "Only a show that is private has listeners."
        );
        assert_eq!(detail("Two sentences. Both whole."), "Two sentences. Both whole.");
    }

    #[test]
    fn a_store_that_denies_says_nothing_to_the_caller() {
        let error = StorageError::Denied { operation: "dynamodb:GetItem", source: "ten_… secret".into() };
        assert_eq!(Problem::from(error), Problem::internal());
    }
}
