//! `DELETE /v1/listeners/{listener}`: their feed URL has stopped working when this answers.

use lambda_kit::{Problem, Reply, Request, no_content};
use tenant_context::{ListenerId, permission::ManageListeners};

use crate::App;

pub(crate) async fn delete_listener(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id: ListenerId = request.parameter("listener")?;

    let grant = context.grant::<ManageListeners>()?;

    let existed = app.api.storage.delete_listener(&grant, &id).await?;

    if existed { Ok(no_content()) } else { Err(Problem::not_found()) }
}
