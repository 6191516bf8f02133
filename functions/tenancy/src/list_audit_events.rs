//! `GET /v1/audit-events`: the audit log in its order, from the first event on, as JSON or one event a line.

use domain::{AuditEvent, AuditFilter};
use lambda_kit::{Problem, Reply, Request, openapi::Operation, place};
use tenant_context::{Timestamp, permission::ReadAudit};

use crate::App;

const LINES: &str = "application/x-ndjson";
const LONGEST_NAME: usize = 64;

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<ReadAudit>()
        .query_parameter::<String>("action")
        .query_parameter::<String>("principal")
        .query_parameter::<String>("subject")
        .query_parameter::<Timestamp>("after")
        .query_parameter::<Timestamp>("before")
        .listed::<AuditEvent>()
        .or_as::<String>(LINES)
}

pub(crate) async fn list_audit_events(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let filter = filter(&request)?;
    let listing = listing(&filter);
    let page = request.page(&context, &listing)?;
    let after = place(&page)?;

    let grant = context.grant::<ReadAudit>()?;

    let page = app.storage.list_audit_events(&grant, &filter, after, page.limit).await?;

    if request.accepts(LINES) {
        Ok(request.listed_in_lines(&context, &listing, page))
    } else {
        Ok(request.listed(&context, &listing, page, |event: AuditEvent| event))
    }
}

fn filter(request: &Request) -> Result<AuditFilter, Problem> {
    Ok(AuditFilter {
        action: name(request, "action")?,
        principal: name(request, "principal")?,
        subject: name(request, "subject")?,
        after: moment(request, "after")?,
        before: moment(request, "before")?,
    })
}

/// An id, or the name of an action or a worker.
fn name(request: &Request, parameter: &str) -> Result<Option<String>, Problem> {
    let is_name = |text: &str| {
        (1..=LONGEST_NAME).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte))
    };
    match request.query(parameter) {
        Some(text) if !is_name(text) => {
            Err(Problem::bad_request(format!("{parameter} must be a name as it is in audit events.")))
        }
        text => Ok(text.map(str::to_owned)),
    }
}

fn moment(request: &Request, parameter: &str) -> Result<Option<Timestamp>, Problem> {
    let moment = request.query(parameter).map(str::parse).transpose();
    moment.map_err(|invalid| Problem::bad_request(format!("{parameter} is {invalid}.")))
}

/// A cursor goes on with the same filter only.
fn listing(filter: &AuditFilter) -> String {
    let AuditFilter { action, principal, subject, after, before } = filter;
    let names = [action, principal, subject].map(|name| name.as_deref().unwrap_or_default());
    let moments = [after, before].map(|moment| moment.map(|moment| moment.to_string()).unwrap_or_default());
    format!("audit-events/{}/{}", names.join("/"), moments.join("/"))
}
