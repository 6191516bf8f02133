//! Cursors: opaque to callers, bound to the tenancy and the listing that they came from.

use std::str::FromStr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use storage::PageRequest;
use tenant_context::TenantContext;

use crate::Problem;

/// How many things a page may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub default: u16,
    pub most: u16,
}

impl Limits {
    /// What callers read one by one.
    pub const LISTING: Self = Self { default: 50, most: 200 };
}

/// The longest place in a listing that a cursor can hold.
const LONGEST_PLACE: usize = 128;

/// The cursor for what comes after `id` in `listing`.
pub(crate) fn cursor(context: &TenantContext, listing: &str, id: &str) -> String {
    URL_SAFE_NO_PAD.encode([context.tenancy().as_str(), listing, id].join("\n"))
}

/// Reads `limit` and `cursor`.
///
/// # Errors
/// 400 for a limit out of bounds, and for a cursor that is not from this tenancy's `listing`.
pub(crate) fn page_request(
    context: &TenantContext,
    listing: &str,
    limit: Option<&str>,
    cursor: Option<&str>,
    limits: Limits,
) -> Result<PageRequest, Problem> {
    let most = limits.most;
    let limit = match limit {
        None => limits.default,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=most).contains(limit))
            .ok_or_else(|| Problem::bad_request(format!("limit must be a number from 1 to {most}.")))?,
    };
    let after = match cursor {
        None => None,
        Some(cursor) => Some(after(context, listing, cursor).ok_or_else(not_from_this_listing)?),
    };
    Ok(PageRequest { after, limit })
}

/// Where `page` goes on, in a listing whose places are more than ids.
///
/// # Errors
/// 400 for what is no place of that listing.
pub fn place<T: FromStr>(page: &PageRequest) -> Result<Option<T>, Problem> {
    page.after.as_deref().map(str::parse).transpose().map_err(|_| not_from_this_listing())
}

fn not_from_this_listing() -> Problem {
    Problem::bad_request("This cursor is not from this listing. Start again without one.")
}

fn after(context: &TenantContext, listing: &str, cursor: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let mut parts = text.splitn(3, '\n');
    let is_ours = parts.next()? == context.tenancy().as_str() && parts.next()? == listing;
    parts.next().filter(|id| is_ours && !id.is_empty() && id.len() <= LONGEST_PLACE).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use tenant_context::Worker;

    use super::*;

    fn context(last: char) -> TenantContext {
        let tenancy = format!("ten_01ARZ3NDEKTSV4RRFFQ69G5FA{last}").parse().unwrap();
        TenantContext::from_queue(tenancy, Worker::Media)
    }

    fn page(
        tenancy: char,
        listing: &str,
        limit: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<PageRequest, Problem> {
        page_request(&context(tenancy), listing, limit, cursor, Limits::LISTING)
    }

    #[test]
    fn a_cursor_goes_on_where_it_stopped() {
        let cursor = cursor(&context('A'), "shows", "shw_1");
        let request = page('A', "shows", Some("2"), Some(&cursor)).unwrap();
        assert_eq!((request.after.as_deref(), request.limit), (Some("shw_1"), 2));
    }

    #[test]
    fn a_cursor_of_another_tenancy_or_listing_is_refused() {
        let cursor = cursor(&context('A'), "shows", "shw_1");
        assert!(page('B', "shows", None, Some(&cursor)).is_err());
        assert!(page('A', "episodes/shw_1", None, Some(&cursor)).is_err());
        assert!(page('A', "shows", None, Some("*")).is_err());
    }

    #[test]
    fn limits_are_bounded() {
        for bad in ["0", "201", "-1", "many", ""] {
            assert!(page('A', "shows", Some(bad), None).is_err(), "{bad}");
        }
    }
}
