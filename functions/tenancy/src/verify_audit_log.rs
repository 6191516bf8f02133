//! `GET /v1/audit-events/verification`: recomputes the audit log and holds it against its head and its newest anchors.

use domain::{AuditHead, AuditPlace, AuditProblem};
use lambda_kit::{Problem, Reply, Request, openapi::Operation, place};
use schemars::{JsonSchema, json_schema};
use serde::Serialize;
use tenant_context::permission::ReadAudit;

use crate::App;

const LISTING: &str = "audit-events/verification";
/// A few megabytes, which takes seconds.
const MOST_EVENTS: u16 = 20_000;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditVerification")]
struct Verification {
    /// Whether all is as it was, as far as this page goes.
    is_intact: bool,
    events: u64,
    head: Option<AuditHead>,
    problem: Option<AuditProblem>,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadAudit>().paged::<Verification>(
        |_| json_schema!({ "type": "integer", "minimum": 1, "maximum": MOST_EVENTS, "default": MOST_EVENTS }),
    )
}

pub(crate) async fn verify_audit_log(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let page = request.page_of(&context, LISTING, MOST_EVENTS)?;
    let from = place(&page)?.unwrap_or_else(AuditPlace::start);

    let grant = context.grant::<ReadAudit>()?;

    let found = app.storage.verify_audit_log(&grant, from, page.limit).await?;

    let verification = Verification {
        is_intact: found.problem.is_none(),
        events: found.events,
        head: found.head,
        problem: found.problem,
    };
    let next = found.next.map(|place| place.to_string());
    Ok(request.paged(&context, LISTING, verification, next))
}
