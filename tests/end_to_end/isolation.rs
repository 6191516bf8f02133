//! The wrong tenancy, at every route of the template: a foreign id answers exactly as one that never was.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::{
    actors::{Actor, Tenant, send},
    audio::mp3,
    exporting,
    flow::{draft, id},
    world::{run, unique},
};

const PAST: &str = "2020-01-01T00:00:00Z";

/// What acme has, by the parameter of the path that names it.
pub struct Belongings {
    user: String,
    group: String,
    client: String,
    show: String,
    episode: String,
    upload: String,
    listener: String,
    export: String,
    deletion: String,
    import: String,
}

impl Belongings {
    pub async fn of(tenant: &Tenant) -> Self {
        let show = tenant.show("public").await;
        let private = tenant.show("private").await;
        let episode = draft(tenant, &show, "Secret", &mp3(61, &unique("audio"))).await;
        let listeners = format!("/v1/shows/{}/listeners", id(&private));
        let listener = tenant.editor.post(&listeners, json!({ "label": "Somebody" })).await.data();
        let new = json!({ "file_name": "secret.mp3", "content_type": "audio/mpeg", "size_bytes": 9 });
        let upload = tenant.editor.post("/v1/uploads", new).await.data();
        let deleted = draft(tenant, &show, "Deleted", &mp3(61, &unique("audio"))).await;
        let scope = json!({ "scope": { "kind": "episode", "episode_id": id(&deleted) } });
        let deletion = tenant.owner.post("/v1/deletions", scope).await.data();
        let import = json!({ "source": { "kind": "feed_file", "size_bytes": 9 } });
        let import = tenant.owner.post("/v1/imports", import).await.data();
        let user = json!({ "name": "Somebody", "email": format!("{}@acme.example", unique("somebody")) });
        let user = tenant.owner.post("/v1/users", user).await.data();
        let group = tenant.owner.post("/v1/groups", json!({ "name": "Night desk" })).await.data();
        let client = tenant.owner.post("/v1/clients", json!({ "name": "Robot" })).await.data();
        let member = format!("/v1/groups/{}/members/{}", id(&group), id(&user));
        tenant.owner.send(Method::PUT, &member, &[], "{}").await.data();
        let export = exporting::request(tenant, exporting::everything()).await;
        exporting::wait(tenant, &export).await;
        Self {
            export: export.rsplit('/').next().unwrap().to_owned(),
            user: id(&user).to_owned(),
            group: id(&group).to_owned(),
            client: client["client_id"].as_str().unwrap().to_owned(),
            show: id(&show).to_owned(),
            episode: id(&episode).to_owned(),
            upload: id(&upload).to_owned(),
            listener: id(&listener).to_owned(),
            deletion: id(&deletion).to_owned(),
            import: id(&import).to_owned(),
        }
    }

    pub fn fill(&self, path: &str) -> String {
        path.replace("{user}", &self.user)
            .replace("{member}", &self.user)
            .replace("{group}", &self.group)
            .replace("{client}", &self.client)
            .replace("{show}", &self.show)
            .replace("{episode}", &self.episode)
            .replace("{upload}", &self.upload)
            .replace("{listener}", &self.listener)
            .replace("{export}", &self.export)
            .replace("{archive}", "1")
            .replace("{deletion}", &self.deletion)
            .replace("{held}", &self.show)
            .replace("{import}", &self.import)
    }
}

pub fn missing(path: &str) -> String {
    const ULID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    path.replace("{user}", &format!("usr_{ULID}"))
        .replace("{member}", &format!("usr_{ULID}"))
        .replace("{group}", &format!("grp_{ULID}"))
        .replace("{client}", &format!("key_{ULID}"))
        .replace("{show}", &format!("shw_{ULID}"))
        .replace("{episode}", &format!("epi_{ULID}"))
        .replace("{upload}", &format!("upl_{ULID}"))
        .replace("{listener}", &format!("lsn_{ULID}"))
        .replace("{export}", &format!("exp_{ULID}"))
        .replace("{archive}", "1")
        .replace("{deletion}", &format!("del_{ULID}"))
        .replace("{held}", &format!("shw_{ULID}"))
        .replace("{import}", &format!("imp_{ULID}"))
}

/// Every route of the tenancy API behind the authorizer, with a body that would do.
pub fn routes() -> Vec<(Method, &'static str, Value)> {
    let none = || json!({});
    vec![
        (Method::GET, "/v1/me", none()),
        (
            Method::POST,
            "/v1/tenancies",
            json!({ "name": "x", "owner": { "name": "x", "email": "x@x.example" } }),
        ),
        (Method::GET, "/v1/tenancy", none()),
        (Method::PATCH, "/v1/tenancy", json!({ "name": "taken" })),
        (Method::GET, "/v1/tenancy/sso", none()),
        (
            Method::PUT,
            "/v1/tenancy/sso",
            json!({ "protocol": "saml", "metadata_url": "https://idp.example/metadata" }),
        ),
        (Method::DELETE, "/v1/tenancy/sso", none()),
        (Method::GET, "/v1/users", none()),
        (
            Method::POST,
            "/v1/users",
            json!({ "name": "x", "email": format!("{}@x.example", unique("x")), "groups": ["analysts"] }),
        ),
        (Method::GET, "/v1/users/{user}", none()),
        (Method::PATCH, "/v1/users/{user}", json!({ "state": "suspended" })),
        (Method::DELETE, "/v1/users/{user}", none()),
        (Method::POST, "/v1/users/{user}/invitation", none()),
        (Method::GET, "/v1/groups", none()),
        (Method::POST, "/v1/groups", json!({ "name": "x" })),
        (Method::GET, "/v1/groups/{group}", none()),
        (Method::PATCH, "/v1/groups/{group}", json!({ "name": "taken" })),
        (Method::DELETE, "/v1/groups/{group}", none()),
        (Method::GET, "/v1/groups/{group}/members", none()),
        (Method::PUT, "/v1/groups/{group}/members/{member}", none()),
        (Method::DELETE, "/v1/groups/{group}/members/{member}", none()),
        (Method::GET, "/v1/access-review", none()),
        (Method::GET, "/v1/access-review/attestations", none()),
        (Method::POST, "/v1/access-review/attestations", json!({ "review_sha256": "0".repeat(64) })),
        (Method::GET, "/v1/clients", none()),
        (Method::POST, "/v1/clients", json!({ "name": "x", "groups": ["analysts"] })),
        (Method::DELETE, "/v1/clients/{client}", none()),
        (Method::POST, "/v1/clients/{client}/rotate", none()),
        (Method::GET, "/v1/audit-events", none()),
        (Method::GET, "/v1/audit-events/verification", none()),
        (Method::GET, "/v1/shows", none()),
        (
            Method::POST,
            "/v1/shows",
            json!({ "slug": unique("show"), "title": "x", "description": "x", "language": "en",
                    "category": "News", "author": "x", "visibility": "public" }),
        ),
        (Method::GET, "/v1/shows/{show}", none()),
        (Method::PATCH, "/v1/shows/{show}", json!({ "title": "taken" })),
        (Method::GET, "/v1/shows/{show}/feed-report", none()),
        (Method::PUT, "/v1/shows/{show}/redirect", json!({ "feed_url": "https://x.example/feed" })),
        (Method::DELETE, "/v1/shows/{show}/redirect", none()),
        (Method::PUT, "/v1/shows/{show}/end", none()),
        (Method::DELETE, "/v1/shows/{show}/end", none()),
        (Method::GET, "/v1/shows/{show}/episodes", none()),
        (Method::POST, "/v1/shows/{show}/episodes", json!({ "title": "x", "description": "x" })),
        (Method::GET, "/v1/shows/{show}/listeners", none()),
        (Method::POST, "/v1/shows/{show}/listeners", json!({ "label": "x" })),
        (Method::GET, "/v1/episodes/{episode}", none()),
        (Method::PATCH, "/v1/episodes/{episode}", json!({ "title": "taken" })),
        (Method::POST, "/v1/episodes/{episode}/publish", none()),
        (Method::POST, "/v1/episodes/{episode}/unpublish", none()),
        (Method::GET, "/v1/listeners/{listener}", none()),
        (Method::PATCH, "/v1/listeners/{listener}", json!({ "label": "taken", "expires_at": PAST })),
        (Method::DELETE, "/v1/listeners/{listener}", none()),
        (Method::POST, "/v1/listeners/{listener}/rotate", none()),
        (Method::POST, "/v1/listeners/{listener}/suspend", json!({ "reason": "taken" })),
        (Method::POST, "/v1/listeners/{listener}/resume", none()),
        (Method::GET, "/v1/uploads", none()),
        (
            Method::POST,
            "/v1/uploads",
            json!({ "file_name": "a", "content_type": "audio/mpeg", "size_bytes": 1 }),
        ),
        (Method::GET, "/v1/uploads/{upload}", none()),
        (Method::DELETE, "/v1/uploads/{upload}", none()),
        (Method::POST, "/v1/uploads/{upload}/complete", none()),
        (Method::GET, "/v1/exports", none()),
        (Method::POST, "/v1/exports", exporting::everything()),
        (Method::GET, "/v1/exports/{export}", none()),
        (Method::DELETE, "/v1/exports/{export}", none()),
        (Method::GET, "/v1/exports/{export}/archives/{archive}", none()),
        (Method::GET, "/v1/deletions", none()),
        (
            Method::POST,
            "/v1/deletions",
            json!({ "scope": { "kind": "show", "show_id": "shw_01ARZ3NDEKTSV4RRFFQ69G5FAV" } }),
        ),
        (Method::GET, "/v1/deletions/{deletion}", none()),
        (Method::POST, "/v1/deletions/{deletion}/approve", none()),
        (Method::POST, "/v1/deletions/{deletion}/cancel", none()),
        (Method::GET, "/v1/legal-holds", none()),
        (Method::PUT, "/v1/legal-holds/{held}", json!({ "reason": "taken" })),
        (Method::DELETE, "/v1/legal-holds/{held}", none()),
        (Method::GET, "/v1/imports", none()),
        (Method::POST, "/v1/imports", json!({ "source": { "kind": "feed_file", "size_bytes": 9 } })),
        (Method::GET, "/v1/imports/{import}", none()),
        (Method::GET, "/v1/imports/{import}/items", none()),
        (Method::POST, "/v1/imports/{import}/start", none()),
        (Method::DELETE, "/v1/imports/{import}", none()),
    ]
}

pub async fn call(actor: &Actor, method: &Method, path: &str, body: &Value) -> crate::actors::Answer {
    let body = if *method == Method::GET { Bytes::new() } else { body.to_string().into() };
    actor.send(method.clone(), path, &[], body).await
}

/// A new route fails here until it has its line above.
#[test]
fn every_route_has_its_line_here() {
    let tested: BTreeSet<_> =
        routes().into_iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    let built: BTreeSet<_> = [
        tenancy::routes().list(),
        tenancy::provision_routes().list(),
        tenancy::sso_routes().list(),
        shows::routes().list(),
        uploads::routes().list(),
        export::routes().list(),
        deletion::routes().list(),
    ]
    .concat()
    .into_iter()
    // A certificate needs no caller, and names nobody.
    .filter(|route| route.contains(" /v1/"))
    .collect();
    assert_eq!(tested, built);
}

#[test]
fn a_foreign_id_equals_a_missing_id() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let acmes = Belongings::of(&acme).await;

        for (method, path, body) in routes().into_iter().filter(|(_, path, _)| path.contains('{')) {
            let foreign = call(&globex.owner, &method, &acmes.fill(path), &body).await;
            let absent = call(&globex.owner, &method, &missing(path), &body).await;

            foreign.assert_problem(404, "not_found");
            assert_eq!(foreign.problem_without_id(), absent.problem_without_id(), "{method} {path}");
        }

        for path in [
            "/v1/shows/{show}",
            "/v1/episodes/{episode}",
            "/v1/uploads/{upload}",
            "/v1/users/{user}",
            "/v1/groups/{group}",
            "/v1/listeners/{listener}",
            "/v1/exports/{export}",
            "/v1/imports/{import}",
        ] {
            let still_there = acme.owner.get(&acmes.fill(path)).await.data();
            assert!(!still_there.to_string().contains("taken"), "{path} was changed: {still_there}");
            assert_ne!(still_there["state"], "expired", "{path} was changed: {still_there}");
            assert_ne!(still_there["state"], "cancelled", "{path} was changed: {still_there}");
        }
    });
}

#[test]
fn listings_hold_ones_own() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let acmes = Belongings::of(&acme).await;
        let theirs = [
            &acme.id,
            &acmes.user,
            &acmes.group,
            &acmes.client,
            &acmes.show,
            &acmes.episode,
            &acmes.upload,
            &acmes.listener,
            &acmes.export,
            &acmes.deletion,
            &acmes.import,
        ];

        for (method, path, _) in routes() {
            if method == Method::GET && !path.contains('{') {
                let answer = globex.owner.get(path).await;
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                assert_eq!(answer.status, 200, "{path}: {text}");
                assert!(theirs.iter().all(|id| !text.contains(*id)), "{path} shows acme's: {text}");
            }
        }
    });
}

#[test]
fn nothing_in_a_request_chooses_the_tenancy() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        acme.show("public").await;
        let headers = [
            ("x-tenancy-id", acme.id.as_str()),
            ("x-amz-tenant-id", acme.id.as_str()),
            ("data_token", acme.owner.token.as_str()),
            ("x-amzn-requestcontext", acme.id.as_str()),
        ];
        let query = format!("?tenancy_id={0}&TenancyId={0}&data_token={1}", acme.id, acme.owner.token);

        let tenancy =
            globex.owner.send(Method::GET, &format!("/v1/tenancy{query}"), &headers, "").await.data();
        let shows = globex.owner.send(Method::GET, &format!("/v1/shows{query}"), &headers, "").await.data();
        let new = json!({ "name": "x", "groups": ["analysts"], "tenancy_id": acme.id });
        let client = globex.owner.post("/v1/clients", new).await;

        assert_eq!(tenancy["id"], globex.id);
        assert_eq!(shows, json!([]));
        client.assert_problem(422, "invalid_request");
    });
}

#[test]
fn a_cursor_of_another_tenancy_is_refused() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        for _ in 0..3 {
            acme.show("public").await;
        }
        let first = acme.owner.get("/v1/shows?limit=2").await.json();
        let cursor = first["page"]["next"].as_str().unwrap();

        let second = acme.owner.get(&format!("/v1/shows?limit=2&cursor={cursor}")).await.json();
        let foreign = globex.owner.get(&format!("/v1/shows?cursor={cursor}")).await;

        assert_eq!(
            (first["data"].as_array().unwrap().len(), second["data"].as_array().unwrap().len()),
            (2, 1)
        );
        assert_eq!(second["page"]["next"], Value::Null);
        foreign.assert_problem(400, "bad_request");
    });
}

#[test]
fn without_a_token_nothing_answers() {
    run(async |stack| {
        for (method, path, body) in routes() {
            let url = format!("{}{}", stack.api(), missing(path));
            let answer = send(stack, method.clone(), &url, &[], body.to_string()).await;
            answer.assert_problem(401, "unauthenticated");
        }
    });
}

#[test]
fn a_viewer_changes_nothing() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let acmes = Belongings::of(&acme).await;
        for (method, path, body) in routes().into_iter().filter(|(method, _, _)| *method != Method::GET) {
            let answer = call(&acme.viewer, &method, &acmes.fill(path), &body).await;
            // Making tenancies is nothing that a tenancy's callers may know of.
            let expected =
                if path == "/v1/tenancies" { (404, "not_found") } else { (403, "permission_denied") };
            answer.assert_problem(expected.0, expected.1);
        }
    });
}

#[test]
fn an_operator_sees_into_no_tenancy() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let acmes = Belongings::of(&acme).await;
        let operator = Actor::sign_in(stack, stack.operator()).await;
        for (method, path, body) in routes().into_iter().filter(|(_, path, _)| *path != "/v1/tenancies") {
            call(&operator, &method, &acmes.fill(path), &body).await.assert_problem(404, "not_found");
        }
    });
}
