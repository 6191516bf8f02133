//! `DELETE /v1/clients/{client}`: its secret has stopped working when this answers; its sessions end within a minute.

use lambda_kit::{Problem, Reply, Request, no_content};
use tenant_context::{ClientId, permission::RevokeClient};

use crate::{App, giving};

pub(crate) async fn revoke_client(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id: ClientId = request.parameter("client")?;

    let grant = context.grant::<RevokeClient>()?;
    let (client, access) = app.storage.find_client(&context, &id).await?.ok_or_else(Problem::not_found)?;
    giving::check_access(&app, &context, &access).await?;

    app.storage.revoke_client(&grant, &client, &access).await?;

    Ok(no_content())
}
