use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use tenant_context::id::Randomness;

use crate::Invalid;

/// A listener's secret, a part of every URL of their private feed: 160 random bits in 32 lower-case Crockford base 32 digits.
///
/// Shown once, to whoever gives it to the listener; stores know its SHA-256 only. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, JsonSchema)]
#[schemars(extend("pattern" = "^[0-9a-hjkmnp-tv-z]{32}$"))]
pub struct FeedToken(String);

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl FeedToken {
    /// How many characters every token has.
    pub const LENGTH: usize = 32;

    /// A token that nobody can guess.
    pub fn new(randomness: &dyn Randomness) -> Self {
        let mut bytes = [0; Self::LENGTH];
        randomness.fill(&mut bytes);
        let digit = |byte: u8| DIGITS.get(usize::from(byte % 32)).copied().map_or('0', char::from);
        Self(bytes.into_iter().map(digit).collect())
    }

    /// The secret itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FeedToken {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.len() != Self::LENGTH || !text.bytes().all(|byte| DIGITS.contains(&byte)) {
            return Err(Invalid::new("a feed token has 32 digits of lower-case Crockford base 32"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for FeedToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FeedToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl Randomness for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for (byte, value) in bytes.iter_mut().zip(0..) {
                *byte = value;
            }
        }
    }

    #[test]
    fn every_digit_carries_five_bits() {
        let token = FeedToken::new(&Counting);
        assert_eq!(token.as_str().as_bytes(), DIGITS);
        assert_eq!(token.as_str().parse(), Ok(token));
    }

    #[test]
    fn a_token_is_not_shown_by_accident() {
        assert_eq!(format!("{:?}", FeedToken::new(&Counting)), "FeedToken(…)");
    }

    #[test]
    fn nothing_else_gets_in() {
        for bad in ["", &"a".repeat(31), &"a".repeat(33), &"A".repeat(32), &"u".repeat(32), &"/".repeat(32)] {
            assert!(bad.parse::<FeedToken>().is_err(), "{bad:?}");
        }
    }
}
