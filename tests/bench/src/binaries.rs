//! Builds what is measured: every bootstrap as it ships, and the two functions that it is compared with.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use flate2::{Compression, write::DeflateEncoder};
use serde::Deserialize;

/// Where each program is, by the name of its binary.
pub type Binaries = BTreeMap<String, PathBuf>;

/// The crates whose binaries are functions.
const FUNCTIONS: &[&str] =
    &["authorizer", "deletion", "export", "feeds", "sessions", "shows", "tenancy", "uploads"];

#[derive(Deserialize)]
struct Built {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Whether what is measured is as it ships. A debug build of this program tries its sections out on debug builds.
pub const IS_AS_IT_SHIPS: bool = !cfg!(debug_assertions);

/// Builds in the release profile. cargo tells how far it is.
///
/// # Errors
/// Where something does not compile.
pub fn build() -> io::Result<Binaries> {
    if !IS_AS_IT_SHIPS {
        return run_build(&["--workspace"]);
    }
    // Apart, as on AWS: what this crate needs of a dependency is no function's business.
    let mut binaries = build_packages(FUNCTIONS)?;
    binaries.extend(build_packages(&["bench"])?);
    Ok(binaries)
}

fn build_packages(packages: &[&str]) -> io::Result<Binaries> {
    let packages = packages.iter().flat_map(|package| ["--package", package]);
    run_build(&["--release"].into_iter().chain(packages).collect::<Vec<_>>())
}

fn run_build(what: &[&str]) -> io::Result<Binaries> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--locked", "--bins", "--message-format", "json-render-diagnostics"]).args(what);
    // What cargo told this program of itself would have others compiled anew.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut binaries = Binaries::new();
    for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufReader::lines) {
        let Ok(built) = serde_json::from_str::<Built>(&line?) else { continue };
        if let (Some(target), Some(executable)) = (built.target, built.executable) {
            binaries.insert(target.name, executable);
        }
    }
    if child.wait()?.success() {
        Ok(binaries)
    } else {
        Err(io::Error::other("the functions do not compile: see above"))
    }
}

/// How many bytes a ZIP archive has of it, at the highest compression.
///
/// # Errors
/// Where it cannot be read.
pub fn zipped_size(binary: &Path) -> io::Result<u64> {
    const HEADERS: u64 = 150;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&fs::read(binary)?)?;
    Ok(HEADERS.saturating_add(encoder.finish()?.len() as u64))
}
