//! The rules that hold the house together, read off the code and the template themselves.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests are tests")]

mod crates;
mod doors;
mod openapi;
mod template;
mod threats;

use std::path::PathBuf;

/// The project's folder.
fn project() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
