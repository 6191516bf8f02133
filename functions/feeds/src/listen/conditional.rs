//! Conditional requests (RFC 9110, 13): `If-None-Match` before `If-Modified-Since`.

use lambda_kit::Request;
use tenant_context::Timestamp;

/// Whether the caller has it already. `etags` are those of every encoding of the same document.
pub(crate) fn is_known(request: &Request, etags: &[&str], modified_at: Timestamp) -> bool {
    if let Some(condition) = request.header("if-none-match") {
        let known = |tag: &str| tag == "*" || etags.contains(&tag.trim_start_matches("W/"));
        return condition.split(',').map(str::trim).any(known);
    }
    let since = request.header("if-modified-since").map(Timestamp::from_http_date);
    matches!(since, Some(Ok(since)) if modified_at.unix_seconds() <= since.unix_seconds())
}

/// Whether the caller takes gzip (RFC 9110, 12.5.3).
pub(crate) fn accepts_gzip(request: &Request) -> bool {
    let accepted = request.header("accept-encoding").unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        matches!(name.trim(), "gzip" | "x-gzip" | "*") && weight.is_ok_and(|weight| weight > 0.0)
    })
}
