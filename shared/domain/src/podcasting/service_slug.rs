use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Invalid, text::checked_text};

/// A service or protocol by the short name that the Podcasting 2.0 community lists it under: 1 to 64 lower-case letters, digits
/// and hyphens. The list grows, so that it is not held against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[a-z0-9-]{1,64}$"))]
pub struct ServiceSlug(String);

impl FromStr for ServiceSlug {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_slug = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        is_slug.then(|| Self(text.to_owned())).ok_or(Invalid::new(
            "a service has a short name of 1 to 64 lower-case letters, digits and hyphens, such as podcastindex",
        ))
    }
}

checked_text!(ServiceSlug);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_of_services() {
        for good in ["amazon", "podcastindex", "1-a"] {
            assert_eq!(good.parse::<ServiceSlug>().unwrap().as_str(), good);
        }
        for bad in ["", "Amazon", "a b", "a\"", &"a".repeat(65)] {
            assert!(bad.parse::<ServiceSlug>().is_err(), "{bad:?}");
        }
    }
}
