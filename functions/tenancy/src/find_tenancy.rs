//! `GET /v1/tenancy`: finds the caller's own tenancy.

use lambda_kit::{Problem, Reply, Request, ok_at_version, openapi::Operation};
use tenant_context::permission::ReadTenancy;

use crate::{App, view::TenancyView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadTenancy>().ok_at_version::<TenancyView>()
}

pub(crate) async fn find_tenancy(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    context.grant::<ReadTenancy>()?;

    let tenancy = app.storage.find_tenancy(&context).await?.ok_or_else(Problem::not_found)?;

    let version = tenancy.version;
    Ok(ok_at_version(TenancyView::from(tenancy), version))
}
