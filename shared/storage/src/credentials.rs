//! From a context to clients that reach that tenancy and nothing else.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_credential_types::Credentials;
use aws_types::SdkConfig;
use domain::{Limits, RateLimits};
use tenant_context::{
    Clock, Principal, TenancyId, TenantContext, Timestamp, Worker, id::Randomness, token::VerificationKey,
};
use tokio::sync::OnceCell;

use crate::{
    StorageError,
    aws::{Aws, Clients, Environment},
    error::During,
    keys,
    rate_limit::Leases,
    sealed::DataKey,
};

/// AWS's shortest: the data token does not live longer either.
const CREDENTIALS_SECONDS: i32 = 900;
/// A role that another role assumed may act for an hour at most; signed media links live as long as their credentials.
const WORKER_CREDENTIALS_SECONDS: i32 = 3600;
/// Credentials this close to their end are renewed.
const RENEW_BEFORE: Duration = Duration::from_secs(120);
const MOST_CACHED: usize = 256;

/// The stores, as one function may use them.
pub struct Storage {
    pub(crate) environment: Environment,
    pub(crate) own: Clients,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: Arc<dyn Randomness + Send + Sync>,
    pub(crate) verification_keys: OnceCell<Vec<VerificationKey>>,
    pub(crate) rate_limits: RateLimits,
    pub(crate) leases: Mutex<Leases>,
    aws: Aws,
    tenants: Mutex<HashMap<Holder, (Arc<Tenant>, Timestamp)>>,
}

/// Whose credentials they are. A data token's credentials serve that very token only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Holder {
    DataToken(String),
    Worker(TenancyId),
    /// What carries an exit out, which may delete whatever a tenancy has.
    Exit(TenancyId),
}

/// Clients that reach one tenancy.
pub(crate) struct Tenant {
    pub clients: Clients,
    pub data_key: OnceCell<DataKey>,
    pub limits: OnceCell<Limits>,
}

impl Storage {
    /// Opens the stores named in `environment`.
    ///
    /// # Errors
    /// [`StorageError::NotConfigured`] when region or credentials are missing, or a limit is not a number.
    pub fn new(
        environment: Environment,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness + Send + Sync>,
    ) -> Result<Self, StorageError> {
        let aws = Aws::new(&environment)?;
        let common = RateLimits::default();
        let rate_limits = RateLimits {
            per_principal: environment.number("REQUESTS_PER_MINUTE_PER_PRINCIPAL", common.per_principal)?,
            per_tenancy: environment.number("REQUESTS_PER_MINUTE", common.per_tenancy)?,
        };
        Ok(Self {
            own: aws.own(),
            rate_limits,
            leases: Mutex::default(),
            environment,
            clock,
            randomness,
            aws,
            verification_keys: OnceCell::new(),
            tenants: Mutex::default(),
        })
    }

    /// What a client of another AWS service needs to act as the function itself.
    pub fn sdk_config(&self) -> &SdkConfig {
        self.aws.config()
    }

    /// The present moment, by the clock that the stores use.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The randomness that new ids are made of.
    pub fn randomness(&self) -> &dyn Randomness {
        self.randomness.as_ref()
    }

    /// Clients for the context's tenancy, from the cache or from STS.
    pub(crate) async fn tenant(&self, context: &TenantContext) -> Result<Arc<Tenant>, StorageError> {
        let holder = match context.data_token() {
            Some(token) => Holder::DataToken(token.to_owned()),
            None if *context.principal() == Principal::Worker(Worker::Exit) => {
                Holder::Exit(context.tenancy().clone())
            }
            None => Holder::Worker(context.tenancy().clone()),
        };
        if let Some(tenant) = self.cached(&holder) {
            return Ok(tenant);
        }

        let (credentials, expires_at) = match &holder {
            Holder::DataToken(token) => self.exchange(context, token).await?,
            Holder::Worker(tenancy) => self.assume("DATA_ROLE", tenancy).await?,
            Holder::Exit(tenancy) => self.assume("EXIT_ROLE", tenancy).await?,
        };
        let tenant = Arc::new(Tenant {
            clients: self.aws.clients(credentials),
            data_key: OnceCell::new(),
            limits: OnceCell::new(),
        });
        self.remember(holder, &tenant, expires_at);
        Ok(tenant)
    }

    fn cached(&self, holder: &Holder) -> Option<Arc<Tenant>> {
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let (tenant, expires_at) = tenants.get(holder)?;
        (self.now().plus(RENEW_BEFORE) < *expires_at).then(|| Arc::clone(tenant))
    }

    fn remember(&self, holder: Holder, tenant: &Arc<Tenant>, expires_at: Timestamp) {
        let now = self.now();
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.retain(|_, (_, expires_at)| now < *expires_at);
        if tenants.len() >= MOST_CACHED {
            tenants.clear();
        }
        tenants.insert(holder, (Arc::clone(tenant), expires_at));
    }

    /// The caller's data token for credentials: STS checks it and takes the tenancy from it.
    async fn exchange(
        &self,
        context: &TenantContext,
        token: &str,
    ) -> Result<(Credentials, Timestamp), StorageError> {
        let answer = self
            .own
            .sts()
            .assume_role_with_web_identity()
            .role_arn(self.environment.get("DATA_ROLE")?)
            .role_session_name(context.principal().to_string())
            .web_identity_token(token)
            .duration_seconds(CREDENTIALS_SECONDS)
            .send()
            .await
            .during("sts:AssumeRoleWithWebIdentity")?;
        credentials(answer.credentials)
    }

    /// A worker's role for one tenancy, which goes with the session as a tag.
    async fn assume(
        &self,
        role: &'static str,
        tenancy: &TenancyId,
    ) -> Result<(Credentials, Timestamp), StorageError> {
        let tag = aws_sdk_sts::types::Tag::builder().key("TenancyId").value(tenancy.as_str()).build();
        let answer = self
            .own
            .sts()
            .assume_role()
            .role_arn(self.environment.get(role)?)
            .role_session_name(tenancy.as_str())
            .tags(tag.map_err(StorageError::corrupt)?)
            .duration_seconds(WORKER_CREDENTIALS_SECONDS)
            .send()
            .await
            .during("sts:AssumeRole")?;
        credentials(answer.credentials)
    }

    /// The alias of the tenancy's own KMS key.
    pub(crate) fn tenancy_key(&self, tenancy: &TenancyId) -> Result<String, StorageError> {
        Ok(keys::key_alias(self.environment.get("KEY_ALIAS_PREFIX")?, tenancy))
    }
}

fn credentials(
    answer: Option<aws_sdk_sts::types::Credentials>,
) -> Result<(Credentials, Timestamp), StorageError> {
    let answer = answer.ok_or_else(|| StorageError::corrupt("STS answered no credentials"))?;
    let expires_at = u64::try_from(answer.expiration.secs()).map(Timestamp::from_unix_seconds);
    let credentials = Credentials::new(
        answer.access_key_id,
        answer.secret_access_key,
        Some(answer.session_token),
        None,
        "STS",
    );
    Ok((credentials, expires_at.map_err(StorageError::corrupt)?))
}
