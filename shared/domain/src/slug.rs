use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Invalid, text::checked_text};

/// A show's name in URLs: `^[a-z0-9](-?[a-z0-9])*$`, 3 to 63 characters. One in the whole deployment, and never changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[a-z0-9](-?[a-z0-9])*$", "minLength" = 3, "maxLength" = 63))]
pub struct Slug(String);

impl FromStr for Slug {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };

        if !(3..=63).contains(&text.len()) || !text.split('-').all(is_word) {
            return Err(Invalid::new(
                "a slug has 3 to 63 lower-case letters a to z, digits and single hyphens between them",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

checked_text!(Slug);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_single_hyphens_between_them() {
        for good in ["abc", "tide-tables", "a-1", "2026-in-review", &"a".repeat(63)] {
            assert_eq!(good.parse::<Slug>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn nothing_else_gets_in() {
        for bad in
            ["", "ab", "-abc", "abc-", "a--b", "Abc", "a.b", "a/b", "a b", "äbc", "../x", "a#b", "abc\n", "*"]
        {
            assert!(bad.parse::<Slug>().is_err(), "{bad:?}");
        }
        assert!("a".repeat(64).parse::<Slug>().is_err());
    }
}
