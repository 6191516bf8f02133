//! Wires the listener API.

use domain::Addresses;
use feeds::{
    hub::Hub,
    listen::{Listen, routes},
};
use lambda_kit::{open_storage, required, serve, start_logging, variable};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();
    let addresses = Addresses::public(required("LISTENER_URL")?.parse()?)?;
    let hub = variable("WEBSUB_HUB").map(|url| url.parse()).transpose()?.map(Hub::new);

    let listen = Listen::new(open_storage()?, addresses, hub);
    let listen = if variable("MAIL_FROM").is_some() { listen.with_mail() } else { listen };

    serve(listen, routes()).await
}
