//! The emulated AWS: a Python process that ends with this one.
//!
//! It reads its stdin, a pipe that this process keeps open and never writes to. When the pipe closes, by [`Emulator::stop`] or
//! because this process is gone, however that came about, it saves its state and exits.

use std::{
    fs,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;

use crate::{Failure, aws, environment, home::Home, http::Http};

const STARTS_WITHIN: Duration = Duration::from_secs(60);
const SAVES_WITHIN: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const SCANNER: &str = "scanner: ";

/// How to start the emulator, as often as it is needed.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) python: PathBuf,
    pub(crate) port: u16,
}

/// The running process; killed on drop.
#[derive(Debug)]
pub(crate) struct Emulator {
    process: Child,
    log_path: PathBuf,
}

impl Launch {
    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts the emulator and waits until it answers.
    pub(crate) async fn start(&self, home: &Home, http: &Http) -> Result<Emulator, Failure> {
        let log = || home.log().map(Stdio::from);
        let process = Command::new(&self.python)
            .args(["-m", "emulator"])
            .current_dir(environment::project().join("infra/local"))
            .env_clear()
            .envs(environment::inherited_by_the_emulator())
            .envs(self.settings(&home.state(), &home.scratch()))
            .stdin(Stdio::piped())
            .stdout(log()?)
            .stderr(log()?)
            // Ctrl-C is for this process, which then lets the emulator save its state.
            .process_group(0)
            .spawn()
            .map_err(|error| Failure::file(&self.python, &error))?;
        let mut emulator = Emulator { process, log_path: home.log_path() };

        let started = Instant::now();
        while !self.is_ready(http).await {
            if emulator.has_ended() || started.elapsed() > STARTS_WITHIN {
                return Err(emulator.failure("did not start"));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(emulator)
    }

    async fn is_ready(&self, http: &Http) -> bool {
        let request = Request::get(format!("{}/_ministack/health", self.endpoint())).body(Bytes::new());
        let Ok(request) = request else { return false };
        http.send(request).await.is_ok_and(|answer| answer.status().is_success())
    }

    fn settings(&self, state: &Path, scratch: &Path) -> Vec<(&'static str, String)> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let on = "1".to_owned();
        let off = "0".to_owned();
        vec![
            ("BIND_HOST", "127.0.0.1".to_owned()),
            ("GATEWAY_PORT", self.port.to_string()),
            // Signatures and IAM policies are checked.
            ("AUTH", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_DEFAULT_REGION", aws::REGION.to_owned()),
            // Without it, functions would look for the real AWS.
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("PERSIST_STATE", on.clone()),
            ("STATE_DIR", text(state.join("services"))),
            ("S3_PERSIST", on.clone()),
            ("S3_DATA_DIR", text(state.join("objects"))),
            ("TMPDIR", scratch.to_string_lossy().into_owned()),
            ("IOT_MTLS_ENABLED", off.clone()),
            ("SFTP_ENABLED", off),
            ("PYTHONUNBUFFERED", on),
        ]
    }
}

impl Emulator {
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.process.try_wait(), Ok(None))
    }

    /// Lets the emulator save its state; one that takes longer than half a minute is killed.
    pub(crate) async fn stop(&mut self) {
        drop(self.process.stdin.take());
        let started = Instant::now();
        while !self.has_ended() && started.elapsed() < SAVES_WITHIN {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        self.kill();
    }

    /// At once, as `kill -9` does: what it has not saved is lost.
    pub(crate) fn kill(&mut self) {
        // Neither fails but for a process that is already gone.
        self.process.kill().ok();
        self.process.wait().ok();
    }

    /// What the emulator says about the stand-in for GuardDuty: `scanner: clamav` or `scanner: eicar-signature`.
    pub(crate) fn scanner(&self) -> Option<String> {
        let log = fs::read_to_string(&self.log_path).ok()?;
        log.lines().find(|line| line.starts_with(SCANNER)).map(str::to_owned)
    }

    /// What it did that it should not have, and why: the signal that killed it, or else the last complaint of its log.
    pub(crate) fn failure(&mut self, what: &str) -> Failure {
        let status = self.process.try_wait().ok().flatten();
        let reason = match status.filter(|status| status.signal().is_some()) {
            Some(killed) => format!(" ({killed})"),
            None => {
                let log = fs::read_to_string(&self.log_path).unwrap_or_default();
                complaint(&log).map(|line| format!(": {line}")).unwrap_or_default()
            }
        };
        Failure::new(
            format!("The emulator {what}{reason}."),
            format!("Look into {} and start again.", self.log_path.display()),
        )
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The last line of the log that neither informs nor belongs to the banner, which comes before all that informs.
fn complaint(log: &str) -> Option<&str> {
    let informs = |line: &&str| line.contains(" INFO ") || line.contains("[INFO]");
    let last =
        log.trim_end().lines().rev().take_while(|line| !informs(line)).find(|line| !line.is_empty())?;
    (!last.starts_with(SCANNER)).then(|| last.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emulator_that_was_killed_is_said_to_be() {
        let directory = tempfile::tempdir().unwrap();
        let log_path = directory.path().join("emulator.log");
        fs::write(&log_path, "scanner: clamav\nsomething else\n").unwrap();
        let process = Command::new("sh").args(["-c", "kill -9 $$"]).spawn().unwrap();
        let mut emulator = Emulator { process, log_path };
        emulator.process.wait().unwrap();

        let failure = emulator.failure("ended by itself").to_string();

        assert!(
            failure.starts_with("The emulator ended by itself (signal: 9 (SIGKILL)). Look into "),
            "{failure}"
        );
    }

    #[test]
    fn what_informs_is_no_complaint() {
        let banner = "scanner: clamav\n2026-01-01 00:00:00 INFO [ministack] \n  Local AWS Service Emulator\n";
        let running = "[2026-01-01 00:00:00 +0000] [517] [INFO] Running on http://127.0.0.1:8402\n";
        let traceback = "Traceback (most recent call last):\n  File \"x.py\"\nOSError: no space left.\n\n";

        assert_eq!(complaint("scanner: clamav\n"), None);
        assert_eq!(complaint(&[banner, running].concat()), None);
        assert_eq!(complaint(&[banner, running, traceback].concat()), Some("OSError: no space left"));
        assert_eq!(complaint("Port 8402 is taken.\n"), Some("Port 8402 is taken"));
    }
}
