use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Quota, RateLimits};

/// What an operator has agreed with one tenancy, where it is not what every tenancy has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Instead of [`RateLimits::per_principal`].
    pub requests_per_minute_per_principal: Option<u32>,
    /// Instead of [`RateLimits::per_tenancy`].
    pub requests_per_minute: Option<u32>,
    /// By name, so that what another version of this program has written can be read.
    quotas: BTreeMap<String, u64>,
}

impl Limits {
    /// The same with these quotas.
    #[must_use]
    pub fn with_quotas(self, quotas: BTreeMap<Quota, u64>) -> Self {
        let quotas = quotas.into_iter().map(|(quota, limit)| (quota.as_str().to_owned(), limit));
        Self { quotas: quotas.collect(), ..self }
    }

    /// Whether nothing was agreed.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// How many requests are served; what was not agreed is as in `common`.
    pub fn rates(&self, common: RateLimits) -> RateLimits {
        RateLimits {
            per_principal: self.requests_per_minute_per_principal.unwrap_or(common.per_principal),
            per_tenancy: self.requests_per_minute.unwrap_or(common.per_tenancy),
        }
    }

    /// How many of a thing the tenancy may have.
    pub fn quota(&self, quota: Quota) -> u64 {
        self.quotas.get(quota.as_str()).copied().unwrap_or_else(|| quota.default_limit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_agreed_is_as_for_everybody() {
        let limits = Limits { requests_per_minute: Some(60), ..Limits::default() }
            .with_quotas(BTreeMap::from([(Quota::Shows, 3)]));

        let rates = limits.rates(RateLimits { per_principal: 10, per_tenancy: 20 });

        assert_eq!(rates, RateLimits { per_principal: 10, per_tenancy: 60 });
        assert_eq!((limits.quota(Quota::Shows), limits.quota(Quota::Clients)), (3, 100));
    }

    #[test]
    fn what_another_version_has_written_can_be_read() {
        let limits: Limits =
            serde_json::from_str(r#"{"quotas": {"shows": 3, "cats": 9}, "sky": 1}"#).unwrap();
        assert_eq!(limits.quota(Quota::Shows), 3);
    }
}
