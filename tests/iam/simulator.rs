//! The IAM simulator, a package of Node's, in `.local/iam`.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde::Deserialize;

use crate::{node_packages, suite::Suite};

/// What the simulator found.
#[derive(Debug, Deserialize)]
pub struct Verdict {
    /// Documents and requests that AWS would not know; nothing is judged while there are any.
    pub complaints: Vec<String>,
    /// Cases that were decided otherwise than they should be.
    #[serde(default)]
    pub wrong: Vec<Wrong>,
    /// Weakened copies that no case noticed.
    #[serde(default)]
    pub unnoticed: Vec<usize>,
}

/// A case by its place in the suite, and AWS's word for how it was decided.
#[derive(Debug, Deserialize)]
pub struct Wrong {
    pub case: usize,
    pub result: String,
}

/// Judges the whole suite in one process.
///
/// # Errors
/// Where the simulator cannot be installed or does not come to its end: what happened and what to do.
pub fn judge(suite: &Suite) -> Result<Verdict, String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("iam");
    let modules = node_packages::install(&here, "iam")?;

    let mut node = Command::new("node");
    node.arg(here.join("simulate.mjs")).arg(modules).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut node = node.spawn().map_err(|error| format!("node did not start: {error}"))?;
    let written = node.stdin.take().unwrap().write_all(&serde_json::to_vec(suite).unwrap());
    let output = node.wait_with_output().unwrap();
    match (written, output.status.success()) {
        (Ok(()), true) => Ok(serde_json::from_slice(&output.stdout).unwrap()),
        _ => Err(format!("the simulator did not come to its end ({}), for the reason above", output.status)),
    }
}
