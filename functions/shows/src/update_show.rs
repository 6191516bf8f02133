//! `PATCH /v1/shows/{show}`: changes a show. What is absent stays.

use domain::ShowChanges;
use lambda_kit::{Problem, Reply, Request, ok_at_version, openapi::Operation};
use tenant_context::{ShowId, permission::UpdateShow};

use crate::{App, attachments, view::ShowView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<UpdateShow>()
        .path_parameter::<ShowId>("show")
        .takes::<ShowChanges>()
        .conditional()
        .ok_at_version::<ShowView>()
}

pub(crate) async fn update_show(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id = request.parameter("show")?;
    let changes: ShowChanges = request.json()?;

    let grant = context.ask::<UpdateShow>()?.in_show(&id)?;

    let mut show = app.api.storage.find_show(&context, &id).await?.ok_or_else(Problem::not_found)?;
    request.check_if_match(show.version)?;
    let before = show.clone();
    if show.apply(changes, app.api.storage.now()) {
        if show.attachments() != before.attachments() {
            attachments::check(&app.api.storage, &context, &show.attachments()).await?;
        }
        app.api.storage.update_show(&grant, &show, before.version).await?;
        app.feed_changed(&context, &show.id).await;
    }

    let version = show.version;
    Ok(ok_at_version(ShowView::new(show, &app.addresses), version))
}
