//! The pointer: which documents are a show's feed now. The only object of a feed that changes.

use std::collections::BTreeMap;

use domain::{ContentHash, FeedToken, Slug, Visibility};
use serde::{Deserialize, Serialize};
use tenant_context::{EpisodeId, Timestamp};

/// The pointer's name among a show's objects.
pub(crate) const POINTER: &str = "current.json";

/// Stands where a listener's feed token will be, in the document of a private show.
pub(crate) const TOKEN_MARK: &str = "7q0z4k9t2w6r8m3x5v1n7c0b4h9g2d6f";

/// Which documents are a show's feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pointer {
    /// How often what the feed shows had changed when it was rendered.
    pub feed_version: u64,
    /// Which episodes were out was decided for this moment.
    pub as_of: Timestamp,
    /// The hash of the document; its objects are named by it.
    pub document: ContentHash,
    /// The hash of the list of enclosures that goes with it.
    pub enclosures: ContentHash,
    /// Since when the document is this one (`Last-Modified`).
    pub modified_at: Timestamp,
    /// The show's slug: the listener API serves it under no other.
    pub slug: Slug,
    /// Who may have it.
    pub visibility: Visibility,
}

impl Pointer {
    /// Whether this pointer knows more recent facts than `other`.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        (self.feed_version, self.as_of) > (other.feed_version, other.as_of)
    }
}

/// The audio behind the enclosures of one document.
pub(crate) type Enclosures = BTreeMap<EpisodeId, Enclosure>;

/// The audio behind one enclosure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Enclosure {
    /// The last part of the enclosure's URL.
    pub file_name: String,
    /// Which media.
    pub media: ContentHash,
}

/// The document itself.
pub(crate) fn document_name(hash: &ContentHash) -> String {
    format!("{hash}.xml")
}

/// The same, compressed with gzip.
pub(crate) fn gzip_name(hash: &ContentHash) -> String {
    format!("{hash}.xml.gz")
}

/// The audio behind the document's enclosures, named by the list's own hash.
pub(crate) fn enclosures_name(hash: &ContentHash) -> String {
    format!("{hash}.json")
}

/// The mark, as the token that it stands for.
///
/// # Errors
/// None: the mark is a token.
pub(crate) fn token_mark() -> Result<FeedToken, domain::Invalid> {
    TOKEN_MARK.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_a_token() {
        assert_eq!(token_mark().unwrap().as_str(), TOKEN_MARK);
    }
}
