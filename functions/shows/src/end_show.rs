//! `PUT /v1/shows/{show}/end`: ends a show. Its feed answers 410 from now on, which tells podcast apps to stop asking. What
//! listeners have downloaded links of goes on being served.

use domain::Farewell;
use lambda_kit::{Nothing, Problem, Reply, Request, ok_at_version, openapi::Operation};
use tenant_context::{ShowId, permission::UpdateShow};

use crate::{App, view::ShowView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<UpdateShow>()
        .path_parameter::<ShowId>("show")
        .takes::<Nothing>()
        .conditional()
        .ok_at_version::<ShowView>()
}

pub(crate) async fn end_show(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id = request.parameter("show")?;
    request.json::<Nothing>()?;

    let grant = context.ask::<UpdateShow>()?.in_show(&id)?;

    let mut show = app.api.storage.find_show(&context, &id).await?.ok_or_else(Problem::not_found)?;
    request.check_if_match(show.version)?;
    app.bid_farewell(&grant, &mut show, Some(Farewell::Ended)).await?;

    let version = show.version;
    Ok(ok_at_version(ShowView::new(show, &app.addresses), version))
}
