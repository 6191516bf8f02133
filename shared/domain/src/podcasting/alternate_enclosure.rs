use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::MediaId;
use url::Url;

use crate::{ContentHash, ContentType, Language, ShortText};

/// A medium that is an episode once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct AlternateMedia {
    /// The `media_id` of a recording that is ready, in any format.
    pub media_id: MediaId,
    /// Its language; the show's when absent.
    #[serde(default)]
    pub language: Option<Language>,
    /// What people choose it by.
    #[serde(default)]
    pub title: Option<ShortText>,
}

/// The same episode in other bytes, where apps find it (`podcast:alternateEnclosure`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlternateEnclosure {
    /// What its bytes are.
    pub content_type: ContentType,
    /// How many there are.
    pub size_bytes: u64,
    /// Average bits per second.
    pub bit_rate: Option<u32>,
    /// How many pixels its pictures are high.
    pub height: Option<u32>,
    /// Its language; none is the show's.
    pub language: Option<Language>,
    /// What people choose it by.
    pub title: Option<ShortText>,
    /// Its codecs, as RFC 6381 names them.
    pub codecs: Option<ShortText>,
    /// Whether it is the enclosure itself.
    pub is_default: bool,
    /// The hash of its bytes, for Subresource Integrity.
    pub hash: Option<ContentHash>,
    /// Where it is; at least one.
    pub sources: Vec<Source>,
}

/// One place where it is (`podcast:source`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The place.
    pub uri: Url,
    /// What is there, if not the file itself.
    pub content_type: Option<ContentType>,
}
