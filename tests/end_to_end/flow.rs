//! Upload → episode → publish → listen.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use local::Stack;
use serde_json::{Value, json};

use crate::{
    actors::{Answer, Tenant, send},
    audio::{media, mp3},
    world::{run, unique},
};

/// GETs or HEADs a URL of the listener API.
pub async fn listen(stack: &Stack, method: Method, url: &str, headers: &[(&str, &str)]) -> Answer {
    send(stack, method, url, headers, Bytes::new()).await
}

/// Waits until a feed satisfies `is_expected`, and answers it.
pub async fn wait_for_feed(stack: &Stack, url: &str, is_expected: impl Fn(&str) -> bool) -> Answer {
    for _ in 0..600 {
        let answer = listen(stack, Method::GET, url, &[]).await;
        if answer.status == 200 && is_expected(&String::from_utf8_lossy(&answer.body)) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{url} is not as expected: {:?}", listen(stack, Method::GET, url, &[]).await);
}

/// Publishes an episode with `audio` in `show`, and answers the episode.
pub async fn publish(tenant: &Tenant, show: &Value, title: &str, audio: &Bytes) -> Value {
    let media_id = media(tenant, audio).await;
    let draft = json!({ "title": title, "description": "About it.", "media_id": media_id });
    let path = format!("/v1/shows/{}/episodes", show["id"].as_str().unwrap());
    let episode = tenant.editor.post(&path, draft).await.data();
    let path = format!("/v1/episodes/{}/publish", episode["id"].as_str().unwrap());
    tenant.editor.post(&path, json!({})).await.data()
}

#[test]
fn an_uploaded_episode_is_heard() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let audio = mp3(61, &unique("audio"));
        let show = acme.show("public").await;
        let episode = publish(&acme, &show, "First light", &audio).await;
        let url = show["feed_url"].as_str().unwrap();

        let feed = wait_for_feed(stack, url, |text| text.contains("First light")).await;

        assert_eq!(episode["state"], "published");
        assert!(feed.header("content-type").starts_with("application/rss+xml"));
    });
}
