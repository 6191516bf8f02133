//! `POST /v1/listeners/{listener}/resume`: lets a suspended listener's feed URL work again, unless it has expired.

use lambda_kit::{Nothing, Problem, Reply, Request, ok_at_version, openapi::Operation};
use storage::ListenerWords;
use tenant_context::{ListenerId, permission::ManageListeners};

use crate::{App, view::ListenerAccessView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<ManageListeners>()
        .path_parameter::<ListenerId>("listener")
        .takes::<Nothing>()
        .conditional()
        .ok_at_version::<ListenerAccessView>()
}

pub(crate) async fn resume_listener(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id: ListenerId = request.parameter("listener")?;
    let Nothing {} = request.json()?;

    let permit = context.ask::<ManageListeners>()?;
    let storage = &app.api.storage;
    let before = storage.find_listener_record(&context, &id).await?.ok_or_else(Problem::not_found)?;
    let grant = permit.in_show(&before.show_id)?;

    request.check_if_match(before.version)?;
    let access = before.access.resumed();
    let after = storage.update_listener(&grant, &before, access, &ListenerWords::default()).await?;

    let version = after.version;
    Ok(ok_at_version(ListenerAccessView::new(after, storage.now()), version))
}
