//! `POST /v1/listeners/{listener}/rotate`: gives a listener a new feed URL. The old one has stopped working when this answers.

use domain::FeedToken;
use lambda_kit::{Problem, Reply, Request, ok, openapi::Operation};
use schemars::JsonSchema;
use serde::Serialize;
use tenant_context::{ListenerId, permission::ManageListeners};
use url::Url;

use crate::App;

/// A listener's new address.
#[derive(Serialize, JsonSchema)]
struct Rotated {
    id: ListenerId,
    /// In this one answer and nowhere else.
    feed_url: Url,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ManageListeners>().path_parameter::<ListenerId>("listener").ok::<Rotated>()
}

pub(crate) async fn rotate_feed_token(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id: ListenerId = request.parameter("listener")?;

    let permit = context.ask::<ManageListeners>()?;
    let storage = &app.api.storage;
    let record = storage.find_listener_record(&context, &id).await?.ok_or_else(Problem::not_found)?;
    let grant = permit.in_show(&record.show_id)?;

    let token = FeedToken::new(storage.randomness());
    let show_id = storage.rotate_feed_token(&grant, &id, &token).await?.ok_or_else(Problem::not_found)?;
    let show = storage.find_show(&context, &show_id).await?.ok_or_else(Problem::not_found)?;

    Ok(ok(Rotated { id, feed_url: app.addresses.with_token(token).feed(&show.slug) }))
}
