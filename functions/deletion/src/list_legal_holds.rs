//! `GET /v1/legal-holds`: lists what must not be destroyed, and why.

use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use tenant_context::permission::ReadLegalHolds;

use crate::{App, view::LegalHoldView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadLegalHolds>().listed::<LegalHoldView>()
}

pub(crate) async fn list_legal_holds(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let page = request.page(&context, "legal-holds")?;

    context.grant::<ReadLegalHolds>()?;

    let page = app.api.storage.list_holds(&context, &page).await?;

    Ok(request.listed(&context, "legal-holds", page, LegalHoldView::new))
}
