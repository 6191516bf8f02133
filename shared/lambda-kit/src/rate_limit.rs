//! What an answer says about rate limits: the fields `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11,
//! both lists of structured fields (RFC 9651), and `Retry-After` (RFC 9110) where a request is refused.
//!
//! `r` is what the answering instance knows: others may have served more in the meantime.

use domain::{RATE_LIMIT_WINDOW, Standing};
use http::{HeaderMap, HeaderName, HeaderValue, header};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Adds the fields to an answer.
pub(crate) fn write(standing: &Standing, headers: &mut HeaderMap) {
    let insert = |headers: &mut HeaderMap, name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    insert(headers, RATE_LIMIT_POLICY, policy_field(standing));
    insert(headers, RATE_LIMIT, limit_field(standing));
    if !standing.is_served {
        insert(headers, header::RETRY_AFTER, standing.seconds_left.to_string());
    }
}

/// `"principal";q=1200;w=60, "tenancy";q=6000;w=60`
fn policy_field(standing: &Standing) -> String {
    let window = RATE_LIMIT_WINDOW.as_secs();
    let items = standing.left.iter().map(|(share, _)| {
        let (policy, limit) = (share.policy.as_str(), share.limit);
        format!("\"{policy}\";q={limit};w={window}")
    });
    items.collect::<Vec<_>>().join(", ")
}

/// `"principal";r=1199;t=42, "tenancy";r=5990;t=42`
fn limit_field(standing: &Standing) -> String {
    let seconds = standing.seconds_left;
    let items = standing.left.iter().map(|(share, left)| {
        let policy = share.policy.as_str();
        format!("\"{policy}\";r={left};t={seconds}")
    });
    items.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use domain::{Lease, RatePolicy, Step, Window};
    use tenant_context::Timestamp;

    use super::*;

    fn headers(is_served: bool, lease: &Lease) -> HeaderMap {
        let mut headers = HeaderMap::new();
        write(&lease.standing(is_served, Timestamp::from_unix_milliseconds(18_001)), &mut headers);
        headers
    }

    fn lease() -> Lease {
        let limits = [(RatePolicy::Principal, 1_200), (RatePolicy::Tenancy, 6_000)];
        Lease::new(Window::of(Timestamp::EPOCH), &limits)
    }

    #[test]
    fn reads_as_the_draft_has_it() {
        let mut lease = lease();
        lease.extend(10, &[10, 40]);
        assert_eq!(lease.step(), Step::Serve);

        let headers = headers(true, &lease);

        assert_eq!(headers["ratelimit-policy"], r#""principal";q=1200;w=60, "tenancy";q=6000;w=60"#);
        assert_eq!(headers["ratelimit"], r#""principal";r=1199;t=42, "tenancy";r=5969;t=42"#);
        assert!(!headers.contains_key("retry-after"));
    }

    #[test]
    fn who_is_refused_hears_when_to_come_back() {
        let mut lease = lease();
        lease.learn(&[1_200, 1_200]);

        let headers = headers(false, &lease);

        assert_eq!(headers["ratelimit"], r#""principal";r=0;t=42, "tenancy";r=4800;t=42"#);
        assert_eq!(headers["retry-after"], "42");
    }
}
