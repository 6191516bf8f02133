//! Who calls: the functions behind the authorizer take it from the data token that the authorizer handed over.

use storage::Storage;
use tenant_context::{
    Operator, TenantContext,
    token::{Caller, verify_data_token},
};

use crate::{Problem, Request};

/// What every function of the tenancy API holds.
pub struct Api {
    /// The stores.
    pub storage: Storage,
    issuer: String,
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

    async fn caller(&self, request: &Request) -> Result<Caller, Problem> {
        let token = request.data_token.as_deref().ok_or_else(Problem::unauthenticated)?;
        let keys = self.storage.verification_keys().await?;
        verify_data_token(token, keys, &self.issuer, self.storage.now()).map_err(|error| {
            tracing::warn!(%error, "a data token was refused");
            Problem::unauthenticated()
        })
    }
}
