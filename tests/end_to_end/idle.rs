//! Access that nobody uses: taken after thirty days, by a sweep whose time is its event's own.

use std::time::Duration;

use http::Method;
use lambda_kit::SystemClock;
use serde::Serialize;
use serde_json::{Value, json};
use tenant_context::Clock;

use crate::{actors::Tenant, ear::Ear, members::Robot, world::run};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs the daily sweep of one tenancy, to its end.
pub async fn sweep(tenant: &Tenant, as_of: impl Serialize) {
    assert_eq!(try_to_sweep(tenant, as_of).await, json!({ "batchItemFailures": [] }));
}

async fn try_to_sweep(tenant: &Tenant, as_of: impl Serialize) -> Value {
    let body = json!({ "tenancy_id": tenant.id, "as_of": as_of }).to_string();
    let batch = json!({ "Records": [{ "messageId": "1", "body": body }] });
    tenant.stack.aws().invoke("tenancy-sweep", &batch).await.unwrap()
}

async fn groups_of(tenant: &Tenant, member: &str) -> Vec<Value> {
    let review = tenant.owner.get("/v1/access-review").await.data();
    let rows = review["rows"].as_array().unwrap().iter().filter(|row| row["member_id"] == member);
    rows.map(|row| row["group"].clone()).filter(|group| !group.is_null()).collect()
}

#[test]
fn who_has_been_idle_for_thirty_days_is_out() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let ear = Ear::of(&acme).await;
        let idle = Robot::new(&acme, json!(["editors"]), false).await;
        let session = idle.sign_in().await;
        let granted_at = SystemClock.now();
        let neighbour = Robot::new(&globex, json!(["editors"]), false).await;

        sweep(&acme, granted_at.plus(29 * DAY)).await;
        assert_eq!(groups_of(&acme, idle.id()).await, [json!("editors")], "29 days are no thirty");
        sweep(&acme, granted_at.plus(31 * DAY)).await;

        assert_eq!(groups_of(&acme, idle.id()).await, [] as [Value; 0]);
        session.get("/v1/shows").await.assert_problem(401, "unauthenticated");
        assert_eq!(idle.sign_in().await.get("/v1/me").await.data()["permissions"], json!([]));
        assert_eq!(groups_of(&globex, neighbour.id()).await, [json!("editors")], "globex was not swept");
        let told = ear.hear().await;
        let about_idle: Vec<_> = told.iter().filter(|notice| notice["member_id"] == idle.id()).collect();
        assert_eq!(about_idle.len(), 1, "{told:?}");
        assert_eq!(
            (&about_idle[0]["kind"], &about_idle[0]["groups"]),
            (&json!("access_expired"), &json!(["editors"]))
        );
        let events = acme.owner.get("/v1/audit-events?action=access:expire").await.data();
        let subjects: Vec<_> = events.as_array().unwrap().iter().map(|event| &event["subject"]).collect();
        assert!(subjects.contains(&&json!(idle.id())), "{events}");
    });
}

#[test]
fn a_sweep_run_twice_takes_once_and_tells_once() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let ear = Ear::of(&acme).await;
        let idle = Robot::new(&acme, json!(["editors"]), false).await;
        let as_of = SystemClock.now().plus(31 * DAY);

        sweep(&acme, as_of).await;
        let first = ear.hear().await;
        sweep(&acme, as_of).await;
        let second = ear.hear().await;

        let about = |told: &[Value]| told.iter().filter(|notice| notice["member_id"] == idle.id()).count();
        assert_eq!((about(&first), about(&second)), (1, 0), "{first:?} {second:?}");
        let events = acme.owner.get("/v1/audit-events?action=access:expire").await.data();
        let ours = events.as_array().unwrap().iter().filter(|event| event["subject"] == idle.id()).count();
        assert_eq!(ours, 1, "{events}");
    });
}

#[test]
fn the_last_owner_stays_however_idle() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let ear = Ear::of(&acme).await;
        let owner = acme.owner.get("/v1/me").await.data()["principal_id"].as_str().unwrap().to_owned();

        sweep(&acme, SystemClock.now().plus(365 * DAY)).await;

        assert_eq!(groups_of(&acme, &owner).await, [json!("owners")]);
        let told = ear.hear().await;
        assert!(
            told.iter()
                .any(|notice| notice["member_id"] == owner.as_str() && notice["kind"] == "last_owner_idle"),
            "{told:?}"
        );
    });
}

/// Who the owners are, as the directory has it, or something else in its place. Answers what was there.
async fn replace_owners(tenant: &Tenant, owners: Value) -> Value {
    let update = json!({
        "TableName": tenant.stack.output("DirectoryTable").unwrap(),
        "Key": { "pk": { "S": format!("access#{}", tenant.id) }, "sk": { "S": "tenancy" } },
        "UpdateExpression": "SET owners = :owners", "ConditionExpression": "attribute_exists(pk)",
        "ExpressionAttributeValues": { ":owners": owners }, "ReturnValues": "UPDATED_OLD",
    });
    tenant.stack.aws().dynamodb("UpdateItem", &update).await.unwrap()["Attributes"]["owners"].clone()
}

#[test]
fn a_sweep_that_cannot_tell_who_the_owners_are_fails_and_is_run_again() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let first = acme.owner.get("/v1/me").await.data()["principal_id"].clone();
        Robot::new(&acme, json!(["owners"]), true).await;
        let ear = Ear::of(&acme).await;
        let as_of = SystemClock.now().plus(31 * DAY);

        let owners = replace_owners(&acme, json!({ "S": "unreadable" })).await;
        let answer = try_to_sweep(&acme, as_of).await;
        replace_owners(&acme, owners).await;
        let told_then = ear.hear().await;
        sweep(&acme, as_of).await;
        let told = ear.hear().await;

        assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": "1" }] }));
        assert_eq!(told_then, [] as [Value; 0]);
        let about_first: Vec<_> = told.iter().filter(|notice| notice["member_id"] == first).collect();
        assert_eq!(about_first.len(), 1, "{told:?}");
        assert_eq!(about_first[0]["kind"], "access_expired", "there is another owner");
    });
}

#[test]
fn a_membership_that_was_granted_anew_counts_from_then() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let idle = Robot::new(&acme, json!(["editors"]), false).await;
        sweep(&acme, SystemClock.now().plus(31 * DAY)).await;

        let path = format!("/v1/groups/analysts/members/{}", idle.id());
        acme.owner.send(Method::PUT, &path, &[], "{}").await.data();
        sweep(&acme, SystemClock.now().plus(29 * DAY)).await;

        assert_eq!(groups_of(&acme, idle.id()).await, [json!("analysts")]);
    });
}
