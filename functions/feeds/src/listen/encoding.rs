//! Which encoding the caller takes.

use lambda_kit::Request;

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
