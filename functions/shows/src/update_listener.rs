//! `PATCH /v1/listeners/{listener}`: changes what a listener is called, their e-mail address, and when their feed URL stops working. What is absent stays.

use domain::ListenerChanges;
use lambda_kit::{Problem, Reply, Request, ok_at_version, openapi::Operation};
use storage::ListenerWords;
use tenant_context::{ListenerId, permission::ManageListeners};

use crate::{App, view::ListenerAccessView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<ManageListeners>()
        .path_parameter::<ListenerId>("listener")
        .takes::<ListenerChanges>()
        .conditional()
        .ok_at_version::<ListenerAccessView>()
}

pub(crate) async fn update_listener(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id: ListenerId = request.parameter("listener")?;
    let ListenerChanges { label, email, expires_at } = request.json()?;

    let permit = context.ask::<ManageListeners>()?;
    let storage = &app.api.storage;
    let before = storage.find_listener_record(&context, &id).await?.ok_or_else(Problem::not_found)?;
    let grant = permit.in_show(&before.show_id)?;

    request.check_if_match(before.version)?;
    let mut access = before.access;
    if let Some(expires_at) = expires_at {
        access.expires_at = expires_at;
    }
    let words = ListenerWords { label, email, suspension_reason: None };
    let after = storage.update_listener(&grant, &before, access, &words).await?;

    let version = after.version;
    Ok(ok_at_version(ListenerAccessView::new(after, storage.now()), version))
}
