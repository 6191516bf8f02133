//! `GET /v1/tenancy`: the caller's own tenancy.

use lambda_kit::{Problem, Reply, Request, ok};
use tenant_context::permission::ReadTenancy;

use crate::App;

pub(crate) async fn find_tenancy(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    context.grant::<ReadTenancy>()?;

    let tenancy = app.storage.find_tenancy(&context).await?.ok_or_else(Problem::not_found)?;

    Ok(ok(tenancy))
}
