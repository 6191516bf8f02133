//! Says on stderr what is being done and how long it took: one line a step.

use std::{
    io::{IsTerminal, Write, stderr},
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

/// Where nobody sees the line change, a long step says so often that it is still at work.
const SECONDS_BETWEEN_WORDS: u64 = 30;

/// Where progress goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nowhere: for tests.
    Quiet,
    /// One line a step on stderr; on a terminal, the step at work is shown as well.
    Stderr,
}

/// A step at work. Nothing is printed for a step that is dropped unfinished.
#[derive(Debug)]
pub(crate) struct Step {
    progress: Progress,
    name: &'static str,
    started: Instant,
    last_words: AtomicU64,
}

impl Progress {
    pub(crate) fn step(self, name: &'static str) -> Step {
        let step = Step { progress: self, name, started: Instant::now(), last_words: AtomicU64::new(0) };
        step.doing("");
        step
    }
}

impl Step {
    /// What the step does at this moment; replaces what it did before.
    pub(crate) fn doing(&self, what: &str) {
        if self.progress == Progress::Quiet {
            return;
        }
        let what: String = what.chars().take(56).collect();
        if stderr().is_terminal() {
            write!(stderr(), "\r\x1b[2K  {:<20}{what} …", self.name).ok();
            return;
        }
        let elapsed = self.started.elapsed().as_secs();
        if elapsed >= self.last_words.load(Ordering::Relaxed) + SECONDS_BETWEEN_WORDS {
            self.last_words.store(elapsed, Ordering::Relaxed);
            writeln!(stderr(), "  {:<20}{what} … ({elapsed} s)", self.name).ok();
        }
    }

    pub(crate) fn done(self, result: &str) {
        if self.progress == Progress::Stderr {
            let clear = if stderr().is_terminal() { "\r\x1b[2K" } else { "" };
            let seconds = self.started.elapsed().as_secs_f32();
            writeln!(stderr(), "{clear}  {:<20}{result:<44}{seconds:>7.1} s", self.name).ok();
        }
    }
}
