//! Wires the authorizer.

use authorizer::{AuthorizerRequest, authorize, unauthorized};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_kit::start_logging();
    let storage = &lambda_kit::open_storage()?;
    let issuer = &lambda_kit::required("API_URL")?;

    run(service_fn(async move |event: LambdaEvent<AuthorizerRequest>| {
        authorize(storage, issuer, &event.payload).await?.ok_or_else(unauthorized)
    }))
    .await
}
