use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ShortText;

/// A season (`podcast:season`, `itunes:season`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Season {
    /// Which one, from 1.
    pub number: NonZeroU32,
    /// What it is called.
    #[serde(default)]
    pub name: Option<ShortText>,
}
