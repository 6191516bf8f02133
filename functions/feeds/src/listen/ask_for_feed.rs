//! `POST /shows/{slug}/listeners`: asks for a feed of one's own, with an e-mail address. Where the show admits the address's domain,
//! a mail with a feed URL goes there, and a feed URL that went there before stops working. The answer is always the same, and says
//! nothing of the show, the address or its domain. Few mails go to one address in an hour, and not many for one show.

use std::time::Duration;

use domain::{EmailAddress, Slug};
use http::StatusCode;
use lambda_kit::{Problem, Reply, Request, json, openapi::Operation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::WelcomeRequest;
use tenant_context::ListenerId;

use crate::listen::{App, Listen, find_show};

/// Whatever is found out takes less, mostly: how long an answer takes should not tell what it was.
const LEAST_TIME: Duration = Duration::from_millis(500);

/// Who asks for a feed of their own.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewAsker {
    /// Where the feed URL goes.
    email: EmailAddress,
}

/// What everybody is told.
#[derive(Serialize, JsonSchema)]
struct Asked {
    data: AskedData,
}

#[derive(Serialize, JsonSchema)]
struct AskedData {
    /// For people to read; always the same.
    detail: &'static str,
}

const ASKED: Asked = Asked {
    data: AskedData {
        detail: "If this address may have a feed of this show, a mail with its URL is on its way.",
    },
};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .path_parameter::<Slug>("slug")
        .takes::<NewAsker>()
        .document::<Asked>(StatusCode::ACCEPTED, "application/json", "Heard, whatever comes of it.")
        .problem(Problem::not_found())
}

pub(crate) async fn ask_for_feed(app: App, request: Request) -> Result<Reply, Problem> {
    if !app.sends_mail {
        return Err(Problem::not_found());
    }
    let slug: String = request.parameter("slug")?;
    let NewAsker { email } = request.json()?;

    // What goes wrong in here says something of the show, so it is not told either.
    let (passed_on, ()) = tokio::join!(pass_on(&app, &slug, email), tokio::time::sleep(LEAST_TIME));
    if let Err(problem) = passed_on {
        tracing::error!(code = problem.code, "who asks for a feed was not passed on");
    }

    Ok(json(StatusCode::ACCEPTED, &ASKED))
}

/// Asks for the mail, where the show admits the address.
async fn pass_on(app: &Listen, slug: &str, email: EmailAddress) -> Result<(), Problem> {
    let Ok(slug) = slug.parse() else { return Ok(()) };
    let Some((context, show_id, pointer)) = find_show(app, &slug).await? else { return Ok(()) };
    if !pointer.admits(&email) {
        return Ok(());
    }

    let storage = &app.storage;
    let as_of = storage.now();
    let listener_id = ListenerId::new(as_of, storage.randomness());
    let tenancy_id = context.tenancy().clone();
    Ok(storage.request_welcome(&WelcomeRequest { tenancy_id, show_id, listener_id, email, as_of }).await?)
}
