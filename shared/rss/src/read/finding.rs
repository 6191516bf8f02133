use std::fmt;

use super::MOST_FINDINGS;

/// Something that is not as it should be, and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What.
    pub problem: Problem,
}

/// Where in a feed something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Everywhere in the document.
    Document,
    /// In the channel, outside of its items.
    Channel,
    /// In the item with that index in [`ReadFeed::items`](super::ReadFeed::items).
    Item(usize),
}

/// What is wrong. Texts from the feed are cut after some characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Bytes are not in the encoding of the document: U+FFFD stands for them.
    InvalidBytes {
        /// The encoding that was read.
        encoding: &'static str,
    },
    /// The document is not in the encoding that it names.
    OtherEncoding {
        /// What it names; UTF-8 when it names none.
        named: String,
        /// What it was read as.
        read_as: &'static str,
    },
    /// There were characters that XML cannot carry; they are left out.
    ForbiddenCharacters,
    /// `&` stands for itself, where it should be `&amp;`.
    BareAmpersand,
    /// A reference that nobody knows, kept as text.
    UnknownReference(String),
    /// A prefix that is not bound to a namespace was taken for what it usually is.
    UndeclaredPrefix(String),
    /// Attributes of that element could not be read.
    UnreadableAttributes(String),
    /// Tags stood in that element as they are, where text should; they were taken as its text.
    MarkupInText(&'static str),
    /// Something comes after the end of the feed; it was not read.
    TrailingContent,
    /// That element is missing, or empty.
    Missing(&'static str),
    /// That element lacks something without which it says nothing; it was left out.
    Incomplete {
        /// The element.
        element: &'static str,
        /// What it lacks.
        lacks: &'static str,
    },
    /// The text of that element or attribute is none of what may be there; it was left out.
    Unreadable {
        /// Where it is.
        what: &'static str,
        /// What it is.
        text: String,
    },
    /// A date in a time zone that nobody knows was read as UTC.
    UnknownZone(String),
    /// The item has no GUID: the URL of its enclosure is taken for one, as many apps do.
    NoGuid,
    /// The item has neither GUID nor enclosure, so that nothing tells it from others.
    NothingToKnowItBy,
    /// The item has the same GUID as an earlier one.
    DuplicateGuid {
        /// The index of that one.
        first: usize,
    },
    /// The item has no enclosure: there is nothing to hear.
    NoEnclosure,
    /// The item has further enclosures; the first was read.
    MoreEnclosures,
    /// So many more findings are not told.
    More(usize),
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidBytes { encoding } => {
                write!(out, "some bytes are not {encoding}: U+FFFD stands for them")
            }
            Self::OtherEncoding { named, read_as } => {
                write!(out, "the document says that it is in {named}, and was read as {read_as}")
            }
            Self::ForbiddenCharacters => out.write_str("characters that XML cannot carry were left out"),
            Self::BareAmpersand => out.write_str("an ampersand stands for itself, where &amp; should"),
            Self::UnknownReference(name) => write!(out, "&{name}; is not known and was kept as text"),
            Self::UndeclaredPrefix(prefix) => {
                write!(out, "the prefix {prefix} is not declared and was taken for what it usually is")
            }
            Self::UnreadableAttributes(element) => {
                write!(out, "some attributes of {element} cannot be read")
            }
            Self::MarkupInText(element) => write!(out, "{element} has tags that are not escaped"),
            Self::TrailingContent => out.write_str("something comes after the end of the feed"),
            Self::Missing(element) => write!(out, "there is no {element}"),
            Self::Incomplete { element, lacks } => write!(out, "{element} without {lacks} was left out"),
            Self::Unreadable { what, text } => write!(out, "{what} is {text:?}, which cannot be read"),
            Self::UnknownZone(text) => write!(out, "{text:?} is in an unknown time zone and was read as UTC"),
            Self::NoGuid => out.write_str("there is no guid: the URL of the enclosure is taken for one"),
            Self::NothingToKnowItBy => out.write_str("there is neither a guid nor an enclosure"),
            Self::DuplicateGuid { first } => write!(out, "the guid is that of item {} too", first + 1),
            Self::NoEnclosure => out.write_str("there is no enclosure"),
            Self::MoreEnclosures => out.write_str("there is more than one enclosure: the first was read"),
            Self::More(count) => write!(out, "there are {count} more findings"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Document => write!(out, "{}", self.problem),
            Place::Channel => write!(out, "channel: {}", self.problem),
            Place::Item(at) => write!(out, "item {}: {}", at + 1, self.problem),
        }
    }
}

/// The findings so far, and where the next one is.
#[derive(Debug)]
pub(super) struct Findings {
    told: Vec<Finding>,
    left_out: usize,
    place: Place,
}

impl Default for Findings {
    fn default() -> Self {
        Self { told: Vec::new(), left_out: 0, place: Place::Channel }
    }
}

/// The most characters of a feed's text that a finding repeats.
const LONGEST_QUOTE: usize = 100;

impl Findings {
    pub(super) fn enter(&mut self, place: Place) {
        self.place = place;
    }

    pub(super) fn note(&mut self, problem: Problem) {
        self.note_at(self.place, problem);
    }

    /// Once in the same place, if it is met several times in a row.
    pub(super) fn note_at(&mut self, place: Place, problem: Problem) {
        let finding = Finding { place, problem };
        if self.told.last() == Some(&finding) {
            return;
        }
        if self.told.len() < MOST_FINDINGS {
            self.told.push(finding);
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn unreadable(&mut self, what: &'static str, text: &str) {
        self.note(Problem::Unreadable { what, text: quote(text) });
    }

    pub(super) fn into_vec(mut self) -> Vec<Finding> {
        if self.left_out > 0 {
            self.told.push(Finding { place: Place::Document, problem: Problem::More(self.left_out) });
        }
        self.told
    }
}

pub(super) fn quote(text: &str) -> String {
    text.chars().take(LONGEST_QUOTE).collect()
}
