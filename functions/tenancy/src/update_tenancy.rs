//! `PATCH /v1/tenancy`: changes what the caller's own tenancy is called. What is absent stays.

use domain::TenancyName;
use lambda_kit::{Problem, Reply, Request, ok_at_version, openapi::Operation};
use schemars::JsonSchema;
use serde::Deserialize;
use tenant_context::permission::UpdateTenancy;

use crate::{App, view::TenancyView};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TenancyChanges")]
struct Changes {
    #[serde(default)]
    name: Option<TenancyName>,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<UpdateTenancy>().takes::<Changes>().conditional().ok_at_version::<TenancyView>()
}

pub(crate) async fn update_tenancy(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let Changes { name } = request.json()?;

    let grant = context.grant::<UpdateTenancy>()?;

    let mut tenancy = app.storage.find_tenancy(&context).await?.ok_or_else(Problem::not_found)?;
    request.check_if_match(tenancy.version)?;
    if let Some(name) = name.filter(|name| *name != tenancy.name) {
        tenancy = app.storage.rename_tenancy(&grant, tenancy, name).await?;
    }

    let version = tenancy.version;
    Ok(ok_at_version(TenancyView::from(tenancy), version))
}
