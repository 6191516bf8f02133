//! Writes and reads feeds: a [`domain::Feed`] in, the bytes of an RSS 2.0 document out; the bytes of anybody's feed in, what it
//! says out.
//!
//! The same feed always gives the same bytes: no clock, no randomness, no map without an order. No I/O, and no opinion on
//! what belongs into a feed: that is `domain`'s. The document is laid out by
//! hand in [`render`] and `podcasting`, cut into pages where it must be in `pages`; what XML needs is in `xml`. What other hosts
//! wrote is read in [`mod@read`].

mod pages;
mod podcasting;
pub mod read;
mod render;
mod xml;

pub use pages::{LARGEST_DOCUMENT, Pages, render_pages};
pub use read::{NotAFeed, ReadFeed, read};
pub use render::render;
