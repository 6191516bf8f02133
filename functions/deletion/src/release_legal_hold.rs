//! `DELETE /v1/legal-holds/{held}`: releases a legal hold. What it stopped goes on from there within the hour.

use lambda_kit::{Problem, Reply, Request, no_content, openapi::Operation};
use tenant_context::permission::ManageLegalHolds;

use crate::{App, held::HeldId};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ManageLegalHolds>().path_parameter::<HeldId>("held").no_content()
}

pub(crate) async fn release_legal_hold(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id: HeldId = request.parameter("held")?;

    let grant = context.grant::<ManageLegalHolds>()?;

    let was_held = app.api.storage.release_hold(&grant, id.as_str()).await?;
    if was_held { Ok(no_content()) } else { Err(Problem::not_found()) }
}
