//! Two demo tenancies with real audio, loaded once, through the public API and as a customer would.

use std::{collections::BTreeMap, fs, time::Duration};

use bytes::Bytes;
use http::{Method, Request, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Client, Failure, Http, digest, environment, home::Home, progress::Step};

/// What there is to try.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Demo {
    /// By `<tenancy>_<role>`, such as `acme_editor`.
    pub clients: BTreeMap<String, Client>,
    /// URLs of public feeds.
    pub feeds: Vec<String>,
    /// URLs of private feeds, each with the secret token of one listener.
    pub private_feeds: Vec<String>,
}

struct DemoTenancy {
    key: &'static str,
    name: &'static str,
    owner_name: &'static str,
    owner_email: &'static str,
    shows: &'static [DemoShow],
}

struct DemoShow {
    slug: &'static str,
    title: &'static str,
    description: &'static str,
    category: &'static str,
    visibility: &'static str,
    /// A file beside the audio.
    artwork: &'static str,
    episode: DemoEpisode,
}

struct DemoEpisode {
    title: &'static str,
    description: &'static str,
    file_name: &'static str,
    content_type: &'static str,
}

const FILE: &str = "demo.json";
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Beside the owner, who comes with the tenancy: role and group.
const FURTHER_CLIENTS: [(&str, &str); 3] =
    [("second_owner", "owners"), ("editor", "editors"), ("viewer", "analysts")];

const TENANCIES: [DemoTenancy; 2] = [
    DemoTenancy {
        key: "acme",
        name: "Acme",
        owner_name: "Ada Acme",
        owner_email: "ada@acme.example",
        shows: &[
            DemoShow {
                slug: "acme-newsroom",
                title: "Acme Newsroom",
                description: "How a newsroom hosts its podcasts.",
                category: "News > Daily News",
                visibility: "public",
                artwork: "acme-newsroom.png",
                episode: DemoEpisode {
                    title: "Welcome",
                    description: "Where this recording has been before you heard it.",
                    file_name: "acme-welcome.mp3",
                    content_type: "audio/mpeg",
                },
            },
            DemoShow {
                slug: "acme-rehearsal",
                title: "Acme Rehearsal",
                description: "For colleagues only, each with an address of their own.",
                category: "News > Daily News",
                visibility: "private",
                artwork: "acme-rehearsal.png",
                episode: DemoEpisode {
                    title: "Rehearsal",
                    description: "What is different about a private show.",
                    file_name: "acme-rehearsal.mp3",
                    content_type: "audio/mpeg",
                },
            },
        ],
    },
    DemoTenancy {
        key: "globex",
        name: "Globex",
        owner_name: "Grace Globex",
        owner_email: "grace@globex.example",
        shows: &[DemoShow {
            slug: "globex-briefing",
            title: "Globex Briefing",
            description: "What matters to those who run things.",
            category: "Business > Management",
            visibility: "public",
            artwork: "globex-briefing.png",
            episode: DemoEpisode {
                title: "How to leave",
                description: "What an export is, and what becomes of what you leave behind.",
                file_name: "globex-briefing.m4a",
                content_type: "audio/x-m4a",
            },
        }],
    },
];

impl Demo {
    /// What an earlier run loaded into this state.
    pub(crate) fn recall(home: &Home) -> Option<Self> {
        home.recall(FILE).and_then(|text| serde_json::from_str(&text).ok())
    }

    /// Loads the tenancies; all feeds answer when this returns.
    pub(crate) async fn load(
        http: &Http,
        api: &str,
        operator: &Client,
        step: &Step,
    ) -> Result<Self, Failure> {
        let mut demo = Self::default();
        let operator = Caller::sign_in(http, api, operator).await?;
        for tenancy in &TENANCIES {
            load_tenancy(&operator, tenancy, &mut demo, step).await?;
        }
        demo.wait_for_feeds(http, "").await?;
        Ok(demo)
    }

    /// The same demo after the listener API went from one URL to another.
    pub(crate) fn moved(mut self, from: &str, to: &str) -> Self {
        for feed in self.feeds.iter_mut().chain(&mut self.private_feeds) {
            *feed = feed.replacen(from, to, 1);
        }
        self
    }

    pub(crate) fn remember(&self, home: &Home) -> Result<(), Failure> {
        home.remember(FILE, &json!(self).to_string())
    }

    /// Signs a client in: fails where the emulator lost what the demo remembers.
    pub(crate) async fn check(&self, http: &Http, api: &str) -> Result<(), Failure> {
        for client in self.clients.values().take(1) {
            Caller::sign_in(http, api, client).await?;
        }
        Ok(())
    }

    /// Until every feed answers with `text` in it.
    pub(crate) async fn wait_for_feeds(&self, http: &Http, text: &str) -> Result<(), Failure> {
        for feed in self.feeds.iter().chain(&self.private_feeds) {
            wait_for_feed(http, feed, text).await?;
        }
        Ok(())
    }
}

async fn load_tenancy(
    operator: &Caller<'_>,
    tenancy: &DemoTenancy,
    demo: &mut Demo,
    step: &Step,
) -> Result<(), Failure> {
    step.doing(tenancy.name);
    let owner = json!({ "name": tenancy.owner_name, "email": tenancy.owner_email });
    let created = operator.post("/v1/tenancies", &json!({ "name": tenancy.name, "owner": owner })).await?;
    let owner = client(&created, "/client")?;
    let caller = Caller::sign_in(operator.http, operator.api, &owner).await?;
    demo.clients.insert(format!("{}_owner", tenancy.key), owner);

    for (role, group) in FURTHER_CLIENTS {
        let created = caller
            .post(
                "/v1/clients",
                &json!({
                    "name": role, "groups": [group], "is_vouched_for": group == "owners",
                }),
            )
            .await?;
        demo.clients.insert(format!("{}_{role}", tenancy.key), client(&created, "")?);
    }
    for show in tenancy.shows {
        step.doing(show.title);
        load_show(&caller, tenancy, show, demo).await?;
    }
    Ok(())
}

async fn load_show(
    caller: &Caller<'_>,
    tenancy: &DemoTenancy,
    show: &DemoShow,
    demo: &mut Demo,
) -> Result<(), Failure> {
    let artwork_id = upload(caller, show.artwork, "image/png").await?;
    let created = caller
        .post(
            "/v1/shows",
            &json!({
                "slug": show.slug,
                "title": show.title,
                "description": show.description,
                "language": "en",
                "category": show.category,
                "author": tenancy.name,
                "visibility": show.visibility,
                "listing": { "artwork_id": artwork_id },
            }),
        )
        .await?;
    let show_id = text(&created, "/id")?;

    let media_id = upload(caller, show.episode.file_name, show.episode.content_type).await?;
    let episode = json!({
        "title": show.episode.title,
        "description": show.episode.description,
        "media_id": media_id,
    });
    let episode = caller.post(&format!("/v1/shows/{show_id}/episodes"), &episode).await?;
    caller.post(&format!("/v1/episodes/{}/publish", text(&episode, "/id")?), &json!({})).await?;

    if show.visibility == "private" {
        let label = json!({ "label": "A colleague's phone" });
        let listener = caller.post(&format!("/v1/shows/{show_id}/listeners"), &label).await?;
        demo.private_feeds.push(text(&listener, "/feed_url")?);
    } else {
        demo.feeds.push(text(&created, "/feed_url")?);
    }
    Ok(())
}

/// The id of the media, once the worker has accepted it.
async fn upload(caller: &Caller<'_>, file_name: &str, content_type: &str) -> Result<String, Failure> {
    let path = environment::project().join("infra/local/demo").join(file_name);
    let file = Bytes::from(fs::read(&path).map_err(|error| Failure::file(&path, &error))?);
    let upload = caller
        .post(
            "/v1/uploads",
            &json!({
                "file_name": file_name,
                "content_type": content_type,
                "size_bytes": file.len(),
                "sha256": digest::sha256_hex(&file),
            }),
        )
        .await?;

    if let Some(put) = upload.get("upload").filter(|put| !put.is_null()) {
        caller.put(&text(put, "/url")?, put.get("headers"), file.clone()).await?;
    }
    let mut rest = file;
    for part in upload.get("parts").and_then(Value::as_array).into_iter().flatten() {
        let size = part.get("size_bytes").and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok());
        let bytes = rest.split_to(size.unwrap_or(rest.len()).min(rest.len()));
        caller.put(&text(part, "/url")?, None, bytes).await?;
    }

    let upload_path = format!("/v1/uploads/{}", text(&upload, "/id")?);
    caller.post(&format!("{upload_path}/complete"), &json!({})).await?;
    let mut waited = Duration::ZERO;
    loop {
        let upload = caller.get(&upload_path).await?;
        match text(&upload, "/state")?.as_str() {
            "ready" => return text(&upload, "/media_id"),
            state @ ("rejected" | "expired") => {
                return Err(demo_failure(format!("{file_name} is {state}: {upload}")));
            }
            state if waited > PATIENCE => {
                return Err(demo_failure(format!("{file_name} is still {state}")));
            }
            _ => tokio::time::sleep(LOOK_AGAIN).await,
        }
        waited += LOOK_AGAIN;
    }
}

async fn wait_for_feed(http: &Http, feed: &str, text: &str) -> Result<(), Failure> {
    let mut waited = Duration::ZERO;
    loop {
        let request =
            Request::get(feed).body(Bytes::new()).map_err(|error| demo_failure(error.to_string()))?;
        let answer = http.send(request).await?;
        if answer.status().is_success() && String::from_utf8_lossy(answer.body()).contains(text) {
            return Ok(());
        }
        if waited > PATIENCE {
            return Err(demo_failure(format!("{feed} still answers {} or an old feed", answer.status())));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        waited += LOOK_AGAIN;
    }
}

/// A signed-in client.
struct Caller<'a> {
    http: &'a Http,
    api: &'a str,
    token: String,
}

impl<'a> Caller<'a> {
    async fn sign_in(http: &'a Http, api: &'a str, client: &Client) -> Result<Self, Failure> {
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            encode(&client.client_id),
            encode(&client.client_secret)
        );
        let request = Request::post(format!("{api}/oauth/token"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.into());
        let answer = send(http, request).await?;
        Ok(Self { http, api, token: text(&answer, "/access_token")? })
    }

    async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send(Method::GET, path, Bytes::new()).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send(Method::POST, path, body.to_string().into()).await
    }

    /// The `data` of the answer.
    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Value, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.api))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body);
        let mut answer = send(self.http, request).await?;
        Ok(answer.get_mut("data").map(Value::take).unwrap_or_default())
    }

    async fn put(&self, url: &str, headers: Option<&Value>, bytes: Bytes) -> Result<(), Failure> {
        let mut request = Request::put(url);
        for (name, value) in headers.and_then(Value::as_object).into_iter().flatten() {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
        send(self.http, request.body(bytes)).await.map(drop)
    }
}

/// The JSON of a good answer; nothing where the body is empty.
async fn send(http: &Http, request: http::Result<Request<Bytes>>) -> Result<Value, Failure> {
    let request = request.map_err(|error| demo_failure(error.to_string()))?;
    let what = format!("{} {}", request.method(), request.uri().path());
    let answer = http.send(request).await?;
    if !answer.status().is_success() {
        let body = String::from_utf8_lossy(answer.body());
        return Err(demo_failure(format!("{what} answered {}: {body}", answer.status())));
    }
    if answer.body().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(answer.body())
        .map_err(|error| demo_failure(format!("{what} answered no JSON: {error}")))
}

fn client(value: &Value, at: &str) -> Result<Client, Failure> {
    Ok(Client {
        client_id: text(value, &format!("{at}/client_id"))?,
        client_secret: text(value, &format!("{at}/client_secret"))?,
    })
}

fn text(value: &Value, pointer: &str) -> Result<String, Failure> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| demo_failure(format!("an answer has no {pointer}: {value}")))
}

fn demo_failure(reason: String) -> Failure {
    Failure::new(
        format!("The demo was not loaded: {reason}."),
        "Look into the emulator's log, and start again with --fresh.",
    )
}
