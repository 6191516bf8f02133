//! Dates as people and programs write them.

use tenant_context::Timestamp;
use time::{Date, Month, PrimitiveDateTime, Time, UtcOffset};

/// A moment, and whether its time zone was known.
pub(super) struct Moment {
    pub(super) at: Timestamp,
    pub(super) zone_is_known: bool,
}

/// Reads a date of RFC 2822 with all that RFC 822 and sloppy programs make of it: no weekday or a wrong one, years of two digits,
/// names of zones, months and days in full, another order. Reads RFC 3339 too, in whole or only the day. Without a time it is
/// midnight, without a zone UTC. A moment before 1970 is none.
pub(super) fn read(text: &str) -> Option<Moment> {
    const LONGEST: usize = 80;
    if text.len() > LONGEST {
        return None;
    }
    if let Ok(at) = text.trim().parse() {
        return Some(Moment { at, zone_is_known: true });
    }
    let mut parts = Parts::default();
    let without_comment = text.split('(').next().unwrap_or_default();
    for word in without_comment.split([' ', '\t', '\r', '\n', ',']).filter(|word| !word.is_empty()) {
        parts.take(word)?;
    }
    parts.moment()
}

#[derive(Default)]
struct Parts {
    year: Option<i32>,
    month: Option<Month>,
    day: Option<u8>,
    time: Option<Time>,
    is_afternoon: Option<bool>,
    offset: Option<UtcOffset>,
    /// There was a word that could be a zone's name, and is none that is known.
    unknown_zone: bool,
}

impl Parts {
    /// Finds out what a word is. `None` when it does not belong into a date.
    fn take(&mut self, word: &str) -> Option<()> {
        let first = word.chars().next()?;
        if word.contains(':') && first.is_ascii_digit() {
            return self.take_time(word);
        }
        if first.is_ascii_digit() && word.contains(['-', '/']) {
            return self.take_date(word);
        }
        if first.is_ascii_digit() {
            let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            return self.take_number(digits);
        }
        if matches!(first, '+' | '-') {
            self.offset = Some(offset(word)?);
            return Some(());
        }
        self.take_name(word)
    }

    fn take_time(&mut self, word: &str) -> Option<()> {
        // `2026-01-09T00:00:00` without a zone.
        if let Some((date, time)) = word.split_once(['T', 't']).filter(|(date, _)| date.contains('-')) {
            self.take_date(date)?;
            return self.take_time(time);
        }
        let end = word.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(word.len());
        let (clock, zone) = word.split_at_checked(end)?;
        let mut numbers = clock.split(':');
        let hour = numbers.next()?.parse().ok()?;
        let minute = numbers.next()?.parse().ok()?;
        let second = numbers.next().map_or("0", |second| second.split('.').next().unwrap_or(second));
        let second: u8 = second.parse().ok()?;
        // A leap second is none to us.
        let second = if second == 60 { 59 } else { second };
        if numbers.next().is_some() || self.time.is_some() {
            return None;
        }
        self.time = Some(Time::from_hms(hour, minute, second).ok()?);
        if zone.is_empty() { Some(()) } else { self.take(zone) }
    }

    /// `2026-01-09`, `09-Jan-2026`; of two numbers nobody can tell which is the month.
    fn take_date(&mut self, word: &str) -> Option<()> {
        let mut numbers = word.split(['-', '/']);
        let (first, month, last) = (numbers.next()?, numbers.next()?, numbers.next()?);
        if numbers.next().is_some() {
            return None;
        }
        if first.len() == 4 {
            self.month = Some(Month::try_from(month.parse::<u8>().ok()?).ok()?);
            self.take_number(first)?;
            return self.take_number(last);
        }
        self.month = Some(month_named(month)?);
        self.take_number(first)?;
        self.take_number(last)
    }

    /// A day first, then a year; a year alone where it has four digits.
    fn take_number(&mut self, digits: &str) -> Option<()> {
        if !(1..=4).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number: u16 = digits.parse().ok()?;
        match (self.day, self.year) {
            (None, _) if digits.len() <= 2 => self.day = Some(u8::try_from(number).ok()?),
            // RFC 2822, 4.3.
            (_, None) => {
                self.year = Some(match digits.len() {
                    1 | 2 if number < 50 => i32::from(number) + 2000,
                    1..=3 => i32::from(number) + 1900,
                    _ => i32::from(number),
                });
            }
            _ => return None,
        }
        Some(())
    }

    fn take_name(&mut self, word: &str) -> Option<()> {
        let name = word.trim_end_matches('.').to_ascii_uppercase();
        if let Some(month) = month_named(&name) {
            return self.month.replace(month).is_none().then_some(());
        }
        if WEEKDAYS.iter().any(|weekday| name.len() >= 2 && weekday.starts_with(&name)) {
            return Some(());
        }
        if name == "AM" || name == "PM" {
            self.is_afternoon = Some(name == "PM");
            return Some(());
        }
        // `GMT+0100`: what comes after the name counts.
        if let Some(at) = name.find(['+', '-']) {
            self.offset = Some(offset(name.get(at..)?)?);
            return Some(());
        }
        if self.offset.is_some() || self.unknown_zone || !name.bytes().all(|byte| byte.is_ascii_alphabetic())
        {
            return None;
        }
        match ZONES.iter().find(|(zone, _)| *zone == name) {
            Some((_, hours)) => self.offset = UtcOffset::from_hms(*hours, 0, 0).ok(),
            None => self.unknown_zone = true,
        }
        Some(())
    }

    fn moment(self) -> Option<Moment> {
        let date = Date::from_calendar_date(self.year?, self.month?, self.day?).ok()?;
        let time = self.time.unwrap_or(Time::MIDNIGHT);
        let hour = match (self.is_afternoon, time.hour()) {
            (Some(false), 12) => 0,
            (Some(true), hour @ 1..=11) => hour + 12,
            (_, hour) => hour,
        };
        let local = PrimitiveDateTime::new(date, time.replace_hour(hour).ok()?);
        let at = local.assume_offset(self.offset.unwrap_or(UtcOffset::UTC));
        Some(Moment { at: Timestamp::try_from(at).ok()?, zone_is_known: !self.unknown_zone })
    }
}

/// In English, in full or from three letters on.
fn month_named(name: &str) -> Option<Month> {
    let name = name.to_ascii_uppercase();
    let at = MONTHS.iter().position(|month| name.len() >= 3 && month.starts_with(&name))?;
    Month::try_from(u8::try_from(at + 1).ok()?).ok()
}

/// `+0100`, `-01:30`, `+1`.
fn offset(text: &str) -> Option<UtcOffset> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text.get(1..)?.chars().filter(|c| *c != ':').collect();
    if !(1..=4).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i16 = digits.parse().ok()?;
    let (hours, minutes) = if digits.len() <= 2 { (number, 0) } else { (number / 100, number % 100) };
    let part = |number: i16| i8::try_from(sign * number).ok();
    UtcOffset::from_hms(part(hours)?, part(minutes)?, 0).ok()
}

const MONTHS: [&str; 12] = [
    "JANUARY",
    "FEBRUARY",
    "MARCH",
    "APRIL",
    "MAY",
    "JUNE",
    "JULY",
    "AUGUST",
    "SEPTEMBER",
    "OCTOBER",
    "NOVEMBER",
    "DECEMBER",
];

const WEEKDAYS: [&str; 7] = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];

/// The names of RFC 822, and those of others that feeds have and nobody takes for two zones.
const ZONES: [(&str, i8); 22] = [
    ("UT", 0),
    ("UTC", 0),
    ("GMT", 0),
    ("Z", 0),
    ("EST", -5),
    ("EDT", -4),
    ("CST", -6),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
    ("AKST", -9),
    ("AKDT", -8),
    ("HST", -10),
    ("WET", 0),
    ("WEST", 1),
    ("CET", 1),
    ("CEST", 2),
    ("EET", 2),
    ("EEST", 3),
    ("JST", 9),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(text: &str) -> Option<String> {
        read(text).map(|moment| moment.at.to_string().replace(".000Z", "Z"))
    }

    #[test]
    fn dates_are_read_in_all_their_forms() {
        for (text, expected) in [
            ("Fri, 09 Jan 2026 10:20:30 +0000", "2026-01-09T10:20:30Z"),
            ("Fri, 09 Jan 2026 10:20:30 GMT", "2026-01-09T10:20:30Z"),
            ("9 Jan 2026 10:20 -0130", "2026-01-09T11:50:00Z"),
            ("Mon, 09 Jan 2026 10:20:30 EST", "2026-01-09T15:20:30Z"),
            ("Friday, 9 January 26 10:20:30 pdt", "2026-01-09T17:20:30Z"),
            ("Fri, 09 Jan 99 10:20:30 Z", "1999-01-09T10:20:30Z"),
            ("Fri, 09 Jan 126 10:20:30 UT", "2026-01-09T10:20:30Z"),
            ("Fri,09 Jan 2026 10:20:30 +01:00", "2026-01-09T09:20:30Z"),
            ("Fri, 09 Jan 2026 10:20:30 GMT+0100", "2026-01-09T09:20:30Z"),
            ("Fri, 09 Jan 2026 10:20:30 +0000 (UTC)", "2026-01-09T10:20:30Z"),
            ("Fri Jan  9 10:20:30 2026", "2026-01-09T10:20:30Z"),
            ("Fri, 09-Jan-2026 10:20:30 GMT", "2026-01-09T10:20:30Z"),
            ("January 9th, 2026 10:20 PM", "2026-01-09T22:20:00Z"),
            ("9 Jan 2026 12:20 AM", "2026-01-09T00:20:00Z"),
            ("Thu, 4 Sept 2025 00:00:60 CEST", "2025-09-03T22:00:59Z"),
            ("2026-01-09T10:20:30Z", "2026-01-09T10:20:30Z"),
            ("2026-01-09T10:20:30.5+01:00", "2026-01-09T09:20:30.500Z"),
            ("2026-01-09T10:20:30", "2026-01-09T10:20:30Z"),
            ("2026-01-09 10:20:30 +0100", "2026-01-09T09:20:30Z"),
            ("2026-01-09T10:20:30+0100", "2026-01-09T09:20:30Z"),
            ("2026-01-09", "2026-01-09T00:00:00Z"),
            ("Fri, 09 Jan 2026", "2026-01-09T00:00:00Z"),
        ] {
            assert_eq!(read_as(text).as_deref(), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for bad in [
            "",
            "yesterday",
            "2 days ago",
            "next Friday at noon",
            "01/02/2026",
            "Fri, 30 Feb 2026 00:00:00 GMT",
            "Fri, 09 Jan 2026 25:00:00 GMT",
            "Fri, 09 Foo 2026 00:00:00 GMT",
            "Fri, 09 Jan 1969 00:00:00 GMT",
            "1767225600",
            "09:00",
            "Jan 2026",
            "9 Jan 2026 1:2:3:4",
            "9 Jan 2026 10:20 +99999",
            "9 9 Jan Jan 2026",
        ] {
            assert_eq!(read_as(bad), None, "{bad:?}");
        }
        assert_eq!(read_as(&"9 ".repeat(1000)), None);
    }

    #[test]
    fn an_unknown_zone_is_utc_and_said_to_be_unknown() {
        let moment = read("Fri, 09 Jan 2026 10:20:30 XYZT").unwrap();
        assert_eq!(
            (moment.at.to_string().as_str(), moment.zone_is_known),
            ("2026-01-09T10:20:30.000Z", false)
        );
        assert!(read("Fri, 09 Jan 2026 10:20:30 -0000").unwrap().zone_is_known);
    }
}
