//! `POST /v1/shows/{show}/listeners`: adds somebody who may listen to a private show, or everybody in a table. Their feed URLs are in
//! this one answer. A table is CSV (RFC 4180) of at most 1,000 rows; its first row names the columns `label` and, where there are
//! any, `email` and `expires_at`. It needs an `Idempotency-Key`: the same request again finishes what was cut off, and answers the
//! same feed URLs. Where a row is wrong nobody is added, and `errors` has pointers such as `/12/email`: the rows after the first
//! are counted from 0. With `Accept: text/csv` the answer is a table too.

use domain::{FeedToken, InvalidRow, Listener, ListenerRows, NewListener, Quota, listeners_to_csv};
use http::{HeaderValue, header};
use lambda_kit::{FieldError, Problem, Reply, Request, created, openapi::Operation};
use schemars::JsonSchema;
use serde::Serialize;
use tenant_context::{ListenerId, ShowId, Timestamp, permission::ManageListeners};
use url::Url;

use crate::{App, view::ListenerView};

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Added {
    /// Who was sent as JSON.
    One(Box<ListenerView>),
    /// Who was in the table, in its order.
    Many(Vec<ListenerView>),
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<ManageListeners>()
        .path_parameter::<ShowId>("show")
        .takes::<NewListener>()
        .takes_as::<String>("text/csv")
        .idempotent()
        .counted(Quota::Listeners)
        .created::<Added>()
        .or_as::<String>("text/csv")
        .with_header_or_without("ETag")
        .problem(show_is_public(
            "A public show has listeners with feed tokens once has_listener_feed is set, a private show anyway.",
        ))
}

pub(crate) async fn create_listener(app: App, request: Request) -> Result<Reply, Problem> {
    if request.is_of_type("text/csv") {
        return create_listeners(app, request).await;
    }
    let context = app.api.tenant(&request).await?;
    let show_id: ShowId = request.parameter("show")?;
    let new: NewListener = request.json()?;
    let now = app.api.storage.now();
    new.check_at(now).map_err(|rule| Problem::invalid_field("/expires_at", rule.to_string()))?;

    let grant = context.ask::<ManageListeners>()?.in_show(&show_id)?;

    let storage = &app.api.storage;
    let show = storage.find_show(&context, &show_id).await?.ok_or_else(Problem::not_found)?;
    let listener =
        Listener::new(ListenerId::new(now, storage.randomness()), &show, new, now).map_err(show_is_public)?;
    let token = FeedToken::new(storage.randomness());
    storage.create_listener(&grant, &listener, &token).await?;

    let (location, version) = (format!("/v1/listeners/{}", listener.id), listener.version);
    let feed_url = app.addresses.with_token(token).feed(&show.slug);
    let added = Added::One(Box::new(ListenerView::new(listener, Some(feed_url), now)));
    Ok(created(added, &location, Some(version)))
}

async fn create_listeners(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let show_id: ShowId = request.parameter("show")?;
    let key = request.idempotency_key()?.ok_or_else(no_key)?;
    let rows = read(&request, app.api.storage.now())?;
    let wants_csv = request.accepts("text/csv");

    let grant = context.ask::<ManageListeners>()?.in_show(&show_id)?;

    let storage = &app.api.storage;
    let show = storage.find_show(&context, &show_id).await?.ok_or_else(Problem::not_found)?;
    let at: Timestamp = app.api.reserve(&request, &grant, |now, _| now).await?.id;
    let drawn = storage.repeatable(&grant, &key, at).await?;
    let mut added = Vec::new();
    for (row, new) in rows.into_listeners().into_iter().enumerate() {
        let id = ListenerId::new(at, &drawn.draw(&format!("{row}/id")));
        let listener = Listener::new(id, &show, new, at).map_err(show_is_public)?;
        added.push((listener, FeedToken::new(&drawn.draw(&format!("{row}/token")))));
    }
    let table = ListenerId::new(at, &drawn.draw("table"));
    storage.create_listeners(&grant, &show_id, table.as_str(), &added).await?;

    let feed_url = |token: FeedToken| app.addresses.with_token(token).feed(&show.slug);
    let added = added.into_iter().map(|(listener, token)| (listener, feed_url(token))).collect();
    answer(&show_id, added, at, wants_csv)
}

fn read(request: &Request, at: Timestamp) -> Result<ListenerRows, Problem> {
    ListenerRows::from_csv(request.body(), at).map_err(|wrong| {
        let error =
            |wrong: InvalidRow| FieldError { pointer: wrong.pointer(), detail: wrong.rule.to_string() };
        Problem::invalid(wrong.into_iter().map(error).collect())
    })
}

fn answer(
    show: &ShowId,
    added: Vec<(Listener, Url)>,
    at: Timestamp,
    wants_csv: bool,
) -> Result<Reply, Problem> {
    let location = format!("/v1/shows/{show}/listeners");
    let csv = listeners_to_csv(added.iter().map(|(listener, url)| (listener, url)));
    let view = |(listener, url)| ListenerView::new(listener, Some(url), at);
    let mut reply = created(Added::Many(added.into_iter().map(view).collect()), &location, None);
    if wants_csv {
        *reply.body_mut() = csv.map_err(|_| Problem::internal())?.into();
        let csv = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
        reply.headers_mut().insert(header::CONTENT_TYPE, csv);
    }
    Ok(reply)
}

fn no_key() -> Problem {
    Problem::bad_request(
        "Send an Idempotency-Key with a table: with it, the same request again finishes what was cut off.",
    )
}

fn show_is_public(why: impl ToString) -> Problem {
    Problem::conflict("show_is_public", why.to_string())
}
