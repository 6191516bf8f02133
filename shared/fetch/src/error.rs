use std::time::Duration;

/// Why there is nothing, or no more. No message tells an address that a name has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The URL is of another scheme.
    #[error("only http and https URLs are fetched, not {0}")]
    Scheme(String),
    /// The URL has a user or a password.
    #[error("URLs with a user or a password are not fetched")]
    Credentials,
    /// The URL names a port that web servers do not have.
    #[error("only ports 80 and 443 are fetched from, not {0}")]
    Port(u16),
    /// What the URL names is not on the open internet, or not only there.
    #[error("{0} is not on the open internet")]
    NotPublic(String),
    /// A redirect leads to something that is no URL.
    #[error("a redirect leads to {0:?}, which is no URL")]
    Redirect(String),
    /// There are more redirects than are followed.
    #[error("there are more than {} redirects", crate::MOST_REDIRECTS)]
    TooManyRedirects,
    /// The server answered with that status, and not with what was asked for.
    #[error("the server answers with status {0}")]
    Status(u16),
    /// There is more than was asked for.
    #[error("there are more than {most_bytes} bytes")]
    TooLarge {
        /// The most that was to come.
        most_bytes: u64,
    },
    /// The server took longer than it may.
    #[error("nothing came for {} seconds", .0.as_secs_f64())]
    TooSlow(Duration),
    /// The bytes come in an encoding that nobody asked for and that is not known here.
    #[error("the server sends it encoded as {0:?}")]
    Encoding(String),
    /// What is there now is not what a part was fetched of before. Begin again.
    #[error("it has changed since a part of it was fetched")]
    Changed,
    /// No connection, or no answer in HTTP.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// The answer broke off, or its bytes are not what they are said to be. What came before is good: go on from there.
    #[error("the answer breaks off: {0}")]
    BrokenOff(String),
}

impl FetchError {
    /// Whether the same may work later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::TooSlow(_) | Self::Changed | Self::Unreachable(_) | Self::BrokenOff(_) => true,
            Self::Status(status) => *status >= 500 || matches!(status, 408 | 425 | 429),
            _ => false,
        }
    }
}
