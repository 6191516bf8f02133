//! `DELETE /v1/clients/{client}`: ends a machine client. Its secret has stopped working when this answers; its sessions end within a
//! minute.

use lambda_kit::{Problem, Reply, Request, no_content, openapi::Operation};
use tenant_context::{ClientId, permission::RevokeClient};

use crate::{App, giving};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<RevokeClient>()
        .path_parameter::<ClientId>("client")
        .spares_the_last_owner()
        .no_content()
}

pub(crate) async fn revoke_client(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id: ClientId = request.parameter("client")?;

    let grant = context.grant::<RevokeClient>()?;
    let (client, access) = app.storage.find_client(&context, &id).await?.ok_or_else(Problem::not_found)?;
    giving::check_access(&app, &context, &access).await?;

    app.storage.revoke_client(&grant, &client, &access).await?;

    Ok(no_content())
}
