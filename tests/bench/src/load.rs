//! The local stack under many people at once: nothing fails, nothing gets lost, and nobody sees what is somebody else's. Then again,
//! with the emulator killed in the middle.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use clap::Args;
use http::{Method, Request, Response, header};
use local::{Client, Stack};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

use crate::world::{Outcome, sign_in, start_stack};

/// What one try may take before whoever asks gives up: the emulator may be away for half a minute.
const PATIENCE: Duration = Duration::from_secs(90);
/// The emulator keeps its state every three seconds; killed, it loses what came after.
const KEPT_EVERY: Duration = Duration::from_secs(4);
const BETWEEN_FETCHES: Duration = Duration::from_secs(2);
const BETWEEN_CHANGES: Duration = Duration::from_secs(2);

/// How much, and how long.
#[derive(Args, Clone)]
pub struct Load {
    /// How long each of the two runs lasts
    #[arg(long, value_name = "N", default_value_t = 120)]
    seconds: u64,
    /// Who change an episode of a show of their own, over and over
    #[arg(long, value_name = "N", default_value_t = 50)]
    publishers: usize,
    /// Who fetch the feed of one of those shows, over and over, each with a token of their own
    #[arg(long, value_name = "N", default_value_t = 500)]
    listeners: usize,
}

/// Everybody, and what happened to them.
struct Scene {
    stack: Stack,
    is_over: AtomicBool,
    changes: AtomicU64,
    fetches: AtomicU64,
    /// Answers that were neither served nor expected, by what they were.
    trouble: Mutex<BTreeMap<String, u64>>,
    /// Whether the emulator may be away just now.
    is_disturbed: AtomicBool,
    retries: AtomicU64,
}

/// One publisher's show.
struct OwnShow {
    tenancy: &'static str,
    client: Client,
    episode: String,
    /// Feed addresses of its listeners.
    feeds: Vec<String>,
}

/// The last change that was answered, and those just before a kill.
#[derive(Clone, Copy)]
struct Acknowledged {
    number: u64,
    at: Instant,
}

impl Load {
    /// Two runs, each with a stack of its own.
    ///
    /// # Errors
    /// Where something failed, got lost or was seen by the wrong tenancy, with what.
    pub async fn run(&self) -> Outcome<()> {
        self.run_once(false).await?;
        self.run_once(true).await
    }

    async fn run_once(&self, is_killed: bool) -> Outcome<()> {
        let scene = Arc::new(Scene {
            stack: start_stack().await?,
            is_over: AtomicBool::new(false),
            changes: AtomicU64::new(0),
            fetches: AtomicU64::new(0),
            trouble: Mutex::default(),
            is_disturbed: AtomicBool::new(false),
            retries: AtomicU64::new(0),
        });
        say(&format!("Making {} shows with {} listeners …", self.publishers, self.listeners));
        let mut shows = Vec::new();
        for number in 0..self.publishers {
            let listeners = (number..self.listeners).step_by(self.publishers).count();
            shows.push(scene.make_show(number, listeners).await?);
        }
        let shows = Arc::new(shows);

        say(&format!(
            "{} seconds{} …",
            self.seconds,
            if is_killed { ", the emulator is killed in the middle" } else { "" }
        ));
        let (mut publishers, mut listeners) = (JoinSet::new(), JoinSet::new());
        for number in 0..shows.len() {
            let (scene, shows) = (Arc::clone(&scene), Arc::clone(&shows));
            publishers.spawn(async move { scene.publish(&shows, number).await.map(|last| (number, last)) });
        }
        for (number, feed) in shows
            .iter()
            .enumerate()
            .flat_map(|(number, show)| show.feeds.iter().map(move |feed| (number, feed)))
        {
            let (scene, shows, feed) = (Arc::clone(&scene), Arc::clone(&shows), feed.clone());
            listeners.spawn(async move { scene.listen(&shows, number, &feed).await });
        }
        let half = Duration::from_secs(self.seconds) / 2;
        sleep(half).await;
        let mut killed_at = None;
        if is_killed {
            scene.is_disturbed.store(true, Ordering::Relaxed);
            killed_at = Some(Instant::now());
            scene.stack.kill_emulator().await;
            scene.stack.restart_emulator().await?;
        }
        sleep(half).await;
        scene.is_over.store(true, Ordering::Relaxed);
        let mut histories = BTreeMap::new();
        while let Some(result) = publishers.join_next().await {
            let (number, history) = result??;
            histories.insert(number, history);
        }
        while let Some(result) = listeners.join_next().await {
            result??;
        }
        scene.is_disturbed.store(false, Ordering::Relaxed);

        let rewound = scene.compare(&shows, &histories, killed_at).await?;
        let trouble = std::mem::take(&mut *scene.trouble.lock().unwrap_or_else(PoisonError::into_inner));
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        writeln!(
            io::stdout(),
            "{}: {} changes and {} feeds in {} s, {} tries again, {rewound} changes taken back by the kill; every feed says the \
             last change of its show, none says a word of the other tenancy; trouble: {trouble:?}",
            if is_killed { "killed in the middle" } else { "undisturbed" },
            load(&scene.changes),
            load(&scene.fetches),
            self.seconds,
            load(&scene.retries),
        )?;
        if let Some(scene) = Arc::into_inner(scene) {
            scene.stack.stop().await;
        }
        if trouble.is_empty() { Ok(()) } else { Err("There was trouble: see above.".into()) }
    }
}

impl Scene {
    async fn make_show(&self, number: usize, listeners: usize) -> Outcome<OwnShow> {
        let tenancy = if number.is_multiple_of(2) { "acme" } else { "globex" };
        let clients = &self.stack.demo().clients;
        let find = |role| clients.get(&format!("{tenancy}_{role}")).cloned().ok_or("no such client");
        // Two principals a tenancy, so that nobody's own limit is what is measured.
        let client = if number.is_multiple_of(4) { find("owner")? } else { find("editor")? };
        let token = self.token(&client).await?;
        let demo_show = self.get(&token, "/v1/shows").await?;
        let demo_show = pick(&demo_show, "/data/0/id")?;
        let episodes = self.get(&token, &format!("/v1/shows/{demo_show}/episodes")).await?;
        let media = pick(&episodes, "/data/0/media_id")?;

        let show = json!({
            "slug": format!("{tenancy}-load-{number}"), "title": format!("Load {number} of {tenancy}"), "visibility": "private",
            "description": format!("What {tenancy} says."), "language": "en", "category": "News", "author": tenancy,
        });
        let show = pick(&self.post(&token, "/v1/shows", &show).await?, "/data/id")?;
        let episode =
            json!({ "title": title(tenancy, number, 0), "description": "Said often.", "media_id": media });
        let episode =
            pick(&self.post(&token, &format!("/v1/shows/{show}/episodes"), &episode).await?, "/data/id")?;
        self.post(&token, &format!("/v1/episodes/{episode}/publish"), &json!({})).await?;
        let mut feeds = Vec::new();
        for listener in 0..listeners {
            let new = json!({ "label": format!("Listener {listener}") });
            let made = self.post(&token, &format!("/v1/shows/{show}/listeners"), &new).await?;
            feeds.push(pick(&made, "/data/feed_url")?);
        }
        Ok(OwnShow { tenancy, client, episode, feeds })
    }

    /// Changes the title of an episode again and again, each time only if it is as it was left. Answers every change that was
    /// acknowledged.
    async fn publish(&self, shows: &[OwnShow], number: usize) -> Outcome<Vec<Acknowledged>> {
        let show = shows.get(number).ok_or("no show")?;
        let path = format!("/v1/episodes/{}", show.episode);
        let mut history = vec![Acknowledged { number: 0, at: Instant::now() }];
        let mut token = (self.token(&show.client).await?, Instant::now());
        let mut next = 1;
        while !self.is_over.load(Ordering::Relaxed) {
            if token.1.elapsed() > Duration::from_secs(600) {
                token = (self.token(&show.client).await?, Instant::now());
            }
            let before = self.send(Method::GET, &token.0, &path, Bytes::new(), &[]).await?;
            let tag =
                before.headers().get(header::ETAG).ok_or("an episode without ETag")?.to_str()?.to_owned();
            let body = json!({ "title": title(show.tenancy, number, next) }).to_string();
            let answer =
                self.send(Method::PATCH, &token.0, &path, body.into(), &[("if-match", &tag)]).await?;
            match answer.status().as_u16() {
                200 => {
                    history.push(Acknowledged { number: next, at: Instant::now() });
                    self.changes.fetch_add(1, Ordering::Relaxed);
                }
                // An earlier try got through and its answer got lost: the episode is read again, and changed again.
                412 if self.is_disturbed.load(Ordering::Relaxed) => {}
                status => self.note(format!("a change answered {status}")),
            }
            next += 1;
            sleep(BETWEEN_CHANGES).await;
        }
        Ok(history)
    }

    async fn listen(&self, shows: &[OwnShow], number: usize, feed: &str) -> Outcome<()> {
        let show = shows.get(number).ok_or("no show")?;
        let other = if show.tenancy == "acme" { "globex" } else { "acme" };
        while !self.is_over.load(Ordering::Relaxed) {
            let answer = self.fetch(feed).await?;
            let text = String::from_utf8_lossy(answer.body()).into_owned();
            self.fetches.fetch_add(1, Ordering::Relaxed);
            if answer.status() != 200 {
                self.note(format!("a feed answered {}", answer.status()));
            } else if !text.contains(&format!("Load {number} of {}", show.tenancy)) || text.contains(other) {
                self.note(format!("a feed of {} is not its own", show.tenancy));
            }
            sleep(BETWEEN_FETCHES).await;
        }
        Ok(())
    }

    /// Whether every episode and every feed says what was acknowledged last. Answers how many changes a kill took back.
    async fn compare(
        &self,
        shows: &[OwnShow],
        histories: &BTreeMap<usize, Vec<Acknowledged>>,
        killed_at: Option<Instant>,
    ) -> Outcome<u64> {
        let mut rewound = 0;
        for (number, show) in shows.iter().enumerate() {
            let token = self.token(&show.client).await?;
            let history = histories.get(&number).ok_or("a publisher without a history")?;
            let last = history.last().ok_or("an empty history")?;
            let episode = self.get(&token, &format!("/v1/episodes/{}", show.episode)).await?;
            let says = pick(&episode, "/data/title")?;
            let came_back =
                says.rsplit(' ').next().and_then(|word| word.parse::<u64>().ok()).unwrap_or_default();
            // After a kill, a change whose answer was lost may have come through; and the last seconds before it may be gone.
            let is_after_kill = killed_at.is_none_or(|killed_at| last.at > killed_at);
            if came_back < last.number {
                let gone = history.iter().filter(|change| change.number > came_back).count() as u64;
                let excused =
                    killed_at.is_some_and(|killed_at| !is_after_kill && last.at + KEPT_EVERY > killed_at);
                if excused {
                    rewound += gone;
                } else {
                    self.note(format!("{gone} changes lost"));
                }
            }
            let feed = show.feeds.first().ok_or("a show without listeners")?;
            let started = Instant::now();
            while !String::from_utf8_lossy(self.fetch(feed).await?.body())
                .contains(&format!("<title>{says}</title>"))
            {
                if started.elapsed() > PATIENCE {
                    self.note("a feed never says the last change".to_owned());
                    break;
                }
                sleep(Duration::from_millis(500)).await;
            }
        }
        Ok(rewound)
    }

    async fn token(&self, client: &Client) -> Outcome<String> {
        let answer = self.try_until_served(|| sign_in(self.stack.api(), client));
        pick(&serde_json::from_slice(answer.await?.body())?, "/access_token")
    }

    async fn get(&self, token: &str, path: &str) -> Outcome<Value> {
        let answer = self.send(Method::GET, token, path, Bytes::new(), &[]).await?;
        Ok(serde_json::from_slice(answer.body())?)
    }

    async fn post(&self, token: &str, path: &str, body: &Value) -> Outcome<Value> {
        let answer = self.send(Method::POST, token, path, body.to_string().into(), &[]).await?;
        if answer.status().is_success() {
            Ok(serde_json::from_slice(answer.body())?)
        } else {
            Err(format!("{path}: {}", String::from_utf8_lossy(answer.body())).into())
        }
    }

    async fn send(
        &self,
        method: Method,
        token: &str,
        path: &str,
        body: Bytes,
        headers: &[(&str, &str)],
    ) -> Outcome<Response<Bytes>> {
        let url = format!("{}{path}", self.stack.api());
        let request = || {
            let mut request = Request::builder()
                .method(method.clone())
                .uri(&url)
                .header(header::AUTHORIZATION, format!("Bearer {token}"))
                .header(header::CONTENT_TYPE, "application/json");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            Ok(request.body(body.clone())?)
        };
        self.try_until_served(request).await
    }

    async fn fetch(&self, feed: &str) -> Outcome<Response<Bytes>> {
        self.try_until_served(|| Ok(Request::get(feed).body(Bytes::new())?)).await
    }

    /// Waits as it is told where there are too many; while the emulator is away, tries again as clients do. Anything else is an
    /// answer.
    async fn try_until_served(
        &self,
        request: impl Fn() -> Outcome<Request<Bytes>>,
    ) -> Outcome<Response<Bytes>> {
        let started = Instant::now();
        loop {
            let answer = self.stack.http().send(request()?).await;
            let is_disturbed = self.is_disturbed.load(Ordering::Relaxed);
            let wait = match &answer {
                Ok(answer) if answer.status() == 429 => {
                    let seconds = answer
                        .headers()
                        .get(header::RETRY_AFTER)
                        .and_then(|value| value.to_str().ok()?.parse().ok());
                    Duration::from_secs(seconds.unwrap_or(1))
                }
                Ok(answer) if answer.status().is_server_error() && is_disturbed => Duration::from_millis(500),
                Err(_) if is_disturbed => Duration::from_millis(500),
                _ => return Ok(answer?),
            };
            if started.elapsed() > PATIENCE {
                return Ok(answer?);
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
            sleep(wait).await;
        }
    }

    fn note(&self, what: String) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble.entry(what).or_default() += 1;
    }
}

fn title(tenancy: &str, show: usize, change: u64) -> String {
    format!("Load {show} of {tenancy}, change {change}")
}

fn pick(value: &Value, pointer: &str) -> Outcome<String> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| format!("no {pointer} in {value}").into())
}

fn say(line: &str) {
    writeln!(io::stderr(), "{line}").ok();
}
