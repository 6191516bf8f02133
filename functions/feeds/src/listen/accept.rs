//! What the caller takes: which encoding, and whether they are a podcast app or a browser.

use lambda_kit::Request;

/// Whether the caller takes gzip (RFC 9110, 12.5.3).
pub(crate) fn accepts_gzip(request: &Request) -> bool {
    takes_gzip(request.header("accept-encoding").unwrap_or_default())
}

/// Whether the caller would rather read a page than a feed (RFC 9110, 12.5.1). Who takes both alike, or says nothing, is a
/// podcast app.
pub(crate) fn prefers_page(request: &Request) -> bool {
    would_rather_read(request.header("accept").unwrap_or_default())
}

/// What feeds are asked for as.
const FEED_TYPES: [&str; 4] = ["application/rss+xml", "application/atom+xml", "application/xml", "text/xml"];

/// `*` stands for the encodings that are not named.
fn takes_gzip(accepted: &str) -> bool {
    let weight_of = |names: &[&str]| weight_of(accepted, |name| names.iter().any(|known| is(known, name)));
    weight_of(&["gzip", "x-gzip"]).or_else(|| weight_of(&["*"])).is_some_and(|weight| weight > 0.0)
}

fn would_rather_read(accepted: &str) -> bool {
    let page = weight_of_type(accepted, "text/html");
    page > 0.0 && FEED_TYPES.iter().all(|media_type| weight_of_type(accepted, media_type) < page)
}

/// The most specific range that fits counts: `text/html` before `text/*` before `*/*`.
fn weight_of_type(accepted: &str, media_type: &str) -> f32 {
    let (family, _) = media_type.split_once('/').unwrap_or_default();
    let of_family = format!("{family}/*");
    let weights = [media_type, &of_family, "*/*"].map(|range| weight_of(accepted, |name| is(range, name)));
    weights.into_iter().flatten().next().unwrap_or(0.0)
}

/// The weight of the first of `accepted` that is meant; one that cannot be read is none.
fn weight_of(accepted: &str, is_meant: impl Fn(&str) -> bool) -> Option<f32> {
    accepted.split(',').find_map(|one| {
        let (name, parameters) = one.split_once(';').unwrap_or((one, ""));
        let weight = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            is("q", name).then(|| value.trim().parse().unwrap_or(0.0))
        });
        is_meant(name).then_some(weight.unwrap_or(1.0))
    })
}

fn is(known: &str, name: &str) -> bool {
    known.eq_ignore_ascii_case(name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for accepted in
            ["gzip", "GZIP", "br, gzip;q=0.8", "x-gzip", "*", "deflate, *;q=0.1", "*;q=0, gzip; Q=1"]
        {
            assert!(takes_gzip(accepted), "{accepted}");
        }
        for accepted in ["", "br", "identity", "gzip;q=0", "gzip;q=0, *", "*;q=0", "gzip;q=much"] {
            assert!(!takes_gzip(accepted), "{accepted}");
        }
    }

    #[test]
    fn a_page_is_for_those_who_would_rather_have_html() {
        for accepted in [
            "text/html",
            "Text/HTML;q=0.1",
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
            "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8",
            "text/*;q=0.9, text/xml;q=0.1, application/*;q=0.5",
            "text/html;charset=utf-8, application/rss+xml;q=0.9",
            "text/html, */*;q=0",
        ] {
            assert!(would_rather_read(accepted), "{accepted}");
        }
    }

    #[test]
    fn a_feed_is_for_everybody_else() {
        for accepted in [
            "",
            "*/*",
            "application/rss+xml",
            "application/rss+xml, text/html",
            "application/rss+xml, application/rdf+xml;q=0.8, application/xml;q=0.6, text/html;q=0.4, */*;q=0.1",
            "application/atom+xml,application/rss+xml;q=0.9,text/xml;q=0.8,*/*;q=0.1",
            "text/html;q=0.5, */*",
            "text/html;q=0, */*;q=0.1",
            "text/html;q=many, */*;q=0.1",
            "text/*",
            "image/png",
            "text",
            ",;=,",
        ] {
            assert!(!would_rather_read(accepted), "{accepted}");
        }
    }
}
