use std::{num::NonZeroU32, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ContentType, Invalid, ShortText, WebUrl, text::checked_text};

/// A picture besides the artwork (`podcast:image`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Image {
    /// Where it is.
    pub href: WebUrl,
    /// What it shows, for those who do not see it.
    #[serde(default)]
    pub alt: Option<ShortText>,
    /// Width to height.
    #[serde(default)]
    pub aspect_ratio: Option<AspectRatio>,
    /// How many pixels it is wide.
    #[serde(default)]
    pub width: Option<NonZeroU32>,
    /// How many pixels it is high.
    #[serde(default)]
    pub height: Option<NonZeroU32>,
    /// What its bytes are.
    #[serde(default)]
    pub content_type: Option<ContentType>,
    /// What it is for: words with spaces between them, such as `artwork social`.
    #[serde(default)]
    pub purpose: Option<ShortText>,
}

/// Width to height, as CSS writes it: `16/9`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[1-9][0-9]{0,4}/[1-9][0-9]{0,4}$"))]
pub struct AspectRatio(String);

impl FromStr for AspectRatio {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_length = |text: &str| {
            (1..=5).contains(&text.len())
                && !text.starts_with('0')
                && text.bytes().all(|b| b.is_ascii_digit())
        };
        text.split_once('/')
            .filter(|(width, height)| is_length(width) && is_length(height))
            .map(|_| Self(text.to_owned()))
            .ok_or(Invalid::new(
                "an aspect ratio is two whole numbers with a slash between them, such as 16/9",
            ))
    }
}

checked_text!(AspectRatio);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_of_whole_numbers() {
        assert_eq!("16/9".parse::<AspectRatio>().unwrap().as_str(), "16/9");
        for bad in ["", "1", "1/0", "0/1", "1:1", "1/1/1", "1.5/1", "-1/1"] {
            assert!(bad.parse::<AspectRatio>().is_err(), "{bad:?}");
        }
    }
}
