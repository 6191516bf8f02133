use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{EmailDomain, Invalid, text::checked_text};

/// An e-mail address in the everyday form, `name@example.org`: at most 254 bytes, 64 of them before the `@` (RFC 5321).
/// Quoted names, comments and address literals are not understood. Personal data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("format" = "idn-email", "maxLength" = 254))]
pub struct EmailAddress(String);

impl FromStr for EmailAddress {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_address = text
            .split_once('@')
            .is_some_and(|(name, host)| text.len() <= 254 && is_name(name) && is_host(host));

        is_address
            .then(|| Self(text.to_owned()))
            .ok_or(Invalid::new("an e-mail address has the form name@example.org and at most 254 bytes"))
    }
}

checked_text!(EmailAddress);

impl EmailAddress {
    /// Whether it is in `domain` itself; a domain below it is another. What is not ASCII is not: the mail that we send does not reach
    /// it.
    pub fn is_in(&self, domain: &EmailDomain) -> bool {
        let host = self.0.rsplit_once('@').map(|(_, host)| host);
        self.0.is_ascii() && host.is_some_and(|host| host.eq_ignore_ascii_case(domain.as_str()))
    }
}

/// A `Dot-string` of RFC 5321, with letters beyond ASCII as RFC 6531 allows.
fn is_name(name: &str) -> bool {
    let is_atom_character = |c: char| {
        c.is_ascii_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~".contains(c)
            || (!c.is_ascii() && c.is_alphanumeric())
    };
    name.len() <= 64 && name.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_character))
}

pub(crate) fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.contains('.') && host.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyday_addresses() {
        for good in
            ["a@b.example", "ada.lovelace+radio@mail.example.org", "o'neil@example.ie", "jörg@müller.example"]
        {
            assert_eq!(good.parse::<EmailAddress>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn an_address_is_in_its_own_domain_alone() {
        let is_in = |address: &str, domain: &str| {
            address.parse::<EmailAddress>().unwrap().is_in(&domain.parse().unwrap())
        };
        assert!(is_in("ada@acme.example", "acme.example"));
        assert!(is_in("Ada@ACME.Example", "Acme.example"));
        for other in
            ["ada@mail.acme.example", "ada@notacme.example", "ada@acme.example.org", "ödön@acme.example"]
        {
            assert!(!is_in(other, "acme.example"), "{other}");
        }
        assert!(!is_in("ada@acme.example", "mail.acme.example"));
    }

    #[test]
    fn nothing_else_gets_in() {
        for bad in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@localhost",
            "a@b@example.org",
            ".a@example.org",
            "a..b@example.org",
            "a b@example.org",
            "a@-b.example",
            "a@example.org\r\nBcc: b@example.org",
            "<a@example.org>",
            "\"a b\"@example.org",
            "a@[127.0.0.1]",
        ] {
            assert!(bad.parse::<EmailAddress>().is_err(), "{bad:?}");
        }
        assert!(format!("{}@example.org", "a".repeat(65)).parse::<EmailAddress>().is_err());
        assert!(format!("a@{}org", "long-label.".repeat(30)).parse::<EmailAddress>().is_err());
    }
}
