/// Why something cannot be archived. Trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No parts can be made by these limits.
    #[error("limits need 1 <= part_min <= part_target <= part_max, 2 * part_min <= part_max, and a part")]
    Limits,
    /// A name that some program would not unpack, or would unpack elsewhere.
    #[error("{name:?} is no name for a file in an archive: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two files have this name.
    #[error("{name:?} is there already")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A file that does not fit into an archive of its own, or not into a bundle.
    #[error("{name:?} is too large")]
    TooLarge {
        /// Its name.
        name: String,
    },
    /// A stored plan that no planner can have made.
    #[error("the plan fits into no archive")]
    Plan,
}
