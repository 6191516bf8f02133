//! Writes feeds: a [`domain::Feed`] in, the bytes of an RSS 2.0 document out.
//!
//! The same feed always gives the same bytes: no clock, no randomness, no map without an order. No I/O, and no opinion on
//! what belongs into a feed: that is `domain`'s. The document is laid out by
//! hand in [`render`] and `podcasting`, cut into pages where it must be in `pages`; what XML needs is in `xml`.

mod pages;
mod podcasting;
mod render;
mod xml;

pub use pages::{LARGEST_DOCUMENT, Pages, render_pages};
pub use render::{render, write};
