//! Who acts in the tests: `acme.editor().post(…)`.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use local::{Client, Stack};
use serde_json::{Value, json};

use tokio::sync::OnceCell;

use crate::{
    audio::{upload, wait_for_end},
    document,
    media::png,
    world::unique,
};

/// An answer of an API.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// `data` of an answer that must have succeeded.
    pub fn data(&self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, String::from_utf8_lossy(&self.body));
        self.json()["data"].clone()
    }

    /// A header's text; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that this is a problem, and which.
    pub fn assert_problem(&self, status: u16, code: &str) -> &Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["type"], format!("/problems/{code}"));
        assert_eq!(problem["status"], status);
        assert!(problem["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{problem}");
        self
    }

    /// The problem without what differs from request to request.
    pub fn problem_without_id(&self) -> Value {
        let mut problem = self.json();
        problem.as_object_mut().unwrap().remove("request_id");
        problem
    }
}

/// Sends one request as it is. What comes of it must be as the OpenAPI document says.
pub async fn send(
    stack: &Stack,
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    let mut request = Request::builder().method(method.clone()).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let sent = body.into();
    let (parts, body) = stack.http().send(request.body(sent.clone()).unwrap()).await.unwrap().into_parts();
    let answer = Answer { status: parts.status, headers: parts.headers, body };
    document::check(stack, &method, url, &sent, &answer);
    answer
}

/// Somebody with a context token.
#[derive(Clone)]
pub struct Actor {
    stack: &'static Stack,
    pub token: String,
}

impl Actor {
    /// Signs in.
    pub async fn sign_in(stack: &'static Stack, client: &Client) -> Self {
        let token = request_token(stack, &client.client_id, &client.client_secret).await.json();
        Self { stack, token: token["access_token"].as_str().unwrap_or_else(|| panic!("{token}")).to_owned() }
    }

    /// Somebody who sends `token`, whatever it is.
    pub fn with_token(stack: &'static Stack, token: &str) -> Self {
        Self { stack, token: token.to_owned() }
    }

    /// Makes a client in `group`, as an owner may, and signs in as it.
    pub async fn invite(&self, group: &str) -> Self {
        let made = self.post("/v1/clients", json!({ "name": group, "groups": [group] })).await.data();
        Self::sign_in(self.stack, &client(&made)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Bytes::new()).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], Bytes::new()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, &[], body.to_string()).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, &[], body.to_string()).await
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", authorization.as_str())];
        if headers.iter().all(|(name, _)| *name != "content-type") {
            all.push(("content-type", "application/json"));
        }
        all.extend_from_slice(headers);
        send(self.stack, method, &format!("{}{path}", self.stack.api()), &all, body).await
    }
}

/// Asks for a context token.
pub async fn request_token(stack: &Stack, client_id: &str, client_secret: &str) -> Answer {
    let form = format!("grant_type=client_credentials&client_id={client_id}&client_secret={client_secret}");
    let headers = [(header::CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")];
    send(stack, Method::POST, &format!("{}/oauth/token", stack.api()), &headers, form).await
}

/// A tenancy of a test's own, with an actor in each of three groups.
pub struct Tenant {
    pub stack: &'static Stack,
    pub id: String,
    pub owner: Actor,
    pub editor: Actor,
    pub viewer: Actor,
    artwork: OnceCell<String>,
}

impl Tenant {
    /// Makes a tenancy as the operator does, and its clients as its owner does.
    pub async fn new(stack: &'static Stack) -> Self {
        Self::with_limits(stack, json!({})).await
    }

    /// The same with limits that the operator has agreed to.
    pub async fn with_limits(stack: &'static Stack, limits: Value) -> Self {
        let operator = Actor::sign_in(stack, stack.operator()).await;
        let name = unique("tenancy");
        let owner = json!({ "name": "First Owner", "email": format!("owner@{name}.example") });
        let new = json!({ "name": name, "owner": owner, "limits": limits });
        let tenancy = operator.post("/v1/tenancies", new).await.data();
        let owner = Actor::sign_in(stack, &client(&tenancy["client"])).await;
        let editor = owner.invite("editors").await;
        let viewer = owner.invite("analysts").await;
        let id = tenancy["id"].as_str().unwrap().to_owned();
        Self { stack, id, owner, editor, viewer, artwork: OnceCell::new() }
    }

    /// A picture that a show may have: the `media_id`, always the same.
    pub async fn artwork(&self) -> &str {
        let upload = async || {
            let announced = json!({ "content_type": "image/png" });
            let picture = png(1400, 1400, 1400, 60);
            let path = upload(&self.editor, self, "artwork.png", announced, &picture).await;
            let upload = wait_for_end(&self.editor, &path).await;
            upload["media_id"].as_str().unwrap_or_else(|| panic!("{upload}")).to_owned()
        };
        self.artwork.get_or_init(upload).await
    }

    /// A show under a slug that no other test has. A public one has artwork, without which nothing of it is published.
    pub async fn show(&self, visibility: &str) -> Value {
        let artwork = match visibility {
            "public" => json!({ "artwork_id": self.artwork().await }),
            _ => json!({}),
        };
        let show = json!({
            "slug": unique("show"),
            "title": "Harbour Notes",
            "description": "What the tide brought in.",
            "language": "en",
            "category": "News",
            "author": "Harbour Radio",
            "visibility": visibility,
            "listing": artwork,
        });
        self.editor.post("/v1/shows", show).await.data()
    }
}

fn client(json: &Value) -> Client {
    Client {
        client_id: json["client_id"].as_str().unwrap_or_else(|| panic!("{json}")).to_owned(),
        client_secret: json["client_secret"].as_str().unwrap().to_owned(),
    }
}
