//! The OpenAPI document: what the code says of itself, and what others take for OpenAPI.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    process::{Command, Stdio},
    str::FromStr,
};

use jsonschema::{Draft, Validator};
use lambda_kit::openapi::{Capability, Document, Operation, Server};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{doors::production_code, project};

const COMMITTED: &str = "functions/sessions/openapi.json";

/// The document, made anew.
fn document() -> String {
    let document = Document {
        title: "Castkeep",
        description: "Hosts podcasts for organisations that must keep them safe, each in a tenancy of its own.\n\n\
            Answers are `{\"data\": …}`, and lists add `\"page\": {\"next\": …}`. What goes wrong is a problem (RFC 9457). A \
            context token says whose tenancy it is; nothing else in a request does.",
        server: Server { url: sessions::EXAMPLE_API_URL, description: "The tenancy API." },
        capabilities: vec![
            capability("sign-in", "Context tokens, and what checks them.", sessions::operations()),
            capability(
                "tenancy",
                "A customer's space, its people and its machine clients.",
                [tenancy::operations(), tenancy::sso_operations(), tenancy::provision_operations()]
                    .into_iter()
                    .flatten()
                    .collect(),
            ),
            capability(
                "shows",
                "Shows, their episodes, and who listens to private ones.",
                shows::operations(),
            ),
            capability("uploads", "Audio on its way in.", uploads::operations()),
            capability("portability", "Everything of a tenancy, to take away.", export::operations()),
            capability(
                "leaving",
                "Deletions, restoring, erasing what is known of a person, and legal holds.",
                deletion::operations(),
            ),
            Capability {
                server: Some(Server {
                    url: sessions::EXAMPLE_LISTENER_URL,
                    description: "The listener API, open to podcast apps.",
                }),
                ..capability("listening", "What podcast apps call.", feeds::listen::operations())
            },
        ],
    };
    document.to_json().unwrap()
}

fn capability(name: &'static str, description: &'static str, operations: Vec<Operation>) -> Capability {
    Capability { name, description, server: None, operations }
}

#[test]
fn the_document_is_what_the_code_says() {
    let path = project().join(COMMITTED);
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let made = document();
    if committed != made {
        fs::write(&path, made).unwrap();
        panic!("{COMMITTED} was not what the code says. It is now: read what changed and commit it.");
    }
}

/// Asks PyPI's `openapi-spec-validator`, and answers whether it has nothing to say.
fn is_openapi(document: &str) -> bool {
    let python = Runtime::new().unwrap().block_on(local::python_environment());
    let mut judge = Command::new(python.unwrap())
        .args(["-m", "openapi_spec_validator", "--schema", "3.1", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    judge.stdin.take().unwrap().write_all(document.as_bytes()).unwrap();
    judge.wait().unwrap().success()
}

#[test]
fn a_judge_that_nobody_here_wrote_takes_the_document() {
    let document = document();
    assert!(is_openapi(&document));
    for (right, wrong) in [
        (r#""openapi": "3.1.1""#, r#""openapi": "3.1""#),
        (r#""type": "object""#, r#""type": "thing""#),
        ("#/components/responses/TooManyRequests", "#/components/responses/Nowhere"),
        (r#""operationId": "list_keys""#, r#""operationId": "create_token""#),
    ] {
        assert!(document.contains(right), "{right}");
        assert!(!is_openapi(&document.replace(right, wrong)), "{wrong}");
    }
}

/// The routes in the committed document, as `METHOD /path`: of the tenancy API, or of the listener API.
pub fn routes(api: &str) -> BTreeSet<String> {
    let mut routes = BTreeSet::new();
    for (method, path, operation) in operations() {
        let url = operation["servers"][0]["url"].as_str().unwrap_or(sessions::EXAMPLE_API_URL);
        if (url == sessions::EXAMPLE_LISTENER_URL) == (api == "ListenerApi") {
            routes.insert(format!("{method} {path}"));
        }
    }
    routes
}

fn committed() -> Value {
    serde_json::from_str(&fs::read_to_string(project().join(COMMITTED)).unwrap()).unwrap()
}

fn operations() -> Vec<(String, String, Value)> {
    let document = committed();
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, operations)| {
        let operations = operations.as_object().unwrap().iter();
        operations.map(|(method, operation)| (method.to_uppercase(), path.clone(), operation.clone()))
    });
    operations.collect()
}

#[test]
fn every_operation_says_what_it_is() {
    for (method, path, operation) in operations() {
        let summary = operation["summary"].as_str().unwrap();
        assert!(
            (8..=120).contains(&summary.len()),
            "{method} {path}: {summary:?} is in its file's first line"
        );
    }
}

/// What is first asked for, since a second permission may matter in some cases only.
#[test]
fn the_document_names_the_permission_that_an_operation_asks_for() {
    let permission = |text: &str, before: &[&str]| {
        let start = before.iter().filter_map(|before| text.find(before).map(|at| at + before.len())).min()?;
        text[start..].split('>').next().map(str::to_owned)
    };
    let mut operations = 0;
    for (file, text) in production_code() {
        if text.contains("fn describe(operation: Operation)") {
            operations += 1;
            let told = permission(&text, &[".needs::<"]);
            assert_eq!(told, permission(&text, &["grant::<", "ask::<"]), "{file}");
        }
    }
    assert!(operations >= 40, "only {operations}");
}

/// Links of rustdoc are for those who read the code.
#[test]
fn the_document_speaks_to_those_who_do_not_see_the_code() {
    let document = fs::read_to_string(project().join(COMMITTED)).unwrap();
    for word in ["[`", "::", "See ["] {
        let line = document.lines().find(|line| line.contains(word));
        assert_eq!(line, None, "{word}");
    }
}

fn schema(name: &str) -> Validator {
    let mut schema = json!({ "$ref": format!("#/components/schemas/{name}") });
    schema["components"] = committed()["components"].clone();
    let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
    options.build(&schema).unwrap()
}

/// What is hard to get right, in pieces and whole.
fn texts() -> Vec<String> {
    const ULID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let mut texts: Vec<String> = [
        "",
        "a",
        "ab",
        "abc",
        "a-b",
        "-ab",
        "ab-",
        "a--b",
        "ABC",
        "a b",
        "a.b",
        "a/b",
        "audio/mpeg",
        "Audio/X-M4A",
        "audio/",
        "/mpeg",
        "audio/mpeg; q=1",
        "en",
        "EN-us",
        "es-419",
        "en_US",
        "english",
        "News",
        "news",
        "News > Daily News",
        "Arts > Daily News",
        "a@b.example",
        "a@b",
        "@b.example",
        "a..b@c.example",
        "2026-01-31T09:30:00Z",
        "2026-01-31T10:30:00.25+01:00",
        "2026-01-31",
        "yesterday",
        ".",
        "..",
        "...",
        "a\\b",
        "a\nb",
        "a\tb",
        "a\0b",
        "a\u{85}b",
        "a\u{ffff}",
        "<b>",
        "a < b",
        "é",
        "owners",
        "owner",
        "Ebb & Flow",
        "*",
    ]
    .map(str::to_owned)
    .into();
    for prefix in ["ten", "shw", "usr", "key", "grp", "SHW", "*"] {
        for ulid in
            [ULID, &ULID[1..], &ULID.to_lowercase(), &ULID.replace('V', "I"), &format!("{ULID}\n"), "*"]
        {
            texts.push(format!("{prefix}_{ulid}"));
        }
    }
    for length in [26, 31, 32, 33, 62, 63, 64, 65, 100, 101, 127, 128, 254, 255, 256, 4000, 4001] {
        texts.extend(["a", "0", "é"].map(|letter| letter.repeat(length)));
    }
    texts
}

/// A schema takes what the parser lets in, and nothing else, unless it says `less` than the parser knows.
fn assert_agreement<T: FromStr + ToString>(name: &str, less: bool) {
    let schema = schema(name);
    let mut taken = 0;
    for text in texts() {
        match text.parse::<T>() {
            Ok(parsed) => {
                taken += 1;
                assert!(schema.is_valid(&json!(parsed.to_string())), "{name} lets {text:?} in");
            }
            Err(_) => assert!(less || !schema.is_valid(&json!(text)), "{name} does not let {text:?} in"),
        }
    }
    assert!(taken > 0, "{name} was never taken");
}

#[test]
fn the_document_says_what_the_parsers_enforce() {
    assert_agreement::<tenant_context::ShowId>("ShowId", false);
    assert_agreement::<tenant_context::TenancyId>("TenancyId", false);
    assert_agreement::<domain::Slug>("Slug", false);
    assert_agreement::<domain::ContentHash>("ContentHash", false);
    assert_agreement::<domain::ContentType>("ContentType", false);
    assert_agreement::<domain::Category>("Category", false);
    assert_agreement::<tenant_context::GroupRef>("GroupRef", false);
    assert_agreement::<tenant_context::MemberId>("MemberId", false);
    // Which codes there are, bytes instead of characters, and what lies before 1970 is for the parser to say.
    assert_agreement::<domain::Language>("Language", true);
    assert_agreement::<domain::EmailAddress>("EmailAddress", true);
    assert_agreement::<domain::EmailDomain>("EmailDomain", true);
    assert_agreement::<domain::FileName>("FileName", true);
    assert_agreement::<domain::Description>("Description", true);
    assert_agreement::<tenant_context::Timestamp>("Timestamp", true);
    for name in ["ShowTitle", "Author", "ListenerLabel"] {
        assert_agreement::<domain::ShowTitle>(name, false);
    }
    for name in ["TenancyName", "PersonName", "ClientName", "GroupName"] {
        assert_agreement::<domain::PersonName>(name, false);
    }
}
