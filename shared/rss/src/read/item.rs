use tenant_context::Timestamp;

use super::{
    Problem, duration,
    element::{
        Element,
        Vocabulary::{Content, Itunes, Podcast, Rss},
    },
    finding::{Findings, quote},
    moment,
    podcasting::{
        self, ReadAlternateEnclosure, ReadImage, ReadLicense, ReadLocation, ReadPerson, ReadTxt, ReadValue,
    },
};

/// What a feed says of one episode. What is absent was not there, or could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadItem {
    /// What apps know it by.
    pub guid: Option<ReadGuid>,
    /// The index of the earlier item that has the same GUID.
    pub duplicate_of: Option<usize>,
    /// What it is called.
    pub title: Option<String>,
    /// Its title without number and show (`itunes:title`).
    pub itunes_title: Option<String>,
    /// Its web page.
    pub link: Option<String>,
    /// When it came out.
    pub published_at: Option<Timestamp>,
    /// What it is about: `description`, or `itunes:summary` where there is none. May be HTML.
    pub description: Option<String>,
    /// Its notes in full (`content:encoded`), in HTML.
    pub content: Option<String>,
    /// Its audio or video.
    pub enclosure: Option<ReadEnclosure>,
    /// How long it plays, in whole seconds (`itunes:duration`).
    pub duration_seconds: Option<u64>,
    /// Whether it carries a parental advisory.
    pub explicit: Option<bool>,
    /// Where artwork of its own is (`itunes:image`).
    pub artwork_url: Option<String>,
    /// The season that it belongs to.
    pub season: Option<ReadSeason>,
    /// Its place in the season or show.
    pub number: Option<ReadNumber>,
    /// What it is in the show (`itunes:episodeType`), in lower case.
    pub kind: Option<String>,
    /// Whether Apple Podcasts leaves it out of its directory.
    pub is_blocked: bool,
    /// What is said in it.
    pub transcripts: Vec<ReadTranscript>,
    /// Where its parts begin.
    pub chapters: Option<ReadChapters>,
    /// What is worth hearing first.
    pub soundbites: Vec<ReadSoundbite>,
    /// Everybody of this episode.
    pub persons: Vec<ReadPerson>,
    /// Places.
    pub locations: Vec<ReadLocation>,
    /// What others may do with it.
    pub license: Option<ReadLicense>,
    /// The same in other bytes.
    pub alternate_enclosures: Vec<ReadAlternateEnclosure>,
    /// Who is paid while somebody listens.
    pub value: Option<ReadValue>,
    /// Pictures besides the artwork.
    pub images: Vec<ReadImage>,
    /// What services want to find.
    pub txt: Vec<ReadTxt>,
}

/// What apps know an item by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadGuid {
    /// The GUID itself.
    pub value: String,
    /// Whether it says to be a URL too, as it does unless `isPermaLink` is `false`.
    pub is_permalink: bool,
    /// Whether the feed has none, and this is the URL of the enclosure.
    pub is_enclosure_url: bool,
}

/// An item's audio or video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadEnclosure {
    /// Where it is.
    pub url: String,
    /// What its bytes are, as the feed says.
    pub content_type: Option<String>,
    /// How many there are, as the feed says; many say 0, which is none.
    pub size_bytes: Option<u64>,
}

/// A season (`itunes:season`, `podcast:season`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadSeason {
    /// Which one.
    pub number: u32,
    /// What it is called.
    pub name: Option<String>,
}

/// An item's place in its season or show (`itunes:episode`, `podcast:episode`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadNumber {
    /// Which one.
    pub number: u32,
    /// What apps show instead.
    pub display: Option<String>,
}

/// A transcript (`podcast:transcript`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadTranscript {
    /// Where it is.
    pub url: String,
    /// What its bytes are.
    pub content_type: Option<String>,
    /// Its language.
    pub language: Option<String>,
    /// Whether it can be shown while the episode plays.
    pub is_captions: bool,
}

/// Chapters (`podcast:chapters`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadChapters {
    /// Where they are.
    pub url: String,
    /// What their bytes are.
    pub content_type: Option<String>,
}

/// A part that is worth hearing first (`podcast:soundbite`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadSoundbite {
    /// Where it begins.
    pub start_time_milliseconds: u64,
    /// How long it plays.
    pub duration_milliseconds: u64,
    /// What it is called.
    pub title: Option<String>,
}

pub(super) fn read(item: &Element, findings: &mut Findings) -> ReadItem {
    let enclosure = enclosure(item, findings);
    let read = ReadItem {
        guid: guid(item, enclosure.as_ref(), findings),
        duplicate_of: None,
        title: item.string_of(Rss, "title").or_else(|| item.string_of(Itunes, "title")),
        itunes_title: item.string_of(Itunes, "title"),
        link: item.string_of(Rss, "link"),
        published_at: date_of(item, "pubDate", findings),
        description: description(item),
        content: item.string_of(Content, "encoded"),
        enclosure,
        duration_seconds: duration_seconds(item, findings),
        explicit: explicit(item, findings),
        artwork_url: artwork_url(item),
        season: season(item, findings),
        number: number(item, findings),
        kind: item.text_of(Itunes, "episodeType").map(str::to_ascii_lowercase),
        is_blocked: says_yes(item, "block"),
        transcripts: transcripts(item, findings),
        chapters: chapters(item, findings),
        soundbites: soundbites(item, findings),
        persons: podcasting::persons(item, findings),
        locations: podcasting::locations(item, findings),
        license: podcasting::license(item),
        alternate_enclosures: podcasting::alternate_enclosures(item, findings),
        value: podcasting::value(item, findings),
        images: podcasting::images(item, findings),
        txt: podcasting::txt(item, findings),
    };

    if read.title.is_none() {
        findings.note(Problem::Missing("title"));
    }
    if item.all(Rss, "pubDate").next().is_none() {
        findings.note(Problem::Missing("pubDate"));
    }
    read
}

pub(super) fn description(element: &Element) -> Option<String> {
    element.string_of(Rss, "description").or_else(|| element.string_of(Itunes, "summary"))
}

/// Apple's artwork. Some write it between the tags.
pub(super) fn artwork_url(element: &Element) -> Option<String> {
    element
        .all(Itunes, "image")
        .find_map(|image| image.attribute("href").or(image.attribute("url")).or(image.text()))
        .map(str::to_owned)
}

pub(super) fn date_of(element: &Element, name: &'static str, findings: &mut Findings) -> Option<Timestamp> {
    date(name, element.text_of(Rss, name)?, findings)
}

pub(super) fn date(what: &'static str, text: &str, findings: &mut Findings) -> Option<Timestamp> {
    let Some(moment) = moment::read(text) else {
        findings.unreadable(what, text);
        return None;
    };
    if !moment.zone_is_known {
        findings.note(Problem::UnknownZone(quote(text)));
    }
    Some(moment.at)
}

pub(super) fn explicit(element: &Element, findings: &mut Findings) -> Option<bool> {
    let text = element.text_of(Itunes, "explicit")?;
    match text.to_ascii_lowercase().as_str() {
        "explicit" => Some(true),
        "clean" => Some(false),
        _ => yes_or_no("itunes:explicit", text, findings),
    }
}

pub(super) fn yes_or_no(what: &'static str, text: &str, findings: &mut Findings) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" => Some(true),
        "no" | "false" | "0" => Some(false),
        _ => {
            findings.unreadable(what, text);
            None
        }
    }
}

/// Whether one of Apple's elements that know nothing but `Yes` says so.
pub(super) fn says_yes(element: &Element, name: &str) -> bool {
    let text = element.text_of(Itunes, name).map(str::to_ascii_lowercase);
    matches!(text.as_deref(), Some("yes" | "true"))
}

fn guid(item: &Element, enclosure: Option<&ReadEnclosure>, findings: &mut Findings) -> Option<ReadGuid> {
    if let Some(guid) = item.all(Rss, "guid").find(|guid| guid.text().is_some()) {
        let is_permalink = !guid.attribute("isPermaLink").is_some_and(|is| is.eq_ignore_ascii_case("false"));
        let value = guid.text().unwrap_or_default().to_owned();
        return Some(ReadGuid { value, is_permalink, is_enclosure_url: false });
    }
    let Some(enclosure) = enclosure else {
        findings.note(Problem::NothingToKnowItBy);
        return None;
    };
    findings.note(Problem::NoGuid);
    Some(ReadGuid { value: enclosure.url.clone(), is_permalink: false, is_enclosure_url: true })
}

fn enclosure(item: &Element, findings: &mut Findings) -> Option<ReadEnclosure> {
    let mut enclosures = item.all(Rss, "enclosure").filter(|enclosure| enclosure.attribute("url").is_some());
    let Some(first) = enclosures.next() else {
        findings.note(Problem::NoEnclosure);
        return None;
    };
    if enclosures.next().is_some() {
        findings.note(Problem::MoreEnclosures);
    }
    Some(ReadEnclosure {
        url: first.string("url")?,
        content_type: first.string("type"),
        size_bytes: podcasting::number(first, "enclosure length", "length", findings)
            .filter(|size| *size > 0),
    })
}

fn duration_seconds(item: &Element, findings: &mut Findings) -> Option<u64> {
    let text = item.text_of(Itunes, "duration")?;
    let seconds = duration::seconds(text);
    if seconds.is_none() {
        findings.unreadable("itunes:duration", text);
    }
    seconds
}

fn season(item: &Element, findings: &mut Findings) -> Option<ReadSeason> {
    let season = item.all(Podcast, "season").next();
    let name = season.and_then(|season| season.string("name"));
    let number = numbered(item, "itunes:season", "season", findings)
        .or_else(|| whole("podcast:season", season?.text()?, findings))?;
    Some(ReadSeason { number, name })
}

fn number(item: &Element, findings: &mut Findings) -> Option<ReadNumber> {
    let episode = item.all(Podcast, "episode").next();
    let display = episode.and_then(|episode| episode.string("display"));
    let number = numbered(item, "itunes:episode", "episode", findings)
        .or_else(|| whole("podcast:episode", episode?.text()?, findings))?;
    Some(ReadNumber { number, display })
}

fn numbered(item: &Element, what: &'static str, name: &str, findings: &mut Findings) -> Option<u32> {
    whole(what, item.text_of(Itunes, name)?, findings)
}

fn whole(what: &'static str, text: &str, findings: &mut Findings) -> Option<u32> {
    let number = text.parse().ok();
    if number.is_none() {
        findings.unreadable(what, text);
    }
    number
}

fn transcripts(item: &Element, findings: &mut Findings) -> Vec<ReadTranscript> {
    let read = |transcript: &Element| {
        Some(ReadTranscript {
            url: podcasting::needed(transcript, "podcast:transcript", "url", findings)?,
            content_type: transcript.string("type"),
            language: transcript.string("language"),
            is_captions: transcript.attribute("rel").is_some_and(|rel| rel.eq_ignore_ascii_case("captions")),
        })
    };
    item.all(Podcast, "transcript").filter_map(read).collect()
}

fn chapters(item: &Element, findings: &mut Findings) -> Option<ReadChapters> {
    let chapters = item.all(Podcast, "chapters").next()?;
    let url = podcasting::needed(chapters, "podcast:chapters", "url", findings)?;
    Some(ReadChapters { url, content_type: chapters.string("type") })
}

fn soundbites(item: &Element, findings: &mut Findings) -> Vec<ReadSoundbite> {
    let read = |soundbite: &Element| {
        let mut time = |attribute: &'static str| {
            let text = podcasting::needed(soundbite, "podcast:soundbite", attribute, findings)?;
            let milliseconds = duration::milliseconds(&text);
            if milliseconds.is_none() {
                findings.unreadable(attribute, &text);
            }
            milliseconds
        };
        Some(ReadSoundbite {
            start_time_milliseconds: time("startTime")?,
            duration_milliseconds: time("duration")?,
            title: soundbite.text().map(str::to_owned),
        })
    };
    item.all(Podcast, "soundbite").filter_map(read).collect()
}
