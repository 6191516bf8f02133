use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::podcasting::ServiceSlug;

/// Whether one service may show the feed, or all that are not named (`podcast:block`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Block {
    /// Which service; all others when absent.
    #[serde(default)]
    pub id: Option<ServiceSlug>,
    /// Whether it may not.
    pub is_blocked: bool,
}
