use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::Invalid;

/// A point in an episode's sound, in whole milliseconds from its start; in JSON seconds, as the Podcasting 2.0 formats for
/// chapters and transcripts have them. Before 1,000 hours.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "f64", into = "Number")]
#[schemars(extend("minimum" = 0, "exclusiveMaximum" = 3_600_000))]
pub struct Offset(u64);

impl Offset {
    /// The first point that is too late, in milliseconds.
    const TOO_LATE: u64 = 1_000 * 60 * 60 * 1_000;

    /// The point `milliseconds` after the start.
    ///
    /// # Errors
    /// [`Invalid`] from 1,000 hours on.
    pub fn from_milliseconds(milliseconds: u64) -> Result<Self, Invalid> {
        (milliseconds < Self::TOO_LATE).then_some(Self(milliseconds)).ok_or_else(Self::invalid)
    }

    /// How many milliseconds after the start.
    pub fn milliseconds(self) -> u64 {
        self.0
    }

    fn invalid() -> Invalid {
        Invalid::new("a time is a number of seconds from 0 to less than 3600000 (1000 hours)")
    }
}

impl TryFrom<f64> for Offset {
    type Error = Invalid;

    /// Seconds, to the nearest millisecond.
    fn try_from(seconds: f64) -> Result<Self, Invalid> {
        let milliseconds = (seconds * 1_000.0).round();
        let is_offset = seconds >= 0.0 && milliseconds < Self::TOO_LATE as f64;
        is_offset.then_some(Self(milliseconds as u64)).ok_or_else(Self::invalid)
    }
}

impl From<Offset> for Number {
    /// Seconds: `94`, or `0.5` where there is a fraction.
    fn from(offset: Offset) -> Number {
        let seconds = Number::from(offset.0 / 1_000);
        if offset.0.is_multiple_of(1_000) {
            return seconds;
        }
        Number::from_f64(offset.0 as f64 / 1_000.0).unwrap_or(seconds)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn json_has_seconds() {
        for (json, milliseconds) in [("0", 0), ("94", 94_000), ("0.5", 500), ("3599999.999", 3_599_999_999)] {
            let offset: Offset = serde_json::from_str(json).unwrap();
            assert_eq!(offset.milliseconds(), milliseconds);
            assert_eq!(serde_json::to_string(&offset).unwrap(), json);
        }
        assert_eq!(serde_json::from_str::<Offset>("168.0004").unwrap().milliseconds(), 168_000);
    }

    #[test]
    fn what_is_no_point_in_an_episode_is_refused() {
        for bad in ["-1", "-0.001", "3600000", "3599999.9999", "1e300", "null", "\"5\"", "true"] {
            assert!(serde_json::from_str::<Offset>(bad).is_err(), "{bad}");
        }
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Offset::try_from(bad).is_err());
        }
        assert!(Offset::from_milliseconds(3_599_999_999).is_ok());
        assert!(Offset::from_milliseconds(3_600_000_000).is_err());
    }

    proptest! {
        #[test]
        fn json_is_exact_to_the_millisecond(milliseconds in 0..Offset::TOO_LATE) {
            let offset = Offset::from_milliseconds(milliseconds).unwrap();
            let json = serde_json::to_string(&offset).unwrap();
            prop_assert_eq!(serde_json::from_str::<Offset>(&json).unwrap(), offset);
        }
    }
}
