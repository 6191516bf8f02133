//! What the bytes of an upload really are: a file in, facts out. The file's name and declared type are never asked.
//!
//! Files are hostile until proven otherwise. This crate knows no store and no network: it reads the file that it is given.

mod probe;

pub use probe::{Codec, ProbeError, Probed, Refusal, probe};
