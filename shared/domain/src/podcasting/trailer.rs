use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use tenant_context::Timestamp;

use crate::{ContentType, ShortText, WebUrl};

/// A trailer of a show or of one of its seasons (`podcast:trailer`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Trailer {
    /// What it is called.
    pub title: ShortText,
    /// Where its audio or video is.
    pub url: WebUrl,
    /// When it came out; the newest is shown first.
    pub published_at: Timestamp,
    /// How many bytes it has.
    #[serde(default)]
    pub size_bytes: Option<u64>,
    /// What its bytes are.
    #[serde(default)]
    pub content_type: Option<ContentType>,
    /// The number of the season that it is about.
    #[serde(default)]
    pub season: Option<NonZeroU32>,
}
