//! Quotas: how many of a thing a tenancy may have at the same time.

use std::{sync::Arc, time::Duration};

use domain::{ABANDONED_AFTER, Upload};
use futures::future::join_all;
use lambda_kit::SystemClock;
use local::Stack;
use serde_json::{Value, json};
use storage::SystemRandomness;
use tenant_context::{
    Clock, Timestamp, UploadId,
    permission::CreateUpload,
    token::{Caller, verify_data_token},
};

use crate::{
    actors::{Answer, Tenant},
    audio::{mp3, upload, wait_for_end},
    flow::id,
    instance::{StoppedClock, storage},
    walls::data_token,
    world::{run, unique},
};

fn new_show(visibility: &str) -> Value {
    json!({ "slug": unique("show"), "title": "T", "description": "D", "language": "en", "category": "News",
            "author": "A", "visibility": visibility })
}

fn new_upload() -> Value {
    json!({ "file_name": "a.mp3", "content_type": "audio/mpeg", "size_bytes": 9 })
}

fn new_listener() -> Value {
    json!({ "label": "Somebody" })
}

fn new_client() -> Value {
    json!({ "name": "x", "groups": ["analysts"] })
}

fn new_user() -> Value {
    json!({ "name": "Ada", "email": format!("{}@people.example", unique("user")) })
}

fn new_group() -> Value {
    json!({ "name": unique("Night desk") })
}

/// How many the tenancy has, as its counter says.
async fn counted(stack: &Stack, tenancy: &str, quota: &str) -> i64 {
    let get = json!({
        "TableName": stack.output("TenantTable").unwrap(),
        "Key": { "pk": { "S": format!("{tenancy}#quotas") }, "sk": { "S": quota } },
    });
    let item = stack.aws().dynamodb("GetItem", &get).await.unwrap();
    item["Item"]["used"]["N"].as_str().map_or(0, |number| number.parse().unwrap())
}

async fn audit_events(tenant: &Tenant) -> usize {
    let query = json!({
        "TableName": tenant.stack.output("TenantTable").unwrap(), "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": { ":pk": { "S": format!("{}#audit", tenant.id) } },
    });
    tenant.stack.aws().dynamodb("Query", &query).await.unwrap()["Items"].as_array().unwrap().len()
}

fn assert_exceeded(answer: &Answer, quota: &str, limit: u64) {
    answer.assert_problem(403, "quota_exceeded");
    let problem = answer.json();
    assert_eq!(problem["quota"], json!({ "name": quota, "limit": limit }));
    assert!(problem["detail"].as_str().unwrap().contains(&limit.to_string()), "{problem}");
}

#[test]
fn one_more_than_the_quota_is_refused_with_the_quotas_name_and_size() {
    run(async |stack| {
        // Owner, editor and viewer have a client each, and the owner is a user.
        let quotas = json!({
            "users": 2, "groups": 1, "clients": 4, "shows": 1, "episodes": 1, "listeners": 1,
            "unfinished_uploads": 1,
        });
        let acme = Tenant::with_limits(stack, json!({ "quotas": quotas })).await;
        let globex = Tenant::new(stack).await;
        let show = acme.owner.post("/v1/shows", new_show("private")).await.data();
        let episodes = format!("/v1/shows/{}/episodes", id(&show));
        let listeners = format!("/v1/shows/{}/listeners", id(&show));
        let episode = || json!({ "title": "T", "description": "D" });
        acme.owner.post(&episodes, episode()).await.data();
        acme.owner.post(&listeners, new_listener()).await.data();
        acme.owner.post("/v1/uploads", new_upload()).await.data();
        acme.owner.post("/v1/clients", new_client()).await.data();
        acme.owner.post("/v1/users", new_user()).await.data();
        acme.owner.post("/v1/groups", new_group()).await.data();
        let events = audit_events(&acme).await;

        for (quota, limit, path, body) in [
            ("shows", 1, "/v1/shows", new_show("public")),
            ("episodes", 1, &episodes, episode()),
            ("listeners", 1, &listeners, new_listener()),
            ("unfinished_uploads", 1, "/v1/uploads", new_upload()),
            ("clients", 4, "/v1/clients", new_client()),
            ("users", 2, "/v1/users", new_user()),
            ("groups", 1, "/v1/groups", new_group()),
        ] {
            assert_exceeded(&acme.owner.post(path, body).await, quota, limit);

            let listed = acme.owner.get(path).await.data();
            let is_own = |thing: &&Value| thing["is_system"] != true;
            let have = listed.as_array().unwrap().iter().filter(is_own).count();
            assert_eq!(have as u64, limit, "{quota}");
            assert_eq!(counted(stack, &acme.id, quota).await, limit as i64, "{quota}");
        }
        assert_eq!(
            audit_events(&acme).await,
            events + 2,
            "looking at listeners and at users left one each, what is refused none"
        );
        for (path, body) in [
            ("/v1/shows", new_show("public")),
            ("/v1/uploads", new_upload()),
            ("/v1/clients", new_client()),
            ("/v1/users", new_user()),
            ("/v1/groups", new_group()),
        ] {
            globex.owner.post(path, body).await.data();
        }
    });
}

#[test]
fn what_goes_lets_one_in() {
    run(async |stack| {
        let quotas =
            json!({ "users": 2, "groups": 1, "clients": 4, "listeners": 1, "unfinished_uploads": 1 });
        let acme = Tenant::with_limits(stack, json!({ "quotas": quotas })).await;
        let show = acme.editor.post("/v1/shows", new_show("private")).await.data();
        let listeners = format!("/v1/shows/{}/listeners", id(&show));
        for (quota, limit, path, new, one) in [
            ("users", 2, "/v1/users", new_user as fn() -> Value, "/v1/users"),
            ("groups", 1, "/v1/groups", new_group, "/v1/groups"),
            ("clients", 4, "/v1/clients", new_client, "/v1/clients"),
            ("listeners", 1, &listeners, new_listener, "/v1/listeners"),
            ("unfinished_uploads", 1, "/v1/uploads", new_upload, "/v1/uploads"),
        ] {
            let first = acme.owner.post(path, new()).await.data();
            assert_exceeded(&acme.owner.post(path, new()).await, quota, limit);

            let first = format!("{one}/{}", first["id"].as_str().or(first["client_id"].as_str()).unwrap());
            let (gone, gone_already) = (acme.owner.delete(&first).await, acme.owner.delete(&first).await);

            assert_eq!((gone.status.as_u16(), gone_already.status.as_u16()), (204, 404), "{quota}");
            assert_eq!(counted(stack, &acme.id, quota).await, limit as i64 - 1, "{quota}");
            acme.owner.post(path, new()).await.data();
            assert_exceeded(&acme.owner.post(path, new()).await, quota, limit);
        }
    });
}

#[test]
fn an_upload_that_ends_lets_one_in_whether_ready_or_rejected() {
    run(async |stack| {
        let acme = Tenant::with_limits(stack, json!({ "quotas": { "unfinished_uploads": 1 } })).await;
        for (bytes, end) in [(mp3(2, &unique("audio")), "ready"), ("no audio".into(), "rejected")] {
            let path = upload(&acme.editor, &acme, "a.mp3", json!({}), &bytes).await;

            let ended = wait_for_end(&acme.editor, &path).await;

            assert_eq!(ended["state"], end);
            assert_eq!(counted(stack, &acme.id, "unfinished_uploads").await, 0);
        }
        acme.editor.post("/v1/uploads", new_upload()).await.data();
    });
}

#[test]
fn concurrent_creations_never_exceed_a_quota() {
    run(async |stack| {
        let acme = Tenant::with_limits(stack, json!({ "quotas": { "shows": 3 } })).await;
        let creations = (0..12).map(|_| {
            let editor = acme.editor.clone();
            tokio::spawn(async move { editor.post("/v1/shows", new_show("public")).await })
        });
        let answers: Vec<_> = join_all(creations).await.into_iter().map(Result::unwrap).collect();

        let created = answers.iter().filter(|answer| answer.status == 201).count();
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            assert_exceeded(answer, "shows", 3);
        }
        assert_eq!(created, 3);
        assert_eq!(acme.editor.get("/v1/shows").await.data().as_array().unwrap().len(), 3);
        assert_eq!(counted(stack, &acme.id, "shows").await, 3);
    });
}

#[test]
fn the_slug_of_a_show_that_was_refused_is_free() {
    run(async |stack| {
        let acme = Tenant::with_limits(stack, json!({ "quotas": { "shows": 0 } })).await;
        let globex = Tenant::new(stack).await;
        let show = new_show("public");

        let refused = acme.editor.post("/v1/shows", show.clone()).await;
        let neighbours = globex.editor.post("/v1/shows", show).await;

        assert_exceeded(&refused, "shows", 0);
        assert_eq!(neighbours.status, 201, "{neighbours:?}");
    });
}

#[test]
fn an_abandoned_upload_gives_its_place_to_the_next() {
    run(async |stack| {
        let acme = Tenant::with_limits(stack, json!({ "quotas": { "unfinished_uploads": 2 } })).await;
        let long_ago = now_less(ABANDONED_AFTER + Duration::from_secs(1));
        let not_so_long_ago = now_less(ABANDONED_AFTER - Duration::from_secs(60 * 60));
        let old = start_upload(&acme, &new_upload(), long_ago).await;
        let younger = start_upload(&acme, &new_upload(), not_so_long_ago).await;
        assert_eq!(counted(stack, &acme.id, "unfinished_uploads").await, 2);

        let next = acme.editor.post("/v1/uploads", new_upload()).await;
        let one_more = acme.editor.post("/v1/uploads", new_upload()).await;

        assert_eq!(next.status, 201, "{next:?}");
        assert_exceeded(&one_more, "unfinished_uploads", 2);
        let old = acme.editor.get(&format!("/v1/uploads/{old}")).await.data();
        assert_eq!((&old["state"], &old["rejection"]), (&json!("expired"), &Value::Null));
        assert!(old["reason"].as_str().unwrap().contains("eight days"), "{old}");
        assert_eq!(acme.editor.get(&format!("/v1/uploads/{younger}")).await.data()["state"], "created");
    });
}

pub fn now_less(duration: Duration) -> Timestamp {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap();
    Timestamp::from_unix_milliseconds(SystemClock.now().unix_milliseconds() - milliseconds)
}

/// Starts an upload as somebody did whose clock showed `moment`.
pub async fn start_upload(tenant: &Tenant, new: &Value, moment: Timestamp) -> UploadId {
    let storage = storage(tenant.stack, "uploads", Arc::new(StoppedClock::at(moment)), &[]).await;
    let token = data_token(tenant.stack, &tenant.editor).await;
    let keys = storage.verification_keys().await.unwrap();
    let caller = verify_data_token(&token, keys, tenant.stack.api(), SystemClock.now()).unwrap();
    let Caller::Tenant(context) = caller else { panic!("an operator") };
    let grant = context.ask::<CreateUpload>().unwrap().in_place(None).unwrap();
    let upload_id = UploadId::new(moment, &SystemRandomness::new());
    let new = serde_json::from_value(new.clone()).unwrap();
    let upload = Upload::new(upload_id, new, moment).unwrap();
    storage.create_upload(&grant, upload).await.unwrap().id
}
