use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::EpisodeDisplay;

/// An episode's place in its season or show (`podcast:episode`, `itunes:episode`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct EpisodeNumber {
    /// Which one, from 1. Podcasting 2.0 knows fractions; Apple does not, so there are none.
    pub number: NonZeroU32,
    /// What apps show instead.
    #[serde(default)]
    pub display: Option<EpisodeDisplay>,
}
