//! Artwork, transcripts, chapters and other enclosures: named by an episode, found in its feed, read by an app.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::{
    actors::{Answer, Tenant, send},
    audio::{media, mp3, upload, wait_for_end},
    flow::{id, listen, wait_for_feed},
    media::png,
    world::{run, unique},
};

const CHAPTERS: &str =
    r#"{"version":"1.2.0","chapters":[{"startTime":0,"title":"Ebb"},{"startTime":30,"title":"Flow"}]}"#;
const TRANSCRIPT: &str = "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nGood evening.\n";

/// The `media_id` of bytes that are announced as `content_type`.
async fn ready(tenant: &Tenant, name: &str, content_type: &str, bytes: impl Into<Bytes>) -> String {
    let announced = json!({ "content_type": content_type });
    let path = upload(&tenant.editor, tenant, name, announced, &bytes.into()).await;
    let upload = wait_for_end(&tenant.editor, &path).await;
    upload["media_id"].as_str().unwrap_or_else(|| panic!("{upload}")).to_owned()
}

/// The values of an attribute of the tags with this name.
fn values(feed: &str, tag: &str, attribute: &str) -> Vec<String> {
    let start = format!("<{tag} ");
    let tags = feed.split(&start).skip(1).filter_map(|rest| rest.split_once('>'));
    let value = |tag: &str| Some(tag.split_once(&format!("{attribute}=\""))?.1.split_once('"')?.0.to_owned());
    tags.filter_map(|(tag, _)| value(tag)).collect()
}

/// Publishes an episode with everything, and answers its feed.
async fn publish(tenant: &Tenant, show: &Value, feed_url: &str) -> String {
    let other = mp3(60, &unique("other"));
    let episode = json!({
        "title": "Everything", "description": "d", "media_id": media(tenant, &mp3(61, &unique("audio"))).await,
        "listing": { "artwork_id": ready(tenant, "cover.png", "image/png", png(1500, 1500, 1500, 3)).await },
        "podcasting": {
            "transcripts": [{
                "media_id": ready(tenant, "episode.vtt", "text/vtt", TRANSCRIPT).await,
                "language": "en", "is_captions": true,
            }],
            "chapters_id": ready(tenant, "chapters.json", "application/json", CHAPTERS).await,
            "alternate_enclosures": [{ "media_id": media(tenant, &other).await, "title": "Shorter" }],
        },
    });
    let draft = tenant.editor.post(&format!("/v1/shows/{}/episodes", id(show)), episode).await.data();
    tenant.editor.post(&format!("/v1/episodes/{}/publish", id(&draft)), json!({})).await.data();
    let feed = wait_for_feed(tenant.stack, feed_url, |text| text.contains("Everything")).await;
    String::from_utf8(feed.body.to_vec()).unwrap()
}

async fn get(tenant: &Tenant, url: &str) -> Answer {
    listen(tenant.stack, Method::GET, url, &[]).await
}

fn assert_is_read_by_anyone(answer: &Answer, content_type: &str) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), content_type);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

#[test]
fn a_feed_leads_to_artwork_transcripts_chapters_and_alternates() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let feed = publish(&acme, &show, show["feed_url"].as_str().unwrap()).await;

        let artwork = values(&feed, "itunes:image", "href");
        assert_eq!(artwork.len(), 2, "the show's and the episode's: {feed}");
        for url in &artwork {
            let redirect = get(&acme, url).await;
            assert_eq!(redirect.status, 302);
            let picture = send(stack, Method::GET, redirect.header("location"), &[], Bytes::new()).await;
            assert!(picture.body.starts_with(b"\x89PNG"), "{picture:?}");
        }
        let types = values(&feed, "podcast:transcript", "type");
        assert_eq!(types, ["text/vtt", "application/x-subrip", "application/json"]);
        for (url, content_type) in values(&feed, "podcast:transcript", "url").iter().zip(types) {
            let transcript = get(&acme, url).await;
            assert_is_read_by_anyone(&transcript, &content_type);
            assert!(String::from_utf8_lossy(&transcript.body).contains("Good evening."));
            let head = listen(stack, Method::HEAD, url, &[]).await;
            assert_eq!((head.status.as_u16(), head.header("content-type")), (200, content_type.as_str()));
            let etag = transcript.header("etag").to_owned();
            let again = listen(stack, Method::GET, url, &[("if-none-match", &etag)]).await;
            assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
        }
        let chapters = get(&acme, &values(&feed, "podcast:chapters", "url")[0]).await;
        assert_is_read_by_anyone(&chapters, "application/json+chapters");
        assert_eq!(chapters.json()["chapters"][1]["title"], "Flow");
        let alternate = get(&acme, &values(&feed, "podcast:source", "uri")[0]).await;
        assert_eq!(alternate.status, 302);
        assert!(values(&feed, "podcast:integrity", "value")[0].starts_with("sha256-"), "{feed}");
    });
}

#[test]
fn a_listener_s_files_are_under_their_token_and_nowhere_else() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        let path = format!("/v1/shows/{}/listeners", id(&show));
        let listener = acme.editor.post(&path, json!({ "label": "one" })).await.data();
        let feed = publish(&acme, &show, listener["feed_url"].as_str().unwrap()).await;

        let urls =
            ["podcast:transcript url", "podcast:chapters url", "itunes:image href", "podcast:source uri"];
        for (tag, attribute) in urls.iter().map(|url| url.split_once(' ').unwrap()) {
            let url = &values(&feed, tag, attribute)[0];
            let own = get(&acme, url).await;
            assert!([200, 302].contains(&own.status.as_u16()), "{url}: {own:?}");
            assert_eq!(own.header("x-robots-tag"), "noindex, nofollow");
            let (base, rest) = url.split_once("/p/").unwrap();
            let (token, path) = rest.split_once('/').unwrap();
            let other: String = token.chars().rev().collect();
            for foreign in [format!("{base}/{path}"), format!("{base}/p/{other}/{path}")] {
                get(&acme, &foreign).await.assert_problem(404, "not_found");
            }
        }
    });
}

#[test]
fn a_file_that_the_feed_does_not_lead_to_any_more_is_missing() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let feed_url = show["feed_url"].as_str().unwrap();
        let feed = publish(&acme, &show, feed_url).await;
        let url = values(&feed, "podcast:transcript", "url")[0].clone();
        assert_eq!(get(&acme, &url).await.status, 200);

        let episodes = acme.editor.get(&format!("/v1/shows/{}/episodes", id(&show))).await.data();
        let changes = json!({ "podcasting": { "transcripts": null } });
        acme.editor.patch(&format!("/v1/episodes/{}", id(&episodes[0])), changes).await.data();
        wait_for_feed(stack, feed_url, |text| !text.contains("podcast:transcript")).await;
        get(&acme, &url).await.assert_problem(404, "not_found");
    });
}

#[test]
fn what_is_named_must_be_there_and_what_it_is_named_as() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let show = acme.show("public").await;
        let audio = media(&acme, &mp3(2, &unique("audio"))).await;
        let foreign = globex.artwork().await;
        let missing = "med_01ARZ3NDEKTSV4RRFFQ69G5FAV";

        let path = format!("/v1/shows/{}", id(&show));
        let refused = async |artwork: &str| {
            let answer = acme.editor.patch(&path, json!({ "listing": { "artwork_id": artwork } })).await;
            answer.assert_problem(422, "invalid_request");
            answer.problem_without_id()
        };
        assert_eq!(refused(foreign).await, refused(missing).await, "another tenancy's is as none");
        assert_eq!(refused(&audio).await["errors"][0]["pointer"], "/listing/artwork_id");

        let new = json!({
            "title": "t", "description": "d",
            "podcasting": {
                "chapters_id": audio, "transcripts": [{ "media_id": acme.artwork().await }],
                "alternate_enclosures": [{ "media_id": foreign }],
            },
        });
        let answer = acme.editor.post(&format!("{path}/episodes"), new).await;
        answer.assert_problem(422, "invalid_request");
        let errors = answer.json()["errors"].clone();
        let pointers: Vec<_> = errors.as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
        assert_eq!(
            pointers,
            [
                "/podcasting/transcripts/0/media_id",
                "/podcasting/chapters_id",
                "/podcasting/alternate_enclosures/0/media_id",
            ]
        );
        assert_eq!(acme.editor.get(&format!("{path}/episodes")).await.data(), json!([]));
    });
}

#[test]
fn a_public_show_without_artwork_publishes_nothing() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let path = format!("/v1/shows/{}", id(&show));
        acme.editor.patch(&path, json!({ "listing": { "artwork_id": null } })).await.data();
        let media_id = media(&acme, &mp3(2, &unique("audio"))).await;
        let draft = json!({ "title": "t", "description": "d", "media_id": media_id });
        let draft = acme.editor.post(&format!("{path}/episodes"), draft).await.data();

        let answer = acme.editor.post(&format!("/v1/episodes/{}/publish", id(&draft)), json!({})).await;

        answer.assert_problem(422, "feed_rules_broken");
        assert_eq!(answer.json()["errors"][0]["pointer"], "/listing/artwork_id");
    });
}
