//! `GET /v1/deletions`: lists deletions, those that have ended too. A page may have fewer than asked for: those in shows that the
//! caller's memberships do not cover are left out.

use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use storage::show_of;
use tenant_context::permission::ReadDeletions;

use crate::{App, view::DeletionView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadDeletions>().listed::<DeletionView>()
}

pub(crate) async fn list_deletions(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let page = request.page(&context, "deletions")?;

    let permit = context.ask::<ReadDeletions>()?;

    let mut page = app.api.storage.list_deletions(&context, &page).await?;
    page.items.retain(|record| permit.in_place(show_of(&record.deletion.subject)).is_ok());
    let mut items = Vec::with_capacity(page.items.len());
    for record in page.items {
        items.push(app.as_held(&context, record).await?);
    }
    page.items = items;

    Ok(request.listed(&context, "deletions", page, |record| DeletionView::new(record.deletion)))
}
