//! `POST /v1/listeners/{listener}/suspend`: stops a listener's feed URL until they are resumed. It has stopped working when this
//! answers.

use domain::SuspensionReason;
use lambda_kit::{Problem, Reply, Request, ok_at_version, openapi::Operation};
use schemars::JsonSchema;
use serde::Deserialize;
use storage::ListenerWords;
use tenant_context::{ListenerId, permission::ManageListeners};

use crate::{App, view::ListenerAccessView};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Suspension {
    /// Why, for whoever looks at the listener later. The listener does not see it.
    reason: SuspensionReason,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<ManageListeners>()
        .path_parameter::<ListenerId>("listener")
        .takes::<Suspension>()
        .conditional()
        .ok_at_version::<ListenerAccessView>()
}

pub(crate) async fn suspend_listener(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id: ListenerId = request.parameter("listener")?;
    let Suspension { reason } = request.json()?;

    let permit = context.ask::<ManageListeners>()?;
    let storage = &app.api.storage;
    let before = storage.find_listener_record(&context, &id).await?.ok_or_else(Problem::not_found)?;
    let grant = permit.in_show(&before.show_id)?;

    request.check_if_match(before.version)?;
    let words = ListenerWords { suspension_reason: Some(reason), ..ListenerWords::default() };
    let access = before.access.suspended(storage.now());
    let after = storage.update_listener(&grant, &before, access, &words).await?;

    let version = after.version;
    Ok(ok_at_version(ListenerAccessView::new(after, storage.now()), version))
}
