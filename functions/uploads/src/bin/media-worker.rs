//! Wires the media worker: the function, and the child process in which it has files looked into.

use std::{env, process::ExitCode};

use lambda_kit::{Failure, open_storage, start_logging, work_through};
use uploads::{
    parse,
    process_upload::{ScanVerdict, process_upload},
    sandbox::{CHILD, Sandbox},
};

fn main() -> Result<ExitCode, lambda_http::Error> {
    let mut arguments = env::args().skip(1);
    if arguments.next().as_deref() == Some(CHILD) {
        return Ok(parse::run(&arguments.next().unwrap_or_default()));
    }
    work()?;
    Ok(ExitCode::SUCCESS)
}

#[tokio::main(flavor = "current_thread")]
async fn work() -> Result<(), lambda_http::Error> {
    start_logging();
    let storage = &open_storage()?;
    let sandbox = &Sandbox::new(env::current_exe()?);

    work_through(async |message| {
        let verdict = ScanVerdict::read(message).map_err(|error| Failure::Poison(error.to_string()))?;
        process_upload(storage, sandbox, &verdict).await
    })
    .await
}
