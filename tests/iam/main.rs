//! The IAM documents of `template.yaml`, judged by a simulator of IAM: every role is asked for everything, and a weakened copy
//! of any document must be noticed. What AWS itself would say, only an account can show.
//!
//! A new role needs its entry in `roles.rs`; buckets, tables, queues and keys are found in the template by themselves.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests are tests")]

mod guards;
#[path = "../node_packages.rs"]
mod node_packages;
mod requests;
mod roles;
mod simulator;
mod suite;
mod template;
mod weakened;

use std::{collections::BTreeSet, sync::LazyLock};

use serde_json::json;

use crate::{
    requests::universe, roles::roles, simulator::Verdict, suite::Suite, template::Stack, weakened::HARMLESS,
};

static JUDGED: LazyLock<Result<(Suite, Verdict), String>> = LazyLock::new(|| {
    let suite = Suite::new(&Stack::read(), &roles());
    simulator::judge(&suite).map(|verdict| (suite, verdict))
});

fn judged() -> &'static (Suite, Verdict) {
    JUDGED.as_ref().unwrap_or_else(|reason| panic!("{reason}"))
}

#[test]
fn every_role_has_its_entry_and_every_entry_is_asked_for() {
    let (stack, roles) = (Stack::read(), roles());
    let known: BTreeSet<_> = roles.iter().map(|role| role.name.as_str()).collect();
    let wanted: BTreeSet<_> = stack.of_type("AWS::IAM::Role").into_iter().collect();
    let different: Vec<_> = known.symmetric_difference(&wanted).collect();
    assert!(different.is_empty(), "in the template or in tests/iam/roles.rs, and not in both: {different:?}");

    let universe = universe(&stack, &roles);
    let not_asked_for: Vec<_> = roles.iter().flat_map(|role| role.not_asked_for(&universe)).collect();
    assert!(not_asked_for.is_empty(), "requests.rs asks for no such thing:\n{}", not_asked_for.join("\n"));
}

#[test]
fn no_document_of_the_template_is_left_out() {
    let stack = Stack::read();
    assert_eq!(stack.count_of("Statement"), stack.documents().len());
}

/// IAM itself checks a token's audience, against this list.
#[test]
fn tokens_for_another_audience_open_nothing() {
    assert_eq!(Stack::read().properties("TokenIssuer")["ClientIdList"], json!(["castkeep-data"]));
}

#[test]
fn every_document_allows_what_it_should_and_denies_the_rest() {
    let (suite, verdict) = judged();
    assert!(verdict.complaints.is_empty(), "AWS knows no such thing:\n{}", verdict.complaints.join("\n"));
    let wrong: Vec<_> = verdict
        .wrong
        .iter()
        .map(|wrong| {
            let case = &suite.cases[wrong.case];
            let expected = if case.allowed { "allowed" } else { "denied" };
            format!("{}: expected {expected}, got {}", suite.describe(case), wrong.result)
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), suite.cases.len(), wrong.join("\n"));
}

#[test]
fn a_weakened_copy_of_any_document_is_noticed() {
    let (suite, verdict) = judged();
    assert!(verdict.complaints.is_empty());
    let unnoticed = verdict.unnoticed.iter().map(|index| suite.weakened[*index].name.as_str());
    let harmless = HARMLESS.iter().map(|(name, _)| *name);
    assert_eq!(unnoticed.collect::<BTreeSet<_>>(), harmless.collect(), "of {} copies", suite.weakened.len());
}
