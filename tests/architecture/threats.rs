//! `infra/threats.yaml` leaves nothing out: each resource that matters belongs to one component, each component answers each kind of
//! threat, and each answer names tests that there are, or says what is not shown.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_norway::Value;

use crate::{project, template::resources};

const KINDS: [&str; 6] = [
    "spoofing",
    "tampering",
    "repudiation",
    "information_disclosure",
    "denial_of_service",
    "elevation_of_privilege",
];

/// Types of resources that answer requests, do work or keep data.
const TYPES: [&str; 11] = [
    "AWS::Serverless::Api",
    "AWS::Serverless::HttpApi",
    "AWS::Serverless::Function",
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::SQS::Queue",
    "AWS::SNS::Topic",
    "AWS::Cognito::UserPool",
    "AWS::IAM::OIDCProvider",
    "AWS::Events::Rule",
];

fn threats() -> BTreeMap<String, Value> {
    let text = fs::read_to_string(project().join("infra/threats.yaml")).unwrap();
    let document: Value = serde_norway::from_str(&text).unwrap();
    let components = document["components"].as_mapping().unwrap().clone();
    components.into_iter().map(|(name, value)| (name.as_str().unwrap().to_owned(), value)).collect()
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_sequence().into_iter().flatten();
    items.map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// The names of all tests, Rust's and Python's.
fn tests(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "node_modules" {
                tests(&path, found);
            }
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (number, line) in lines.iter().enumerate() {
            let is_rust_test = name.ends_with(".rs")
                && lines[number.saturating_sub(3)..number].iter().any(|line| line.contains("#[test]"));
            let declared = match line.strip_prefix("fn ").filter(|_| is_rust_test) {
                Some(rest) => Some(rest),
                None => line.strip_prefix("def ").filter(|rest| rest.starts_with("test_")),
            };
            found.extend(declared.and_then(|rest| rest.split('(').next()).map(str::to_owned));
        }
    }
}

#[test]
fn every_resource_belongs_to_one_component() {
    let mut listed = BTreeMap::new();
    for (component, value) in threats() {
        for resource in texts(&value["resources"]) {
            let earlier = listed.insert(resource.clone(), component.clone());
            assert_eq!(earlier, None, "{resource} belongs to two components");
        }
    }
    let built: BTreeSet<String> = resources()
        .into_iter()
        .filter(|(_, resource)| resource["Type"].as_str().is_some_and(|kind| TYPES.contains(&kind)))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(listed.into_keys().collect::<BTreeSet<_>>(), built);
}

#[test]
fn every_component_answers_every_kind_of_threat() {
    for (component, value) in threats() {
        for kind in KINDS {
            let threats =
                value[kind].as_sequence().unwrap_or_else(|| panic!("{component} says nothing of {kind}"));
            assert!(!threats.is_empty(), "{component} says nothing of {kind}");
            for threat in threats {
                for part in ["threat", "mitigation"] {
                    let text = threat[part].as_str().unwrap_or_default();
                    assert!(text.ends_with('.'), "{component}, {kind}: {part} is no sentence: {threat:?}");
                }
                let is_shown = !texts(&threat["tests"]).is_empty();
                let says_why_not = threat["not_shown"].as_str().is_some_and(|text| text.ends_with('.'));
                assert!(is_shown || says_why_not, "{component}, {kind}: neither tests nor not_shown");
            }
        }
    }
}

#[test]
fn every_test_that_is_named_exists() {
    let mut known = BTreeSet::new();
    tests(&project(), &mut known);
    assert!(known.len() > 150, "only {} tests were found", known.len());
    for (component, value) in threats() {
        for kind in KINDS {
            for threat in value[kind].as_sequence().into_iter().flatten() {
                for name in texts(&threat["tests"]) {
                    assert!(known.contains(&name), "{component}, {kind}: there is no test {name}");
                }
            }
        }
    }
}
