//! `GET /v1/deletions/{deletion}`: finds a deletion: how far it got, what holds it, and what it has destroyed.

use lambda_kit::{Problem, Reply, Request, ok, openapi::Operation};
use storage::show_of;
use tenant_context::{DeletionId, permission::ReadDeletions};

use crate::{App, view::DeletionView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadDeletions>().path_parameter::<DeletionId>("deletion").ok::<DeletionView>()
}

pub(crate) async fn find_deletion(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id = request.parameter("deletion")?;

    let permit = context.ask::<ReadDeletions>()?;
    let record = app.api.storage.find_deletion(&context, &id).await?.ok_or_else(Problem::not_found)?;
    permit.in_place(show_of(&record.deletion.subject))?;

    let record = app.as_held(&context, record).await?;
    Ok(ok(DeletionView::new(record.deletion)))
}
