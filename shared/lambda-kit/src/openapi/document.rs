//! The document: what operations say of themselves, put together as OpenAPI 3.1 has it.

use http::StatusCode;
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::{Map, Value, json};

use crate::{
    Problem,
    openapi::{Access, Answer, Content, Header, Operation, Parameter, capitalized, plain},
    page, problem,
};

/// The whole document.
pub struct Document {
    /// The product's name.
    pub title: &'static str,
    /// What a reader should know first (CommonMark).
    pub description: &'static str,
    /// Where the operations are, unless their capability says otherwise.
    pub server: Server,
    /// The operations, by what they are about.
    pub capabilities: Vec<Capability>,
}

/// Where operations are.
pub struct Server {
    /// The URL that paths are appended to.
    pub url: &'static str,
    /// Which API it is.
    pub description: &'static str,
}

/// Operations that belong together: a tag.
pub struct Capability {
    /// The tag's name.
    pub name: &'static str,
    /// What the operations are about.
    pub description: &'static str,
    /// Where the operations are, if not where most are.
    pub server: Option<Server>,
    /// The operations.
    pub operations: Vec<Operation>,
}

/// Two things that are not the same have the same name in the document.
#[derive(Debug, thiserror::Error)]
#[error("{0} is the name of two different things")]
pub struct NameTaken(String);

impl Document {
    /// The document in JSON, one member a line, in the order of their names.
    ///
    /// # Errors
    /// [`NameTaken`], for types of the same name and for problems of the same code.
    pub fn to_json(&self) -> Result<String, NameTaken> {
        let mut components = Components::new();
        let mut paths: Map<String, Value> = Map::new();
        for capability in &self.capabilities {
            for operation in &capability.operations {
                let described = components.describe(operation, capability)?;
                let path = paths.entry(operation.path).or_insert_with(|| json!({}));
                insert(path, &operation.method.as_str().to_lowercase(), described);
            }
        }

        let tags = self
            .capabilities
            .iter()
            .map(|capability| json!({ "name": capability.name, "description": capability.description }));
        let mut document = json!({
            "openapi": "3.1.1",
            "info": { "title": self.title, "description": self.description, "version": "v1" },
            "servers": [self.server.to_json()],
            "tags": tags.collect::<Vec<_>>(),
            "paths": paths,
            "components": components.finish()?,
        });
        // Whether members keep the order in which they are given is a feature of serde_json that other crates may want.
        document.sort_all_objects();
        Ok(format!("{document:#}\n"))
    }
}

impl Server {
    fn to_json(&self) -> Value {
        json!({ "url": self.url, "description": self.description })
    }
}

/// What operations share, gathered while they are described.
struct Components {
    /// Of what is read.
    requests: SchemaGenerator,
    /// Of what is written.
    answers: SchemaGenerator,
    responses: Map<String, Value>,
}

impl Components {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12()
                .with(|settings| settings.definitions_path = "/components/schemas".into())
                .with_transform(RecursiveTransform(forget_null_default))
        };
        Self {
            requests: settings().into_generator(),
            answers: settings().for_serialize().into_generator(),
            responses: Map::new(),
        }
    }

    fn describe(&mut self, operation: &Operation, capability: &Capability) -> Result<Value, NameTaken> {
        let (summary, description) = words(operation);
        let parameters: Vec<_> =
            operation.parameters.iter().map(|parameter| self.parameter(parameter)).collect();
        let mut described = json!({
            "operationId": operation.id,
            "tags": [capability.name],
            "summary": summary,
            "description": description,
            "security": security(operation),
            "parameters": parameters,
            "responses": self.responses(operation, capability)?,
        });
        if !operation.body.is_empty() {
            let mut content = Map::new();
            let mut is_required = false;
            for body in &operation.body {
                let schema = (body.schema)(&mut self.requests);
                is_required |= self.asks_for_something(&schema);
                content.insert(body.media_type.to_owned(), json!({ "schema": schema }));
            }
            insert(&mut described, "requestBody", json!({ "required": is_required, "content": content }));
        }
        if let Some(server) = &capability.server {
            insert(&mut described, "servers", json!([server.to_json()]));
        }
        Ok(described)
    }

    fn parameter(&mut self, parameter: &Parameter) -> Value {
        match parameter {
            Parameter::Shared(name) => reference("parameters", name),
            Parameter::Own { place, name, schema } => json!({
                "name": name, "in": place, "required": *place == "path", "schema": schema(&mut self.requests),
            }),
        }
    }

    /// Whether a body of this schema has a member that must be there.
    fn asks_for_something(&self, schema: &Schema) -> bool {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
        let definition = name.and_then(|name| self.requests.definitions().get(name));
        definition.is_some_and(|definition| definition.get("required").is_some())
    }

    fn responses(&mut self, operation: &Operation, capability: &Capability) -> Result<Value, NameTaken> {
        let mut responses = Map::new();
        for (status, answer) in &operation.answers {
            responses.insert(status.to_string(), self.answer(answer, operation));
        }
        for (status, problems) in &operation.problems {
            let response = match problems.as_slice() {
                // What is denied has a name of its own.
                [problem] if problem.status != StatusCode::FORBIDDEN => self.share(problem)?,
                problems => self.problems(problems),
            };
            responses.insert(status.to_string(), response);
        }
        if capability.server.is_none() {
            responses.insert("429".to_owned(), reference("responses", TOO_MANY_REQUESTS));
            responses.insert("5XX".to_owned(), reference("responses", SERVER_ERROR));
        } else {
            // An HTTP API has words of its own for these two.
            responses.insert("429".to_owned(), json!({ "description": too_many_requests().detail }));
            responses.insert("5XX".to_owned(), json!({ "description": Problem::unavailable().detail }));
        }
        Ok(responses.into())
    }

    fn answer(&mut self, answer: &Answer, operation: &Operation) -> Value {
        let mut described = json!({ "description": answer.description });
        if !answer.content.is_empty() {
            let content = answer.content.iter().map(|Content { media_type, schema }| {
                (String::from(*media_type), json!({ "schema": schema(&mut self.answers) }))
            });
            insert(&mut described, "content", content.collect::<Map<_, _>>().into());
        }

        let mut headers: Map<_, _> = answer.headers.iter().map(header).collect();
        if !matches!(operation.access, Access::Everybody) {
            headers.extend(rate_limit_headers());
        }
        if !headers.is_empty() {
            insert(&mut described, "headers", headers.into());
        }
        described
    }

    /// A response that says one thing only is written once, under its code: `not_found` is `NotFound`.
    fn share(&mut self, problem: &Problem) -> Result<Value, NameTaken> {
        let name: String = problem.code.split('_').map(capitalized).collect();
        let response = self.problems(std::slice::from_ref(problem));
        let known = self.responses.entry(&name).or_insert_with(|| response.clone());
        if *known == response { Ok(reference("responses", &name)) } else { Err(NameTaken(name)) }
    }

    fn problems(&mut self, problems: &[Problem]) -> Value {
        let words = problems.iter().map(|problem| format!("`{}`: {}", problem.code, problem.detail));
        let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
        let mut schema = plain::<problem::Wire>(&mut self.answers);
        schema.insert("properties".to_owned(), json!({ "code": { "enum": codes } }));
        json!({
            "description": words.collect::<Vec<_>>().join("\n\n"),
            "content": { "application/problem+json": { "schema": schema } },
        })
    }

    fn finish(mut self) -> Result<Value, NameTaken> {
        let server_error = self.problems(&[Problem::internal(), Problem::unavailable()]);
        self.responses.insert(SERVER_ERROR.to_owned(), server_error);
        let mut too_many_requests = self.problems(&[too_many_requests()]);
        let mut told = rate_limit_headers();
        told.insert("Retry-After".to_owned(), reference("headers", "Retry-After"));
        insert(&mut too_many_requests, "headers", told.into());
        self.responses.insert(TOO_MANY_REQUESTS.to_owned(), too_many_requests);
        let mut schemas = self.answers.take_definitions(true);
        for (name, schema) in self.requests.take_definitions(true) {
            if *schemas.entry(&name).or_insert_with(|| schema.clone()) != schema {
                return Err(NameTaken(name));
            }
        }
        Ok(json!({
            "schemas": schemas,
            "responses": self.responses,
            "parameters": shared_parameters(),
            "headers": headers(),
            "securitySchemes": { CONTEXT_TOKEN: {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "A context token from POST /oauth/token. The roles beside it are permissions.",
            } },
        }))
    }
}

const SERVER_ERROR: &str = "ServerError";
const TOO_MANY_REQUESTS: &str = "TooManyRequests";
const CONTEXT_TOKEN: &str = "context_token";

/// What [`Problem::too_many_requests`] is, and API Gateway answers for nobody in particular.
fn too_many_requests() -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_requests",
        "Too many requests",
        "Repeat the request in a few seconds.",
    )
}

fn shared_parameters() -> Value {
    json!({
        "Limit": {
            "name": "limit", "in": "query", "description": "How many to answer at most.",
            "schema": { "type": "integer", "minimum": 1, "maximum": page::Limits::LISTING.most, "default": page::Limits::LISTING.default },
        },
        "Cursor": {
            "name": "cursor", "in": "query", "description": "`page.next` of the page before; none for the first.",
            "schema": { "type": "string" },
        },
        "IfMatch": {
            "name": "If-Match", "in": "header", "schema": { "type": "string" },
            "description": "The ETag of the version to change. Without it, whatever is there is changed.",
        },
        "IfNoneMatch": {
            "name": "If-None-Match", "in": "header", "schema": { "type": "string" },
            "description": "The ETags that the caller has (RFC 9110, 13.1.2).",
        },
        "Range": {
            "name": "Range", "in": "header", "schema": { "type": "string" },
            "description": "One range of bytes (RFC 9110, 14.2). Of several, everything is answered.",
        },
        "IfRange": {
            "name": "If-Range", "in": "header", "schema": { "type": "string" },
            "description": "The strong ETag, or the date, of what the caller has a part of (RFC 9110, 13.1.5).",
        },
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header",
            "schema": { "type": "string", "pattern": "^[\\x20-\\x7e]{1,255}$" },
            "description": "The same request under the same key is done once in 24 hours.",
        },
    })
}

fn header(header: &Header) -> (String, Value) {
    let described = if header.is_always_there {
        reference("headers", header.name)
    } else {
        json!({ "schema": { "type": "string" }, "description": "Where there are versions." })
    };
    (header.name.to_owned(), described)
}

fn rate_limit_headers() -> Map<String, Value> {
    ["RateLimit", "RateLimit-Policy"]
        .map(|name| (name.to_owned(), reference("headers", name)))
        .into_iter()
        .collect()
}

fn headers() -> Value {
    json!({
        "RateLimit": {
            "schema": { "type": "string" },
            "description": "Requests that are left in this minute (draft-ietf-httpapi-ratelimit-headers).",
        },
        "RateLimit-Policy": {
            "schema": { "type": "string" },
            "description": "Requests that a minute has (draft-ietf-httpapi-ratelimit-headers).",
        },
        "Retry-After": {
            "schema": { "type": "integer", "minimum": 0 },
            "description": "Seconds to wait (RFC 9110, 10.2.3).",
        },
        "ETag": {
            "required": true, "schema": { "type": "string" },
            "description": "The version, strong (RFC 9110, 8.8.3).",
        },
        "Last-Modified": {
            "required": true, "schema": { "type": "string" },
            "description": "Since when it is so (RFC 9110, 8.8.2).",
        },
        "Content-Range": {
            "required": true, "schema": { "type": "string" },
            "description": "Which bytes these are, of how many (RFC 9110, 14.4).",
        },
        "Location": {
            "required": true, "schema": { "type": "string", "format": "uri-reference" },
            "description": "Where it is.",
        },
    })
}

/// The first sentence; all of it, and the permission.
fn words(operation: &Operation) -> (&str, String) {
    let summary = operation.words.split_once(". ").map_or(operation.words.as_str(), |(first, _)| first);
    let permission = match operation.access {
        Access::Permitted(permission) => format!(" Needs `{permission}`."),
        Access::SignedIn | Access::Everybody => String::new(),
    };
    (summary.trim_end_matches('.'), format!("{}{permission}", operation.words))
}

/// OpenAPI 3.1 takes roles beside schemes of every type.
fn security(operation: &Operation) -> Value {
    match operation.access {
        Access::Everybody => json!([]),
        Access::SignedIn => json!([{ CONTEXT_TOKEN: [] }]),
        Access::Permitted(permission) => json!([{ CONTEXT_TOKEN: [permission] }]),
    }
}

fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

fn insert(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// An optional member that is absent is not always as if it were `null`.
fn forget_null_default(schema: &mut Schema) {
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
}
