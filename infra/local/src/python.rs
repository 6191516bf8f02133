//! The emulator's own Python environment in `.local/venv`, made once and made again when its requirements change.

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use tokio::process::Command;

use crate::{Failure, digest, environment, lock, progress::Step};

/// Newest first: a `python3` that is too old must not hide a newer one beside it.
const CANDIDATES: [&str; 6] =
    ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"];
const PATIENCE: Duration = Duration::from_secs(600);
const STAMP: &str = "requirements.sha256";

/// The Python of the environment, which is made or renewed first where that is due.
///
/// # Errors
/// Where no Python 3.10 or later is found, or its packages cannot be installed.
pub async fn python_environment() -> Result<PathBuf, Failure> {
    prepare(&crate::Progress::Quiet.step("python")).await
}

pub(crate) async fn prepare(step: &Step) -> Result<PathBuf, Failure> {
    let project = environment::project();
    let home = project.join(".local");
    let requirements = project.join("infra/local/emulator/requirements.txt");
    let wanted = fs::read(&requirements)
        .map(|text| digest::sha256_hex(&text))
        .map_err(|error| Failure::file(&requirements, &error))?;

    let _one_at_a_time = lock_out_others(&home).await?;
    let venv = home.join("venv");
    let python = venv.join("bin/python");
    let is_ready = fs::read_to_string(venv.join(STAMP)).is_ok_and(|made_from| made_from == wanted)
        && run(&python, &["-c", ""]).await.is_some_and(|output| output.status.success());
    if is_ready {
        return Ok(python);
    }

    let base = find_python().await?;
    step.doing("making .local/venv");
    make_venv(&base, &venv).await?;
    step.doing("installing the emulator (about 30 MB, once)");
    install(&python, &requirements).await?;
    let stamp = venv.join(STAMP);
    fs::write(&stamp, wanted).map_err(|error| Failure::file(&stamp, &error))?;
    Ok(python)
}

async fn find_python() -> Result<String, Failure> {
    for candidate in CANDIDATES {
        let is_recent = run(candidate, &["-c", "import sys; sys.exit(sys.version_info < (3, 10))"])
            .await
            .is_some_and(|output| output.status.success());
        if is_recent {
            return Ok(candidate.to_owned());
        }
    }
    Err(Failure::new(
        "No Python 3.10 or later was found on the PATH, and the AWS emulator is written in it.",
        "Install Python (Debian: apt install python3 python3-venv; macOS: brew install python) and start again.",
    ))
}

async fn make_venv(base: &str, venv: &Path) -> Result<(), Failure> {
    let made = run(base, &[OsStr::new("-m"), "venv".as_ref(), "--clear".as_ref(), venv.as_ref()]).await;
    match made {
        Some(output) if output.status.success() => Ok(()),
        _ => Err(Failure::new(
            format!("{base} could not make a virtual environment in {}.", venv.display()),
            "Install its venv module (Debian: apt install python3-venv) and start again.",
        )),
    }
}

async fn install(python: &Path, requirements: &Path) -> Result<(), Failure> {
    let arguments = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    let arguments = arguments.iter().map(OsStr::new).chain([requirements.as_os_str()]);
    let installed = run(python, &arguments.collect::<Vec<_>>()).await;
    match installed {
        Some(output) if output.status.success() => Ok(()),
        output => {
            let errors = output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
            let reason =
                errors.as_deref().and_then(|text| text.trim().lines().last()).unwrap_or("it did not start");
            Err(Failure::new(
                format!("pip could not install the emulator: {reason}."),
                "Check that this machine reaches a Python package index and start again.",
            ))
        }
    }
}

async fn run<P: AsRef<OsStr>, A: AsRef<OsStr>>(program: P, arguments: &[A]) -> Option<Output> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command.output().await.ok()
}

/// Test processes start side by side; one of them makes the environment while the others wait.
async fn lock_out_others(home: &Path) -> Result<File, Failure> {
    let path = home.join("venv.lock");
    let file = fs::create_dir_all(home)
        .and_then(|()| File::create(&path))
        .map_err(|error| Failure::file(&path, &error))?;
    match lock::acquire(&file, PATIENCE).await {
        Ok(true) => Ok(file),
        Ok(false) => Err(Failure::new(
            format!("Another run has been making {} for ten minutes.", home.join("venv").display()),
            "Stop it and start again.",
        )),
        Err(error) => Err(Failure::file(&path, &error)),
    }
}
