//! `PUT /v1/legal-holds/{held}`: has nothing of a tenancy, a show, an episode, a user or a listener be destroyed from now on, whatever
//! day it is. What is being destroyed stops at its next item.

use domain::{HoldReason, LegalHold};
use lambda_kit::{Problem, Reply, Request, ok, openapi::Operation};
use schemars::JsonSchema;
use serde::Deserialize;
use tenant_context::permission::ManageLegalHolds;

use crate::{App, held::HeldId, view::LegalHoldView};

/// Why something is held.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewLegalHold {
    /// Why. Whoever looks at a deletion that it stops is told.
    reason: HoldReason,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<ManageLegalHolds>()
        .path_parameter::<HeldId>("held")
        .takes::<NewLegalHold>()
        .ok::<LegalHoldView>()
}

pub(crate) async fn put_legal_hold(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id: HeldId = request.parameter("held")?;
    let NewLegalHold { reason } = request.json()?;

    let grant = context.grant::<ManageLegalHolds>()?;

    let storage = &app.api.storage;
    let subject = storage.find_holdable(&context, id.as_str()).await?.ok_or_else(Problem::not_found)?;
    let placed_by = context.principal().to_string();
    let hold = LegalHold { subject, reason, placed_by, placed_at: storage.now() };
    storage.place_hold(&grant, &hold).await?;

    Ok(ok(LegalHoldView::new(hold)))
}
