//! `DELETE /v1/listeners/{listener}`: deletes a listener. Their feed URL has stopped working when this answers.

use lambda_kit::{Problem, Reply, Request, no_content, openapi::Operation};
use tenant_context::{ListenerId, permission::ManageListeners};

use crate::App;

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<ManageListeners>()
        .path_parameter::<ListenerId>("listener")
        .heeds_legal_holds()
        .no_content()
}

pub(crate) async fn delete_listener(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id: ListenerId = request.parameter("listener")?;

    let permit = context.ask::<ManageListeners>()?;
    let storage = &app.api.storage;
    let record = storage.find_listener_record(&context, &id).await?.ok_or_else(Problem::not_found)?;
    let grant = permit.in_show(&record.show_id)?;

    let existed = storage.delete_listener(&grant, &id).await?;

    if existed { Ok(no_content()) } else { Err(Problem::not_found()) }
}
