use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Invalid, text::checked_text};

/// What a file was called where it came from: 1 to 255 bytes, more than dots and spaces, no path separators, no control characters,
/// and nothing that makes text read in another direction than it is written. For people to recognise; never part of a key or path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = PATTERN))]
pub struct FileName(String);

impl FromStr for FileName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_name = (1..=255).contains(&text.len())
            && text.chars().any(|character| !matches!(character, '.' | ' '))
            && !text.chars().any(|character| {
                character.is_control() || matches!(character, '/' | '\\') || turns_text(character)
            });

        is_name.then(|| Self(text.to_owned())).ok_or(Invalid::new(
            "a file name has 1 to 255 bytes, more than dots and spaces, no slash or backslash, no control character, and none \
             that turns the direction of text",
        ))
    }
}

/// Embeddings, overrides and isolates of bidirectional text: with one of them `gpj.exe` reads as `exe.jpg` (UAX #9, 2).
fn turns_text(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

checked_text!(FileName);

/// The bytes count, and a pattern counts characters.
const PATTERN: &str = r"^(?![. ]+$)[^/\\\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]{1,255}$";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_a_path() {
        for good in ["interview.mp3", "Folge 1 – Über uns.m4a", ".hidden", "a..mp3", "עברית.mp3"] {
            assert_eq!(good.parse::<FileName>().unwrap().as_str(), good);
        }
        let long = "é".repeat(128);
        for bad in [
            "",
            ".",
            "..",
            "...",
            ". .",
            " ",
            "a/b.mp3",
            "../../x.mp3",
            "/x",
            "..\\b.mp3",
            "C:\\x",
            "a\0.mp3",
            "a\n.mp3",
            "a\u{7f}",
            "a\u{85}",
            "\u{202e}3pm.exe",
            "a\u{2066}b",
            &long,
        ] {
            assert!(bad.parse::<FileName>().is_err(), "{bad:?}");
        }
    }
}
