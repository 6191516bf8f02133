//! Wires the deletion function.

use deletion::Deletions;
use lambda_kit::{Api, open_storage, required, serve, start_logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();
    let app = Deletions { api: Api::new(open_storage()?, required("API_URL")?) };

    serve(app, deletion::routes()).await
}
