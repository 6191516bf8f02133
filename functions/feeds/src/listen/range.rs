//! Which bytes the caller asks for (RFC 9110, 14.2): everything, or one range.

use std::ops::Range;

use lambda_kit::Request;
use tenant_context::Timestamp;

/// What to answer of something that has a length.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All of it: no range, several, or none that can be read.
    Whole,
    /// These bytes, of which there is at least one.
    Part(Range<usize>),
    /// What is not there.
    Beyond,
}

/// Whether a range is asked for, of whatever it may be.
pub(crate) fn asks_for_range(request: &Request) -> bool {
    request.method == http::Method::GET && request.header("range").is_some()
}

/// What is asked for of `length` bytes with this tag and time. Only GET knows ranges.
pub(crate) fn asked(request: &Request, length: usize, etag: &str, modified_at: Timestamp) -> Asked {
    let range = request.header("range").filter(|_| asks_for_range(request));
    match range {
        Some(range) if is_still(request.header("if-range"), etag, modified_at) => parse(range, length),
        _ => Asked::Whole,
    }
}

/// Whether what the caller has a part of is what is here (RFC 9110, 13.1.5): the same strong tag or the same time.
fn is_still(if_range: Option<&str>, etag: &str, modified_at: Timestamp) -> bool {
    let Some(condition) = if_range.map(str::trim) else { return true };
    let is_date = !condition.ends_with('"');
    if is_date {
        let date = Timestamp::from_http_date(condition);
        date.is_ok_and(|date| date.unix_seconds() == modified_at.unix_seconds())
    } else {
        condition == etag
    }
}

fn parse(range: &str, length: usize) -> Asked {
    let ranges = match range.split_once('=') {
        Some((unit, ranges)) if unit.trim().eq_ignore_ascii_case("bytes") => ranges,
        _ => return Asked::Whole,
    };
    let mut ranges = ranges.split(',').map(str::trim).filter(|range| !range.is_empty());
    match (ranges.next(), ranges.next()) {
        (Some(only), None) => one(only, length).unwrap_or(Asked::Whole),
        _ => Asked::Whole,
    }
}

/// `None` where it cannot be read.
fn one(range: &str, length: usize) -> Option<Asked> {
    let (first, last) = range.split_once('-')?;
    let bytes = if first.is_empty() {
        length.saturating_sub(number(last)?)..length
    } else {
        let first = number(first)?;
        let last = if last.is_empty() { usize::MAX } else { number(last)? };
        if last < first {
            return None;
        }
        first..last.saturating_add(1).min(length)
    };
    Some(if bytes.start < bytes.end { Asked::Part(bytes) } else { Asked::Beyond })
}

/// Digits alone; more than a `usize` holds is its greatest.
fn number(digits: &str) -> Option<usize> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_rfc_9110_has_it() {
        let many = format!("bytes=0-{}", "9".repeat(40));
        let beyond = format!("bytes={}-", "9".repeat(40));
        for (range, expected) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=0-9", Asked::Part(0..10)),
            ("Bytes = 10-19", Asked::Part(10..20)),
            ("bytes=90-", Asked::Part(90..100)),
            ("bytes=99-99", Asked::Part(99..100)),
            ("bytes=90-1000", Asked::Part(90..100)),
            ("bytes=0-", Asked::Part(0..100)),
            ("bytes=-1", Asked::Part(99..100)),
            ("bytes=-100", Asked::Part(0..100)),
            ("bytes=-1000", Asked::Part(0..100)),
            ("bytes=, 5-6 ,", Asked::Part(5..7)),
            (&many, Asked::Part(0..100)),
            ("bytes=100-", Asked::Beyond),
            ("bytes=100-200", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            (&beyond, Asked::Beyond),
            ("bytes=0-0,-1", Asked::Whole),
            ("bytes=9-8", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("bytes=1", Asked::Whole),
            ("lines=0-9", Asked::Whole),
            ("0-9", Asked::Whole),
        ] {
            assert_eq!(parse(range, 100), expected, "{range}");
        }
        for range in ["bytes=0-", "bytes=0-0", "bytes=-5"] {
            assert_eq!(parse(range, 0), Asked::Beyond, "{range} of nothing");
        }
    }

    #[test]
    fn a_part_is_of_what_the_caller_has_or_none_is_sent() {
        let modified_at = Timestamp::from_http_date("Sat, 31 Jan 2026 09:30:00 GMT").unwrap();
        for (if_range, expected) in [
            (None, true),
            (Some("\"one\""), true),
            (Some("Sat, 31 Jan 2026 09:30:00 GMT"), true),
            (Some("Saturday, 31-Jan-26 09:30:00 GMT"), true),
            (Some("W/\"one\""), false),
            (Some("\"two\""), false),
            (Some("\"two\", \"one\""), false),
            (Some("Sat, 31 Jan 2026 09:29:59 GMT"), false),
            (Some("Sat, 31 Jan 2026 09:30:01 GMT"), false),
            (Some("yesterday"), false),
            (Some(""), false),
        ] {
            assert_eq!(is_still(if_range, "\"one\"", modified_at), expected, "{if_range:?}");
        }
    }
}
