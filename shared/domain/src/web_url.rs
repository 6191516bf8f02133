use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{Invalid, text::checked_text};

/// An http or https URL that people may follow: absolute, at most 2,048 bytes, without user and password, in the ASCII that
/// RFC 3986 knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = r"^\s*[Hh][Tt][Tt][Pp][Ss]?:", "format" = "uri", "minLength" = 1))]
pub struct WebUrl(String);

impl WebUrl {
    const LONGEST: usize = 2048;
}

impl FromStr for WebUrl {
    type Err = Invalid;

    /// Kept as browsers would send it: spaces at the ends dropped, others and letters beyond ASCII escaped, and
    /// `https://Bücher.example` as `https://xn--bcher-kva.example/`.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let url = Url::parse(text).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.as_str().len() <= Self::LONGEST
                && url.as_str().bytes().all(is_of_a_uri)
        });
        url.map(|url| Self(url.into())).ok_or(Invalid::new(
            "a link is an http or https URL of at most 2048 bytes, without user and password",
        ))
    }
}

checked_text!(WebUrl);

/// Unreserved, reserved or `%` (RFC 3986, 2).
fn is_of_a_uri(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_kept_as_browsers_would_send_it() {
        for (text, url) in [
            ("https://example.org", "https://example.org/"),
            ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
            ("HTTP://Example.org:80/ä?b=c d&e#f", "http://example.org/%C3%A4?b=c%20d&e#f"),
            (" https://example.org/a b/é ", "https://example.org/a%20b/%C3%A9"),
            ("https://bücher.example/\"<>", "https://xn--bcher-kva.example/%22%3C%3E"),
        ] {
            assert_eq!(text.parse::<WebUrl>().unwrap().as_str(), url);
        }
    }

    #[test]
    fn nothing_else_is_a_link() {
        for bad in [
            "",
            "example.org",
            "/a",
            "javascript:alert(1)",
            "data:image/png;base64,AAAA",
            "ftp://example.org/",
            "https://",
            "https://user@example.org/",
            "https://user:secret@example.org/",
            "https://example.org/|",
            &format!("https://example.org/{}", "a".repeat(2048)),
        ] {
            assert!(bad.parse::<WebUrl>().is_err(), "{bad:?}");
        }
    }
}
