use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::MediaId;
use url::Url;

use crate::{ContentType, Language};

/// A transcript that an episode has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct EpisodeTranscript {
    /// The `media_id` of a transcript that is ready.
    pub media_id: MediaId,
    /// Its language; the show's when absent.
    #[serde(default)]
    pub language: Option<Language>,
    /// Whether it can be shown while the episode plays (`rel="captions"`).
    #[serde(default)]
    pub is_captions: bool,
}

/// A transcript of an episode, where apps find it (`podcast:transcript`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// Where it is.
    pub url: Url,
    /// What its bytes are: `text/vtt`, `application/x-subrip`, `application/json`, `text/html` or `text/plain`.
    pub content_type: ContentType,
    /// Its language; none is the show's.
    pub language: Option<Language>,
    /// Whether it can be shown while the episode plays (`rel="captions"`).
    pub is_captions: bool,
}
