//! Conditional requests (RFC 9110, 13): `If-None-Match` before `If-Modified-Since`.

use lambda_kit::Request;
use tenant_context::Timestamp;

/// The tag under which the caller has it already, if so. `etags` are those of every encoding of the same document, first that
/// of the encoding which the caller would get: a cache is told which of its copies is still right (RFC 9111, 4.3.4).
pub(crate) fn known_as<'a>(
    request: &Request,
    etags: [&'a str; 2],
    modified_at: Timestamp,
) -> Option<&'a str> {
    if let Some(condition) = request.header("if-none-match") {
        let named: Vec<_> = condition.split(',').map(|tag| tag.trim().trim_start_matches("W/")).collect();
        return etags.into_iter().find(|etag| named.iter().any(|tag| tag == etag || *tag == "*"));
    }
    let since = request.header("if-modified-since").map(Timestamp::from_http_date);
    let is_unchanged = matches!(since, Some(Ok(since)) if modified_at.unix_seconds() <= since.unix_seconds());
    etags.into_iter().next().filter(|_| is_unchanged)
}

/// Whether the caller takes gzip (RFC 9110, 12.5.3).
pub(crate) fn accepts_gzip(request: &Request) -> bool {
    takes_gzip(request.header("accept-encoding").unwrap_or_default())
}

/// `*` stands for the encodings that are not named.
fn takes_gzip(accepted: &str) -> bool {
    let weight_of = |names: &[&str]| {
        accepted.split(',').find_map(|coding| {
            let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
            let is_named = names.iter().any(|known| known.eq_ignore_ascii_case(name.trim()));
            is_named.then(|| parameters.trim().strip_prefix("q=").map_or(1.0, |q| q.parse().unwrap_or(0.0)))
        })
    };
    weight_of(&["gzip", "x-gzip"]).or_else(|| weight_of(&["*"])).is_some_and(|weight: f32| weight > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for accepted in
            ["gzip", "GZIP", "br, gzip;q=0.8", "x-gzip", "*", "deflate, *;q=0.1", "*;q=0, gzip; q=1"]
        {
            assert!(takes_gzip(accepted), "{accepted}");
        }
        for accepted in ["", "br", "identity", "gzip;q=0", "gzip;q=0, *", "*;q=0", "gzip;q=much"] {
            assert!(!takes_gzip(accepted), "{accepted}");
        }
    }
}
