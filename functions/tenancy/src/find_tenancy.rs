//! `GET /v1/tenancy`: finds the caller's own tenancy.

use lambda_kit::{Problem, Reply, Request, ok, openapi::Operation};
use storage::Tenancy;
use tenant_context::permission::ReadTenancy;

use crate::App;

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadTenancy>().ok::<Tenancy>()
}

pub(crate) async fn find_tenancy(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    context.grant::<ReadTenancy>()?;

    let tenancy = app.storage.find_tenancy(&context).await?.ok_or_else(Problem::not_found)?;

    Ok(ok(tenancy))
}
