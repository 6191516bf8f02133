//! A feed URL that was passed on: used from many networks at once, it is reported once, and stopped where the show says so.

use std::sync::Arc;

use domain::{Addresses, MOST_NETWORKS};
use feeds::listen::Listen;
use http::Method;
use lambda_kit::SystemClock;
use local::Stack;
use serde_json::{Value, json};
use shows::watch_listener::watch_listener;
use storage::WatchRequest;
use tenant_context::Clock;

use crate::{
    actors::Tenant,
    ear::Ear,
    flow::{id, listen, wait_for_feed},
    instance::StoppedClock,
    process::{Process, run_until},
    world::run,
};

/// One more in an hour than there may be, also where the hour ends in between; and never so many in both hours.
const MANY: usize = 2 * MOST_NETWORKS + 1;

/// A private show, and a listener's feed URL for each label.
async fn show_with(tenant: &Tenant, labels: &[&str]) -> (Value, Vec<Value>) {
    let show = tenant.show("private").await;
    let path = format!("/v1/shows/{}/listeners", id(&show));
    let mut listeners = Vec::new();
    for label in labels {
        listeners.push(tenant.editor.post(&path, json!({ "label": label })).await.data());
    }
    wait_for_feed(tenant.stack, url(&listeners[0]), |_| true).await;
    (show, listeners)
}

fn url(listener: &Value) -> &str {
    listener["feed_url"].as_str().unwrap()
}

/// A request as an HTTP API hands it to the function, called from `address`.
fn event(stack: &Stack, url: &str, address: &str) -> Value {
    let path = url.strip_prefix(stack.listener()).unwrap();
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": {},
        "isBase64Encoded": false,
        "requestContext": {
            "accountId": local::ACCOUNT, "apiId": "api", "stage": "$default", "requestId": "r", "routeKey": "$default",
            "http": { "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": address, "userAgent": "x" },
        },
    })
}

/// Addresses of so many networks, of both kinds.
fn addresses(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| match number % 2 {
        0 => format!("203.0.{number}.7"),
        _ => format!("2001:db8:{number}::7"),
    })
}

/// Hears a feed from each address, by the function that is deployed.
async fn hear_from(stack: &Stack, listener: &Value, addresses: impl Iterator<Item = String>) {
    for address in addresses {
        let answer = stack.aws().invoke("feeds", &event(stack, url(listener), &address)).await.unwrap();
        assert!(answer["statusCode"] == 200 || answer["statusCode"] == 404, "{answer}");
    }
}

/// Asks for a look at a listener, as a message would that was sent then, and waits until that is done.
async fn look_at(tenant: &Tenant, listener: &Value, as_of: &Value) {
    let body = json!({ "tenancy_id": tenant.id, "listener_id": listener["id"], "as_of": as_of });
    let batch = json!({ "Records": [{ "messageId": "1", "body": body.to_string() }] });
    let answer = tenant.stack.aws().invoke("listener-watch", &batch).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
}

/// What an ear hears until it has heard of so many listeners: the first notice of each. One may come twice, with the same id.
async fn hear(ear: &Ear, listeners: usize) -> Vec<Value> {
    let mut told: Vec<Value> = Vec::new();
    for _ in 0..60 {
        for notice in ear.hear().await {
            if told.iter().all(|known| known["id"] != notice["id"]) {
                told.push(notice);
            }
        }
        if told.len() >= listeners {
            return told;
        }
    }
    panic!("{told:?}");
}

async fn find(tenant: &Tenant, listener: &Value) -> Value {
    tenant.editor.get(&format!("/v1/listeners/{}", id(listener))).await.data()
}

async fn reports_in_log(tenant: &Tenant) -> Vec<Value> {
    let events = tenant.owner.get("/v1/audit-events?action=listeners:watch").await.data();
    events.as_array().unwrap().clone()
}

/// The items that say from where the tokens of a show were used.
async fn counted(tenant: &Tenant, show: &Value) -> Vec<Value> {
    let query = json!({
        "TableName": tenant.stack.output("TenantTable").unwrap(), "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": { ":pk": { "S": format!("{}#networks#{}", tenant.id, id(show)) } },
    });
    let found = tenant.stack.aws().dynamodb("Query", &query).await.unwrap();
    found["Items"].as_array().unwrap().clone()
}

#[test]
fn a_feed_url_used_from_many_networks_is_reported_once_and_goes_on() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let (ear, foreign_ear) = (Ear::of(&acme).await, Ear::of(&globex).await);
        let (show, listeners) = show_with(&acme, &["Shared", "Kept"]).await;
        assert_eq!(show["suspends_shared_listeners"], false);

        hear_from(stack, &listeners[0], addresses(MANY)).await;
        let told = hear(&ear, 1).await;
        look_at(&acme, &listeners[0], &told[0]["as_of"]).await;
        let told_again = ear.hear().await;

        let [notice] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((&notice["kind"], &notice["tenancy_id"]), (&json!("listener_shared"), &json!(acme.id)));
        assert_eq!(
            (&notice["show_id"], &notice["listener_id"], &notice["is_suspended"]),
            (&show["id"], &listeners[0]["id"], &json!(false))
        );
        assert!(told_again.iter().all(|again| again["id"] == notice["id"]), "{told_again:?}");
        let [event] = reports_in_log(&acme).await.try_into().unwrap();
        assert_eq!(
            (&event["subject"], &event["principal"], &event["details"]["state"]),
            (&listeners[0]["id"], &json!("worker:listener-watch"), &json!("active"))
        );
        let (found, kept) = (find(&acme, &listeners[0]).await, find(&acme, &listeners[1]).await);
        assert_eq!((&found["state"], &found["found_shared_at"]), (&json!("active"), &notice["as_of"]));
        assert_eq!(kept["found_shared_at"], Value::Null);
        assert_eq!(listen(stack, Method::GET, url(&listeners[0]), &[]).await.status, 200);

        assert_eq!(foreign_ear.hear().await, [] as [Value; 0]);
        assert_eq!(reports_in_log(&globex).await, [] as [Value; 0]);
    });
}

#[test]
fn where_the_show_says_so_that_listener_is_suspended_and_no_other() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let ear = Ear::of(&acme).await;
        let (show, listeners) = show_with(&acme, &["Shared", "Kept"]).await;
        let (foreign_show, foreign) = show_with(&globex, &["Foreign"]).await;
        for (tenant, show) in [(&acme, &show), (&globex, &foreign_show)] {
            let path = format!("/v1/shows/{}", id(show));
            let changed =
                tenant.editor.patch(&path, json!({ "suspends_shared_listeners": true })).await.data();
            assert_eq!(changed["suspends_shared_listeners"], true);
        }

        hear_from(stack, &listeners[0], addresses(MANY)).await;
        let told = hear(&ear, 1).await;
        // Neither does a message reach another tenancy's listener.
        look_at(&globex, &listeners[0], &told[0]["as_of"]).await;

        assert_eq!((told.len(), &told[0]["is_suspended"]), (1, &json!(true)), "{told:?}");
        let [event] = reports_in_log(&acme).await.try_into().unwrap();
        assert_eq!(
            (&event["subject"], &event["details"]["state"]),
            (&listeners[0]["id"], &json!("suspended"))
        );
        let found = find(&acme, &listeners[0]).await;
        assert_eq!(found["state"], "suspended");
        assert_eq!(found["suspension_reason"], "The feed URL was used from too many networks at once.");
        listen(stack, Method::GET, url(&listeners[0]), &[]).await.assert_problem(404, "not_found");
        for (tenant, listener) in [(&acme, &listeners[1]), (&globex, &foreign[0])] {
            assert_eq!(find(tenant, listener).await["state"], "active");
            assert_eq!(listen(stack, Method::GET, url(listener), &[]).await.status, 200);
        }

        // Whoever looked into it and resumes them has the last word that day.
        let resume = format!("/v1/listeners/{}/resume", id(&listeners[0]));
        acme.editor.post(&resume, json!({})).await.data();
        look_at(&acme, &listeners[0], &told[0]["as_of"]).await;
        let resumed = find(&acme, &listeners[0]).await;
        assert_eq!((&resumed["state"], &resumed["suspension_reason"]), (&json!("active"), &Value::Null));
        assert_eq!(listen(stack, Method::GET, url(&listeners[0]), &[]).await.status, 200);
    });
}

#[test]
fn a_feed_url_used_from_few_networks_is_nobodys_business() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let ear = Ear::of(&acme).await;
        let (_, listeners) = show_with(&acme, &["Travels"]).await;

        // The requests of this machine are one network more.
        hear_from(stack, &listeners[0], addresses(MOST_NETWORKS - 1)).await;
        hear_from(stack, &listeners[0], addresses(MOST_NETWORKS - 1).map(|one| format!("{one}7"))).await;
        for claimed in addresses(MANY) {
            let headers = [("x-forwarded-for", claimed.as_str()), ("x-real-ip", &claimed)];
            assert_eq!(listen(stack, Method::GET, url(&listeners[0]), &headers).await.status, 200);
        }
        look_at(&acme, &listeners[0], &json!(SystemClock.now())).await;

        assert_eq!(find(&acme, &listeners[0]).await["found_shared_at"], Value::Null);
        assert_eq!(reports_in_log(&acme).await, [] as [Value; 0]);
        assert_eq!(ear.hear().await, [] as [Value; 0]);
    });
}

#[test]
fn no_address_is_stored_and_no_more_marks_than_it_takes() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let ear = Ear::of(&acme).await;
        let (show, listeners) = show_with(&acme, &["Shared"]).await;
        let before = SystemClock.now().unix_seconds();

        hear_from(stack, &listeners[0], addresses(MANY)).await;
        hear(&ear, 1).await;

        let mut most = 0;
        for item in counted(&acme, &show).await {
            let marks = item["networks"]["SS"].as_array().unwrap();
            assert!(marks.iter().all(|mark| mark.as_str().unwrap().len() == 11), "{item}");
            for told in ["203.0", "2001:db8", "127.0", url(&listeners[0]).split('/').nth(4).unwrap()] {
                assert!(!item.to_string().contains(told), "{told} in {item}");
            }
            let expires_at: u64 = item["expires_at"]["N"].as_str().unwrap().parse().unwrap();
            assert!((before..before + 24 * 60 * 60).contains(&expires_at), "{item}");
            most = most.max(marks.len());
        }
        assert_eq!(most, MOST_NETWORKS + 1);
    });
}

/// An instance of the function `feeds`, inside of this process.
fn start(stack: &Stack, process: &Process, clock: &StoppedClock) -> Arc<Listen> {
    let addresses = Addresses::public(stack.listener().parse().unwrap()).unwrap();
    Arc::new(Listen::new(process.storage(Arc::new(clock.clone())), addresses, None))
}

/// Hears a feed from many networks, by such an instance.
async fn hear_by(stack: &Stack, app: &Arc<Listen>, listener: &Value) {
    for address in addresses(MANY) {
        let event = event(stack, url(listener), &address).to_string();
        let request = lambda_http::request::from_str(&event).unwrap();
        let answer = feeds::listen::routes().answer(app, request).await;
        assert_eq!(answer.status(), 200, "{address} {:?}", answer.body());
    }
}

/// The function `feeds`, which has no queue to ask for a look in.
async fn without_queue(stack: &Stack) -> Process {
    let nowhere = format!("{}/no-such-queue", stack.aws().endpoint());
    Process::of(stack, "feeds").await.with(&[("LISTENER_WATCH_QUEUE_URL", &nowhere)])
}

#[test]
fn what_cannot_be_counted_or_reported_is_heard_all_the_same() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let ear = Ear::of(&acme).await;
        let (_, listeners) = show_with(&acme, &["Shared"]).await;

        let (feeds, clock) = (Process::of(stack, "feeds").await, StoppedClock::at(SystemClock.now()));
        hear_by(
            stack,
            &start(stack, &feeds.with(&[("TENANT_TABLE", "no-such-table")]), &clock),
            &listeners[0],
        )
        .await;
        hear_by(stack, &start(stack, &without_queue(stack).await, &clock), &listeners[0]).await;
        assert_eq!(ear.hear().await, [] as [Value; 0]);

        // The message got lost; the next instance sends it again.
        hear_by(stack, &start(stack, &feeds, &clock), &listeners[0]).await;
        assert_eq!(hear(&ear, 1).await.len(), 1);
    });
}

#[test]
fn a_watch_killed_anywhere_and_run_again_reports_once_and_suspends() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let ear = Ear::of(&acme).await;
        let (show, mut listeners) = show_with(&acme, &["Heard first"]).await;
        let path = format!("/v1/shows/{}", id(&show));
        acme.editor.patch(&path, json!({ "suspends_shared_listeners": true })).await.data();
        let clock = StoppedClock::at(SystemClock.now());
        let feeds = start(stack, &without_queue(stack).await, &clock);
        let process = Process::of(stack, "listener-watch").await;

        loop {
            let listener = acme.editor.post(&format!("{path}/listeners"), json!({ "label": "Shared" })).await;
            let listener = listener.data();
            hear_by(stack, &feeds, &listener).await;
            let request: WatchRequest = serde_json::from_value(json!({
                "tenancy_id": acme.id, "listener_id": listener["id"], "as_of": clock.now(),
            }))
            .unwrap();
            let watch = async || {
                let storage = process.storage(Arc::new(SystemClock));
                watch_listener(&storage, &request).await.unwrap();
            };
            let is_done = run_until(listeners.len(), watch()).await;
            watch().await;
            listeners.push(listener);
            if is_done {
                break;
            }
        }

        let shared = &listeners[1..];
        assert!(shared.len() > 10, "it was killed {} times only", shared.len() - 1);
        assert_eq!(hear(&ear, shared.len()).await.len(), shared.len());
        let mut reported: Vec<_> =
            reports_in_log(&acme).await.iter().map(|event| event["subject"].clone()).collect();
        reported.sort_by_key(Value::to_string);
        assert_eq!(reported, shared.iter().map(|listener| listener["id"].clone()).collect::<Vec<_>>());
        for listener in shared {
            assert_eq!(find(&acme, listener).await["state"], "suspended");
            listen(stack, Method::GET, url(listener), &[]).await.assert_problem(404, "not_found");
        }
        assert_eq!(find(&acme, &listeners[0]).await["state"], "active");
    });
}
