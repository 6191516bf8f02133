//! Rendered feeds: what they look like, and what parsers written by others make of them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use badpod::{Bool, Integer, itunes, podcast};
use domain::{
    Addresses, Category, Episode, Feed, FeedEpisode, Media, MediaContent, MediaFile, MediaFormat, NewEpisode,
    NewShow, Recording, Show, Tags, Visibility,
};
use serde_json::json;
use tenant_context::Timestamp;
use url::Url;

const LISTENER_URL: &str = "https://listen.example";

/// A show with its episodes and their media.
struct Station {
    show: Show,
    episodes: Vec<(Episode, Media)>,
}

impl Station {
    fn new(title: &str, description: &str) -> Self {
        let new: NewShow = serde_json::from_value(json!({
            "slug": "tide-tables",
            "title": title,
            "description": description,
            "language": "en-GB",
            "category": "Science > Earth Sciences",
            "author": "Harbour Radio & Friends",
            "visibility": "public",
        }))
        .unwrap();
        let show = Show::new("shw_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(), new, day(1));
        Self { show, episodes: Vec::new() }
    }

    fn publish(&mut self, title: &str, description: &str, format: MediaFormat, at: Timestamp) {
        let number = self.episodes.len();
        let media = Media {
            id: format!("med_{number:026}").parse().unwrap(),
            original: MediaFile {
                hash: "0a".repeat(32).parse().unwrap(),
                size_bytes: 12_345_678 + number as u64,
                crc32: 0,
                format,
            },
            content: MediaContent::Recording(Recording {
                duration_milliseconds: 1_834_500,
                codec: "mp3".to_owned(),
                video_codec: None,
                bit_rate: 128_000,
                channels: 2,
                sample_rate_hz: 44_100,
                loudness: None,
                tags: Tags::default(),
            }),
            renditions: Vec::new(),
            created_at: at,
        };
        let new: NewEpisode =
            serde_json::from_value(json!({"title": title, "description": description, "media_id": media.id}))
                .unwrap();
        let id = format!("epi_{number:026}").parse().unwrap();
        let mut episode = Episode::new(id, self.show.id.clone(), new, at);
        episode.publish(&self.show, &media, at, at).unwrap();
        self.episodes.push((episode, media));
    }

    fn feed(&self, addresses: &Addresses, cover: Option<Url>) -> Feed<'_> {
        let items = self
            .episodes
            .iter()
            .filter_map(|(episode, media)| FeedEpisode::new(episode, media, addresses, day(28)))
            .collect();
        Feed::new(&self.show, addresses, url("https://harbour.example/tides?a=1&b=2"), cover, items)
    }

    fn public(&self) -> String {
        render(&self.feed(&addresses(), None))
    }
}

fn harbour_radio() -> Station {
    let mut station = Station::new("Tide Tables", "The sea, twice a day.\n\nEbb & flow.");
    station.publish("Neap Tide", "Sun & moon at odds.", MediaFormat::Mp3, day(2));
    station.publish("Spring Tide <live>", "Sun and moon in line.", MediaFormat::M4a, day(9));
    station.episodes[1].0.explicit = Some(true);
    station
}

fn day(day: u64) -> Timestamp {
    Timestamp::from_unix_seconds(1_767_225_600 + 86_400 * (day - 1))
}

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn addresses() -> Addresses {
    Addresses::public(url(LISTENER_URL)).unwrap()
}

fn render(feed: &Feed<'_>) -> String {
    String::from_utf8(rss::render(feed)).unwrap()
}

fn read_with_badpod(xml: &str) -> badpod::Channel {
    let mut rss = badpod::from_str(xml).unwrap();
    assert_eq!((rss.version.as_deref(), rss.channel.len()), (Some("2.0"), 1));
    rss.channel.remove(0)
}

#[test]
fn a_public_feed_with_everything() {
    let station = harbour_radio();
    let feed = station.feed(&addresses(), Some(url("https://harbour.example/cover.jpg")));
    insta::assert_snapshot!(render(&feed));
}

#[test]
fn a_private_feed_is_not_for_directories() {
    let mut station = harbour_radio();
    station.show.visibility = Visibility::Private;
    station.episodes.truncate(1);
    let own = addresses().with_token("0123456789abcdefghjkmnpqrstvwxyz".parse().unwrap());
    insta::assert_snapshot!(render(&station.feed(&own, None)));
}

#[test]
fn a_feed_without_episodes() {
    insta::assert_snapshot!(Station::new("Tide Tables", "Soon.").public());
}

#[test]
fn the_same_feed_gives_the_same_bytes() {
    let mut reversed = harbour_radio();
    reversed.episodes.reverse();
    assert_eq!(harbour_radio().public(), harbour_radio().public());
    assert_eq!(harbour_radio().public(), reversed.public());
}

#[test]
fn badpod_finds_nothing_wrong() {
    let station = harbour_radio();
    let feed = station.feed(&addresses(), Some(url("https://harbour.example/cover.jpg")));
    let channel = read_with_badpod(&render(&feed));

    assert!(!format!("{channel:?}").contains("Other("), "{channel:?}");
    assert_eq!(channel.podcast_guid, [podcast::Guid::Ok(feed.guid.to_string())]);
    assert_eq!(channel.podcast_locked, [podcast::Locked { owner: None, value: Some(Bool::Ok(true)) }]);
    assert_eq!(channel.itunes_explicit, [Bool::Ok(false)]);
    assert_eq!(channel.itunes_type, [itunes::PodcastType::Episodic]);
    assert_eq!(channel.item[0].itunes_explicit, [Bool::Ok(true)]);
    assert_eq!(channel.item[1].itunes_explicit, [Bool::Ok(false)]);
    assert_eq!(
        channel.item[1].enclosure[0],
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
fn two_parsers_agree_with_the_feed() {
    let station = harbour_radio();
    let feed = station.feed(&addresses(), None);
    agree(&feed, &render(&feed));
}

#[test]
fn hostile_text_comes_out_as_it_went_in() {
    let hostile = [
        "]]>",
        "]]]]><![CDATA[>",
        "</title></item></channel></rss>",
        "<script>alert(1)</script>",
        "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>&e;",
        "&amp;&lt;&#x0;&#60;",
        "\" onload=\"x",
        "100% {} %s ${x} \\u0000",
        "🎧 אבג \u{202e}مرحبا\u{202c} 潮汐 e\u{301} \u{200b}",
    ];
    for title in hostile {
        // What HTML would take for a tag is no description to begin with.
        let description = if title.parse::<domain::Description>().is_ok() { title } else { "No tags." };
        let mut station = Station::new(title, description);
        station.show.author = title.parse().unwrap();
        station.publish(title, description, MediaFormat::Mp3, day(2));
        let feed = station.feed(&addresses(), None);
        agree(&feed, &render(&feed));
    }
}

#[test]
fn every_character_that_domain_lets_in_survives() {
    let every: Vec<char> =
        ('\0'..=char::MAX).filter(|&c| c.to_string().parse::<domain::Author>().is_ok()).collect();
    assert!(every.len() > 1_000_000);
    let mut station = Station::new("Tide Tables", "The sea, twice a day.");
    for (title, at) in every.chunks(255).zip(2..) {
        let title: String = title.iter().collect();
        let at = Timestamp::from_unix_seconds(at);
        station.publish(&title, "Every character.", MediaFormat::Mp3, at);
    }
    let feed = station.feed(&addresses(), None);
    let channel = read_with_badpod(&render(&feed));

    assert_eq!(channel.item.len(), feed.episodes().len());
    for (item, read) in feed.episodes().iter().zip(&channel.item) {
        assert_eq!(read.title, [item.episode.title.as_str()]);
    }
}

/// Both parsers read out of the document what went into it.
fn agree(feed: &Feed<'_>, xml: &str) {
    let channel = read_with_badpod(xml);
    let other = feed_rs::parser::parse(xml.as_bytes()).unwrap();
    let show = feed.show;

    assert_eq!(channel.title, [show.title.as_str()]);
    assert_eq!(content(&other.title), show.title.as_str());
    assert_eq!(channel.description, [show.description.as_str()]);
    assert_eq!(content(&other.description), show.description.as_str());
    assert_eq!(channel.itunes_author, [show.author.as_str()]);
    assert_eq!(channel.link, [badpod::Url::Ok(feed.link.clone())]);
    assert_eq!(other.language.unwrap(), show.language.as_str().to_lowercase());
    assert_eq!(other.updated.unwrap().timestamp(), feed.updated_at().unix_seconds() as i64);
    assert_eq!(channel.item.len(), feed.episodes().len());
    assert_eq!(other.entries.len(), feed.episodes().len());

    for ((ours, item), entry) in feed.episodes().iter().zip(&channel.item).zip(&other.entries) {
        let FeedEpisode { episode, publication, enclosure, enclosure_url, .. } = ours;
        let published_at = publication.published_at.unix_seconds() as i64;

        assert_eq!(item.title, [episode.title.as_str()]);
        assert_eq!(content(&entry.title), episode.title.as_str());
        assert_eq!(item.description, [episode.description.as_str()]);
        assert_eq!(content(&entry.summary), episode.description.as_str());

        assert_eq!(item.guid[0].value, Some(badpod::GuidValue::Text(episode.id.to_string())));
        assert_eq!(entry.id, episode.id.as_str());

        let badpod::DateTime::Ok(date) = &item.pub_date[0] else { panic!("{:?}", item.pub_date) };
        assert_eq!(date.timestamp(), published_at);
        assert_eq!(entry.published.unwrap().timestamp(), published_at);

        assert_eq!(item.enclosure[0].url, Some(badpod::Url::Ok(enclosure_url.clone())));
        let audio = &entry.media[0].content[0];
        assert_eq!(audio.url.as_ref(), Some(enclosure_url));
        assert_eq!(audio.size, Some(enclosure.size_bytes));
        assert_eq!(audio.content_type.as_ref().unwrap().to_string(), enclosure.format.content_type());

        // feed-rs drops a duration that comes without other iTunes elements.
        let itunes::Duration::Duration(duration) = &item.itunes_duration[0] else { panic!("no duration") };
        assert_eq!(duration.num_seconds(), 1835);
    }
}

fn content(text: &Option<feed_rs::model::Text>) -> &str {
    text.as_ref().map_or("", |text| text.content.as_str())
}
