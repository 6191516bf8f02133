//! `GET /v1/access-review`: tells who may do what, since when, by whose leave, and when they last did. As JSON, or as CSV for those
//! who ask with `Accept: text/csv`.

use http::{HeaderValue, header};
use lambda_kit::{Problem, Reply, Request, ok, openapi::Operation};
use schemars::JsonSchema;
use serde::Serialize;
use tenant_context::permission::ReadAccessReview;

use crate::App;

const CSV: &str = "text/csv";

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AccessReview")]
struct View<'a> {
    /// What `POST /v1/access-review/attestations` wants to know: the SHA-256 of who may do what.
    sha256: &'a str,
    rows: &'a [domain::ReviewedAccess],
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadAccessReview>().ok::<View>().or_as::<String>(CSV)
}

pub(crate) async fn review_access(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let wants_csv = request.accepts(CSV);

    let grant = context.grant::<ReadAccessReview>()?;

    let review = app.storage.review_access(&grant).await?;

    let digest = review.digest();
    let mut reply = ok(View { sha256: digest.as_str(), rows: review.rows() });
    if wants_csv {
        let csv = review.to_csv().map_err(|_| Problem::internal())?;
        *reply.body_mut() = csv.into();
        let csv = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
        reply.headers_mut().insert(header::CONTENT_TYPE, csv);
    }
    reply.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    Ok(reply)
}
