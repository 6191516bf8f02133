//! Feeds of other hosts, as they are: most are not quite what the specifications say.
//!
//! [`read`] takes what podcast apps take. What it has to guess, replace or leave out becomes a [`Finding`], so that whoever imports
//! a show sees it. Texts come as the feed has them, trimmed: whether they are titles, URLs or languages that this product takes,
//! the caller's `domain` types say. What is no feed, or only a part of one, is [`NotAFeed`]: nothing is read by halves.
//!
//! A feed is a stranger's document. No entity that it declares is ever expanded, nothing that it names is fetched, and depth,
//! size and number of everything are limited. The time it takes grows with the document, and no faster.
//!
//! From bytes to text in `decoding`, from text to elements in `document` and `references`, from elements to what they say in
//! `channel`, `item` and `podcasting`; dates and durations have files of their own.

mod channel;
mod decoding;
mod document;
mod duration;
mod element;
mod finding;
mod item;
mod moment;
mod podcasting;
mod references;

use std::collections::HashMap;

pub use channel::{ReadBlock, ReadChannel, ReadFunding, ReadLinks, ReadLocked, ReadOwner};
pub use finding::{Finding, Place, Problem};
pub use item::{
    ReadChapters, ReadEnclosure, ReadGuid, ReadItem, ReadNumber, ReadSeason, ReadSoundbite, ReadTranscript,
};
pub use podcasting::{
    ReadAlternateEnclosure, ReadImage, ReadLicense, ReadLocation, ReadPerson, ReadRecipient, ReadRemoteItem,
    ReadSource, ReadTrailer, ReadTxt, ReadUpdateFrequency, ReadValue,
};

use document::walk;
use finding::Findings;

/// No longer document is read: 100 MB. The longest podcast feeds have some tens of megabytes.
pub const LARGEST_FEED: usize = 100_000_000;
/// No feed with more items is read.
pub const MOST_ITEMS: usize = 50_000;
/// No element stands in more than this many others.
pub const DEEPEST: usize = 64;
/// No item has more elements than this, nor has the channel around its items.
pub const MOST_ELEMENTS: usize = 10_000;
/// As many findings are told; how many more there are, the last of them says.
pub const MOST_FINDINGS: usize = 10_000;

/// What a feed says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadFeed {
    /// Of the show.
    pub channel: ReadChannel,
    /// Of its episodes, in the order of the document.
    pub items: Vec<ReadItem>,
    /// What was wrong with it, in the order of the document.
    pub findings: Vec<Finding>,
}

/// The document is not a feed that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAFeed {
    /// It has more than [`LARGEST_FEED`] bytes.
    #[error("the document has more than {} MB", LARGEST_FEED / 1_000_000)]
    TooLarge,
    /// Nothing is in it.
    #[error("the document is empty")]
    Empty,
    /// It is something else, in the words that go after "this is".
    #[error("this is {0}, not an RSS feed")]
    SomethingElse(String),
    /// Its `DOCTYPE` has declarations in it. Feeds need none, and they are how parsers are made to run out of memory.
    #[error("the document declares entities of its own, which are never read")]
    DeclaresEntities,
    /// It ends too early.
    #[error("the document is cut off: it ends before its last element does")]
    CutOff,
    /// It is not well-formed.
    #[error("the document is not well-formed in line {line}: {reason}")]
    IllFormed {
        /// Where, counted from 1.
        line: usize,
        /// What the parser says.
        reason: String,
    },
    /// Elements stand in elements more than [`DEEPEST`] times.
    #[error("the document nests elements more than {DEEPEST} deep")]
    TooDeep,
    /// There are more than [`MOST_ITEMS`].
    #[error("the feed has more than {MOST_ITEMS} items")]
    TooManyItems,
    /// There are more than [`MOST_ELEMENTS`] in one place.
    #[error("an item, or what is around them, has more than {MOST_ELEMENTS} elements")]
    TooManyElements,
    /// It is RSS without a `channel`.
    #[error("the feed has no channel")]
    NoChannel,
}

/// Reads a feed: RSS 2.0 and its forerunners, with the tags of Apple, Podcasting 2.0, Atom's links and `content:encoded`.
///
/// # Errors
/// [`NotAFeed`] says what the document is instead, or which limit it is over.
pub fn read(document: &[u8]) -> Result<ReadFeed, NotAFeed> {
    if document.len() > LARGEST_FEED {
        return Err(NotAFeed::TooLarge);
    }
    let mut findings = Findings::default();
    let text = decoding::decode(document, &mut findings);

    let mut items = Vec::new();
    let channel = walk(&text, &mut findings, |item, findings| {
        if items.len() >= MOST_ITEMS {
            return Err(NotAFeed::TooManyItems);
        }
        items.push(item::read(&item, findings));
        Ok(())
    })?;
    let channel = channel::read(&channel, &mut findings);
    mark_duplicates(&mut items, &mut findings);

    Ok(ReadFeed { channel, items, findings: findings.into_vec() })
}

/// Podcast apps show one of the items that share a GUID: mostly the first that they meet.
fn mark_duplicates(items: &mut [ReadItem], findings: &mut Findings) {
    let mut first: HashMap<String, usize> = HashMap::with_capacity(items.len());
    for (at, item) in items.iter_mut().enumerate() {
        let Some(guid) = &item.guid else { continue };
        match first.get(&guid.value) {
            Some(original) => {
                item.duplicate_of = Some(*original);
                findings.note_at(Place::Item(at), Problem::DuplicateGuid { first: *original });
            }
            None => {
                first.insert(guid.value.clone(), at);
            }
        }
    }
}
