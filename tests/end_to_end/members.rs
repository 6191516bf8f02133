//! Who may do what: groups, members, show scopes, second factors, and access that ends.

use http::Method;
use local::{Client, Stack};
use serde_json::{Value, json};

use crate::{
    actors::{Actor, Answer, Tenant, request_token, send},
    flow::id,
    sso::{put, saml},
    world::{run, unique},
};

/// A machine client of `tenant` that can sign in again and again.
pub struct Robot {
    stack: &'static Stack,
    credentials: Client,
}

impl Robot {
    pub async fn new(tenant: &Tenant, groups: Value, is_vouched_for: bool) -> Self {
        let new = json!({ "name": "Robot", "groups": groups, "is_vouched_for": is_vouched_for });
        Self::of(tenant.stack, &tenant.owner.post("/v1/clients", new).await.data())
    }

    pub fn of(stack: &'static Stack, client: &Value) -> Self {
        let text = |name: &str| client[name].as_str().unwrap().to_owned();
        let credentials = Client { client_id: text("client_id"), client_secret: text("client_secret") };
        Self { stack, credentials }
    }

    pub fn id(&self) -> &str {
        &self.credentials.client_id
    }

    pub async fn sign_in(&self) -> Actor {
        Actor::sign_in(self.stack, &self.credentials).await
    }

    async fn try_to_sign_in(&self) -> Answer {
        request_token(self.stack, &self.credentials.client_id, &self.credentials.client_secret).await
    }
}

async fn put_member(tenant: &Tenant, group: &str, member: &str, body: Value) -> Answer {
    let path = format!("/v1/groups/{group}/members/{member}");
    tenant.owner.send(Method::PUT, &path, &[], body.to_string()).await
}

pub async fn group_of_ones_own(tenant: &Tenant, permissions: Value) -> String {
    let group = tenant.owner.post("/v1/groups", json!({ "name": "Night desk" })).await.data();
    let path = format!("/v1/groups/{}", id(&group));
    tenant.owner.patch(&path, json!({ "permissions": permissions })).await.data();
    id(&group).to_owned()
}

#[test]
fn a_group_of_ones_own_starts_with_nothing() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let group = acme.owner.post("/v1/groups", json!({ "name": "Night desk" })).await.data();
        let robot = Robot::new(&acme, json!([id(&group)]), false).await;

        let me = robot.sign_in().await.get("/v1/me").await.data();
        let path = format!("/v1/groups/{}", id(&group));
        let changed = acme.owner.patch(&path, json!({ "permissions": ["shows:read", "shows:create"] })).await;
        let then = robot.sign_in().await;

        assert_eq!((&group["permissions"], &me["permissions"]), (&json!([]), &json!([])));
        assert_eq!(changed.data()["permissions"], json!(["shows:read", "shows:create"]));
        assert_eq!(then.get("/v1/shows").await.data(), json!([]));
        then.get("/v1/users").await.assert_problem(403, "permission_denied");
    });
}

#[test]
fn permissions_that_no_group_can_have_are_refused() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let group = acme.owner.post("/v1/groups", json!({ "name": "Night desk" })).await.data();
        let path = format!("/v1/groups/{}", id(&group));
        for (permission, pointer) in [("uploads:process", "/permissions"), ("everything", "/permissions/0")] {
            let answer = acme.owner.patch(&path, json!({ "permissions": [permission] })).await;
            answer.assert_problem(422, "invalid_request");
            assert_eq!(answer.json()["errors"][0]["pointer"], pointer);
        }
    });
}

#[test]
fn system_groups_cannot_be_changed() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let groups = acme.owner.get("/v1/groups").await.data();
        let names: Vec<_> = groups.as_array().unwrap().iter().map(|group| id(group).to_owned()).collect();
        assert_eq!(names, ["owners", "editors", "publishers", "contributors", "analysts", "auditors"]);
        for name in names {
            let path = format!("/v1/groups/{name}");
            let renamed = acme.owner.patch(&path, json!({ "name": "Ours", "permissions": [] })).await;
            renamed.assert_problem(409, "system_group");
            acme.owner.delete(&path).await.assert_problem(409, "system_group");
        }
    });
}

#[test]
fn a_group_with_members_is_not_deleted() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let group = group_of_ones_own(&acme, json!(["shows:read"])).await;
        let robot = Robot::new(&acme, json!([group]), false).await;
        let path = format!("/v1/groups/{group}");

        acme.owner.delete(&path).await.assert_problem(409, "group_has_members");
        let members = acme.owner.get(&format!("{path}/members")).await.data();
        assert_eq!(members[0]["member_id"], robot.id());
        assert_eq!(acme.owner.delete(&format!("{path}/members/{}", robot.id())).await.status, 204);
        assert_eq!(acme.owner.delete(&path).await.status, 204);
        acme.owner.get(&path).await.assert_problem(404, "not_found");
    });
}

#[test]
fn a_group_that_newcomers_join_is_not_deleted() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let owner = Robot::new(&acme, json!(["owners"]), true).await;
        let group = group_of_ones_own(&acme, json!(["shows:read"])).await;
        let path = format!("/v1/groups/{group}");
        let mut settings = saml();
        settings["join_group"] = json!(group);
        put(&owner.sign_in().await, &settings).await.data();

        let refused = owner.sign_in().await.delete(&path).await;
        let foreign = globex.owner.delete(&path).await;
        settings["join_group"] = json!("analysts");
        put(&owner.sign_in().await, &settings).await.data();
        let deleted = owner.sign_in().await.delete(&path).await;

        refused.assert_problem(409, "group_has_newcomers");
        assert!(refused.json()["detail"].as_str().unwrap().contains("PUT /v1/tenancy/sso"), "{refused:?}");
        foreign.assert_problem(404, "not_found");
        assert_eq!(deleted.status, 204);
    });
}

#[test]
fn a_membership_in_one_show_reaches_that_show_alone() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (mine, other) = (acme.show("public").await, acme.show("public").await);
        let robot = Robot::new(&acme, json!([]), false).await;
        put_member(&acme, "editors", robot.id(), json!({ "shows": [id(&mine)] })).await.data();
        let editor = robot.sign_in().await;
        let draft = json!({ "title": "Draft", "description": "About it." });
        let episodes = |show: &Value| format!("/v1/shows/{}/episodes", id(show));
        let secret = acme.editor.post(&episodes(&other), draft.clone()).await.data();

        let shows = editor.get("/v1/shows").await.data();
        let made = editor.post(&episodes(&mine), draft.clone()).await.data();

        assert_eq!((shows.as_array().unwrap().len(), &shows[0]["id"]), (1, &mine["id"]));
        assert_eq!(editor.get(&format!("/v1/episodes/{}", id(&made))).await.status, 200);
        let elsewhere = editor.post(&episodes(&other), draft.clone()).await;
        let nowhere = editor.post("/v1/shows/shw_01ARZ3NDEKTSV4RRFFQ69G5FAV/episodes", draft).await;
        elsewhere.assert_problem(404, "not_found");
        assert_eq!(elsewhere.problem_without_id(), nowhere.problem_without_id());
        let path = format!("/v1/episodes/{}", id(&secret));
        editor.get(&path).await.assert_problem(404, "not_found");
        editor.patch(&path, json!({ "title": "Taken" })).await.assert_problem(404, "not_found");
        editor.post(&format!("{path}/publish"), json!({})).await.assert_problem(404, "not_found");
        let show = json!({
            "slug": unique("show"), "title": "T", "description": "D", "language": "en", "category": "News",
            "author": "A", "visibility": "public",
        });
        editor.post("/v1/shows", show).await.assert_problem(403, "permission_denied");
    });
}

#[test]
fn an_upload_for_one_show_is_seen_by_those_whose_access_covers_it() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (mine, other) = (acme.show("public").await, acme.show("public").await);
        let robot = Robot::new(&acme, json!([]), false).await;
        put_member(&acme, "contributors", robot.id(), json!({ "shows": [id(&mine)] })).await.data();
        let contributor = robot.sign_in().await;
        let new = |show: Value| json!({ "file_name": "a.mp3", "content_type": "audio/mpeg", "size_bytes": 9, "show_id": show });

        let ours = contributor.post("/v1/uploads", new(mine["id"].clone())).await.data();
        let theirs = acme.editor.post("/v1/uploads", new(other["id"].clone())).await.data();

        for refused in [json!(null), other["id"].clone(), json!("shw_01ARZ3NDEKTSV4RRFFQ69G5FAV")] {
            let answer = contributor.post("/v1/uploads", new(refused)).await;
            answer.assert_problem(422, "invalid_request");
            assert_eq!(answer.json()["errors"][0]["pointer"], "/show_id");
        }
        let seen = contributor.get("/v1/uploads").await.data();
        assert_eq!((seen.as_array().unwrap().len(), &seen[0]["id"]), (1, &ours["id"]));
        for suffix in ["", "/complete"] {
            let path = format!("/v1/uploads/{}{suffix}", id(&theirs));
            let method = if suffix.is_empty() { Method::GET } else { Method::POST };
            contributor.send(method, &path, &[], "").await.assert_problem(404, "not_found");
        }
        contributor.delete(&format!("/v1/uploads/{}", id(&theirs))).await.assert_problem(404, "not_found");
    });
}

#[test]
fn a_membership_names_shows_of_its_own_tenancy() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let (foreign, robot) = (globex.show("public").await, Robot::new(&acme, json!([]), false).await);
        for show in [id(&foreign), "shw_01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
            let answer = put_member(&acme, "editors", robot.id(), json!({ "shows": [show] })).await;
            answer.assert_problem(422, "invalid_request");
            assert_eq!(answer.json()["errors"][0]["pointer"], "/shows/0");
        }
    });
}

#[test]
fn administration_asks_for_a_second_factor() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let robot = Robot::new(&acme, json!(["owners"]), false).await;
        let owner = robot.sign_in().await;

        owner.post("/v1/groups", json!({ "name": "x" })).await.assert_problem(403, "mfa_required");
        owner.delete(&format!("/v1/clients/{}", robot.id())).await.assert_problem(403, "mfa_required");
        assert_eq!(owner.get("/v1/users").await.status, 200);
        assert_eq!(owner.get("/v1/me").await.data()["mfa_at"], Value::Null);
        assert_ne!(acme.owner.get("/v1/me").await.data()["mfa_at"], Value::Null);
    });
}

#[test]
fn nobody_gives_or_takes_what_they_do_not_have() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let rights = json!([
            "members:manage",
            "groups:update",
            "clients:create",
            "clients:rotate",
            "clients:revoke",
            "users:invite",
            "shows:read",
        ]);
        let group = group_of_ones_own(&acme, rights).await;
        let helper = Robot::new(&acme, json!([group]), true).await;
        let owner = Robot::new(&acme, json!(["owners"]), true).await;
        let them = helper.sign_in().await;
        let put = async |group: &str, member: &str| {
            them.send(Method::PUT, &format!("/v1/groups/{group}/members/{member}"), &[], "{}").await
        };

        put("owners", helper.id()).await.assert_problem(403, "permission_denied");
        put("analysts", helper.id()).await.assert_problem(403, "permission_denied");
        let more = them.patch(&format!("/v1/groups/{group}"), json!({ "permissions": ["audit:read"] })).await;
        assert!(matches!(more.status.as_u16(), 403 | 422), "{more:?}");
        let more = json!({ "permissions": ["users:remove"] });
        them.patch(&format!("/v1/groups/{group}"), more).await.assert_problem(403, "permission_denied");
        let client = json!({ "name": "x", "groups": ["owners"] });
        them.post("/v1/clients", client).await.assert_problem(403, "permission_denied");
        let user = json!({ "name": "x", "email": "x@x.example", "groups": ["owners"] });
        them.post("/v1/users", user).await.assert_problem(403, "permission_denied");
        let path = format!("/v1/clients/{}", owner.id());
        them.post(&format!("{path}/rotate"), json!({})).await.assert_problem(403, "permission_denied");
        them.delete(&path).await.assert_problem(403, "permission_denied");
        let out = format!("/v1/groups/owners/members/{}", owner.id());
        them.delete(&out).await.assert_problem(403, "permission_denied");
        let peer = Robot::new(&acme, json!([]), false).await;
        assert_eq!(put(&group, peer.id()).await.status, 200, "what they have they may give");
        assert_eq!(owner.sign_in().await.get("/v1/me").await.status, 200);
    });
}

#[test]
fn the_last_owner_cannot_go() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let first = acme.owner.get("/v1/me").await.data()["principal_id"].as_str().unwrap().to_owned();
        let membership = format!("/v1/groups/owners/members/{first}");

        acme.owner.delete(&membership).await.assert_problem(409, "last_owner");
        acme.owner.delete(&format!("/v1/clients/{first}")).await.assert_problem(409, "last_owner");
        let show = acme.show("public").await;
        let scoped = put_member(&acme, "owners", &first, json!({ "shows": [id(&show)] })).await;
        scoped.assert_problem(409, "last_owner");

        let second = Robot::new(&acme, json!(["owners"]), true).await;
        assert_eq!(acme.owner.delete(&membership).await.status, 204);
        let second = second.sign_in().await;
        let me = second.get("/v1/me").await.data()["principal_id"].as_str().unwrap().to_owned();
        let last = second.delete(&format!("/v1/groups/owners/members/{me}")).await;
        last.assert_problem(409, "last_owner");
    });
}

#[test]
fn two_owners_who_take_each_other_out_leave_one() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let second = Robot::new(&acme, json!(["owners"]), true).await;
        let other = second.sign_in().await;
        let first = acme.owner.get("/v1/me").await.data()["principal_id"].as_str().unwrap().to_owned();
        other.get("/v1/me").await.data();
        let paths = [second.id(), first.as_str()].map(|member| format!("/v1/groups/owners/members/{member}"));

        let (one, two) = tokio::join!(acme.owner.delete(&paths[0]), other.delete(&paths[1]));

        let gone = [one.status, two.status].iter().filter(|status| **status == 204).count();
        assert_eq!(gone, 1, "{one:?} {two:?}");
    });
}

#[test]
fn what_changes_a_members_access_ends_their_sessions() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let group = group_of_ones_own(&acme, json!(["shows:read"])).await;
        let robot = Robot::new(&acme, json!([group]), false).await;
        let bystander = Robot::new(&acme, json!(["editors"]), false).await;

        let before = robot.sign_in().await;
        let other = bystander.sign_in().await;
        put_member(&acme, "analysts", robot.id(), json!({})).await.data();
        before.get("/v1/me").await.assert_problem(401, "unauthenticated");
        assert_eq!(other.get("/v1/me").await.status, 200, "somebody else's session goes on");

        let before = robot.sign_in().await;
        let permissions = json!({ "permissions": ["episodes:read"] });
        acme.owner.patch(&format!("/v1/groups/{group}"), permissions).await.data();
        before.get("/v1/me").await.assert_problem(401, "unauthenticated");
        let after = robot.sign_in().await.get("/v1/me").await.data();
        assert!(after["permissions"].as_array().unwrap().contains(&json!("episodes:read")));
    });
}

#[test]
fn a_rotated_secret_opens_nothing_any_more() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let old = Robot::new(&acme, json!(["editors"]), false).await;
        let session = old.sign_in().await;

        let path = format!("/v1/clients/{}/rotate", old.id());
        let rotated = acme.owner.post(&path, json!({})).await.data();

        let new = Robot::of(stack, &rotated);
        assert_eq!(old.try_to_sign_in().await.status, 401);
        session.get("/v1/me").await.assert_problem(401, "unauthenticated");
        assert_eq!(new.sign_in().await.get("/v1/me").await.status, 200);
        let secret = rotated["client_secret"].as_str().unwrap();
        let listed = acme.owner.get("/v1/clients").await;
        assert!(!String::from_utf8_lossy(&listed.body).contains(secret));
        let clients = listed.data();
        let mine = clients.as_array().unwrap().iter().find(|client| client["client_id"] == new.id()).unwrap();
        assert!(secret.starts_with(mine["secret_prefix"].as_str().unwrap()));
    });
}

#[test]
fn a_revoked_client_is_out() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let robot = Robot::new(&acme, json!(["editors"]), false).await;
        let session = robot.sign_in().await;

        assert_eq!(acme.owner.delete(&format!("/v1/clients/{}", robot.id())).await.status, 204);

        session.get("/v1/me").await.assert_problem(401, "unauthenticated");
        assert_eq!(robot.try_to_sign_in().await.status, 401);
        acme.owner.delete(&format!("/v1/clients/{}", robot.id())).await.assert_problem(404, "not_found");
    });
}

#[test]
fn who_signs_out_is_out() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let robot = Robot::new(&acme, json!(["editors"]), false).await;
        let (session, other) = (robot.sign_in().await, robot.sign_in().await);
        let url = format!("{}/oauth/revoke", stack.api());
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let revoke =
            async |token: &str| send(stack, Method::POST, &url, &form, format!("token={token}")).await.status;

        assert_eq!(revoke(&session.token).await, 200);
        assert_eq!(revoke("nonsense").await, 200, "RFC 7009: what is no token has ended already");

        session.get("/v1/me").await.assert_problem(401, "unauthenticated");
        assert_eq!(other.get("/v1/me").await.status, 200, "one session ended, not all");
    });
}

#[test]
fn an_address_is_one_persons_in_a_tenancy() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let user = |email: &str| json!({ "name": "Ida", "email": email });
        let invited = acme.owner.post("/v1/users", user("Ida@Mail.example")).await.data();

        assert_eq!(invited["state"], "invited");
        assert!(invited["invitation"]["secret"].as_str().is_some_and(|secret| secret.len() == 43));
        acme.owner.post("/v1/users", user("ida@mail.example")).await.assert_problem(409, "email_taken");
        assert_eq!(globex.owner.post("/v1/users", user("ida@mail.example")).await.status, 201);
        assert_eq!(acme.owner.delete(&format!("/v1/users/{}", id(&invited))).await.status, 204);
        assert_eq!(acme.owner.post("/v1/users", user("ida@mail.example")).await.status, 201);
    });
}

#[test]
fn a_review_says_who_may_do_what_and_is_attested() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let robot = Robot::new(&acme, json!([]), false).await;
        put_member(&acme, "editors", robot.id(), json!({ "shows": [id(&show)] })).await.data();
        let owner = acme.owner.get("/v1/me").await.data()["principal_id"].clone();

        let review = acme.owner.get("/v1/access-review").await.data();
        let as_csv = [("accept", "application/json;q=0.5, Text/CSV")];
        let csv = acme.owner.send(Method::GET, "/v1/access-review", &as_csv, "").await;
        let attest = async |sha256: &Value| {
            acme.owner.post("/v1/access-review/attestations", json!({ "review_sha256": sha256 })).await
        };
        let attested = attest(&review["sha256"]).await.data();
        put_member(&acme, "analysts", robot.id(), json!({})).await.data();
        let outdated = attest(&review["sha256"]).await;

        let rows = review["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["member_id"] == robot.id()).unwrap();
        assert_eq!((&row["group"], &row["shows"]), (&json!("editors"), &json!([show["id"]])));
        assert_eq!((&row["granted_by"], &row["second_factor"]), (&owner, &json!("none")));
        assert_eq!(row["last_active_at"], Value::Null, "it has not signed in yet");
        let first = rows.iter().find(|row| row["member_id"] == owner).unwrap();
        assert!(first["last_active_at"].is_string() && first["second_factor"] == "vouched_for", "{first}");
        assert!(rows.iter().any(|row| row["email"].is_string() && row["state"] == "invited"));
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
        let csv = String::from_utf8(csv.body.to_vec()).unwrap();
        assert_eq!(csv.lines().count(), 1 + rows.len(), "{csv}");
        assert!(csv.contains(robot.id()) && csv.contains(id(&show)), "{csv}");
        assert_eq!((&attested["attested_by"], &attested["rows"]), (&owner, &json!(rows.len())));
        outdated.assert_problem(409, "review_changed");
        let kept = acme.owner.get("/v1/access-review/attestations").await.data();
        assert_eq!(kept, json!([attested]));
    });
}

#[test]
fn a_review_is_read_page_by_page_and_whole_as_csv() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let robot = Robot::new(&acme, json!(["editors", "analysts", "auditors"]), false).await;
        let whole = acme.owner.get("/v1/access-review").await.json();

        let (mut rows, mut pages, mut cursor) = (Vec::new(), 0, String::new());
        loop {
            let page = acme.owner.get(&format!("/v1/access-review?limit=2{cursor}")).await.json();
            assert_eq!(page["data"]["sha256"], whole["data"]["sha256"]);
            rows.extend(page["data"]["rows"].as_array().unwrap().iter().cloned());
            pages += 1;
            let Some(next) = page["page"]["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let csv = [("accept", "text/csv")];
        let csv = acme.owner.send(Method::GET, "/v1/access-review?limit=2", &csv, "").await;
        let foreign = globex.owner.get(&format!("/v1/access-review?limit=2{cursor}")).await;

        assert_eq!((&whole["data"]["rows"], &whole["page"]["next"]), (&json!(rows), &Value::Null));
        assert_eq!(
            (rows.len(), pages),
            (7, 4),
            "owner, editor, viewer, first owner, and the robot three times"
        );
        assert_eq!(rows.iter().filter(|row| row["member_id"] == robot.id()).count(), 3);
        assert_eq!(String::from_utf8_lossy(&csv.body).lines().count(), 1 + rows.len());
        foreign.assert_problem(400, "bad_request");
        acme.owner.get("/v1/access-review?limit=201").await.assert_problem(400, "bad_request");
    });
}
