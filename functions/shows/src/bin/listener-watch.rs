//! Wires what sees to listeners: the watch over their feed tokens, and the welcome of those who ask for one.

use domain::Addresses;
use lambda_kit::{Failure, open_storage, required, start_logging, variable, work_through};
use serde::Deserialize;
use shows::{mail::Mail, watch_listener::watch_listener, welcome_listener::welcome_listener};
use storage::{WatchRequest, WelcomeRequest};

/// The more telling one first: a message for a welcome has all that one for a watch has.
#[derive(Deserialize)]
#[serde(untagged)]
enum Work {
    Welcome(WelcomeRequest),
    Watch(WatchRequest),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();
    let storage = &open_storage()?;
    let addresses = &Addresses::public(required("LISTENER_URL")?.parse()?)?;
    let from = variable("MAIL_FROM").map(|address| address.parse()).transpose()?;
    let mail = &from.map(|from| Mail::new(storage.sdk_config(), from));

    work_through(async |message| {
        let work = serde_json::from_str(message).map_err(|error| Failure::Poison(error.to_string()))?;
        match (work, mail) {
            (Work::Watch(request), _) => watch_listener(storage, &request).await,
            (Work::Welcome(request), Some(mail)) => {
                welcome_listener(storage, mail, addresses, &request).await
            }
            // Asked for while the deployment still sent mail.
            (Work::Welcome(_), None) => Ok(()),
        }
    })
    .await
}
