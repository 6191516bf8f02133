//! Who calls: the functions behind the authorizer take it from the data token that the authorizer handed over. And whether they
//! call too often.

use std::{str::FromStr, time::Duration};

use domain::Standing;

use storage::{Storage, StorageError};
use tenant_context::{
    Grant, Operator, Permission, TenantContext, Timestamp,
    id::Randomness,
    token::{Caller, SignedTokens},
};

use crate::{Problem, Request};

/// How long a request waits to be counted.
const PATIENCE: Duration = Duration::from_secs(2);

/// What every function of the tenancy API holds.
pub struct Api {
    /// The stores.
    pub storage: Storage,
    issuer: String,
    signed: SignedTokens,
}

/// An id to make something under.
#[derive(Debug)]
pub struct Reserved<I> {
    /// The id.
    pub id: I,
    /// Whether an earlier request had it: what it made may exist.
    pub is_repeated: bool,
}

impl Api {
    /// `issuer` is the URL of the tenancy API, which is who issues tokens.
    pub fn new(storage: Storage, issuer: String) -> Self {
        Self { storage, issuer, signed: SignedTokens::default() }
    }

    /// The caller's context. The request is counted.
    ///
    /// # Errors
    /// 401 when the token is missing or does not verify, 404 for an operator, who sees into no tenancy, 429 when the caller or its
    /// tenancy has had its requests of this minute.
    pub async fn tenant(&self, request: &Request) -> Result<TenantContext, Problem> {
        match self.caller(request).await? {
            Caller::Tenant(context) => {
                admit(request, self.storage.count_request(&context)).await?;
                Ok(context)
            }
            Caller::Operator(_) => Err(Problem::not_found()),
        }
    }

    /// The caller, who must be an operator. The request is counted.
    ///
    /// # Errors
    /// 401 when the token is missing or does not verify, 404 for a tenancy's callers, to whom this is none of their business, 429
    /// when operators have had their requests of this minute.
    pub async fn operator(&self, request: &Request) -> Result<Operator, Problem> {
        match self.caller(request).await? {
            Caller::Operator(operator) => {
                admit(request, self.storage.count_operator_request(&operator)).await?;
                Ok(operator)
            }
            Caller::Tenant(_) => Err(Problem::not_found()),
        }
    }

    /// The id under which to make something: a new one, or the one that an earlier request with the same `Idempotency-Key` had.
    ///
    /// # Errors
    /// 422 when the key went with another request.
    pub async fn reserve<P: Permission, I: FromStr + ToString>(
        &self,
        request: &Request,
        grant: &Grant<'_, P>,
        new_id: impl Fn(Timestamp, &dyn Randomness) -> I,
    ) -> Result<Reserved<I>, Problem> {
        let id = new_id(self.storage.now(), self.storage.randomness());
        let Some(key) = request.idempotency_key()? else { return Ok(Reserved { id, is_repeated: false }) };

        let reservation = self.storage.reserve(grant, &key, &id.to_string()).await?;
        match reservation.id.parse() {
            Ok(id) => Ok(Reserved { id, is_repeated: reservation.is_repeated }),
            Err(_) => Err(StorageError::IdempotencyMismatch.into()),
        }
    }

    async fn caller(&self, request: &Request) -> Result<Caller, Problem> {
        let token = request.data_token.as_deref().ok_or_else(Problem::unauthenticated)?;
        let keys = self.storage.verification_keys().await?;
        self.signed.verify(token, keys, &self.issuer, self.storage.now()).map_err(|error| {
            tracing::warn!(%error, "a data token was refused");
            Problem::unauthenticated()
        })
    }
}

/// Lets a request through, unless it is one too many. One that cannot be counted goes on: a limit is there so that others are
/// served, and refusing everybody because a counter does not answer would make its outage everybody's.
async fn admit(
    request: &Request,
    count: impl Future<Output = Result<Standing, StorageError>>,
) -> Result<(), Problem> {
    let standing = match tokio::time::timeout(PATIENCE, count).await {
        Ok(Ok(standing)) => standing,
        Ok(Err(error)) => {
            tracing::error!(%error, cause = ?error, "a request was not counted");
            return Ok(());
        }
        Err(_) => {
            tracing::error!("a request was not counted in time");
            return Ok(());
        }
    };
    let standing = request.standing.get_or_init(|| standing);
    if standing.is_served { Ok(()) } else { Err(Problem::too_many_requests(standing)) }
}
