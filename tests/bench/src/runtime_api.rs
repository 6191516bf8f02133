//! The place of AWS Lambda: starts a bootstrap, hands it events by the Runtime API, version 2018-06-01, and holds the watch.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::wire::Message;

const VERSION: &str = "/2018-06-01/runtime";
/// How long a start may take, and an event: what Lambda allows at most.
const PATIENCE: Duration = Duration::from_secs(900);

/// What to start, and how.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program and its arguments: mostly one bootstrap alone.
    pub command: Vec<String>,
    /// All that it finds in its environment, beside what Lambda gives to every function.
    pub environment: Vec<(String, String)>,
}

/// A function that runs, and waits for events.
#[derive(Debug)]
pub struct Function {
    child: Child,
    shared: Arc<Shared>,
    /// From the start of the process until it asked for its first event.
    pub initialisation: Duration,
}

/// What some events in a row came to.
#[derive(Debug, Default)]
pub struct Run {
    /// From the moment an event was sent until its answer was there, in the order of the events.
    pub latencies: Vec<Duration>,
    /// How many answers had which status; 0 is for those that have none.
    pub statuses: BTreeMap<u16, u64>,
    /// The last answer.
    pub answer: Vec<u8>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    first_next: Option<Instant>,
    event: Vec<u8>,
    remaining: usize,
    sent_at: Option<Instant>,
    is_over: bool,
    failure: Option<String>,
    run: Run,
}

impl Function {
    /// Starts a program, and returns once it asks for an event.
    ///
    /// # Errors
    /// Where it does not start, or never asks.
    pub fn start(program: &Program) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (shared_there, name) = (Arc::clone(&shared), program.command.join(" "));
        thread::spawn(move || answer_all(&listener, &shared_there));

        let started = Instant::now();
        let mut child = command(program, address)?.spawn()?;
        let mut state = shared.lock();
        while state.first_next.is_none() {
            state = shared.wait(state);
            if started.elapsed() > PATIENCE || child.try_wait()?.is_some() {
                child.kill().ok();
                return Err(io::Error::other(format!("{name} does not ask for events: {:?}", state.failure)));
            }
        }
        let initialisation = state.first_next.map(|asked| asked - started).unwrap_or_default();
        drop(state);
        Ok(Self { child, shared, initialisation })
    }

    /// Hands over one event `count` times, each once the one before was answered.
    ///
    /// # Errors
    /// Where the function fails instead of answering, or takes longer than Lambda allows.
    pub fn run(&self, event: &[u8], count: usize) -> io::Result<Run> {
        let mut state = self.shared.lock();
        state.event = event.to_vec();
        state.run = Run::default();
        state.run.latencies.reserve(count);
        state.failure = None;
        state.remaining = count;
        self.shared.changed.notify_all();

        let (started, wanted) = (Instant::now(), count);
        while state.run.latencies.len() < wanted && state.failure.is_none() {
            state = self.shared.wait(state);
            if started.elapsed() > PATIENCE {
                return Err(io::Error::other("no answer within fifteen minutes"));
            }
        }
        match state.failure.take() {
            Some(failure) => Err(io::Error::other(failure)),
            None => Ok(std::mem::take(&mut state.run)),
        }
    }

    /// Resident memory now and at its highest, in bytes.
    ///
    /// # Errors
    /// Where the kernel does not say.
    pub fn memory(&self) -> io::Result<(u64, u64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kilobytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let bytes = |name| kilobytes(name).map(|kilobytes| kilobytes.saturating_mul(1024));
        bytes("VmRSS:").zip(bytes("VmHWM:")).ok_or_else(|| io::Error::other("no memory in /proc"))
    }

    /// Ends it as Lambda never does: by refusing it a next event, so that it leaves by itself and says what it has to say.
    ///
    /// # Errors
    /// Where it does not leave.
    pub fn leave(mut self) -> io::Result<String> {
        self.shared.lock().is_over = true;
        self.shared.changed.notify_all();
        let mut said = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            io::Read::read_to_string(&mut stderr, &mut said)?;
        }
        self.child.wait()?;
        Ok(said)
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Run {
    /// The latency that this part of the events, such as 0.5, did not exceed.
    pub fn percentile(&self, part: f64) -> Duration {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let index = ((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1));
        sorted.get(index).copied().unwrap_or_default()
    }

    /// Events in a second.
    pub fn throughput(&self) -> f64 {
        self.latencies.len() as f64 / self.latencies.iter().sum::<Duration>().as_secs_f64()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until something changes, or a little while, so that whoever waits sees a process that died.
    fn wait<'s>(&self, guard: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        let waited = self.changed.wait_timeout(guard, Duration::from_millis(200));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

fn command(program: &Program, address: SocketAddr) -> io::Result<Command> {
    let (first, rest) = program.command.split_first().ok_or_else(|| io::Error::other("no program"))?;
    let mut command = Command::new(first);
    command
        .args(rest)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", address.to_string().as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
            ("AWS_REGION", local::REGION),
        ])
        .envs(program.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(if Path::new(first).ends_with("valgrind") { Stdio::piped() } else { Stdio::null() });
    Ok(command)
}

fn answer_all(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept() {
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            if let Err(error) = answer(stream, &shared) {
                tell(&shared, &error.to_string());
            }
        });
    }
}

fn answer(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(message) = Message::read(&mut reader)? {
        let path =
            message.start.split(' ').nth(1).and_then(|path| path.strip_prefix(VERSION)).unwrap_or_default();
        if path == "/invocation/next" {
            let Some(event) = next(shared) else {
                return reply("HTTP/1.1 410 Gone", &[], Vec::new()).write(&stream);
            };
            shared.lock().sent_at = Some(Instant::now());
            event.write(&stream)?;
        } else {
            if path.ends_with("/response") {
                note(shared, message.body);
            } else {
                tell(shared, &String::from_utf8_lossy(&message.body));
            }
            reply("HTTP/1.1 202 Accepted", &[], Vec::new()).write(&stream)?;
        }
    }
    Ok(())
}

/// Waits for an event to hand over; none when there will be no more.
fn next(shared: &Shared) -> Option<Message> {
    let mut state = shared.lock();
    if state.first_next.is_none() {
        state.first_next = Some(Instant::now());
    }
    shared.changed.notify_all();
    while state.remaining == 0 {
        if state.is_over {
            return None;
        }
        state = shared.wait(state);
    }
    state.remaining = state.remaining.saturating_sub(1);
    let headers = [
        ("content-type", "application/json"),
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:bench"),
    ];
    Some(reply("HTTP/1.1 200 OK", &headers, state.event.clone()))
}

fn note(shared: &Shared, answer: Vec<u8>) {
    let now = Instant::now();
    let mut state = shared.lock();
    let latency = state.sent_at.take().map(|sent_at| now - sent_at);
    state.run.latencies.extend(latency);
    *state.run.statuses.entry(status(&answer)).or_default() += 1;
    state.run.answer = answer;
    drop(state);
    shared.changed.notify_all();
}

fn tell(shared: &Shared, failure: &str) {
    shared.lock().failure = Some(failure.to_owned());
    shared.changed.notify_all();
}

fn status(answer: &[u8]) -> u16 {
    let head = String::from_utf8_lossy(answer.get(..64).unwrap_or(answer)).into_owned();
    let digits = head.split_once("\"statusCode\":").map(|(_, rest)| rest.chars().take(3).collect::<String>());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

fn reply(start: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Message {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Message { start: start.to_owned(), headers, body }
}
