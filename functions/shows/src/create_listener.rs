//! `POST /v1/shows/{show}/listeners`: adds somebody who may listen to a private show. Their feed URL is in this one answer.

use domain::{FeedToken, Listener, ListenerLabel, Quota};
use lambda_kit::{Problem, Reply, Request, created, openapi::Operation};
use schemars::JsonSchema;
use serde::Deserialize;
use tenant_context::{ListenerId, ShowId, permission::ManageListeners};

use crate::{App, view::ListenerView};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewListener {
    /// How to tell them from others.
    label: ListenerLabel,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<ManageListeners>()
        .path_parameter::<ShowId>("show")
        .takes::<NewListener>()
        .counted(Quota::Listeners)
        .created::<ListenerView>()
        .problem(show_is_public("Only a private show has listeners with feed tokens."))
}

pub(crate) async fn create_listener(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let show_id: ShowId = request.parameter("show")?;
    let NewListener { label } = request.json()?;

    let grant = context.ask::<ManageListeners>()?.in_show(&show_id)?;

    let storage = &app.api.storage;
    let show = storage.find_show(&context, &show_id).await?.ok_or_else(Problem::not_found)?;
    let now = storage.now();
    let listener = Listener::new(ListenerId::new(now, storage.randomness()), &show, label, now)
        .map_err(show_is_public)?;
    let token = FeedToken::new(storage.randomness());
    storage.create_listener(&grant, &listener, &token).await?;

    let location = format!("/v1/shows/{show_id}/listeners");
    let feed_url = app.addresses.with_token(token).feed(&show.slug);
    Ok(created(ListenerView::new(listener, Some(feed_url)), &location, None))
}

fn show_is_public(why: impl ToString) -> Problem {
    Problem::conflict("show_is_public", why.to_string())
}
