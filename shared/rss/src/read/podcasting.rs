//! The tags of the Podcasting 2.0 namespace that shows and episodes share, and the larger ones.

use tenant_context::Timestamp;

use super::{
    Problem,
    element::{Element, Vocabulary::Podcast},
    finding::Findings,
    item,
};

/// Somebody who is heard or helps to make it (`podcast:person`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPerson {
    /// Their name.
    pub name: String,
    /// What they do.
    pub role: Option<String>,
    /// Where in the making.
    pub group: Option<String>,
    /// A picture of them.
    pub img: Option<String>,
    /// A page about them.
    pub href: Option<String>,
}

/// A place (`podcast:location`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLocation {
    /// What people call it.
    pub name: String,
    /// What it has to do with the show or episode.
    pub rel: Option<String>,
    /// Where on Earth it is.
    pub geo: Option<String>,
    /// Which of OpenStreetMap's things it is.
    pub osm: Option<String>,
    /// The country that it is in.
    pub country: Option<String>,
}

/// A trailer (`podcast:trailer`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadTrailer {
    /// What it is called.
    pub title: Option<String>,
    /// Where it is.
    pub url: String,
    /// When it came out.
    pub published_at: Option<Timestamp>,
    /// How many bytes it has.
    pub size_bytes: Option<u64>,
    /// What its bytes are.
    pub content_type: Option<String>,
    /// The number of the season that it is about.
    pub season: Option<u64>,
}

/// What others may do with it (`podcast:license`); at least one of both is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLicense {
    /// Its identifier or name.
    pub name: Option<String>,
    /// The license in full.
    pub url: Option<String>,
}

/// Who is paid while somebody listens, and how (`podcast:value`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadValue {
    /// The currency or payment layer.
    pub kind: String,
    /// How a payment travels.
    pub method: String,
    /// How much to pay for a minute.
    pub suggested: Option<String>,
    /// Who is paid.
    pub recipients: Vec<ReadRecipient>,
}

/// Who gets a part of each payment (`podcast:valueRecipient`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRecipient {
    /// What they are called.
    pub name: Option<String>,
    /// A key that goes with each payment.
    pub custom_key: Option<String>,
    /// What goes with it under that key.
    pub custom_value: Option<String>,
    /// What the address is.
    pub kind: String,
    /// Where the payment goes.
    pub address: String,
    /// How many shares they get.
    pub split: u64,
    /// Whether it is taken off before the others share.
    pub is_fee: bool,
}

/// A picture (`podcast:image`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadImage {
    /// Where it is.
    pub href: String,
    /// What it shows.
    pub alt: Option<String>,
    /// Width to height.
    pub aspect_ratio: Option<String>,
    /// How many pixels it is wide.
    pub width: Option<u64>,
    /// How many pixels it is high.
    pub height: Option<u64>,
    /// What its bytes are.
    pub content_type: Option<String>,
    /// What it is for.
    pub purpose: Option<String>,
}

/// What a service wants to find in the feed (`podcast:txt`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadTxt {
    /// What it is for.
    pub purpose: Option<String>,
    /// The text itself.
    pub value: String,
}

/// How often episodes come out (`podcast:updateFrequency`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadUpdateFrequency {
    /// How people say it.
    pub text: Option<String>,
    /// Whether no more will come.
    pub is_complete: bool,
    /// When the rule begins.
    pub starts_at: Option<Timestamp>,
    /// How machines read it.
    pub rrule: Option<String>,
}

/// Another show, or an episode of it (`podcast:remoteItem`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRemoteItem {
    /// The show's `podcast:guid`.
    pub feed_guid: String,
    /// Where its feed is.
    pub feed_url: Option<String>,
    /// The episode's `guid`.
    pub item_guid: Option<String>,
    /// What the show is.
    pub medium: Option<String>,
    /// What it is called.
    pub title: Option<String>,
}

/// The same episode in other bytes (`podcast:alternateEnclosure`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadAlternateEnclosure {
    /// What its bytes are.
    pub content_type: Option<String>,
    /// How many there are.
    pub size_bytes: Option<u64>,
    /// Bits per second; a fraction is dropped.
    pub bit_rate: Option<u64>,
    /// How many pixels its pictures are high.
    pub height: Option<u64>,
    /// Its language.
    pub language: Option<String>,
    /// What people choose it by.
    pub title: Option<String>,
    /// Its codecs.
    pub codecs: Option<String>,
    /// Whether it is the enclosure itself.
    pub is_default: bool,
    /// The hash of its bytes, as Subresource Integrity writes it.
    pub integrity: Option<String>,
    /// Where it is; at least one.
    pub sources: Vec<ReadSource>,
}

/// One place where it is (`podcast:source`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadSource {
    /// The place.
    pub uri: String,
    /// What is there, if not the file itself.
    pub content_type: Option<String>,
}

/// An attribute without which its element says nothing.
pub(super) fn needed(
    of: &Element,
    element: &'static str,
    attribute: &'static str,
    findings: &mut Findings,
) -> Option<String> {
    let value = of.string(attribute);
    if value.is_none() {
        findings.note(Problem::Incomplete { element, lacks: attribute });
    }
    value
}

/// The text without which its element says nothing.
fn needed_text(of: &Element, element: &'static str, findings: &mut Findings) -> Option<String> {
    let text = of.text().map(str::to_owned);
    if text.is_none() {
        findings.note(Problem::Incomplete { element, lacks: "text" });
    }
    text
}

/// A whole number in an attribute; a fraction of it is dropped.
pub(super) fn number(
    of: &Element,
    what: &'static str,
    attribute: &str,
    findings: &mut Findings,
) -> Option<u64> {
    let text = of.attribute(attribute)?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let number = whole.parse().ok().filter(|_| fraction.bytes().all(|byte| byte.is_ascii_digit()));
    if number.is_none() {
        findings.unreadable(what, text);
    }
    number
}

fn is_true(element: &Element, attribute: &str) -> bool {
    element.attribute(attribute).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

pub(super) fn persons(of: &Element, findings: &mut Findings) -> Vec<ReadPerson> {
    let read = |person: &Element| {
        Some(ReadPerson {
            name: needed_text(person, "podcast:person", findings)?,
            role: person.string("role"),
            group: person.string("group"),
            img: person.string("img"),
            href: person.string("href"),
        })
    };
    of.all(Podcast, "person").filter_map(read).collect()
}

pub(super) fn locations(of: &Element, findings: &mut Findings) -> Vec<ReadLocation> {
    let read = |location: &Element| {
        Some(ReadLocation {
            name: needed_text(location, "podcast:location", findings)?,
            rel: location.string("rel"),
            geo: location.string("geo"),
            osm: location.string("osm"),
            country: location.string("country"),
        })
    };
    of.all(Podcast, "location").filter_map(read).collect()
}

pub(super) fn trailers(of: &Element, findings: &mut Findings) -> Vec<ReadTrailer> {
    let read = |trailer: &Element| {
        let published_at = trailer.attribute("pubdate");
        Some(ReadTrailer {
            title: trailer.text().map(str::to_owned),
            url: needed(trailer, "podcast:trailer", "url", findings)?,
            published_at: published_at.and_then(|text| item::date("podcast:trailer pubdate", text, findings)),
            size_bytes: number(trailer, "podcast:trailer length", "length", findings),
            content_type: trailer.string("type"),
            season: number(trailer, "podcast:trailer season", "season", findings),
        })
    };
    of.all(Podcast, "trailer").filter_map(read).collect()
}

pub(super) fn license(of: &Element) -> Option<ReadLicense> {
    of.all(Podcast, "license").find_map(|license| {
        let (name, url) = (license.text().map(str::to_owned), license.string("url"));
        (name.is_some() || url.is_some()).then_some(ReadLicense { name, url })
    })
}

pub(super) fn value(of: &Element, findings: &mut Findings) -> Option<ReadValue> {
    let value = of.all(Podcast, "value").next()?;
    Some(ReadValue {
        kind: needed(value, "podcast:value", "type", findings)?,
        method: needed(value, "podcast:value", "method", findings)?,
        suggested: value.string("suggested"),
        recipients: value
            .all(Podcast, "valueRecipient")
            .filter_map(|recipient| self::recipient(recipient, findings))
            .collect(),
    })
}

fn recipient(recipient: &Element, findings: &mut Findings) -> Option<ReadRecipient> {
    const ELEMENT: &str = "podcast:valueRecipient";
    needed(recipient, ELEMENT, "split", findings)?;
    Some(ReadRecipient {
        name: recipient.string("name"),
        custom_key: recipient.string("customKey"),
        custom_value: recipient.string("customValue"),
        kind: needed(recipient, ELEMENT, "type", findings)?,
        address: needed(recipient, ELEMENT, "address", findings)?,
        split: number(recipient, "podcast:valueRecipient split", "split", findings)?,
        is_fee: is_true(recipient, "fee"),
    })
}

pub(super) fn images(of: &Element, findings: &mut Findings) -> Vec<ReadImage> {
    let read = |image: &Element| {
        Some(ReadImage {
            href: needed(image, "podcast:image", "href", findings)?,
            alt: image.string("alt"),
            aspect_ratio: image.string("aspect-ratio"),
            width: number(image, "podcast:image width", "width", findings),
            height: number(image, "podcast:image height", "height", findings),
            content_type: image.string("type"),
            purpose: image.string("purpose"),
        })
    };
    of.all(Podcast, "image").filter_map(read).collect()
}

pub(super) fn txt(of: &Element, findings: &mut Findings) -> Vec<ReadTxt> {
    let read = |txt: &Element| {
        let value = needed_text(txt, "podcast:txt", findings)?;
        Some(ReadTxt { purpose: txt.string("purpose"), value })
    };
    of.all(Podcast, "txt").filter_map(read).collect()
}

pub(super) fn update_frequency(of: &Element, findings: &mut Findings) -> Option<ReadUpdateFrequency> {
    let frequency = of.all(Podcast, "updateFrequency").next()?;
    let starts_at = frequency.attribute("dtstart");
    Some(ReadUpdateFrequency {
        text: frequency.text().map(str::to_owned),
        is_complete: is_true(frequency, "complete"),
        starts_at: starts_at.and_then(|text| item::date("podcast:updateFrequency dtstart", text, findings)),
        rrule: frequency.string("rrule"),
    })
}

pub(super) fn podroll(of: &Element, findings: &mut Findings) -> Vec<ReadRemoteItem> {
    let read = |remote: &Element| {
        Some(ReadRemoteItem {
            feed_guid: needed(remote, "podcast:remoteItem", "feedGuid", findings)?,
            feed_url: remote.string("feedUrl"),
            item_guid: remote.string("itemGuid"),
            medium: remote.string("medium"),
            title: remote.string("title"),
        })
    };
    let items = of.all(Podcast, "podroll").flat_map(|podroll| podroll.all(Podcast, "remoteItem"));
    items.filter_map(read).collect()
}

pub(super) fn alternate_enclosures(of: &Element, findings: &mut Findings) -> Vec<ReadAlternateEnclosure> {
    let read = |enclosure: &Element| alternate_enclosure(enclosure, findings);
    of.all(Podcast, "alternateEnclosure").filter_map(read).collect()
}

fn alternate_enclosure(enclosure: &Element, findings: &mut Findings) -> Option<ReadAlternateEnclosure> {
    const ELEMENT: &str = "podcast:alternateEnclosure";
    let source = |source: &Element| {
        let uri = needed(source, "podcast:source", "uri", findings)?;
        Some(ReadSource { uri, content_type: source.string("contentType") })
    };
    let sources: Vec<_> = enclosure.all(Podcast, "source").filter_map(source).collect();
    if sources.is_empty() {
        findings.note(Problem::Incomplete { element: ELEMENT, lacks: "source" });
        return None;
    }
    let mut integrity = enclosure.all(Podcast, "integrity");
    Some(ReadAlternateEnclosure {
        content_type: enclosure.string("type"),
        size_bytes: number(enclosure, "podcast:alternateEnclosure length", "length", findings),
        bit_rate: number(enclosure, "podcast:alternateEnclosure bitrate", "bitrate", findings),
        height: number(enclosure, "podcast:alternateEnclosure height", "height", findings),
        language: enclosure.string("lang"),
        title: enclosure.string("title"),
        codecs: enclosure.string("codecs"),
        is_default: is_true(enclosure, "default"),
        integrity: integrity
            .find(|integrity| integrity.attribute("type").is_none_or(|kind| kind == "sri"))
            .and_then(|integrity| integrity.string("value")),
        sources,
    })
}
