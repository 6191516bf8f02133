//! What the functions are measured in: the local stack with its demo, the stand-in before it, and events as API Gateway makes them.

use std::{collections::BTreeMap, error::Error, io};

use bytes::Bytes;
use http::{Method, Request, header};
use local::{Client, Options, Progress, Stack};
use serde_json::{Value, json};

use crate::{binaries::Binaries, runtime_api::Program, stand_in::StandIn};

/// Whatever went wrong: a sentence.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The stack, and the programs that are measured in it.
pub struct World {
    pub stack: Stack,
    pub stand_in: StandIn,
    pub binaries: Binaries,
}

impl World {
    /// Starts the stack with a state of its own that goes away with it.
    ///
    /// # Errors
    /// Where the stack does not start.
    pub async fn start(binaries: Binaries) -> Outcome<Self> {
        let stack = start_stack().await?;
        let stand_in = StandIn::start(stack.aws().endpoint())?;
        Ok(Self { stack, stand_in, binaries })
    }

    /// The function with this binary, with the environment that the template gives it and credentials of its own role.
    ///
    /// # Errors
    /// Where there is no such function.
    pub async fn function(&self, binary: &str) -> Outcome<Program> {
        self.function_at(binary, &self.stand_in).await
    }

    /// The same beside a stand-in of its own.
    ///
    /// # Errors
    /// Where there is no such function.
    pub async fn function_at(&self, binary: &str, stand_in: &StandIn) -> Outcome<Program> {
        let variables = self.stack.aws().function_environment(binary).await?;
        let [id, secret, token] = self.stack.aws().assume_role_of(binary).await?;
        let environment = variables.as_object().into_iter().flatten();
        let environment = environment
            .filter(|(name, _)| *name != "AWS_ENDPOINT_URL")
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .chain([
                ("AWS_ENDPOINT_URL".to_owned(), stand_in.endpoint()),
                ("AWS_ACCESS_KEY_ID".to_owned(), id),
                ("AWS_SECRET_ACCESS_KEY".to_owned(), secret),
                ("AWS_SESSION_TOKEN".to_owned(), token),
                // Nobody sends as many events in a minute as are sent here.
                ("REQUESTS_PER_MINUTE_PER_PRINCIPAL".to_owned(), "1000000".to_owned()),
                ("REQUESTS_PER_MINUTE".to_owned(), "1000000".to_owned()),
            ])
            .collect();
        Ok(Program { command: vec![self.path(binary)?], environment })
    }

    /// One of the two functions that others are compared with.
    ///
    /// # Errors
    /// Where it was not built.
    pub fn hello(&self, binary: &str) -> Outcome<Program> {
        let table = self.stack.output("TenantTable").unwrap_or_default();
        let environment = [
            ("AWS_ENDPOINT_URL", self.stand_in.endpoint()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("TENANT_TABLE", table.to_owned()),
        ];
        Ok(Program {
            command: vec![self.path(binary)?],
            environment: environment.map(|(name, value)| (name.to_owned(), value)).into(),
        })
    }

    fn path(&self, binary: &str) -> Outcome<String> {
        let path =
            self.binaries.get(binary).ok_or_else(|| io::Error::other(format!("no binary {binary}")))?;
        Ok(path.display().to_string())
    }

    /// A fresh context token of a client of the demo, such as `acme_owner`.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn token(&self, client: &str) -> Outcome<String> {
        let client = self.stack.demo().clients.get(client).ok_or("no such client in the demo")?;
        let request = sign_in(self.stack.api(), client)?;
        let answer: Value = serde_json::from_slice(self.stack.http().send(request).await?.body())?;
        Ok(answer.get("access_token").and_then(Value::as_str).ok_or("no token")?.to_owned())
    }

    /// What the tenancy API answers to a request with this token.
    ///
    /// # Errors
    /// Where it does not answer in JSON.
    pub async fn get(&self, token: &str, path: &str) -> Outcome<Value> {
        let request = Request::get(format!("{}{path}", self.stack.api()))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Bytes::new())?;
        Ok(serde_json::from_slice(self.stack.http().send(request).await?.body())?)
    }
}

/// The local stack with its demo, and a state of its own that goes away with it.
///
/// # Errors
/// Where it does not start.
pub async fn start_stack() -> Outcome<Stack> {
    let options = Options { load_demo: true, progress: Progress::Stderr, ..Options::for_tests()? };
    Ok(Stack::start(options).await?)
}

/// Asks for a client's context token.
///
/// # Errors
/// Where it cannot be written.
pub fn sign_in(api: &str, client: &Client) -> Outcome<Request<Bytes>> {
    let Client { client_id, client_secret } = client;
    let form = format!("grant_type=client_credentials&client_id={client_id}&client_secret={client_secret}");
    let request = Request::post(format!("{api}/oauth/token"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    Ok(request.body(form.into())?)
}

/// What API Gateway asks its authorizer.
pub fn authorizer_event(token: &str) -> Vec<u8> {
    let arn =
        format!("arn:aws:execute-api:{}:{}:a1b2c3d4e5/live/GET/v1/shows", local::REGION, local::ACCOUNT);
    let event = json!({ "type": "TOKEN", "methodArn": arn, "authorizationToken": format!("Bearer {token}") });
    event.to_string().into_bytes()
}

/// A request to the tenancy API as its function sees it, once the authorizer has handed over `data_token`.
pub fn rest_event(method: &Method, path: &str, data_token: &str, body: Option<&Value>) -> Vec<u8> {
    let headers = json!({
        "Accept": "application/json", "Content-Type": "application/json", "Host": "api.castkeep.example",
        "User-Agent": "curl/8.5.0", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https",
    });
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query: BTreeMap<_, _> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let event = json!({
        "resource": path, "path": path, "httpMethod": method.as_str(),
        "headers": headers, "multiValueHeaders": {}, "queryStringParameters": query,
        "requestContext": {
            "accountId": local::ACCOUNT, "apiId": "a1b2c3d4e5", "stage": "live", "httpMethod": method.as_str(),
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "resourceId": "abc", "resourcePath": path,
            "identity": { "sourceIp": "192.0.2.7" },
            "authorizer": { "data_token": data_token },
        },
        "body": body.map(Value::to_string), "isBase64Encoded": false,
    });
    event.to_string().into_bytes()
}

/// A request to the listener API as its function sees it.
pub fn http_event(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut all =
        json!({ "host": "listen.castkeep.example", "user-agent": "AntennaPod/3.5", "accept": "*/*" });
    if let Some(all) = all.as_object_mut() {
        all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    }
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": all,
        "requestContext": {
            "accountId": local::ACCOUNT, "apiId": "f6g7h8i9j0", "stage": "$default", "routeKey": "$default",
            "domainName": "listen.castkeep.example", "domainPrefix": "listen", "requestId": "JKJaXmPLvHcESHA=",
            "time": "25/Nov/2026:12:00:00 +0000", "timeEpoch": 1_795_608_000_000_u64,
            "http": {
                "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7",
                "userAgent": "AntennaPod/3.5",
            },
        },
        "isBase64Encoded": false,
    });
    event.to_string().into_bytes()
}
