//! `GET /v1/listeners/{listener}`: finds a listener, without their feed URL.

use lambda_kit::{Problem, Reply, Request, ok_at_version, openapi::Operation};
use tenant_context::{ListenerId, permission::ReadListeners};

use crate::{App, view::ListenerView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<ReadListeners>()
        .path_parameter::<ListenerId>("listener")
        .ok_at_version::<ListenerView>()
}

pub(crate) async fn find_listener(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id: ListenerId = request.parameter("listener")?;

    let permit = context.ask::<ReadListeners>()?;
    let storage = &app.api.storage;
    let record = storage.find_listener_record(&context, &id).await?.ok_or_else(Problem::not_found)?;
    let grant = permit.in_show(&record.show_id)?;

    let listener = storage.find_listener(&grant, &id).await?.ok_or_else(Problem::not_found)?;

    let version = listener.version;
    Ok(ok_at_version(ListenerView::new(listener, None, storage.now()), version))
}
