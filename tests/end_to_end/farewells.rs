//! A show that goes elsewhere, and one that is over: what apps are told, and that it can be taken back.

use std::time::Duration;

use http::Method;
use local::Stack;
use serde_json::{Value, json};

use crate::{
    actors::{Answer, Tenant},
    audio::mp3,
    flow::{enclosure_url, id, listen, publish, text, wait_for_feed},
    world::{run, unique},
};

async fn wait_for_status(stack: &Stack, url: &str, status: u16) -> Answer {
    for _ in 0..600 {
        let answer = listen(stack, Method::GET, url, &[]).await;
        if answer.status == status {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{url} does not answer {status}: {:?}", listen(stack, Method::GET, url, &[]).await);
}

async fn put(tenant: &Tenant, show: &Value, what: &str, body: Value) -> Answer {
    let path = format!("/v1/shows/{}/{what}", id(show));
    tenant.editor.send(Method::PUT, &path, &[], body.to_string()).await
}

async fn delete(tenant: &Tenant, show: &Value, what: &str) -> Answer {
    tenant.editor.delete(&format!("/v1/shows/{}/{what}", id(show))).await
}

#[test]
fn a_feed_that_has_moved_sends_apps_along() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let url = show["feed_url"].as_str().unwrap();
        let audio = mp3(61, &unique("audio"));
        publish(&acme, &show, "First light", &audio).await;
        let before = wait_for_feed(stack, url, |text| text.contains("First light")).await;
        let elsewhere = "https://other.example/feed.xml?a=1&b=2";

        let changed = put(&acme, &show, "redirect", json!({ "feed_url": elsewhere })).await.data();

        assert_eq!((&changed["moved_to"], &changed["is_ended"]), (&json!(elsewhere), &json!(false)));
        let moved = wait_for_status(stack, url, 301).await;
        assert_eq!(moved.header("location"), elsewhere);
        let new_url = "<itunes:new-feed-url>https://other.example/feed.xml?a=1&amp;b=2</itunes:new-feed-url>";
        assert!(text(&moved).contains(new_url), "{}", text(&moved));
        let known = [("if-none-match", moved.header("etag"))];
        assert_eq!(listen(stack, Method::GET, url, &known).await.status, 301);
        let head = listen(stack, Method::HEAD, url, &[]).await;
        assert_eq!((head.status.as_u16(), head.header("location"), head.body.len()), (301, elsewhere, 0));
        let redirect = listen(stack, Method::GET, &enclosure_url(&before), &[]).await;
        assert_eq!(listen(stack, Method::GET, redirect.header("location"), &[]).await.body, audio);

        let back = delete(&acme, &show, "redirect").await.data();
        assert_eq!(back["moved_to"], Value::Null);
        let served = wait_for_status(stack, url, 200).await;
        assert!(!text(&served).contains("new-feed-url"));
    });
}

#[test]
fn the_feed_of_a_show_that_is_over_is_gone() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (public, private) = (acme.show("public").await, acme.show("private").await);
        let listeners = format!("/v1/shows/{}/listeners", id(&private));
        let listener = acme.editor.post(&listeners, json!({ "label": "A phone" })).await.data();
        for (show, url) in [(&public, &public["feed_url"]), (&private, &listener["feed_url"])] {
            let url = url.as_str().unwrap();
            wait_for_feed(stack, url, |_| true).await;

            assert_eq!(put(&acme, show, "end", json!({})).await.data()["is_ended"], true);

            wait_for_status(stack, url, 410).await.assert_problem(410, "gone");
            assert_eq!(delete(&acme, show, "end").await.data()["is_ended"], false);
            wait_for_status(stack, url, 200).await;
        }
        let token = listener["feed_url"].as_str().unwrap().split('/').nth(4).unwrap().to_owned();
        put(&acme, &private, "end", json!({})).await.data();
        wait_for_status(stack, listener["feed_url"].as_str().unwrap(), 410).await;
        let open = listener["feed_url"].as_str().unwrap().replace(&format!("/p/{token}"), "");
        listen(stack, Method::GET, &open, &[]).await.assert_problem(404, "not_found");
    });
}

#[test]
fn a_farewell_that_makes_no_sense_is_refused() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (public, private) = (acme.show("public").await, acme.show("private").await);
        for bad in ["javascript:alert(1)", "ftp://x.example/", "//x.example", "https://a:b@x.example/", "x"] {
            let answer = put(&acme, &public, "redirect", json!({ "feed_url": bad })).await;
            answer.assert_problem(422, "invalid_request");
            assert_eq!(answer.json()["errors"][0]["pointer"], "/feed_url", "{bad}");
        }
        let itself = put(&acme, &public, "redirect", json!({ "feed_url": public["feed_url"] })).await;
        itself.assert_problem(422, "invalid_request");
        put(&acme, &public, "redirect", json!({})).await.assert_problem(422, "invalid_request");
        let elsewhere = json!({ "feed_url": "https://other.example/" });
        put(&acme, &private, "redirect", elsewhere.clone()).await.assert_problem(409, "show_is_private");

        let path = format!("/v1/shows/{}/redirect", id(&public));
        let old = [("if-match", "\"99\"")];
        let old = acme.editor.send(Method::PUT, &path, &old, elsewhere.to_string()).await;
        old.assert_problem(412, "precondition_failed");
        let viewer = acme.viewer.send(Method::PUT, &path, &[], elsewhere.to_string()).await;
        viewer.assert_problem(403, "permission_denied");
        assert_eq!(
            acme.editor.get(&format!("/v1/shows/{}", id(&public))).await.data()["moved_to"],
            Value::Null
        );
    });
}

#[test]
fn the_same_farewell_again_changes_nothing() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let first = put(&acme, &show, "end", json!({})).await;
        let second = put(&acme, &show, "end", json!({})).await;
        assert_eq!(first.header("etag"), second.header("etag"));
        delete(&acme, &show, "redirect").await.data();
        let shown = acme.editor.get(&format!("/v1/shows/{}", id(&show))).await.data();
        assert_eq!(shown["is_ended"], true, "what was not redirected is not kept by keeping it");
    });
}
