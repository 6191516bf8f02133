//! Who calls: the functions behind the authorizer take it from the data token that the authorizer handed over.

use std::str::FromStr;

use storage::{Storage, StorageError};
use tenant_context::{
    Grant, Operator, Permission, TenantContext, Timestamp,
    id::Randomness,
    token::{Caller, verify_data_token},
};

use crate::{Problem, Request};

/// What every function of the tenancy API holds.
pub struct Api {
    /// The stores.
    pub storage: Storage,
    issuer: String,
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
        Self { storage, issuer }
    }

    /// The caller's context.
    ///
    /// # Errors
    /// 401 when the token is missing or does not verify, 404 for an operator, who sees into no tenancy.
    pub async fn tenant(&self, request: &Request) -> Result<TenantContext, Problem> {
        match self.caller(request).await? {
            Caller::Tenant(context) => Ok(context),
            Caller::Operator(_) => Err(Problem::not_found()),
        }
    }

    /// The caller, who must be an operator.
    ///
    /// # Errors
    /// 401 when the token is missing or does not verify, 404 for a tenancy's callers, to whom this is none of their business.
    pub async fn operator(&self, request: &Request) -> Result<Operator, Problem> {
        match self.caller(request).await? {
            Caller::Operator(operator) => Ok(operator),
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
        verify_data_token(token, keys, &self.issuer, self.storage.now()).map_err(|error| {
            tracing::warn!(%error, "a data token was refused");
            Problem::unauthenticated()
        })
    }
}
