//! Listeners that come as a table: all or nobody, each once, and the same feed URLs however often it is sent.

use std::{collections::BTreeSet, sync::Arc};

use domain::Addresses;
use http::Method;
use lambda_kit::{Api, SystemClock};
use local::Stack;
use serde_json::{Value, json};
use shows::Shows;

use crate::{
    actors::{Actor, Answer, Tenant},
    flow::{id, listen, text, wait_for_feed},
    instance::storage,
    process::run_until,
    walls::data_token,
    world::{run, unique},
};

const CSV: (&str, &str) = ("content-type", "text/csv; charset=utf-8");

async fn send(actor: &Actor, show: &str, key: &str, csv: &str) -> Answer {
    let headers = [CSV, ("idempotency-key", key)];
    actor.send(Method::POST, &format!("/v1/shows/{show}/listeners"), &headers, csv.to_owned()).await
}

async fn listeners(tenant: &Tenant, show: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/shows/{show}/listeners?limit=200{cursor}");
        let page = tenant.editor.get(&path).await.json();
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["page"]["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

fn table(rows: usize) -> String {
    let rows: String = (0..rows).map(|row| format!("Listener {row},l{row}@acme.example\n")).collect();
    format!("label,email\n{rows}")
}

fn urls(answer: &Answer) -> Vec<String> {
    let data = answer.data();
    data.as_array().unwrap().iter().map(|row| row["feed_url"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_table_of_a_thousand_is_added_once_however_often_it_is_sent() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        let key = unique("key");

        let first = send(&acme.editor, id(&show), &key, &table(1000)).await;
        let again = send(&acme.editor, id(&show), &key, &table(1000)).await;

        assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
        assert_eq!(urls(&first), urls(&again));
        assert_eq!(urls(&first).iter().collect::<BTreeSet<_>>().len(), 1000, "each has a URL of their own");
        assert_eq!(listeners(&acme, id(&show)).await.len(), 1000);
        let labels = first.data();
        assert_eq!(
            (&labels[0]["label"], &labels[999]["label"]),
            (&json!("Listener 0"), &json!("Listener 999"))
        );
        assert_eq!(labels[7]["email"], "l7@acme.example");
        for url in [&urls(&first)[0], &urls(&first)[999]] {
            wait_for_feed(stack, url, |_| true).await;
        }
    });
}

#[test]
fn a_table_comes_back_as_a_table_for_those_who_ask() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        let csv = "label,expires_at\n=1+1,2999-01-01T00:00:00Z\n";
        let key = unique("key");
        let headers = [CSV, ("idempotency-key", key.as_str()), ("accept", "text/csv")];
        let path = format!("/v1/shows/{}/listeners", id(&show));

        let answer = acme.editor.send(Method::POST, &path, &headers, csv).await;

        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
        let text = text(&answer);
        let (header, row) = text.trim_end().split_once("\r\n").unwrap();
        assert_eq!(header, "id,label,email,expires_at,feed_url");
        assert!(row.contains(",'=1+1,,2999-01-01T00:00:00.000Z,http"), "{row}");
        wait_for_feed(stack, row.rsplit(',').next().unwrap(), |_| true).await;
    });
}

#[test]
fn a_table_with_a_wrong_row_adds_nobody() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        let key = unique("key");
        let wrong = "label,email,expires_at\nAda,,\n,nobody,\nIda,,2020-01-01T00:00:00Z\n";

        let refused = send(&acme.editor, id(&show), &key, wrong).await;
        let path = format!("/v1/shows/{}/listeners", id(&show));
        let without_key = acme.editor.send(Method::POST, &path, &[CSV], "label\nA\n").await;

        refused.assert_problem(422, "invalid_request");
        let pointers: Vec<Value> = refused.json()["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["pointer"].clone())
            .collect();
        assert_eq!(pointers, ["/1/label", "/1/email", "/2/expires_at"]);
        without_key.assert_problem(400, "bad_request");
        assert_eq!(listeners(&acme, id(&show)).await, Vec::<Value>::new());
        let right = send(&acme.editor, id(&show), &key, "label\nAda\n").await;
        assert_eq!(right.status, 201, "the key is left to the table that is right");
        let another = send(&acme.editor, id(&show), &key, "label\nIda\n").await;
        another.assert_problem(422, "idempotency_key_reused");
    });
}

#[test]
fn a_table_is_for_shows_of_ones_own_and_fits_the_quota_or_not_at_all() {
    run(async |stack| {
        let acme = Tenant::with_limits(stack, json!({ "quotas": { "listeners": 50 } })).await;
        let globex = Tenant::new(stack).await;
        let (show, public) = (acme.show("private").await, acme.show("public").await);
        let key = unique("key");

        let foreign = send(&globex.editor, id(&show), &key, &table(1)).await;
        let missing = send(&globex.editor, "shw_01ARZ3NDEKTSV4RRFFQ69G5FAV", &key, &table(1)).await;
        let viewer = send(&acme.viewer, id(&show), &key, &table(1)).await;
        let everybody = send(&acme.editor, id(&public), &key, &table(1)).await;
        let too_many = send(&acme.editor, id(&show), &unique("key"), &table(51)).await;

        foreign.assert_problem(404, "not_found");
        assert_eq!(foreign.problem_without_id(), missing.problem_without_id());
        viewer.assert_problem(403, "permission_denied");
        everybody.assert_problem(409, "show_is_public");
        too_many.assert_problem(403, "quota_exceeded");
        assert_eq!(listeners(&acme, id(&show)).await, Vec::<Value>::new());
        assert_eq!(send(&acme.editor, id(&show), &unique("key"), &table(50)).await.status, 201);
        let path = format!("/v1/shows/{}/listeners", id(&show));
        let one_more = acme.editor.post(&path, json!({ "label": "One more" })).await;
        one_more.assert_problem(403, "quota_exceeded");
    });
}

#[test]
fn who_was_removed_does_not_come_back_with_their_table() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        let key = unique("key");
        let first = send(&acme.editor, id(&show), &key, &table(2)).await;
        let removed = first.data()[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(acme.editor.delete(&format!("/v1/listeners/{removed}")).await.status, 204);

        let again = send(&acme.editor, id(&show), &key, &table(2)).await;

        assert_eq!(urls(&again), urls(&first));
        listen(stack, Method::GET, &urls(&first)[0], &[]).await.assert_problem(404, "not_found");
        assert_eq!(listeners(&acme, id(&show)).await.len(), 1);
    });
}

/// A request as API Gateway hands it over.
fn event(data_token: &str, show: &str, key: &str, csv: &str) -> lambda_http::Request {
    let path = format!("/v1/shows/{show}/listeners");
    let headers = json!({ "content-type": CSV.1, "idempotency-key": key });
    let event = json!({
        "resource": path, "path": path, "httpMethod": "POST", "headers": headers, "multiValueHeaders": {},
        "requestContext": {
            "accountId": local::ACCOUNT, "apiId": "api", "stage": "live", "httpMethod": "POST",
            "requestId": "r", "resourceId": "r", "resourcePath": path, "identity": {},
            "authorizer": { "data_token": data_token },
        },
        "body": csv, "isBase64Encoded": false,
    });
    lambda_http::request::from_str(&event.to_string()).unwrap()
}

async fn shows_function(stack: &Stack) -> Arc<Shows> {
    let storage = storage(stack, "shows", Arc::new(SystemClock), &[]).await;
    let addresses = Addresses::public(stack.listener().parse().unwrap()).unwrap();
    Arc::new(Shows { api: Api::new(storage, stack.api().to_owned()), addresses })
}

#[test]
fn a_table_cut_off_anywhere_and_sent_again_adds_each_once() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        let token = data_token(stack, &acme.editor).await;
        let router = shows::routes();
        let rows = 32;
        let (mut tables, mut came_to_its_end) = (0, false);

        // Two batches. Each try is cut off a little later, by a function that remembers nothing of the one before.
        for awaits in (1..).step_by(4) {
            let key = unique("key");
            let (cut, repeating) = (shows_function(stack).await, shows_function(stack).await);
            came_to_its_end = run_until(awaits, async {
                router.answer(&cut, event(&token, id(&show), &key, &table(rows))).await;
            })
            .await;
            let again = router.answer(&repeating, event(&token, id(&show), &key, &table(rows))).await;
            assert_eq!(again.status(), 201, "after {awaits} awaits");
            tables += 1;
            assert_eq!(listeners(&acme, id(&show)).await.len(), tables * rows, "after {awaits} awaits");
            if came_to_its_end {
                break;
            }
        }

        assert!(came_to_its_end && tables > 3, "{tables} tables");
        let log = acme.owner.get("/v1/audit-events/verification").await.data();
        assert_eq!(log["is_intact"], true);
    });
}
