//! Moments, to the millisecond, written as RFC 3339 in UTC.

use std::{fmt, str::FromStr, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset, format_description::well_known};

/// A moment in UTC, to the millisecond, between the years 1970 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("format" = "date-time"))]
pub struct Timestamp {
    milliseconds: u64,
}

/// A day of the calendar in UTC, written as RFC 3339's `full-date`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct Date {
    year: i32,
    month: u8,
    day: u8,
}

/// Tells the time. Taken as an argument, so that tests can move it.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The text is not an RFC 3339 time between the years 1970 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time such as 2026-01-31T09:30:00Z")]
pub struct InvalidTimestamp;

const LAST_SECOND: u64 = 253_402_300_799;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self { milliseconds: 0 };

    /// From seconds since 1970-01-01T00:00:00Z; later than the year 9999 is that year's last second.
    pub fn from_unix_seconds(seconds: u64) -> Self {
        Self::from_unix_milliseconds(seconds.saturating_mul(1000))
    }

    /// From milliseconds since 1970-01-01T00:00:00Z; later than the year 9999 is that year's last second.
    pub fn from_unix_milliseconds(milliseconds: u64) -> Self {
        Self { milliseconds: milliseconds.min(LAST_SECOND * 1000) }
    }

    /// Seconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn unix_seconds(self) -> u64 {
        self.milliseconds / 1000
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_milliseconds(self) -> u64 {
        self.milliseconds
    }

    /// This much later.
    pub fn plus(self, duration: Duration) -> Self {
        let more = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self::from_unix_milliseconds(self.milliseconds.saturating_add(more))
    }

    /// The day that it is then, in UTC.
    pub fn date(self) -> Date {
        let moment = self.date_time();
        Date { year: moment.year(), month: u8::from(moment.month()), day: moment.day() }
    }

    /// RFC 2822 with a numeric zone, as RSS 2.0 asks: `Sat, 31 Jan 2026 09:30:00 +0000`.
    pub fn to_rfc2822(self) -> String {
        self.date_time().format(&well_known::Rfc2822).unwrap_or_default()
    }

    /// IMF-fixdate of RFC 9110, for `Last-Modified` and its kin: `Sat, 31 Jan 2026 09:30:00 GMT`.
    pub fn to_http_date(self) -> String {
        self.to_rfc2822().replace("+0000", "GMT")
    }

    /// Reads the three forms of a date in HTTP (RFC 9110, 5.6.7): that of today, and the obsolete ones of RFC 850 and asctime.
    ///
    /// # Errors
    /// [`InvalidTimestamp`] for anything else.
    pub fn from_http_date(text: &str) -> Result<Self, InvalidTimestamp> {
        let words: Vec<_> = text.split_ascii_whitespace().collect();
        let (date, time) = match words.as_slice() {
            [_, day, month, year, time, "GMT"] => (format!("{day} {month} {year}"), time),
            [_, date, time, "GMT"] => (date.replace('-', " "), time),
            [_, month, day, time, year] => (format!("{day} {month} {year}"), time),
            _ => return Err(InvalidTimestamp),
        };
        OffsetDateTime::parse(&format!("{date} {time} +0000"), &well_known::Rfc2822)
            .map_err(|_| InvalidTimestamp)
            .and_then(Self::try_from)
    }

    fn date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.milliseconds) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl TryFrom<OffsetDateTime> for Timestamp {
    type Error = InvalidTimestamp;

    fn try_from(moment: OffsetDateTime) -> Result<Self, InvalidTimestamp> {
        let milliseconds = moment.to_offset(UtcOffset::UTC).unix_timestamp_nanos() / 1_000_000;
        u64::try_from(milliseconds).map(Self::from_unix_milliseconds).map_err(|_| InvalidTimestamp)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        OffsetDateTime::parse(text, &well_known::Rfc3339)
            .map_err(|_| InvalidTimestamp)
            .and_then(Self::try_from)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = InvalidTimestamp;

    fn try_from(text: String) -> Result<Self, InvalidTimestamp> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> String {
        timestamp.to_string()
    }
}

/// RFC 3339 in UTC with exactly three decimals, so that text sorts as time does.
impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = self.date_time();
        write!(
            formatter,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            moment.year(),
            u8::from(moment.month()),
            moment.day(),
            moment.hour(),
            moment.minute(),
            moment.second(),
            moment.millisecond(),
        )
    }
}

/// `2026-01-31`, so that text sorts as days do.
impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl From<Date> for String {
    fn from(date: Date) -> String {
        date.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Timestamp = Timestamp { milliseconds: 1_769_851_800_250 };

    #[test]
    fn reads_and_writes_rfc_3339() {
        assert_eq!(MOMENT.to_string(), "2026-01-31T09:30:00.250Z");
        assert_eq!("2026-01-31T10:30:00.25+01:00".parse(), Ok(MOMENT));
        assert_eq!("yesterday".parse::<Timestamp>(), Err(InvalidTimestamp));
        assert_eq!("1969-12-31T23:59:59Z".parse::<Timestamp>(), Err(InvalidTimestamp));
    }

    #[test]
    fn a_day_ends_at_midnight_in_utc() {
        let date = |text: &str| text.parse::<Timestamp>().unwrap().date().to_string();
        assert_eq!(date("2026-01-31T23:59:59.999Z"), "2026-01-31");
        assert_eq!(date("2026-02-01T00:30:00+01:00"), "2026-01-31");
        assert_eq!(date("2026-02-01T00:00:00Z"), "2026-02-01");
    }

    #[test]
    fn writes_the_dates_of_rss_and_of_http() {
        assert_eq!(MOMENT.to_rfc2822(), "Sat, 31 Jan 2026 09:30:00 +0000");
        assert_eq!(MOMENT.to_http_date(), "Sat, 31 Jan 2026 09:30:00 GMT");
    }

    #[test]
    fn reads_the_three_forms_of_a_date_in_http() {
        let moment = Ok(Timestamp::from_unix_seconds(1_769_851_800));
        for text in
            ["Sat, 31 Jan 2026 09:30:00 GMT", "Saturday, 31-Jan-26 09:30:00 GMT", "Sat Jan 31 09:30:00 2026"]
        {
            assert_eq!(Timestamp::from_http_date(text), moment, "{text}");
        }
        let first = Timestamp::from_http_date("Thu Jan  1 00:00:00 1970");
        assert_eq!(first, Ok(Timestamp::EPOCH));
        for bad in ["", "yesterday", "Sat, 31 Jan 2026 09:30:00 CET", "2026-01-31T09:30:00Z", "0"] {
            assert_eq!(Timestamp::from_http_date(bad), Err(InvalidTimestamp), "{bad:?}");
        }
    }
}
