use domain::{Channel, EpisodeType, Feed, FeedEpisode};

use crate::{podcasting, xml::Document};

/// What a page of a feed says of itself and the pages around it (RFC 5005, 3); nothing where a feed is one document.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PageLinks<'a> {
    /// The page itself; none is the feed.
    pub(crate) this: Option<&'a str>,
    pub(crate) first: Option<&'a str>,
    pub(crate) previous: Option<&'a str>,
    pub(crate) next: Option<&'a str>,
    pub(crate) last: Option<&'a str>,
}

/// Renders a feed as one document of RSS 2.0 in UTF-8, with Apple's `itunes`, Podcasting 2.0, Atom's link to itself and
/// `content:encoded`: all that RSS 2.0, Apple Podcasts and PSP-1 require, as far as a [`Feed`] knows it.
///
/// - RSS 2.0: <https://www.rssboard.org/rss-specification> and <https://www.rssboard.org/rss-profile>
/// - Apple: <https://podcasters.apple.com/support/823-podcast-requirements>
/// - PSP-1: <https://github.com/Podcast-Standards-Project/PSP-1-Podcast-RSS-Specification>
/// - Podcasting 2.0: <https://podcastindex.org/namespace/1.0>
/// - `content`: <https://web.resource.org/rss/1.0/modules/content/>
pub fn render(feed: &Feed<'_>) -> Vec<u8> {
    render_and_mark(feed).0
}

/// The same, and where in it the first item begins and each ends.
pub(crate) fn render_and_mark(feed: &Feed<'_>) -> (Vec<u8>, Vec<usize>) {
    let mut document = Document::with_capacity(expected_size(feed));
    write_channel(&mut document, &feed.channel, PageLinks::default());
    let mut marks = Vec::with_capacity(feed.episodes().len() + 1);
    marks.push(document.len());
    for item in feed.episodes() {
        write_item(&mut document, item, feed.channel.show.explicit);
        marks.push(document.len());
    }
    write_end(&mut document);
    (document.into_bytes(), marks)
}

/// A little more than most feeds need, so that the buffer is allocated once.
fn expected_size(feed: &Feed<'_>) -> usize {
    const MARKUP: usize = 4096;
    const MARKUP_OF_ITEM: usize = 768;

    let items: usize = feed
        .episodes()
        .iter()
        .map(|item| {
            let episode = item.episode;
            let content = episode.listing.content.as_ref().map_or(0, |content| content.as_str().len());
            let text = episode.title.as_str().len() + episode.description.as_str().len() + content;
            MARKUP_OF_ITEM + item.enclosure_url.as_str().len() + text + text / 8
        })
        .sum();
    MARKUP + 2 * feed.channel.show.description.as_str().len() + items
}

pub(crate) fn write_channel(document: &mut Document, channel: &Channel<'_>, links: PageLinks<'_>) {
    let (show, listing) = (channel.show, &channel.show.listing);
    document
        .raw(concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?>"#,
            "\n",
            r#"<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom""#,
            r#" xmlns:content="http://purl.org/rss/1.0/modules/content/""#,
            r#" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd""#,
            r#" xmlns:podcast="https://podcastindex.org/namespace/1.0">"#,
            "\n<channel>\n",
        ))
        .element("<title>", show.title.as_str(), "</title>\n")
        .element("<link>", channel.link(), "</link>\n")
        .element("<description>", show.description.as_str(), "</description>\n")
        .element("<language>", show.language.as_str(), "</language>\n");
    if let Some(copyright) = &listing.copyright {
        document.element("<copyright>", copyright.as_str(), "</copyright>\n");
    }
    if let Some(published_at) = channel.published_at {
        document.element("<pubDate>", &published_at.to_rfc2822(), "</pubDate>\n");
    }
    document
        .element("<lastBuildDate>", &channel.updated_at.to_rfc2822(), "</lastBuildDate>\n")
        .raw("<generator>Castkeep</generator>\n");
    let this = links.this.unwrap_or(channel.url.as_str());
    for (rel, href) in [
        ("self", Some(this)),
        ("first", links.first),
        ("previous", links.previous),
        ("next", links.next),
        ("last", links.last),
    ] {
        if let Some(href) = href {
            document
                .raw("<atom:link rel=\"")
                .raw(rel)
                .raw("\" type=\"application/rss+xml\" href=\"")
                .value(href)
                .raw("\"/>\n");
        }
    }
    // Apple's way of saying that the feed has moved; the server says it too.
    if let Some(feed_url) = show.moved_to() {
        document.element("<itunes:new-feed-url>", feed_url.as_str(), "</itunes:new-feed-url>\n");
    }
    write_artwork(document, channel);
    write_categories(document, channel);
    document.element("<itunes:author>", show.author.as_str(), "</itunes:author>\n");
    if let Some(owner) = listing.owner.as_ref().filter(|_| !channel.is_private) {
        document.element("<itunes:owner>\n<itunes:name>", owner.name.as_str(), "</itunes:name>\n");
        if let Some(email) = &owner.email {
            document.element("<itunes:email>", email.as_str(), "</itunes:email>\n");
        }
        document.raw("</itunes:owner>\n");
    }
    document
        .raw(explicit(show.explicit))
        .raw("<itunes:type>")
        .raw(listing.kind.as_str())
        .raw("</itunes:type>\n");
    if listing.is_complete {
        document.raw("<itunes:complete>Yes</itunes:complete>\n");
    }
    if listing.is_blocked || channel.is_private {
        document.raw(BLOCK);
    }
    podcasting::write_show(document, channel);
}

fn write_artwork(document: &mut Document, channel: &Channel<'_>) {
    if let Some(artwork) = &channel.artwork_url {
        document
            .element("<image>\n<url>", artwork.as_str(), "</url>\n")
            .element("<title>", channel.show.title.as_str(), "</title>\n")
            .element("<link>", channel.link(), "</link>\n</image>\n")
            .raw("<itunes:image href=\"")
            .value(artwork.as_str())
            .raw("\"/>\n");
    }
}

/// Apple reads the first as the one that matters most.
fn write_categories(document: &mut Document, channel: &Channel<'_>) {
    let show = channel.show;
    for category in std::iter::once(&show.category).chain(show.listing.secondary_categories.iter()) {
        document.raw("<itunes:category text=\"").value(category.name());
        match category.subcategory() {
            None => document.raw("\"/>\n"),
            Some(subcategory) => document
                .raw("\">\n<itunes:category text=\"")
                .value(subcategory)
                .raw("\"/>\n</itunes:category>\n"),
        };
    }
}

fn write_item(document: &mut Document, item: &FeedEpisode<'_>, show_is_explicit: bool) {
    let (episode, listing, publication) = (item.episode, &item.episode.listing, item.publication);
    document.element("<item>\n<title>", episode.title.as_str(), "</title>\n");
    if let Some(title) = &listing.title {
        document.element("<itunes:title>", title.as_str(), "</itunes:title>\n");
    }
    if let Some(link) = &listing.link {
        document.element("<link>", link.as_str(), "</link>\n");
    }
    document
        .element("<guid isPermaLink=\"false\">", &publication.guid, "</guid>\n")
        .element("<pubDate>", &item.out_since.to_rfc2822(), "</pubDate>\n")
        .element("<description>", episode.description.as_str(), "</description>\n");
    if let Some(content) = &listing.content {
        document.element("<content:encoded>", content.as_str(), "</content:encoded>\n");
    }
    document
        .raw("<enclosure url=\"")
        .value(item.enclosure_url.as_str())
        .raw("\" length=\"")
        .number(item.enclosure.size_bytes)
        .raw("\" type=\"")
        .raw(item.enclosure.format.content_type())
        .raw("\"/>\n<itunes:duration>")
        .number(whole_seconds(item.recording.duration_milliseconds))
        .raw("</itunes:duration>\n")
        .raw(explicit(episode.explicit.unwrap_or(show_is_explicit)));
    if let Some(artwork) = &item.artwork_url {
        document.raw("<itunes:image href=\"").value(artwork.as_str()).raw("\"/>\n");
    }
    if let Some(season) = &listing.season {
        document.raw("<itunes:season>").number(season.number.get().into()).raw("</itunes:season>\n");
    }
    if let Some(number) = &listing.number {
        document.raw("<itunes:episode>").number(number.number.get().into()).raw("</itunes:episode>\n");
    }
    if listing.kind != EpisodeType::Full {
        document.raw("<itunes:episodeType>").raw(listing.kind.as_str()).raw("</itunes:episodeType>\n");
    }
    if listing.is_blocked {
        document.raw(BLOCK);
    }
    podcasting::write_episode(document, item);
    document.raw("</item>\n");
}

pub(crate) fn write_end(document: &mut Document) {
    document.raw("</channel>\n</rss>\n");
}

const BLOCK: &str = "<itunes:block>Yes</itunes:block>\n";

/// Apple asks for whole seconds: the nearest.
fn whole_seconds(milliseconds: u64) -> u64 {
    milliseconds.saturating_add(500) / 1000
}

fn explicit(is: bool) -> &'static str {
    if is {
        "<itunes:explicit>true</itunes:explicit>\n"
    } else {
        "<itunes:explicit>false</itunes:explicit>\n"
    }
}
