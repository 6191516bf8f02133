//! Private shows: a listener's token opens their own show, everywhere or nowhere.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::Addresses;
use feeds::listen::Listen;
use http::Method;
use lambda_kit::SystemClock;
use local::Stack;
use serde_json::{Value, json};
use tenant_context::Clock;

use crate::{
    actors::Tenant,
    audio::mp3,
    flow::{enclosure_url, id, listen, publish, text, wait_for_feed},
    instance::{StoppedClock, event},
    outage::without_dynamodb,
    process::Process,
    world::{run, unique},
};

pub async fn listener(tenant: &Tenant, show: &Value, label: &str) -> Value {
    let path = format!("/v1/shows/{}/listeners", id(show));
    tenant.editor.post(&path, json!({ "label": label })).await.data()
}

#[test]
fn a_listener_hears_a_private_show_and_nobody_else_does() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        let audio = mp3(61, &unique("audio"));
        publish(&acme, &show, "For us", &audio).await;
        let url = listener(&acme, &show, "A phone").await["feed_url"].as_str().unwrap().to_owned();

        let feed = wait_for_feed(stack, &url, |text| text.contains("For us")).await;

        let enclosure = enclosure_url(&feed);
        let redirect = listen(stack, Method::GET, &enclosure, &[]).await;
        assert_eq!(listen(stack, Method::GET, redirect.header("location"), &[]).await.body, audio);
        assert_eq!(feed.header("cache-control"), "private, no-cache");
        assert_eq!(feed.header("x-robots-tag"), "noindex, nofollow");
        assert_eq!(redirect.header("x-robots-tag"), "noindex, nofollow");
        assert!(!text(&feed).contains("A phone"), "labels are personal data");
        assert_eq!(show["feed_url"], Value::Null);

        let token = url.split('/').nth(4).unwrap();
        for open in [url.replace(&format!("/p/{token}"), ""), enclosure.replace(&format!("/p/{token}"), "")] {
            listen(stack, Method::GET, &open, &[]).await.assert_problem(404, "not_found");
        }
    });
}

#[test]
fn a_private_feed_tells_nobody_that_it_is_there() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (.., [url, enclosure]) = private_show(&acme).await;
        let etag = listen(stack, Method::GET, &url, &[]).await.header("etag").to_owned();

        let feed = listen(stack, Method::GET, &url, &[]).await;
        let head = listen(stack, Method::HEAD, &url, &[]).await;
        let known = listen(stack, Method::GET, &url, &[("if-none-match", &etag)]).await;
        let redirect = listen(stack, Method::GET, &enclosure, &[]).await;

        assert_eq!(known.status, 304);
        for answer in [&feed, &head, &known, &redirect] {
            assert!(answer.header("cache-control").starts_with("private, no-"), "{answer:?}");
            assert_eq!(answer.header("x-robots-tag"), "noindex, nofollow");
            assert!(answer.headers.get("link").is_none(), "{answer:?}");
        }
        let feed = text(&feed);
        assert!(feed.contains("<itunes:block>Yes</itunes:block>"), "{feed}");
        assert!(feed.contains("<podcast:block>yes</podcast:block>"), "{feed}");
        for told in ["rel=\"hub\"", "<podcast:podping", "<itunes:owner>", "<itunes:email>", "@", "owner="] {
            assert!(!feed.contains(told), "{told} in {feed}");
        }
    });
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[test]
fn a_password_opens_the_show_of_its_listener_and_every_name_asks_for_one() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let (show, one, [url, enclosure]) = private_show(&acme).await;
        let (public, foreign) = (acme.show("public").await, globex.show("private").await);
        let token = url.split('/').nth(4).unwrap();
        let address = |show: &Value| format!("{}/b/{}.xml", stack.listener(), show["slug"].as_str().unwrap());
        let ask = async |url: &str, authorization: &str| {
            let headers = [("authorization", authorization)];
            listen(stack, Method::GET, url, &headers[..usize::from(!authorization.is_empty())]).await
        };

        let heard_by_url = wait_for_feed(stack, &url, |_| true).await;
        let heard = ask(&address(&show), &basic("whoever", token)).await;
        assert_eq!((heard.status.as_u16(), heard.body.as_ref()), (200, heard_by_url.body.as_ref()));
        assert_eq!(enclosure_url(&heard), enclosure);
        assert_eq!(heard.header("cache-control"), "private, no-cache");
        assert_eq!(heard.header("x-robots-tag"), "noindex, nofollow");

        let nowhere = format!("{}/b/{}.xml", stack.listener(), unique("never"));
        let refused = ask(&nowhere, "").await;
        assert_eq!(refused.header("www-authenticate"), "Basic realm=\"Private podcasts\", charset=\"UTF-8\"");
        let other = "0".repeat(32);
        for show in [&show, &public, &foreign] {
            for authorization in ["", &basic("whoever", &other), &basic(token, ""), "Basic ?", "Bearer x"] {
                let answer = ask(&address(show), authorization).await;
                answer.assert_problem(401, "password_needed");
                assert_eq!(answer.problem_without_id(), refused.problem_without_id());
                assert_eq!(answer.header("www-authenticate"), refused.header("www-authenticate"));
            }
        }
        for url in [address(&public), address(&foreign), nowhere, address(&show).replace(".xml", "")] {
            ask(&url, &basic("whoever", token)).await.assert_problem(401, "password_needed");
        }

        let suspend = format!("/v1/listeners/{}/suspend", id(&one));
        acme.editor.post(&suspend, json!({ "reason": "Left" })).await.data();
        let stopped = ask(&address(&show), &basic("whoever", token)).await;
        stopped.assert_problem(401, "password_needed");
        assert_eq!(stopped.problem_without_id(), refused.problem_without_id());
    });
}

#[test]
fn each_listener_has_a_document_of_their_own() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        publish(&acme, &show, "For us", &mp3(61, &unique("audio"))).await;
        let one = listener(&acme, &show, "One").await["feed_url"].as_str().unwrap().to_owned();
        let other = listener(&acme, &show, "Other").await["feed_url"].as_str().unwrap().to_owned();

        let ones = wait_for_feed(stack, &one, |text| text.contains("For us")).await;
        let others = wait_for_feed(stack, &other, |text| text.contains("For us")).await;

        let token = |url: &str| url.split('/').nth(4).unwrap().to_owned();
        assert!(text(&ones).contains(&token(&one)) && !text(&ones).contains(&token(&other)));
        assert_ne!(ones.header("etag"), others.header("etag"));
        let again = listen(stack, Method::GET, &one, &[("if-none-match", ones.header("etag"))]).await;
        assert_eq!(again.status, 304);
    });
}

#[test]
fn a_token_opens_no_other_show() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let (show, public) = (acme.show("private").await, acme.show("public").await);
        let foreign = globex.show("private").await;
        let url = listener(&acme, &show, "A phone").await["feed_url"].as_str().unwrap().to_owned();
        wait_for_feed(stack, &url, |_| true).await;

        for other in [&public, &foreign] {
            let wrong = url.replace(show["slug"].as_str().unwrap(), other["slug"].as_str().unwrap());
            listen(stack, Method::GET, &wrong, &[]).await.assert_problem(404, "not_found");
        }
        let token = url.split('/').nth(4).unwrap();
        for guess in ["0".repeat(32), token.to_uppercase(), token[1..].to_owned(), "*".to_owned()] {
            let wrong = url.replace(token, &guess);
            listen(stack, Method::GET, &wrong, &[]).await.assert_problem(404, "not_found");
        }
    });
}

#[test]
fn a_token_that_was_taken_stops_working() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        let (rotated, removed) = (listener(&acme, &show, "One").await, listener(&acme, &show, "Two").await);
        let url = |listener: &Value| listener["feed_url"].as_str().unwrap().to_owned();
        wait_for_feed(stack, &url(&rotated), |_| true).await;

        let path = format!("/v1/listeners/{}", id(&rotated));
        let renewed = acme.editor.post(&format!("{path}/rotate"), json!({})).await.data();
        let deleted = acme.editor.delete(&format!("/v1/listeners/{}", id(&removed))).await;

        assert_eq!(deleted.status, 204);
        assert_eq!(listen(stack, Method::GET, &url(&renewed), &[]).await.status, 200);
        for stopped in [url(&rotated), url(&removed)] {
            listen(stack, Method::GET, &stopped, &[]).await.assert_problem(404, "not_found");
        }
        let listing = acme.editor.get(&format!("/v1/shows/{}/listeners", id(&show))).await.data();
        let labels: Vec<_> = listing.as_array().unwrap().iter().map(|listener| &listener["label"]).collect();
        assert_eq!(labels, ["One"]);
        assert!(!listing.to_string().contains("/p/"), "tokens are shown once");
    });
}

/// A published private show, and the addresses at which a listener of it hears the feed and the audio.
async fn private_show(acme: &Tenant) -> (Value, Value, [String; 2]) {
    let show = acme.show("private").await;
    publish(acme, &show, "For us", &mp3(61, &unique("audio"))).await;
    let listener = listener(acme, &show, "A phone").await;
    let url = listener["feed_url"].as_str().unwrap().to_owned();
    let feed = wait_for_feed(acme.stack, &url, |text| text.contains("For us")).await;
    let enclosure = enclosure_url(&feed);
    (show, listener, [url, enclosure])
}

async fn assert_heard(tenant: &Tenant, [feed, enclosure]: &[String; 2]) {
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(listen(tenant.stack, method.clone(), feed, &[]).await.status, 200);
        assert_eq!(listen(tenant.stack, method, enclosure, &[]).await.status, 302);
    }
}

/// At each path and method, the same as for a token that never was.
async fn assert_unheard(tenant: &Tenant, [feed, enclosure]: &[String; 2]) {
    for url in [feed, enclosure] {
        let token = url.split('/').nth(4).unwrap();
        let never = url.replace(token, &"0".repeat(32));
        let stopped = listen(tenant.stack, Method::GET, url, &[]).await;
        let unknown = listen(tenant.stack, Method::GET, &never, &[]).await;
        stopped.assert_problem(404, "not_found");
        assert_eq!(stopped.problem_without_id(), unknown.problem_without_id());
        assert_eq!(listen(tenant.stack, Method::HEAD, url, &[]).await.status, 404);
    }
}

#[test]
fn a_suspended_listener_hears_nothing_until_they_are_resumed() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (show, one, urls) = private_show(&acme).await;
        let other = listener(&acme, &show, "Other").await["feed_url"].as_str().unwrap().to_owned();
        let path = format!("/v1/listeners/{}", id(&one));

        let suspended = acme.editor.post(&format!("{path}/suspend"), json!({ "reason": "Left" })).await;

        assert_eq!(suspended.data()["state"], "suspended");
        assert_unheard(&acme, &urls).await;
        assert_eq!(listen(stack, Method::GET, &other, &[]).await.status, 200, "nobody else is meant");
        let seen = acme.editor.get(&path).await.data();
        assert_eq!((&seen["state"], &seen["suspension_reason"]), (&json!("suspended"), &json!("Left")));
        let rotated = acme.editor.post(&format!("{path}/rotate"), json!({})).await.data();
        let rotated = rotated["feed_url"].as_str().unwrap();
        listen(stack, Method::GET, rotated, &[]).await.assert_problem(404, "not_found");

        let resumed = acme.editor.post(&format!("{path}/resume"), json!({})).await.data();

        assert_eq!((&resumed["state"], &resumed["suspended_at"]), (&json!("active"), &Value::Null));
        assert_eq!(listen(stack, Method::GET, rotated, &[]).await.status, 200);
        let seen = acme.editor.get(&path).await.data();
        assert_eq!((&seen["label"], &seen["suspension_reason"]), (&json!("A phone"), &Value::Null));
    });
}

#[test]
fn access_ends_when_it_expires_and_comes_back_when_it_does_not() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (_, one, urls) = private_show(&acme).await;
        let path = format!("/v1/listeners/{}", id(&one));
        let change = async |expires_at: Value| {
            acme.editor.patch(&path, json!({ "expires_at": expires_at })).await.data()
        };

        assert_eq!(change(json!("2020-01-01T00:00:00Z")).await["state"], "expired");
        assert_unheard(&acme, &urls).await;
        assert_eq!(change(json!("2999-01-01T00:00:00Z")).await["state"], "active");
        assert_heard(&acme, &urls).await;
        assert_eq!(change(Value::Null).await["expires_at"], Value::Null);
        assert_heard(&acme, &urls).await;
    });
}

/// The function `feeds` inside this process, with `changes` to its environment.
async fn feeds_at(stack: &'static Stack, clock: &StoppedClock, changes: &[(&str, &str)]) -> Arc<Listen> {
    let storage = Process::of(stack, "feeds").await.with(changes).storage(Arc::new(clock.clone()));
    let addresses = Addresses::public(stack.listener().parse().unwrap()).unwrap();
    Arc::new(Listen::new(storage, addresses, None))
}

async fn status(stack: &Stack, app: &Arc<Listen>, url: &str) -> u16 {
    let path = url.strip_prefix(stack.listener()).unwrap();
    let answer = feeds::listen::routes().answer(app, event("", &Method::GET, path, &json!({}))).await;
    answer.status().as_u16()
}

/// The token is looked up anew for each request, and held against the function's own clock.
#[test]
fn access_expires_by_the_clock_of_the_request() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        let now = SystemClock.now();
        let expires_at = now.plus(Duration::from_secs(3600));
        let new = json!({ "label": "A guest", "expires_at": expires_at });
        let guest = acme.editor.post(&format!("/v1/shows/{}/listeners", id(&show)), new).await.data();
        let url = guest["feed_url"].as_str().unwrap();
        wait_for_feed(stack, url, |_| true).await;
        let clock = StoppedClock::at(now);
        let app = feeds_at(stack, &clock, &[]).await;

        clock.go_on(Duration::from_secs(3599));
        let before = status(stack, &app, url).await;
        clock.go_on(Duration::from_secs(1));
        let after = status(stack, &app, url).await;

        assert_eq!((before, after), (200, 404));
    });
}

#[test]
fn a_listener_s_last_use_is_known_to_the_hour() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        let (one, never) = (listener(&acme, &show, "One").await, listener(&acme, &show, "Never").await);
        let url = one["feed_url"].as_str().unwrap();
        let path = format!("/v1/listeners/{}", id(&one));
        let last_used_at = async || acme.editor.get(&path).await.data()["last_used_at"].clone();
        assert_eq!(last_used_at().await, Value::Null);
        wait_for_feed(stack, url, |_| true).await;
        let first = last_used_at().await;
        assert!(first.is_string(), "{first}");

        // A second instance of the function, which remembers nothing of the first one's.
        let clock = StoppedClock::at(first.as_str().unwrap().parse().unwrap());
        let app = feeds_at(stack, &clock, &[]).await;
        clock.go_on(Duration::from_secs(3599));
        assert_eq!(status(stack, &app, url).await, 200);
        assert_eq!(last_used_at().await, first, "not within the hour");
        let other = feeds_at(stack, &clock, &[]).await;
        clock.go_on(Duration::from_secs(1));
        assert_eq!(status(stack, &other, url).await, 200);
        assert_eq!(last_used_at().await, json!(clock.now()));

        let listing = acme.editor.get(&format!("/v1/shows/{}/listeners", id(&show))).await.data();
        assert_eq!((&listing[0]["id"], &listing[1]["id"]), (&one["id"], &never["id"]));
        assert_eq!(listing[0]["last_used_at"], json!(clock.now()));
        assert_eq!(listing[1]["last_used_at"], Value::Null);
    });
}

/// Who listens to a public show is nobody's to know, and needs no table; a token must be looked up, so without the directory a
/// private show is closed, and without the tenant table it is open.
#[test]
fn a_private_show_is_served_as_long_as_its_tokens_can_be_looked_up() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (.., [feed, enclosure]) = private_show(&acme).await;
        let clock = StoppedClock::at(SystemClock.now());
        let without_tenants = feeds_at(stack, &clock, &[("TENANT_TABLE", "another-table")]).await;
        let door = without_dynamodb(stack.aws().endpoint()).await;
        let without_directory = feeds_at(stack, &clock, &[("AWS_ENDPOINT_URL", &door)]).await;

        assert_eq!(status(stack, &without_tenants, &feed).await, 200);
        assert_eq!(status(stack, &without_tenants, &enclosure).await, 302);
        assert_eq!(status(stack, &without_directory, &feed).await, 503);
        assert_eq!(status(stack, &without_directory, &enclosure).await, 503);
    });
}

#[test]
fn a_change_of_a_listener_names_the_version_that_it_is_for() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        let one = listener(&acme, &show, "A phone").await;
        let path = format!("/v1/listeners/{}", id(&one));
        let renamed = acme.editor.patch(&path, json!({ "label": "Another phone" })).await;
        let stale = json!({ "reason": "Left" }).to_string();
        let stale =
            acme.editor.send(Method::POST, &format!("{path}/suspend"), &[("if-match", "\"1\"")], stale).await;

        assert_eq!(renamed.header("etag"), "\"2\"");
        stale.assert_problem(412, "precondition_failed");
        let seen = acme.editor.get(&path).await;
        assert_eq!((&seen.data()["label"], seen.header("etag")), (&json!("Another phone"), "\"2\""));
        assert_eq!(seen.data()["state"], "active");
    });
}

#[test]
fn nobody_is_added_whose_time_has_passed() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        let path = format!("/v1/shows/{}/listeners", id(&show));
        let past = json!({ "label": "Late", "expires_at": "2020-01-01T00:00:00Z" });
        let refused = acme.editor.post(&path, past).await;
        refused.assert_problem(422, "invalid_request");
        assert_eq!(refused.json()["errors"][0]["pointer"], "/expires_at");
    });
}

#[test]
fn a_public_show_has_no_listeners() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let path = format!("/v1/shows/{}/listeners", id(&show));
        acme.editor.post(&path, json!({ "label": "Me" })).await.assert_problem(409, "show_is_public");
    });
}
