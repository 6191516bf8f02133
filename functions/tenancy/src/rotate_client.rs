//! `POST /v1/clients/{client}/rotate`: gives a machine client a new secret, in this one answer. The old one has stopped working when
//! this answers; sessions that began with it end within a minute.

use lambda_kit::{Nothing, Problem, Reply, Request, ok, openapi::Operation};
use storage::Secret;
use tenant_context::{ClientId, permission::RotateClient};

use crate::{App, giving, view::ClientWithSecret};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<RotateClient>()
        .path_parameter::<ClientId>("client")
        .takes::<Nothing>()
        .ok::<ClientWithSecret>()
}

pub(crate) async fn rotate_client(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.tenant(&request).await?;
    let id: ClientId = request.parameter("client")?;
    let Nothing {} = request.json()?;

    let grant = context.grant::<RotateClient>()?;
    let (client, access) = app.storage.find_client(&context, &id).await?.ok_or_else(Problem::not_found)?;
    giving::check_access(&app, &context, &access).await?;

    let secret = Secret::generate(app.storage.randomness());
    let client = app.storage.rotate_client(&grant, client, &access, &secret).await?;

    Ok(ok(ClientWithSecret::new((client, access), &secret)))
}
