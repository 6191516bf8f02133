use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A moment in UTC as RFC 3339 with exactly three decimals, so that text sorts as time does: `2026-01-31T09:30:00.000Z`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("format" = "date-time"))]
pub struct Moment(String);

/// The text is no such moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time such as 2026-01-31T09:30:00.000Z")]
pub struct InvalidMoment;

const FORM: &[u8] = b"0000-00-00T00:00:00.000Z";

impl Moment {
    /// The moment as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The day, as text.
    pub(crate) fn day(&self) -> &str {
        self.0.split('T').next().unwrap_or_default()
    }
}

impl FromStr for Moment {
    type Err = InvalidMoment;

    /// Checks the form alone, not how many days the month has.
    fn from_str(text: &str) -> Result<Self, InvalidMoment> {
        let fits =
            |(byte, form): (u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == *form };
        if text.len() == FORM.len() && text.bytes().zip(FORM).all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidMoment)
        }
    }
}

impl TryFrom<String> for Moment {
    type Error = InvalidMoment;

    fn try_from(text: String) -> Result<Self, InvalidMoment> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> String {
        moment.0
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_one_form() {
        let moment: Moment = "2026-01-31T09:30:00.250Z".parse().unwrap();
        assert_eq!((moment.as_str(), moment.day()), ("2026-01-31T09:30:00.250Z", "2026-01-31"));
        for bad in [
            "",
            "2026-01-31",
            "2026-01-31T09:30:00Z",
            "2026-01-31T10:30:00.250+01:00",
            "2026-01-31 09:30:00.250Z",
        ] {
            assert_eq!(bad.parse::<Moment>(), Err(InvalidMoment), "{bad}");
        }
    }
}
