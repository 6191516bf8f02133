//! What this crate writes it reads back.

use domain::{
    Farewell, Feed, FeedEpisode, List, MediaFormat, ShortText, ShowOwner, WebUrl,
    podcasting::{Image, License, Location, Person, PersonGroup, PersonRole, Txt, Value},
};
use rss::read::{
    ReadAlternateEnclosure, ReadBlock, ReadChannel, ReadChapters, ReadEnclosure, ReadFeed, ReadFunding,
    ReadGuid, ReadImage, ReadItem, ReadLicense, ReadLinks, ReadLocation, ReadLocked, ReadNumber, ReadOwner,
    ReadPerson, ReadRecipient, ReadRemoteItem, ReadSeason, ReadSoundbite, ReadSource, ReadTrailer,
    ReadTranscript, ReadTxt, ReadUpdateFrequency, ReadValue,
};
use url::Url;

use crate::{
    plain_xml::{self, Element},
    read,
    station::{Station, everything, harbour_radio, url, with_files},
};

#[test]
fn a_feed_with_everything_is_read_back() {
    let station = everything();
    let feed = with_files(station.feed());
    assert_eq!(read(rss::render(&feed)), expected(&feed));
}

#[test]
fn a_plain_feed_is_read_back() {
    for station in [harbour_radio(), Station::new("Tide Tables", "Soon.")] {
        let feed = station.feed();
        assert_eq!(read(rss::render(&feed)), expected(&feed));
    }
}

#[test]
fn a_feed_that_has_moved_is_read_back() {
    let mut station = harbour_radio();
    let feed_url = "https://other.example/feed?a=1&b=2".parse().unwrap();
    station.show.farewell = Some(Farewell::Moved { feed_url });
    let feed = station.feed();
    let read = read(rss::render(&feed));
    assert_eq!(read.channel.new_feed_url.as_deref(), Some("https://other.example/feed?a=1&b=2"));
    assert_eq!(read, expected(&feed));
}

#[test]
fn hostile_text_is_read_back() {
    for text in [
        "]]>",
        "]]]]><![CDATA[>",
        "</title></item></channel></rss>",
        "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>&e;",
        "&amp;&lt;&#x0;&#60;&nbsp;&nonsense;",
        "a & b; c &",
        "🎧 אבג \u{202e}مرحبا\u{202c} 潮汐 e\u{301} \u{200b}x",
    ] {
        let mut station = Station::new(text, "x");
        station.publish(text, "x", MediaFormat::Mp3, crate::station::day(2));
        let feed = station.feed();
        assert_eq!(read(rss::render(&feed)), expected(&feed), "{text}");
    }
}

#[test]
fn whoever_reads_page_after_page_finds_every_episode() {
    let mut station = Station::new("Tide Tables", "The sea, twice a day.");
    for number in 2..80 {
        let at = crate::station::day(1).plus(std::time::Duration::from_secs(number));
        station.publish("Neap Tide", &"Ebb & flow. ".repeat(40), MediaFormat::Mp3, at);
    }
    let feed = station.feed();
    let page_url = |number: usize| url(&format!("https://listen.example/feeds/tide-tables.{number:03}.xml"));
    let pages = rss::render_pages(&feed, 10_000, page_url);
    assert!(pages.older.len() > 3);

    let (mut guids, mut document) = (vec![], &pages.feed);
    loop {
        let read = read(document);
        assert_eq!(read.findings, []);
        guids.extend(read.items.into_iter().map(|item| item.guid.unwrap().value));
        let Some(next) = read.channel.links.next else { break };
        let at = (1..=pages.older.len()).find(|number| page_url(*number).as_str() == next).unwrap();
        document = &pages.older[at - 1];
    }
    let all: Vec<_> = feed.episodes().iter().map(|item| item.publication.guid.clone()).collect();
    assert_eq!(guids, all);
}

/// So that a tag that is new in what is written is missed here where it is not read.
#[test]
fn nothing_that_is_written_is_left_unread() {
    let station = everything();
    let xml = String::from_utf8(rss::render(&with_files(station.feed()))).unwrap();
    let read = format!("{:?}", read(&xml));

    let mut unread = vec![];
    texts("", &plain_xml::read(&xml), &mut |path, text| {
        let forms = [
            format!("{text:?}"),
            format!("\"{text} > "),
            format!(" > {text}\""),
            format!("({text})"),
            format!(" {text},"),
            format!(" {text} "),
        ];
        if !forms.iter().any(|form| read.contains(form)) {
            unread.push(format!("{path} {text}"));
        }
    });
    // What is read as moments, flags and milliseconds is compared field by field above.
    let is_other = |path: &str| {
        [
            "pubDate",
            "pubdate",
            "lastBuildDate",
            "dtstart",
            "startTime",
            "duration",
            "explicit",
            "complete",
            "rel",
        ]
        .iter()
        .chain(&["block", "isPermaLink", "locked", "fee"])
        .any(|name| path.ends_with(name))
    };
    unread.retain(|line| !is_other(line.split(' ').next().unwrap()));
    unread.dedup();
    assert_eq!(
        unread,
        [
            "/rss@version 2.0",
            "/rss/channel/atom:link@type application/rss+xml",
            "/rss/channel/item/podcast:alternateEnclosure/podcast:integrity@type sri"
        ]
    );
}

fn texts(path: &str, element: &Element, found: &mut impl FnMut(&str, &str)) {
    for (name, value) in element.attributes.iter().filter(|(name, _)| !name.starts_with("xmlns")) {
        found(&format!("{path}/rss@{name}").replacen("/rss@", "@", usize::from(!path.is_empty())), value);
    }
    if !element.text.trim().is_empty() {
        found(path, element.text.trim());
    }
    for (name, child) in &element.children {
        let path = if path.is_empty() { "/rss" } else { path };
        texts(&format!("{path}/{name}"), child, found);
    }
}

fn expected(feed: &Feed<'_>) -> ReadFeed {
    ReadFeed {
        channel: channel(feed),
        items: feed.episodes().iter().map(|item| self::item(item, feed.channel.show.explicit)).collect(),
        findings: vec![],
    }
}

fn channel(feed: &Feed<'_>) -> ReadChannel {
    let (channel, show) = (&feed.channel, feed.channel.show);
    let (listing, podcasting) = (&show.listing, &show.podcasting);
    let owner = listing.owner.as_ref();
    let email = |owner: &ShowOwner| owner.email.as_ref().map(|email| email.as_str().to_owned());
    let categories = std::iter::once(&show.category).chain(listing.secondary_categories.iter());
    ReadChannel {
        title: text(show.title.as_str()),
        link: text(channel.link()),
        description: text(show.description.as_str()),
        language: text(show.language.as_str()),
        copyright: listing.copyright.as_ref().and_then(|copyright| text(copyright.as_str())),
        published_at: channel.published_at,
        updated_at: Some(channel.updated_at),
        generator: text("Castkeep"),
        links: ReadLinks { this: text(channel.url.as_str()), ..ReadLinks::default() },
        new_feed_url: show.moved_to().and_then(|url| text(url.as_str())),
        artwork_url: channel.artwork_url.as_ref().map(Url::to_string),
        categories: categories.map(ToString::to_string).collect(),
        author: text(show.author.as_str()),
        owner: owner.map(|owner| ReadOwner { name: text(owner.name.as_str()), email: email(owner) }),
        explicit: Some(show.explicit),
        kind: text(listing.kind.as_str()),
        is_complete: listing.is_complete,
        is_blocked: listing.is_blocked,
        guid: Some(channel.guid.to_string()),
        locked: Some(ReadLocked {
            is_locked: podcasting.locked.is_locked,
            owner: owner.filter(|_| podcasting.locked.shows_owner).and_then(email),
        }),
        medium: text(podcasting.medium.as_str()),
        funding: podcasting
            .funding
            .iter()
            .map(|funding| ReadFunding { url: funding.url.to_string(), text: text(funding.text.as_str()) })
            .collect(),
        persons: persons(&podcasting.persons),
        locations: locations(&podcasting.locations),
        trailers: podcasting
            .trailers
            .iter()
            .map(|trailer| ReadTrailer {
                title: text(trailer.title.as_str()),
                url: trailer.url.to_string(),
                published_at: Some(trailer.published_at),
                size_bytes: trailer.size_bytes,
                content_type: trailer.content_type.as_ref().map(ToString::to_string),
                season: trailer.season.map(|season| season.get().into()),
            })
            .collect(),
        license: podcasting.license.as_ref().map(license),
        value: podcasting.value.as_ref().map(value),
        images: images(&podcasting.images),
        txt: txt(&podcasting.txt),
        update_frequency: podcasting.update_frequency.as_ref().map(|frequency| ReadUpdateFrequency {
            text: text(frequency.text.as_str()),
            is_complete: frequency.is_complete,
            starts_at: frequency.starts_at,
            rrule: frequency.rrule.as_ref().map(ToString::to_string),
        }),
        blocks: podcasting
            .blocks
            .iter()
            .map(|block| ReadBlock {
                id: block.id.as_ref().map(ToString::to_string),
                is_blocked: block.is_blocked,
            })
            .collect(),
        podroll: podcasting
            .podroll
            .iter()
            .map(|item| ReadRemoteItem {
                feed_guid: item.feed_guid.to_string(),
                feed_url: item.feed_url.as_ref().map(WebUrl::to_string),
                item_guid: short(item.item_guid.as_ref()),
                medium: item.medium.and_then(|medium| text(medium.as_str())),
                title: short(item.title.as_ref()),
            })
            .collect(),
    }
}

fn item(item: &FeedEpisode<'_>, show_is_explicit: bool) -> ReadItem {
    let episode = item.episode;
    let (listing, podcasting) = (&episode.listing, &episode.podcasting);
    ReadItem {
        guid: Some(ReadGuid {
            value: item.publication.guid.clone(),
            is_permalink: false,
            is_enclosure_url: false,
        }),
        duplicate_of: None,
        title: text(episode.title.as_str()),
        itunes_title: listing.title.as_ref().and_then(|title| text(title.as_str())),
        link: listing.link.as_ref().map(WebUrl::to_string),
        published_at: Some(item.out_since),
        description: text(episode.description.as_str()),
        content: listing.content.as_ref().and_then(|content| text(content.as_str())),
        enclosure: Some(ReadEnclosure {
            url: item.enclosure_url.to_string(),
            content_type: text(item.enclosure.format.content_type()),
            size_bytes: Some(item.enclosure.size_bytes),
        }),
        duration_seconds: Some((item.recording.duration_milliseconds + 500) / 1000),
        explicit: Some(episode.explicit.unwrap_or(show_is_explicit)),
        artwork_url: item.artwork_url.as_ref().map(Url::to_string),
        season: listing
            .season
            .as_ref()
            .map(|season| ReadSeason { number: season.number.get(), name: short(season.name.as_ref()) }),
        number: listing.number.as_ref().map(|number| ReadNumber {
            number: number.number.get(),
            display: number.display.as_ref().map(ToString::to_string),
        }),
        kind: text(listing.kind.as_str()).filter(|kind| kind != "full"),
        is_blocked: listing.is_blocked,
        transcripts: item
            .transcripts
            .iter()
            .map(|transcript| ReadTranscript {
                url: transcript.url.to_string(),
                content_type: Some(transcript.content_type.to_string()),
                language: transcript.language.as_ref().map(ToString::to_string),
                is_captions: transcript.is_captions,
            })
            .collect(),
        chapters: item.chapters_url.as_ref().map(|url| ReadChapters {
            url: url.to_string(),
            content_type: text("application/json+chapters"),
        }),
        soundbites: podcasting
            .soundbites
            .iter()
            .map(|soundbite| ReadSoundbite {
                start_time_milliseconds: soundbite.start_time_milliseconds.into(),
                duration_milliseconds: soundbite.duration_milliseconds.get().into(),
                title: short(soundbite.title.as_ref()),
            })
            .collect(),
        persons: persons(&podcasting.persons),
        locations: locations(&podcasting.locations),
        license: podcasting.license.as_ref().map(license),
        alternate_enclosures: item
            .alternate_enclosures
            .iter()
            .map(|enclosure| ReadAlternateEnclosure {
                content_type: Some(enclosure.content_type.to_string()),
                size_bytes: Some(enclosure.size_bytes),
                bit_rate: enclosure.bit_rate.map(u64::from),
                height: enclosure.height.map(u64::from),
                language: enclosure.language.as_ref().map(ToString::to_string),
                title: short(enclosure.title.as_ref()),
                codecs: short(enclosure.codecs.as_ref()),
                is_default: enclosure.is_default,
                integrity: enclosure.hash.as_ref().map(domain::ContentHash::to_integrity),
                sources: enclosure
                    .sources
                    .iter()
                    .map(|source| ReadSource {
                        uri: source.uri.to_string(),
                        content_type: source.content_type.as_ref().map(ToString::to_string),
                    })
                    .collect(),
            })
            .collect(),
        value: podcasting.value.as_ref().map(value),
        images: images(&podcasting.images),
        txt: txt(&podcasting.txt),
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn short(text: Option<&ShortText>) -> Option<String> {
    text.map(ToString::to_string)
}

fn persons<const MOST: usize>(persons: &List<Person, MOST>) -> Vec<ReadPerson> {
    let read = |person: &Person| ReadPerson {
        name: person.name.to_string(),
        role: person.role.map(PersonRole::as_str).and_then(text),
        group: person.group.map(PersonGroup::as_str).and_then(text),
        img: person.img.as_ref().map(WebUrl::to_string),
        href: person.href.as_ref().map(WebUrl::to_string),
    };
    persons.iter().map(read).collect()
}

fn locations<const MOST: usize>(locations: &List<Location, MOST>) -> Vec<ReadLocation> {
    let read = |location: &Location| ReadLocation {
        name: location.name.to_string(),
        rel: text(location.rel.as_str()),
        geo: location.geo.as_ref().map(ToString::to_string),
        osm: location.osm.as_ref().map(ToString::to_string),
        country: location.country.as_ref().map(ToString::to_string),
    };
    locations.iter().map(read).collect()
}

fn license(license: &License) -> ReadLicense {
    let name = license.name.as_str();
    let name = if license.is_creative_commons() { name.to_ascii_lowercase() } else { name.to_owned() };
    ReadLicense { name: Some(name), url: license.url.as_ref().map(WebUrl::to_string) }
}

fn value(value: &Value) -> ReadValue {
    ReadValue {
        kind: value.kind.to_string(),
        method: value.method.to_string(),
        suggested: value.suggested.as_ref().map(ToString::to_string),
        recipients: value
            .recipients
            .iter()
            .map(|recipient| ReadRecipient {
                name: short(recipient.name.as_ref()),
                custom_key: short(recipient.custom_key.as_ref()),
                custom_value: short(recipient.custom_value.as_ref()),
                kind: recipient.kind.to_string(),
                address: recipient.address.to_string(),
                split: recipient.split.get().into(),
                is_fee: recipient.is_fee,
            })
            .collect(),
    }
}

fn images<const MOST: usize>(images: &List<Image, MOST>) -> Vec<ReadImage> {
    let read = |image: &Image| ReadImage {
        href: image.href.to_string(),
        alt: short(image.alt.as_ref()),
        aspect_ratio: image.aspect_ratio.as_ref().map(ToString::to_string),
        width: image.width.map(|width| width.get().into()),
        height: image.height.map(|height| height.get().into()),
        content_type: image.content_type.as_ref().map(ToString::to_string),
        purpose: short(image.purpose.as_ref()),
    };
    images.iter().map(read).collect()
}

fn txt<const MOST: usize>(txt: &List<Txt, MOST>) -> Vec<ReadTxt> {
    let read = |txt: &Txt| ReadTxt { purpose: short(txt.purpose.as_ref()), value: txt.value.to_string() };
    txt.iter().map(read).collect()
}
