//! What can go wrong with a store.

use std::error::Error;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use domain::Quota;

/// What a store answered instead of what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// A condition did not hold: somebody else changed the item first, or it exists already, or it is gone.
    #[error("changed by somebody else in the meantime")]
    Conflict,
    /// The idempotency key was used before, for another request.
    #[error("the idempotency key was used before for another request")]
    IdempotencyMismatch,
    /// Without this member the tenancy would have no owner who may sign in.
    #[error("the last owner of the tenancy")]
    LastOwner,
    /// A legal hold on what has this id stops it.
    #[error("a legal hold on {0} stops it")]
    Held(String),
    /// Something else must be done first, and is not yet. Trying again later will help.
    #[error("not yet: {0}")]
    NotYet(&'static str),
    /// The grant is for another show than the one that was to be changed. In correct code nothing leads here.
    #[error("the grant does not reach this show")]
    BeyondGrant,
    /// The tenancy has as many as it may have.
    #[error("the tenancy has its {limit} {}", quota.as_str())]
    QuotaExceeded {
        /// Of what.
        quota: Quota,
        /// How many it may have.
        limit: u64,
    },
    /// The credentials do not reach that far. In correct code only a wrong tenancy leads here.
    #[error("{operation} was denied")]
    Denied {
        /// The AWS operation.
        operation: &'static str,
        /// What AWS said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The store did not answer, or not in time. Trying again may help.
    #[error("{operation} failed")]
    Unavailable {
        /// The AWS operation.
        operation: &'static str,
        /// What went wrong.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// What was read is not what this program writes.
    #[error("a stored item cannot be read: {0}")]
    Corrupt(String),
    /// The function was not given a name or a number that it needs.
    #[error("the environment variable {0} is missing or not as it should be")]
    NotConfigured(&'static str),
}

impl StorageError {
    /// Wraps what an AWS client answered to `operation`.
    pub(crate) fn from_sdk<E, R>(operation: &'static str, error: SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        match error.as_service_error().and_then(ProvideErrorMetadata::code) {
            Some("ConditionalCheckFailedException" | "PreconditionFailed" | "ConditionalRequestConflict") => {
                Self::Conflict
            }
            Some("AccessDenied" | "AccessDeniedException") => {
                Self::Denied { operation, source: Box::new(error) }
            }
            _ => Self::Unavailable { operation, source: Box::new(error) },
        }
    }

    /// The store did only a part of what was asked, because it was asked too much at once.
    pub(crate) fn throttled(operation: &'static str) -> Self {
        Self::partly(operation, "throttled")
    }

    /// The store did only a part of what was asked, and says why it did not do the rest.
    pub(crate) fn partly(operation: &'static str, reason: &str) -> Self {
        Self::Unavailable { operation, source: reason.into() }
    }

    /// What is stored cannot be understood.
    pub(crate) fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Corrupt(what.to_string())
    }
}

/// Names the operation that an AWS client's error belongs to.
pub(crate) trait During<T> {
    fn during(self, operation: &'static str) -> Result<T, StorageError>;
}

impl<T, E, R> During<T> for Result<T, SdkError<E, R>>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    fn during(self, operation: &'static str) -> Result<T, StorageError> {
        self.map_err(|error| StorageError::from_sdk(operation, error))
    }
}
