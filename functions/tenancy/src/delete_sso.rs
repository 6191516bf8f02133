//! `DELETE /v1/tenancy/sso`: lets people sign in with passwords and passkeys alone from now on.

use lambda_kit::{Problem, Reply, Request, no_content, openapi::Operation};
use tenant_context::permission::UpdateSso;

use crate::sso::{App, State, problem, sso_changing};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<UpdateSso>().conditional().no_content().problem(sso_changing())
}

pub(crate) async fn delete_sso(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;

    let grant = context.grant::<UpdateSso>()?;

    let storage = &app.api.storage;
    let found = app.find(&context).await?;
    if found.check_changeable(&request, storage.now())? == State::Off {
        return Err(Problem::not_found());
    }
    storage.update_sso(&grant, None, found.sso.version).await?;
    app.providers.delete(&grant).await.map_err(|error| problem(error, ""))?;
    // Last: while passwords are refused, they stay so until the provider is really gone.
    storage.delete_provider(&grant).await?;

    Ok(no_content())
}
