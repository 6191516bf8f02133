//! The exit of a tenancy: two owners decide, its day comes, and what is left is a certificate that anybody can check.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use certificate::{Digest, Item, Keys, Outcome, prove_item, verify};
use deletion::{Deletions, account::Accounts, carry_out::carry_out_deletions};
use http::Method;
use lambda_kit::{Api, Failure, SystemClock};
use local::Stack;
use serde_json::{Value, json};
use storage::SweepRequest;
use tenant_context::{Clock, Timestamp};

use crate::{
    actors::{Actor, Answer, Tenant, send},
    audio::mp3,
    dump,
    ear::Ear,
    exchange::user,
    flow::{enclosure_url, id, listen, publish, wait_for_feed},
    instance::{StoppedClock, event, storage},
    members::Robot,
    outage::with_troubles,
    process::{Process, run_until, until_done},
    quiet::run_quietly,
    sso,
    walls::data_token,
    world::{run, run_alone, unique},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SETTLED: Duration = Duration::from_secs(61 * 60);
const SECOND: Duration = Duration::from_secs(1);

/// A tenancy with two owners, which may leave.
pub struct Leaver {
    pub tenant: Tenant,
    first: Robot,
    second: Robot,
}

impl Leaver {
    pub async fn new(stack: &'static Stack) -> Self {
        let tenant = Tenant::new(stack).await;
        let first = Robot::new(&tenant, json!(["owners"]), true).await;
        let second = Robot::new(&tenant, json!(["owners"]), true).await;
        Self { tenant, first, second }
    }

    async fn request(&self) -> Value {
        ask(&self.first.sign_in().await, json!({})).await.data()
    }

    async fn approve(&self, exit: &Value) -> Value {
        approve(&self.second.sign_in().await, exit).await.data()
    }

    /// Closes, and answers the exit.
    pub async fn close(&self) -> Value {
        let exit = self.request().await;
        self.approve(&exit).await
    }

    /// The exit as an owner sees it.
    async fn find(&self, exit: &Value) -> Value {
        self.first.sign_in().await.get(&format!("/v1/deletions/{}", id(exit))).await.data()
    }

    /// The exit as it is stored, where it outlives the tenancy.
    pub async fn stored(&self, exit: &Value) -> String {
        let key = json!({ "pk": { "S": format!("exit#{}", self.tenant.id) }, "sk": { "S": id(exit) } });
        let get = json!({
            "TableName": self.tenant.stack.output("DirectoryTable").unwrap(), "ConsistentRead": true, "Key": key,
        });
        let found = self.tenant.stack.aws().dynamodb("GetItem", &get).await.unwrap();
        found["Item"]["deletion"]["M"]["state"]["S"].as_str().unwrap_or_default().to_owned()
    }
}

async fn ask(owner: &Actor, more: Value) -> Answer {
    let mut asked = json!({ "scope": { "kind": "tenancy" } });
    asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    owner.post("/v1/deletions", asked).await
}

async fn approve(owner: &Actor, exit: &Value) -> Answer {
    owner.post(&format!("/v1/deletions/{}/approve", id(exit)), json!({})).await
}

async fn cancel(owner: &Actor, exit: &Value) -> Answer {
    owner.post(&format!("/v1/deletions/{}/cancel", id(exit)), json!({})).await
}

pub fn due(exit: &Value) -> Timestamp {
    exit["due_at"].as_str().unwrap().parse().unwrap()
}

fn before(moment: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_unix_milliseconds(moment.unix_milliseconds() - u64::try_from(by.as_millis()).unwrap())
}

/// Does what the worker does, with its roles, as of then.
pub async fn carry_out(tenant: &Tenant, as_of: Timestamp) {
    let process = Process::of(tenant.stack, "deletion-worker").await;
    carry_out_with(&process, &tenant.id, as_of).await.unwrap();
}

/// The same, beside the worker of the stack, which was woken and may be at it.
pub async fn carry_out_again(tenant: &Tenant, as_of: Timestamp) {
    let process = Process::of(tenant.stack, "deletion-worker").await;
    until_done(async || carry_out_with(&process, &tenant.id, as_of).await).await;
}

async fn carry_out_with(process: &Process, tenancy: &str, as_of: Timestamp) -> Result<(), Failure> {
    let storage = process.storage(Arc::new(SystemClock));
    let api = process.variable("CERTIFIED_BY").parse().unwrap();
    let accounts = Accounts::new(&storage, &process.variable("USER_POOL_ID"), &api);
    let request = SweepRequest { tenancy_id: tenancy.parse().unwrap(), as_of };
    carry_out_deletions(&storage, &accounts, &request).await
}

/// What anybody may fetch.
async fn fetch(stack: &Stack, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(stack, Method::GET, &format!("{}{path}", stack.api()), headers, Bytes::new()).await
}

/// Verifies an exit's certificate, as whoever got it would.
pub async fn certificate_of(stack: &Stack, exit: &Value) -> certificate::Certificate {
    let keys = fetch(stack, "/.well-known/certificate-keys.json", &[]).await;
    let keys = Keys::from_jwks(str::from_utf8(&keys.body).unwrap()).unwrap();
    let signed = fetch(stack, &format!("/certificates/{}", id(exit)), &[]).await;
    assert_eq!(signed.status, 200, "{signed:?}");
    verify(str::from_utf8(&signed.body).unwrap(), &keys).unwrap().certificate
}

#[test]
fn a_tenancy_that_leaves_is_gone_from_every_store_and_a_certificate_says_so() {
    run(async |stack| {
        let leaver = Leaver::new(stack).await;
        let acme = &leaver.tenant;
        let words = unique("canary");
        let (public, private) = (acme.show("public").await, acme.show("private").await);
        publish(acme, &public, &words, &mp3(2, &words)).await;
        publish(acme, &private, &words, &mp3(2, &format!("{words}-private"))).await;
        let path = format!("/v1/shows/{}/listeners", id(&private));
        let label = json!({ "label": words, "email": format!("{words}@listeners.example") });
        let listener = acme.editor.post(&path, label).await.data();
        let (person, _) = user(acme, json!(["editors"])).await;
        let name = format!("{words}.mp3");
        let open = json!({ "file_name": name, "size_bytes": 1_000_000, "content_type": "audio/mpeg" });
        acme.editor.post("/v1/uploads", open).await.data();
        let (url, own) = (public["feed_url"].as_str().unwrap(), listener["feed_url"].as_str().unwrap());
        let feed = wait_for_feed(stack, url, |text| text.contains(&words)).await;
        wait_for_feed(stack, own, |text| text.contains(&words)).await;
        let globex = Tenant::new(stack).await;
        let theirs = globex.show("public").await;
        publish(&globex, &theirs, "Stays", &mp3(2, &unique("stays"))).await;
        let their_feed =
            wait_for_feed(stack, theirs["feed_url"].as_str().unwrap(), |text| text.contains("Stays")).await;

        let copy = encrypt(stack, &acme.id).await;
        assert!(can_decrypt(stack, &copy).await);

        let exit = leaver.close().await;
        assert_eq!(exit["state"], "closing", "{exit}");
        let owner = leaver.first.sign_in().await;
        let editor = json!({ "title": "x" });
        owner
            .patch(&format!("/v1/shows/{}", id(&public)), editor)
            .await
            .assert_problem(409, "tenancy_closing");
        owner.get(&format!("/v1/shows/{}", id(&public))).await.data();
        assert_eq!(listen(stack, Method::GET, url, &[]).await.status, 200, "feeds stay up");

        carry_out(acme, before(due(&exit), SECOND)).await;
        assert_eq!(leaver.stored(&exit).await, "closing");
        carry_out(acme, due(&exit)).await;
        assert_eq!(leaver.stored(&exit).await, "verifying");
        assert_eq!(listen(stack, Method::GET, url, &[]).await.status, 410);
        assert_eq!(listen(stack, Method::GET, own, &[]).await.status, 404);
        assert_eq!(listen(stack, Method::GET, &enclosure_url(&feed), &[]).await.status, 404);
        carry_out(acme, due(&exit).plus(SETTLED)).await;
        assert_eq!(leaver.stored(&exit).await, "erased");

        let certificate = certificate_of(stack, &exit).await;
        assert_eq!((certificate.outcome, certificate.scope.as_str()), (Outcome::Erased, "tenancy"));
        assert!(certificate.stores.iter().all(|store| store.verification.remaining == 0));
        assert!(certificate.stores.iter().any(|store| store.store == "media_bucket" && store.bytes > 0));
        let bucket = stack.output("TombstoneBucket").unwrap();
        let leaves = format!("/{bucket}/leaves/{}/tenant_table.txt", id(&exit));
        let leaves = stack.aws().s3(Method::GET, &leaves, Bytes::new()).await.unwrap();
        let leaves: Vec<Digest> =
            str::from_utf8(leaves.body()).unwrap().lines().map(|leaf| leaf.parse().unwrap()).collect();
        let of_show = |show: &str| Item {
            store: "tenant_table".to_owned(),
            key: format!("{}#shows/{show}", acme.id),
            version: None,
            sha256: None,
            bytes: None,
        };
        let proof = prove_item(of_show(id(&public)), &leaves).unwrap().unwrap();
        assert!(proof.holds(&certificate), "any item is proven to be gone");
        assert!(prove_item(of_show("shw_01ARZ3NDEKTSV4RRFFQ69G5FAV"), &leaves).unwrap().is_none());
        let html = fetch(stack, &format!("/certificates/{}", id(&exit)), &[("accept", "text/html")]).await;
        assert!(String::from_utf8_lossy(&html.body).contains(id(&exit)));
        let left = dump::search(acme, &[words.as_str(), person.email.as_str()]).await;
        assert_eq!(left, [] as [String; 0]);
        let places = dump::everything(acme).await.into_iter().map(|(place, _)| place);
        let left: Vec<_> = places.filter(|place| place.contains(&acme.id) && !is_tombstone(place)).collect();
        assert_eq!(left, [] as [String; 0]);
        assert!(!can_decrypt(stack, &copy).await, "what was kept of it is of no use");
        let now = wait_for_feed(stack, theirs["feed_url"].as_str().unwrap(), |_| true).await;
        assert_eq!(now.body, their_feed.body, "the other tenancy's feed is the same, byte for byte");
        carry_out(acme, due(&exit).plus(2 * DAY)).await;
    });
}

/// Ids and dates that outlive a tenancy.
pub fn is_tombstone(place: &str) -> bool {
    ["DirectoryTable/\"exit#", "DirectoryTable/\"tenancies\"", "AuditBucket/"]
        .iter()
        .any(|kept| place.starts_with(kept))
}

/// Something that the tenancy's key has encrypted, as a copy somewhere would be.
async fn encrypt(stack: &Stack, tenancy: &str) -> Value {
    let process = Process::of(stack, "deletion-worker").await;
    let alias = format!("{}{tenancy}", process.variable("KEY_ALIAS_PREFIX"));
    let encrypt = json!({ "KeyId": alias, "Plaintext": "AAAA" });
    stack.aws().kms("Encrypt", &encrypt).await.unwrap()["CiphertextBlob"].clone()
}

async fn can_decrypt(stack: &Stack, copy: &Value) -> bool {
    stack.aws().kms("Decrypt", &json!({ "CiphertextBlob": copy })).await.is_ok()
}

#[test]
fn an_exit_takes_two_owners_with_a_fresh_second_factor() {
    run(async |stack| {
        let leaver = Leaver::new(stack).await;
        let unvouched = Robot::new(&leaver.tenant, json!(["owners"]), false).await.sign_in().await;
        ask(&leaver.tenant.editor, json!({})).await.assert_problem(403, "permission_denied");
        ask(&unvouched, json!({})).await.assert_problem(403, "mfa_required");
        let group = crate::members::group_of_ones_own(&leaver.tenant, json!(["tenancy:leave"])).await;
        let helper = Robot::new(&leaver.tenant, json!([group]), true).await.sign_in().await;
        ask(&helper, json!({})).await.assert_problem(403, "permission_denied");
        ask(&leaver.first.sign_in().await, json!({ "retention_days": 91 }))
            .await
            .assert_problem(422, "invalid_request");

        let exit = ask(&leaver.first.sign_in().await, json!({ "retention_days": 7 })).await.data();
        assert_eq!(exit["state"], "requested", "{exit}");
        let again = ask(&leaver.second.sign_in().await, json!({})).await.data();
        assert_eq!(again["id"], exit["id"], "asked for again it is the same");
        approve(&leaver.first.sign_in().await, &exit).await.assert_problem(409, "same_owner");
        approve(&helper, &exit).await.assert_problem(403, "permission_denied");
        let closing = leaver.approve(&exit).await;

        let approved_at: Timestamp = closing["approved_at"].as_str().unwrap().parse().unwrap();
        assert_eq!(due(&closing), approved_at.plus(7 * DAY));
        approve(&leaver.second.sign_in().await, &exit).await.assert_problem(409, "not_approvable");
        let listed = leaver.first.sign_in().await.get("/v1/deletions").await.data();
        assert_eq!(listed[0]["id"], exit["id"], "{listed}");
    });
}

#[test]
fn a_second_factor_of_six_minutes_ago_is_not_enough() {
    run(async |stack| {
        let leaver = Leaver::new(stack).await;
        let exit = leaver.request().await;
        let (first, second) = (leaver.first.sign_in().await, leaver.second.sign_in().await);
        let clock = StoppedClock::at(SystemClock.now().plus(6 * 60 * SECOND));
        let storage = storage(stack, "deletion", Arc::new(clock), &[]).await;
        let app = Arc::new(Deletions { api: Api::new(storage, stack.api().to_owned()) });
        let approve = format!("/v1/deletions/{}/approve", id(&exit));

        let request = event(&data_token(stack, &second).await, &Method::POST, &approve, &json!({}));
        let answer = deletion::routes().answer(&app, request).await;
        assert_eq!(answer.status(), 403, "{answer:?}");
        assert!(format!("{:?}", answer.body()).contains("second_factor_too_old"));
        cancel(&first, &exit).await.data();
        let again = json!({ "scope": { "kind": "tenancy" } });
        let request = event(&data_token(stack, &first).await, &Method::POST, "/v1/deletions", &again);
        assert_eq!(deletion::routes().answer(&app, request).await.status(), 403);
        assert_eq!(leaver.stored(&exit).await, "cancelled");
    });
}

#[test]
fn an_exit_begins_on_its_day_also_when_days_were_missed() {
    run(async |stack| {
        for after in [Duration::ZERO, SECOND, 3 * DAY] {
            let leaver = Leaver::new(stack).await;
            let exit = leaver.close().await;
            carry_out(&leaver.tenant, before(due(&exit), SECOND)).await;
            assert_eq!(leaver.stored(&exit).await, "closing");

            carry_out(&leaver.tenant, due(&exit).plus(after)).await;
            assert_eq!(leaver.stored(&exit).await, "verifying", "{after:?} after its day");
            carry_out(&leaver.tenant, due(&exit).plus(after).plus(SECOND)).await;
            assert_eq!(leaver.stored(&exit).await, "verifying", "what could still write is waited for");
            carry_out(&leaver.tenant, due(&exit).plus(after).plus(SETTLED)).await;
            assert_eq!(leaver.stored(&exit).await, "erased");
            assert_eq!(certificate_of(stack, &exit).await.retention_days, 30);
        }
    });
}

#[test]
fn owners_are_reminded_thirty_and_seven_days_and_one_day_before() {
    run(async |stack| {
        let (leaver, globex) = (Leaver::new(stack).await, Tenant::new(stack).await);
        let acme = &leaver.tenant;
        let (ear, theirs) = (Ear::of(acme).await, Ear::of(&globex).await);
        let exit = ask(&leaver.first.sign_in().await, json!({ "retention_days": 60 })).await.data();
        let exit = leaver.approve(&exit).await;

        for (days_before, told) in
            [(31, None), (30, Some(30)), (29, None), (7, Some(7)), (1, Some(1)), (1, None)]
        {
            carry_out(acme, before(due(&exit), days_before * DAY)).await;
            let heard = ear.hear().await;
            let days: Vec<_> = heard.iter().filter_map(|notice| notice["days_left"].as_u64()).collect();
            assert_eq!(days, Vec::from_iter(told), "{days_before} days before: {heard:?}");
            for notice in &heard {
                assert_eq!((&notice["kind"], &notice["deletion_id"]), (&json!("exit_reminder"), &exit["id"]));
            }
        }
        assert_eq!(theirs.hear().await, [] as [Value; 0]);
    });
}

#[test]
fn the_hours_sweep_carries_an_exit_to_its_end() {
    run_quietly(async |quiet| {
        let leaver = Leaver::new(&quiet.stack).await;
        leaver.tenant.show("private").await;
        let exit = leaver.close().await;
        let sweep = async |time: Timestamp, state: &str| {
            quiet.stack.aws().invoke("deletion-sweep", &json!({ "time": time })).await.unwrap();
            for _ in 0..600 {
                if leaver.stored(&exit).await == state {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            panic!("{} is not {state}", leaver.stored(&exit).await);
        };

        sweep(before(due(&exit), SECOND), "closing").await;
        sweep(due(&exit), "verifying").await;
        sweep(due(&exit).plus(SETTLED), "erased").await;

        assert_eq!(certificate_of(&quiet.stack, &exit).await.outcome, Outcome::Erased);
    });
}

#[test]
fn an_exit_is_cancelled_until_its_day_and_everything_is_as_before() {
    run(async |stack| {
        let leaver = Leaver::new(stack).await;
        let exit = leaver.close().await;
        carry_out(&leaver.tenant, before(due(&exit), SECOND)).await;

        let cancelled = cancel(&leaver.first.sign_in().await, &exit).await.data();

        assert_eq!(cancelled["state"], "cancelled");
        let owner = leaver.first.sign_in().await;
        owner.patch("/v1/tenancy", json!({ "name": "Stays" })).await;
        let made = owner.post("/v1/clients", json!({ "name": "x", "groups": ["editors"] })).await;
        assert!(made.status.is_success(), "{made:?}");
        carry_out(&leaver.tenant, due(&exit).plus(3 * DAY)).await;
        assert_eq!(leaver.stored(&exit).await, "cancelled");
        let second = leaver.request().await;
        assert_ne!(second["id"], exit["id"]);
    });
}

#[test]
fn an_exit_that_nobody_approves_lapses() {
    run(async |stack| {
        let leaver = Leaver::new(stack).await;
        let exit = leaver.request().await;
        carry_out(&leaver.tenant, SystemClock.now().plus(7 * DAY)).await;

        assert_eq!(leaver.stored(&exit).await, "lapsed");
        approve(&leaver.second.sign_in().await, &exit).await.assert_problem(409, "request_lapsed");
    });
}

#[test]
fn a_held_exit_is_sealed_and_destroys_nothing_until_the_hold_is_released() {
    run(async |stack| {
        let leaver = Leaver::new(stack).await;
        let acme = &leaver.tenant;
        acme.show("private").await;
        let exit = leaver.close().await;
        let hold = format!("/v1/legal-holds/{}", acme.id);
        let owner = leaver.first.sign_in().await;
        owner.send(Method::PUT, &hold, &[], json!({ "reason": "Case 12" }).to_string()).await.data();

        carry_out(acme, due(&exit).plus(DAY)).await;
        carry_out(acme, due(&exit).plus(2 * DAY)).await;

        let found = leaver.find(&exit).await;
        assert_eq!((&found["state"], &found["held_by"][0]["reason"]), (&json!("erasing"), &json!("Case 12")));
        let owner = leaver.first.sign_in().await;
        owner.get("/v1/shows").await.assert_problem(410, "tenancy_sealed");
        assert_ne!(dump::search(acme, &["Harbour Notes"]).await, [] as [String; 0]);
        assert_eq!(owner.delete(&hold).await.status, 204);
        carry_out(acme, due(&exit).plus(3 * DAY)).await;
        carry_out(acme, due(&exit).plus(4 * DAY)).await;
        assert_eq!(leaver.stored(&exit).await, "erased");
    });
}

#[test]
fn an_exit_of_another_tenancy_is_as_one_that_never_was() {
    run(async |stack| {
        let (acme, globex) = (Leaver::new(stack).await, Leaver::new(stack).await);
        let exit = acme.request().await;
        let stranger = globex.second.sign_in().await;
        let missing = json!({ "id": "del_01ARZ3NDEKTSV4RRFFQ69G5FAV" });

        for answer in [approve(&stranger, &exit).await, cancel(&stranger, &exit).await] {
            answer.assert_problem(404, "not_found");
            assert_eq!(answer.problem_without_id(), approve(&stranger, &missing).await.problem_without_id());
        }
        fetch(stack, &format!("/certificates/{}", id(&exit)), &[]).await.assert_problem(404, "not_found");
        assert_eq!(acme.stored(&exit).await, "requested");
    });
}

#[test]
fn an_exit_through_troubles_of_aws_ends_as_any_other() {
    run(async |stack| {
        let leaver = Leaver::new(stack).await;
        let acme = &leaver.tenant;
        let words = unique("canary");
        let show = acme.show("public").await;
        for episode in ["one", "another"] {
            publish(acme, &show, &words, &mp3(2, &format!("{words}-{episode}"))).await;
        }
        let path = format!("/v1/shows/{}", id(&show));
        acme.editor.patch(&path, json!({ "has_listener_feed": true })).await.data();
        acme.editor.post(&format!("{path}/listeners"), json!({ "label": words })).await.data();
        wait_for_feed(stack, show["feed_url"].as_str().unwrap(), |text| text.contains(&words)).await;
        let exit = leaver.close().await;
        let files = dump::versions(stack, "MediaBucket", &format!("{}/", acme.id)).await;

        let process = Process::of(stack, "deletion-worker").await;
        let (door, troubles) = with_troubles(stack.aws().endpoint()).await;
        let troubled = process.with(&[("AWS_ENDPOINT_URL", &door)]);
        for as_of in [due(&exit), due(&exit).plus(SETTLED)] {
            let mut tries = 0;
            while let Err(failure) = carry_out_with(&troubled, &acme.id, as_of).await {
                tries += 1;
                assert!(tries < 200, "it never comes to its end: {failure}");
            }
        }

        assert!(troubles.load(Ordering::Relaxed) >= 20, "{troubles:?}");
        assert_eq!(leaver.stored(&exit).await, "erased");
        let certificate = certificate_of(stack, &exit).await;
        assert_eq!(certificate.outcome, Outcome::Erased);
        assert!(certificate.stores.iter().all(|store| store.verification.remaining == 0));
        let media = certificate.stores.iter().find(|store| store.store == "media_bucket").unwrap();
        assert_eq!(
            (media.versions, media.leaves),
            (files.len() as u64, files.len() as u64),
            "each is counted once"
        );
        assert_eq!(dump::search(acme, &[words.as_str()]).await, [] as [String; 0]);
        let places = dump::everything(acme).await.into_iter().map(|(place, _)| place);
        let left: Vec<_> = places.filter(|place| place.contains(&acme.id) && !is_tombstone(place)).collect();
        assert_eq!(left, [] as [String; 0]);
    });
}

#[test]
fn with_a_tenancy_goes_its_single_sign_on() {
    run(async |stack| {
        let (leaver, globex) = (Leaver::new(stack).await, Tenant::new(stack).await);
        let acme = &leaver.tenant;
        for owner in [&acme.owner, &globex.owner] {
            sso::put(owner, &sso::saml()).await.data();
        }
        assert!(sso::provider_in_cognito(stack, &acme.id).await.is_some());
        let exit = leaver.close().await;
        carry_out(acme, due(&exit)).await;
        carry_out(acme, due(&exit).plus(SETTLED)).await;

        assert_eq!(leaver.stored(&exit).await, "erased");
        assert_eq!(sso::provider_in_cognito(stack, &acme.id).await, None);
        assert_eq!(sso::clients_in_cognito(stack, &acme.id).await, [] as [Value; 0]);
        assert_eq!(sso::record(stack, &acme.id).await, None);
        assert!(sso::provider_in_cognito(stack, &globex.id).await.is_some(), "the other tenancy's stays");
        assert_eq!(sso::clients_in_cognito(stack, &globex.id).await.len(), 1);
        assert!(sso::record(stack, &globex.id).await.is_some());
    });
}

#[test]
fn apps_are_led_to_a_new_home_when_the_tenancy_is_gone() {
    run(async |stack| {
        let leaver = Leaver::new(stack).await;
        let acme = &leaver.tenant;
        let (moved, ended) = (acme.show("public").await, acme.show("public").await);
        for show in [&moved, &ended] {
            publish(acme, show, "Here", &mp3(2, &unique("here"))).await;
            wait_for_feed(stack, show["feed_url"].as_str().unwrap(), |text| text.contains("Here")).await;
        }
        let elsewhere = "https://elsewhere.example/feed.xml";
        let path = format!("/v1/shows/{}/redirect", id(&moved));
        let farewell = json!({ "feed_url": elsewhere }).to_string();
        acme.editor.send(Method::PUT, &path, &[], farewell).await.data();
        let exit = leaver.close().await;
        carry_out(acme, due(&exit)).await;
        carry_out(acme, due(&exit).plus(SETTLED)).await;

        assert_eq!(leaver.stored(&exit).await, "erased");
        let answer = listen(stack, Method::GET, moved["feed_url"].as_str().unwrap(), &[]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (301, elsewhere));
        let answer = listen(stack, Method::GET, ended["feed_url"].as_str().unwrap(), &[]).await;
        assert_eq!(answer.status, 410);
    });
}

#[test]
fn an_exit_killed_anywhere_and_run_again_comes_to_the_same_end() {
    run_alone(async |stack| {
        stack.aws().pause_queue("deletion-worker").await.unwrap();
        let process = Process::of(stack, "deletion-worker").await;
        let mut awaits = 0;
        let mut items = Vec::new();
        loop {
            let leaver = Leaver::new(stack).await;
            let exit = leaver.close().await;
            let moments = [due(&exit), due(&exit).plus(SETTLED)];

            let came_to_its_end = run_until(awaits, async {
                for moment in moments {
                    carry_out_with(&process, &leaver.tenant.id, moment).await.unwrap();
                }
            })
            .await;
            for moment in moments.into_iter().chain([due(&exit).plus(2 * SETTLED)]) {
                carry_out_with(&process, &leaver.tenant.id, moment).await.unwrap();
            }

            assert_eq!(leaver.stored(&exit).await, "erased", "killed after {awaits} awaits");
            let certificate = certificate_of(stack, &exit).await;
            let table = certificate.stores.iter().find(|store| store.store == "tenant_table").unwrap();
            assert_eq!(table.leaves, table.items, "each leaf is there once: killed after {awaits} awaits");
            items.push(table.items);
            // Sampled: each exit has some hundred calls, most of them of the same kinds.
            awaits += 5 + awaits / 8;
            if came_to_its_end {
                break;
            }
        }
        // Requests are counted in an item for each minute, and there may be one more or less.
        let (least, most) = (items.iter().min().unwrap(), items.iter().max().unwrap());
        assert!(most - least <= 5, "each counts the same: {items:?}");
    });
}
