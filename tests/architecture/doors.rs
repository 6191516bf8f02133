//! The doors of the tenant context, and who opens them.

use std::{collections::BTreeSet, fs, path::Path};

use crate::project;

fn rust_files(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(project()).unwrap().to_str().unwrap().to_owned();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Production code: what comes before a file's tests.
pub fn production_code() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for folder in ["functions", "shared"] {
        rust_files(&project().join(folder), &mut files);
    }
    files.retain(|(name, _)| !name.contains("/tests/") && !name.contains("/examples/"));
    for (_, text) in &mut files {
        if let Some(tests) = text.find("#[cfg(test)]") {
            text.truncate(tests);
        }
    }
    files
}

/// The files whose production code has `needle`.
fn users_of(needle: &str) -> BTreeSet<String> {
    let files = production_code().into_iter().filter(|(_, text)| text.contains(needle));
    files.map(|(name, _)| name).collect()
}

#[test]
fn each_door_is_opened_where_it_should_be() {
    for (door, opened_by) in [
        ("TenantContext::from_token(", vec!["shared/tenant-context/src/token.rs"]),
        ("TenantContext::from_feed_token(", vec!["functions/feeds/src/listen.rs"]),
        ("TenantContext::from_public_slug(", vec!["functions/feeds/src/listen.rs"]),
        (
            "TenantContext::from_queue(",
            vec![
                "functions/deletion/src/carry_out.rs",
                "functions/deletion/src/replay_tombstones.rs",
                "functions/export/src/carry_out_import.rs",
                "functions/export/src/prepare_export.rs",
                "functions/feeds/src/announce_feed.rs",
                "functions/feeds/src/render_feed.rs",
                "functions/sessions/src/exchange_token.rs",
                "functions/shows/src/watch_listener.rs",
                "functions/shows/src/welcome_listener.rs",
                "functions/tenancy/src/sweep_tenancy.rs",
                "functions/uploads/src/process_upload.rs",
                "functions/uploads/src/receive_upload.rs",
                "functions/uploads/src/sweep_uploads.rs",
                "shared/tenant-context/src/context.rs",
            ],
        ),
        ("operator.provision(", vec!["shared/storage/src/provision.rs"]),
    ] {
        let expected: BTreeSet<_> = opened_by.into_iter().map(str::to_owned).collect();
        assert_eq!(users_of(door), expected, "{door}");
    }
}

#[test]
fn keys_are_made_in_one_place() {
    let expected = BTreeSet::from(["shared/storage/src/keys.rs".to_owned()]);
    for format in ["{tenancy}#", "context.tenancy())\n}", "\"{}/{upload}\""] {
        let users = users_of(format);
        assert!(users.is_subset(&expected), "{format} in {users:?}");
    }
}

#[test]
fn time_and_environment_are_read_in_one_place_each() {
    assert_eq!(users_of("SystemTime::now"), BTreeSet::from(["shared/lambda-kit/src/clock.rs".to_owned()]));
    assert_eq!(users_of("env::var"), BTreeSet::from(["shared/lambda-kit/src/environment.rs".to_owned()]));
}
