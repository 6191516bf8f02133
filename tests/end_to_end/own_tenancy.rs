//! The tenancy itself: what it is called, and who may say so.

use http::Method;
use serde_json::{Value, json};

use crate::{
    actors::{Actor, Answer, Tenant},
    members::Robot,
    world::run,
};

const TENANCY: &str = "/v1/tenancy";

async fn rename(owner: &Actor, name: &str, etag: &str) -> Answer {
    owner.send(Method::PATCH, TENANCY, &[("if-match", etag)], json!({ "name": name }).to_string()).await
}

/// What the table has of the tenancy.
async fn item(tenant: &Tenant) -> Value {
    let get = json!({
        "TableName": tenant.stack.output("TenantTable").unwrap(), "ConsistentRead": true,
        "Key": { "pk": { "S": format!("{}#tenancy", tenant.id) }, "sk": { "S": tenant.id } },
    });
    tenant.stack.aws().dynamodb("GetItem", &get).await.unwrap()["Item"].clone()
}

#[test]
fn an_owner_renames_the_tenancy() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let before = acme.owner.get(TENANCY).await;

        let renamed = rename(&acme.owner, "Acme Radio", before.header("etag")).await;
        let outdated = rename(&acme.owner, "Acme Television", before.header("etag")).await;
        let again = acme.owner.patch(TENANCY, json!({ "name": "Acme Radio" })).await;
        let nothing = acme.owner.patch(TENANCY, json!({})).await;
        let after = acme.viewer.get(TENANCY).await;

        let mut expected = before.data();
        expected["name"] = json!("Acme Radio");
        outdated.assert_problem(412, "precondition_failed");
        for answer in [renamed, again, nothing, after] {
            assert_eq!((answer.data(), answer.header("etag")), (expected.clone(), "\"2\""));
        }
    });
}

#[test]
fn a_new_name_leaves_everything_else_as_it_was() {
    run(async |stack| {
        let acme = Tenant::with_limits(stack, json!({ "quotas": { "shows": 7 } })).await;
        let before = item(&acme).await;

        acme.owner.patch(TENANCY, json!({ "name": "Acme Radio" })).await.data();

        let mut expected = before.clone();
        expected["name"] = json!({ "S": "Acme Radio" });
        expected["version"] = json!({ "N": "2" });
        assert_eq!(item(&acme).await, expected);
        assert!(before["wrapped_data_key"].is_object() && before["limits"].is_object(), "{before}");
    });
}

/// Tenancies had no version when they could not change.
#[test]
fn a_tenancy_from_before_it_could_change_is_at_its_first_version() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let mut old = item(&acme).await;
        old.as_object_mut().unwrap().remove("version");
        let put = json!({ "TableName": stack.output("TenantTable").unwrap(), "Item": old });
        stack.aws().dynamodb("PutItem", &put).await.unwrap();

        let renamed = rename(&acme.owner, "Acme Radio", "\"1\"").await;

        assert_eq!((renamed.status.as_u16(), renamed.header("etag")), (200, "\"2\""));
    });
}

#[test]
fn what_is_no_name_is_refused() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        for (body, pointer) in [
            (json!({ "name": "" }), "/name"),
            (json!({ "name": "x".repeat(101) }), "/name"),
            (json!({ "name": 1 }), "/name"),
            (json!({ "id": "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV" }), "/id"),
            (json!({ "limits": { "quotas": { "shows": 9 } } }), "/limits"),
        ] {
            let answer = acme.owner.patch(TENANCY, body).await;
            answer.assert_problem(422, "invalid_request");
            assert_eq!(answer.json()["errors"][0]["pointer"], pointer);
        }
    });
}

#[test]
fn only_an_owner_with_a_second_factor_renames_the_tenancy() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let unvouched = Robot::new(&acme, json!(["owners"]), false).await.sign_in().await;
        let before = acme.owner.get(TENANCY).await.data();
        let name = json!({ "name": "Taken" });

        acme.editor.patch(TENANCY, name.clone()).await.assert_problem(403, "permission_denied");
        acme.viewer.patch(TENANCY, name.clone()).await.assert_problem(403, "permission_denied");
        unvouched.patch(TENANCY, name).await.assert_problem(403, "mfa_required");

        assert_eq!(acme.owner.get(TENANCY).await.data(), before);
    });
}

#[test]
fn a_tenancy_renames_itself_and_no_other() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let before = item(&acme).await;
        let headers = [("x-tenancy-id", acme.id.as_str())];
        let path = format!("{TENANCY}?tenancy_id={}", acme.id);

        let body = json!({ "name": "Taken" }).to_string();
        let renamed = globex.owner.send(Method::PATCH, &path, &headers, body).await.data();

        assert_eq!((&renamed["id"], &renamed["name"]), (&json!(globex.id), &json!("Taken")));
        assert_eq!(item(&acme).await, before);
    });
}
