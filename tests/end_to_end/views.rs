//! One show, two feeds: everybody's, and the one that listeners with a token have. And what comes and goes by itself, and what never
//! changes.

use std::time::Duration;

use http::Method;
use lambda_kit::SystemClock;
use local::Stack;
use serde_json::{Value, json};
use tenant_context::{Clock, Timestamp};

use crate::{
    actors::{Answer, Tenant},
    audio::{media, mp3},
    flow::{enclosure_url, id, listen, wait_for_feed},
    world::{run, unique},
};

fn in_seconds(seconds: u64) -> Timestamp {
    SystemClock.now().plus(Duration::from_secs(seconds))
}

/// A public show with a listener, and the URLs of both feeds.
async fn show_with_listener(tenant: &Tenant) -> (Value, String, String) {
    let show = tenant.show("public").await;
    let path = format!("/v1/shows/{}", id(&show));
    tenant.editor.patch(&path, json!({ "has_listener_feed": true })).await.data();
    let listener =
        tenant.editor.post(&format!("{path}/listeners"), json!({ "label": "A member" })).await.data();
    let url = |of: &Value| of["feed_url"].as_str().unwrap().to_owned();
    let urls = (url(&show), url(&listener));
    (show, urls.0, urls.1)
}

async fn publish(tenant: &Tenant, show: &Value, title: &str, extra: Value, release: Value) -> Value {
    let mut new = json!({
        "title": title, "description": "d", "media_id": media(tenant, &mp3(2, &unique("audio"))).await,
    });
    new.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let draft = tenant.editor.post(&format!("/v1/shows/{}/episodes", id(show)), new).await.data();
    tenant.editor.post(&format!("/v1/episodes/{}/publish", id(&draft)), release).await.data()
}

/// Does what the minute's schedule does, as of `time`.
async fn tick(stack: &Stack, time: Timestamp) {
    stack.aws().invoke("release", &json!({ "time": time })).await.unwrap();
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[test]
fn listeners_hear_an_episode_before_everybody_and_some_for_themselves() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (show, public, own) = show_with_listener(&acme).await;
        let embargo = in_seconds(3600);
        publish(&acme, &show, "Early", json!({}), json!({ "public_at": embargo })).await;
        publish(&acme, &show, "Members only", json!({ "audience": "listeners" }), json!({})).await;
        publish(&acme, &show, "For all", json!({}), json!({})).await;

        let all = |text: &str| ["Early", "Members only", "For all"].iter().all(|title| text.contains(title));
        let heard = text(&wait_for_feed(stack, &own, all).await);
        let seen = text(&wait_for_feed(stack, &public, |text| text.contains("For all")).await);
        assert!(!seen.contains("Early") && !seen.contains("Members only"), "{seen}");
        let early = heard.split("<item>").find(|item| item.contains("Early")).unwrap();
        let path = enclosure_url_in(early).split_once("/media/").unwrap().1.to_owned();
        let open = format!("{}/media/{path}", stack.listener());
        listen(stack, Method::GET, &open, &[]).await.assert_problem(404, "not_found");
        assert_eq!(listen(stack, Method::GET, &enclosure_url_in(early), &[]).await.status, 302);

        tick(stack, embargo).await;
        let seen = text(&wait_for_feed(stack, &public, |text| text.contains("Early")).await);
        assert!(!seen.contains("Members only"), "{seen}");
        let guid =
            |item: &str| item.split_once("<guid").unwrap().1.split_once("</guid>").unwrap().0.to_owned();
        let now_public = seen.split("<item>").find(|item| item.contains("Early")).unwrap();
        assert_eq!(guid(now_public), guid(early), "the same episode in both feeds");
        assert_eq!(listen(stack, Method::GET, &open, &[]).await.status, 302);
    });
}

fn enclosure_url_in(item: &str) -> String {
    item.split_once("<enclosure url=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

#[test]
fn a_listener_s_feed_of_a_public_show_is_as_private_as_any() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let (show, public, own) = show_with_listener(&acme).await;
        let path = format!("/v1/shows/{}", id(&show));
        let owner = json!({ "name": "Harbour Radio", "email": "letters@harbour.example" });
        acme.editor.patch(&path, json!({ "listing": { "owner": owner } })).await.data();
        wait_for_feed(stack, &public, |text| text.contains("letters@harbour.example")).await;

        let feed = wait_for_feed(stack, &own, |_| true).await;
        let heard = text(&feed);
        assert!(heard.contains("<itunes:block>Yes") && heard.contains("<podcast:block>yes"), "{heard}");
        assert!(!heard.contains("harbour.example"), "{heard}");
        assert_eq!(feed.header("x-robots-tag"), "noindex, nofollow");
        assert_eq!(feed.header("cache-control"), "private, no-cache");
        globex.owner.get(&format!("{path}/listeners")).await.assert_problem(404, "not_found");

        acme.editor.patch(&path, json!({ "has_listener_feed": false })).await.data();
        while listen(stack, Method::GET, &own, &[]).await.status != 404 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let answer = acme.editor.post(&format!("{path}/listeners"), json!({ "label": "Late" })).await;
        answer.assert_problem(409, "show_is_public");
    });
}

#[test]
fn an_episode_leaves_the_feed_when_its_time_is_over() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let url = show["feed_url"].as_str().unwrap();
        let end = in_seconds(3600);
        let episode = publish(&acme, &show, "For an hour", json!({}), json!({ "expires_at": end })).await;
        let feed = wait_for_feed(stack, url, |text| text.contains("For an hour")).await;
        assert_eq!((&episode["state"], &episode["expires_at"]), (&json!("published"), &json!(end)));

        // The tick of that very minute never came.
        tick(stack, end.plus(Duration::from_secs(600))).await;
        wait_for_feed(stack, url, |text| !text.contains("For an hour")).await;
        let gone = listen(stack, Method::GET, &enclosure_url(&feed), &[]).await;
        gone.assert_problem(404, "not_found");
    });
}

#[test]
fn a_release_that_cannot_be_is_refused_with_its_field() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let draft = json!({ "title": "t", "description": "d", "media_id": media(&acme, &mp3(2, "x")).await });
        let draft = acme.editor.post(&format!("/v1/shows/{}/episodes", id(&show)), draft).await.data();
        let path = format!("/v1/episodes/{}/publish", id(&draft));
        for (release, pointer) in [
            (json!({ "public_at": in_seconds(60) }), "/public_at"),
            (json!({ "at": in_seconds(60), "expires_at": in_seconds(30) }), "/expires_at"),
        ] {
            let answer = acme.editor.post(&path, release).await;
            answer.assert_problem(422, "invalid_request");
            assert_eq!(answer.json()["errors"][0]["pointer"], pointer);
        }
        acme.editor
            .patch(&format!("/v1/episodes/{}", id(&draft)), json!({ "audience": "listeners" }))
            .await
            .data();
        acme.editor.post(&path, json!({})).await.assert_problem(409, "not_publishable");
    });
}

fn key(tenant: &Tenant, show: &Value, episode: &Value) -> Value {
    json!({
        "pk": { "S": format!("{}#episodes#{}", tenant.id, id(show)) }, "sk": { "S": id(episode) },
    })
}

/// A defect of ours that would give an episode another GUID or enclosure, as seen by the ledger.
#[test]
fn the_ledger_refuses_another_guid_and_another_enclosure() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let (one, two) = (
            publish(&acme, &show, "One", json!({}), json!({})).await,
            publish(&acme, &show, "Two", json!({}), json!({})).await,
        );
        let table = stack.output("TenantTable").unwrap();
        let change = async |field: &str, value: &str| {
            let update = json!({
                "TableName": table, "Key": key(&acme, &show, &two), "UpdateExpression": "SET publication.#field = :value",
                "ExpressionAttributeNames": { "#field": field }, "ExpressionAttributeValues": { ":value": { "S": value } },
            });
            stack.aws().dynamodb("UpdateItem", &update).await.unwrap();
            acme.editor
                .patch(&format!("/v1/episodes/{}", id(&two)), json!({ "title": unique("title") }))
                .await
        };
        let get = json!({ "TableName": table, "Key": key(&acme, &show, &two) });
        let before = stack.aws().dynamodb("GetItem", &get).await.unwrap()["Item"]["publication"]["M"].clone();
        let (guid, file_name) =
            (before["guid"]["S"].as_str().unwrap(), before["file_name"]["S"].as_str().unwrap());

        for (field, value) in [("guid", "another"), ("guid", one["guid"].as_str().unwrap())] {
            change(field, value).await.assert_problem(409, "changed_meanwhile");
        }
        change("guid", guid).await.data();
        change("file_name", "another.mp3").await.assert_problem(409, "changed_meanwhile");
        change("file_name", file_name).await.data();
    });
}

/// RFC 5005: the feed holds the newest episodes, and pages that the feed leads to hold the others, each once.
#[test]
fn a_feed_that_is_too_long_comes_in_pages() {
    const EPISODES: usize = 330;
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let url = show["feed_url"].as_str().unwrap();
        let notes = json!({ "listing": { "content": "<p>Ebb and flow.</p>".repeat(1_600) } });
        let first = publish(&acme, &show, "The first", notes, json!({})).await;
        // The others are copies of its item: to make each through the API would take minutes.
        let table = stack.output("TenantTable").unwrap();
        let get = json!({ "TableName": table, "Key": key(&acme, &show, &first) });
        let item = stack.aws().dynamodb("GetItem", &get).await.unwrap()["Item"].clone();
        for number in 0..EPISODES {
            let mut copy = item.clone();
            let id = format!("epi_{number:026}");
            copy["sk"] = json!({ "S": id });
            copy["id"] = json!({ "S": id });
            copy["publication"]["M"]["guid"] = json!({ "S": id });
            stack.aws().dynamodb("PutItem", &json!({ "TableName": table, "Item": copy })).await.unwrap();
        }
        acme.editor
            .patch(&format!("/v1/shows/{}", id(&show)), json!({ "title": "All of them" }))
            .await
            .data();

        let mut next = Some(url.to_owned());
        let (mut guids, mut documents) = (Vec::new(), 0);
        while let Some(url) = next {
            let page = text(&wait_for_feed(stack, &url, |text| text.contains("All of them")).await);
            assert!(page.len() <= 5_000_000, "{} bytes", page.len());
            guids.extend(
                page.split("<guid isPermaLink=\"false\">")
                    .skip(1)
                    .map(|rest| rest.split_once("</guid>").unwrap().0.to_owned()),
            );
            documents += 1;
            let link = page.split("<atom:link ").find(|link| link.starts_with("rel=\"next\""));
            next =
                link.map(|link| link.split_once("href=\"").unwrap().1.split_once('"').unwrap().0.to_owned());
        }

        assert!(documents >= 2, "one document only");
        assert_eq!(guids.len(), EPISODES + 1);
        guids.sort();
        guids.dedup();
        assert_eq!(guids.len(), EPISODES + 1, "each on one page");
        let beyond = url.replace(".xml", &format!(".{documents}.xml"));
        for missing in [beyond, url.replace(".xml", ".0.xml"), url.replace(".xml", ".x.xml")] {
            listen(stack, Method::GET, &missing, &[]).await.assert_problem(404, "not_found");
        }
    });
}
