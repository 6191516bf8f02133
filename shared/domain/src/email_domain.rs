use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Invalid, email_address::is_host, text::checked_text};

/// Where e-mail addresses are, `example.org`: what is behind their `@`. In lower case whatever was written, and in ASCII, as mail
/// servers know it; a name with other letters begins with `xn--` there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$", "maxLength" = 253))]
pub struct EmailDomain(String);

impl FromStr for EmailDomain {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_domain = text.is_ascii() && text.len() <= 253 && is_host(text);
        is_domain
            .then(|| Self(text.to_ascii_lowercase()))
            .ok_or(Invalid::new("an e-mail domain has the form example.org, in ASCII, and at most 253 bytes"))
    }
}

checked_text!(EmailDomain);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_in_lower_case() {
        for (written, kept) in [
            ("example.org", "example.org"),
            ("Mail.Example.ORG", "mail.example.org"),
            ("xn--mller-kva.example", "xn--mller-kva.example"),
        ] {
            assert_eq!(written.parse::<EmailDomain>().unwrap().as_str(), kept);
        }
    }

    #[test]
    fn nothing_else_gets_in() {
        for bad in [
            "",
            "localhost",
            "@example.org",
            "a@example.org",
            ".example.org",
            "example.org.",
            "*.example.org",
        ]
        .into_iter()
        .chain(["müller.example", "example .org", "-a.example", "example.org\n", "example..org"])
        {
            assert!(bad.parse::<EmailDomain>().is_err(), "{bad:?}");
        }
        assert!(format!("{}org", "long-label.".repeat(25)).parse::<EmailDomain>().is_err());
    }
}
