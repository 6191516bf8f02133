//! Who can be a member of a group: people and machine clients.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ClientId, InvalidId, UserId};

/// A person or a machine client of a tenancy, by id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^(usr|key)_[0-9A-HJKMNP-TV-Z]{26}$"))]
pub enum MemberId {
    /// A person: `usr_…`.
    User(UserId),
    /// A machine client: `key_…`.
    Client(ClientId),
}

impl MemberId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        match self {
            MemberId::User(id) => id.as_str(),
            MemberId::Client(id) => id.as_str(),
        }
    }
}

impl FromStr for MemberId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse().map(Self::User).or_else(|_| text.parse().map(Self::Client))
    }
}

impl TryFrom<String> for MemberId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<MemberId> for String {
    fn from(id: MemberId) -> String {
        id.as_str().to_owned()
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for MemberId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
