//! Builds the functions and packs each as Lambda wants it: a ZIP archive with one executable file `bootstrap`.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{self, Stdio},
    time::Duration,
};

use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    task::JoinSet,
};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use crate::{Failure, digest, environment, lock, progress::Step};

/// How long another build may take.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// A packed function.
#[derive(Debug)]
pub(crate) struct Bootstrap {
    pub(crate) binary: String,
    pub(crate) archive: PathBuf,
    /// SHA-256 of the archive in hexadecimal: the same code has the same digest.
    pub(crate) digest: String,
}

/// Builds all `binaries` in the dev profile and packs them. What is unchanged is neither built nor packed again.
pub(crate) async fn build(binaries: &[String], step: &Step) -> Result<Vec<Bootstrap>, Failure> {
    // Whoever else builds here may be about to put another executable in the place of one that is being packed.
    let manifest = environment::project().join("Cargo.toml");
    let turn = File::open(&manifest).map_err(|error| Failure::file(&manifest, &error))?;
    lock::acquire(&turn, PATIENCE).await.map_err(|error| Failure::file(&manifest, &error))?;

    let executables = compile(binaries, step).await?;

    let mut packing = JoinSet::new();
    for binary in binaries {
        let executable = executables.get(binary).cloned().ok_or_else(|| {
            Failure::new(
                format!("cargo did not say where it put the binary {binary}."),
                "Start again; is another cargo at work in the same target directory?",
            )
        })?;
        let binary = binary.clone();
        packing.spawn_blocking(move || {
            pack(binary, &executable).map_err(|error| Failure::file(&executable, &error))
        });
    }
    step.doing("packing");
    packing.join_all().await.into_iter().collect()
}

#[derive(Deserialize)]
struct CargoMessage {
    target: Option<CargoTarget>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct CargoTarget {
    name: String,
}

/// The whole workspace, although only its functions are wanted: only then has every dependency the very features that it has
/// under `cargo test --workspace`, and the AWS SDK is compiled once for both.
async fn compile(binaries: &[String], step: &Step) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let mut command = Command::new(environment::cargo());
    command
        .args(["build", "--workspace", "--message-format", "json-render-diagnostics"])
        .args(binaries.iter().flat_map(|binary| ["--bin", binary]))
        .current_dir(environment::project())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for variable in environment::set_by_cargo_for_this_program() {
        command.env_remove(variable);
    }

    let mut executables = BTreeMap::new();
    let mut first_error = None;
    let watch = async {
        let mut cargo = command.spawn()?;
        let (stdout, stderr) = (cargo.stdout.take(), cargo.stderr.take());
        let read_messages = async {
            let Some(stdout) = stdout else { return Ok(()) };
            let mut lines = BufReader::new(stdout).lines();
            while let Some(line) = lines.next_line().await? {
                if let Ok(CargoMessage { target: Some(target), executable: Some(path) }) =
                    serde_json::from_str(&line)
                {
                    executables.insert(target.name, path);
                }
            }
            io::Result::Ok(())
        };
        let show_what_it_does = async {
            let Some(stderr) = stderr else { return Ok(()) };
            let mut lines = BufReader::new(stderr).lines();
            while let Some(line) = lines.next_line().await? {
                step.doing(line.trim());
                if line.starts_with("error") {
                    first_error.get_or_insert(line);
                }
            }
            io::Result::Ok(())
        };
        tokio::try_join!(read_messages, show_what_it_does)?;
        cargo.wait().await
    };

    match watch.await {
        Ok(status) if status.success() => Ok(executables),
        Ok(status) => Err(Failure::new(
            format!("The functions do not compile: {}.", first_error.unwrap_or_else(|| status.to_string())),
            "Run `cargo build --workspace` to see all of it, mend it and start again.",
        )),
        Err(error) => Err(Failure::new(
            format!("cargo could not be run: {error}."),
            "Start this program with `cargo run -p local`, or put cargo on the PATH.",
        )),
    }
}

/// The archive lies beside the executable and carries its modification time, which tells whether it is still that one's.
fn pack(binary: String, executable: &Path) -> io::Result<Bootstrap> {
    let directory = executable.with_file_name("bootstraps");
    let archive = directory.join(format!("{binary}.zip"));
    let built_at = fs::metadata(executable)?.modified()?;

    let is_current =
        fs::metadata(&archive).and_then(|found| found.modified()).is_ok_and(|time| time == built_at);
    if !is_current {
        fs::create_dir_all(&directory)?;
        // Another test process may pack the same executable at the same time.
        let unfinished = directory.join(format!("{binary}.{}", process::id()));
        let stripped = strip(executable, &unfinished.with_extension("stripped"));
        write_archive(stripped.as_deref().unwrap_or(executable), &unfinished)?;
        if let Some(stripped) = stripped {
            fs::remove_file(stripped)?;
        }
        File::options().write(true).open(&unfinished)?.set_modified(built_at)?;
        fs::rename(&unfinished, &archive)?;
    }

    let digest = digest::sha256_hex(&fs::read(&archive)?);
    Ok(Bootstrap { binary, archive, digest })
}

/// Leaves out debug information and symbols, half of an executable, which a stack keeps three times. Where there is no `strip`, it
/// is uploaded as it is.
fn strip(executable: &Path, to: &Path) -> Option<PathBuf> {
    let mut strip = process::Command::new("strip");
    strip.arg("-o").arg(to).arg(executable).stdin(Stdio::null()).stderr(Stdio::null());
    strip.status().is_ok_and(|status| status.success()).then(|| to.to_owned())
}

/// Stored, not compressed: it never leaves this machine.
fn write_archive(executable: &Path, archive: &Path) -> io::Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o755);

    let mut writer = ZipWriter::new(File::create(archive)?);
    writer.start_file("bootstrap", options)?;
    io::copy(&mut File::open(executable)?, &mut writer)?;
    writer.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        os::unix::fs::MetadataExt,
    };

    use super::*;

    #[test]
    fn an_archive_holds_one_executable_and_is_made_once() {
        let directory = tempfile::tempdir().unwrap();
        let executable = directory.path().join("shows");
        File::create(&executable).unwrap().write_all(b"#!/bin/sh\n").unwrap();

        let first = pack("shows".to_owned(), &executable).unwrap();
        let inode = fs::metadata(&first.archive).unwrap().ino();
        let second = pack("shows".to_owned(), &executable).unwrap();

        assert_eq!(first.digest, second.digest);
        assert_eq!(fs::metadata(&second.archive).unwrap().ino(), inode);
        let mut archive = zip::ZipArchive::new(File::open(&first.archive).unwrap()).unwrap();
        let mut bootstrap = archive.by_name("bootstrap").unwrap();
        assert_eq!(bootstrap.unix_mode().map(|mode| mode & 0o777), Some(0o755));
        let mut text = String::new();
        bootstrap.read_to_string(&mut text).unwrap();
        assert_eq!(text, "#!/bin/sh\n");
    }

    #[test]
    fn another_build_is_another_archive() {
        let directory = tempfile::tempdir().unwrap();
        let executable = directory.path().join("shows");
        fs::write(&executable, "one").unwrap();
        let first = pack("shows".to_owned(), &executable).unwrap();

        fs::write(&executable, "two").unwrap();
        let an_hour_ago = fs::metadata(&executable).unwrap().modified().unwrap() - Duration::from_secs(3600);
        File::options().write(true).open(&executable).unwrap().set_modified(an_hour_ago).unwrap();
        let second = pack("shows".to_owned(), &executable).unwrap();

        assert_ne!(first.digest, second.digest);
    }
}
