//! `GET /v1/access-review/attestations`: lists who attested which review, oldest first.

use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use storage::Attestation;
use tenant_context::permission::ReadAccessReview;

use crate::App;

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadAccessReview>().listed::<Attestation>()
}

pub(crate) async fn list_attestations(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let page = request.page(&context, "attestations")?;

    let grant = context.grant::<ReadAccessReview>()?;

    let page = app.storage.list_attestations(&grant, &page).await?;

    Ok(request.listed(&context, "attestations", page, |attestation| attestation))
}
