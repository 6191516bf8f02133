//! `GET /v1/access-review`: tells who may do what, since when, by whose leave, and when they last did. As JSON, page by page, or
//! whole as CSV for those who ask with `Accept: text/csv`.

use http::{HeaderValue, header};
use lambda_kit::{Problem, Reply, Request, openapi::Operation, place};
use schemars::JsonSchema;
use serde::Serialize;
use tenant_context::permission::ReadAccessReview;

use crate::App;

const LISTING: &str = "access-review";
const CSV: &str = "text/csv";

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AccessReview")]
struct View<'a> {
    /// What `POST /v1/access-review/attestations` wants to know: the SHA-256 of who may do what, on all pages. Where one page has
    /// another than the page before, access has changed in between.
    sha256: &'a str,
    rows: &'a [domain::ReviewedAccess],
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadAccessReview>().listed_within::<View>().or_as::<String>(CSV)
}

pub(crate) async fn review_access(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let page = request.page(&context, LISTING)?;
    let after = place(&page)?;
    let wants_csv = request.accepts(CSV);

    let grant = context.grant::<ReadAccessReview>()?;

    let review = app.storage.review_access(&grant).await?;

    let digest = review.digest();
    let (rows, next) = review.page(after.as_ref(), page.limit);
    let view = View { sha256: digest.as_str(), rows };
    let mut reply = request.paged(&context, LISTING, view, next.map(|place| place.to_string()));
    if wants_csv {
        let csv = review.to_csv().map_err(|_| Problem::internal())?;
        *reply.body_mut() = csv.into();
        let csv = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
        reply.headers_mut().insert(header::CONTENT_TYPE, csv);
    }
    reply.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    Ok(reply)
}
