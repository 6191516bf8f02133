//! `GET /v1/me`: shows who the context token is for, and what it allows.

use lambda_kit::{Problem, Reply, Request, ok, openapi::Operation};
use schemars::JsonSchema;
use serde::Serialize;
use tenant_context::{Action, Membership, TenancyId, Timestamp};

use crate::App;

#[derive(Serialize, JsonSchema)]
struct Caller<'a> {
    /// The id of the person or the machine client.
    principal_id: String,
    tenancy_id: &'a TenancyId,
    memberships: &'a [Membership],
    /// When they showed a second factor; null when they did not.
    mfa_at: Option<Timestamp>,
    /// What they may do in the tenancy, or in one of its shows at least.
    #[schemars(with = "Vec<Action>")]
    permissions: Vec<&'static str>,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.signed_in().ok::<Caller>()
}

pub(crate) async fn show_caller(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;

    let allowed = Action::ALL.iter().filter(|action| context.may(**action));

    Ok(ok(Caller {
        principal_id: context.principal().to_string(),
        tenancy_id: context.tenancy(),
        memberships: context.memberships(),
        mfa_at: context.mfa_at(),
        permissions: allowed.map(|action| action.as_str()).collect(),
    }))
}
