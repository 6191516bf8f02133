//! What is fetched from servers on the loopback address, which plays the internet, and what is never asked.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod coming;
mod reaching;
mod server;

use std::time::Duration;

use fetch::{FetchError, Fetched, Fetcher, Limits, Reach, Resume};
use server::Server;

/// More than any test needs.
pub const LIMITS: Limits =
    Limits { most_bytes: 1_000_000, answer_within: Duration::from_secs(20), idle: Duration::from_secs(20) };

/// Fetches from `server`, which is listed.
pub async fn fetch(server: &Server, resume: Option<&Resume>, limits: Limits) -> Result<Fetched, FetchError> {
    Fetcher::new(Reach::Listed(vec![server.address])).fetch(&server.url("/feed"), resume, limits).await
}
