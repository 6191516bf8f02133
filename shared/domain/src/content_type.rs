use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Invalid, text::checked_text};

/// What a client says its bytes are: a media type without parameters, in lower case (RFC 6838, 4.2). Only probing tells the truth.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = PATTERN))]
pub struct ContentType(String);

impl FromStr for ContentType {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.split_once('/')
            .filter(|(kind, subtype)| is_restricted_name(kind) && is_restricted_name(subtype))
            .map(|_| Self(text.to_ascii_lowercase()))
            .ok_or(Invalid::new("a content type is a media type without parameters, such as audio/mpeg"))
    }
}

checked_text!(ContentType);

/// Two of [`is_restricted_name`].
const PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$";

/// `restricted-name` of RFC 6838.
fn is_restricted_name(name: &str) -> bool {
    name.len() <= 127
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_without_parameters() {
        assert_eq!("Audio/X-M4A".parse::<ContentType>().unwrap().as_str(), "audio/x-m4a");
        for bad in
            ["", "audio", "audio/", "/mpeg", "audio/mpeg; q=1", "audio/mpeg/2", "audio/m p", "audio/\n"]
        {
            assert!(bad.parse::<ContentType>().is_err(), "{bad:?}");
        }
    }
}
