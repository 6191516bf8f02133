//! Starting a function, and what it takes for one event, beside the smallest function that there is.

use std::{collections::BTreeMap, time::Duration};

use http::Method;
use serde_json::{Value, json};

use super::{ratio, readable};
use crate::{
    binaries::zipped_size,
    others::Others,
    page::{Budget, Section},
    runtime_api::{Function, Program, Run},
    stand_in::Calls,
    world::{Outcome, World, authorizer_event, http_event, rest_event},
};

/// How many events each measurement is of.
pub const EVENTS: usize = 20_000;
/// Feeds of 1,000 episodes are half a megabyte each: fewer of them say as much.
const LARGE_EVENTS: usize = 2_000;
/// Events of the two functions that others are compared with, before and after each of those.
const FLOOR_EVENTS: usize = 5_000;
const STARTS: usize = 15;

/// The functions that answer people and apps.
const API: [&str; 6] = ["authorizer", "feeds", "sessions", "shows", "tenancy", "uploads"];

/// One kind of event, and what its budget is held against.
pub struct Case {
    pub name: &'static str,
    pub binary: &'static str,
    pub event: Vec<u8>,
    /// What the answer's status is; 0 where answers have none.
    status: u16,
    /// How many of it are sent.
    pub count: usize,
    against: Against,
}

#[derive(Clone, Copy)]
enum Against {
    /// p50 ÷ hello.
    Hello(f64),
    /// p50 without its AWS calls, each as dear as the one of `hello_aws`, ÷ hello.
    HelloApartFromAws(f64),
    Nothing,
}

/// What was found out, for other sections.
pub struct Found {
    /// Half of the events took less, by case.
    pub p50: BTreeMap<&'static str, Duration>,
    /// What one warm event asks of AWS, by case.
    pub calls: BTreeMap<&'static str, Calls>,
}

/// What the authorizer hands over for a context token.
///
/// # Errors
/// Where it hands over nothing.
pub async fn data_token(world: &World, token: &str) -> Outcome<String> {
    let authorizer = Function::start(&world.function("authorizer").await?)?;
    let answer: Value = serde_json::from_slice(&authorizer.run(&authorizer_event(token), 1)?.answer)?;
    Ok(answer.pointer("/context/data_token").and_then(Value::as_str).ok_or("no data token")?.to_owned())
}

/// The events of every function, with a fresh token and what the authorizer hands over for it.
///
/// # Errors
/// Where the stack does not give what they need.
pub async fn cases(world: &World, token: &str, data_token: &str) -> Outcome<Vec<Case>> {
    let shows = world.get(token, "/v1/shows").await?;
    let show = shows.pointer("/data/0/id").and_then(Value::as_str).ok_or("no show in the demo")?;
    let get = |path: &str| rest_event(&Method::GET, path, data_token, None);
    let api = |name, binary, path: &str| Case {
        name,
        binary,
        event: get(path),
        status: 200,
        count: EVENTS,
        against: Against::HelloApartFromAws(1.5),
    };
    let feed = |name, headers: &[(&str, &str)], status, against| Case {
        name,
        binary: "feeds",
        event: http_event("/feeds/acme-newsroom.xml", headers),
        status,
        count: if status == 200 { LARGE_EVENTS } else { EVENTS },
        against,
    };
    let etag = feed_etag(world).await?;

    Ok(vec![
        Case {
            name: "authorizer, token verified",
            binary: "authorizer",
            event: authorizer_event(token),
            status: 0,
            count: EVENTS,
            against: Against::Hello(3.0),
        },
        feed("feed, 304", &[("if-none-match", &etag)], 304, Against::Hello(1.1)),
        feed(
            "feed of 1,000 episodes, 200 in gzip",
            &[("accept-encoding", "gzip")],
            200,
            Against::Hello(15.0),
        ),
        feed("feed of 1,000 episodes, 200 as it is", &[], 200, Against::Nothing),
        api("sessions, GET /.well-known/jwks.json", "sessions", "/.well-known/jwks.json"),
        api("tenancy, GET /v1/me", "tenancy", "/v1/me"),
        api("tenancy, GET /v1/tenancy", "tenancy", "/v1/tenancy"),
        Case { against: Against::Nothing, ..api("tenancy, GET /v1/users", "tenancy", "/v1/users") },
        api("shows, GET /v1/shows", "shows", "/v1/shows"),
        api("shows, GET /v1/shows/{show}", "shows", &format!("/v1/shows/{show}")),
        api("shows, GET /v1/shows/{show}/episodes", "shows", &format!("/v1/shows/{show}/episodes")),
        api("uploads, GET /v1/uploads", "uploads", "/v1/uploads"),
    ])
}

/// The tag of the demo's feed.
async fn feed_etag(world: &World) -> Outcome<String> {
    let request = http::Request::get(format!("{}/feeds/acme-newsroom.xml", world.stack.listener()));
    let answer = world.stack.http().send(request.body(bytes::Bytes::new())?).await?;
    let etag = answer.headers().get(http::header::ETAG).ok_or("the demo's feed has no ETag")?;
    Ok(etag.to_str()?.to_owned())
}

/// Size, start, and memory after the start of every function.
///
/// # Errors
/// Where one does not start.
pub async fn starts(world: &World, others: &Others) -> Outcome<Section> {
    let mut section = Section::new(
        "Initialisation",
        &format!(
            "From the start of the process until it asks for its first event: the median of {STARTS}, all functions in turn, so that \
             what else the machine does meets all of them alike. ÷ hello; for Python and Node.js, theirs ÷ our slowest."
        ),
    );
    let mut programs =
        vec![("hello", world.hello("hello")?), ("hello with three AWS clients", world.hello("hello_aws")?)];
    for name in API {
        programs.push((name, world.function(name).await?));
    }
    let medians = median_starts(&programs)?;
    let (Some(hello), slowest) =
        (medians.first().copied(), medians.iter().copied().max().unwrap_or_default())
    else {
        return Err("nothing was started".into());
    };
    for ((name, _), median) in programs.iter().zip(&medians) {
        let budget = API.contains(name).then_some(Budget::AtMost(2.2));
        section.ratio(name, readable(*median), ratio(*median, hello), budget);
    }
    for (name, program) in others.hellos() {
        match program.and_then(|program| median_starts(&[(name, program)]).map_err(|error| error.to_string()))
        {
            Ok(median) => {
                let median = median.first().copied().unwrap_or_default();
                section.ratio(name, readable(median), ratio(median, slowest), Some(Budget::AtLeast(20.0)));
            }
            Err(reason) => section.note(format!("{name}: not measured. {reason}.")),
        }
    }
    Ok(section)
}

fn median_starts(programs: &[(&str, Program)]) -> Outcome<Vec<Duration>> {
    let mut durations = vec![Vec::new(); programs.len()];
    for _ in 0..STARTS {
        for ((_, program), durations) in programs.iter().zip(&mut durations) {
            durations.push(Function::start(program)?.initialisation);
        }
    }
    let median = |mut durations: Vec<Duration>| {
        durations.sort_unstable();
        durations.get(STARTS / 2).copied().unwrap_or_default()
    };
    Ok(durations.into_iter().map(median).collect())
}

/// Bytes of every function that there is, as Lambda keeps it.
///
/// # Errors
/// Where one cannot be read.
pub fn sizes(world: &World) -> Outcome<Section> {
    let mut section = Section::new("Size", "Each bootstrap in a ZIP archive, at the highest compression.");
    for (name, path) in &world.binaries {
        let budget = match name.as_str() {
            "bench" | "hello" | "hello_aws" => continue,
            "authorizer" | "feeds" => Budget::AtMost(4.0),
            _ => Budget::AtMost(6.0),
        };
        section.megabytes(name, zipped_size(path)?, budget);
    }
    Ok(section)
}

/// What one warm event takes, and the memory after many.
///
/// # Errors
/// Where a function does not answer as it must.
pub async fn warm(world: &World, cases: &[Case]) -> Outcome<(Section, Section, Found)> {
    let mut latency = Section::new(
        "Warm latency",
        &format!(
            "From the moment an event is handed over until its answer is there, all that takes part on one processor: the half of \
             {EVENTS} events (of feeds with a body, {LARGE_EVENTS}) that took less. ÷ hello, which was measured before and after each, \
             and the better one counts. Apart from AWS: less its calls, at what the one call of hello with AWS takes its caller beside \
             it. API reads are held to that, but for GET /v1/users, which opens sealed addresses and tells the audit log before; all \
             others to the whole."
        ),
    );
    let mut memory = Section::new("Memory", "Resident after the events above, at the highest.");
    let mut found = Found { p50: BTreeMap::new(), calls: BTreeMap::new() };

    let hello = Function::start(&world.hello("hello")?)?;
    let hello_aws = Function::start(&world.hello("hello_aws")?)?;
    let event = http_event("/", &[]);
    let floors = || -> Outcome<(Duration, Duration)> {
        Ok((measure(&hello, &event, FLOOR_EVENTS)?.0, measure(&hello_aws, &event, FLOOR_EVENTS)?.0))
    };

    for case in cases {
        let function = Function::start(&world.function(case.binary).await?)?;
        // The first events read what is kept in memory from then on.
        warm_up(&function, case)?;
        let before = floors()?;
        world.stand_in.take_calls();
        let (p50, run) = measure(&function, &case.event, case.count)?;
        let calls = world.stand_in.take_calls();
        check(case, &run)?;
        let after = floors()?;
        let base = before.0.min(after.0);
        let call = before.1.min(after.1).saturating_sub(base);

        let asked = calls.values().sum::<u64>() as f64 / case.count as f64;
        let (whole, apart) = (ratio(p50, base), ratio(p50.saturating_sub(call.mul_f64(asked)), base));
        let measured = format!(
            "{} p50, {} p99, {:.0}/s; {asked:.1} AWS calls of {}; {whole:.2} x, {apart:.2} x apart from AWS",
            readable(p50),
            readable(run.percentile(0.99)),
            run.throughput(),
            readable(call),
        );
        let (value, budget) = match case.against {
            Against::Hello(most) => (whole, Some(most)),
            Against::HelloApartFromAws(most) => (apart, Some(most)),
            Against::Nothing => (whole, None),
        };
        latency.ratio(case.name, measured, value, budget.map(Budget::AtMost));
        memory.megabytes(case.name, function.memory()?.1, Budget::AtMost(40.0));
        found.p50.insert(case.name, p50);
        found.calls.insert(case.name, calls);
    }
    Ok((latency, memory, found))
}

/// Enough events for everything to be in memory that stays there.
///
/// # Errors
/// Where an answer is not as it must be.
pub fn warm_up(function: &Function, case: &Case) -> Outcome<()> {
    check(case, &function.run(&case.event, 50)?)
}

fn measure(function: &Function, event: &[u8], count: usize) -> Outcome<(Duration, Run)> {
    let run = function.run(event, count)?;
    Ok((run.percentile(0.5), run))
}

fn check(case: &Case, run: &Run) -> Outcome<()> {
    if run.statuses.keys().eq([&case.status]) {
        return Ok(());
    }
    let answer = String::from_utf8_lossy(&run.answer).chars().take(400).collect::<String>();
    Err(format!("{}: the statuses are {:?}, not {}: {answer}", case.name, run.statuses, case.status).into())
}

/// What one change asks of AWS, with every call passed on to the emulator.
///
/// # Errors
/// Where the function does not answer.
pub async fn calls_of(world: &World, binary: &str, events: &[Vec<u8>]) -> Outcome<Calls> {
    let function = Function::start(&world.function(binary).await?)?;
    world.stand_in.pass_on(true);
    world.stand_in.take_calls();
    for event in events {
        function.run(event, 1)?;
    }
    world.stand_in.pass_on(false);
    Ok(world.stand_in.take_calls())
}

/// A message of a queue, as Lambda hands it to the function behind it.
pub fn queue_event(message: &Value) -> Vec<u8> {
    let record = json!({
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d", "receiptHandle": "r", "body": message.to_string(),
        "attributes": {}, "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": local::REGION,
        "eventSourceARN": format!("arn:aws:sqs:{}:{}:render", local::REGION, local::ACCOUNT),
    });
    json!({ "Records": [record] }).to_string().into_bytes()
}
