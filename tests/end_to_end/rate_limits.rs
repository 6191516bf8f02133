//! Rate limits. Where a moment matters, functions run inside this process and the clock is ours; the counters are the emulated
//! table's, and written with the tenancy's own credentials.

use std::{sync::Arc, time::Duration};

use domain::RATE_LIMIT_WINDOW;
use futures::future::join_all;
use http::Method;
use local::Stack;
use serde_json::{Value, json};

use crate::{
    actors::{Actor, Answer, Tenant},
    instance::{Instance, StoppedClock},
    isolation::{call, missing, routes},
    walls::data_token,
    world::{run, unique},
};

/// `r` of a policy in `RateLimit`.
fn left(answer: &Answer, policy: &str) -> u32 {
    parameter(answer.header("ratelimit"), policy, "r")
}

/// A parameter of one item of a list of structured fields.
fn parameter(field: &str, policy: &str, name: &str) -> u32 {
    let items = field.split(", ").filter_map(|item| item.strip_prefix(&format!("\"{policy}\"")));
    let parameters = items.flat_map(|parameters| parameters.split(';'));
    let value = parameters.filter_map(|parameter| parameter.strip_prefix(&format!("{name}="))).next();
    value.unwrap_or_else(|| panic!("no {name} of {policy} in {field}")).parse().unwrap()
}

async fn items(stack: &Stack, partition: String) -> Vec<Value> {
    let query = json!({
        "TableName": stack.output("TenantTable").unwrap(), "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": { ":pk": { "S": partition } },
    });
    let found = stack.aws().dynamodb("Query", &query).await.unwrap();
    found["Items"].as_array().unwrap().clone()
}

#[test]
fn a_request_too_many_is_refused_and_changes_nothing() {
    run(async |stack| {
        let limit = 6;
        let acme = Tenant::with_limits(stack, json!({ "requests_per_minute_per_principal": limit })).await;
        let globex = Tenant::new(stack).await;
        let show = || {
            json!({ "slug": unique("show"), "title": "T", "description": "D", "language": "en",
                    "category": "News", "author": "A", "visibility": "public" })
        };
        // The minute may end in between, but not twice.
        let mut answers = Vec::new();
        for _ in 0..=2 * limit {
            answers.push(acme.editor.post("/v1/shows", show()).await);
        }
        let neighbour = globex.editor.post("/v1/shows", show()).await;

        let (served, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
        let first = refused.first().expect("nobody was refused");
        first.assert_problem(429, "too_many_requests");
        let seconds: u32 = first.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        assert_eq!(left(first, "principal"), 0);
        assert_eq!(parameter(first.header("ratelimit"), "principal", "t"), seconds);
        assert_eq!(neighbour.status, 201, "{neighbour:?}");
        assert_eq!(items(stack, format!("{}#shows", acme.id)).await.len(), served.len());
        let audit = items(stack, format!("{}#audit", acme.id)).await;
        let shows_made = audit.iter().filter(|event| event["action"]["S"] == "shows:create").count();
        assert_eq!(shows_made, served.len());
    });
}

#[test]
fn every_answer_says_what_is_left() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        for (method, path, body) in routes().into_iter().filter(|(_, path, _)| *path != "/v1/tenancies") {
            for actor in [&acme.owner, &acme.viewer] {
                let answer = call(actor, &method, &missing(path), &body).await;
                let policy = answer.header("ratelimit-policy");
                assert_eq!(
                    policy, r#""principal";q=1200;w=60, "tenancy";q=6000;w=60"#,
                    "{method} {path}: {answer:?}"
                );
                assert!(left(&answer, "principal") < 1200 && left(&answer, "tenancy") < 6000, "{answer:?}");
            }
        }
    });
}

#[test]
fn an_operators_requests_are_counted_too() {
    run(async |stack| {
        let operator = Actor::sign_in(stack, stack.operator()).await;
        let answer = operator.post("/v1/tenancies", json!({})).await;
        assert_eq!(answer.header("ratelimit-policy"), r#""principal";q=1200;w=60"#, "{answer:?}");

        let clock = StoppedClock::at_start_of_window();
        let changes = [("REQUESTS_PER_MINUTE_PER_PRINCIPAL", "2")];
        let provision =
            Instance::start_with(stack, "provision", tenancy::provision_routes(), &clock, &changes).await;
        let token = data_token(stack, &operator).await;
        let post = async || provision.send(&token, Method::POST, "/v1/tenancies", json!({})).await;

        post().await.assert_problem(422, "invalid_request");
        post().await.assert_problem(422, "invalid_request");
        post().await.assert_problem(429, "too_many_requests");
    });
}

#[test]
fn a_window_ends_and_the_next_begins_anew() {
    run(async |stack| {
        let acme = Tenant::with_limits(stack, json!({ "requests_per_minute_per_principal": 5 })).await;
        let clock = StoppedClock::at_start_of_window();
        let instance = Instance::start(stack, &clock).await;
        let token = data_token(stack, &acme.editor).await;

        clock.go_on(Duration::from_millis(18_001));
        let mut answers = Vec::new();
        for _ in 0..6 {
            answers.push(instance.get(&token, "/v1/tenancy").await);
        }
        clock.go_on(RATE_LIMIT_WINDOW - Duration::from_millis(18_002));
        let in_the_last_millisecond = instance.get(&token, "/v1/tenancy").await;
        clock.go_on(Duration::from_millis(1));
        let in_the_next_window = instance.get(&token, "/v1/tenancy").await;

        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        assert_eq!(statuses, [200, 200, 200, 200, 200, 429]);
        let seen: Vec<u32> = answers.iter().map(|answer| left(answer, "principal")).collect();
        assert_eq!(seen, [4, 3, 2, 1, 0, 0]);
        assert_eq!(answers[5].header("retry-after"), "42");
        in_the_last_millisecond.assert_problem(429, "too_many_requests");
        assert_eq!(in_the_last_millisecond.header("retry-after"), "1");
        assert_eq!((in_the_next_window.status.as_u16(), left(&in_the_next_window, "principal")), (200, 4));
    });
}

#[test]
fn principals_have_shares_of_their_own_and_the_tenancy_their_sum() {
    run(async |stack| {
        let limits = json!({ "requests_per_minute_per_principal": 6, "requests_per_minute": 10 });
        let acme = Tenant::with_limits(stack, limits).await;
        let globex = Tenant::new(stack).await;
        let clock = StoppedClock::at_start_of_window();
        let instance = Instance::start(stack, &clock).await;
        let editor = data_token(stack, &acme.editor).await;
        let viewer = data_token(stack, &acme.viewer).await;
        let owner = data_token(stack, &acme.owner).await;
        let neighbour = data_token(stack, &globex.editor).await;
        let get = async |token: &str| instance.get(token, "/v1/tenancy").await;

        for _ in 0..6 {
            assert_eq!(get(&editor).await.status, 200);
        }
        let editors_seventh = get(&editor).await;
        for _ in 0..4 {
            assert_eq!(get(&viewer).await.status, 200);
        }
        let viewers_fifth = get(&viewer).await;
        let owners_first = get(&owner).await;
        let next_door = get(&neighbour).await;

        editors_seventh.assert_problem(429, "too_many_requests");
        assert_eq!((left(&editors_seventh, "principal"), left(&editors_seventh, "tenancy")), (0, 4));
        viewers_fifth.assert_problem(429, "too_many_requests");
        assert_eq!((left(&viewers_fifth, "principal"), left(&viewers_fifth, "tenancy")), (2, 0));
        owners_first.assert_problem(429, "too_many_requests");
        assert_eq!((left(&owners_first, "principal"), left(&owners_first, "tenancy")), (6, 0));
        assert_eq!(next_door.status, 200);
        assert_eq!((left(&next_door, "principal"), left(&next_door, "tenancy")), (1199, 5999));
    });
}

#[test]
fn concurrent_requests_on_many_instances_never_exceed_the_limits() {
    run(async |stack| {
        let limits = json!({ "requests_per_minute_per_principal": 30, "requests_per_minute": 40 });
        let acme = Tenant::with_limits(stack, limits).await;
        let clock = StoppedClock::at_start_of_window();
        let tokens = Arc::new([data_token(stack, &acme.editor).await, data_token(stack, &acme.viewer).await]);
        let mut requests = Vec::new();
        for _ in 0..4 {
            let instance = Arc::new(Instance::start(stack, &clock).await);
            for at in 0..30 {
                let (instance, tokens) = (Arc::clone(&instance), Arc::clone(&tokens));
                requests.push(tokio::spawn(async move {
                    let principal = at % 2;
                    let answer = instance.get(&tokens[principal], "/v1/tenancy").await;
                    // On a busy machine the counter may not answer in time, and stops nobody then.
                    let is_counted = !answer.header("ratelimit").is_empty();
                    is_counted.then_some((principal, answer.status.as_u16()))
                }));
            }
        }
        let answers: Vec<_> = join_all(requests).await.into_iter().filter_map(Result::unwrap).collect();

        let served = |of: usize| answers.iter().filter(|answer| **answer == (of, 200)).count();
        assert!(answers.iter().all(|(_, status)| matches!(status, 200 | 429)), "{answers:?}");
        assert!(served(0) <= 30 && served(1) <= 30, "{answers:?}");
        assert!(served(0) + served(1) <= 40, "{answers:?}");
        // What instances held and did not use is lost, and less than what they used.
        assert!(served(0) + served(1) >= 20, "{answers:?}");
        let counters = items(stack, format!("{}#rate", acme.id)).await;
        let leased = counters.iter().map(|counter| counter["tenancy"]["N"].as_str().unwrap());
        assert!(leased.clone().all(|leased| leased.parse::<u32>().unwrap() <= 40), "{counters:?}");
    });
}

#[test]
fn a_counter_that_does_not_answer_stops_nobody() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let clock = StoppedClock::at_start_of_window();
        let changes = [("TENANT_TABLE", "nowhere")];
        let instance = Instance::start_with(stack, "tenancy", tenancy::routes(), &clock, &changes).await;
        let token = data_token(stack, &acme.editor).await;

        let answer = instance.get(&token, "/v1/me").await;

        assert_eq!(answer.data()["tenancy_id"], acme.id);
        assert_eq!(answer.header("ratelimit"), "", "nothing is known of what is left");
    });
}
