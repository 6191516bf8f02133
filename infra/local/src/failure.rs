//! Why Castkeep does not run here, in words for the person at the keyboard.

use std::fmt;

/// One plain sentence about what happened, and one about what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    happened: String,
    remedy: String,
}

impl Failure {
    /// Both sentences, each with its full stop.
    pub fn new(happened: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { happened: happened.into(), remedy: remedy.into() }
    }

    /// A file or directory that cannot be read or written.
    pub(crate) fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(
            format!("{} cannot be used: {error}.", path.display()),
            "Check that you may read and write it and that the disk has room.",
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.happened, self.remedy)
    }
}

impl std::error::Error for Failure {}
