use std::{collections::BTreeSet, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::Timestamp;

use crate::{Invalid, ShortText, text::checked_text};

/// How often episodes come out (`podcast:updateFrequency`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct UpdateFrequency {
    /// How people say it: `Every other Monday`.
    pub text: ShortText,
    /// Whether no more will come.
    #[serde(default)]
    pub is_complete: bool,
    /// When the rule begins (`dtstart`); needed where the rule counts.
    #[serde(default)]
    pub starts_at: Option<Timestamp>,
    /// How machines read it.
    #[serde(default)]
    pub rrule: Option<RecurrenceRule>,
}

/// A recurrence rule of iCalendar (RFC 5545, 3.3.10): `FREQ=WEEKLY;BYDAY=MO,WE`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[A-Z0-9=;,+:.-]{1,255}$"))]
pub struct RecurrenceRule(String);

impl RecurrenceRule {
    /// Whether it ends after a number of times.
    pub fn counts(&self) -> bool {
        self.0.split(';').any(|part| part.starts_with("COUNT="))
    }
}

impl FromStr for RecurrenceRule {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let parts: Option<Vec<_>> = text.split(';').map(|part| part.split_once('=')).collect();
        let parts = parts.unwrap_or_default();
        let names: BTreeSet<_> = parts.iter().map(|(name, _)| *name).collect();
        let is_rule = text.len() <= 255
            && names.len() == parts.len()
            && names.contains("FREQ")
            && !(names.contains("COUNT") && names.contains("UNTIL"))
            && parts.iter().all(|(name, value)| is_part(name, value));

        is_rule
            .then(|| Self(text.to_owned()))
            .ok_or(Invalid::new("a recurrence rule is one of RFC 5545, such as FREQ=WEEKLY;BYDAY=MO,WE"))
    }
}

checked_text!(RecurrenceRule);

fn is_part(name: &str, value: &str) -> bool {
    let is_list = |is_entry: fn(&str) -> bool| value.split(',').all(is_entry);
    match name {
        "FREQ" => ["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"].contains(&value),
        "COUNT" | "INTERVAL" => {
            value.parse::<u32>().is_ok_and(|number| number > 0) && !value.starts_with('+')
        }
        "UNTIL" => is_moment(value),
        "WKST" => is_weekday(value),
        "BYDAY" => is_list(|day| {
            let parts = day.split_at_checked(day.len().saturating_sub(2));
            parts.is_some_and(|(number, weekday)| {
                is_weekday(weekday) && (number.is_empty() || is_ordinal(number, 53))
            })
        }),
        "BYSECOND" => is_list(|second| second.parse::<u8>().is_ok_and(|second| second <= 60)),
        "BYMINUTE" => is_list(|minute| minute.parse::<u8>().is_ok_and(|minute| minute <= 59)),
        "BYHOUR" => is_list(|hour| hour.parse::<u8>().is_ok_and(|hour| hour <= 23)),
        "BYMONTH" => is_list(|month| month.parse::<u8>().is_ok_and(|month| (1..=12).contains(&month))),
        "BYMONTHDAY" => is_list(|day| is_ordinal(day, 31)),
        "BYYEARDAY" | "BYSETPOS" => is_list(|day| is_ordinal(day, 366)),
        "BYWEEKNO" => is_list(|week| is_ordinal(week, 53)),
        _ => false,
    }
}

fn is_weekday(text: &str) -> bool {
    ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].contains(&text)
}

/// 1 to `last`, or as many before the end.
fn is_ordinal(text: &str, last: u16) -> bool {
    text.parse::<i16>().is_ok_and(|number| (1..=last).contains(&number.unsigned_abs()))
}

/// A date or a time of RFC 5545, or of RFC 3339 as the namespace's examples have it.
fn is_moment(text: &str) -> bool {
    let is_number =
        |text: &str, digits| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_basic = match text.split_once('T') {
        None => is_number(text, 8),
        Some((date, time)) => is_number(date, 8) && is_number(time.strip_suffix('Z').unwrap_or(time), 6),
    };
    is_basic || text.parse::<Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_icalendar() {
        for good in [
            "FREQ=DAILY",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;COUNT=10",
            "FREQ=DAILY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR",
            "FREQ=WEEKLY;UNTIL=2026-12-31T00:00:00.000Z;BYDAY=MO",
            "FREQ=WEEKLY;UNTIL=20261231T000000Z",
            "FREQ=YEARLY;BYDAY=+4TH,-1FR;BYMONTH=11",
            "FREQ=MONTHLY;BYMONTHDAY=-1;WKST=SU",
        ] {
            assert_eq!(good.parse::<RecurrenceRule>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "WEEKLY",
            "FREQ=OFTEN",
            "freq=daily",
            "INTERVAL=2",
            "FREQ=DAILY;FREQ=DAILY",
            "FREQ=DAILY;COUNT=1;UNTIL=20261231",
            "FREQ=DAILY;COUNT=0",
            "FREQ=DAILY;BYDAY=XX",
            "FREQ=DAILY;BYDAY=0MO",
            "FREQ=DAILY;BYDAY=é€",
            "FREQ=DAILY;BYMONTH=13",
            "FREQ=DAILY;X=1",
            "FREQ=DAILY;",
        ] {
            assert!(bad.parse::<RecurrenceRule>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_rule_that_counts_says_so() {
        assert!("FREQ=DAILY;COUNT=3".parse::<RecurrenceRule>().unwrap().counts());
        assert!(!"FREQ=DAILY".parse::<RecurrenceRule>().unwrap().counts());
    }
}
