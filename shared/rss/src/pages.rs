//! A feed in pages (RFC 5005, 3), for the few that are too long for one document.
//!
//! The feed itself holds the newest episodes, as many as fit: many apps read nothing else. What is older is in pages that fill
//! from the oldest on, so that a new episode changes the feed and the newest page, and leaves all others as they are.

use domain::{Channel, Feed, FeedEpisode};
use url::Url;

use crate::{
    render::{PageLinks, render_and_mark, write_channel, write_end},
    xml::Document,
};

/// No document of a feed is longer, unless a single episode is: 5 MB, the most that apps and directories are known to read.
pub const LARGEST_DOCUMENT: usize = 5_000_000;

/// A feed and the pages of what is too old for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pages {
    /// The feed itself.
    pub feed: Vec<u8>,
    /// The pages, the oldest episodes first: the page at index 0 has number 1.
    pub older: Vec<Vec<u8>>,
}

/// Renders a feed in documents of at most `largest` bytes, each episode in one of them: as [`render`](crate::render) does where
/// that fits. `page_url` says where the page of a number will be, and gives the same URL every time.
pub fn render_pages(feed: &Feed<'_>, largest: usize, page_url: impl Fn(usize) -> Url) -> Pages {
    let channel = &feed.channel;
    let (whole, marks) = render_and_mark(feed);
    if whole.len() <= largest {
        return Pages { feed: whole, older: Vec::new() };
    }
    let items = Items { whole, marks };

    // URLs of pages differ by the digits of their numbers: this one is as long as any.
    let sample = page_url(usize::MAX);
    let sample = Some(sample.as_str());
    let links = PageLinks {
        this: sample,
        first: Some(channel.url.as_str()),
        previous: sample,
        next: sample,
        last: sample,
    };
    let room = largest.saturating_sub(head(channel, links).len() + END_OF_DOCUMENT);

    let (newest, older) = items.split(room);
    let urls: Vec<Url> = (1..=older.len()).map(&page_url).collect();
    let url_of = |number: usize| number.checked_sub(1).and_then(|at| urls.get(at)).map(Url::as_str);
    let last = url_of(1);
    let first = Some(channel.url.as_str());

    let feed_links = PageLinks { this: None, first, previous: None, next: url_of(older.len()), last };
    let pages = older.iter().enumerate().zip(&urls).map(|((at, part), url)| {
        let number = at + 1;
        let links = PageLinks {
            this: Some(url.as_str()),
            first,
            previous: url_of(number + 1).or(first),
            next: url_of(number.saturating_sub(1)),
            last,
        };
        document(&part.channel(feed), links, items.of(part))
    });
    Pages { feed: document(channel, feed_links, items.of(&newest)), older: pages.collect() }
}

/// `</channel></rss>` with its line breaks.
const END_OF_DOCUMENT: usize = 18;

/// Every item of a feed, newest first.
struct Items {
    /// In a document that is too long.
    whole: Vec<u8>,
    /// Where in it the first begins and each ends.
    marks: Vec<usize>,
}

/// A run of items, by their places in the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    from: usize,
    to: usize,
}

impl Items {
    /// The newest that fit into `room`, and what is older in parts that fit, the oldest first. At least one item in each.
    fn split(&self, room: usize) -> (Part, Vec<Part>) {
        let count = self.marks.len().saturating_sub(1);
        let fitting = (1..=count).take_while(|to| self.size(0, *to) <= room).count().clamp(1, count.max(1));
        let newest = Part { from: 0, to: fitting };

        let mut older = Vec::new();
        let mut to = count;
        while to > fitting {
            let starts = (fitting..to).rev().take_while(|from| self.size(*from, to) <= room);
            let from = starts.last().unwrap_or(to - 1);
            older.push(Part { from, to });
            to = from;
        }
        (newest, older)
    }

    /// Where the item at `at` begins, and the one before it ends.
    fn mark(&self, at: usize) -> usize {
        self.marks.get(at).copied().unwrap_or_default()
    }

    fn size(&self, from: usize, to: usize) -> usize {
        self.mark(to).saturating_sub(self.mark(from))
    }

    fn of(&self, part: &Part) -> &[u8] {
        self.whole.get(self.mark(part.from)..self.mark(part.to)).unwrap_or_default()
    }
}

impl Part {
    /// As old as what is in it, so that a page stays the same while its episodes do.
    fn channel<'a>(&self, feed: &Feed<'a>) -> Channel<'a> {
        let channel = &feed.channel;
        let episodes = feed.episodes().get(self.from..self.to).unwrap_or_default();
        Channel {
            published_at: episodes.first().map(|newest| newest.out_since),
            updated_at: episodes.iter().map(FeedEpisode::changed_at).fold(channel.show.updated_at, Ord::max),
            ..channel.clone()
        }
    }
}

fn head(channel: &Channel<'_>, links: PageLinks<'_>) -> Vec<u8> {
    let mut document = Document::with_capacity(4096);
    write_channel(&mut document, channel, links);
    document.into_bytes()
}

fn document(channel: &Channel<'_>, links: PageLinks<'_>, items: &[u8]) -> Vec<u8> {
    let mut document = Document::with_capacity(4096 + items.len());
    write_channel(&mut document, channel, links);
    document.rendered(items);
    write_end(&mut document);
    document.into_bytes()
}
