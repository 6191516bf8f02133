//! The audit log: what leaves an event, who reads it, and what is found when somebody was at the table.

use std::{collections::BTreeSet, io::Write, process::Stdio, time::Duration};

use bytes::Bytes;
use domain::{AuditEvent, AuditHead, NewAuditEvent};
use http::Method;
use lambda_kit::SystemClock;
use local::Stack;
use serde_json::{Value, json};
use tenant_context::Clock;

use crate::{
    actors::{Actor, Tenant},
    audio::{media, mp3, upload, wait_for_end},
    exchange::user,
    flow::{id, text},
    idle::sweep,
    members::Robot,
    sso::saml,
    world::{run, unique},
};

const VERIFICATION: &str = "/v1/audit-events/verification";
const LINES: (&str, &str) = ("accept", "application/x-ndjson");

/// All events that a query asks for, page by page.
async fn events(actor: &Actor, query: &str) -> Vec<Value> {
    let mut events = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = actor.get(&format!("/v1/audit-events?limit=200{query}{cursor}")).await.json();
        events.extend(page["data"].as_array().unwrap_or_else(|| panic!("{page}")).iter().cloned());
        match page["page"]["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return events,
        }
    }
}

async fn principal(actor: &Actor) -> String {
    actor.get("/v1/me").await.data()["principal_id"].as_str().unwrap().to_owned()
}

async fn verify(tenant: &Tenant) -> Value {
    tenant.owner.get(VERIFICATION).await.data()
}

async fn assert_intact(tenant: &Tenant) {
    let found = verify(tenant).await;
    assert_eq!((&found["is_intact"], &found["problem"]), (&json!(true), &Value::Null), "{found}");
}

async fn assert_found(tenant: &Tenant, sequence: u64, kind: &str) {
    let found = verify(tenant).await;
    assert_eq!(found["is_intact"], false, "{found}");
    assert_eq!((&found["problem"]["sequence"], &found["problem"]["kind"]), (&json!(sequence), &json!(kind)));
    assert!(found["problem"]["detail"].as_str().is_some_and(|detail| detail.ends_with('.')), "{found}");
}

/// A tenancy with six events or so.
async fn tenancy_with_a_past(stack: &'static Stack) -> Tenant {
    let tenant = Tenant::new(stack).await;
    for _ in 0..3 {
        tenant.show("private").await;
    }
    tenant
}

/// What an administrator of the account may do to the tenancy's log in the table.
struct Tampering<'t>(&'t Tenant);

impl Tampering<'_> {
    fn key(&self, sequence: u64) -> Value {
        json!({ "pk": { "S": format!("{}#audit", self.0.id) }, "sk": { "S": format!("{sequence:012}") } })
    }

    fn head_key(&self) -> Value {
        json!({ "pk": { "S": format!("{}#audit-head", self.0.id) }, "sk": { "S": self.0.id } })
    }

    async fn dynamodb(&self, operation: &str, mut input: Value) -> Value {
        input["TableName"] = json!(self.0.stack.output("TenantTable").unwrap());
        self.0.stack.aws().dynamodb(operation, &input).await.unwrap()
    }

    async fn item(&self, sequence: u64) -> Value {
        let found = self.dynamodb("GetItem", json!({ "Key": self.key(sequence) })).await;
        assert!(found["Item"].is_object(), "there is no event {sequence}");
        found["Item"].clone()
    }

    async fn put(&self, key: Value, mut item: Value) {
        for (name, value) in key.as_object().unwrap() {
            item[name] = value.clone();
        }
        self.dynamodb("PutItem", json!({ "Item": item })).await;
    }

    async fn delete(&self, key: Value) {
        self.dynamodb("DeleteItem", json!({ "Key": key })).await;
    }

    /// Writes the log anew from `sequence` on, with every hash as it should be and the head with them.
    async fn rewrite_from(&self, sequence: u64) {
        let log = events(&self.0.owner, "").await;
        let mut head: Option<AuditHead> = None;
        for event in log {
            let mut event: AuditEvent = serde_json::from_value(event).unwrap();
            if event.sequence >= sequence {
                let new = NewAuditEvent {
                    id: event.id,
                    at: event.at,
                    action: event.action,
                    principal: "key_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
                    subject: event.subject,
                    details: event.details,
                };
                event = AuditEvent::after(head.as_ref(), new);
                self.put(self.key(event.sequence), attributes(&json!(event))).await;
            }
            head = Some(event.head());
        }
        self.put(self.head_key(), attributes(&json!(head.unwrap()))).await;
    }
}

/// JSON as DynamoDB's attributes.
fn attributes(item: &Value) -> Value {
    let attribute = |value: &Value| match value {
        Value::Object(_) => json!({ "M": attributes(value) }),
        Value::Number(number) => json!({ "N": number.to_string() }),
        text => json!({ "S": text }),
    };
    item.as_object().unwrap().iter().map(|(name, value)| (name.clone(), attribute(value))).collect()
}

/// The date so many days from now: few enough that nobody counts as idle.
fn day(days: u64) -> String {
    let day = SystemClock.now().plus(Duration::from_secs(days * 24 * 60 * 60));
    day.to_string().split('T').next().unwrap().to_owned()
}

fn moment(days: u64, time: &str) -> String {
    format!("{}T{time}Z", day(days))
}

fn anchor(tenant: &Tenant, date: &str) -> String {
    format!("/{}/{}/{date}.json", tenant.stack.output("AuditBucket").unwrap(), tenant.id)
}

/// S3 as the account's administrator.
async fn s3(tenant: &Tenant, method: Method, path: &str, body: &str) -> (u16, String) {
    let answer = tenant.stack.aws().s3(method, path, Bytes::from(body.to_owned())).await.unwrap();
    (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned())
}

/// The versions of an anchor, from the newest to the oldest.
async fn versions(tenant: &Tenant, date: &str) -> Vec<String> {
    let bucket = tenant.stack.output("AuditBucket").unwrap();
    let path = format!("/{bucket}?versions&prefix={}/{date}.json", tenant.id);
    let (_, listing) = s3(tenant, Method::GET, &path, "").await;
    let mut parts = listing.split("<VersionId>");
    parts.next();
    parts.map(|part| part.split('<').next().unwrap().to_owned()).collect()
}

/// Makes one change and asserts that it leaves one event, and which; before that one for what of people it was shown, if it was.
/// Answers what the API did.
async fn change(
    actor: &Actor,
    (method, path): (Method, &str),
    body: Value,
    actions: &str,
    owner: &Actor,
) -> Value {
    let query = format!("&principal={}", principal(actor).await);
    let before = events(owner, &query).await.len();
    let answer = actor.send(method.clone(), path, &[], body.to_string()).await;
    let after = events(owner, &query).await;

    assert!(answer.status.is_success(), "{method} {path}: {answer:?}");
    let new: Vec<_> = after[before..].iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(new, actions.split(' ').collect::<Vec<_>>(), "{method} {path}");
    let data = if answer.body.is_empty() { Value::Null } else { answer.data() };
    let of_path = path.split("/members/").nth(1).or(path.split('/').nth(3));
    // A deletion is in the log of what is deleted.
    let deleted = data["subject"]["episode_id"].as_str();
    let subject = deleted.or(data["id"].as_str()).or(data["client_id"].as_str()).or(of_path);
    let last = after.last().unwrap();
    if path.starts_with("/v1/tenancy/") {
        // What is the tenancy's own has no id in the path, and the tenancy's id is what every log begins with.
        assert_eq!(last["subject"], events(owner, "").await[0]["subject"], "{method} {path}: {last}");
    } else {
        assert_eq!(last["subject"].as_str(), subject, "{method} {path}: {last}");
    }
    data
}

/// Every route that changes something; how an upload is completed is below.
#[test]
fn every_change_leaves_exactly_one_event() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (owner, editor) = (&acme.owner, &acme.editor);
        let audio = media(&acme, &mp3(61, &unique("audio"))).await;
        let artwork = acme.artwork().await;
        let mut tried = BTreeSet::from([
            "POST /v1/tenancies".to_owned(),
            "POST /v1/uploads/{upload}/complete".to_owned(),
            "POST /v1/imports/{import}/start".to_owned(),
        ]);
        let mut step = async |actor: &Actor, route: &str, id: &str, body: Value, action: &str| {
            tried.insert(route.to_owned());
            let (method, path) = route.split_once(' ').unwrap();
            let start = path.find('{').unwrap_or(path.len());
            let end = path.find('}').map_or(path.len(), |end| end + 1);
            let path = format!("{}{id}{}", &path[..start], &path[end..]);
            let path = path.replace("{member}", body["member"].as_str().unwrap_or_default());
            let body = if body["member"].is_null() { body } else { json!({}) };
            change(actor, (method.parse().unwrap(), &path), body, action, owner).await
        };

        let new = json!({ "name": "x", "groups": ["analysts", "publishers"] });
        step(owner, "POST /v1/clients", "", new, "clients:create").await;
        let client = step(owner, "POST /v1/clients", "", json!({ "name": "y" }), "clients:create").await;
        let client = client["client_id"].as_str().unwrap();
        step(owner, "POST /v1/clients/{client}/rotate", client, json!({}), "clients:rotate").await;
        let group = step(owner, "POST /v1/groups", "", json!({ "name": "x" }), "groups:create").await;
        let member = json!({ "member": client });
        let path = "/v1/groups/{group}/members/{member}";
        step(owner, &format!("PUT {path}"), id(&group), member.clone(), "members:manage").await;
        step(owner, &format!("DELETE {path}"), id(&group), member, "members:manage").await;
        step(owner, "DELETE /v1/clients/{client}", client, json!({}), "clients:revoke").await;
        let user = json!({ "name": "x", "email": format!("{}@x.example", unique("x")) });
        let user = step(owner, "POST /v1/users", "", user, "users:invite").await;
        let invitation = "POST /v1/users/{user}/invitation";
        step(owner, invitation, id(&user), json!({}), "users:read users:invite").await;
        step(owner, "DELETE /v1/users/{user}", id(&user), json!({}), "users:remove").await;
        let review = owner.get("/v1/access-review").await.data();
        let attestation = json!({ "review_sha256": review["sha256"] });
        let attest = "POST /v1/access-review/attestations";
        step(owner, attest, "", attestation, "access-review:read access-review:attest").await;
        step(owner, "PATCH /v1/tenancy", "", json!({ "name": "Other" }), "tenancy:update").await;
        step(owner, "PUT /v1/tenancy/sso", "", saml(), "sso:update").await;
        step(owner, "DELETE /v1/tenancy/sso", "", json!({}), "sso:update").await;
        let mut show = json!({
            "slug": unique("show"), "title": "T", "description": "D", "language": "en", "category": "News",
            "author": "A", "visibility": "public", "listing": { "artwork_id": artwork },
        });
        let public = step(editor, "POST /v1/shows", "", show.clone(), "shows:create").await;
        show["slug"] = json!(unique("show"));
        show["visibility"] = json!("private");
        let private = step(editor, "POST /v1/shows", "", show, "shows:create").await;
        let title = || json!({ "title": "Other" });
        step(editor, "PATCH /v1/shows/{show}", id(&public), title(), "shows:update").await;
        let elsewhere = json!({ "feed_url": "https://other.example/" });
        step(editor, "PUT /v1/shows/{show}/redirect", id(&public), elsewhere, "shows:update").await;
        step(editor, "DELETE /v1/shows/{show}/redirect", id(&public), json!({}), "shows:update").await;
        step(editor, "PUT /v1/shows/{show}/end", id(&public), json!({}), "shows:update").await;
        step(editor, "DELETE /v1/shows/{show}/end", id(&public), json!({}), "shows:update").await;
        let draft = json!({ "title": "T", "description": "D", "media_id": audio });
        let episode = "POST /v1/shows/{show}/episodes";
        let episode = step(editor, episode, id(&public), draft, "episodes:create").await;
        step(editor, "PATCH /v1/episodes/{episode}", id(&episode), title(), "episodes:update").await;
        let publish = "POST /v1/episodes/{episode}/publish";
        step(editor, publish, id(&episode), json!({}), "episodes:publish").await;
        let unpublish = "POST /v1/episodes/{episode}/unpublish";
        step(editor, unpublish, id(&episode), json!({}), "episodes:publish").await;
        let listener = "POST /v1/shows/{show}/listeners";
        let listener =
            step(editor, listener, id(&private), json!({ "label": "x" }), "listeners:manage").await;
        let rotate = "POST /v1/listeners/{listener}/rotate";
        step(editor, rotate, id(&listener), json!({}), "listeners:manage").await;
        let update = "PATCH /v1/listeners/{listener}";
        step(editor, update, id(&listener), json!({ "label": "y" }), "listeners:manage").await;
        let suspend = "POST /v1/listeners/{listener}/suspend";
        step(editor, suspend, id(&listener), json!({ "reason": "x" }), "listeners:manage").await;
        let resume = "POST /v1/listeners/{listener}/resume";
        step(editor, resume, id(&listener), json!({}), "listeners:manage").await;
        let delete = "DELETE /v1/listeners/{listener}";
        step(editor, delete, id(&listener), json!({}), "listeners:manage").await;
        let new = json!({ "file_name": "a.mp3", "content_type": "audio/mpeg", "size_bytes": 9 });
        let upload = step(editor, "POST /v1/uploads", "", new, "uploads:create").await;
        step(editor, "DELETE /v1/uploads/{upload}", id(&upload), json!({}), "uploads:create").await;
        let scope = json!({ "scope": { "kind": "episode", "episode_id": id(&episode) } });
        let deletion = step(owner, "POST /v1/deletions", "", scope, "deletions:create").await;
        let cancel = "POST /v1/deletions/{deletion}/cancel";
        step(owner, cancel, id(&deletion), json!({}), "deletions:cancel").await;
        let reason = json!({ "reason": "Case 12" });
        step(owner, "PUT /v1/legal-holds/{held}", id(&public), reason, "legal-holds:manage").await;
        step(owner, "DELETE /v1/legal-holds/{held}", id(&public), json!({}), "legal-holds:manage").await;

        let new = json!({ "source": { "kind": "feed_file", "size_bytes": 9 } });
        let import = step(owner, "POST /v1/imports", "", new, "imports:create").await;
        step(owner, "DELETE /v1/imports/{import}", id(&import), json!({}), "imports:create").await;

        // Their workers leave events, too, and an exit needs a second owner: see `exporting`, `importing` and `leaving`.
        tried.extend(
            ["POST /v1/exports", "DELETE /v1/exports/{export}", "POST /v1/deletions/{deletion}/approve"]
                .map(str::to_owned),
        );
        // An invited user cannot be suspended, and what ends everybody's sessions ends this test's too: see below.
        tried.extend(
            ["PATCH /v1/users/{user}", "PATCH /v1/groups/{group}", "DELETE /v1/groups/{group}"]
                .map(str::to_owned),
        );
        let routes =
            [tenancy::routes().list(), tenancy::provision_routes().list(), tenancy::sso_routes().list()];
        let routes = [
            routes.concat(),
            shows::routes().list(),
            uploads::routes().list(),
            export::routes().list(),
            deletion::routes().list(),
        ]
        .concat();
        let changing: BTreeSet<_> = routes.into_iter().filter(|route| !route.starts_with("GET ")).collect();
        assert_eq!(tried, changing, "a new route needs its step here");
        let first = &events(owner, "").await[0];
        assert_eq!(first["action"], "tenancies:provision");
        assert_eq!((&first["sequence"], first["subject"].as_str()), (&json!(1), Some(acme.id.as_str())));
        assert_intact(&acme).await;
    });
}

#[test]
fn what_ends_everybodys_sessions_leaves_one_event_too() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let new = json!({ "name": "Auditor", "groups": ["auditors"] });
        let auditor = Robot::of(stack, &acme.owner.post("/v1/clients", new).await.data());
        let new = json!({ "name": "Owner", "groups": ["owners"], "is_vouched_for": true });
        let owner = Robot::of(stack, &acme.owner.post("/v1/clients", new).await.data());
        let group = acme.owner.post("/v1/groups", json!({ "name": "x" })).await.data();
        let path = format!("/v1/groups/{}", id(&group));

        owner.sign_in().await.patch(&path, json!({ "name": "y" })).await.data();
        assert_eq!(owner.sign_in().await.delete(&path).await.status, 204);

        let log = events(&auditor.sign_in().await, &format!("&subject={}", id(&group))).await;
        let actions: Vec<_> = log.iter().map(|event| event["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["groups:create", "groups:update", "groups:delete"]);
    });
}

#[test]
fn a_membership_is_in_the_log_with_what_it_leads_to() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (_, user) = user(&acme, json!(["editors"])).await;
        let path = format!("/v1/groups/auditors/members/{}", id(&user));
        acme.owner.send(Method::PUT, &path, &[], "{}").await.data();

        let log = events(&acme.owner, &format!("&subject={}", id(&user))).await;

        let said: Vec<_> = log
            .iter()
            .map(|event| [&event["action"], &event["details"]["state"], &event["details"]["groups"]])
            .collect();
        assert_eq!(
            json!(said),
            json!([
                ["users:invite", "invited", "editors"],
                ["users:admit", "active", "editors"],
                ["members:manage", "active", "editors auditors"],
            ])
        );
    });
}

#[test]
fn a_suspension_leaves_one_event() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (_, user) = user(&acme, json!(["editors"])).await;

        change(
            &acme.owner,
            (Method::PATCH, &format!("/v1/users/{}", id(&user))),
            json!({ "state": "suspended" }),
            "users:read users:update",
            &acme.owner,
        )
        .await;
    });
}

#[test]
fn an_upload_leaves_one_event_for_each_of_its_states() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let path = upload(&acme.editor, &acme, "a.mp3", json!({}), &mp3(61, &unique("audio"))).await;
        let ended = wait_for_end(&acme.editor, &path).await;

        let log = events(&acme.owner, &format!("&subject={}", id(&ended))).await;

        let mut states: Vec<_> =
            log.iter().map(|event| event["details"]["state"].as_str().unwrap()).collect();
        // Where the media worker is quicker than the answer to the call, there is nothing to change any more.
        states.retain(|state| *state != "scanning");
        assert_eq!(states, ["created", "probing", "ready"]);
        assert_eq!(log.last().unwrap()["details"]["media_id"], ended["media_id"]);
        assert_eq!(log.last().unwrap()["principal"], "worker:media");
    });
}

#[test]
fn what_fails_or_changes_nothing_leaves_no_event() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        let path = format!("/v1/shows/{}", id(&show));
        let before = events(&acme.owner, "").await.len();

        let wrong = [("if-match", "\"99\"")];
        let change = json!({ "title": "Other" }).to_string();
        let refused = acme.editor.send(Method::PATCH, &path, &wrong, change).await;
        let denied = acme.viewer.patch(&path, json!({ "title": "Other" })).await;
        let invalid = acme.editor.patch(&path, json!({ "title": "" })).await;
        let nothing = acme.editor.patch(&path, json!({ "title": show["title"] })).await;
        let nobody = acme.owner.get("/v1/users/usr_01ARZ3NDEKTSV4RRFFQ69G5FAV").await;

        refused.assert_problem(412, "precondition_failed");
        denied.assert_problem(403, "permission_denied");
        invalid.assert_problem(422, "invalid_request");
        assert_eq!(nothing.status, 200);
        nobody.assert_problem(404, "not_found");
        assert_eq!(events(&acme.owner, "").await.len(), before);
    });
}

#[test]
fn who_was_shown_personal_data_is_in_the_log() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        let listeners = format!("/v1/shows/{}/listeners", id(&show));
        let listener = acme.editor.post(&listeners, json!({ "label": "A phone" })).await.data();
        let before = events(&acme.owner, "").await.len();

        acme.owner.get("/v1/users").await.data();
        acme.editor.get(&listeners).await.data();
        acme.editor.get(&format!("/v1/listeners/{}", id(&listener))).await.data();
        for path in ["/v1/me", "/v1/tenancy", "/v1/clients", "/v1/shows", "/v1/uploads", "/v1/audit-events"] {
            acme.owner.get(path).await.data();
        }

        let log = events(&acme.owner, "").await;
        let seen: Vec<_> = log[before..]
            .iter()
            .map(|event| ["action", "principal", "subject"].map(|name| event[name].as_str().unwrap()))
            .collect();
        let (owner, editor) = (principal(&acme.owner).await, principal(&acme.editor).await);
        let subjects = [acme.id.as_str(), id(&show), id(&listener)];
        let actions = [["users:read", &owner], ["listeners:read", &editor], ["listeners:read", &editor]];
        let expected: Vec<_> =
            actions.iter().zip(subjects).map(|([action, by], of)| [*action, *by, of]).collect();
        assert_eq!(seen, expected);
        let text = json!(log).to_string();
        assert!(!text.contains("First Owner") && !text.contains('@') && !text.contains("A phone"), "{text}");
    });
}

#[test]
fn a_verification_is_in_the_log_and_reading_the_log_is_not() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let before = events(&acme.owner, "").await.len();

        assert_intact(&acme).await;

        let log = events(&acme.owner, "").await;
        assert_eq!(log.len(), before + 1);
        assert_eq!(log[before]["action"], "audit:read");
        assert_eq!(log[before]["details"], json!({ "verified": "intact" }));
    });
}

#[test]
fn the_log_is_read_in_its_order_page_by_page() {
    run(async |stack| {
        let acme = tenancy_with_a_past(stack).await;

        let mut sequences = Vec::new();
        let mut moments = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = acme.owner.get(&format!("/v1/audit-events?limit=2{cursor}")).await.json();
            let events = page["data"].as_array().unwrap();
            sequences.extend(events.iter().map(|event| event["sequence"].as_u64().unwrap()));
            moments.extend(events.iter().map(|event| event["at"].as_str().unwrap().to_owned()));
            match page["page"]["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }

        assert_eq!(sequences, (1..=6).collect::<Vec<_>>());
        assert!(moments.is_sorted_by(|earlier, later| earlier < later), "{moments:?}");
    });
}

#[test]
fn the_log_is_one_event_a_line_for_whoever_asks_for_lines() {
    run(async |stack| {
        let acme = tenancy_with_a_past(stack).await;
        let expected = events(&acme.owner, "&action=shows:create").await;

        let mut lines = Vec::new();
        let mut query = "?action=shows:create&limit=2".to_owned();
        loop {
            let path = format!("/v1/audit-events{query}");
            let page = acme.owner.send(Method::GET, &path, &[LINES], Bytes::new()).await;
            assert_eq!(page.header("content-type"), "application/x-ndjson");
            lines.extend(text(&page).lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
            let Some(link) = page.header("link").strip_prefix('<') else { break };
            query = link.strip_suffix(">; rel=\"next\"").unwrap().to_owned();
        }

        assert_eq!(lines, expected);
        assert_eq!(lines.len(), 3);
    });
}

#[test]
fn the_log_is_narrowed_by_what_was_done_by_whom_to_what_and_when() {
    run(async |stack| {
        let acme = tenancy_with_a_past(stack).await;
        let log = events(&acme.owner, "").await;
        let numbers = async |query: &str| -> Vec<u64> {
            let found = events(&acme.owner, query).await;
            found.iter().map(|event| event["sequence"].as_u64().unwrap()).collect()
        };
        let text = |event: usize, name: &str| log[event - 1][name].as_str().unwrap().to_owned();

        assert_eq!(numbers("&action=clients:create").await, [2, 3]);
        assert_eq!(numbers(&format!("&principal={}", text(4, "principal"))).await, [4, 5, 6]);
        assert_eq!(numbers(&format!("&subject={}", text(5, "subject"))).await, [5]);
        assert_eq!(numbers(&format!("&after={}", text(4, "at"))).await, [5, 6]);
        assert_eq!(numbers(&format!("&before={}", text(3, "at"))).await, [1, 2]);
        let between = format!("&after={}&before={}", text(1, "at"), text(5, "at"));
        assert_eq!(numbers(&format!("{between}&action=shows:create")).await, [4]);
        assert_eq!(numbers("&after=2100-01-01T00:00:00Z").await, [] as [u64; 0]);
        assert_eq!(numbers("&after=1970-01-01T00:00:00Z").await.len(), 6);
    });
}

#[test]
fn queries_that_make_no_sense_are_refused() {
    run(async |stack| {
        let acme = tenancy_with_a_past(stack).await;
        let page = acme.owner.get("/v1/audit-events?action=shows:create&limit=1").await.json();
        let cursor = page["page"]["next"].as_str().unwrap();

        for query in [
            "action=".to_owned(),
            "principal=a%0Ab".to_owned(),
            format!("subject={}", "x".repeat(65)),
            "after=yesterday".to_owned(),
            "limit=201".to_owned(),
            format!("cursor={cursor}"),
            format!("action=shows:update&cursor={cursor}"),
        ] {
            let answer = acme.owner.get(&format!("/v1/audit-events?{query}")).await;
            answer.assert_problem(400, "bad_request");
        }
        let answer = acme.owner.get(&format!("{VERIFICATION}?cursor={cursor}")).await;
        answer.assert_problem(400, "bad_request");
    });
}

#[test]
fn only_owners_and_auditors_read_the_log() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let auditor = acme.owner.invite("auditors").await;
        for path in ["/v1/audit-events", VERIFICATION] {
            acme.viewer.get(path).await.assert_problem(403, "permission_denied");
            acme.editor.get(path).await.assert_problem(403, "permission_denied");
            auditor.get(path).await.data();
        }
    });
}

#[test]
fn one_tenancys_log_is_not_in_anothers() {
    run(async |stack| {
        let (acme, globex) = (tenancy_with_a_past(stack).await, tenancy_with_a_past(stack).await);
        let acmes = events(&acme.owner, "").await;
        let first = acme.owner.get("/v1/audit-events?limit=2").await.json();
        let cursor = first["page"]["next"].as_str().unwrap();

        let globexes = json!(events(&globex.owner, "").await).to_string();
        let foreign = globex.owner.get(&format!("/v1/audit-events?cursor={cursor}")).await;
        let by_acme = format!("&principal={}", acmes[3]["principal"].as_str().unwrap());

        for event in &acmes {
            for name in ["id", "subject", "hash"] {
                assert!(!globexes.contains(event[name].as_str().unwrap()), "{globexes}");
            }
        }
        foreign.assert_problem(400, "bad_request");
        assert_eq!(events(&globex.owner, &by_acme).await, [] as [Value; 0]);
        assert_intact(&globex).await;
    });
}

#[test]
fn twenty_changes_at_once_all_succeed_and_the_log_holds() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let before = events(&acme.owner, "").await.len();
        let changes = (0..20).map(|_| {
            let (owner, name) = (acme.owner.clone(), unique("client"));
            let new = json!({ "name": name, "groups": ["analysts"] });
            tokio::spawn(async move { owner.post("/v1/clients", new).await })
        });
        for change in changes.collect::<Vec<_>>() {
            assert_eq!(change.await.unwrap().status, 201);
        }

        assert_eq!(events(&acme.owner, "").await.len(), before + 20);
        assert_intact(&acme).await;
    });
}

/// The lines of Python are the README's own.
#[test]
fn ten_lines_of_python_recompute_the_log() {
    run(async |stack| {
        let acme = tenancy_with_a_past(stack).await;
        let readme = include_str!("../../README.md");
        let (_, script) = readme.split_once("```python\n").unwrap();
        let script = script.split("```").next().unwrap();
        let log = acme.owner.send(Method::GET, "/v1/audit-events?limit=200", &[LINES], Bytes::new()).await;
        let (genuine, changed) = (text(&log), text(&log).replacen("clients:create", "clients:read", 1));

        let python = local::python_environment().await.unwrap();
        let recompute = |log: String| {
            let mut python = std::process::Command::new(&python);
            let python = python.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut python = python.stderr(Stdio::null()).spawn().unwrap();
            python.stdin.take().unwrap().write_all(log.as_bytes()).unwrap();
            let output = python.wait_with_output().unwrap();
            (output.status.success(), String::from_utf8(output.stdout).unwrap())
        };

        assert!(script.lines().count() <= 10, "{script}");
        let head = verify(&acme).await["head"].clone();
        let (succeeded, said) = recompute(genuine);
        assert!(succeeded && said.contains(head["hash"].as_str().unwrap()), "{said}");
        assert!(!recompute(changed).0, "a changed event must be found");
    });
}

#[test]
fn a_changed_event_is_found() {
    run(async |stack| {
        let acme = tenancy_with_a_past(stack).await;
        let tampering = Tampering(&acme);
        let mut event = tampering.item(4).await;
        event["subject"] = json!({ "S": "shw_01ARZ3NDEKTSV4RRFFQ69G5FAV" });
        tampering.put(tampering.key(4), event).await;

        assert_found(&acme, 4, "changed").await;
    });
}

#[test]
fn an_event_with_something_added_or_lost_is_found() {
    run(async |stack| {
        for (name, value) in [("note", json!({ "S": "x" })), ("details", json!({ "S": "x" }))] {
            let acme = tenancy_with_a_past(stack).await;
            let tampering = Tampering(&acme);
            let mut event = tampering.item(4).await;
            event[name] = value;
            tampering.put(tampering.key(4), event).await;

            assert_found(&acme, 4, "changed").await;
        }
    });
}

#[test]
fn a_removed_event_is_found() {
    run(async |stack| {
        for sequence in [1, 4, 6] {
            let acme = tenancy_with_a_past(stack).await;
            let tampering = Tampering(&acme);
            tampering.delete(tampering.key(sequence)).await;

            assert_found(&acme, sequence, "missing").await;
        }
    });
}

#[test]
fn reordered_events_are_found() {
    run(async |stack| {
        let acme = tenancy_with_a_past(stack).await;
        let tampering = Tampering(&acme);
        let (fourth, fifth) = (tampering.item(4).await, tampering.item(5).await);
        tampering.put(tampering.key(4), fifth).await;
        tampering.put(tampering.key(5), fourth).await;

        assert_found(&acme, 4, "reordered").await;
    });
}

#[test]
fn a_head_that_was_changed_is_found() {
    run(async |stack| {
        let acme = tenancy_with_a_past(stack).await;
        let tampering = Tampering(&acme);
        let head = json!({ "sequence": 6, "at": "2026-01-01T00:00:00.000Z", "hash": "0".repeat(64) });
        tampering.put(tampering.head_key(), attributes(&head)).await;

        assert_found(&acme, 6, "head_mismatch").await;
    });
}

#[test]
fn a_log_whose_head_was_taken_says_so_and_takes_no_more_changes() {
    run(async |stack| {
        let acme = tenancy_with_a_past(stack).await;
        let tampering = Tampering(&acme);
        tampering.delete(tampering.head_key()).await;

        let refused = acme.owner.post("/v1/clients", json!({ "name": "x", "groups": ["analysts"] })).await;

        refused.assert_problem(500, "internal");
        assert_eq!(acme.owner.get("/v1/clients").await.data().as_array().unwrap().len(), 3);
        assert_found(&acme, 6, "head_mismatch").await;
    });
}

#[test]
fn a_log_written_anew_with_its_head_is_found_by_its_anchor() {
    run(async |stack| {
        let (acme, unanchored) = (tenancy_with_a_past(stack).await, tenancy_with_a_past(stack).await);
        sweep(&acme, moment(1, "02:10:00")).await;
        for tenant in [&acme, &unanchored] {
            tenant.show("private").await;
            Tampering(tenant).rewrite_from(4).await;
        }

        assert_intact(&unanchored).await;
        assert_found(&acme, 6, "anchor_mismatch").await;
    });
}

#[test]
fn a_log_cut_short_with_its_head_is_found_by_its_anchor() {
    run(async |stack| {
        let acme = tenancy_with_a_past(stack).await;
        sweep(&acme, moment(1, "02:10:00")).await;
        let tampering = Tampering(&acme);
        let fifth: Value = events(&acme.owner, "").await[4].clone();
        let fifth: AuditEvent = serde_json::from_value(fifth).unwrap();
        tampering.delete(tampering.key(6)).await;
        tampering.put(tampering.head_key(), attributes(&json!(fifth.head()))).await;

        assert_found(&acme, 6, "anchor_mismatch").await;
    });
}

#[test]
fn a_long_log_is_verified_page_by_page() {
    run(async |stack| {
        let acme = tenancy_with_a_past(stack).await;
        let page = async |cursor: &str| acme.owner.get(&format!("{VERIFICATION}?limit=4{cursor}")).await;

        let first = page("").await.json();
        let next = first["page"]["next"].as_str().unwrap().to_owned();
        let second = page(&format!("&cursor={next}")).await.json();
        let tampering = Tampering(&acme);
        tampering.delete(tampering.key(6)).await;
        let after_tampering = page(&format!("&cursor={next}")).await.json();

        assert_eq!((&first["data"]["is_intact"], &first["data"]["events"]), (&json!(true), &json!(4)));
        // The first page has left an event itself.
        assert_eq!((&second["data"]["is_intact"], &second["data"]["events"]), (&json!(true), &json!(7)));
        assert_eq!((&second["page"]["next"], &second["data"]["head"]["sequence"]), (&Value::Null, &json!(7)));
        let problem = &after_tampering["data"]["problem"];
        assert_eq!((&problem["sequence"], &problem["kind"]), (&json!(6), &json!("missing")));
    });
}

#[test]
fn the_daily_sweep_anchors_every_tenancy() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);

        stack.aws().invoke("daily-sweep", &json!({ "time": &moment(11, "02:10:00") })).await.unwrap();

        for tenant in [&acme, &globex] {
            let anchored = wait_for_anchor(tenant, &day(11)).await;
            let head = &events(&tenant.owner, "").await[2];
            assert_eq!(anchored["tenancy_id"], tenant.id.as_str());
            assert_eq!((&anchored["sequence"], &anchored["hash"]), (&head["sequence"], &head["hash"]));
        }
    });
}

async fn wait_for_anchor(tenant: &Tenant, date: &str) -> Value {
    for _ in 0..600 {
        let (status, body) = s3(tenant, Method::GET, &anchor(tenant, date), "").await;
        if status == 200 {
            return serde_json::from_str(&body).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{} was not anchored", tenant.id);
}

#[test]
fn a_sweep_run_twice_on_one_day_anchors_once() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        sweep(&acme, moment(1, "02:10:00")).await;
        acme.show("private").await;
        sweep(&acme, moment(1, "23:59:59")).await;

        let (_, body) = s3(&acme, Method::GET, &anchor(&acme, &day(1)), "").await;
        let anchored: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(versions(&acme, &day(1)).await.len(), 1);
        assert_eq!(anchored["sequence"], 3);
    });
}

#[test]
fn a_missed_day_heals() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        sweep(&acme, moment(1, "02:10:00")).await;
        acme.show("private").await;
        // Nobody swept on the second of January.
        acme.show("private").await;
        sweep(&acme, moment(3, "02:10:00")).await;
        assert_intact(&acme).await;

        Tampering(&acme).rewrite_from(4).await;

        assert_found(&acme, 5, "anchor_mismatch").await;
    });
}

#[test]
fn an_anchor_is_locked_and_what_is_written_over_it_does_not_count() {
    run(async |stack| {
        let acme = tenancy_with_a_past(stack).await;
        sweep(&acme, moment(1, "02:10:00")).await;
        let path = anchor(&acme, &day(1));
        let genuine = versions(&acme, &day(1)).await.remove(0);
        let forged = json!({ "sequence": 6, "at": "2026-01-01T00:00:00.000Z", "hash": "0".repeat(64) });

        let (deleted, _) = s3(&acme, Method::DELETE, &format!("{path}?versionId={genuine}"), "").await;
        let (written, _) = s3(&acme, Method::PUT, &path, &forged.to_string()).await;
        let (hidden, _) = s3(&acme, Method::DELETE, &path, "").await;

        assert_eq!((deleted, written, hidden), (403, 200, 204));
        assert_intact(&acme).await;
        Tampering(&acme).rewrite_from(4).await;
        assert_found(&acme, 6, "anchor_mismatch").await;
    });
}
