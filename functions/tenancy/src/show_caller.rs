//! `GET /v1/me`: who the context token is for, and what it allows.

use lambda_kit::{Problem, Reply, Request, ok};
use serde::Serialize;
use tenant_context::{Action, Group, TenancyId};

use crate::App;

#[derive(Serialize)]
struct Caller<'a> {
    principal_id: String,
    tenancy_id: &'a TenancyId,
    groups: &'a [Group],
    permissions: Vec<&'static str>,
}

pub(crate) async fn show_caller(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;

    let allowed =
        Action::ALL.iter().filter(|action| context.groups().iter().any(|group| group.allows(**action)));

    Ok(ok(Caller {
        principal_id: context.principal().to_string(),
        tenancy_id: context.tenancy(),
        groups: context.groups(),
        permissions: allowed.map(|action| action.as_str()).collect(),
    }))
}
