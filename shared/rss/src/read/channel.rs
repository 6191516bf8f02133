use tenant_context::Timestamp;

use super::{
    Place, Problem,
    element::{
        Element,
        Vocabulary::{Atom, Itunes, Podcast, Rss},
    },
    finding::Findings,
    item,
    podcasting::{
        self, ReadImage, ReadLicense, ReadLocation, ReadPerson, ReadRemoteItem, ReadTrailer, ReadTxt,
        ReadUpdateFrequency, ReadValue,
    },
};

/// What a feed says of its show. What is absent was not there, or could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadChannel {
    /// What it is called.
    pub title: Option<String>,
    /// Its web page.
    pub link: Option<String>,
    /// What it is about: `description`, or `itunes:summary` where there is none. May be HTML.
    pub description: Option<String>,
    /// Its language.
    pub language: Option<String>,
    /// Who holds the rights to it.
    pub copyright: Option<String>,
    /// When its newest episode came out.
    pub published_at: Option<Timestamp>,
    /// When the feed last changed (`lastBuildDate`).
    pub updated_at: Option<Timestamp>,
    /// Which program wrote it.
    pub generator: Option<String>,
    /// Where the feed and its other pages are.
    pub links: ReadLinks,
    /// Where it has moved to (`itunes:new-feed-url`).
    pub new_feed_url: Option<String>,
    /// Where its artwork is: `itunes:image`, else `image`, else `podcast:image`.
    pub artwork_url: Option<String>,
    /// Apple's categories as [`domain::Category`] writes them, `News` or `News > Daily News`, each once, known or not.
    pub categories: Vec<String>,
    /// Who makes it (`itunes:author`).
    pub author: Option<String>,
    /// Whom directories ask (`itunes:owner`).
    pub owner: Option<ReadOwner>,
    /// Whether it carries a parental advisory.
    pub explicit: Option<bool>,
    /// In which order it is heard (`itunes:type`), in lower case.
    pub kind: Option<String>,
    /// Whether no more episodes will come.
    pub is_complete: bool,
    /// Whether Apple Podcasts leaves it out of its directory.
    pub is_blocked: bool,
    /// Its `podcast:guid`.
    pub guid: Option<String>,
    /// Whether other hosts may import the feed. Nothing is said when absent.
    pub locked: Option<ReadLocked>,
    /// What it is (`podcast:medium`), in lower case.
    pub medium: Option<String>,
    /// Where listeners can give money.
    pub funding: Vec<ReadFunding>,
    /// Who is usually heard and who makes it.
    pub persons: Vec<ReadPerson>,
    /// Places.
    pub locations: Vec<ReadLocation>,
    /// Trailers of the show or of a season.
    pub trailers: Vec<ReadTrailer>,
    /// What others may do with it.
    pub license: Option<ReadLicense>,
    /// Who is paid while somebody listens.
    pub value: Option<ReadValue>,
    /// Pictures (`podcast:image`).
    pub images: Vec<ReadImage>,
    /// What services want to find.
    pub txt: Vec<ReadTxt>,
    /// How often episodes come out.
    pub update_frequency: Option<ReadUpdateFrequency>,
    /// Which services may not show it, or may although others may not.
    pub blocks: Vec<ReadBlock>,
    /// Shows that it recommends.
    pub podroll: Vec<ReadRemoteItem>,
}

/// Atom's links of a feed, to itself and to its pages (RFC 5005, 3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadLinks {
    /// `self`.
    pub this: Option<String>,
    /// The page with the newest items.
    pub first: Option<String>,
    /// The page with newer items.
    pub previous: Option<String>,
    /// The page with older items: whoever imports the show reads on there.
    pub next: Option<String>,
    /// The page with the oldest items.
    pub last: Option<String>,
}

/// Whom directories ask about a show; at least one of both is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOwner {
    /// A person or an organisation.
    pub name: Option<String>,
    /// Where letters reach them.
    pub email: Option<String>,
}

/// Whether other hosts may import the feed (`podcast:locked`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLocked {
    /// Whether they may not. What cannot be read counts as yes.
    pub is_locked: bool,
    /// The e-mail address to ask.
    pub owner: Option<String>,
}

/// A place to give money (`podcast:funding`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadFunding {
    /// Where it is.
    pub url: String,
    /// What apps write on the button.
    pub text: Option<String>,
}

/// Whether one service may show the feed, or all that are not named (`podcast:block`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBlock {
    /// Which service; all others when absent.
    pub id: Option<String>,
    /// Whether it may not.
    pub is_blocked: bool,
}

pub(super) fn read(channel: &Element, findings: &mut Findings) -> ReadChannel {
    findings.enter(Place::Channel);
    let images = podcasting::images(channel, findings);
    let read = ReadChannel {
        title: channel.string_of(Rss, "title"),
        link: channel.string_of(Rss, "link"),
        description: item::description(channel),
        language: channel.string_of(Rss, "language"),
        copyright: channel.string_of(Rss, "copyright"),
        published_at: item::date_of(channel, "pubDate", findings),
        updated_at: item::date_of(channel, "lastBuildDate", findings),
        generator: channel.string_of(Rss, "generator"),
        links: links(channel),
        new_feed_url: channel.string_of(Itunes, "new-feed-url"),
        artwork_url: artwork_url(channel, &images),
        categories: categories(channel),
        author: channel.string_of(Itunes, "author"),
        owner: owner(channel),
        explicit: item::explicit(channel, findings),
        kind: channel.text_of(Itunes, "type").map(str::to_ascii_lowercase),
        is_complete: item::says_yes(channel, "complete"),
        is_blocked: item::says_yes(channel, "block"),
        guid: channel.string_of(Podcast, "guid"),
        locked: locked(channel, findings),
        medium: channel.text_of(Podcast, "medium").map(str::to_ascii_lowercase),
        funding: funding(channel, findings),
        persons: podcasting::persons(channel, findings),
        locations: podcasting::locations(channel, findings),
        trailers: podcasting::trailers(channel, findings),
        license: podcasting::license(channel),
        value: podcasting::value(channel, findings),
        images,
        txt: podcasting::txt(channel, findings),
        update_frequency: podcasting::update_frequency(channel, findings),
        blocks: blocks(channel, findings),
        podroll: podcasting::podroll(channel, findings),
    };

    for (element, is_there) in [("title", read.title.is_some()), ("description", read.description.is_some())]
    {
        if !is_there {
            findings.note(Problem::Missing(element));
        }
    }
    read
}

fn links(channel: &Element) -> ReadLinks {
    let link = |rel: &str| {
        let mut links = channel.all(Atom, "link");
        links.find(|link| link.attribute("rel") == Some(rel)).and_then(|link| link.string("href"))
    };
    ReadLinks {
        this: link("self"),
        first: link("first"),
        // Both words are in use.
        previous: link("previous").or_else(|| link("prev")),
        next: link("next"),
        last: link("last"),
    }
}

fn artwork_url(channel: &Element, images: &[ReadImage]) -> Option<String> {
    let plain = || channel.all(Rss, "image").find_map(|image| image.string_of(Rss, "url"));
    let podcasting = || {
        let is_artwork =
            |image: &&ReadImage| image.purpose.as_ref().is_some_and(|purpose| purpose.contains("artwork"));
        images.iter().find(is_artwork).or(images.first()).map(|image| image.href.clone())
    };
    item::artwork_url(channel).or_else(plain).or_else(podcasting)
}

fn categories(channel: &Element) -> Vec<String> {
    let mut categories: Vec<String> = Vec::new();
    let mut add = |category: String| {
        if !categories.contains(&category) {
            categories.push(category);
        }
    };
    // No show has more, and comparing each with all must end.
    const MOST: usize = 100;
    for category in channel.all(Itunes, "category").take(MOST) {
        let Some(name) = category.attribute("text").or(category.text()) else { continue };
        let narrower = category.all(Itunes, "category").take(MOST);
        let mut narrower =
            narrower.filter_map(|narrow| narrow.attribute("text").or(narrow.text())).peekable();
        if narrower.peek().is_none() {
            add(name.to_owned());
        }
        for narrow in narrower {
            add(format!("{name} > {narrow}"));
        }
    }
    categories
}

fn owner(channel: &Element) -> Option<ReadOwner> {
    channel.all(Itunes, "owner").find_map(|owner| {
        let (name, email) = (owner.string_of(Itunes, "name"), owner.string_of(Itunes, "email"));
        (name.is_some() || email.is_some()).then_some(ReadOwner { name, email })
    })
}

fn locked(channel: &Element, findings: &mut Findings) -> Option<ReadLocked> {
    let locked = channel.all(Podcast, "locked").next()?;
    let is_locked = match locked.text() {
        Some(text) => item::yes_or_no("podcast:locked", text, findings).unwrap_or(true),
        None => true,
    };
    Some(ReadLocked { is_locked, owner: locked.string("owner") })
}

fn funding(channel: &Element, findings: &mut Findings) -> Vec<ReadFunding> {
    let read = |funding: &Element| {
        let url = podcasting::needed(funding, "podcast:funding", "url", findings)?;
        Some(ReadFunding { url, text: funding.text().map(str::to_owned) })
    };
    channel.all(Podcast, "funding").filter_map(read).collect()
}

fn blocks(channel: &Element, findings: &mut Findings) -> Vec<ReadBlock> {
    let read = |block: &Element| {
        let is_blocked = item::yes_or_no("podcast:block", block.text()?, findings)?;
        Some(ReadBlock { id: block.string("id"), is_blocked })
    };
    channel.all(Podcast, "block").filter_map(read).collect()
}
