//! Wires the single sign-on function.

use identity::IdentityProviders;
use lambda_kit::{Api, open_storage, required, serve, start_logging};
use tenancy::SingleSignOn;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();
    let storage = open_storage()?;
    let callback_urls = required("SIGN_IN_CALLBACK_URLS")?.split(',').map(str::to_owned).collect();
    let app = SingleSignOn {
        providers: IdentityProviders::new(
            &storage,
            required("USER_POOL_ID")?,
            required("SIGN_IN_URL")?.parse()?,
            callback_urls,
        ),
        api: Api::new(storage, required("API_URL")?),
    };

    serve(app, tenancy::sso_routes()).await
}
