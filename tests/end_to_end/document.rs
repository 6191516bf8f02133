//! Every request that is taken and every answer that comes, held against the OpenAPI document.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use bytes::Bytes;
use http::Method;
use jsonschema::{Draft, Validator};
use local::Stack;
use serde_json::{Value, json};

use crate::actors::Answer;

/// The committed document. Its objects are closed here: a member that it does not know is a mistake in it.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../functions/sessions/openapi.json");
    let mut document: Value = serde_json::from_str(text).unwrap();
    for schema in document["components"]["schemas"].as_object_mut().unwrap().values_mut() {
        close(schema);
    }
    document
});

static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Asserts that the document knows what has come of a request to one of the two APIs.
pub fn check(stack: &Stack, method: &Method, url: &str, request: &Bytes, answer: &Answer) {
    let (api, path) = match (url.strip_prefix(stack.api()), url.strip_prefix(stack.listener())) {
        (Some(path), _) => ("tenancy", path),
        (_, Some(path)) => ("listener", path),
        _ => return,
    };
    let path = path.split('?').next().unwrap();
    if let Some(operation) = find_operation(api, method, path)
        && let Err(difference) = compare(operation, request, answer)
    {
        panic!("{method} {path} is not as openapi.json says: {difference}: {answer:?}");
    }
}

/// The operation behind a path, if there is one.
fn find_operation(api: &str, method: &Method, path: &str) -> Option<&'static Value> {
    let is_template_of = |template: &str| {
        let (mut expected, mut segments) = (template.split('/'), path.split('/'));
        let all = expected.by_ref().all(|expected| {
            segments.next().is_some_and(|segment| expected.starts_with('{') || expected == segment)
        });
        all && segments.next().is_none()
    };
    let mut paths = DOCUMENT["paths"].as_object().unwrap().iter();
    let (_, operations) = paths.find(|(template, operations)| {
        let is_listeners =
            operations.as_object().unwrap().values().all(|found| found.get("servers").is_some());
        is_template_of(template) && is_listeners == (api == "listener")
    })?;
    operations.get(method.as_str().to_lowercase())
}

fn compare(operation: &'static Value, request: &Bytes, answer: &Answer) -> Result<(), String> {
    let status = answer.status.as_str();
    let responses = &operation["responses"];
    let range = format!("{}XX", &status[..1]);
    let response = responses.get(status).or_else(|| responses.get(range)).map(resolve);
    let response = response.ok_or_else(|| format!("it has no answer {status}"))?;

    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        if resolve(header)["required"] == true && answer.header(name).is_empty() {
            return Err(format!("{name} is missing"));
        }
    }
    if answer.status.is_success() {
        compare_request(operation, request)?;
    }
    compare_body(operation, response, answer)
}

fn compare_request(operation: &Value, request: &Bytes) -> Result<(), String> {
    let body = &operation["requestBody"];
    let Some(schema) = body["content"]["application/json"].get("schema") else { return Ok(()) };
    if request.is_empty() {
        return if body["required"] == true { Err("it needs a body".to_owned()) } else { Ok(()) };
    }
    let sent = match serde_json::from_slice(request) {
        Ok(sent) => sent,
        // Taken in another media type.
        Err(_) if body["content"].as_object().is_some_and(|content| content.len() > 1) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    let name = format!("{} request", operation["operationId"]);
    validate(&name, schema, &sent).map_err(|difference| format!("{sent} was taken, and {difference}"))
}

fn compare_body(operation: &Value, response: &Value, answer: &Answer) -> Result<(), String> {
    let Some(content) = response.get("content") else {
        return if answer.body.is_empty() { Ok(()) } else { Err("it has no body".to_owned()) };
    };
    let media_type = answer.header("content-type").split(';').next().unwrap();
    let schema = content.get(media_type).ok_or_else(|| format!("it has no {media_type:?}"))?;
    let is_json = media_type == "application/json" || media_type.ends_with("+json");
    if answer.body.is_empty() || !is_json {
        return Ok(());
    }
    let name = format!("{} {} {media_type}", operation["operationId"], answer.status);
    let mut schema = schema["schema"].clone();
    close(&mut schema);
    validate(&name, &schema, &answer.json())
}

fn validate(name: &str, schema: &Value, instance: &Value) -> Result<(), String> {
    let mut validators = VALIDATORS.lock().unwrap();
    let validator = validators.entry(name.to_owned()).or_insert_with(|| {
        let schemas = &DOCUMENT["components"]["schemas"];
        let schema = json!({ "allOf": [schema], "components": { "schemas": schemas } });
        let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
        Arc::new(options.build(&schema).unwrap())
    });
    let validator = Arc::clone(validator);
    drop(validators);
    validator.validate(instance).map_err(|error| format!("{} at {}", error, error.instance_path()))
}

fn resolve(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// Closes an object, but for the members that it takes from elsewhere.
fn close(schema: &mut Value) {
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema["unevaluatedProperties"] = json!(false);
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;

    fn answer(status: u16, media_type: &'static str, body: &Value) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(media_type));
        headers.insert("etag", HeaderValue::from_static("\"1\""));
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, headers, body: body.to_string().into() }
    }

    fn show() -> Value {
        json!({
            "id": "shw_01ARZ3NDEKTSV4RRFFQ69G5FAV", "slug": "tide-tables", "title": "Tide Tables",
            "description": "The sea, twice a day.", "language": "en-GB", "category": "Science > Earth Sciences",
            "author": "Harbour Radio", "visibility": "public", "has_listener_feed": false, "explicit": false,
            "listing": {
                "link": null, "copyright": null, "owner": null, "secondary_categories": [], "type": "episodic",
                "is_complete": false, "is_blocked": false, "artwork_id": null,
            },
            "podcasting": {
                "locked": { "is_locked": true, "shows_owner": false }, "funding": [], "persons": [], "locations": [],
                "trailers": [], "license": null, "value": null, "medium": "podcast", "images": [], "txt": [],
                "update_frequency": null, "blocks": [], "podroll": [],
            },
            "suspends_shared_listeners": false, "self_serve_domains": [],
            "feed_url": "https://listen.example/feeds/tide-tables.xml", "moved_to": null, "is_ended": false,
            "podcast_guid": null,
            "created_at": "2026-01-31T09:30:00.000Z", "updated_at": "2026-01-31T09:30:00.000Z",
        })
    }

    fn problem(status: u16, code: &str) -> Value {
        json!({
            "type": format!("/problems/{code}"), "title": "T", "status": status, "detail": "D", "code": code,
            "request_id": "r-1",
        })
    }

    fn compare_with_find_show(answer: &Answer) -> Result<(), String> {
        let path = "/v1/shows/shw_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        compare(find_operation("tenancy", &Method::GET, path).unwrap(), &Bytes::new(), answer)
    }

    #[test]
    fn what_the_document_says_is_taken() {
        for answer in [
            answer(200, "application/json", &json!({ "data": show() })),
            answer(404, "application/problem+json", &problem(404, "not_found")),
            answer(503, "application/problem+json", &problem(503, "unavailable")),
        ] {
            assert_eq!(compare_with_find_show(&answer), Ok(()));
        }
    }

    #[test]
    fn what_the_document_does_not_say_is_noticed() {
        let data = |name: &str, value: Value| {
            let mut show = show();
            show[name] = value;
            answer(200, "application/json", &json!({ "data": show }))
        };
        let mut incomplete = show();
        incomplete.as_object_mut().unwrap().remove("slug");
        let mut untagged = answer(200, "application/json", &json!({ "data": show() }));
        untagged.headers.remove("etag");
        for (what, answer) in [
            ("a member less", answer(200, "application/json", &json!({ "data": incomplete }))),
            ("a member more", data("colour", json!("blue"))),
            ("an id of something else", data("id", json!("epi_01ARZ3NDEKTSV4RRFFQ69G5FAV"))),
            ("a time that is none", data("created_at", json!("yesterday"))),
            ("an address that is none", data("feed_url", json!("here"))),
            ("another type", data("explicit", json!("no"))),
            ("null", data("title", Value::Null)),
            ("no envelope", answer(200, "application/json", &show())),
            ("more in the envelope", answer(200, "application/json", &json!({ "data": show(), "more": 1 }))),
            ("another media type", answer(200, "text/html", &json!({ "data": show() }))),
            ("no ETag", untagged),
            ("another status", answer(202, "application/json", &json!({ "data": show() }))),
            ("another problem", answer(404, "application/problem+json", &problem(404, "gone"))),
            (
                "a problem of another status",
                answer(409, "application/problem+json", &problem(409, "slug_taken")),
            ),
        ] {
            assert!(compare_with_find_show(&answer).is_err(), "{what}");
        }
    }

    #[test]
    fn a_request_that_is_taken_and_not_described_is_noticed() {
        let path = "/v1/shows/shw_01ARZ3NDEKTSV4RRFFQ69G5FAV/listeners";
        let operation = find_operation("tenancy", &Method::POST, path).unwrap();
        let listener = json!({
            "id": "lsn_01ARZ3NDEKTSV4RRFFQ69G5FAV", "show_id": "shw_01ARZ3NDEKTSV4RRFFQ69G5FAV", "label": "L",
            "email": null, "state": "active", "expires_at": null, "suspended_at": null, "suspension_reason": null,
            "found_shared_at": null, "last_used_at": null, "created_at": "2026-01-31T09:30:00.000Z", "feed_url": "https://listen.example/p/t/feeds/x.xml",
        });
        let mut answer = answer(201, "application/json", &json!({ "data": listener }));
        answer.headers.insert("location", HeaderValue::from_static(path));
        let taken = |request: &str| compare(operation, &Bytes::from(request.to_owned()), &answer);

        assert_eq!(taken(r#"{"label": "L"}"#), Ok(()));
        for request in ["", "{}", r#"{"label": ""}"#, r#"{"label": 1}"#, r#"{"label": "L", "x": 1}"#] {
            assert!(taken(request).is_err(), "{request}");
        }
    }

    #[test]
    fn paths_are_found_in_their_api() {
        let find =
            |api, path| find_operation(api, &Method::GET, path).map(|found| found["operationId"].clone());
        assert_eq!(find("tenancy", "/v1/shows/x/episodes"), Some(json!("list_episodes")));
        assert_eq!(find("listener", "/p/t/feeds/x.xml"), Some(json!("get_private_feed")));
        for (api, path) in
            [("listener", "/v1/shows"), ("tenancy", "/feeds/x.xml"), ("tenancy", "/v1/shows/x/")]
        {
            assert_eq!(find(api, path), None, "{path}");
        }
    }
}
