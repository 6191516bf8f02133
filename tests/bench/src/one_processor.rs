//! Keeps all that takes part in a measurement on one processor. Between two, what is measured is mostly how soon the other wakes up,
//! which is a different time on every run.

use std::process::{Command, id};

use crate::world::Outcome;

/// While it lasts, this process and what it starts are on one processor.
pub struct OneProcessor {
    /// Where they may be otherwise, as `taskset` writes it.
    before: String,
}

impl OneProcessor {
    /// From now on, until it is dropped.
    ///
    /// # Errors
    /// Where `taskset` of util-linux is not there, or may not.
    pub fn enter() -> Outcome<Self> {
        let said = taskset(None)?;
        let before = said.rsplit(": ").next().unwrap_or_default().trim().to_owned();
        let last = before.rsplit([',', '-']).next().ok_or("taskset names no processor")?;
        taskset(Some(last))?;
        Ok(Self { before })
    }
}

impl Drop for OneProcessor {
    fn drop(&mut self) {
        taskset(Some(&self.before)).ok();
    }
}

/// Asks where this process may be, or says so for every thread of it.
fn taskset(processors: Option<&str>) -> Outcome<String> {
    let mut command = Command::new("taskset");
    if processors.is_some() {
        command.arg("--all-tasks");
    }
    let output = command.args(["--cpu-list", "--pid"]).args(processors).arg(id().to_string()).output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(format!("taskset: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}
