//! Upload → episode → publish → listen, and what must hold along the way.

use std::{io::Read, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::future::join_all;
use http::Method;
use local::Stack;
use serde_json::{Value, json};
use storage::RenderRequest;

use crate::{
    actors::{Answer, Tenant, send},
    audio::{media, mp3},
    deletions::{delete, wait_for_status},
    instance::{StoppedClock, storage},
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
        if answer.status == 200 && is_expected(&text(&answer)) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{url} is not as expected: {:?}", listen(stack, Method::GET, url, &[]).await);
}

/// A draft with `audio` in `show`.
pub async fn draft(tenant: &Tenant, show: &Value, title: &str, audio: &Bytes) -> Value {
    let media_id = media(tenant, audio).await;
    let draft = json!({ "title": title, "description": "About it.", "media_id": media_id });
    let path = format!("/v1/shows/{}/episodes", id(show));
    tenant.editor.post(&path, draft).await.data()
}

/// Publishes an episode with `audio` in `show`, and answers the episode.
pub async fn publish(tenant: &Tenant, show: &Value, title: &str, audio: &Bytes) -> Value {
    let draft = draft(tenant, show, title, audio).await;
    tenant.editor.post(&format!("/v1/episodes/{}/publish", id(&draft)), json!({})).await.data()
}

/// The address of the first enclosure in a feed.
pub fn enclosure_url(feed: &Answer) -> String {
    let feed = feed_rs::parser::parse(feed.body.as_ref()).unwrap();
    feed.entries[0].media[0].content[0].url.as_ref().unwrap().to_string()
}

pub fn id(resource: &Value) -> &str {
    resource["id"].as_str().unwrap()
}

pub fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
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
        assert_eq!(feed.header("content-type"), "application/rss+xml; charset=utf-8");
        let enclosure = enclosure_url(&feed);
        let redirect = listen(stack, Method::GET, &enclosure, &[]).await;
        assert_eq!(redirect.status, 302);
        let heard = listen(stack, Method::GET, redirect.header("location"), &[]).await;
        assert_eq!(heard.header("content-type"), "audio/mpeg");
        assert_eq!(heard.body, audio);
    });
}

#[test]
fn parsers_that_nobody_here_wrote_read_the_feed() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let audio = mp3(61, &unique("audio"));
        let show = acme.show("public").await;
        let episode = publish(&acme, &show, "Tom & Ülkü <live>", &audio).await;
        let url = show["feed_url"].as_str().unwrap();

        let feed = wait_for_feed(stack, url, |text| text.contains("Ülkü")).await;

        let parsed = feed_rs::parser::parse(feed.body.as_ref()).unwrap();
        let entry = &parsed.entries[0];
        let content = &entry.media[0].content[0];
        assert_eq!(parsed.title.unwrap().content, "Harbour Notes");
        assert_eq!(entry.title.as_ref().unwrap().content, "Tom & Ülkü <live>");
        assert_eq!(entry.id, id(&episode));
        assert_eq!(content.size, Some(audio.len() as u64));
        assert_eq!(content.content_type.as_ref().unwrap().to_string(), "audio/mpeg");

        let judged = badpod::from_str(&text(&feed)).unwrap();
        let channel = &judged.channel[0];
        assert_eq!(channel.item[0].enclosure.len(), 1);
        let debug = format!("{judged:?}");
        assert!(!debug.contains("reason:") && !debug.contains("Other("), "{debug}");
    });
}

#[test]
fn a_feed_is_fetched_again_only_when_it_has_changed() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let url = show["feed_url"].as_str().unwrap();
        publish(&acme, &show, "First light", &mp3(61, &unique("audio"))).await;
        let feed = wait_for_feed(stack, url, |text| text.contains("First light")).await;
        let (etag, modified) = (feed.header("etag"), feed.header("last-modified"));

        let by_tag = listen(stack, Method::GET, url, &[("if-none-match", etag)]).await;
        let by_time = listen(stack, Method::GET, url, &[("if-modified-since", modified)]).await;
        let by_wrong_tag = [("if-none-match", "\"other\""), ("if-modified-since", modified)];
        let by_wrong_tag = listen(stack, Method::GET, url, &by_wrong_tag).await;

        assert!(etag.starts_with('"'), "a strong tag, not {etag}");
        assert_eq!((by_tag.status.as_u16(), by_tag.body.len()), (304, 0));
        assert_eq!((by_time.status.as_u16(), by_time.body.len()), (304, 0));
        assert_eq!(by_wrong_tag.status, 200, "the tag counts before the time");
        assert_eq!(by_tag.header("etag"), etag);

        let path = format!("/v1/shows/{}", id(&show));
        acme.editor.patch(&path, json!({ "title": "Harbour Nights" })).await.data();
        wait_for_feed(stack, url, |text| text.contains("Harbour Nights")).await;
        assert_eq!(listen(stack, Method::GET, url, &[("if-none-match", etag)]).await.status, 200);
    });
}

#[test]
fn whoever_has_a_feed_hears_within_a_second_that_it_changed_or_is_gone() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let (show, other) = (acme.show("public").await, globex.show("public").await);
        let [url, others] = [&show, &other].map(|show| show["feed_url"].as_str().unwrap());
        let first = wait_for_feed(stack, url, |_| true).await;
        wait_for_feed(stack, others, |_| true).await;
        let ask = async |url: &str, etag: &str| {
            let known = [("if-none-match", etag)];
            let answers = (0..8).map(|_| listen(stack, Method::GET, url, &known));
            join_all(answers).await.iter().map(|answer| answer.status.as_u16()).collect::<Vec<_>>()
        };

        let first = first.header("etag");
        assert_eq!(ask(url, first).await, [304; 8]);
        assert_eq!(
            ask(others, first).await,
            [200; 8],
            "what one tenancy's app has says nothing of another's feed"
        );

        let path = format!("/v1/shows/{}", id(&show));
        acme.editor.patch(&path, json!({ "title": "Harbour Nights" })).await.data();
        let second = wait_for_feed(stack, url, |text| text.contains("Harbour Nights")).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(ask(url, first).await, [200; 8]);

        let second = second.header("etag");
        assert_eq!(ask(url, second).await, [304; 8]);
        delete(&acme.owner, "show", id(&show)).await;
        wait_for_status(stack, url, 410).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(ask(url, second).await, [410; 8]);
    });
}

#[test]
fn gzip_is_the_same_document_under_a_tag_of_its_own() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let url = show["feed_url"].as_str().unwrap();
        let plain = wait_for_feed(stack, url, |_| true).await;

        let compressed = listen(stack, Method::GET, url, &[("accept-encoding", "br, gzip;q=0.8")]).await;
        let refused = listen(stack, Method::GET, url, &[("accept-encoding", "gzip;q=0")]).await;

        let mut text = Vec::new();
        flate2::read::GzDecoder::new(compressed.body.as_ref()).read_to_end(&mut text).unwrap();
        assert_eq!(compressed.header("content-encoding"), "gzip");
        assert_eq!(text, plain.body);
        assert_ne!(compressed.header("etag"), plain.header("etag"));
        assert_eq!(compressed.header("vary"), "Accept, Accept-Encoding");
        assert_eq!(refused.body, plain.body);
        for known in [compressed.header("etag"), plain.header("etag")] {
            let again = [("accept-encoding", "gzip"), ("if-none-match", known)];
            let again = listen(stack, Method::GET, url, &again).await;
            assert_eq!((again.status.as_u16(), again.header("etag")), (304, known));
        }
    });
}

#[test]
fn head_answers_as_get_does_but_for_the_body() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let audio = mp3(61, &unique("audio"));
        let show = acme.show("public").await;
        let url = show["feed_url"].as_str().unwrap();
        publish(&acme, &show, "First light", &audio).await;
        let feed = wait_for_feed(stack, url, |text| text.contains("First light")).await;

        let head = listen(stack, Method::HEAD, url, &[]).await;
        let redirect = listen(stack, Method::HEAD, &enclosure_url(&feed), &[]).await;
        let media = listen(stack, Method::HEAD, redirect.header("location"), &[]).await;

        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
        assert_eq!(head.header("etag"), feed.header("etag"));
        assert_eq!(head.header("content-type"), feed.header("content-type"));
        assert_eq!((media.status.as_u16(), media.body.len()), (200, 0));
        assert_eq!(media.header("content-length"), audio.len().to_string());
    });
}

#[test]
fn media_is_served_in_ranges() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let audio = mp3(61, &unique("audio"));
        let show = acme.show("public").await;
        let url = show["feed_url"].as_str().unwrap();
        publish(&acme, &show, "First light", &audio).await;
        let feed = wait_for_feed(stack, url, |text| text.contains("First light")).await;
        let redirect = listen(stack, Method::GET, &enclosure_url(&feed), &[]).await;
        let media = redirect.header("location");

        for (range, expected) in [
            ("bytes=0-0", audio.slice(0..1)),
            ("bytes=1000-1999", audio.slice(1000..2000)),
            ("bytes=-500", audio.slice(audio.len() - 500..)),
        ] {
            let part = listen(stack, Method::GET, media, &[("range", range)]).await;
            assert_eq!((part.status.as_u16(), &part.body), (206, &expected), "{range}");
            assert!(part.header("content-range").ends_with(&format!("/{}", audio.len())));
        }
    });
}

#[test]
fn guid_and_enclosure_survive_every_change() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let url = show["feed_url"].as_str().unwrap();
        let episode = publish(&acme, &show, "First light", &mp3(61, &unique("audio"))).await;
        let feed = wait_for_feed(stack, url, |text| text.contains("First light")).await;
        let enclosure = enclosure_url(&feed);
        let path = format!("/v1/episodes/{}", id(&episode));

        acme.editor.patch(&path, json!({ "title": "Last light" })).await.data();
        let renamed = wait_for_feed(stack, url, |text| text.contains("Last light")).await;
        acme.editor.post(&format!("{path}/unpublish"), json!({})).await.data();
        wait_for_feed(stack, url, |text| !text.contains("Last light")).await;
        let gone = listen(stack, Method::GET, &enclosure, &[]).await;
        acme.editor.post(&format!("{path}/publish"), json!({})).await.data();
        let back = wait_for_feed(stack, url, |text| text.contains("Last light")).await;

        assert_eq!(enclosure_url(&renamed), enclosure);
        assert_eq!(gone.status, 404);
        assert_eq!(enclosure_url(&back), enclosure);
    });
}

#[test]
fn the_same_content_renders_the_same_bytes() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let url = show["feed_url"].as_str().unwrap();
        publish(&acme, &show, "First light", &mp3(61, &unique("audio"))).await;
        let first = wait_for_feed(stack, url, |text| text.contains("First light")).await;
        let pointer =
            format!("/{}/{}/{}/current.json", stack.output("FeedBucket").unwrap(), acme.id, id(&show));
        let rendered_at = async || {
            let pointer = stack.aws().s3(Method::GET, &pointer, Bytes::new()).await.unwrap();
            serde_json::from_slice::<Value>(pointer.body()).unwrap()["as_of"].clone()
        };
        let before = rendered_at().await;

        let again = json!({ "tenancy_id": acme.id, "show_id": id(&show), "as_of": "2026-01-01T00:00:00Z" });
        let queue = stack.aws().function_environment("release").await.unwrap()["RENDER_QUEUE_URL"].clone();
        let message = json!({ "QueueUrl": queue, "MessageBody": again.to_string() });
        stack.aws().sqs("SendMessage", &message).await.unwrap();
        while rendered_at().await == before {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }

        let second = listen(stack, Method::GET, url, &[]).await;
        assert_eq!(second.body, first.body);
        assert_eq!(second.header("etag"), first.header("etag"));
        assert_eq!(second.header("last-modified"), first.header("last-modified"));
    });
}

#[test]
fn an_episode_comes_out_at_its_time() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let url = show["feed_url"].as_str().unwrap();
        let draft = draft(&acme, &show, "In the year 2100", &mp3(61, &unique("audio"))).await;
        let path = format!("/v1/episodes/{}/publish", id(&draft));

        let scheduled = acme.editor.post(&path, json!({ "at": "2100-01-01T00:00:00Z" })).await.data();
        wait_for_feed(stack, url, |text| !text.contains("In the year 2100")).await;
        let before = json!({ "time": "2099-12-31T23:59:59Z" });
        stack.aws().invoke("release", &before).await.unwrap();
        // What the tick queued is rendered, in order, before this change of ours is.
        acme.editor.patch(&format!("/v1/shows/{}", id(&show)), json!({ "title": "Still waiting" })).await;
        wait_for_feed(stack, url, |text| {
            text.contains("Still waiting") && !text.contains("In the year 2100")
        })
        .await;
        stack.aws().invoke("release", &json!({ "time": "2100-01-01T00:00:00Z" })).await.unwrap();

        assert_eq!(scheduled["state"], "scheduled");
        wait_for_feed(stack, url, |text| text.contains("In the year 2100")).await;
    });
}

#[test]
fn a_lost_message_is_made_good_by_the_next_tick() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let url = show["feed_url"].as_str().unwrap();
        wait_for_feed(stack, url, |text| text.contains("Harbour Notes")).await;
        // As if the change's transaction had committed and the process had died before it told the renderer.
        let due = json!({
            "pk": { "S": format!("due#{}", acme.id) }, "sk": { "S": id(&show) },
            "due_shard": { "S": "due-shard#0" }, "due_at": { "S": "2026-01-01T00:00:00.000Z" },
        });
        let key = json!({ "pk": { "S": format!("{}#shows", acme.id) }, "sk": { "S": id(&show) } });
        let rename = json!({
            "TableName": stack.output("TenantTable").unwrap(), "Key": key,
            "UpdateExpression": "SET title = :title", "ExpressionAttributeValues": { ":title": { "S": "Renamed" } },
        });
        let count = json!({
            "TableName": stack.output("TenantTable").unwrap(),
            "Key": { "pk": { "S": format!("{}#feed-versions", acme.id) }, "sk": { "S": id(&show) } },
            "UpdateExpression": "ADD #c :one", "ExpressionAttributeNames": { "#c": "counter" },
            "ExpressionAttributeValues": { ":one": { "N": "1" } },
        });
        stack.aws().dynamodb("UpdateItem", &rename).await.unwrap();
        stack.aws().dynamodb("UpdateItem", &count).await.unwrap();
        let put = json!({ "TableName": stack.output("DirectoryTable").unwrap(), "Item": due });
        stack.aws().dynamodb("PutItem", &put).await.unwrap();

        stack.aws().invoke("release", &json!({ "time": "2026-01-01T00:01:00Z" })).await.unwrap();

        wait_for_feed(stack, url, |text| text.contains("Renamed")).await;
    });
}

/// SQS hands out a quiet group's messages before those of one that has many waiting; that it does, only AWS can show.
#[test]
fn the_renderers_messages_are_grouped_by_tenancy() {
    run(async |stack| {
        let queue = json!({ "QueueName": unique("renders") });
        let queue = stack.aws().sqs("CreateQueue", &queue).await.unwrap()["QueueUrl"].clone();
        let changes = [("RENDER_QUEUE_URL", queue.as_str().unwrap())];
        let clock = StoppedClock::at_start_of_window();
        let storage = storage(stack, "shows", Arc::new(clock.clone()), &changes).await;
        let request = RenderRequest {
            tenancy_id: "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            show_id: "shw_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            as_of: storage.now(),
        };

        storage.request_render(&request).await.unwrap();

        let receive = json!({ "QueueUrl": queue, "AttributeNames": ["All"] });
        let received = stack.aws().sqs("ReceiveMessage", &receive).await.unwrap();
        let attributes = &received["Messages"][0]["Attributes"];
        assert_eq!(attributes["MessageGroupId"], request.tenancy_id.as_str(), "{received}");
    });
}

#[test]
fn the_same_bytes_are_one_medium_in_a_tenancy_and_two_in_two() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let audio = mp3(61, &unique("audio"));

        let first = media(&acme, &audio).await;
        let second = media(&acme, &audio).await;
        let elsewhere = media(&globex, &audio).await;

        assert_eq!(first, second);
        assert_ne!(first, elsewhere);
    });
}
