//! A feed that is too long for one document.

use std::collections::BTreeSet;

use domain::{Feed, MediaFormat};
use rss::{LARGEST_DOCUMENT, Pages};
use tenant_context::Timestamp;
use url::Url;

use crate::{
    judges::read_with_badpod,
    station::{Station, render, url},
};

const LARGEST: usize = 20_000;

fn station(episodes: usize) -> Station {
    let mut station = Station::new("Tide Tables", "The sea, twice a day.");
    for number in 0..episodes {
        let at = Timestamp::from_unix_seconds(60 + 60 * number as u64);
        station.publish(
            &format!("Tide {number}"),
            &"Ebb & flow. ".repeat(1 + number % 7),
            MediaFormat::Mp3,
            at,
        );
    }
    station.show.created_at = Timestamp::EPOCH;
    station.show.updated_at = Timestamp::EPOCH;
    station
}

fn page_url(number: usize) -> Url {
    url(&format!("https://listen.example/feeds/tide-tables.{number}.xml"))
}

fn pages(feed: &Feed<'_>) -> Pages {
    rss::render_pages(feed, LARGEST, page_url)
}

fn guids(document: &[u8]) -> Vec<String> {
    let channel = read_with_badpod(str::from_utf8(document).unwrap());
    channel.item.iter().map(|item| format!("{:?}", item.guid[0].value)).collect()
}

fn link(document: &[u8], rel: &str) -> Option<String> {
    let (_, behind) = str::from_utf8(document).unwrap().split_once(&format!("<atom:link rel=\"{rel}\""))?;
    behind.split('"').nth(3).map(str::to_owned)
}

#[test]
fn a_feed_that_fits_is_one_document() {
    let station = station(20);
    let pages = rss::render_pages(&station.feed(), LARGEST_DOCUMENT, page_url);
    assert_eq!(String::from_utf8(pages.feed).unwrap(), render(&station.feed()));
    assert!(pages.older.is_empty());
}

#[test]
fn a_document_of_exactly_the_most_bytes_is_not_split() {
    let station = station(20);
    let size = render(&station.feed()).len();
    assert!(rss::render_pages(&station.feed(), size, page_url).older.is_empty());
    assert!(!rss::render_pages(&station.feed(), size - 1, page_url).older.is_empty());
}

#[test]
fn every_episode_is_on_one_page_and_no_page_is_too_long() {
    for count in [30, 100, 333] {
        let station = station(count);
        let pages = pages(&station.feed());
        let documents: Vec<_> = std::iter::once(&pages.feed).chain(pages.older.iter().rev()).collect();
        assert!(documents.iter().all(|document| document.len() <= LARGEST));

        let read: Vec<_> = documents.iter().flat_map(|document| guids(document)).collect();
        assert_eq!(read, guids(render(&station.feed()).as_bytes()));
        assert_eq!(read.iter().collect::<BTreeSet<_>>().len(), count);
    }
}

#[test]
fn an_app_finds_every_page_by_its_links() {
    let station = station(333);
    let pages = pages(&station.feed());
    let document = |address: &str| {
        let number = (1..=pages.older.len()).find(|number| page_url(*number).as_str() == address);
        number.map_or(&pages.feed, |number| &pages.older[number - 1])
    };

    let (mut here, mut seen) = (&pages.feed, vec![]);
    while let Some(next) = link(here, "next") {
        assert_eq!(link(here, "first").unwrap(), station.feed().channel.url.as_str());
        assert_eq!(link(document(&next), "previous"), link(here, "self"));
        here = document(&next);
        assert_eq!(link(here, "self"), Some(next.clone()));
        seen.push(next);
    }
    assert_eq!(seen.len(), pages.older.len());
    assert!(seen.len() > 3);
    assert_eq!(link(&pages.feed, "last"), seen.last().cloned());
    assert_eq!(link(&pages.feed, "previous"), None);
}

#[test]
fn a_new_episode_leaves_the_older_pages_as_they_are() {
    let (before, after) = (station(333), station(334));
    let (before, after) = (pages(&before.feed()), pages(&after.feed()));
    let same = before.older.iter().zip(&after.older).filter(|(before, after)| before == after).count();
    assert!(same >= before.older.len() - 2, "{same} of {}", before.older.len());
    assert_ne!(before.feed, after.feed);
}

#[test]
fn an_episode_longer_than_a_page_has_one_of_its_own() {
    let station = station(5);
    let pages = rss::render_pages(&station.feed(), 10, page_url);
    assert_eq!(guids(&pages.feed).len(), 1);
    assert_eq!(pages.older.iter().map(|page| guids(page).len()).collect::<Vec<_>>(), [1, 1, 1, 1]);
}
