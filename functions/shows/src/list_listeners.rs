//! `GET /v1/shows/{show}/listeners`: lists a private show's listeners, without their feed URLs.

use lambda_kit::{Problem, Reply, Request, openapi::Operation};
use tenant_context::{ShowId, permission::ReadListeners};

use crate::{App, view::ListenerView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadListeners>().path_parameter::<ShowId>("show").listed::<ListenerView>()
}

pub(crate) async fn list_listeners(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let show: ShowId = request.parameter("show")?;
    let listing = format!("{show}/listeners");
    let page = request.page(&context, &listing)?;

    let grant = context.ask::<ReadListeners>()?.in_show(&show)?;

    app.api.storage.find_show(&context, &show).await?.ok_or_else(Problem::not_found)?;
    let page = app.api.storage.list_listeners(&grant, &show, &page).await?;

    let now = app.api.storage.now();
    Ok(request.listed(&context, &listing, page, |listener| ListenerView::new(listener, None, now)))
}
