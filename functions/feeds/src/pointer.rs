//! The pointer: which documents are a show's feed now. The only object of a feed that changes.

use std::{collections::BTreeMap, time::Duration};

use domain::{ContentHash, EmailAddress, EmailDomain, Farewell, FeedToken, Slug};
use serde::{Deserialize, Serialize};
use tenant_context::{EpisodeId, Timestamp};

const SECOND: Duration = Duration::from_secs(1);

/// The pointer's name among a show's objects.
pub(crate) const POINTER: &str = "current.json";

/// Stands where a listener's feed token will be, in the document of a private show.
pub(crate) const TOKEN_MARK: &str = "7q0z4k9t2w6r8m3x5v1n7c0b4h9g2d6f";

/// Which documents are a show's feeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pointer {
    /// How often what the feeds show had changed when they were rendered.
    pub feed_version: u64,
    /// Which episodes were out was decided for this moment.
    pub as_of: Timestamp,
    /// The show's slug: the listener API serves it under no other.
    pub slug: Slug,
    /// What everybody has; nothing of a private show.
    pub public: Option<View>,
    /// What listeners with a feed token have, if there are any.
    pub listeners: Option<View>,
    /// Why the feeds are not served any more, if so.
    pub farewell: Option<Farewell>,
    /// Whether the hub has still to hear of the public document.
    pub is_unannounced: bool,
    /// Whose people may become listeners by themselves, by the domain of their e-mail address.
    #[serde(default)]
    pub admitted_domains: Vec<EmailDomain>,
}

/// The documents of one feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct View {
    /// The feed itself.
    pub feed: Document,
    /// What is too old for it (RFC 5005, 3), the oldest first: the document at index 0 is page 1.
    pub older: Vec<Document>,
    /// What browsers get under the feed's address.
    pub page: Document,
    /// The hash of the page's style, which `Content-Security-Policy` lets in.
    pub style: String,
    /// The hash of the list of enclosures.
    pub enclosures: ContentHash,
    /// The hash of the list of other files that the feed leads to.
    pub files: ContentHash,
}

/// One document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Document {
    /// Its objects are named by it.
    pub hash: ContentHash,
    /// Since when it is this one (`Last-Modified`).
    pub modified_at: Timestamp,
}

impl Pointer {
    /// Whether this pointer knows more recent facts than `other`.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        (self.feed_version, self.as_of) > (other.feed_version, other.as_of)
    }

    /// Takes over from `current` what has not changed since.
    pub(crate) fn follow(&mut self, current: &Self) {
        if self.public_document() == current.public_document() {
            self.is_unannounced = current.is_unannounced;
        }
        for (view, current) in
            [(&mut self.public, &current.public), (&mut self.listeners, &current.listeners)]
        {
            if let (Some(view), Some(current)) = (view, current) {
                view.follow(current);
            }
        }
    }

    /// Whether whoever reads the mail of `email` may become a listener.
    pub(crate) fn admits(&self, email: &EmailAddress) -> bool {
        self.admitted_domains.iter().any(|domain| email.is_in(domain))
    }

    /// The document that everybody has.
    pub(crate) fn public_document(&self) -> Option<&ContentHash> {
        self.public.as_ref().map(|view| &view.feed.hash)
    }
}

impl View {
    fn follow(&mut self, current: &Self) {
        self.feed.follow(&current.feed);
        self.page.follow(&current.page);
        for (page, current) in self.older.iter_mut().zip(&current.older) {
            page.follow(current);
        }
    }
}

impl Document {
    /// What has changed is at least a second younger: a time tells one document from the other, and HTTP knows no smaller part of
    /// one.
    fn follow(&mut self, current: &Self) {
        self.modified_at = if self.hash == current.hash {
            current.modified_at
        } else {
            self.modified_at.max(current.modified_at.plus(SECOND))
        };
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

/// The show's page.
pub(crate) fn page_name(hash: &ContentHash) -> String {
    format!("{hash}.html")
}

/// The same, compressed with gzip.
pub(crate) fn page_gzip_name(hash: &ContentHash) -> String {
    format!("{hash}.html.gz")
}

/// The audio behind the document's enclosures, named by the list's own hash.
pub(crate) fn enclosures_name(hash: &ContentHash) -> String {
    format!("{hash}.json")
}

/// The other files that the document leads to, named by the list's own hash.
pub(crate) fn files_name(hash: &ContentHash) -> String {
    format!("{hash}.files.json")
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
