//! Functions inside this process: their own routes and stores, on the emulated AWS, with a clock that a test can move.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::{RATE_LIMIT_WINDOW, Window};
use http::Method;
use identity::People;
use lambda_http::Body;
use lambda_kit::{Api, Router, SystemClock};
use local::Stack;
use serde_json::{Value, json};
use storage::{Environment, Storage, SystemRandomness};
use tenancy::Admin;
use tenant_context::{Clock, Timestamp};

use crate::actors::Answer;

/// A clock that stands still.
#[derive(Clone)]
pub struct StoppedClock(Arc<AtomicU64>);

impl StoppedClock {
    /// Shows `moment`.
    pub fn at(moment: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(moment.unix_milliseconds())))
    }

    /// Shows the start of a window for requests in which nobody else counts any: the one after the next.
    pub fn at_start_of_window() -> Self {
        Self::at(Window::of(SystemClock.now().plus(2 * RATE_LIMIT_WINDOW)).starts_at())
    }

    pub fn go_on(&self, duration: Duration) {
        self.0.fetch_add(u64::try_from(duration.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_milliseconds(self.0.load(Ordering::Relaxed))
    }
}

/// The stores as the function with this binary opens them, but for `changes` to its environment. What it does as itself it does
/// with the root key; what it does for a tenancy, with that tenancy's credentials.
pub async fn storage(
    stack: &Stack,
    binary: &str,
    clock: Arc<dyn Clock>,
    changes: &[(&str, &str)],
) -> Storage {
    let environment = stack.aws().function_environment(binary).await.unwrap();
    let lookup = |name: &str| match name {
        "AWS_REGION" => Some(local::REGION.to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
        "AWS_ENDPOINT_URL" => Some(stack.aws().endpoint().to_owned()),
        name => match changes.iter().find(|(changed, _)| *changed == name) {
            Some((_, value)) => Some((*value).to_owned()),
            None => environment[name].as_str().map(str::to_owned),
        },
    };
    let randomness = Arc::new(SystemRandomness::new());
    Storage::new(Environment::read(lookup), clock, randomness).unwrap()
}

/// A request as API Gateway hands it to a function, once the authorizer has handed over `data_token`.
pub fn event(data_token: &str, method: &Method, path: &str, body: &Value) -> lambda_http::Request {
    let event = json!({
        "resource": path, "path": path, "httpMethod": method.as_str(), "headers": {}, "multiValueHeaders": {},
        "requestContext": {
            "accountId": local::ACCOUNT, "apiId": "api", "stage": "live", "httpMethod": method.as_str(),
            "requestId": "r", "resourceId": "r", "resourcePath": path, "identity": {},
            "authorizer": { "data_token": data_token },
        },
        "body": body.to_string(), "isBase64Encoded": false,
    });
    lambda_http::request::from_str(&event.to_string()).unwrap()
}

/// One instance of a function that administers tenancies.
pub struct Instance {
    router: Router<Admin>,
    app: Arc<Admin>,
}

impl Instance {
    /// An instance of the function `tenancy`.
    pub async fn start(stack: &Stack, clock: &StoppedClock) -> Self {
        Self::start_with(stack, "tenancy", tenancy::routes(), clock, &[]).await
    }

    /// An instance of any such function, with `changes` to its environment.
    pub async fn start_with(
        stack: &Stack,
        binary: &str,
        router: Router<Admin>,
        clock: &StoppedClock,
        changes: &[(&str, &str)],
    ) -> Self {
        let storage = storage(stack, binary, Arc::new(clock.clone()), changes).await;
        let people = People::new(&storage, stack.output("UserPoolId").unwrap().to_owned());
        let api = Api::new(storage, stack.api().to_owned());
        Self { router, app: Arc::new(Admin { api, people }) }
    }

    /// Answers an [`event`].
    pub async fn send(&self, data_token: &str, method: Method, path: &str, body: Value) -> Answer {
        let request = event(data_token, &method, path, &body);
        let (parts, body) = self.router.answer(&self.app, request).await.into_parts();
        let body = match body {
            Body::Text(text) => text.into(),
            Body::Binary(bytes) => bytes.into(),
            _ => bytes::Bytes::new(),
        };
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, data_token: &str, path: &str) -> Answer {
        self.send(data_token, Method::GET, path, json!({})).await
    }
}
