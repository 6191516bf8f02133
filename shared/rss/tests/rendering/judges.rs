//! What parsers written by others make of a feed.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use badpod::{Bool, Integer, itunes, podcast};
use domain::{Category, Feed, FeedEpisode, MediaFormat, podcasting::PersonRole};
use rss_syndication::validation::Validate;
use serde_json::json;
use tenant_context::Timestamp;

use crate::{
    plain_xml,
    station::{Station, everything, harbour_radio, render, with_files},
};

pub fn read_with_badpod(xml: &str) -> badpod::Channel {
    let mut rss = badpod::from_str(xml).unwrap();
    assert_eq!((rss.version.as_deref(), rss.channel.len()), (Some("2.0"), 1));
    rss.channel.remove(0)
}

/// What badpod 0.9.1 says, and is wrong about.
const NOT_WRONG: [&str; 3] = [
    // The namespace's own examples have sources of that type.
    r#"application/x-bittorrent", "unrecognized mime type""#,
    // A license of one's own goes with its URL.
    r#"harbour-v1", "unrecognized license type""#,
    // The purpose of a text is free.
    r#"release", "should be \"verify\"""#,
];

#[test]
fn badpod_finds_nothing_wrong() {
    let station = everything();
    let feed = with_files(station.feed());
    let channel = read_with_badpod(&render(&feed));

    let debug = format!("{channel:?}");
    let findings: Vec<_> =
        debug.split("Other((\"").skip(1).map(|finding| finding.split("))").next().unwrap()).collect();
    assert_eq!(findings, NOT_WRONG);
    assert_eq!(channel.podcast_guid, [podcast::Guid::Ok(feed.channel.guid.to_string())]);
    assert_eq!(
        channel.podcast_locked,
        [podcast::Locked { owner: Some("desk@harbour.example".to_owned()), value: Some(Bool::Ok(false)) }]
    );
    assert_eq!(channel.itunes_explicit, [Bool::Ok(false)]);
    assert_eq!(channel.itunes_type, [itunes::PodcastType::Serial]);
    assert_eq!(channel.itunes_category.len(), 3);
    assert_eq!(channel.podcast_funding.len(), 2);
    assert_eq!(channel.podcast_person[0].role, Some(podcast::PersonRole::CoHost));
    assert_eq!(channel.podcast_person[0].value.as_deref(), Some("Host & Co"));
    assert_eq!(channel.podcast_location.len(), 2);
    assert_eq!(channel.podcast_trailer[0].season, Some(Integer::Ok(2)));
    assert_eq!(channel.podcast_medium, [podcast::Medium::Audiobook]);
    assert_eq!(channel.podcast_value[0].value_recipient.len(), 2);
    assert_eq!(channel.podcast_block.len(), 2);

    let (spring, neap) = (&channel.item[0], &channel.item[1]);
    assert_eq!((&spring.itunes_explicit[0], &neap.itunes_explicit[0]), (&Bool::Ok(true), &Bool::Ok(false)));
    assert_eq!(neap.itunes_title, ["Neap"]);
    assert_eq!(neap.content_encoded, ["<h2>Neap</h2>\n<ul><li>One</li></ul>"]);
    assert_eq!(neap.itunes_season, [Integer::Ok(1)]);
    assert_eq!(neap.podcast_season[0].name.as_deref(), Some("Low & high"));
    assert_eq!(neap.podcast_episode[0].display.as_deref(), Some("Day 12"));
    assert_eq!(neap.podcast_transcript.len(), 1);
    assert_eq!(neap.podcast_chapters.len(), 1);
    assert_eq!(neap.podcast_soundbite[1].duration, Some(badpod::Float::Ok(42.25)));
    assert_eq!(neap.podcast_alternate_enclosure[0].podcast_source.len(), 2);
    assert_eq!(
        neap.enclosure[0],
        badpod::Enclosure {
            url: Some(badpod::Url::Ok(feed.episodes()[1].enclosure_url.clone())),
            length: Some(Integer::Ok(12_345_678)),
            type_: Some(badpod::MimeEnclosure::AudioMp3),
        }
    );
}

#[test]
fn badpod_knows_every_category() {
    let mut station = Station::new("Tide Tables", "The sea, twice a day.");
    for category in Category::all() {
        // As Apple spells them; badpod 0.9.1 does not.
        if matches!(category.subcategory(), Some("Self-Improvement" | "Sexuality")) {
            continue;
        }
        station.show.category = category;
        let channel = read_with_badpod(&station.public());
        assert!(!format!("{:?}", channel.itunes_category).contains("Other("), "{category}");
        let [read] = channel.itunes_category.as_slice() else { panic!("{category}: not one category") };
        assert_eq!(read.text.as_ref().map(ToString::to_string).as_deref(), Some(category.name()));
        assert_eq!(read.subcategory.len(), usize::from(category.subcategory().is_some()), "{category}");
    }
}

#[test]
fn badpod_knows_every_role() {
    for role in PersonRole::all() {
        let mut station = Station::new("Tide Tables", "The sea, twice a day.");
        station.change(json!({ "podcasting": { "persons": [{ "name": "x", "role": role }] } }));
        let channel = read_with_badpod(&station.public());
        assert_eq!(channel.podcast_person[0].role.as_ref().unwrap().to_string(), role.as_str());
    }
}

#[test]
fn four_parsers_agree_with_the_feed() {
    for station in [harbour_radio(), everything()] {
        agree(&station.feed(), &station.public());
    }
}

#[test]
fn four_parsers_agree_with_five_thousand_episodes() {
    let texts = [
        "Sun & moon at odds.",
        "<p>One <b>two</b></p>\n<ul><li>three</li></ul><p><a href=\"https://a.example/?b=1&amp;c=2\">four</a></p>",
        "]]> and <3 and &amp;lt; and 100%",
        "🎧 Ebbe & Flut: 潮汐, é e\u{301}, 👩‍👩‍👧‍👦",
        "مرحبا \u{202e}abc\u{202c} שלום",
    ];
    let mut station = Station::new("Tide Tables 🌊", texts[1]);
    for number in 0..5_000 {
        let text = texts[number % texts.len()];
        let title =
            if number % 5 == 1 { format!("<Tide> & \"{number}\"") } else { format!("{text} {number}") };
        let at = Timestamp::from_unix_seconds(1_767_225_600 + 60 * number as u64);
        let format = if number % 2 == 0 { MediaFormat::Mp3 } else { MediaFormat::M4a };
        station.publish(&title, &text.repeat(1 + number % 20), format, at);
    }

    let xml = station.public();
    agree(&station.feed(), &xml);
    is_well_formed(&xml);
}

/// Four parsers read out of the document what went into it.
pub fn agree(feed: &Feed<'_>, xml: &str) {
    let channel = read_with_badpod(xml);
    let other = feed_rs::parser::parse(xml.as_bytes()).unwrap();
    let document = plain_xml::read(xml);
    let third = document.all("channel").next().unwrap();
    let items: Vec<_> = third.all("item").collect();
    let fourth = rss_syndication::Channel::read_from(xml.as_bytes()).unwrap();
    let show = feed.channel.show;

    fourth.validate().unwrap();
    assert_eq!((fourth.title(), fourth.link()), (show.title.as_str(), feed.channel.link()));
    assert_eq!(fourth.description(), show.description.as_str());
    assert_eq!(fourth.language(), Some(show.language.as_str()));
    assert_eq!(fourth.items().len(), feed.episodes().len());
    assert_eq!(channel.title, [show.title.as_str()]);
    assert_eq!(content(&other.title), show.title.as_str());
    assert_eq!(third.text_of("title"), Some(show.title.as_str()));
    assert_eq!(channel.description, [show.description.as_str()]);
    assert_eq!(content(&other.description), show.description.as_str());
    assert_eq!(third.text_of("description"), Some(show.description.as_str()));
    assert_eq!(channel.itunes_author, [show.author.as_str()]);
    assert_eq!(third.text_of("itunes:author"), Some(show.author.as_str()));
    assert_eq!(channel.link, [badpod::Url::Ok(feed.channel.link().parse().unwrap())]);
    assert_eq!(third.text_of("link"), Some(feed.channel.link()));
    assert_eq!(other.language.unwrap(), show.language.as_str().to_lowercase());
    assert_eq!(third.text_of("language"), Some(show.language.as_str()));
    assert_eq!(other.updated.unwrap().timestamp(), feed.channel.updated_at.unix_seconds() as i64);
    assert_eq!(channel.item.len(), feed.episodes().len());
    assert_eq!(other.entries.len(), feed.episodes().len());
    assert_eq!(items.len(), feed.episodes().len());

    let read = channel.item.iter().zip(&other.entries).zip(&items).zip(fourth.items());
    for (ours, (((item, entry), third), fourth)) in feed.episodes().iter().zip(read) {
        let FeedEpisode { episode, publication, enclosure, enclosure_url, .. } = ours;
        let published_at = publication.published_at.unix_seconds() as i64;

        assert_eq!(item.title, [episode.title.as_str()]);
        assert_eq!(third.text_of("title"), Some(episode.title.as_str()));
        // feed-rs takes `itunes:title` for the title.
        if episode.listing.title.is_none() {
            assert_eq!(content(&entry.title), episode.title.as_str());
        }
        assert_eq!(item.description, [episode.description.as_str()]);
        assert_eq!(content(&entry.summary), episode.description.as_str());
        assert_eq!(third.text_of("description"), Some(episode.description.as_str()));
        assert_eq!(
            third.text_of("content:encoded"),
            episode.listing.content.as_ref().map(|content| content.as_str())
        );

        assert_eq!(item.guid[0].value, Some(badpod::GuidValue::Text(episode.id.to_string())));
        assert_eq!(entry.id, episode.id.as_str());
        assert_eq!(fourth.guid().map(|guid| guid.value()), Some(episode.id.as_str()));
        assert_eq!(fourth.title(), Some(episode.title.as_str()));
        assert_eq!(fourth.description(), Some(episode.description.as_str()));
        assert_eq!(fourth.content(), episode.listing.content.as_ref().map(|content| content.as_str()));
        assert_eq!(fourth.pub_date(), Some(publication.published_at.to_rfc2822().as_str()));
        let carried = fourth.enclosure().unwrap();
        assert_eq!(
            (carried.url(), carried.mime_type()),
            (enclosure_url.as_str(), enclosure.format.content_type())
        );
        assert_eq!(carried.length(), enclosure.size_bytes.to_string());
        assert_eq!(fourth.itunes_ext().unwrap().duration(), Some("1835"));
        assert_eq!(third.text_of("guid"), Some(episode.id.as_str()));

        let badpod::DateTime::Ok(date) = &item.pub_date[0] else { panic!("{:?}", item.pub_date) };
        assert_eq!(date.timestamp(), published_at);
        assert_eq!(entry.published.unwrap().timestamp(), published_at);
        assert_eq!(third.text_of("pubDate"), Some(publication.published_at.to_rfc2822().as_str()));

        assert_eq!(item.enclosure[0].url, Some(badpod::Url::Ok(enclosure_url.clone())));
        let audio = entry.media.iter().find_map(|media| media.content.first()).unwrap();
        assert_eq!(audio.url.as_ref(), Some(enclosure_url));
        assert_eq!(audio.size, Some(enclosure.size_bytes));
        assert_eq!(audio.content_type.as_ref().unwrap().to_string(), enclosure.format.content_type());
        let written = &third.all("enclosure").next().unwrap().attributes;
        assert_eq!(written["url"], enclosure_url.as_str());
        assert_eq!(written["length"], enclosure.size_bytes.to_string());
        assert_eq!(written["type"], enclosure.format.content_type());

        // feed-rs drops a duration that comes without other iTunes elements.
        let itunes::Duration::Duration(duration) = &item.itunes_duration[0] else { panic!("no duration") };
        assert_eq!(duration.num_seconds(), 1835);
        assert_eq!(third.text_of("itunes:duration"), Some("1835"));
    }
}

fn content(text: &Option<feed_rs::model::Text>) -> &str {
    text.as_ref().map_or("", |text| text.content.as_str())
}

/// Asks libxml2's `xmllint` where it is installed; the parsers above have read the document in any case.
pub fn is_well_formed(xml: &str) {
    let xmllint = Command::new("xmllint").args(["--noout", "-"]).stdin(Stdio::piped()).spawn();
    if let Ok(mut xmllint) = xmllint {
        xmllint.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
        assert!(xmllint.wait().unwrap().success());
    }
}

#[test]
fn xmllint_takes_a_feed_with_everything() {
    let station = everything();
    is_well_formed(&render(&with_files(station.feed())));
}
