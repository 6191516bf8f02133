//! `cargo run --release -p bench`: what Castkeep's functions take, as ratios to what was measured in the same run.
//!
//! The functions run as they ship, with the place of Lambda taken by [`runtime_api`] and that of AWS by [`stand_in`]. A section of the
//! page is a file of `lines`; [`load`] is the whole stack under many people at once.

mod binaries;
mod cost;
mod lines;
mod load;
mod one_processor;
mod others;
mod page;
mod runtime_api;
mod stand_in;
mod stores;
mod tenancy;
mod wire;
mod world;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::PathBuf,
    process::{Command, ExitCode},
};

use clap::{Parser, Subcommand, ValueEnum};
use http::Method;
use serde_json::{Value, json};

use crate::{
    lines::{decisions, exit, export, functions, instructions, rendering},
    one_processor::OneProcessor,
    others::Others,
    page::Page,
    stand_in::Calls,
    world::{Outcome, World, rest_event},
};

/// Measures Castkeep's functions beside a hello-world in the same run, prints a page and writes tests/bench/RESULTS.md.
///
/// The first run builds everything in the release profile, and installs what it compares with into the target directory.
#[derive(Parser)]
#[command(name = "bench", bin_name = "cargo run --release -p bench --")]
struct Arguments {
    /// End with status 1 where a budget is missed
    #[arg(long)]
    check: bool,
    /// Print the page, and leave RESULTS.md as it is
    #[arg(long)]
    no_results: bool,
    /// Measure this alone, and leave RESULTS.md as it is; may be given more than once
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
    #[command(subcommand)]
    what: Option<What>,
}

/// What of the page can be asked for alone.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Starting the functions
    Initialisation,
    /// Warm latency, decisions, instructions, memory and what they cost
    Events,
    /// How large the functions are
    Size,
    /// Rendering feeds
    Rendering,
    /// A tenancy of 2,000 episodes, 500 listeners and 10,000 versions of objects leaves the local stack
    Exit,
    /// A tenancy takes its media away
    Export,
}

#[derive(Subcommand)]
enum What {
    /// The local stack under many publishers and listeners, twice: the second time its emulator is killed in the middle
    Load(load::Load),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.what {
        Some(What::Load(load)) => load.run().await.map(|()| true),
        None => measure(&arguments).await,
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("\n{error}"));
            ExitCode::FAILURE
        }
    }
}

/// Answers whether all is well: where it is not asked for, a missed budget is.
async fn measure(arguments: &Arguments) -> Outcome<bool> {
    let wants = |part: Part| arguments.only.is_empty() || arguments.only.contains(&part);
    say("Building the functions as they ship …");
    let binaries = binaries::build()?;
    let others = if wants(Part::Initialisation) || wants(Part::Rendering) {
        say("Installing what others wrote …");
        Some(Others::install()?)
    } else {
        None
    };
    let world = World::start(binaries).await?;

    let mut page = Page::default();
    if let Some(others) = others.as_ref().filter(|_| wants(Part::Initialisation)) {
        say("Starting functions …");
        page.add(functions::starts(&world, others).await?);
    }
    let mut measured = None;
    if wants(Part::Events) {
        measured = Some(events(&world, &mut page).await?);
    }
    if wants(Part::Size) {
        page.add(functions::sizes(&world)?);
    }
    if let Some(others) = others.as_ref().filter(|_| wants(Part::Rendering)) {
        say("Rendering …");
        page.add(rendering::measure(others)?);
    }
    if wants(Part::Exit) {
        say("A tenancy leaves …");
        page.add(exit::measure(&world).await?);
    }
    if wants(Part::Export) {
        say("Exporting …");
        let (section, exported) = export::measure(&world).await?;
        page.add(section);
        if let Some(measured) = &mut measured {
            measured.export = Some(exported);
        }
    }
    if let Some(measured) = &measured {
        page.add(cost::section(measured));
    }
    world.stack.stop().await;

    let misses: Vec<_> = page.misses().iter().map(|line| line.name().to_owned()).collect();
    let text = format!("{}{page}", head());
    if !arguments.no_results && arguments.only.is_empty() && binaries::IS_AS_IT_SHIPS {
        fs::write(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md"), &text)?;
    }
    writeln!(io::stdout(), "{text}")?;
    if !misses.is_empty() {
        say(&format!("Over budget: {}.", misses.join("; ")));
    }
    Ok(misses.is_empty() || !arguments.check)
}

/// What one event takes, and what it is made of. Answers what that costs.
async fn events(world: &World, page: &mut Page) -> Outcome<cost::Measured> {
    say("Sending events …");
    let token = world.token("acme_owner").await?;
    let data_token = functions::data_token(world, &token).await?;
    // The demo's feed has one episode: from here on the stand-in has 1,000 in its place.
    let (document, zipped) = rendering::documents()?;
    let zipped_feed = zipped.len();
    world.stand_in.replace(".xml", document);
    world.stand_in.replace(".xml.gz", zipped);
    let cases = functions::cases(world, &token, &data_token).await?;
    let alone = OneProcessor::enter();
    let (mut latency, memory, found) = functions::warm(world, &cases).await?;
    if let Err(error) = &alone {
        latency.note(format!("Not held to one processor, so that ratios are not to be trusted: {error}."));
    }
    drop(alone);
    page.add(latency);
    page.add(decisions::measure(world, &data_token).await?);
    say("Counting instructions …");
    page.add(instructions::measure(world, &cases).await?);
    page.add(memory);
    let publish = publish(world, &token, &data_token).await?;
    Ok(cost::Measured {
        events: cases.iter().map(|case| (case.name, case.count)).collect::<BTreeMap<_, _>>(),
        p50: found.p50,
        calls: found.calls,
        publish,
        zipped_feed,
        export: None,
    })
}

/// What publishing one episode asks of AWS: the API's call, then the renderer's.
async fn publish(world: &World, token: &str, data_token: &str) -> Outcome<Calls> {
    let shows = world.get(token, "/v1/shows").await?;
    let text =
        |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let show = text(&shows, "/data/0/id").ok_or("no show in the demo")?;
    let episodes = world.get(token, &format!("/v1/shows/{show}/episodes")).await?;
    let episode = text(&episodes, "/data/0/id").ok_or("no episode in the demo")?;
    let tenancy = world.get(token, "/v1/tenancy").await?;
    let tenancy = text(&tenancy, "/data/id").ok_or("no tenancy")?;

    let post = |what: &str| {
        rest_event(&Method::POST, &format!("/v1/episodes/{episode}/{what}"), data_token, Some(&json!({})))
    };
    functions::calls_of(world, "shows", &[post("unpublish")]).await?;
    let mut calls = functions::calls_of(world, "shows", &[post("publish")]).await?;
    let message = json!({ "tenancy_id": tenancy, "show_id": show, "as_of": "2026-12-31T00:00:00Z" });
    for (operation, count) in
        functions::calls_of(world, "renderer", &[functions::queue_event(&message)]).await?
    {
        *calls.entry(operation).or_default() += count;
    }
    Ok(calls)
}

/// Where and when the page was made.
fn head() -> String {
    let first_line = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok();
        let text =
            output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        text.lines().next().unwrap_or("not installed").to_owned()
    };
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    format!(
        "# Measured\n\n`cargo run --release -p bench` makes this page. Ratios are to what was measured in the same run, on the same \
         machine; times are of that machine alone.\n\n- {} cores, {}\n- {}\n- {}\n- {}\n- {}\n- release profile: thin LTO, one codegen \
         unit, stripped, panic = abort\n\n",
        std::thread::available_parallelism().map_or(0, usize::from),
        processor.trim_start_matches([' ', '\t', ':']),
        first_line("rustc", &["--version"]),
        first_line("python3", &["--version"]),
        format_args!("Node.js {}", first_line("node", &["--version"])),
        first_line("valgrind", &["--version"]),
    )
}

fn say(line: &str) {
    writeln!(io::stderr(), "{line}").ok();
}
