//! Rendered feeds: what they look like, and what parsers written by others make of them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod hostile;
mod judges;
mod look;
mod pages;
mod plain_xml;
mod station;
