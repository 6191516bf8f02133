use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many of a thing a tenancy may have at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quota {
    /// People, those invited too.
    Users,
    /// Groups of the tenancy's own.
    Groups,
    /// Machine clients.
    Clients,
    /// Shows.
    Shows,
    /// Episodes, of all shows together.
    Episodes,
    /// Listeners, of all private shows together.
    Listeners,
    /// Uploads that have not ended.
    UnfinishedUploads,
}

impl Quota {
    /// Every quota there is.
    pub const ALL: &[Quota] = &[
        Quota::Users,
        Quota::Groups,
        Quota::Clients,
        Quota::Shows,
        Quota::Episodes,
        Quota::Listeners,
        Quota::UnfinishedUploads,
    ];

    /// The quota's public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Clients => "clients",
            Self::Shows => "shows",
            Self::Episodes => "episodes",
            Self::Listeners => "listeners",
            Self::UnfinishedUploads => "unfinished_uploads",
        }
    }

    /// How many a tenancy may have with which nothing else was agreed.
    pub fn default_limit(self) -> u64 {
        match self {
            Self::Users => 1_000,
            Self::Groups | Self::Clients => 100,
            Self::Shows => 1_000,
            Self::Episodes => 20_000,
            Self::Listeners => 100_000,
            Self::UnfinishedUploads => 500,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_named_as_in_json() {
        for quota in Quota::ALL {
            assert_eq!(serde_json::to_value(quota).unwrap(), quota.as_str());
        }
    }
}
