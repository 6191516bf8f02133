//! The directory that one running stack owns: the emulator's state, its log, and what must be remembered.
//!
//! The log file is locked, and the emulator inherits the locked file as its stdout. So the directory stays locked until the
//! emulator is gone too, even where the runner was killed and the emulator still saves its state.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{Failure, lock};

/// How long a previous run may take to save its state before the directory counts as taken.
const PATIENCE: Duration = Duration::from_secs(20);
/// Says that the state's first run has not come to its end.
const UNFINISHED: &str = "unfinished";

/// A locked directory. Deleted on drop when it is a test's.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    log: File,
    is_temporary: bool,
}

impl Home {
    /// Makes the directory where it is missing, waits for a previous run to end, and empties the log.
    pub(crate) async fn open(path: &Path, is_temporary: bool) -> Result<Self, Failure> {
        fs::create_dir_all(path).map_err(|error| Failure::file(path, &error))?;
        let path = path.canonicalize().map_err(|error| Failure::file(path, &error))?;
        let log_path = path.join("emulator.log");
        let log = open_log(&log_path)?;

        match lock::acquire(&log, PATIENCE).await {
            Ok(true) => {}
            Ok(false) => {
                return Err(Failure::new(
                    format!("Another run works in {}.", path.display()),
                    "Stop it, or give this one a directory of its own with --state and ports of its own with --port.",
                ));
            }
            Err(error) => return Err(Failure::file(&log_path, &error)),
        }
        log.set_len(0).map_err(|error| Failure::file(&log_path, &error))?;

        Ok(Self { path, log, is_temporary })
    }

    /// Deletes the directories beside each other in `parent` that no run holds any more.
    pub(crate) fn sweep(parent: &Path) {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let is_abandoned =
                open_log(&entry.path().join("emulator.log")).is_ok_and(|log| log.try_lock().is_ok());
            if is_abandoned {
                fs::remove_dir_all(entry.path()).ok();
            }
        }
    }

    /// Where the emulator keeps its state, and the runner what it must know to use it again.
    pub(crate) fn state(&self) -> PathBuf {
        self.path.join("state")
    }

    /// For what need not survive a restart.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.path.join("scratch")
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        self.path.join("emulator.log")
    }

    /// The locked log, for the emulator to write to.
    pub(crate) fn log(&self) -> Result<File, Failure> {
        self.log.try_clone().map_err(|error| Failure::file(&self.log_path(), &error))
    }

    /// An empty scratch directory and a state directory; an empty one where `fresh` is asked for, or where the run that made
    /// it never got to [`Home::finish_first_run`]. True where the state is empty. Both are for the user alone: the emulator
    /// keeps keys and tokens there.
    pub(crate) fn prepare(&self, fresh: bool) -> Result<bool, Failure> {
        remove(&self.scratch())?;
        if fresh || self.recall(UNFINISHED).is_some() {
            remove(&self.state())?;
        }
        let is_new = !self.state().exists();

        for directory in [self.state(), self.scratch()] {
            fs::create_dir_all(&directory)
                .and_then(|()| fs::set_permissions(&directory, Permissions::from_mode(0o700)))
                .map_err(|error| Failure::file(&directory, &error))?;
        }
        if is_new {
            self.remember(UNFINISHED, "")?;
        }
        Ok(is_new)
    }

    /// From now on the state is worth keeping.
    pub(crate) fn finish_first_run(&self) -> Result<(), Failure> {
        let path = self.state().join(UNFINISHED);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::file(&path, &error)),
            _ => Ok(()),
        }
    }

    /// Deletes a test's directory, and no other.
    pub(crate) fn discard(&self) {
        if self.is_temporary {
            fs::remove_dir_all(&self.path).ok();
        }
    }

    /// What was remembered under this name, if anything was.
    pub(crate) fn recall(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.state().join(name)).ok()
    }

    /// Writes a file that only the user may read, whole or not at all.
    pub(crate) fn remember(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.state().join(name);
        let unfinished = self.state().join(format!("{name}.unfinished"));

        let write = || {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
            file.write_all(text.as_bytes())?;
            fs::rename(&unfinished, &path)
        };
        write().map_err(|error| Failure::file(&path, &error))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.discard();
    }
}

fn open_log(path: &Path) -> Result<File, Failure> {
    OpenOptions::new().append(true).create(true).open(path).map_err(|error| Failure::file(path, &error))
}

fn remove(directory: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::file(directory, &error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn what_the_emulator_keeps_is_for_the_user_alone() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::open(directory.path(), false).await.unwrap();

        home.prepare(false).unwrap();

        assert_eq!((mode(&home.state()), mode(&home.scratch())), (0o700, 0o700));
    }

    #[tokio::test]
    async fn what_is_remembered_is_for_the_user_alone() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::open(directory.path(), false).await.unwrap();
        home.prepare(false).unwrap();

        home.remember("secret", "hush").unwrap();

        assert_eq!(mode(&home.state().join("secret")), 0o600);
        assert_eq!(home.recall("secret").as_deref(), Some("hush"));
    }

    #[tokio::test]
    async fn a_state_is_kept_once_its_first_run_is_finished() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::open(directory.path(), false).await.unwrap();

        assert!(home.prepare(false).unwrap());
        home.remember("half", "done").unwrap();
        assert!(home.prepare(false).unwrap());
        assert_eq!(home.recall("half"), None);

        home.finish_first_run().unwrap();
        home.remember("all", "done").unwrap();
        assert!(!home.prepare(false).unwrap());
        assert_eq!(home.recall("all").as_deref(), Some("done"));
        assert!(home.prepare(true).unwrap());
        assert_eq!(home.recall("all"), None);
    }

    #[tokio::test]
    async fn the_sweep_leaves_directories_in_use() {
        let parent = tempfile::tempdir().unwrap();
        let used = Home::open(&parent.path().join("used"), true).await.unwrap();
        fs::create_dir_all(parent.path().join("abandoned")).unwrap();

        Home::sweep(parent.path());

        assert!(used.log_path().exists());
        assert!(!parent.path().join("abandoned").exists());
    }
}
