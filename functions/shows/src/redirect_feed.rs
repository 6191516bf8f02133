//! `PUT /v1/shows/{show}/redirect`: sends podcast apps to the show's feed elsewhere: 301 from now on, and `itunes:new-feed-url`.
//! What listeners have downloaded links of goes on being served.

use domain::{Farewell, Visibility, WebUrl};
use lambda_kit::{Problem, Reply, Request, ok_at_version, openapi::Operation};
use schemars::JsonSchema;
use serde::Deserialize;
use tenant_context::{ShowId, permission::UpdateShow};

use crate::{App, view::ShowView};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redirect {
    /// Where the feed is now. Not where it was.
    feed_url: WebUrl,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<UpdateShow>()
        .path_parameter::<ShowId>("show")
        .takes::<Redirect>()
        .conditional()
        .problem(private_show())
        .ok_at_version::<ShowView>()
}

pub(crate) async fn redirect_feed(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id = request.parameter("show")?;
    let Redirect { feed_url } = request.json()?;

    let grant = context.ask::<UpdateShow>()?.in_show(&id)?;

    let mut show = app.api.storage.find_show(&context, &id).await?.ok_or_else(Problem::not_found)?;
    request.check_if_match(show.version)?;
    if show.visibility == Visibility::Private {
        return Err(private_show());
    }
    if feed_url.as_str() == app.addresses.feed(&show.slug).as_str() {
        return Err(Problem::invalid_field(
            "/feed_url",
            "Give another address than the one that the feed has here.",
        ));
    }
    app.bid_farewell(&grant, &mut show, Some(Farewell::Moved { feed_url })).await?;

    let version = show.version;
    Ok(ok_at_version(ShowView::new(show, &app.addresses), version))
}

/// Each listener of a private show has an address of their own; one for all of them elsewhere would be everybody's.
fn private_show() -> Problem {
    Problem::conflict(
        "show_is_private",
        "Only the feed of a public show can be redirected: each listener of a private show needs a new address of their own.",
    )
}
