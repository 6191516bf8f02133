//! `GET /v1/tenancy/sso`: tells how the people of the tenancy sign in through a provider of their own, and what that provider must
//! be told. There is an answer before there is a provider: it needs this first.

use lambda_kit::{Problem, Reply, Request, ok_at_version, openapi::Operation};
use tenant_context::permission::ReadSso;

use crate::sso::{App, SsoView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadSso>().ok_at_version::<SsoView>()
}

pub(crate) async fn find_sso(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    context.grant::<ReadSso>()?;

    let found = app.find(&context).await?;

    let version = found.sso.version;
    Ok(ok_at_version(app.view(&context, found), version))
}
