//! Feeds that are read: our own in whole, those of others as far as they can be understood, and those that mean no good.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "the rest is for what is rendered")]
#[path = "../rendering/plain_xml.rs"]
mod plain_xml;
#[allow(dead_code, reason = "the rest is for what is rendered")]
#[path = "../rendering/station.rs"]
mod station;

mod hostile;
mod judges;
mod round_trip;
mod tolerance;

use rss::{ReadFeed, read::Finding};

/// A feed whose channel and one item have these elements.
pub fn feed(channel: &str, item: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:podcast="https://podcastindex.org/namespace/1.0">
<channel><title>Tide Tables</title><description>The sea.</description>{channel}
<item><title>Neap Tide</title><guid>neap</guid><pubDate>Fri, 09 Jan 2026 00:00:00 +0000</pubDate>
<enclosure url="https://harbour.example/neap.mp3" length="1234" type="audio/mpeg"/>{item}</item>
</channel></rss>"#
    )
}

/// What is read of it.
pub fn read(document: impl AsRef<[u8]>) -> ReadFeed {
    rss::read(document.as_ref()).unwrap()
}

/// What the findings say.
pub fn said(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}
