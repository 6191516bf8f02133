//! What the import worker does, in its steps: it reads a whole archive or feed into a plan, before it makes anything; then brings media,
//! groups, shows, episodes and listeners by it.

pub(crate) mod bring;
pub(crate) mod bring_media;
pub(crate) mod feed_words;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod read_archive;
pub(crate) mod read_feed;
