use domain::{Feed, FeedEpisode, Visibility};

use crate::xml::Document;

/// Writes a feed as RSS 2.0 in UTF-8, with Apple's `itunes`, the Podcasting 2.0 namespace and Atom's link to itself: all
/// that RSS 2.0, Apple Podcasts and PSP-1 require, as far as a [`Feed`] knows it.
///
/// - RSS 2.0: <https://www.rssboard.org/rss-specification>
/// - Apple: <https://podcasters.apple.com/support/823-podcast-requirements>
/// - PSP-1: <https://github.com/Podcast-Standards-Project/PSP-1-Podcast-RSS-Specification>
/// - Podcasting 2.0: <https://podcastindex.org/namespace/1.0>
pub fn render(feed: &Feed<'_>) -> Vec<u8> {
    let mut document = Document::with_capacity(expected_size(feed));
    write_channel(&mut document, feed);
    for item in feed.episodes() {
        write_item(&mut document, item, feed.show.explicit);
    }
    document.raw("</channel>\n</rss>\n");
    document.into_bytes()
}

/// A little more than most feeds need, so that the buffer is allocated once.
fn expected_size(feed: &Feed<'_>) -> usize {
    const MARKUP: usize = 2048;
    const MARKUP_OF_ITEM: usize = 512;

    let items: usize = feed
        .episodes()
        .iter()
        .map(|item| {
            let episode = item.episode;
            let text = episode.title.as_str().len() + episode.description.as_str().len();
            MARKUP_OF_ITEM + item.enclosure_url.as_str().len() + text + text / 16
        })
        .sum();
    MARKUP + 2 * feed.show.description.as_str().len() + items
}

fn write_channel(document: &mut Document, feed: &Feed<'_>) {
    let show = feed.show;
    document
        .raw(concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?>"#,
            "\n",
            r#"<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom""#,
            r#" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd""#,
            r#" xmlns:podcast="https://podcastindex.org/namespace/1.0">"#,
            "\n<channel>\n<title>",
        ))
        .text(show.title.as_str())
        .raw("</title>\n<link>")
        .text(feed.link.as_str())
        .raw("</link>\n<description>")
        .text(show.description.as_str())
        .raw("</description>\n<language>")
        .text(show.language.as_str())
        .raw("</language>\n");
    if let Some(published_at) = feed.published_at() {
        document.raw("<pubDate>").text(&published_at.to_rfc2822()).raw("</pubDate>\n");
    }
    document
        .raw("<lastBuildDate>")
        .text(&feed.updated_at().to_rfc2822())
        .raw("</lastBuildDate>\n<generator>Castkeep</generator>\n<atom:link rel=\"self\" type=\"application/rss+xml\" href=\"")
        .attribute(feed.url.as_str())
        .raw("\"/>\n");
    write_cover(document, feed);
    write_category(document, feed);
    document
        .raw("<itunes:author>")
        .text(show.author.as_str())
        .raw("</itunes:author>\n<itunes:explicit>")
        .raw(boolean(show.explicit))
        .raw("</itunes:explicit>\n<itunes:type>episodic</itunes:type>\n<podcast:guid>")
        .text(&feed.guid.to_string())
        // Without the owner's address: other hosts may not take the feed over, and nobody gets an e-mail to write to.
        .raw("</podcast:guid>\n<podcast:locked>yes</podcast:locked>\n<podcast:medium>podcast</podcast:medium>\n");
    match show.visibility {
        Visibility::Public => {}
        Visibility::Private => {
            document.raw("<itunes:block>Yes</itunes:block>\n<podcast:block>yes</podcast:block>\n");
        }
    }
}

fn write_cover(document: &mut Document, feed: &Feed<'_>) {
    if let Some(cover) = &feed.cover {
        document
            .raw("<image>\n<url>")
            .text(cover.as_str())
            .raw("</url>\n<title>")
            .text(feed.show.title.as_str())
            .raw("</title>\n<link>")
            .text(feed.link.as_str())
            .raw("</link>\n</image>\n<itunes:image href=\"")
            .attribute(cover.as_str())
            .raw("\"/>\n");
    }
}

fn write_category(document: &mut Document, feed: &Feed<'_>) {
    let category = feed.show.category;
    document.raw("<itunes:category text=\"").attribute(category.name());
    match category.subcategory() {
        None => document.raw("\"/>\n"),
        Some(subcategory) => document
            .raw("\">\n<itunes:category text=\"")
            .attribute(subcategory)
            .raw("\"/>\n</itunes:category>\n"),
    };
}

fn write_item(document: &mut Document, item: &FeedEpisode<'_>, show_is_explicit: bool) {
    let FeedEpisode { episode, publication, recording, enclosure, enclosure_url } = item;
    document
        .raw("<item>\n<title>")
        .text(episode.title.as_str())
        .raw("</title>\n<guid isPermaLink=\"false\">")
        .text(&publication.guid)
        .raw("</guid>\n<pubDate>")
        .text(&publication.published_at.to_rfc2822())
        .raw("</pubDate>\n<description>")
        .text(episode.description.as_str())
        .raw("</description>\n<enclosure url=\"")
        .attribute(enclosure_url.as_str())
        .raw("\" length=\"")
        .number(enclosure.size_bytes)
        .raw("\" type=\"")
        .raw(enclosure.format.content_type())
        .raw("\"/>\n<itunes:duration>")
        .number(whole_seconds(recording.duration_milliseconds))
        .raw("</itunes:duration>\n<itunes:explicit>")
        .raw(boolean(episode.explicit.unwrap_or(show_is_explicit)))
        .raw("</itunes:explicit>\n</item>\n");
}

/// Apple asks for whole seconds: the nearest.
fn whole_seconds(milliseconds: u64) -> u64 {
    milliseconds.saturating_add(500) / 1000
}

fn boolean(is: bool) -> &'static str {
    if is { "true" } else { "false" }
}
