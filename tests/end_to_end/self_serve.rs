//! Listeners who come by themselves: whoever reads the mail of an address that the show admits has the feed, and nobody else learns
//! anything.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use domain::Addresses;
use feeds::listen::Listen;
use http::Method;
use lambda_kit::SystemClock;
use local::Stack;
use serde_json::{Value, json};
use shows::{mail::Mail, welcome_listener::welcome_listener};
use storage::{MAILS_AN_HOUR_OF_A_SHOW, MAILS_AN_HOUR_TO_AN_ADDRESS, SystemRandomness, WelcomeRequest};
use tenant_context::{Clock, ListenerId, Timestamp};

use crate::{
    actors::{Answer, Tenant, send},
    flow::{id, listen},
    process::{Process, run_until},
    world::{run, unique},
};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A domain that no other test has.
fn domain() -> String {
    format!("{}.example", unique("acme"))
}

/// A private show that admits `domains`.
async fn show_for(tenant: &Tenant, domains: &[&str]) -> Value {
    let show = tenant.show("private").await;
    admit(tenant, &show, json!({ "self_serve_domains": domains })).await
}

/// Changes a show, and waits until that is published.
async fn admit(tenant: &Tenant, show: &Value, changes: Value) -> Value {
    let show = tenant.editor.patch(&format!("/v1/shows/{}", id(show)), changes).await.data();
    let bucket = tenant.stack.output("FeedBucket").unwrap();
    let path = format!("/{bucket}/{}/{}/current.json", tenant.id, id(&show));
    let has_listeners = show["visibility"] == "private" || show["has_listener_feed"] == true;
    let expected = if has_listeners { show["self_serve_domains"].clone() } else { json!([]) };
    for _ in 0..600 {
        let pointer = tenant.stack.aws().s3(Method::GET, &path, Bytes::new()).await.unwrap();
        let pointer: Value = serde_json::from_slice(pointer.body()).unwrap_or_default();
        if pointer["admitted_domains"] == expected {
            return show;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{path} is not there");
}

/// Asks for a feed, as anybody may.
async fn ask(stack: &Stack, slug: &str, email: &str) -> Answer {
    let url = format!("{}/shows/{slug}/listeners", stack.listener());
    let body = json!({ "email": email }).to_string();
    send(stack, Method::POST, &url, &[("content-type", "application/json")], body).await
}

fn slug(show: &Value) -> &str {
    show["slug"].as_str().unwrap()
}

/// The mails to one address, the oldest first.
async fn mails_to(stack: &Stack, email: &str) -> Vec<Value> {
    let mails = stack.aws().mails().await.unwrap();
    mails.into_iter().filter(|mail| mail["To"] == json!([email])).collect()
}

async fn mails_in(stack: &Stack, domain: &str) -> usize {
    let mails = stack.aws().mails().await.unwrap();
    mails.iter().filter(|mail| mail["To"][0].as_str().unwrap().ends_with(domain)).count()
}

/// Waits until so many mails went to an address, and answers the feed URL in each.
async fn feed_urls_for(stack: &Stack, email: &str, count: usize) -> Vec<String> {
    for _ in 0..600 {
        let mails = mails_to(stack, email).await;
        if mails.len() >= count {
            assert_eq!(mails.len(), count, "{mails:?}");
            return mails.iter().map(|mail| feed_url_in(stack, mail)).collect();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no mail went to {email}");
}

fn feed_url_in(stack: &Stack, mail: &Value) -> String {
    let mut lines = mail["BodyText"].as_str().unwrap().lines();
    lines.find(|line| line.starts_with(stack.listener())).unwrap_or_else(|| panic!("{mail}")).to_owned()
}

async fn status_of(stack: &Stack, feed_url: &str) -> u16 {
    listen(stack, Method::GET, feed_url, &[]).await.status.as_u16()
}

async fn listeners(tenant: &Tenant, show: &Value) -> Vec<Value> {
    let path = format!("/v1/shows/{}/listeners?limit=200", id(show));
    tenant.editor.get(&path).await.data().as_array().unwrap().clone()
}

/// A message as it is sent for whoever asks at `as_of`, with an id of its own.
fn message(tenant: &Tenant, show: &Value, email: &str, as_of: Timestamp) -> Value {
    let listener_id = ListenerId::new(as_of, &SystemRandomness::new());
    json!({
        "tenancy_id": tenant.id, "show_id": show["id"], "listener_id": listener_id, "email": email, "as_of": as_of,
    })
}

/// Has the worker see to messages, and waits until that is done.
async fn welcome(stack: &Stack, messages: &[Value]) {
    let record = |body: &Value| json!({ "messageId": "1", "body": body.to_string() });
    let batch = json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() });
    let answer = stack.aws().invoke("listener-watch", &batch).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
}

async fn items(tenant: &Tenant, partition: &str) -> Vec<Value> {
    let query = json!({
        "TableName": tenant.stack.output("TenantTable").unwrap(), "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": { ":pk": { "S": format!("{}#{partition}", tenant.id) } },
    });
    let found = tenant.stack.aws().dynamodb("Query", &query).await.unwrap();
    found["Items"].as_array().unwrap().clone()
}

#[test]
fn an_admitted_address_gets_a_mail_whose_url_opens_the_feed() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let domain = domain();
        let show = show_for(&acme, &[&domain.to_uppercase(), "other.example"]).await;
        assert_eq!(show["self_serve_domains"], json!([domain, "other.example"]));
        let email = format!("Ada.Lovelace@{}", domain.to_uppercase());

        assert_eq!(ask(stack, slug(&show), &email).await.status, 202);

        let [feed_url] = feed_urls_for(stack, &email, 1).await.try_into().unwrap();
        assert_eq!(status_of(stack, &feed_url).await, 200);
        let [mail] = mails_to(stack, &email).await.try_into().unwrap();
        assert_eq!(
            (&mail["Source"], &mail["Subject"], &mail["CC"], &mail["BCC"]),
            (
                &json!("podcasts@castkeep.example"),
                &json!("Your feed of Harbour Notes"),
                &json!([]),
                &json!([])
            )
        );
        let [listener] = listeners(&acme, &show).await.try_into().unwrap();
        assert_eq!(
            (&listener["email"], &listener["label"], &listener["state"]),
            (&json!(email), &json!(email), &json!("active"))
        );
        let welcomed = "/v1/audit-events?action=listeners:welcome";
        let [event] = acme.owner.get(welcomed).await.data().as_array().unwrap().clone().try_into().unwrap();
        assert_eq!(
            (&event["subject"], &event["principal"]),
            (&listener["id"], &json!("worker:listener-welcome"))
        );
        assert_eq!(globex.owner.get(welcomed).await.data(), json!([]));

        // Nothing that is kept to find or to count them says the address.
        let found = [
            items(&acme, &format!("listener-emails#{}", id(&show))).await,
            items(&acme, "welcomes").await,
            items(&acme, &format!("listeners#{}", id(&show))).await,
        ];
        for items in found {
            assert!(!items.is_empty() && !json!(items).to_string().to_lowercase().contains("lovelace"));
        }
    });
}

#[test]
fn asking_again_ends_the_first_url_and_makes_no_second_listener() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let domain = domain();
        let show = show_for(&acme, &[&domain]).await;
        let (once, again) = (format!("ada@{domain}"), format!("ADA@{domain}"));

        ask(stack, slug(&show), &once).await;
        let first = feed_urls_for(stack, &once, 1).await.remove(0);
        assert_eq!(status_of(stack, &first).await, 200);
        ask(stack, slug(&show), &again).await;
        let second = feed_urls_for(stack, &again, 1).await.remove(0);

        listen(stack, Method::GET, &first, &[]).await.assert_problem(404, "not_found");
        assert_eq!(status_of(stack, &second).await, 200);
        assert_eq!(listeners(&acme, &show).await.len(), 1);
    });
}

#[test]
fn whoever_is_not_admitted_gets_the_same_answer_and_no_mail() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let (domain, foreign) = (domain(), domain());
        let show = show_for(&acme, &[&domain]).await;
        let foreign_show = show_for(&globex, &[&foreign]).await;
        let everybodys =
            admit(&acme, &acme.show("public").await, json!({ "self_serve_domains": [domain] })).await;
        let address = |name: &str, domain: &str| format!("{name}@{domain}");

        let admitted = ask(stack, slug(&show), &address("ada", &domain)).await;
        let started = Instant::now();
        let mut others = Vec::new();
        for (slug, email) in [
            (slug(&show), address("other", &foreign)),
            (slug(&show), address("below", &format!("mail.{domain}"))),
            (slug(&show), address("beside", &format!("not{domain}"))),
            (slug(&show), address("bödö", &domain)),
            (slug(&foreign_show), address("foreign", &domain)),
            (slug(&everybodys), address("public", &domain)),
            ("no-such-show", address("unknown", &domain)),
            ("No_Slug", address("odd", &domain)),
        ] {
            others.push((ask(stack, slug, &email).await, slug.to_owned(), email));
        }

        assert_eq!(admitted.status, 202);
        let least = Duration::from_millis(500) * u32::try_from(others.len()).unwrap();
        assert!(
            started.elapsed() >= least,
            "an answer that comes at once tells that there was nothing to do"
        );
        for (answer, slug, email) in &others {
            let headers = |answer: &Answer| {
                let told = answer.headers.iter().map(|(name, value)| (name.to_string(), value.clone()));
                let differing = ["x-request-id", "date", "apigw-requestid"];
                told.filter(|(name, _)| !differing.contains(&name.as_str())).collect::<Vec<_>>()
            };
            assert_eq!((answer.status, &answer.body), (admitted.status, &admitted.body), "{slug} {email}");
            assert_eq!(headers(answer), headers(&admitted), "{slug} {email}");
        }
        // Neither does a message that asks for it all the same.
        let now = SystemClock.now();
        welcome(
            stack,
            &[
                message(&acme, &show, &address("other", &foreign), now),
                message(&acme, &show, &address("below", &format!("mail.{domain}")), now),
                message(&acme, &foreign_show, &address("foreign", &foreign), now),
                message(&globex, &show, &address("crossed", &domain), now),
                message(&acme, &everybodys, &address("public", &domain), now),
            ],
        )
        .await;
        feed_urls_for(stack, &address("ada", &domain), 1).await;
        assert_eq!((mails_in(stack, &domain).await, mails_in(stack, &foreign).await), (1, 0));
        assert_eq!(
            (listeners(&acme, &show).await.len(), listeners(&globex, &foreign_show).await.len()),
            (1, 0)
        );
    });
}

#[test]
fn what_is_no_address_is_refused_whatever_the_show() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let domain = domain();
        let show = show_for(&acme, &[&domain]).await;
        for slug in [slug(&show), "no-such-show"] {
            for bad in ["", "ada", "a@b@acme.example", &format!("ada@{domain}\r\nBcc: eve@evil.example")] {
                ask(stack, slug, bad).await.assert_problem(422, "invalid_request");
            }
        }
        for bad in ["acme", "@acme.example", "*.acme.example", "mü.example"] {
            let path = format!("/v1/shows/{}", id(&show));
            let refused = acme.editor.patch(&path, json!({ "self_serve_domains": [bad] })).await;
            refused.assert_problem(422, "invalid_request");
        }
        assert_eq!(mails_in(stack, &domain).await, 0);
    });
}

#[test]
fn few_mails_go_to_one_address_in_an_hour() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let domain = domain();
        let (show, other) = (show_for(&acme, &[&domain]).await, show_for(&acme, &[&domain]).await);
        let (ada, eve) = (format!("ada@{domain}"), format!("eve@{domain}"));
        let now = SystemClock.now();

        let mut messages: Vec<_> =
            (0..MAILS_AN_HOUR_TO_AN_ADDRESS + 2).map(|_| message(&acme, &show, &ada, now)).collect();
        messages.push(message(&acme, &other, &ada, now));
        welcome(stack, &messages).await;

        let urls = feed_urls_for(stack, &ada, MAILS_AN_HOUR_TO_AN_ADDRESS).await;
        let (last, earlier) = urls.split_last().unwrap();
        assert_eq!(status_of(stack, last).await, 200, "what was not sent ended nothing");
        for url in earlier {
            assert_eq!(status_of(stack, url).await, 404);
        }
        assert_eq!(listeners(&acme, &other).await.len(), 0);
        welcome(stack, &[message(&acme, &show, &eve, now)]).await;
        assert_eq!(mails_to(stack, &eve).await.len(), 1, "others are not held up");
        welcome(stack, &[message(&acme, &show, &ada, now.plus(HOUR))]).await;
        assert_eq!(mails_to(stack, &ada).await.len(), MAILS_AN_HOUR_TO_AN_ADDRESS + 1);
    });
}

#[test]
fn few_mails_go_out_for_one_show_in_an_hour() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let domain = domain();
        let show = show_for(&acme, &[&domain]).await;
        let now = SystemClock.now();

        let addresses = (0..MAILS_AN_HOUR_OF_A_SHOW + 2).map(|number| format!("l{number}@{domain}"));
        let messages: Vec<_> = addresses.map(|email| message(&acme, &show, &email, now)).collect();
        for some in messages.chunks(25) {
            welcome(stack, some).await;
        }

        assert_eq!(mails_in(stack, &domain).await, MAILS_AN_HOUR_OF_A_SHOW);
        assert_eq!(listeners(&acme, &show).await.len(), MAILS_AN_HOUR_OF_A_SHOW);
    });
}

#[test]
fn who_was_added_by_the_tenancy_is_the_one_and_who_was_suspended_stays_so() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let domain = domain();
        let show = show_for(&acme, &[&domain]).await;
        let path = format!("/v1/shows/{}/listeners", id(&show));
        let email = |name: &str| format!("{name}@{domain}");
        let add = async |name: &str| {
            acme.editor.post(&path, json!({ "label": name, "email": email(name) })).await.data()
        };
        let (known, suspended, renamed) = (add("known").await, add("suspended").await, add("renamed").await);
        let suspend = format!("/v1/listeners/{}/suspend", id(&suspended));
        acme.editor.post(&suspend, json!({ "reason": "left" })).await.data();
        let renamed = format!("/v1/listeners/{}", id(&renamed));
        acme.editor.patch(&renamed, json!({ "email": email("new-name") })).await.data();
        let now = SystemClock.now();

        let asked = ["known", "suspended", "new-name", "renamed"];
        let messages: Vec<_> = asked.iter().map(|name| message(&acme, &show, &email(name), now)).collect();
        welcome(stack, &messages).await;

        let given = feed_urls_for(stack, &email("known"), 1).await.remove(0);
        assert_eq!(status_of(stack, &given).await, 200);
        assert_eq!(
            status_of(stack, known["feed_url"].as_str().unwrap()).await,
            404,
            "the first one has ended"
        );
        assert_eq!(mails_to(stack, &email("suspended")).await.len(), 0);
        assert_eq!(status_of(stack, suspended["feed_url"].as_str().unwrap()).await, 404);
        assert_eq!(mails_to(stack, &email("new-name")).await.len(), 1);
        assert_eq!(mails_to(stack, &email("renamed")).await.len(), 1, "a stranger by now");
        let mut labels: Vec<_> =
            listeners(&acme, &show).await.iter().map(|one| one["label"].clone()).collect();
        labels.sort_by_key(Value::to_string);
        assert_eq!(json!(labels), json!(["known", "renamed", email("renamed"), "suspended"]));

        // Whoever was deleted is a stranger too.
        acme.editor.delete(&format!("/v1/listeners/{}", id(&known))).await;
        welcome(stack, &[message(&acme, &show, &email("known"), now)]).await;
        let urls = feed_urls_for(stack, &email("known"), 2).await;
        assert_eq!((status_of(stack, &urls[0]).await, status_of(stack, &urls[1]).await), (404, 200));
    });
}

#[test]
fn without_a_sender_there_is_no_such_route() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let domain = domain();
        let show = show_for(&acme, &[&domain]).await;
        let storage = Process::of(stack, "feeds").await.storage(Arc::new(SystemClock));
        let addresses = Addresses::public(stack.listener().parse().unwrap()).unwrap();
        let app = Arc::new(Listen::new(storage, addresses, None));
        let path = format!("/shows/{}/listeners", slug(&show));
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
            "headers": { "content-type": "application/json" }, "isBase64Encoded": false,
            "body": json!({ "email": format!("ada@{domain}") }).to_string(),
            "requestContext": {
                "accountId": local::ACCOUNT, "apiId": "api", "stage": "$default", "requestId": "r", "routeKey": "$default",
                "http": { "method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x" },
            },
        });

        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        let answer = feeds::listen::routes().answer(&app, request).await;

        assert_eq!(answer.status(), 404);
        assert_eq!(mails_in(stack, &domain).await, 0);
    });
}

#[test]
fn a_welcome_killed_anywhere_and_run_again_makes_one_listener_with_one_url() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let domain = domain();
        let show = show_for(&acme, &[&domain]).await;
        let process = Process::of(stack, "listener-watch").await;
        let addresses = Addresses::public(stack.listener().parse().unwrap()).unwrap();
        let from: domain::EmailAddress = process.variable("MAIL_FROM").parse().unwrap();
        let mut hour = SystemClock.now();

        let mut awaits = 0;
        loop {
            // An hour of its own, so that no limit is in the way; half of them are known before.
            hour = hour.plus(HOUR);
            let email = format!("l{awaits}@{domain}");
            if awaits % 2 == 1 {
                welcome(stack, &[message(&acme, &show, &email, hour)]).await;
            }
            let before = mails_to(stack, &email).await;
            let request: WelcomeRequest =
                serde_json::from_value(message(&acme, &show, &email, hour)).unwrap();
            let work = async || {
                let storage = process.storage(Arc::new(SystemClock));
                let mail = Mail::new(storage.sdk_config(), from.clone());
                welcome_listener(&storage, &mail, &addresses, &request).await.unwrap();
            };

            let is_done = run_until(awaits, work()).await;
            work().await;
            let mails = mails_to(stack, &email).await;
            work().await;

            assert_eq!(mails_to(stack, &email).await, mails, "what was sent is not sent again");
            let sent = &mails[before.len()..];
            let urls: BTreeSet<_> = sent.iter().map(|mail| feed_url_in(stack, mail)).collect();
            assert!((1..=2).contains(&sent.len()) && urls.len() == 1, "after {awaits} awaits: {sent:?}");
            assert_eq!(status_of(stack, urls.first().unwrap()).await, 200, "after {awaits} awaits");
            for mail in &before {
                assert_eq!(status_of(stack, &feed_url_in(stack, mail)).await, 404, "after {awaits} awaits");
            }
            awaits += 1;
            assert_eq!(listeners(&acme, &show).await.len(), awaits, "after {awaits} awaits");
            if is_done {
                break;
            }
        }
        assert!(awaits > 10, "it was killed {awaits} times only");
    });
}
