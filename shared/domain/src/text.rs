//! Names, titles and descriptions: text that people write and feeds carry.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Invalid, markup};

/// Gives a checked text type what every one of them has, once it has `FromStr` and one `String` inside.
macro_rules! checked_text {
    ($name:ident) => {
        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::Invalid;

            fn try_from(text: String) -> Result<Self, $crate::Invalid> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> String {
                text.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}
pub(crate) use checked_text;

/// One-line texts: no control characters, nothing that XML cannot carry, no space at either end.
macro_rules! lines {
    ($($(#[$doc:meta])* $name:ident $noun:literal $longest:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend("pattern" = PRINTABLE, "minLength" = 1, "maxLength" = $longest))]
        pub struct $name(String);

        impl FromStr for $name {
            type Err = Invalid;

            /// Spaces at the ends are dropped.
            fn from_str(text: &str) -> Result<Self, Invalid> {
                line(text, $longest).map(Self).ok_or(Invalid::new(concat!(
                    $noun, " is one line of 1 to ", $longest, " characters, none of them a control character",
                )))
            }
        }

        impl $name {
            /// As much of somebody else's text as fits: on one line, and cut where it is too long. None where no text is left.
            pub fn of_text(text: &str) -> Option<Self> {
                let printable = |c: char| if is_printable(c) { c } else { ' ' };
                let text: String = text.chars().map(printable).collect();
                let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
                words.parse().ok().or_else(|| words.chars().take($longest).collect::<String>().parse().ok())
            }
        }

        checked_text!($name);
    )*};
}

lines! {
    /// A show's title: 1 to 255 characters, as PSP-1 limits them.
    ShowTitle "a show's title" 255;
    /// An episode's title: 1 to 255 characters, as PSP-1 limits them.
    EpisodeTitle "an episode's title" 255;
    /// A chapter's title: 1 to 255 characters.
    ChapterTitle "a chapter's title" 255;
    /// What people call a place: 1 to 255 characters.
    PlaceName "a place's name" 255;
    /// Who makes a show (`itunes:author`): 1 to 255 characters.
    Author "an author" 255;
    /// A tenancy's name: 1 to 100 characters.
    TenancyName "a tenancy's name" 100;
    /// A person's name: 1 to 100 characters. Personal data.
    PersonName "a person's name" 100;
    /// What a machine client is called: 1 to 100 characters.
    ClientName "a client's name" 100;
    /// What a group is called: 1 to 100 characters.
    GroupName "a group's name" 100;
    /// Who holds the rights to a show (RSS 2.0 `copyright`): 1 to 255 characters.
    Copyright "a copyright" 255;
    /// A name, a caption or another short text of a feed: 1 to 128 characters, as the Podcasting 2.0 namespace limits them.
    ShortText "this text" 128;
    /// What stands for an episode's number, such as "Ch. 3": 1 to 32 characters, as the Podcasting 2.0 namespace limits it.
    EpisodeDisplay "what stands for a number" 32;
    /// How a tenancy tells one listener from another: 1 to 255 characters. Personal data.
    ListenerLabel "a listener's label" 255;
    /// Why a listener is suspended, for whoever looks later: 1 to 255 characters. May be personal data.
    SuspensionReason "a reason" 255;
    /// Why something is held: 1 to 255 characters.
    HoldReason "the reason of a legal hold" 255;
}

/// Texts of several lines: line breaks and tabs may be in them, and the tags of [`markup`].
macro_rules! paragraphs {
    ($($(#[$doc:meta])* $name:ident $noun:literal $longest:literal $tags:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend("pattern" = LINES, "minLength" = 1, "maxLength" = $longest))]
        pub struct $name(String);

        impl FromStr for $name {
            type Err = Invalid;

            /// Spaces at the ends are dropped; every line ends in `\n` alone, because XML parsers would make it so anyway.
            fn from_str(text: &str) -> Result<Self, Invalid> {
                let text = text.trim().replace("\r\n", "\n").replace('\r', "\n");

                if text.is_empty() || text.len() > $longest {
                    return Err(Invalid::new(concat!($noun, " has 1 to ", $longest, " bytes of UTF-8 text")));
                }
                if !text.chars().all(|c| is_printable(c) || matches!(c, '\n' | '\t')) {
                    return Err(Invalid::new(concat!($noun, " has no control characters but line breaks and tabs")));
                }
                markup::check(&text, $tags)?;
                Ok(Self(text))
            }
        }

        impl $name {
            /// As much of somebody else's HTML as can be kept: tags that are not allowed are left out, and what is too long is cut. None
            /// where no text is left.
            pub fn of_html(html: &str) -> Option<Self> {
                let html: String = html.chars().take(64_000).filter(|c| is_printable(*c) || matches!(c, '\n' | '\t')).collect();
                let simple = markup::simplify(&html, $tags);
                simple.parse().ok().or_else(|| {
                    let bare = markup::simplify(&html, &[]);
                    let end = (0..=($longest - 8).min(bare.len())).rev().find(|at| bare.is_char_boundary(*at))?;
                    let cut = bare.get(..end)?.trim();
                    format!("{cut} …").parse().ok().filter(|_| !cut.is_empty())
                })
            }
        }

        checked_text!($name);
    )*};
}

paragraphs! {
    /// What a show or episode is about: 1 to 4,000 bytes of UTF-8 (Apple's and PSP-1's limit), in which `<p>`, `<ol>`, `<ul>`,
    /// `<li>`, `<a href="…">`, `<b>`, `<i>`, `<strong>` and `<em>` may be.
    Description "a description" 4000 markup::DESCRIPTION_TAGS;
    /// An episode's notes in full (`content:encoded`): 1 to 32,000 bytes of UTF-8, with the tags of a description, headings,
    /// quotations, code and rules.
    Content "content" 32000 markup::CONTENT_TAGS;
}

/// What a service wants to find in a feed (`podcast:txt`), and the like: one line of 1 to 4,000 bytes of UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = PRINTABLE, "minLength" = 1, "maxLength" = 4000))]
pub struct LongText(String);

impl FromStr for LongText {
    type Err = Invalid;

    /// Spaces at the ends are dropped.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        line(text, 4000)
            .filter(|line| line.len() <= 4000)
            .map(Self)
            .ok_or(Invalid::new("this text is one line of 1 to 4000 bytes, without control characters"))
    }
}

checked_text!(LongText);

/// [`is_printable`] as a pattern.
const PRINTABLE: &str = r"^[^\u0000-\u001f\u007f-\u009f\ufffe\uffff]+$";

/// [`is_printable`] with line breaks and tabs, as a pattern.
const LINES: &str = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]+$";

fn line(text: &str, longest: usize) -> Option<String> {
    let text = text.trim();
    let is_line = !text.is_empty() && text.chars().count() <= longest && text.chars().all(is_printable);
    is_line.then(|| text.to_owned())
}

/// No control character, and a `Char` of XML 1.0. A Rust `char` is never a surrogate.
fn is_printable(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_trimmed() {
        assert_eq!("  Ebb & Flow \n".parse::<ShowTitle>().unwrap().as_str(), "Ebb & Flow");
    }

    #[test]
    fn titles_are_counted_in_characters() {
        assert!("é".repeat(255).parse::<EpisodeTitle>().is_ok());
        let error = "é".repeat(256).parse::<EpisodeTitle>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "an episode's title is one line of 1 to 255 characters, none of them a control character"
        );
    }

    #[test]
    fn text_that_xml_cannot_carry_is_refused() {
        for bad in ["", " ", "a\0b", "a\nb", "a\tb", "a\u{1b}[31m", "a\u{85}b", "a\u{fffe}", "\u{ffff}"] {
            assert!(bad.parse::<ShowTitle>().is_err(), "{bad:?}");
        }
        for bad in ["", "\n", "a\0b", "a\u{b}b", "a\u{85}b", "a\u{ffff}"] {
            assert!(bad.parse::<Description>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn markup_is_text_in_a_title_and_little_of_it_goes_into_a_description() {
        assert!("<b>]]>&lt;".parse::<ShowTitle>().is_ok());
        for bad in ["<b>", "</p>", "a<!--", "<?php", "<SCRIPT src=x>", "<<a"] {
            assert!(bad.parse::<Description>().is_err(), "{bad:?}");
        }
        for good in ["I <3 radio", "a < b > c", "]]>", "AT&T &lt;b&gt;", "<", "<p>x</p>"] {
            assert!(good.parse::<Description>().is_ok(), "{good:?}");
        }
        assert!("<h2>x</h2>".parse::<Description>().is_err());
        assert!("<h2>x</h2>".parse::<Content>().is_ok());
    }

    #[test]
    fn long_texts_are_counted_in_bytes() {
        assert!("é".repeat(2000).parse::<LongText>().is_ok());
        assert!("é".repeat(2001).parse::<LongText>().is_err());
        assert!("a\nb".parse::<LongText>().is_err());
    }

    #[test]
    fn descriptions_are_counted_in_bytes() {
        assert!("é".repeat(2000).parse::<Description>().is_ok());
        assert!("é".repeat(2001).parse::<Description>().is_err());
    }

    #[test]
    fn lines_of_a_description_end_in_line_feeds() {
        assert_eq!("one\r\ntwo\rthree\n".parse::<Description>().unwrap().as_str(), "one\ntwo\nthree");
    }

    #[test]
    fn json_is_checked_like_any_text() {
        assert_eq!(serde_json::from_str::<ShowTitle>(r#"" Tides""#).unwrap().as_str(), "Tides");
        assert_eq!(
            serde_json::from_str::<Description>(r#""<script>""#).unwrap_err().to_string(),
            "<script> is not allowed here: the tags are p, ol, ul, li, a, b, i, strong, em"
        );
    }
}
