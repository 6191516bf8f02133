use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Invalid, text::checked_text};

/// What a file was called where it came from: 1 to 255 bytes, no path separators, no control characters.
/// For people to recognise; never part of a key or path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = PATTERN))]
pub struct FileName(String);

impl FromStr for FileName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_name = (1..=255).contains(&text.len())
            && !matches!(text, "." | "..")
            && !text.chars().any(|character| character.is_control() || matches!(character, '/' | '\\'));

        is_name.then(|| Self(text.to_owned())).ok_or(Invalid::new(
            "a file name has 1 to 255 bytes, no slash or backslash and no control characters",
        ))
    }
}

checked_text!(FileName);

/// The bytes count, and a pattern counts characters.
const PATTERN: &str = r"^(?!\.{1,2}$)[^/\\\u0000-\u001f\u007f-\u009f]{1,255}$";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_a_path() {
        for good in ["interview.mp3", "Folge 1 – Über uns.m4a", ".hidden", "..."] {
            assert_eq!(good.parse::<FileName>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "a/b.mp3", "..\\b.mp3", "a\0.mp3", "a\n.mp3", &"é".repeat(128)] {
            assert!(bad.parse::<FileName>().is_err(), "{bad:?}");
        }
    }
}
