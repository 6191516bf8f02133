use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{Invalid, text::checked_text};

/// An http or https URL that people may follow: at most 2,048 bytes, without user and password.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = r"^\s*[Hh][Tt][Tt][Pp][Ss]?:", "format" = "uri", "minLength" = 1))]
pub struct WebUrl(String);

impl WebUrl {
    const LONGEST: usize = 2048;
}

impl FromStr for WebUrl {
    type Err = Invalid;

    /// Kept as browsers read it: spaces at the ends dropped, others and letters beyond ASCII escaped.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let url = Url::parse(text).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.as_str().len() <= Self::LONGEST
        });
        url.map(|url| Self(url.into())).ok_or(Invalid::new(
            "a link is an http or https URL of at most 2048 bytes, without user and password",
        ))
    }
}

checked_text!(WebUrl);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_kept_as_browsers_read_them() {
        for (text, url) in [
            ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
            ("HTTP://Example.org", "http://example.org/"),
            (" https://example.org/a b/é ", "https://example.org/a%20b/%C3%A9"),
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
            &format!("https://example.org/{}", "a".repeat(2048)),
        ] {
            assert!(bad.parse::<WebUrl>().is_err(), "{bad:?}");
        }
    }
}
