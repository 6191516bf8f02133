use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Invalid, MediaFormat, text::checked_text};

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

impl ContentType {
    /// What comes before the slash: `audio`, `image`.
    pub fn kind(&self) -> &str {
        kind(&self.0)
    }

    /// Whether a file that is announced as this may be of `format`: sound, pictures and text are not taken for one another.
    /// `application` says nothing, and containers of video may hold sound alone.
    pub fn may_be(&self, format: MediaFormat) -> bool {
        let (announced, found) = (self.kind(), kind(format.content_type()));
        announced == "application"
            || announced == found
            || announced == "video" && found == "audio"
            || announced == "text" && matches!(format, MediaFormat::SubRip | MediaFormat::Json)
    }
}

fn kind(content_type: &str) -> &str {
    content_type.split('/').next().unwrap_or_default()
}

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
    fn sound_pictures_and_text_are_not_taken_for_one_another() {
        let may_be = |announced: &str, format| announced.parse::<ContentType>().unwrap().may_be(format);
        for (announced, format) in [
            ("audio/mpeg", MediaFormat::Wav),
            ("application/octet-stream", MediaFormat::Png),
            ("video/mp4", MediaFormat::M4a),
            ("text/plain", MediaFormat::SubRip),
            ("image/png", MediaFormat::Jpeg),
            ("text/plain", MediaFormat::Json),
        ] {
            assert!(may_be(announced, format), "{announced}");
        }
        for (announced, format) in [
            ("audio/mpeg", MediaFormat::Mp4),
            ("audio/mpeg", MediaFormat::Png),
            ("image/jpeg", MediaFormat::Mp3),
            ("audio/mpeg", MediaFormat::WebVtt),
            ("audio/mpeg", MediaFormat::Json),
        ] {
            assert!(!may_be(announced, format), "{announced}");
        }
    }

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
