//! Dependencies point one way.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use crate::project;

/// What each of our crates uses outside of its tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(project())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let names = dependencies
                .filter(|dependency| dependency["kind"].is_null())
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned());
            (package["name"].as_str().unwrap().to_owned(), names.collect())
        })
        .collect()
}

#[test]
fn our_crates_use_only_what_is_below_them() {
    let functions = ["authorizer", "sessions", "tenancy", "shows", "uploads", "feeds", "export", "deletion"];
    let shared = [
        "tenant-context",
        "domain",
        "rss",
        "media",
        "archive",
        "fetch",
        "certificate",
        "storage",
        "identity",
        "lambda-kit",
    ];
    let mut allowed = BTreeMap::from([
        ("tenant-context", vec![]),
        ("policy-proof", vec![]),
        ("domain", vec!["tenant-context"]),
        ("rss", vec!["tenant-context", "domain"]),
        ("media", vec!["tenant-context", "domain"]),
        ("archive", vec![]),
        ("fetch", vec![]),
        ("certificate", vec![]),
        ("crc-fast", vec![]),
        ("storage", vec!["tenant-context", "domain", "certificate"]),
        ("identity", vec!["tenant-context", "domain", "storage"]),
        ("lambda-kit", vec!["tenant-context", "domain", "storage"]),
        ("local", vec![]),
        ("tests", vec!["tenant-context"]),
        ("exit-model", vec![]),
        ("bench", vec!["tenant-context", "domain", "rss", "local"]),
    ]);
    for function in functions {
        allowed.insert(function, shared.to_vec());
    }

    let dependencies = dependencies();
    let ours: BTreeSet<&str> = dependencies.keys().map(String::as_str).collect();
    assert_eq!(ours, allowed.keys().copied().collect(), "a new crate needs its place in this test");
    for (name, uses) in &dependencies {
        for used in uses.iter().filter(|used| ours.contains(used.as_str())) {
            assert!(allowed[name.as_str()].contains(&used.as_str()), "{name} must not use {used}");
        }
    }
}

#[test]
fn only_storage_talks_to_the_stores_only_identity_to_cognito_and_only_shows_sends_mail() {
    const COGNITO: &str = "aws-sdk-cognitoidentityprovider";
    const MAIL: &str = "aws-sdk-sesv2";
    for (name, uses) in dependencies() {
        let sdks: BTreeSet<_> = uses.iter().filter(|used| used.starts_with("aws-sdk-")).collect();
        match name.as_str() {
            "storage" => {
                let others = [COGNITO, MAIL].map(str::to_owned);
                assert!(!others.iter().any(|other| sdks.contains(other)), "storage uses {sdks:?}");
            }
            "identity" => assert_eq!(sdks.into_iter().collect::<Vec<_>>(), [COGNITO]),
            "shows" => assert_eq!(sdks.into_iter().collect::<Vec<_>>(), [MAIL]),
            // A function to compare with has clients as ours have.
            "bench" => {}
            _ => assert!(sdks.is_empty(), "{name} uses {sdks:?}"),
        }
    }
}

#[test]
fn what_does_no_io_uses_nothing_that_could() {
    let io = ["tokio", "hyper", "lambda_http", "lambda_runtime", "tempfile"];
    for name in ["tenant-context", "domain", "rss", "archive", "certificate"] {
        let uses = &dependencies()[name];
        assert!(io.iter().all(|crate_name| !uses.contains(*crate_name)), "{name} uses {uses:?}");
    }
}
