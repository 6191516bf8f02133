//! What podcast apps and directories would refuse is not published, and the report says why at any time.

use serde_json::{Value, json};

use crate::{
    actors::{Answer, Tenant},
    audio::{media, mp3},
    flow::{id, text, wait_for_feed},
    world::{run, unique},
};

fn pointers(answer: &Answer) -> Vec<Value> {
    answer.json()["errors"].as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect()
}

#[test]
fn an_episode_is_published_once_it_breaks_no_rule() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let path = format!("/v1/shows/{}", id(&show));
        let changes = json!({
            "listing": { "type": "serial", "owner": { "name": "Desk", "email": "desk@acme.example" } },
            "podcasting": { "license": { "name": "our-own" } },
        });
        assert_eq!(acme.editor.patch(&path, changes).await.data()["listing"]["type"], "serial");
        let draft = json!({ "title": "First", "description": "<p>About <b>it</b>.</p>" });
        let draft = acme.editor.post(&format!("{path}/episodes"), draft).await.data();
        let episode = format!("/v1/episodes/{}", id(&draft));

        let refused = acme.editor.post(&format!("{episode}/publish"), json!({})).await;

        refused.assert_problem(422, "feed_rules_broken");
        assert_eq!(pointers(&refused), ["/podcasting/license/url", "/media_id", "/listing/number"]);
        let license = refused.json()["errors"][0]["detail"].as_str().unwrap().to_owned();
        assert!(license.contains("Podcasting 2.0") && license.contains("the show"), "{license}");
        let report = acme.editor.get(&format!("{path}/feed-report")).await.data();
        assert_eq!(
            (&report["errors"], &report["findings"][0]["rule"]),
            (&json!(1), &json!("license_url_missing"))
        );

        let media_id = media(&acme, &mp3(61, &unique("audio"))).await;
        let number = json!({ "media_id": media_id, "listing": { "number": { "number": 1 } } });
        assert_eq!(acme.editor.patch(&episode, number).await.status, 200);
        let license = json!({ "podcasting": { "license": { "name": "cc-by-4.0" } } });
        assert_eq!(
            acme.editor.patch(&path, license).await.data()["podcasting"]["license"]["name"],
            "cc-by-4.0"
        );
        assert_eq!(
            acme.editor.post(&format!("{episode}/publish"), json!({})).await.data()["state"],
            "published"
        );

        let report = acme.editor.get(&format!("{path}/feed-report")).await.data();
        assert_eq!(report["errors"], 0, "{report}");
        let feed =
            wait_for_feed(stack, show["feed_url"].as_str().unwrap(), |text| text.contains("<item>")).await;
        let feed = text(&feed);
        assert!(feed.contains("<itunes:episode>1</itunes:episode>"), "{feed}");
        assert!(feed.contains("<podcast:locked>yes</podcast:locked>"), "{feed}");
        assert!(feed.contains("<podcast:license>cc-by-4.0</podcast:license>"), "{feed}");
    });
}

#[test]
fn a_tag_that_apps_do_not_show_is_named() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let draft = json!({
            "title": "First", "description": "<p onclick=\"x\">About it.</p>",
        });
        let refused = acme.editor.post(&format!("/v1/shows/{}/episodes", id(&show)), draft).await;

        refused.assert_problem(422, "invalid_request");
        assert_eq!(pointers(&refused), ["/description"]);
        assert!(refused.json()["errors"][0]["detail"].as_str().unwrap().starts_with("<p> has an attribute"));

        let changes =
            json!({ "podcasting": { "persons": [{ "name": "A" }, { "name": "B", "role": "boss" }] } });
        let refused = acme.editor.patch(&format!("/v1/shows/{}", id(&show)), changes).await;
        refused.assert_problem(422, "invalid_request");
        assert_eq!(pointers(&refused), ["/podcasting/persons/1/role"]);
    });
}
