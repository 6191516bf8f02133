//! A tenancy takes everything away: what is in the archives, and what is not.

use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Read},
    process::Command,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use domain::{Addresses, ContentHash};
use export::prepare_export::prepare_export;
use http::Method;
use lambda_kit::SystemClock;
use local::Stack;
use serde_json::{Value, json};
use storage::ExportRequest;
use zip::{CompressionMethod, ZipArchive};

use crate::{
    actors::{Tenant, send},
    audio::mp3,
    flow::{id, publish, wait_for_feed},
    process::{Process, run_until},
    world::{run, run_alone, unique},
};

/// The files of an export by their names, out of all its archives.
type Files = BTreeMap<String, Vec<u8>>;

/// What asks for an export of the whole tenancy.
pub fn everything() -> Value {
    json!({ "scope": { "kind": "tenancy" } })
}

/// Asks for an export, and answers its path.
pub async fn request(tenant: &Tenant, body: Value) -> String {
    let answer = tenant.owner.post("/v1/exports", body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.header("location").to_owned()
}

/// Waits until an export has come to its end, and answers it.
pub async fn wait(tenant: &Tenant, path: &str) -> Value {
    for _ in 0..600 {
        let export = tenant.owner.get(path).await.data();
        if export["state"] != "preparing" {
            return export;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{path} is not made: {}", tenant.owner.get(path).await.data());
}

/// The archives of an export that is ready.
async fn download(tenant: &Tenant, path: &str) -> Vec<Bytes> {
    let export = wait(tenant, path).await;
    assert_eq!(export["state"], "ready", "{export}");
    let mut archives = Vec::new();
    for archive in export["archives"].as_array().unwrap() {
        let link = tenant.owner.get(&format!("{path}/archives/{}", archive["number"])).await.data();
        let answer = send(tenant.stack, Method::GET, link["url"].as_str().unwrap(), &[], Bytes::new()).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/zip");
        assert_eq!(answer.body.len() as u64, archive["size_bytes"].as_u64().unwrap());
        archives.push(answer.body);
    }
    archives
}

fn unpack(archives: &[Bytes]) -> Files {
    let mut files = Files::new();
    for archive in archives {
        let mut archive = ZipArchive::new(Cursor::new(archive)).unwrap();
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).unwrap();
            let name = entry.name().unwrap().into_owned();
            if name.ends_with(".mp3") {
                assert_eq!(entry.compression(), CompressionMethod::Stored, "{name}");
            }
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            assert!(files.insert(name.clone(), bytes).is_none(), "{name} is there twice");
        }
    }
    files
}

async fn export(tenant: &Tenant, body: Value) -> Files {
    let path = request(tenant, body).await;
    unpack(&download(tenant, &path).await)
}

fn json_of(files: &Files, name: &str) -> Value {
    let bytes = files.get(name).unwrap_or_else(|| panic!("no {name} among {:?}", files.keys()));
    serde_json::from_slice(bytes).unwrap()
}

/// Holds every file against the manifest, and the manifest against the files.
fn check_manifest(files: &Files) -> Value {
    let manifest = json_of(files, "manifest.json");
    let listed = manifest["files"].as_array().unwrap();
    for file in listed {
        let bytes = &files[file["path"].as_str().unwrap()];
        assert_eq!(file["size_bytes"], bytes.len(), "{file}");
        assert_eq!(file["sha256"], ContentHash::of(bytes).as_str(), "{file}");
    }
    assert_eq!(listed.len() + 1, files.len(), "every file but the manifest is listed");
    manifest
}

/// Whether any file has `text` in it.
fn has(files: &Files, text: &str) -> bool {
    files
        .iter()
        .any(|(name, bytes)| name.contains(text) || memchr::memmem::find(bytes, text.as_bytes()).is_some())
}

/// Each file of JSON against its schema in the same archive.
fn check_schemas(files: &Files) {
    let schema_of = |name: &str| match name.split('/').collect::<Vec<_>>()[..] {
        ["manifest.json"] => Some("manifest"),
        ["tenancy.json"] => Some("tenancy"),
        ["users", _] => Some("users"),
        ["clients", _] => Some("clients"),
        ["shows", _, "show.json"] => Some("show"),
        ["shows", _, "episodes", _] => Some("episodes"),
        ["shows", _, "listeners", _] => Some("listeners"),
        ["media", file] if file.len() == "000001.json".len() => Some("media"),
        ["audit", "verification.json"] => Some("audit-verification"),
        ["person.json"] => Some("person"),
        _ => None,
    };
    let mut checked = 0;
    for name in files.keys().filter(|name| name.ends_with(".json") && !name.starts_with("schemas/")) {
        let Some(schema) = schema_of(name) else { continue };
        let schema = json_of(files, &format!("schemas/{schema}.schema.json"));
        let validator = jsonschema::validator_for(&schema).unwrap();
        let value = json_of(files, name);
        let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        checked += 1;
    }
    assert!(checked >= 2, "only {checked} files have a schema");
}

#[test]
fn everything_of_a_tenancy_comes_out_and_every_hash_is_right() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (show, private) = (acme.show("public").await, acme.show("private").await);
        let audio = mp3(61, &unique("audio"));
        let episode = publish(&acme, &show, "First light", &audio).await;
        publish(&acme, &private, "Behind the door", &mp3(2, &unique("audio"))).await;
        let listener = json!({ "label": "Tide Keeper", "email": "tide@keeper.example" });
        let listeners = format!("/v1/shows/{}/listeners", id(&private));
        let listener = acme.editor.post(&listeners, listener).await.data();
        let user = json!({ "name": "Marina Quay", "email": "marina@quay.example", "groups": ["analysts"] });
        acme.owner.post("/v1/users", user).await.data();
        wait_for_feed(stack, show["feed_url"].as_str().unwrap(), |text| text.contains("First light")).await;

        let path = request(&acme, everything()).await;
        let archives = download(&acme, &path).await;
        let files = unpack(&archives);

        let manifest = check_manifest(&files);
        check_schemas(&files);
        assert_eq!(manifest["schema_version"], 1);
        assert_eq!(manifest["missing"], json!([]));
        assert_eq!(json_of(&files, "tenancy.json")["id"], acme.id);
        assert!(has(&files, "Marina Quay") && has(&files, "marina@quay.example"));

        let (slug, hidden) = (show["slug"].as_str().unwrap(), private["slug"].as_str().unwrap());
        assert_eq!(json_of(&files, &format!("shows/{slug}/show.json"))["id"], show["id"]);
        let episodes = json_of(&files, &format!("shows/{slug}/episodes/000001.json"));
        assert_eq!(episodes[0]["publication"]["guid"], episode["guid"]);
        let exported = json_of(&files, &format!("shows/{hidden}/listeners/000001.json"));
        assert_eq!(exported[0]["id"], listener["id"]);
        assert_eq!(exported[0]["email"], "tide@keeper.example");
        let token = listener["feed_url"].as_str().unwrap().split('/').nth_back(2).unwrap();
        assert!(!has(&files, token), "nobody's feed token");
        assert_eq!(files[&format!("media/{}.mp3", ContentHash::of(&audio))], audio);

        let published = send(stack, Method::GET, show["feed_url"].as_str().unwrap(), &[], Bytes::new()).await;
        assert_eq!(
            String::from_utf8_lossy(&files[&format!("shows/{slug}/feed.xml")]),
            String::from_utf8_lossy(&published.body),
            "the feed as it is published"
        );
        let feed = feed_rs::parser::parse(files[&format!("shows/{hidden}/feed.xml")].as_slice()).unwrap();
        let enclosure = feed.entries[0].media[0].content[0].url.as_ref().unwrap();
        assert!(
            files.contains_key(enclosure.path().trim_start_matches('/')),
            "{enclosure} is beside the feed"
        );

        programs_take_it(&archives, &files);
    });
}

/// What people unpack archives with, and the program in the archive that verifies the log.
fn programs_take_it(archives: &[Bytes], files: &Files) {
    let folder = tempfile::tempdir().unwrap();
    for (number, archive) in archives.iter().enumerate() {
        let path = folder.path().join(format!("{number}.zip"));
        fs::write(&path, archive).unwrap();
        for program in [&["unzip", "-tq"][..], &["7zz", "t"], &["python3", "-m", "zipfile", "-t"]] {
            let output = Command::new(program[0]).args(&program[1..]).arg(&path).output().unwrap();
            assert!(output.status.success(), "{program:?}: {}", String::from_utf8_lossy(&output.stdout));
        }
    }
    let audit = files.iter().filter(|(name, _)| name.starts_with("audit/"));
    let mut events = Vec::new();
    for (name, bytes) in audit {
        let path = folder.path().join(name.trim_start_matches("audit/"));
        fs::write(&path, bytes).unwrap();
        events.extend(name.ends_with(".ndjson").then_some(path));
    }
    let verifier = folder.path().join("verify_audit_log.py");
    let output = Command::new("python3").arg(&verifier).args(&events).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let head = json_of(files, "audit/verification.json")["head"].clone();
    assert!(said.contains(head["hash"].as_str().unwrap()), "{said} {output:?}");

    let first = &events[0];
    let changed = fs::read_to_string(first).unwrap().replacen("\"shows:create\"", "\"shows:update\"", 1);
    fs::write(first, changed).unwrap();
    let output = Command::new("python3").arg(&verifier).args(&events).output().unwrap();
    assert!(!output.status.success(), "a changed event is found");
}

#[test]
fn nothing_of_another_tenancy_is_in_an_archive() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let mut canaries = vec![globex.id.clone()];
        for tenant in [&acme, &globex] {
            let name = if tenant.id == acme.id { "Heron" } else { "Cormorant" };
            let show = tenant.show("public").await;
            let private = tenant.show("private").await;
            publish(tenant, &show, &format!("{name} title"), &mp3(2, &format!("{name}{}", unique("seed"))))
                .await;
            let listeners = format!("/v1/shows/{}/listeners", id(&private));
            let listener =
                json!({ "label": format!("{name} listener"), "email": format!("{name}@x.example") });
            let listener = tenant.editor.post(&listeners, listener).await.data();
            let user = json!({ "name": format!("{name} user"), "email": format!("{name}@y.example") });
            let user = tenant.owner.post("/v1/users", user).await.data();
            if tenant.id == globex.id {
                canaries.extend([&show, &private, &listener, &user].map(|thing| id(thing).to_owned()));
                canaries.push("Cormorant".to_owned());
                let log = tenant.owner.get("/v1/audit-events").await.data();
                canaries.extend(log.as_array().unwrap().iter().map(|event| id(event).to_owned()));
            }
        }

        for scope in [json!({ "kind": "tenancy" }), first_show(&acme).await] {
            let files = export(&acme, json!({ "scope": scope })).await;
            check_manifest(&files);

            assert!(has(&files, "Heron title"), "what is searched can be found");
            for canary in &canaries {
                assert!(!has(&files, canary), "{canary}");
            }
        }
        let foreign = acme.owner.post("/v1/exports", json!({ "scope": first_show(&globex).await })).await;
        foreign.assert_problem(422, "invalid_request");
    });
}

async fn first_show(tenant: &Tenant) -> Value {
    let shows = tenant.owner.get("/v1/shows").await.data();
    let public = shows.as_array().unwrap().iter().find(|show| show["visibility"] == "public").unwrap();
    json!({ "kind": "shows", "show_ids": [id(public)] })
}

#[test]
fn a_persons_export_has_all_of_them_and_nothing_of_anybody_else() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (first, second) = (acme.show("private").await, acme.show("private").await);
        let add = async |show: &Value, label: &str, email: &str| {
            let path = format!("/v1/shows/{}/listeners", id(show));
            acme.editor.post(&path, json!({ "label": label, "email": email })).await.data()
        };
        let one = add(&first, "Ada at home", "ada@lace.example").await;
        let two = add(&second, "Ada on the road", "ADA@lace.example").await;
        let other = add(&first, "Somebody Else", "else@where.example").await;
        let user = json!({ "name": "Ada Lace", "email": "Ada@lace.example" });
        let user = acme.owner.post("/v1/users", user).await.data();
        let neighbour = json!({ "name": "Neighbour Next", "email": "next@door.example" });
        let neighbour = acme.owner.post("/v1/users", neighbour).await.data();

        for person in [&one, &user] {
            let files =
                export(&acme, json!({ "scope": { "kind": "person", "person_id": id(person) } })).await;
            check_manifest(&files);
            check_schemas(&files);

            for all in ["Ada at home", "Ada on the road", "Ada Lace", id(&one), id(&two), id(&user)] {
                assert!(has(&files, all), "{all}");
            }
            let others =
                ["Somebody Else", "else@where", "Neighbour", "next@door", id(&other), id(&neighbour)];
            for nothing in others {
                assert!(!has(&files, nothing), "{nothing}");
            }
            for (name, bytes) in files.iter().filter(|(name, _)| name.starts_with("events/")) {
                let text = String::from_utf8_lossy(bytes);
                let own = [id(&one), id(&two), id(&user)];
                let ids = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
                let people =
                    ids.filter(|word| ["usr_", "lsn_", "key_"].iter().any(|kind| word.starts_with(kind)));
                people.for_each(|person| assert!(own.contains(&person), "{person} in {name}"));
                assert!(text.contains("users:invite") || text.contains("listeners:manage"), "{text}");
            }
        }
    });
}

#[test]
fn an_export_is_made_once_at_a_time_and_ends_when_it_is_told() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        acme.show("private").await;
        let path = request(&acme, everything()).await;
        let archives = download(&acme, &path).await;
        assert!(!archives.is_empty());

        let link = acme.owner.get(&format!("{path}/archives/1")).await.data();
        let url = link["url"].as_str().unwrap();
        assert_eq!(acme.owner.delete(&path).await.status, 204);
        let mut status = 200;
        for _ in 0..100 {
            status = send(stack, Method::GET, url, &[], Bytes::new()).await.status.as_u16();
            if status != 200 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!([403, 404].contains(&status), "the link opens nothing any more: {status}");
        assert_eq!(acme.owner.get(&path).await.data()["state"], "cancelled");
        acme.owner.get(&format!("{path}/archives/1")).await.assert_problem(409, "export_not_ready");

        let bucket = stack.output("ExportBucket").unwrap();
        let listing = format!("/{bucket}?list-type=2&prefix={}", acme.id);
        let left = stack.aws().s3(Method::GET, &listing, Bytes::new()).await.unwrap();
        assert!(!String::from_utf8_lossy(left.body()).contains("<Key>"), "nothing of it is left");
    });
}

#[test]
fn who_may_not_export_gets_nothing_and_who_may_needs_a_second_factor() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let path = request(&acme, everything()).await;
        wait(&acme, &path).await;

        for actor in [&acme.editor, &acme.viewer] {
            actor.post("/v1/exports", everything()).await.assert_problem(403, "permission_denied");
            actor.get(&format!("{path}/archives/1")).await.assert_problem(403, "permission_denied");
            actor.delete(&path).await.assert_problem(403, "permission_denied");
        }
        let unvouched = acme.owner.invite("owners").await;
        unvouched.post("/v1/exports", everything()).await.assert_problem(403, "mfa_required");
        unvouched.get(&format!("{path}/archives/1")).await.assert_problem(403, "mfa_required");
    });
}

#[test]
fn who_asked_for_an_export_who_downloaded_it_and_who_ended_it_is_in_the_log() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let path = request(&acme, everything()).await;
        download(&acme, &path).await;
        assert_eq!(acme.owner.delete(&path).await.status, 204);

        let subject = path.rsplit('/').next().unwrap();
        let log = acme.owner.get(&format!("/v1/audit-events?subject={subject}")).await.data();
        let actions: Vec<_> =
            log.as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["exports:create", "exports:prepare", "exports:download", "exports:create"]);
        assert_eq!(log[0]["details"]["scope"], "tenancy");
        assert_eq!(log[3]["details"]["state"], "cancelled");
    });
}

#[test]
fn an_archive_is_split_where_the_request_says() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        // Three recordings of some 30 MB do not fit into one archive of 64 MiB.
        for _ in 0..3 {
            publish(&acme, &show, "Long", &mp3(1_900, &unique("audio"))).await;
        }
        let body = json!({ "scope": { "kind": "tenancy" }, "archive_bytes": 64 << 20 });
        let path = request(&acme, body).await;
        let archives = download(&acme, &path).await;

        assert_eq!(archives.len(), 2);
        assert!(archives.iter().all(|archive| archive.len() <= 64 << 20));
        let files = unpack(&archives);
        let manifest = check_manifest(&files);
        let archive_of = |file: &Value| file["archive"].as_u64().unwrap();
        assert!(manifest["files"].as_array().unwrap().iter().any(|file| archive_of(file) == 2));
        programs_take_it(&archives, &files);
    });
}

#[test]
fn what_is_missing_is_listed_and_the_rest_is_there() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        let (lost, kept) = (mp3(2, &unique("audio")), mp3(2, &unique("audio")));
        publish(&acme, &show, "Lost", &lost).await;
        publish(&acme, &show, "Kept", &kept).await;
        let object =
            format!("/{}/{}/{}", stack.output("MediaBucket").unwrap(), acme.id, ContentHash::of(&lost));
        stack.aws().s3(Method::DELETE, &object, Bytes::new()).await.unwrap();

        let path = request(&acme, everything()).await;
        let files = unpack(&download(&acme, &path).await);

        let manifest = check_manifest(&files);
        assert_eq!(manifest["missing"][0]["sha256"], ContentHash::of(&lost).as_str());
        assert_eq!(acme.owner.get(&path).await.data()["missing"], 1);
        assert!(files.contains_key(&format!("media/{}.mp3", ContentHash::of(&kept))));
        assert!(String::from_utf8_lossy(&files["README.html"]).contains(ContentHash::of(&lost).as_str()));
    });
}

/// What the export bucket has of an export.
async fn list(stack: &Stack, what: &str, tenant: &Tenant, message: &ExportRequest) -> String {
    let bucket = stack.output("ExportBucket").unwrap();
    let listing = format!("/{bucket}?{what}&prefix={}/{}/", tenant.id, message.export_id);
    let listed = stack.aws().s3(Method::GET, &listing, Bytes::new()).await.unwrap();
    String::from_utf8_lossy(listed.body()).into_owned()
}

/// Waits until `objects` are left of an export. What a killed worker had sent may be written after whoever came next had cleaned up;
/// the next `word` cleans it up.
async fn settle(
    stack: &Stack,
    tenant: &Tenant,
    message: &ExportRequest,
    objects: usize,
    word: impl AsyncFn(),
) {
    for _ in 0..50 {
        if list(stack, "list-type=2", tenant, message).await.matches("<Key>").count() == objects {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        word().await;
    }
    panic!("{}", list(stack, "list-type=2", tenant, message).await);
}

fn message_of(tenant: &Tenant, path: &str) -> ExportRequest {
    let export_id = path.rsplit('/').next().unwrap().parse().unwrap();
    ExportRequest { tenancy_id: tenant.id.parse().unwrap(), export_id }
}

#[test]
fn a_worker_killed_anywhere_and_run_again_makes_the_same_archive() {
    run_alone(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        publish(&acme, &show, "First light", &mp3(360, &unique("audio"))).await;
        stack.aws().pause_queue("export-worker").await.unwrap();
        let process = Process::of(stack, "export-worker").await;
        let addresses = Addresses::public(process.variable("LISTENER_URL").parse().unwrap()).unwrap();
        let body = json!({ "scope": { "kind": "shows", "show_ids": [id(&show)] } });

        let mut first: Option<Files> = None;
        let mut awaits = 0;
        loop {
            let path = request(&acme, body.clone()).await;
            let message = message_of(&acme, &path);
            let killed = process.storage(Arc::new(SystemClock));
            let slice = Duration::from_secs(600);
            let came_to_its_end = run_until(awaits, async {
                prepare_export(&killed, &addresses, &message, slice).await.unwrap();
            })
            .await;
            let again = process.storage(Arc::new(SystemClock));
            prepare_export(&again, &addresses, &message, slice).await.unwrap();
            prepare_export(&again, &addresses, &message, slice).await.unwrap();

            let mut files = unpack(&download(&acme, &path).await);
            check_manifest(&files);
            // They name the export and its time.
            for own in ["manifest.json", "README.html"] {
                files.remove(own).unwrap();
            }
            let first = first.get_or_insert_with(|| files.clone());
            assert_eq!(files.keys().collect::<Vec<_>>(), first.keys().collect::<Vec<_>>());
            assert!(files == *first, "other bytes after being killed after {awaits} awaits");
            settle(stack, &acme, &message, 1, async || {
                prepare_export(&again, &addresses, &message, slice).await.unwrap();
            })
            .await;
            if came_to_its_end {
                break;
            }
            awaits += 1;
        }
        assert!(awaits > 50, "only {awaits} places to be killed at");

        for awaits in (0..awaits).step_by(7) {
            let path = request(&acme, body.clone()).await;
            let message = message_of(&acme, &path);
            run_until(awaits, async {
                let killed = process.storage(Arc::new(SystemClock));
                prepare_export(&killed, &addresses, &message, Duration::from_secs(600)).await.unwrap();
            })
            .await;
            assert_eq!(acme.owner.delete(&path).await.status, 204);
            let again = process.storage(Arc::new(SystemClock));
            prepare_export(&again, &addresses, &message, Duration::from_secs(600)).await.unwrap();

            settle(stack, &acme, &message, 0, async || {
                prepare_export(&again, &addresses, &message, Duration::from_secs(600)).await.unwrap();
            })
            .await;
            // One that was being opened when the worker was killed is nobody's, and empty.
            let uploads = list(stack, "uploads", &acme, &message).await.matches("<UploadId>").count();
            assert!(uploads <= 1, "{uploads} are open, ended after {awaits} awaits");
        }
    });
}
