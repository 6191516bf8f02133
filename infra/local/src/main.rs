//! `cargo run -p local`: Castkeep on this machine.

use std::{
    future::Future,
    io::{Write, stderr, stdout},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use local::{Failure, Options, Ready, Stack};
use tokio::signal::unix::{SignalKind, signal};

/// Runs Castkeep on this machine: the real template and functions on an emulated AWS, with two demo tenancies.
///
/// The first run makes a Python environment, builds everything and takes some minutes; later runs take seconds. The state
/// is kept between runs. Ctrl-C stops everything.
#[derive(Parser)]
#[command(name = "local", bin_name = "cargo run -p local --")]
struct Arguments {
    /// Print one line of JSON when everything runs, instead of a page of what to try
    #[arg(long)]
    json: bool,
    /// Start over with an empty state
    #[arg(long)]
    fresh: bool,
    /// The first of three ports in a row: tenancy API, listener API, emulated AWS
    #[arg(long, value_name = "N", default_value_t = 8400, value_parser = clap::value_parser!(u16).range(1..=65533))]
    port: u16,
    /// Where the state and the emulator's log are kept [default: .local in the project]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            writeln!(stderr(), "\n{failure}").ok();
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let defaults = Options::new();
    let options = Options {
        port: Some(arguments.port),
        home: arguments.state.unwrap_or(defaults.home),
        fresh: arguments.fresh,
        ..defaults
    };
    let stopped = stop_signal()?;
    tokio::pin!(stopped);

    let stack = tokio::select! {
        stack = Stack::start(options) => stack?,
        () = &mut stopped => return Ok(()),
    };
    print_ready(&Ready::new(&stack), arguments.json)?;

    tokio::select! {
        failure = stack.emulator_ended() => return Err(failure),
        () = &mut stopped => {}
    }
    stack.stop().await;
    Ok(())
}

fn print_ready(ready: &Ready, as_json: bool) -> Result<(), Failure> {
    let line = if as_json { serde_json::to_string(ready).unwrap_or_default() } else { ready.to_string() };
    writeln!(stdout(), "{line}")
        .and_then(|()| stdout().flush())
        .map_err(|error| Failure::new(format!("Nobody reads the ready line: {error}."), "Keep stdout open."))
}

/// Ready at the first Ctrl-C or SIGTERM.
fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    let listen = |kind| {
        signal(kind)
            .map_err(|error| Failure::new(format!("Signals cannot be heard: {error}."), "Start again."))
    };
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
