//! Hostile callers, at every route: nothing leaks, nothing changes, and nobody sees anybody else's, however close they sit.

use std::{collections::BTreeMap, sync::Arc};

use deletion::Deletions;
use domain::Addresses;
use http::Method;
use identity::People;
use lambda_kit::{Api, Router, SystemClock};
use local::Stack;
use serde_json::{Value, json};
use shows::Shows;
use storage::Storage;
use tenancy::Admin;

use crate::{
    actors::{Actor, Tenant},
    instance::{event, storage},
    isolation::{Belongings, call, routes},
    walls::data_token,
    world::run,
};

/// What the owner reads at every address that can be read, without what is new at each reading.
async fn everything_of(tenant: &Tenant, belongings: &Belongings) -> BTreeMap<String, Value> {
    let mut read = BTreeMap::new();
    for (method, path, _) in routes() {
        if method == Method::GET && !path.starts_with("/v1/audit-events") {
            let path = belongings.fill(path);
            let mut answer = tenant.owner.get(&path).await.json();
            if let Some(data) = answer["data"].as_object_mut() {
                // URLs are signed anew.
                data.remove("upload");
                data.remove("parts");
                data.remove("url");
                data.remove("url_expires_at");
                data.remove("files");
            }
            read.insert(path, answer);
        }
    }
    read
}

#[test]
fn a_hostile_owner_of_another_tenancy_learns_and_changes_nothing() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let acmes = Belongings::of(&acme).await;
        let before = everything_of(&acme, &acmes).await;
        let cursor = acme.owner.get("/v1/shows?limit=1").await.json()["page"]["next"].clone();
        let query = format!("?tenancy_id={}&cursor={}", acme.id, cursor.as_str().unwrap());
        let headers = [
            ("x-tenancy-id", acme.id.as_str()),
            ("x-amz-tenant-id", acme.id.as_str()),
            ("x-amzn-requestcontext", acme.id.as_str()),
            ("x-amz-security-token", acme.owner.token.as_str()),
        ];

        for (method, path, mut body) in routes().into_iter().filter(|(_, path, _)| path.contains('{')) {
            for with_tenancy in [false, true] {
                if with_tenancy {
                    body["tenancy_id"] = json!(acme.id);
                }
                let url = format!("{}{query}", acmes.fill(path));
                let answer = globex.owner.send(method.clone(), &url, &headers, body.to_string()).await;

                let status = answer.status.as_u16();
                assert!(matches!(status, 400 | 404 | 422), "{method} {path}: {status}");
                let text = String::from_utf8_lossy(&answer.body);
                assert!(!text.contains(&acme.id), "{method} {path} shows acme's id: {text}");
                assert!(!text.contains("Secret"), "{method} {path} shows acme's: {text}");
            }
        }

        assert_eq!(everything_of(&acme, &acmes).await, before);
    });
}

#[test]
fn a_revoked_client_gets_in_nowhere() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let acmes = Belongings::of(&acme).await;
        let new = json!({ "name": "Robot", "groups": ["owners"], "is_vouched_for": true });
        let robot = acme.owner.post("/v1/clients", new).await.data();
        let credentials = local::Client {
            client_id: robot["client_id"].as_str().unwrap().to_owned(),
            client_secret: robot["client_secret"].as_str().unwrap().to_owned(),
        };
        let revoked = Actor::sign_in(stack, &credentials).await;
        let path = format!("/v1/clients/{}", credentials.client_id);
        assert_eq!(acme.owner.delete(&path).await.status, 204);

        for (method, path, body) in routes() {
            let answer = call(&revoked, &method, &acmes.fill(path), &body).await;
            answer.assert_problem(401, "unauthenticated");
        }
    });
}

#[test]
fn two_tenancies_on_one_warm_function_never_see_each_other() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let (acmes, globexs) = (acme.show("public").await, globex.show("public").await);

        for request in 0..1_000 {
            let (tenant, own) = if request % 2 == 0 { (&acme, &acmes) } else { (&globex, &globexs) };
            let shows = tenant.owner.get("/v1/shows").await.data();
            assert_eq!(shows.as_array().unwrap().len(), 1, "request {request}");
            assert_eq!(shows[0]["id"], own["id"], "request {request}");
        }
    });
}

/// A function whose tables are others than its role may use: what reaches them is our fault, and answered 500.
async fn without_tables(stack: &Stack, function: &str) -> Storage {
    let others =
        [("TENANT_TABLE", "another-table"), ("DIRECTORY_TABLE", "another-table"), ("TOMBSTONE_BUCKET", "")];
    storage(stack, function, Arc::new(SystemClock), &others).await
}

/// Sends every route of `router` each bad id in each place, and one id that could be, which proves that the store would be asked.
async fn send_bad_ids<A: Send + Sync + 'static>(app: A, router: &Router<A>, data_token: &str) {
    let app = Arc::new(app);
    for route in router.list().iter().filter(|route| route.contains('{')) {
        let (method, path) = route.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let places: Vec<&str> = path.split('/').filter(|segment| segment.starts_with('{')).collect();
        let fill = |bad: Option<(&str, &str)>| {
            let segments = path.split('/').map(|segment| match (segment, bad) {
                (segment, Some((place, id))) if segment == place => id.to_owned(),
                ("{group}", _) => "grp_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
                ("{user}" | "{member}", _) => "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
                ("{client}", _) => "key_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
                ("{show}", _) => "shw_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
                ("{episode}", _) => "epi_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
                ("{upload}", _) => "upl_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
                ("{listener}", _) => "lsn_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
                ("{deletion}", _) => "del_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
                ("{held}", _) => "shw_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
                (segment, _) => segment.to_owned(),
            });
            segments.collect::<Vec<_>>().join("/")
        };
        for place in places {
            for id in [
                "*",
                "?",
                "#",
                "",
                "%2F",
                "%2A",
                "shw_",
                "shw_01arz3ndektsv4rrffq69g5fav",
                "shw_01ARZ3NDEKTSV4RRFFQ69G5FAVV",
                "shw_01ARZ3NDEKTSV4RRFFQ69G5F%D0%90",
                "shw_01ARZ3NDEKTSV4RRFFQ69G5FА",
                "shw_01ARZ3NDEKTSV4RRFFQ69G5F*V",
                "../shw_01ARZ3NDEKTSV4RRFFQ69G5FAV",
                "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            ] {
                let path = fill(Some((place, id)));
                let answer = router.answer(&app, event(data_token, &method, &path, &json!({}))).await;
                let status = answer.status().as_u16();
                assert!(matches!(status, 404 | 405 | 422), "{method} {path}: {status}");
            }
        }
        let would_be = router.answer(&app, event(data_token, &method, &fill(None), &json!({}))).await;
        let status = would_be.status().as_u16();
        assert!(matches!(status, 422 | 500), "{method} {path} with ids that could be: {status}");
    }
}

#[test]
fn ids_that_cannot_be_reach_no_store() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let token = data_token(stack, &acme.owner).await;
        let api = async |function| Api::new(without_tables(stack, function).await, stack.api().to_owned());

        let people = People::new(&without_tables(stack, "tenancy").await, "no-pool".to_owned());
        let admin = Admin { api: api("tenancy").await, people };
        send_bad_ids(admin, &tenancy::routes(), &token).await;
        send_bad_ids(api("uploads").await, &uploads::routes(), &token).await;
        let deletions = Deletions { api: api("deletion").await };
        send_bad_ids(deletions, &deletion::routes(), &token).await;
        let addresses = Addresses::public(stack.listener().parse().unwrap()).unwrap();
        send_bad_ids(Shows { api: api("shows").await, addresses }, &shows::routes(), &token).await;
    });
}
