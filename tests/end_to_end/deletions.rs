//! Deletions: out of sight at once, restored until the day, destroyed from the day on, and stopped by a legal hold. And people, of
//! whom everything is erased at once.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use deletion::{account::Accounts, carry_out::carry_out_deletions};
use http::Method;
use lambda_kit::{Failure, SystemClock};
use local::Stack;
use serde_json::{Value, json};
use storage::SweepRequest;
use tenant_context::{Clock, Timestamp};

use crate::{
    actors::{Actor, Answer, Tenant},
    audio::{mp3, upload, wait_for_end},
    dump,
    exchange::user,
    flow::{enclosure_url, id, listen, text, wait_for_feed},
    members::Robot,
    process::{Process, run_until, until_done},
    world::{run, run_alone, unique},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A published episode with words and bytes that nothing else has.
pub struct Heard {
    pub episode: Value,
    pub canary: String,
    pub audio: Bytes,
    media_id: String,
}

impl Heard {
    pub async fn new(tenant: &Tenant, show: &Value) -> Self {
        let canary = unique("canary");
        let audio = mp3(2, &canary);
        let path = upload(&tenant.editor, tenant, &format!("{canary}.mp3"), json!({}), &audio).await;
        let media_id = wait_for_end(&tenant.editor, &path).await["media_id"].as_str().unwrap().to_owned();
        let episode = Self::publish(tenant, show, &canary, &media_id).await;
        Self { episode, canary, audio, media_id }
    }

    async fn publish(tenant: &Tenant, show: &Value, title: &str, media_id: &str) -> Value {
        let new = json!({ "title": title, "description": title, "media_id": media_id });
        let path = format!("/v1/shows/{}/episodes", id(show));
        let draft = tenant.editor.post(&path, new).await.data();
        tenant.editor.post(&format!("/v1/episodes/{}/publish", id(&draft)), json!({})).await.data()
    }

    pub fn path(&self) -> String {
        format!("/v1/episodes/{}", id(&self.episode))
    }
}

pub async fn delete(actor: &Actor, kind: &str, of: &str) -> Answer {
    let name = match kind {
        "person" => "person_id".to_owned(),
        kind => format!("{kind}_id"),
    };
    actor.post("/v1/deletions", json!({ "scope": { "kind": kind, name: of } })).await
}

pub async fn find(tenant: &Tenant, deletion: &Value) -> Value {
    tenant.owner.get(&format!("/v1/deletions/{}", id(deletion))).await.data()
}

pub fn due(deletion: &Value) -> Timestamp {
    deletion["due_at"].as_str().unwrap().parse().unwrap()
}

fn before(moment: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_unix_milliseconds(moment.unix_milliseconds() - u64::try_from(by.as_millis()).unwrap())
}

/// Waits until the renderer is done with all that was due.
pub async fn wait_until_rendered(tenant: &Tenant) {
    let query = json!({
        "TableName": tenant.stack.output("DirectoryTable").unwrap(), "ConsistentRead": true,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": { ":pk": { "S": format!("due#{}", tenant.id) } },
    });
    for _ in 0..600 {
        let due = tenant.stack.aws().dynamodb("Query", &query).await.unwrap();
        if due["Count"] == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("something is still due");
}

/// Does what the worker does, with its role, as of then.
pub async fn carry_out(tenant: &Tenant, as_of: Timestamp) {
    wait_until_rendered(tenant).await;
    let process = Process::of(tenant.stack, "deletion-worker").await;
    carry_out_with(&process, tenant, as_of).await.unwrap();
}

/// The same, beside the worker of the stack, which was woken and may be at it.
pub async fn carry_out_again(tenant: &Tenant, as_of: Timestamp) {
    wait_until_rendered(tenant).await;
    let process = Process::of(tenant.stack, "deletion-worker").await;
    until_done(async || carry_out_with(&process, tenant, as_of).await).await;
}

async fn carry_out_with(process: &Process, tenant: &Tenant, as_of: Timestamp) -> Result<(), Failure> {
    let storage = process.storage(Arc::new(SystemClock));
    let api = process.variable("CERTIFIED_BY").parse().unwrap();
    let accounts = Accounts::new(&storage, &process.variable("USER_POOL_ID"), &api);
    let request = SweepRequest { tenancy_id: tenant.id.parse().unwrap(), as_of };
    carry_out_deletions(&storage, &accounts, &request).await
}

async fn hold(tenant: &Tenant, of: &str) -> Value {
    let path = format!("/v1/legal-holds/{of}");
    tenant.owner.send(Method::PUT, &path, &[], json!({ "reason": "Case 12" }).to_string()).await.data()
}

/// Waits until a URL of the listener API answers with this status.
pub async fn wait_for_status(stack: &Stack, url: &str, status: u16) -> Answer {
    for _ in 0..600 {
        let answer = listen(stack, Method::GET, url, &[]).await;
        if answer.status == status {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{url} does not answer {status}");
}

/// Waits until the worker of the stack, which was woken, is done with all that it can do at once.
pub async fn wait_for_state(tenant: &Tenant, deletion: &Value, state: &str) -> Value {
    for _ in 0..600 {
        let found = find(tenant, deletion).await;
        if found["state"] == state {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{} is not {state}", find(tenant, deletion).await);
}

async fn used(tenant: &Tenant, quota: &str) -> i64 {
    let get = json!({
        "TableName": tenant.stack.output("TenantTable").unwrap(), "ConsistentRead": true,
        "Key": { "pk": { "S": format!("{}#quotas", tenant.id) }, "sk": { "S": quota } },
    });
    let item = tenant.stack.aws().dynamodb("GetItem", &get).await.unwrap();
    item["Item"]["used"]["N"].as_str().unwrap_or("0").parse().unwrap()
}

fn destroyed(deletion: &Value, store: &str, what: &str) -> u64 {
    let report = deletion["report"].as_array().unwrap();
    let of_store = report.iter().find(|report| report["store"] == store).unwrap();
    assert_eq!(of_store["count"]["remaining"], 0, "{deletion}");
    of_store["destroyed"][what].as_u64().unwrap()
}

#[test]
fn deleting_asks_for_an_owner_with_a_second_factor() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let unvouched = Robot::new(&acme, json!(["owners"]), false).await.sign_in().await;

        delete(&acme.editor, "show", id(&show)).await.assert_problem(403, "permission_denied");
        delete(&acme.viewer, "show", id(&show)).await.assert_problem(403, "permission_denied");
        delete(&unvouched, "show", id(&show)).await.assert_problem(403, "mfa_required");

        acme.viewer.get(&format!("/v1/shows/{}", id(&show))).await.data();
        assert_eq!(acme.owner.get("/v1/deletions").await.data(), json!([]));
    });
}

#[test]
fn what_was_deleted_is_out_of_sight_and_no_longer_heard() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let (gone, stays) = (Heard::new(&acme, &show).await, Heard::new(&acme, &show).await);
        let url = show["feed_url"].as_str().unwrap();
        wait_for_feed(stack, url, |text| text.contains(&stays.canary) && text.contains(&gone.canary)).await;
        let enclosure = enclosure_url(&wait_for_feed(stack, url, |_| true).await);

        let deleted = delete(&acme.owner, "episode", id(&gone.episode)).await;

        assert_eq!(deleted.status, 202);
        let deletion = deleted.data();
        assert_eq!(deleted.header("location"), format!("/v1/deletions/{}", id(&deletion)));
        assert_eq!((&deletion["state"], &deletion["held_by"]), (&json!("soft_deleted"), &json!([])));
        let asked_at: Timestamp = deletion["requested_at"].as_str().unwrap().parse().unwrap();
        assert_eq!(due(&deletion), asked_at.plus(30 * DAY));
        acme.editor.get(&gone.path()).await.assert_problem(404, "not_found");
        acme.editor.patch(&gone.path(), json!({ "title": "x" })).await.assert_problem(404, "not_found");
        let publish = format!("{}/publish", gone.path());
        acme.editor.post(&publish, json!({})).await.assert_problem(404, "not_found");
        let listed = acme.editor.get(&format!("/v1/shows/{}/episodes", id(&show))).await.data();
        assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
        wait_for_feed(stack, url, |text| !text.contains(&gone.canary)).await;
        let of_gone = enclosure.replace(id(&stays.episode), id(&gone.episode));
        let of_gone = of_gone.replace(&stays.canary, &gone.canary);
        listen(stack, Method::GET, &of_gone, &[]).await.assert_problem(404, "not_found");

        let again = delete(&acme.owner, "episode", id(&gone.episode)).await;
        assert_eq!((again.status.as_u16(), &again.data()["id"]), (202, &deletion["id"]), "asked again");
        let all = acme.owner.get("/v1/deletions").await.data();
        assert_eq!(all.as_array().unwrap().len(), 1, "{all}");
    });
}

#[test]
fn what_was_deleted_can_be_restored() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let heard = Heard::new(&acme, &show).await;
        let url = show["feed_url"].as_str().unwrap();
        let feed = wait_for_feed(stack, url, |text| text.contains(&heard.canary)).await;
        let (enclosure, path) = (enclosure_url(&feed), format!("/v1/shows/{}", id(&show)));
        let cancel = async |deletion: &Value| {
            acme.owner.post(&format!("/v1/deletions/{}/cancel", id(deletion)), json!({})).await
        };

        let of_episode = delete(&acme.owner, "episode", id(&heard.episode)).await.data();
        let of_show = delete(&acme.owner, "show", id(&show)).await.data();
        wait_for_status(stack, url, 410).await;
        listen(stack, Method::GET, &enclosure, &[]).await.assert_problem(404, "not_found");
        acme.editor.get(&path).await.assert_problem(404, "not_found");
        acme.editor.get(&format!("{path}/episodes")).await.assert_problem(404, "not_found");
        let taken = json!({
            "slug": show["slug"], "title": "x", "description": "x", "language": "en", "category": "News",
            "author": "x", "visibility": "public",
        });
        acme.editor.post("/v1/shows", taken).await.assert_problem(409, "slug_taken");
        cancel(&of_episode).await.assert_problem(409, "show_deleted");

        let restored = cancel(&of_show).await.data();
        cancel(&of_episode).await.data();

        assert_eq!(restored["state"], "cancelled");
        assert_eq!(acme.editor.get(&path).await.data()["slug"], show["slug"]);
        let back = wait_for_feed(stack, url, |text| text.contains(&heard.canary)).await;
        assert_eq!(enclosure_url(&back), enclosure);
        assert_eq!(acme.editor.get(&heard.path()).await.data()["guid"], heard.episode["guid"]);
        let redirect = listen(stack, Method::GET, &enclosure, &[]).await;
        assert_eq!(listen(stack, Method::GET, redirect.header("location"), &[]).await.body, heard.audio);
        cancel(&of_show).await.assert_problem(409, "not_cancellable");
        carry_out(&acme, due(&of_show).plus(DAY)).await;
        assert_eq!(acme.editor.get(&heard.path()).await.status, 200, "what was restored stays");
    });
}

#[test]
fn a_deleted_episode_is_destroyed_on_its_day_and_not_a_second_earlier() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let url = show["feed_url"].as_str().unwrap();
        for after in [Duration::ZERO, Duration::from_secs(1), 3 * DAY] {
            let heard = Heard::new(&acme, &show).await;
            wait_for_feed(stack, url, |text| text.contains(&heard.canary)).await;
            let deletion = delete(&acme.owner, "episode", id(&heard.episode)).await.data();
            wait_for_feed(stack, url, |text| !text.contains(&heard.canary)).await;
            let episodes = used(&acme, "episodes").await;

            carry_out(&acme, before(due(&deletion), Duration::from_secs(1))).await;
            assert_eq!(find(&acme, &deletion).await["state"], "soft_deleted");
            assert_ne!(dump::search(&acme, &[&heard.canary]).await, [] as [String; 0]);
            carry_out(&acme, due(&deletion).plus(after)).await;

            let erased = find(&acme, &deletion).await;
            assert_eq!(erased["state"], "erased", "{erased}");
            assert_eq!(dump::search(&acme, &[&heard.canary]).await, [] as [String; 0]);
            assert!(destroyed(&erased, "media_bucket", "bytes") >= heard.audio.len() as u64, "{erased}");
            assert!(destroyed(&erased, "feed_bucket", "versions") > 0, "{erased}");
            assert!(destroyed(&erased, "tenant_table", "items") >= 5, "{erased}");
            assert_eq!(used(&acme, "episodes").await, episodes - 1);
            let cancel = format!("/v1/deletions/{}/cancel", id(&deletion));
            acme.owner.post(&cancel, json!({})).await.assert_problem(409, "not_cancellable");
            let log =
                acme.owner.get(&format!("/v1/audit-events?subject={}", id(&heard.episode))).await.data();
            let actions: Vec<_> =
                log.as_array().unwrap().iter().filter_map(|event| event["action"].as_str()).collect();
            assert!(actions.contains(&"deletions:create") && actions.contains(&"deletions:carry-out"));
        }
        let feed = listen(stack, Method::GET, url, &[]).await;
        assert_eq!(feed.status, 200, "the show is still there: {}", text(&feed));
    });
}

#[test]
fn what_another_episode_has_stays() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let gone = Heard::new(&acme, &show).await;
        let stays = Heard::publish(&acme, &show, "The same again", &gone.media_id).await;
        let url = show["feed_url"].as_str().unwrap();
        let deletion = delete(&acme.owner, "episode", id(&gone.episode)).await.data();
        let feed =
            wait_for_feed(stack, url, |text| !text.contains(&gone.canary) && text.contains("The same again"))
                .await;

        carry_out(&acme, due(&deletion)).await;

        assert_eq!(find(&acme, &deletion).await["state"], "erased");
        let redirect = listen(stack, Method::GET, &enclosure_url(&feed), &[]).await;
        assert_eq!(listen(stack, Method::GET, redirect.header("location"), &[]).await.body, gone.audio);
        let second = delete(&acme.owner, "episode", id(&stays)).await.data();
        wait_for_feed(stack, url, |text| !text.contains("The same again")).await;
        carry_out(&acme, due(&second)).await;
        assert_eq!(dump::search(&acme, &[&gone.canary]).await, [] as [String; 0], "nothing has it now");
    });
}

#[test]
fn a_deleted_show_leaves_nothing() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let show = acme.show("public").await;
        let path = format!("/v1/shows/{}", id(&show));
        let words = unique("canary");
        let listeners = json!({ "title": words, "description": words, "has_listener_feed": true });
        acme.editor.patch(&path, listeners).await.data();
        let listener = json!({ "label": "A member", "email": "member@people.example" });
        let listener = acme.editor.post(&format!("{path}/listeners"), listener).await.data();
        let (public, own) = (show["feed_url"].as_str().unwrap(), listener["feed_url"].as_str().unwrap());
        let (one, other) = (Heard::new(&acme, &show).await, Heard::new(&acme, &show).await);
        for url in [public, own] {
            wait_for_feed(stack, url, |text| text.contains(&one.canary) && text.contains(&other.canary))
                .await;
        }
        let theirs = globex.show("public").await;
        let theirs_heard = Heard::new(&globex, &theirs).await;
        let of_other = delete(&acme.owner, "episode", id(&other.episode)).await.data();

        let deletion = delete(&acme.owner, "show", id(&show)).await.data();
        wait_for_status(stack, public, 410).await;
        wait_for_status(stack, own, 410).await;
        let listener_path = format!("/v1/listeners/{}", id(&listener));
        acme.editor.get(&listener_path).await.assert_problem(404, "not_found");
        carry_out(&acme, before(due(&deletion), Duration::from_millis(1))).await;
        assert_eq!(find(&acme, &deletion).await["state"], "soft_deleted");
        carry_out(&acme, due(&deletion)).await;

        let erased = find(&acme, &deletion).await;
        assert_eq!(erased["state"], "erased", "{erased}");
        assert_eq!(find(&acme, &of_other).await["state"], "erased");
        let canaries = [words.as_str(), &one.canary, &other.canary, "Harbour Notes"];
        let left = dump::search(&acme, &canaries).await;
        assert!(left.iter().all(|place| !place.contains(&acme.id)), "{left:?}");
        let left = dump::everything(&acme).await.into_iter().map(|(place, _)| place);
        let left: Vec<_> = left.filter(|place| place.contains(id(&show))).collect();
        let is_kept = |place: &String| {
            ["/current.json", "#feed-versions", "#deletion-subjects", "#audit"]
                .iter()
                .any(|it| place.contains(it))
        };
        assert!(left.iter().all(is_kept), "{left:?}");
        assert!(left.iter().filter(|place| place.ends_with("/current.json")).count() == 1, "{left:?}");
        for quota in ["shows", "episodes", "listeners"] {
            assert_eq!(used(&acme, quota).await, 0, "{quota}");
        }
        listen(stack, Method::GET, own, &[]).await.assert_problem(404, "not_found");
        listen(stack, Method::GET, public, &[]).await.assert_problem(410, "gone");
        let taken = json!({
            "slug": show["slug"], "title": "x", "description": "x", "language": "en", "category": "News",
            "author": "x", "visibility": "public",
        });
        acme.editor.post("/v1/shows", taken).await.assert_problem(409, "slug_taken");
        globex.editor.get(&theirs_heard.path()).await.data();
        wait_for_feed(stack, theirs["feed_url"].as_str().unwrap(), |text| {
            text.contains(&theirs_heard.canary)
        })
        .await;
    });
}

#[test]
fn a_legal_hold_stops_destruction_until_it_is_released() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let heard = Heard::new(&acme, &show).await;
        let url = show["feed_url"].as_str().unwrap();
        let deletion = delete(&acme.owner, "episode", id(&heard.episode)).await.data();
        wait_for_feed(stack, url, |text| !text.contains(&heard.canary)).await;

        for held in [id(&heard.episode), id(&show), acme.id.as_str()] {
            let placed = hold(&acme, held).await;
            carry_out(&acme, due(&deletion).plus(DAY)).await;
            carry_out(&acme, due(&deletion).plus(2 * DAY)).await;

            let found = find(&acme, &deletion).await;
            assert_eq!((&placed["id"], &placed["reason"]), (&json!(held), &json!("Case 12")));
            assert_eq!(found["state"], "soft_deleted", "{found}");
            assert_eq!(
                (&found["held_by"][0]["id"], &found["held_by"][0]["reason"]),
                (&json!(held), &json!("Case 12"))
            );
            assert_eq!(acme.owner.get("/v1/legal-holds").await.data(), json!([placed]));
            assert_eq!(acme.owner.delete(&format!("/v1/legal-holds/{held}")).await.status, 204);
        }
        acme.owner.delete(&format!("/v1/legal-holds/{}", id(&show))).await.assert_problem(404, "not_found");
        carry_out(&acme, due(&deletion).plus(3 * DAY)).await;

        assert_eq!(find(&acme, &deletion).await["state"], "erased");
        assert_eq!(find(&acme, &deletion).await["held_by"], json!([]));
    });
}

#[test]
fn a_hold_between_two_items_stops_all_that_is_left() {
    // One thread: nothing goes on while the hold is placed.
    run_alone(async |stack| {
        stack.aws().pause_queue("deletion-worker").await.unwrap();
        let process = Process::of(stack, "deletion-worker").await;
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let heard = [Heard::new(&acme, &show).await, Heard::new(&acme, &show).await];
        let deletion = delete(&acme.owner, "show", id(&show)).await.data();
        wait_until_rendered(&acme).await;
        let canaries = heard.each_ref().map(|heard| heard.canary.as_str());
        let untouched = dump::search(&acme, &canaries).await;

        let mut worker = pin!(carry_out_with(&process, &acme, due(&deletion)));
        let mut left = untouched.clone();
        while left.len() == untouched.len() {
            assert!(!run_until(1, async { drop(worker.as_mut().await) }).await, "it is over already");
            left = dump::search(&acme, &canaries).await;
        }
        assert_ne!(left, [] as [String; 0], "something is left to hold");
        hold(&acme, id(&show)).await;
        worker.await.unwrap();

        let held = find(&acme, &deletion).await;
        assert_eq!((&held["state"], &held["held_by"][0]["id"]), (&json!("erasing"), &show["id"]), "{held}");
        let kept = dump::search(&acme, &canaries).await;
        assert!(left.len() - kept.len() <= 1, "what was under way: {left:?}, then {kept:?}");
        carry_out_with(&process, &acme, due(&deletion).plus(DAY)).await.unwrap();
        assert_eq!(dump::search(&acme, &canaries).await, kept, "not on another day either");
        acme.owner.delete(&format!("/v1/legal-holds/{}", id(&show))).await;
        carry_out_with(&process, &acme, due(&deletion).plus(2 * DAY)).await.unwrap();
        assert_eq!(find(&acme, &deletion).await["state"], "erased");
        assert_eq!(dump::search(&acme, &canaries).await, [] as [String; 0]);
    });
}

#[test]
fn who_is_held_is_neither_removed_nor_deleted() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        let new = json!({ "name": "Ada", "email": format!("{}@people.example", unique("ada")) });
        let ada = acme.owner.post("/v1/users", new).await.data();
        let path = format!("/v1/shows/{}/listeners", id(&show));
        let listener = acme.editor.post(&path, json!({ "label": "A phone" })).await.data();
        let (user, ear) = (format!("/v1/users/{}", id(&ada)), format!("/v1/listeners/{}", id(&listener)));

        hold(&acme, id(&ada)).await;
        hold(&acme, id(&listener)).await;
        acme.owner.delete(&user).await.assert_problem(409, "legal_hold");
        acme.editor.delete(&ear).await.assert_problem(409, "legal_hold");
        let erasure = delete(&acme.owner, "person", id(&listener)).await.data();
        carry_out(&acme, SystemClock.now().plus(DAY)).await;

        assert_eq!(find(&acme, &erasure).await["held_by"][0]["id"], listener["id"]);
        acme.owner.get(&user).await.data();
        acme.editor.get(&ear).await.data();
        for held in [id(&ada), id(&listener)] {
            assert_eq!(acme.owner.delete(&format!("/v1/legal-holds/{held}")).await.status, 204);
        }
        assert_eq!(acme.owner.delete(&user).await.status, 204);
        carry_out(&acme, SystemClock.now().plus(2 * DAY)).await;
        acme.editor.get(&ear).await.assert_problem(404, "not_found");
    });
}

#[test]
fn of_an_erased_person_no_store_knows_anything() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let show = acme.show("private").await;
        let (person, ada) = user(&acme, json!(["editors"])).await;
        let invited = format!("{}@people.example", unique("invited"));
        let bob = acme.owner.post("/v1/users", json!({ "name": "Bob", "email": invited })).await.data();
        let label = json!({ "label": "Carol", "email": format!("{}@people.example", unique("carol")) });
        let carol = acme.editor.post(&format!("/v1/shows/{}/listeners", id(&show)), label).await.data();
        let url = carol["feed_url"].as_str().unwrap();
        wait_for_status(stack, url, 200).await;
        let (theirs, _) = user(&globex, json!(["editors"])).await;
        assert_eq!(dump::search(&acme, &[&person.email, &invited]).await, ["the user pool"]);

        for someone in [&ada, &bob, &carol] {
            let erasure = delete(&acme.owner, "person", id(someone)).await.data();
            assert_eq!(erasure["state"], "erasing", "{erasure}");
            let counting = wait_for_state(&acme, &erasure, "verifying").await;
            carry_out(&acme, due(&counting).plus(Duration::from_secs(61 * 60))).await;
            let erased = find(&acme, &erasure).await;
            assert_eq!(erased["state"], "erased", "{erased}");
            let is_user = someone["email"].is_string() && id(someone) != id(&carol);
            assert_eq!(destroyed(&erased, "user_pool", "items"), u64::from(is_user), "{erased}");
            assert!(destroyed(&erased, "tenant_table", "items") >= 2, "{erased}");
            assert!(destroyed(&erased, "directory_table", "items") >= 1, "{erased}");
        }

        assert_eq!(dump::search(&acme, &[&person.email, &invited]).await, [] as [String; 0]);
        let places = dump::everything(&acme).await.into_iter().map(|(place, _)| place);
        let left: Vec<_> = places
            .filter(|place| [&ada, &bob, &carol].iter().any(|someone| place.contains(id(someone))))
            .filter(|place| !place.contains("#deletion-subjects"))
            .collect();
        assert_eq!(left, [] as [String; 0]);
        for path in [format!("/v1/users/{}", id(&ada)), format!("/v1/users/{}", id(&bob))] {
            acme.owner.get(&path).await.assert_problem(404, "not_found");
        }
        listen(stack, Method::GET, url, &[]).await.assert_problem(404, "not_found");
        assert!(person.give_password("Correct-Horse-9-Battery").await.is_err(), "no account is left");
        assert!(!theirs.sign_in().await.is_empty(), "globex's people stay");
        let log = acme.owner.get(&format!("/v1/audit-events?subject={}", id(&ada))).await.data();
        assert!(log.to_string().contains("users:invite"), "the log has the id: {log}");
    });
}

#[test]
fn nobody_erases_who_may_do_more() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (_, other) = user(&acme, json!(["owners"])).await;
        let group = crate::members::group_of_ones_own(&acme, json!(["deletions:create"])).await;
        let helper = Robot::new(&acme, json!([group]), true).await.sign_in().await;

        delete(&helper, "person", id(&other)).await.assert_problem(403, "permission_denied");

        acme.owner.get(&format!("/v1/users/{}", id(&other))).await.data();
    });
}

#[test]
fn a_foreign_subject_is_as_one_that_never_was() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let show = acme.show("public").await;

        let foreign = delete(&globex.owner, "show", id(&show)).await;
        let missing = delete(&globex.owner, "show", "shw_01ARZ3NDEKTSV4RRFFQ69G5FAV").await;

        foreign.assert_problem(404, "not_found");
        assert_eq!(foreign.problem_without_id(), missing.problem_without_id());
        acme.viewer.get(&format!("/v1/shows/{}", id(&show))).await.data();
    });
}

#[test]
fn a_deletion_killed_anywhere_and_run_again_destroys_everything_once() {
    run_alone(async |stack| {
        stack.aws().pause_queue("deletion-worker").await.unwrap();
        let process = Process::of(stack, "deletion-worker").await;
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;

        let (mut awaits, mut sizes) = (0, Vec::new());
        loop {
            let heard = Heard::new(&acme, &show).await;
            let deletion = delete(&acme.owner, "episode", id(&heard.episode)).await.data();
            wait_until_rendered(&acme).await;

            let killed = run_until(awaits, async {
                carry_out_with(&process, &acme, due(&deletion)).await.unwrap();
            });
            let came_to_its_end = killed.await;
            carry_out_with(&process, &acme, due(&deletion)).await.unwrap();
            carry_out_with(&process, &acme, due(&deletion)).await.unwrap();

            let erased = find(&acme, &deletion).await;
            assert_eq!(erased["state"], "erased", "killed after {awaits} awaits: {erased}");
            assert_eq!(
                dump::search(&acme, &[&heard.canary]).await,
                [] as [String; 0],
                "after {awaits} awaits"
            );
            assert_eq!(used(&acme, "episodes").await, 0, "killed after {awaits} awaits");
            sizes.push((
                destroyed(&erased, "media_bucket", "versions"),
                destroyed(&erased, "tenant_table", "items"),
            ));
            // Early on every call is one of few; later ones repeat the same kinds.
            awaits += 1 + awaits / 12;
            if came_to_its_end {
                break;
            }
        }
        sizes.dedup();
        assert_eq!(sizes.len(), 1, "each counts the same: {sizes:?}");
        assert!(awaits >= 30, "only {awaits} places to be killed at");
    });
}
