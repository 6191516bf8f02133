//! `DELETE /v1/shows/{show}/end`: goes on with a show that was ended: its feed is served again.

use lambda_kit::{Problem, Reply, Request, ok_at_version, openapi::Operation};
use tenant_context::{ShowId, permission::UpdateShow};

use crate::{App, view::ShowView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<UpdateShow>().path_parameter::<ShowId>("show").conditional().ok_at_version::<ShowView>()
}

pub(crate) async fn resume_show(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id = request.parameter("show")?;

    let grant = context.ask::<UpdateShow>()?.in_show(&id)?;

    let mut show = app.api.storage.find_show(&context, &id).await?.ok_or_else(Problem::not_found)?;
    request.check_if_match(show.version)?;
    if show.is_ended() {
        app.bid_farewell(&grant, &mut show, None).await?;
    }

    let version = show.version;
    Ok(ok_at_version(ShowView::new(show, &app.addresses), version))
}
