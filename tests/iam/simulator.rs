//! The IAM simulator, a package of Node's, in `.local/iam`.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde::Deserialize;

use crate::suite::Suite;

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
    let modules = install(&here)?;

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

/// The folder with the packages of `package-lock.json`, which are installed first where they are not.
fn install(here: &Path) -> Result<PathBuf, String> {
    let is_recent = ["--eval", "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)"];
    if !run("node", &is_recent, here).is_some_and(|output| output.status.success()) {
        return Err(
            "The IAM simulator needs Node.js 20 or later with npm, and the PATH has none: install it \
                    (Debian: apt install nodejs npm; macOS: brew install node) and test again."
                .to_owned(),
        );
    }
    let local = here.join("../../.local/iam");
    fs::create_dir_all(&local).unwrap();
    let one_at_a_time = File::create(local.join("lock")).unwrap();
    one_at_a_time.lock().unwrap();

    let wanted = fs::read_to_string(here.join("package-lock.json")).unwrap();
    let installed = local.join("installed.json");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(local);
    }
    for file in ["package.json", "package-lock.json"] {
        fs::copy(here.join(file), local.join(file)).unwrap();
    }
    match run("npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"], &local) {
        Some(output) if output.status.success() => {
            fs::write(installed, wanted).unwrap();
            Ok(local)
        }
        output => {
            let errors = output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
            Err(format!(
                "npm could not install the IAM simulator: check that it is on the PATH and reaches a package \
                 registry, and test again. {}",
                errors.unwrap_or_default()
            ))
        }
    }
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> Option<Output> {
    Command::new(program).args(arguments).current_dir(folder).stdin(Stdio::null()).output().ok()
}
