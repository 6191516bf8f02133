//! Packages of Node's that tests judge with, in `.local`.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// The folder `.local/<name>` with the packages of the `package-lock.json` in `here`, which are installed first where they
/// are not.
///
/// # Errors
/// Where they cannot be installed: what happened and what to do.
pub fn install(here: &Path, name: &str) -> Result<PathBuf, String> {
    let is_recent = ["--eval", "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)"];
    if !run("node", &is_recent, here).is_some_and(|output| output.status.success()) {
        return Err("These tests need Node.js 20 or later with npm, and the PATH has none: install it \
                    (Debian: apt install nodejs npm; macOS: brew install node) and test again."
            .to_owned());
    }
    let local = here.join("../../.local").join(name);
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
                "npm could not install the packages of these tests: check that it is on the PATH and reaches a package \
                 registry, and test again. {}",
                errors.unwrap_or_default()
            ))
        }
    }
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> Option<Output> {
    Command::new(program).args(arguments).current_dir(folder).stdin(Stdio::null()).output().ok()
}
