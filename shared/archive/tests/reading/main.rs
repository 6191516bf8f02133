//! Plans carried out in memory or in a file, and what readers written by others make of the archives.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod any_files;
mod beyond_four_gib;
mod programs;
mod real_limits;
mod store;
