//! Shows come from archives and from the feeds of other hosts: what comes, what does not, and that nothing comes by halves.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use domain::ContentHash;
use export::carry_out_import::carry_out_import;
use fetch::{Fetcher, Reach};
use http::Method;
use lambda_kit::SystemClock;
use local::Stack;
use proptest::{collection::vec, prelude::*, test_runner::Config};
use serde_json::{Value, json};
use storage::ImportRequest;
use zip::ZipArchive;

use crate::{
    actors::{Tenant, send},
    audio::mp3,
    elsewhere::{self, Page, breaks_off, put, put_broken, put_bytes, whole},
    flow::{draft, id, publish, wait_for_feed},
    process::{Process, run_counting},
    worker::{count, list},
    world::{run, run_alone, unique},
};

/// The archives of all that a tenancy has.
async fn export(tenant: &Tenant) -> Vec<Bytes> {
    let answer = tenant.owner.post("/v1/exports", json!({ "scope": { "kind": "tenancy" } })).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let path = answer.header("location").to_owned();
    let export = wait(tenant, &path, "preparing").await;
    assert_eq!(export["state"], "ready", "{export}");
    let mut archives = Vec::new();
    for archive in export["archives"].as_array().unwrap() {
        let link = tenant.owner.get(&format!("{path}/archives/{}", archive["number"])).await.data();
        archives.push(
            send(tenant.stack, Method::GET, link["url"].as_str().unwrap(), &[], Bytes::new()).await.body,
        );
    }
    archives
}

/// Waits until something is not in `state` any more.
async fn wait(tenant: &Tenant, path: &str, state: &str) -> Value {
    for _ in 0..1_800 {
        let now = tenant.owner.get(path).await.data();
        if now["state"] != state {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{path} is still {state}: {}", tenant.owner.get(path).await.data());
}

async fn request(tenant: &Tenant, source: Value) -> Value {
    let answer = tenant.owner.post("/v1/imports", json!({ "source": source })).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.data()
}

/// Sends files to where an import says, and starts it.
async fn send_files(tenant: &Tenant, import: &Value, files: &[Bytes]) -> String {
    let path = format!("/v1/imports/{}", id(import));
    for (file, bytes) in import["files"].as_array().unwrap().iter().zip(files) {
        if let Some(url) = file["upload"]["url"].as_str() {
            let headers: Vec<(String, String)> = file["upload"]["headers"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
                .collect();
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let put = send(tenant.stack, Method::PUT, url, &headers, bytes.clone()).await;
            assert_eq!(put.status, 200, "{put:?}");
        }
        let mut from = 0;
        for part in file["parts"].as_array().unwrap() {
            let to = from + usize::try_from(part["size_bytes"].as_u64().unwrap()).unwrap();
            let url = part["url"].as_str().unwrap();
            let put = send(tenant.stack, Method::PUT, url, &[], bytes.slice(from..to)).await;
            assert_eq!(put.status, 200, "{put:?}");
            from = to;
        }
    }
    let started = tenant.owner.post(&format!("{path}/start"), json!({})).await;
    assert_eq!(started.status, 202, "{started:?}");
    path
}

fn archives(files: &[Bytes]) -> Value {
    let sizes: Vec<Value> = files.iter().map(|file| json!({ "size_bytes": file.len() })).collect();
    json!({ "kind": "archive", "archives": sizes })
}

/// Imports archives, and answers the import when it has ended.
async fn import(tenant: &Tenant, files: &[Bytes]) -> Value {
    let import = request(tenant, archives(files)).await;
    let path = send_files(tenant, &import, files).await;
    wait(tenant, &path, "importing").await
}

/// Imports what is at a feed's URL.
async fn import_feed(tenant: &Tenant, url: &str, feed: Value) -> Value {
    let import = request(tenant, json!({ "kind": "feed_url", "url": url, "feed": feed })).await;
    wait(tenant, &format!("/v1/imports/{}", id(&import)), "importing").await
}

async fn items(tenant: &Tenant, import: &Value) -> Vec<Value> {
    let path = format!("/v1/imports/{}/items?limit=200", id(import));
    tenant.owner.get(&path).await.data().as_array().unwrap().clone()
}

async fn shows(tenant: &Tenant) -> Vec<Value> {
    tenant.owner.get("/v1/shows").await.data().as_array().unwrap().clone()
}

async fn episodes(tenant: &Tenant, show: &Value) -> Vec<Value> {
    let path = format!("/v1/shows/{}/episodes?limit=200", id(show));
    tenant.owner.get(&path).await.data().as_array().unwrap().clone()
}

#[test]
fn an_archive_of_one_show_becomes_the_same_show_elsewhere() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let show = acme.show("public").await;
        let audio = mp3(61, &unique("audio"));
        let episode = publish(&acme, &show, "First light", &audio).await;

        let imported = import(&globex, &export(&acme).await).await;

        assert_eq!(imported["state"], "finished", "{imported}");
        let items = items(&globex, &imported).await;
        assert!(items.iter().all(|item| item["outcome"] == "imported"), "{items:?}");
        assert_eq!(imported["counts"]["episode"]["imported"], 1);
        let here = shows(&globex).await;
        assert_eq!(here.len(), 1);
        assert_ne!(here[0]["slug"], show["slug"], "a slug is one show's");
        let came = episodes(&globex, &here[0]).await;
        assert_eq!(came[0]["guid"], episode["guid"]);
        assert_ne!(came[0]["id"], episode["id"]);
        let url = here[0]["feed_url"].as_str().unwrap();
        let feed = wait_for_feed(stack, url, |text| text.contains("First light")).await;
        let enclosure = crate::flow::enclosure_url(&feed);
        let redirect = send(stack, Method::GET, &enclosure, &[], Bytes::new()).await;
        let heard = send(stack, Method::GET, redirect.header("location"), &[], Bytes::new()).await;
        assert_eq!(ContentHash::of(&heard.body), ContentHash::of(&audio));
    });
}

/// A feed of another host, with these items.
fn feed(channel: &str, items: &[String]) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:podcast="https://podcastindex.org/namespace/1.0" xmlns:atom="http://www.w3.org/2005/Atom">
<channel><title>Tide Tables</title><description>High and low water.</description><language>en</language>
<itunes:author>The Harbour</itunes:author><itunes:category text="News"/>{channel}
{}</channel></rss>"#,
        items.join("\n")
    )
}

fn item_of(title: &str, guid: &str, date: &str, enclosure: &str) -> String {
    format!(
        "<item><title>{title}</title><description>About {title}.</description>{guid}{date}<enclosure url=\"{enclosure}\" length=\"0\" \
         type=\"audio/mpeg\"/></item>"
    )
}

const MONDAY: &str = "<pubDate>Mon, 05 Jan 2026 06:00:00 GMT</pubDate>";
const TUESDAY: &str = "<pubDate>Tue, 06 Jan 2026 06:00:00 GMT</pubDate>";

fn remarks(items: &[Value], name: &str) -> String {
    let item = items.iter().find(|item| item["name"] == name && item["kind"] == "episode");
    item.unwrap_or_else(|| panic!("no {name} in {items:?}"))["remarks"].to_string()
}

#[test]
fn a_feed_of_another_host_comes_with_its_guids_and_days() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let name = unique("feed");
        let audio = mp3(61, &unique("audio"));
        let first = put_bytes(0, &format!("/{name}/1.mp3"), audio.clone());
        let second = put_broken(0, &format!("/{name}/2.mp3"), mp3(700, &unique("audio")), 9 << 20);
        let vtt = "WEBVTT\n\n00:00.000 --> 00:01.000\nHello.\n";
        let vtt = put_bytes(0, &format!("/{name}/1.vtt"), vtt.as_bytes().to_vec());
        let older = feed("", &[item_of("Old", "<guid>old</guid>", MONDAY, &first)]);
        let older = put_bytes(0, &format!("/{name}/page2.xml"), older);
        let transcript = format!("<podcast:transcript url=\"{vtt}\" type=\"text/vtt\"/></item>");
        let items = [
            item_of("New", "<guid isPermaLink=\"false\">new-1</guid>", TUESDAY, &second)
                .replace("</item>", &transcript),
            item_of("Twice", "<guid isPermaLink=\"false\">new-1</guid>", TUESDAY, &second),
            item_of("Undated", "<guid>undated</guid>", "", &first),
            "<item><title>Words</title><guid>words</guid></item>".to_owned(),
        ];
        let channel = format!(
            "<podcast:guid>917393e3-1b1e-5cef-ace4-edaa54e1f810</podcast:guid><atom:link rel=\"next\" href=\"{older}\"/>"
        );
        let url = put_bytes(0, &format!("/{name}/feed.xml"), feed(&channel, &items));

        let imported = import_feed(&acme, &url, json!({ "slug": name })).await;

        assert_eq!(imported["state"], "finished", "{imported}");
        let report = self::items(&acme, &imported).await;
        let here = shows(&acme).await;
        assert_eq!((here.len(), here[0]["slug"].as_str().unwrap()), (1, name.as_str()));
        let came = episodes(&acme, &here[0]).await;
        let dates: BTreeMap<&str, &str> = came
            .iter()
            .map(|episode| (episode["guid"].as_str().unwrap(), episode["published_at"].as_str().unwrap()))
            .collect();
        let expected = [
            ("new-1", "2026-01-06T06:00:00.000Z"),
            ("old", "2026-01-05T06:00:00.000Z"),
            ("undated", "2026-01-06T06:00:00.000Z"),
        ];
        assert_eq!(dates, BTreeMap::from(expected), "{report:?}");
        let new = came.iter().find(|episode| episode["guid"] == "new-1").unwrap();
        assert_eq!(new["podcasting"]["transcripts"].as_array().unwrap().len(), 1, "{report:?}");
        assert!(remarks(&report, "Twice").contains("same GUID"));
        assert!(remarks(&report, "Undated").contains("no date"));
        assert!(remarks(&report, "Words").contains("no enclosure"));
        let asked = elsewhere::asked(&format!("/{name}/2.mp3"));
        assert!(asked.iter().any(|line| line.contains("Some(")), "it goes on where it broke off: {asked:?}");
        let rendered = here[0]["feed_url"].as_str().unwrap();
        wait_for_feed(stack, rendered, |text| {
            text.contains("917393e3-1b1e-5cef-ace4-edaa54e1f810") && text.contains(">new-1<")
        })
        .await;
    });
}

#[test]
fn parts_of_a_file_that_changed_are_never_put_together() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let name = unique("feed");
        let (before, after) = (Bytes::from(vec![7; 19 << 20]), mp3(1_300, &unique("audio")));
        // Two parts come of what it was, then one of what it is.
        let page = breaks_off(before, 17 << 20, breaks_off(after.clone(), 9 << 20, whole(after.clone())));
        let audio = put(0, &format!("/{name}/1.mp3"), page);
        let items = [item_of("Ebb", "<guid>1</guid>", MONDAY, &audio)];
        let url = put_bytes(0, &format!("/{name}/feed.xml"), feed("", &items));

        let imported = import_feed(&acme, &url, json!({ "slug": name })).await;

        assert_eq!(imported["counts"]["episode"]["imported"], 1, "{imported}");
        let here = shows(&acme).await;
        let url = here[0]["feed_url"].as_str().unwrap();
        let feed = wait_for_feed(stack, url, |text| text.contains("Ebb")).await;
        let redirect = send(stack, Method::GET, &crate::flow::enclosure_url(&feed), &[], Bytes::new()).await;
        let heard = send(stack, Method::GET, redirect.header("location"), &[], Bytes::new()).await;
        assert_eq!(ContentHash::of(&heard.body), ContentHash::of(&after));
    });
}

#[test]
fn the_same_show_from_two_hosts_has_each_episode_once() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let name = unique("feed");
        let (one, two) = (mp3(61, &unique("audio")), mp3(61, &unique("audio")));
        let mut urls = Vec::new();
        for (host, guid) in [(0, "<guid>https://one.example/"), (1, "<guid isPermaLink=\"false\">id-")] {
            let folder = format!("/{name}/{host}");
            let first = put_bytes(host, &format!("{folder}/1.mp3"), one.clone());
            let second = put_bytes(host, &format!("{folder}/2.mp3"), two.clone());
            let mut items = vec![item_of("Ebb", &format!("{guid}1</guid>"), MONDAY, &first)];
            if host == 1 {
                items.push(item_of("Flow", &format!("{guid}2</guid>"), TUESDAY, &second));
            }
            urls.push(put_bytes(host, &format!("{folder}/feed.xml"), feed("", &items)));
        }

        import_feed(&acme, &urls[0], json!({ "slug": name })).await;
        let here = shows(&acme).await;
        let moved = import_feed(&acme, &urls[1], json!({ "show_id": id(&here[0]) })).await;
        let again = import_feed(&acme, &urls[1], json!({ "show_id": id(&here[0]) })).await;

        assert_eq!(shows(&acme).await.len(), 1);
        let mut guids: Vec<String> = episodes(&acme, &here[0])
            .await
            .iter()
            .map(|episode| episode["guid"].as_str().unwrap().to_owned())
            .collect();
        guids.sort();
        assert_eq!(guids, ["https://one.example/1", "id-2"], "{moved}");
        assert_eq!(
            moved["counts"]["episode"],
            json!({ "imported": 1, "already_here": 1, "not_imported": 0 })
        );
        assert_eq!(
            again["counts"]["episode"],
            json!({ "imported": 0, "already_here": 2, "not_imported": 0 })
        );
    });
}

#[test]
fn a_locked_feed_comes_only_when_its_owner_confirms() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let name = unique("feed");
        let audio = put_bytes(0, &format!("/{name}/1.mp3"), mp3(2, &unique("audio")));
        let items = [item_of("Ebb", "<guid>1</guid>", MONDAY, &audio)];
        let url =
            put_bytes(0, &format!("/{name}/feed.xml"), feed("<podcast:locked>yes</podcast:locked>", &items));

        let refused = import_feed(&acme, &url, json!({ "slug": name })).await;
        assert_eq!(refused["state"], "failed");
        assert!(refused["reason"].as_str().unwrap().contains("podcast:locked"), "{refused}");
        assert!(shows(&acme).await.is_empty());

        let imported = import_feed(&acme, &url, json!({ "slug": name, "owner_confirms": true })).await;
        assert_eq!(imported["counts"]["episode"]["imported"], 1, "{imported}");
    });
}

#[test]
fn a_hostile_feed_fails_with_a_reason_and_leaves_nothing() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let name = unique("hostile");
        let at = |file: &str| format!("/{name}/{file}");
        let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><rss><channel><title>&b;</title></channel></rss>"#;
        let cut = feed("", &[item_of("Ebb", "<guid>1</guid>", MONDAY, "https://x.example/1.mp3")]);
        let pages = feed(
            &format!(
                "<atom:link rel=\"next\" href=\"{}\"/>",
                put(0, &at("gone"), Page::Redirect("http://127.0.0.1:1/".to_owned()))
            ),
            &[],
        );
        for (url, reason) in [
            (put_bytes(0, &at("bomb"), bomb), "declares entities"),
            (put_bytes(0, &at("cut"), cut[..cut.len() - 30].to_owned()), "cut off"),
            (
                put_bytes(0, &at("html"), "<!DOCTYPE html><html><body>Not here</body></html>"),
                "not an RSS feed",
            ),
            (put_bytes(0, &at("noise"), vec![0xff; 1_000]), "cannot be read"),
            (put(0, &at("endless"), Page::Endless(110_000_000)), "more than 100000000 bytes"),
            (
                put(0, &at("loopback"), Page::Redirect("http://127.0.0.1:1/".to_owned())),
                "not on the open internet",
            ),
            (
                put(0, &at("cloud"), Page::Redirect("http://169.254.169.254/latest/meta-data/".to_owned())),
                "not on the open internet",
            ),
            (put(0, &at("file"), Page::Redirect("file:///etc/passwd".to_owned())), "only http and https"),
            (put_bytes(0, &at("pages"), pages), "not on the open internet"),
            ("http://[::1]/".to_owned(), "not on the open internet"),
        ] {
            let imported = import_feed(&acme, &url, json!({ "owner_confirms": true })).await;
            assert_eq!(imported["state"], "failed", "{url}: {imported}");
            assert!(imported["reason"].as_str().unwrap().contains(reason), "{url}: {imported}");
        }
        assert!(shows(&acme).await.is_empty(), "nothing is half imported");

        // Of bytes that are no text something is left to read.
        let invalid = [feed("", &[]).as_bytes(), b"\xff\xfe"].concat();
        let imported =
            import_feed(&acme, &put_bytes(0, &at("invalid"), invalid), json!({ "slug": name })).await;
        assert!(["finished", "failed"].contains(&imported["state"].as_str().unwrap()));
    });
}

#[test]
fn what_is_no_archive_fails_with_a_reason() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        acme.show("public").await;
        let good = export(&acme).await.remove(0);
        let mut changed = good.to_vec();
        let at = memchr::memmem::find(&changed, b"show.json").unwrap() + 60;
        changed[at] ^= 1;
        for (file, reason) in [
            (Bytes::from_static(b"not a ZIP archive at all"), "no ZIP archive"),
            (good.slice(..good.len() - 1), "cannot be read"),
            (Bytes::from(changed), "show.json"),
        ] {
            let imported = import(&globex, &[file]).await;
            assert_eq!(imported["state"], "failed", "{imported}");
            assert!(imported["reason"].as_str().unwrap().contains(reason), "{imported}");
        }
        assert!(shows(&globex).await.is_empty());
    });
}

#[test]
fn one_import_goes_on_at_a_time_and_ends_when_it_is_told() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let first = request(&acme, json!({ "kind": "feed_file", "size_bytes": 9 })).await;
        let path = format!("/v1/imports/{}", id(&first));
        let second = json!({ "source": { "kind": "feed_file", "size_bytes": 9 } });
        acme.owner.post("/v1/imports", second.clone()).await.assert_problem(409, "import_running");
        acme.owner.post(&format!("{path}/start"), json!({})).await.assert_problem(409, "import_incomplete");

        assert_eq!(acme.owner.delete(&path).await.status, 204);
        assert_eq!(acme.owner.get(&path).await.data()["state"], "cancelled");
        acme.owner.post(&format!("{path}/start"), json!({})).await.assert_problem(409, "import_ended");
        assert_eq!(acme.owner.post("/v1/imports", second).await.status, 202);
    });
}

#[test]
fn who_may_not_import_gets_nothing_and_who_may_needs_a_second_factor() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let body = json!({ "source": { "kind": "feed_file", "size_bytes": 9 } });
        for actor in [&acme.editor, &acme.viewer] {
            actor.post("/v1/imports", body.clone()).await.assert_problem(403, "permission_denied");
            actor.get("/v1/imports").await.assert_problem(403, "permission_denied");
        }
        let unvouched = acme.owner.invite("owners").await;
        let refused = unvouched.post("/v1/imports", body).await;
        assert_eq!(refused.status, 403, "{refused:?}");
    });
}

#[test]
fn nobody_adds_to_another_tenancys_show() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let show = acme.show("public").await;
        let source =
            json!({ "kind": "feed_url", "url": "https://x.example/feed", "feed": { "show_id": id(&show) } });
        let foreign = globex.owner.post("/v1/imports", json!({ "source": source })).await;
        foreign.assert_problem(422, "invalid_request");
    });
}

/// What an export says of shows, episodes and listeners, without ids, times and slugs.
fn essence(archives: &[Bytes]) -> Vec<Value> {
    let mut essence = Vec::new();
    let mut hashes = BTreeMap::new();
    let mut records = Vec::new();
    for archive in archives {
        let mut archive = ZipArchive::new(Cursor::new(archive)).unwrap();
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).unwrap();
            let name = entry.name().unwrap().into_owned();
            let is_record = name.ends_with("show.json")
                || (name.contains("/episodes/") || name.contains("/listeners/"))
                || (name.starts_with("media/")
                    && name.ends_with(".json")
                    && name.len() == "media/000001.json".len());
            if !is_record {
                continue;
            }
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            let value: Value = serde_json::from_slice(&bytes).unwrap();
            for record in value.as_array().cloned().unwrap_or_else(|| vec![value]) {
                if name.starts_with("media/") {
                    hashes.insert(id(&record).to_owned(), record["hash"].clone());
                } else {
                    records.push(record);
                }
            }
        }
    }
    for mut record in records {
        without(&mut record, &hashes);
        essence.push(record);
    }
    essence.sort_by_key(ToString::to_string);
    essence
}

fn without(value: &mut Value, hashes: &BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            for name in ["id", "show_id", "slug", "file_name", "created_at", "updated_at", "version"] {
                fields.remove(name);
            }
            fields.values_mut().for_each(|value| without(value, hashes));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| without(value, hashes)),
        Value::String(text) => {
            if let Some(hash) = hashes.get(text) {
                *value = hash.clone();
            }
        }
        _ => {}
    }
}

/// A show, and what is done with it.
#[derive(Debug)]
struct AnyShow {
    is_private: bool,
    episodes: Vec<AnyEpisode>,
    /// Who listens, where it is private.
    listeners: Vec<AnyListener>,
}

#[derive(Debug)]
struct AnyEpisode {
    title: String,
    description: String,
    is_published: bool,
    fate: Fate,
}

/// What becomes of an episode.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Stays,
    Changes,
    Unpublished,
}

#[derive(Debug)]
struct AnyListener {
    label: String,
    is_suspended: bool,
}

const LINE: &str = "[A-Za-z0-9éß潮🌊&<>\"'“”–]{1,8}( [A-Za-z0-9éß潮🌊&<>\"'“”–]{1,8}){0,4}";
const WORDS: &str = "[A-Za-z0-9éß潮🌊&\"'“”–]{1,8}( [A-Za-z0-9éß潮🌊&\"'“”–]{1,8}){0,9}";

fn any_shows() -> impl Strategy<Value = Vec<AnyShow>> {
    let fate = prop_oneof![Just(Fate::Stays), Just(Fate::Changes), Just(Fate::Unpublished)];
    let episode = (LINE, WORDS, any::<bool>(), fate).prop_map(|(title, description, is_published, fate)| {
        AnyEpisode { title, description, is_published, fate }
    });
    let listener =
        (LINE, any::<bool>()).prop_map(|(label, is_suspended)| AnyListener { label, is_suspended });
    let show = (any::<bool>(), vec(episode, 0..4), vec(listener, 0..4))
        .prop_map(|(is_private, episodes, listeners)| AnyShow { is_private, episodes, listeners });
    vec(show, 1..3)
}

impl AnyShow {
    async fn make(&self, tenant: &Tenant) {
        let show = tenant.show(if self.is_private { "private" } else { "public" }).await;
        for episode in &self.episodes {
            episode.make(tenant, &show).await;
        }
        for (number, listener) in self.listeners.iter().filter(|_| self.is_private).enumerate() {
            let new = json!({ "label": listener.label, "email": format!("{number}@harbour.example") });
            let made = tenant.editor.post(&format!("/v1/shows/{}/listeners", id(&show)), new).await.data();
            if listener.is_suspended {
                let path = format!("/v1/listeners/{}/suspend", id(&made));
                tenant.editor.post(&path, json!({ "reason": "Left the harbour" })).await.data();
            }
        }
    }
}

impl AnyEpisode {
    async fn make(&self, tenant: &Tenant, show: &Value) {
        let episode = draft(tenant, show, &self.title, &mp3(2, &unique("audio"))).await;
        let path = format!("/v1/episodes/{}", id(&episode));
        tenant.editor.patch(&path, json!({ "description": self.description })).await.data();
        if self.is_published {
            tenant.editor.post(&format!("{path}/publish"), json!({})).await.data();
        }
        match self.fate {
            Fate::Changes => {
                let changes = json!({
                    "explicit": true,
                    "listing": { "season": { "number": 2, "name": "Spring" }, "type": "bonus", "content": "<h1>Notes</h1>" },
                    "podcasting": { "persons": [{ "name": "The Harbour Master" }] },
                });
                tenant.editor.patch(&path, changes).await.data();
            }
            Fate::Unpublished if self.is_published => {
                tenant.editor.post(&format!("{path}/unpublish"), json!({})).await.data();
            }
            Fate::Stays | Fate::Unpublished => {}
        }
    }
}

proptest! {
    // Each is two tenancies, two exports and an import.
    #![proptest_config(Config { failure_persistence: None, max_shrink_iters: 20, ..Config::with_cases(3) })]

    #[test]
    fn whatever_is_exported_and_imported_and_exported_again_is_the_same(any_shows in any_shows()) {
        run(async |stack| {
            let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
            for show in &any_shows {
                show.make(&acme).await;
            }
            let before = export(&acme).await;

            let imported = import(&globex, &before).await;

            assert_eq!(imported["state"], "finished", "{imported}");
            let report = items(&globex, &imported).await;
            assert!(report.iter().all(|item| item["outcome"] == "imported"), "{report:?}");
            let after = export(&globex).await;
            assert_eq!(essence(&after), essence(&before));
        });
    }
}

/// The import worker, run by a test that kills it, for a tenancy to which everything comes.
struct Killed {
    stack: &'static Stack,
    process: Process,
    fetcher: Fetcher,
    tenant: Tenant,
    /// How many imports have come to their end.
    ended: usize,
}

impl Killed {
    /// In a stack where the real worker hears nothing from now on.
    async fn new(stack: &'static Stack) -> Self {
        stack.aws().pause_queue("import-worker").await.unwrap();
        Self {
            stack,
            process: Process::of(stack, "import-worker").await,
            fetcher: Fetcher::new(Reach::Listed(elsewhere::addresses())),
            tenant: Tenant::new(stack).await,
            ended: 0,
        }
    }

    async fn work(&self, import: &Value) {
        let message = ImportRequest {
            tenancy_id: self.tenant.id.parse().unwrap(),
            import_id: id(import).parse().unwrap(),
        };
        let storage = self.process.storage(Arc::new(SystemClock));
        carry_out_import(&storage, &self.fetcher, &message, Duration::from_secs(600)).await.unwrap();
    }

    async fn now(&self, import: &Value) -> Value {
        self.tenant.owner.get(&format!("/v1/imports/{}", id(import))).await.data()
    }

    /// What the worker has written down of how far it is.
    async fn written_down(&self, import: &Value) -> Value {
        let get = json!({
            "TableName": self.stack.output("TenantTable").unwrap(),
            "Key": { "pk": { "S": format!("{}#import-work", self.tenant.id) }, "sk": { "S": id(import) } },
        });
        self.stack.aws().dynamodb("GetItem", &get).await.unwrap()["Item"]["progress"].clone()
    }

    /// Waits a second at most for verdicts: where the worker was killed, an upload may wait for the worker.
    async fn wait_for_scans(&self) {
        for _ in 0..50 {
            if count(self.stack, format!("{}#unfinished-uploads", self.tenant.id)).await == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Kills the worker at every await of every step, or in a longer one at as many as `pace` says: once it has written down that it is
    /// further, it is killed from its beginning on again. Answers the import and how often it was killed.
    async fn kill_everywhere(&mut self, import: &Value, pace: impl Fn(usize) -> usize) -> (Value, usize) {
        let (mut awaits, mut kills) = (0, 0);
        loop {
            let before = self.written_down(import).await;
            let came_to_its_end = run_counting(awaits, self.work(import)).await.is_some();
            let now = self.now(import).await;
            if came_to_its_end && now["state"] != "importing" {
                self.ended += 1;
                return (now, kills);
            }
            if came_to_its_end {
                self.wait_for_scans().await;
                awaits = 0;
            } else if self.written_down(import).await == before {
                kills += 1;
                awaits += pace(awaits);
            } else {
                kills += 1;
                awaits = 0;
            }
        }
    }

    /// Kills the worker once when it has waited `awaits` times, however often it runs for that, and lets it come to its end. Answers
    /// the import, and whether it came there without being killed.
    async fn kill_once(&mut self, import: &Value, awaits: usize) -> (Value, bool) {
        let mut left = Some(awaits);
        let mut now = self.now(import).await;
        while now["state"] == "importing" {
            match left {
                Some(most) => left = run_counting(most, self.work(import)).await,
                None => self.work(import).await,
            }
            now = self.now(import).await;
            if now["state"] == "importing" {
                self.wait_for_scans().await;
            }
        }
        self.work(import).await;
        self.ended += 1;
        (now, left.is_some())
    }

    /// Nothing came twice, nothing is missing, and nothing is left of what was kept for it.
    async fn check(&self, imported: &Value, kinds: &[(&str, usize)], place: &str) {
        assert_eq!(imported["state"], "finished", "{place}: {imported}");
        let report = items(&self.tenant, imported).await;
        assert!(report.iter().all(|item| item["outcome"] == "imported"), "{place}: {report:?}");
        for (kind, expected) in kinds {
            assert_eq!(imported["counts"][kind]["imported"], *expected, "{kind}, {place}: {imported}");
        }
        let tenancy = &self.tenant.id;
        let expected = |kind| kinds.iter().find(|(name, _)| *name == kind).map_or(0, |(_, many)| *many);
        for (what, found, expected) in [
            ("shows", count(self.stack, format!("{tenancy}#shows")).await, self.ended),
            (
                "uploads",
                count(self.stack, format!("{tenancy}#uploads")).await,
                self.ended * expected("media"),
            ),
            ("media", count(self.stack, format!("{tenancy}#media")).await, expected("media")),
            ("uploads that go on", count(self.stack, format!("{tenancy}#unfinished-uploads")).await, 0),
        ] {
            assert_eq!(found, expected, "{what}, {place}");
        }
        let show = report.iter().find(|item| item["kind"] == "show").unwrap();
        let came = episodes(&self.tenant, &json!({ "id": show["new_id"] })).await;
        assert_eq!(came.len(), expected("episode"), "{place}");
        self.check_that_nothing_is_kept(imported, place).await;
    }

    /// How many multipart uploads into the quarantine are open.
    async fn count_open(&self) -> usize {
        let bucket = self.stack.output("UploadBucket").unwrap();
        let listing = format!("/{bucket}?uploads&prefix={}/", self.tenant.id);
        let listed = self.stack.aws().s3(Method::GET, &listing, Bytes::new()).await.unwrap();
        String::from_utf8_lossy(listed.body()).matches("<UploadId>").count()
    }

    /// What a killed worker had sent may be written after whoever came next had cleaned up: the next word cleans it up.
    async fn check_that_nothing_is_kept(&self, import: &Value, place: &str) {
        let prefix = format!("{}/{}/", self.tenant.id, id(import));
        let notices = format!("{}#notices", self.tenant.id);
        for _ in 0..50 {
            if list(self.stack, "ExportBucket", &prefix).await + count(self.stack, notices.clone()).await == 0
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.work(import).await;
        }
        panic!("something is kept, {place}");
    }
}

/// Killed at every await of every step in one import, then once each in others: a whole import takes a while, so at every fifth place.
#[test]
fn a_worker_killed_anywhere_and_run_again_imports_an_archive_once() {
    run_alone(async |stack| {
        let mut killed = Killed::new(stack).await;
        let acme = Tenant::new(killed.stack).await;
        let show = acme.show("private").await;
        // One that passes through the worker, and one that S3 copies.
        for seconds in [2, 600] {
            publish(&acme, &show, "First light", &mp3(seconds, &unique("audio"))).await;
        }
        let listener = json!({ "label": "Tide Keeper", "email": "tide@keeper.example" });
        acme.editor.post(&format!("/v1/shows/{}/listeners", id(&show)), listener).await.data();
        acme.owner.post("/v1/groups", json!({ "name": "Night desk" })).await.data();
        let files = export(&acme).await;
        let kinds = [("group", 1), ("media", 2), ("show", 1), ("episode", 2), ("listener", 1)];

        let import = request(&killed.tenant, archives(&files)).await;
        send_files(&killed.tenant, &import, &files).await;
        let (mut imported, kills) = killed.kill_everywhere(&import, |_| 1).await;
        killed.check(&imported, &kinds, "killed everywhere").await;
        assert!(kills > 200, "only {kills} places to be killed at");

        for awaits in (0..).step_by(5) {
            forget_names(&killed.tenant, &imported).await;
            let import = request(&killed.tenant, archives(&files)).await;
            send_files(&killed.tenant, &import, &files).await;

            let came_to_its_end;
            (imported, came_to_its_end) = killed.kill_once(&import, awaits).await;

            killed.check(&imported, &kinds, &format!("killed after {awaits} awaits")).await;
            if came_to_its_end {
                break;
            }
        }
    });
}

/// The same for a feed. What is fetched comes in pieces of any size: among so many awaits it is killed at some.
#[test]
fn a_worker_killed_anywhere_and_run_again_imports_a_feed_once() {
    run_alone(async |stack| {
        let mut killed = Killed::new(stack).await;
        let name = unique("feed");
        // One comes in two parts, and goes on where it was cut off.
        let items = [(2, "Ebb", MONDAY), (600, "Flow", TUESDAY)].map(|(seconds, title, day)| {
            let audio = put_bytes(0, &format!("/{name}/{title}.mp3"), mp3(seconds, &unique("audio")));
            item_of(title, &format!("<guid>{title}</guid>"), day, &audio)
        });
        let url = put_bytes(0, &format!("/{name}/feed.xml"), feed("", &items));
        // Pieces come as they come: each time other awaits are missed.
        for _ in 0..3 {
            let source = json!({ "kind": "feed_url", "url": url, "feed": { "slug": unique("feed") } });
            let import = request(&killed.tenant, source).await;

            let (imported, kills) =
                killed.kill_everywhere(&import, |awaits| 1 + awaits.saturating_sub(150) / 10).await;

            killed.check(&imported, &[("media", 2), ("show", 1), ("episode", 2)], "killed everywhere").await;
            assert!(kills > 200, "only {kills} places to be killed at");
        }
    });
}

/// Ended wherever its worker is, at every third await, and killed there at every second of these; else it hears of it later.
#[test]
fn an_import_that_is_ended_leaves_nothing_open() {
    run_alone(async |stack| {
        let killed = Killed::new(stack).await;
        let acme = Tenant::new(killed.stack).await;
        let show = acme.show("private").await;
        publish(&acme, &show, "First light", &mp3(2, &unique("audio"))).await;
        let files = export(&acme).await;

        for awaits in (0..).step_by(3) {
            let place = format!("ended after {awaits} awaits");
            let import = request(&killed.tenant, archives(&files)).await;
            let path = send_files(&killed.tenant, &import, &files).await;
            let open = killed.count_open().await;

            let mut work = Box::pin(killed.work(&import));
            let came_to_its_end = run_counting(awaits, work.as_mut()).await.is_some();
            let is_killed = came_to_its_end || awaits % 2 == 0;
            if is_killed {
                drop(work);
                assert_eq!(killed.tenant.owner.delete(&path).await.status, 204, "{place}");
            } else {
                assert_eq!(killed.tenant.owner.delete(&path).await.status, 204, "{place}");
                killed.work(&import).await;
                work.await;
            }
            killed.work(&import).await;

            assert_eq!(killed.now(&import).await["state"], "cancelled", "{place}");
            killed.wait_for_scans().await;
            let tenancy = &killed.tenant.id;
            for partition in ["unfinished-uploads", "running-imports", "import-work"] {
                let left = count(killed.stack, format!("{tenancy}#{partition}")).await;
                assert_eq!(left, 0, "{partition}, {place}");
            }
            killed.check_that_nothing_is_kept(&import, &place).await;
            // One that was being opened when the worker was killed is nobody's, and empty.
            let opened = killed.count_open().await - open;
            assert!(opened <= usize::from(is_killed), "{opened} are open, {place}");
            if came_to_its_end {
                break;
            }
        }
        assert!(killed.count_open().await <= 1, "it opens one");
    });
}

/// Takes the group away and frees the slug, so that the next import has as many steps. It asks nobody: a group that is deleted ends
/// every session.
async fn forget_names(tenant: &Tenant, import: &Value) {
    for item in items(tenant, import).await {
        let new_id = item["new_id"].as_str().unwrap();
        let (pk, sk) = match item["kind"].as_str().unwrap() {
            "group" => (format!("access#{}", tenant.id), new_id.to_owned()),
            "show" => {
                let show = tenant.owner.get(&format!("/v1/shows/{new_id}")).await.data();
                let slug = format!("slug#{}", show["slug"].as_str().unwrap());
                (slug.clone(), slug)
            }
            _ => continue,
        };
        let delete = json!({
            "TableName": tenant.stack.output("DirectoryTable").unwrap(),
            "Key": { "pk": { "S": pk }, "sk": { "S": sk } },
        });
        tenant.stack.aws().dynamodb("DeleteItem", &delete).await.unwrap();
    }
}
