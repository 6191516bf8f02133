use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LongText, ShortText};

/// What a service wants to find in the feed, for example as a proof of who owns it (`podcast:txt`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Txt {
    /// What it is for, in the service's own words: `verify`, `applepodcastsverify`.
    #[serde(default)]
    pub purpose: Option<ShortText>,
    /// The text itself.
    pub value: LongText,
}
