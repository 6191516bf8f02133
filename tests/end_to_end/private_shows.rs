//! Private shows: a listener's token opens their own show, everywhere or nowhere.

use http::Method;
use serde_json::{Value, json};

use crate::{
    actors::Tenant,
    audio::mp3,
    flow::{enclosure_url, id, listen, publish, text, wait_for_feed},
    world::{run, unique},
};

async fn listener(tenant: &Tenant, show: &Value, label: &str) -> Value {
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
        assert_eq!(feed.header("x-robots-tag"), "noindex");
        assert!(text(&feed).contains("<itunes:block>Yes</itunes:block>"));
        assert!(!text(&feed).contains("A phone"), "labels are personal data");
        assert_eq!(show["feed_url"], Value::Null);

        let token = url.split('/').nth(4).unwrap();
        for open in [url.replace(&format!("/p/{token}"), ""), enclosure.replace(&format!("/p/{token}"), "")] {
            listen(stack, Method::GET, &open, &[]).await.assert_problem(404, "not_found");
        }
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

#[test]
fn a_public_show_has_no_listeners() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let path = format!("/v1/shows/{}/listeners", id(&show));
        acme.editor.post(&path, json!({ "label": "Me" })).await.assert_problem(409, "show_is_public");
    });
}
