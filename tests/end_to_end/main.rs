//! Castkeep from outside: the real template, the real binaries and real HTTP, on one emulated AWS that this process starts for
//! itself. Each test makes its own tenancies.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod actors;
mod apps;
mod attachments;
mod audio;
mod audit;
mod bad_input;
mod deletions;
mod document;
mod dump;
mod ear;
mod elsewhere;
mod exchange;
mod exporting;
mod farewells;
mod federated;
mod feed_rules;
mod flow;
mod hostile;
mod hub;
mod idle;
mod importing;
mod instance;
mod isolation;
mod leaving;
mod listener_tables;
mod media;
mod members;
mod outage;
mod own_tenancy;
mod people;
mod private_shows;
mod process;
mod quiet;
mod quotas;
mod rate_limits;
mod replaying;
mod requests;
mod scan;
mod self_serve;
mod serving;
mod sharing;
mod sign_in;
mod sso;
mod sso_killed;
mod sweep;
mod uploading;
mod views;
mod walls;
mod worker;
mod world;
