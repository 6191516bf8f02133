//! Wires the renderer.

use domain::Addresses;
use feeds::{
    announce_feed::announce_feed, herald::Heralds, hub::Hub, podping::Podping, render_feed::render_feed,
};
use lambda_kit::{Failure, open_storage, required, start_logging, variable, work_through};
use serde::Deserialize;
use storage::{AnnounceRequest, RenderRequest};

#[derive(Deserialize)]
#[serde(untagged)]
enum Work {
    Render(RenderRequest),
    Announce(AnnounceRequest),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();
    let storage = &open_storage()?;
    let addresses = &Addresses::public(required("LISTENER_URL")?.parse()?)?;
    let podping = match (variable("PODPING_GATEWAY"), variable("PODPING_TOKEN")) {
        (Some(gateway), Some(token)) => Some(Podping::new(gateway.parse()?, token)),
        _ => None,
    };
    let hub = variable("WEBSUB_HUB").map(|url| url.parse()).transpose()?.map(Hub::new);
    let heralds = &Heralds { hub, podping };

    work_through(async |message| {
        let work = serde_json::from_str(message).map_err(|error| Failure::Poison(error.to_string()))?;
        match work {
            Work::Render(request) => render_feed(storage, addresses, heralds, &request).await,
            Work::Announce(request) => announce_feed(storage, addresses, heralds, &request).await,
        }
    })
    .await
}
