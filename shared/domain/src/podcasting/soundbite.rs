use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ShortText;

/// A part of an episode that is worth hearing first (`podcast:soundbite`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Soundbite {
    /// Where it begins, in milliseconds from the episode's begin.
    pub start_time_milliseconds: u32,
    /// How long it plays, in milliseconds: 15 to 120 seconds are recommended.
    pub duration_milliseconds: NonZeroU32,
    /// What it is called; as the episode when absent.
    #[serde(default)]
    pub title: Option<ShortText>,
}

impl Soundbite {
    /// Where it ends, in milliseconds from the episode's begin.
    pub fn end_milliseconds(&self) -> u64 {
        u64::from(self.start_time_milliseconds) + u64::from(self.duration_milliseconds.get())
    }
}
