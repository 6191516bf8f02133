//! What of an export goes through the function, and how long it takes beside a program that downloads, zips and uploads.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{functions::queue_event, ratio, readable};
use crate::{
    page::{Budget, Section},
    runtime_api::Function,
    stand_in::{Calls, StandIn},
    stores::versions,
    tenancy::{Tenancy, mp3, text},
    world::{Outcome, World},
};

const EPISODES: usize = 5;
const EPISODE_BYTES: usize = 60_000_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// What an export took, for the cost of one.
pub struct Exported {
    pub media_bytes: u64,
    pub calls: Calls,
    pub took: Duration,
}

/// Exports a tenancy through the worker as it ships, with the stand-in on its way to the emulator; then does the same by hand.
///
/// # Errors
/// Where the export does not come to its end.
pub async fn measure(world: &World) -> Outcome<(Section, Exported)> {
    let mut section = Section::new(
        "Export",
        &format!(
            "A tenancy of {EPISODES} episodes of {} MB. The worker runs as it ships; all that it sends to AWS and gets from there passes \
             a counter of this program, every body of every call. A byte that it gets and sends on has gone through once, so the larger \
             of the two counts. By hand: each file downloaded from the same emulator, `zip -0` over them, and the archive \
             uploaded, without that counter on the way.",
            EPISODE_BYTES / 1_000_000
        ),
    );
    let tenancy = Tenancy::new(&world.stack, "Harbour").await?;
    let show = tenancy.show("harbour-exported", "Harbour Notes").await?;
    let mut media_bytes = 0;
    for number in 0..EPISODES {
        let recording = mp3(EPISODE_BYTES, &format!("recording {number}"));
        media_bytes += recording.len() as u64;
        tenancy.episode(&show, &format!("Tide {number}"), recording).await?;
    }

    let stand_in = StandIn::pass_through(world.stack.aws().endpoint())?;
    let worker = Function::start(&world.function_at("export-worker", &stand_in).await?)?;
    world.stack.aws().pause_queue("export-worker").await?;
    let export = tenancy.owner.post("/v1/exports", &json!({ "scope": { "kind": "tenancy" } })).await?;
    let message = receive(world, "export-worker").await?;
    stand_in.take_calls();
    stand_in.take_bytes();
    let run = worker.run(&queue_event(&message), 1)?;
    let (calls, bytes) = (stand_in.take_calls(), stand_in.take_bytes());
    let took = run.percentile(0.5);
    let export = tenancy.owner.get(&format!("/v1/exports/{}", text(&export, "/id")?)).await?;
    let archives = export.pointer("/archives").and_then(Value::as_array).into_iter().flatten();
    let archived: u64 = archives.filter_map(|archive| archive.get("size_bytes")?.as_u64()).sum();
    if text(&export, "/state")? != "ready" || archived < media_bytes {
        return Err(format!("the export is not whole: {export}").into());
    }

    let through = bytes.sent.max(bytes.received);
    section.ratio(
        "bytes through the worker ÷ bytes of media",
        format!(
            "{:.1} MB sent and {:.1} MB received of {:.1} MB",
            bytes.sent as f64 / 1e6,
            bytes.received as f64 / 1e6,
            media_bytes as f64 / 1e6
        ),
        through as f64 / media_bytes as f64,
        Some(Budget::AtMost(0.1)),
    );
    let name = "time of the export ÷ by hand";
    match by_hand(&tenancy).await? {
        Ok(theirs) => {
            let measured = format!("{} and {}", readable(took), readable(theirs));
            section.ratio(name, measured, ratio(took, theirs), None);
        }
        Err(reason) => section.note(format!("{name}: not measured. {reason}.")),
    }
    section.note(format!("The export asked for: {}.", crate::cost::listed(&calls)));
    Ok((section, Exported { media_bytes, calls, took }))
}

/// The message that waits for the function with this binary, which gets none by itself.
async fn receive(world: &World, binary: &str) -> Outcome<Value> {
    let queue = world.stack.aws().queue_of(binary).await?;
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let received = world.stack.aws().sqs("ReceiveMessage", &json!({ "QueueUrl": queue })).await?;
        if let Some(body) = received.pointer("/Messages/0/Body").and_then(Value::as_str) {
            return Ok(serde_json::from_str(body)?);
        }
        sleep(Duration::from_millis(200)).await;
    }
    Err(format!("nothing was asked of {binary}").into())
}

/// Downloads the tenancy's media, zips it and uploads the archive. Answers how long that took, or why it cannot be done.
async fn by_hand(tenancy: &Tenancy<'_>) -> Outcome<Result<Duration, String>> {
    let folder = Folder::new(&tenancy.id)?;
    let archive = folder.0.join("archive.zip");
    let (media, exports) = (bucket(tenancy, "MediaBucket")?, bucket(tenancy, "ExportBucket")?);
    let names = versions(tenancy.stack, "MediaBucket", &format!("{}/", tenancy.id)).await?;

    let started = Instant::now();
    let mut files = Vec::new();
    for (number, version) in names.iter().filter(|version| version.has_bytes).enumerate() {
        let object =
            tenancy.stack.aws().s3(Method::GET, &format!("/{media}/{}", version.key), Bytes::new()).await?;
        let file = format!("{number}.mp3");
        fs::write(folder.0.join(&file), object.body())?;
        files.push(file);
    }
    let zipped =
        Command::new("zip").current_dir(&folder.0).args(["-0", "-q"]).arg(&archive).args(&files).output();
    match zipped {
        Ok(output) if output.status.success() => {}
        Ok(output) => return Ok(Err(format!("zip failed: {}", String::from_utf8_lossy(&output.stderr)))),
        Err(error) => return Ok(Err(format!("zip: {error}"))),
    }
    let path = format!("/{exports}/{}/by-hand.zip", tenancy.id);
    let uploaded = tenancy.stack.aws().s3(Method::PUT, &path, fs::read(&archive)?.into()).await?;
    let took = started.elapsed();
    if uploaded.status().is_success() {
        Ok(Ok(took))
    } else {
        Err(format!("the archive made by hand: {}", String::from_utf8_lossy(uploaded.body())).into())
    }
}

fn bucket<'a>(tenancy: &'a Tenancy<'_>, name: &str) -> Outcome<&'a str> {
    tenancy.stack.output(name).ok_or_else(|| format!("no {name}").into())
}

/// A folder that goes away with this.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Outcome<Self> {
        let path = env::temp_dir().join(format!("castkeep-bench-{name}"));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let path: &Path = &self.0;
        fs::remove_dir_all(path).ok();
    }
}
