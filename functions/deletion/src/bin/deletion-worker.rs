//! Wires what carries out the deletions of one tenancy.

use deletion::{account::Accounts, carry_out::carry_out_deletions};
use lambda_kit::{Failure, open_storage, required, start_logging, work_through};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_logging();
    let storage = &open_storage()?;
    let accounts = &Accounts::new(storage, &required("USER_POOL_ID")?, &required("CERTIFIED_BY")?.parse()?);

    work_through(async |message| {
        let request = serde_json::from_str(message).map_err(|error| Failure::Poison(error.to_string()))?;
        carry_out_deletions(storage, accounts, &request).await
    })
    .await
}
