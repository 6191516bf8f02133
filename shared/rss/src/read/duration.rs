/// How many seconds `itunes:duration` says: as a number, `minutes:seconds` or `hours:minutes:seconds`. Fractions are rounded.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let mut parts = text.split(':').rev();
    let (last, rest) = (milliseconds(parts.next()?)?, parts.collect::<Vec<_>>());
    if rest.len() > 2 {
        return None;
    }
    let mut seconds = last.saturating_add(500) / 1000;
    for (part, unit) in rest.into_iter().zip([60, 3600]) {
        seconds = seconds.saturating_add(whole(part)?.saturating_mul(unit));
    }
    Some(seconds)
}

/// How many milliseconds a number of seconds is, with decimals or without.
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let (seconds, decimals) = text.split_once('.').unwrap_or((text, ""));
    if text.is_empty() || text == "." || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digit = |at: usize| u64::from(decimals.as_bytes().get(at).map_or(0, |byte| byte - b'0'));
    let thousandths = digit(0) * 100 + digit(1) * 10 + digit(2);
    Some(whole(seconds)?.saturating_mul(1000).saturating_add(thousandths))
}

/// Nothing is zero: `:45` is three quarters of a minute.
fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    let is_number = text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_all_their_forms() {
        for (text, expected) in [
            ("1835", 1835),
            ("0", 0),
            ("1834.5", 1835),
            ("30:34", 1834),
            ("00:30:34", 1834),
            ("1:00:00", 3600),
            ("90:00", 5400),
            ("01:02:03.25", 3723),
            (":45", 45),
            (" 1 : 05 ", 65),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text:?}");
        }
        for bad in [
            "",
            ":",
            ".",
            "-5",
            "+5",
            "1:2:3:4",
            "30 min",
            "PT30M",
            "1e3",
            "NaN",
            "9999999999",
            "1.x",
            "0x10",
        ] {
            assert_eq!(seconds(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn seconds_have_decimals() {
        for (text, expected) in [("73", 73_000), ("42.250", 42_250), ("0.007", 7), ("1.5", 1500), (".5", 500)]
        {
            assert_eq!(milliseconds(text), Some(expected), "{text:?}");
        }
    }
}
