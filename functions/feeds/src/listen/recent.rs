//! What everybody's feeds were a moment ago. An app that has the current document is told so from here; whoever is given a document
//! gets the one that the bucket names now.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::Slug;
use tenant_context::Timestamp;

use crate::listen::{Heard, listening::make_room};

/// How long it counts: a small part of the minute for which caches may keep a public feed.
const LIFETIME: Duration = Duration::from_secs(1);

/// The public feeds that this instance of the function found within [`LIFETIME`], by slug.
#[derive(Default)]
pub(crate) struct Recent(Mutex<HashMap<Slug, Found>>);

#[derive(Clone)]
struct Found {
    asked_at: Timestamp,
    heard: Arc<Heard>,
}

impl Found {
    fn counts(&self, now: Timestamp) -> bool {
        self.asked_at <= now && now < self.asked_at.plus(LIFETIME)
    }
}

impl Recent {
    /// The feed behind `slug`, as it was less than a second before `now`.
    pub(crate) fn find(&self, slug: &Slug, now: Timestamp) -> Option<Arc<Heard>> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        found.get(slug).filter(|found| found.counts(now)).map(|found| Arc::clone(&found.heard))
    }

    /// Whoever asks next is told what the bucket says.
    pub(crate) fn forget(&self, slug: &Slug) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(slug);
    }

    /// Remembers what the bucket, asked at `asked_at`, answered for everybody; not that a show has left, nor what is one listener's.
    pub(crate) fn keep(&self, heard: &Arc<Heard>, asked_at: Timestamp) {
        if heard.token.is_some() || heard.farewell.is_some() {
            return;
        }
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut found, |found| found.counts(asked_at));
        found.insert(heard.slug.clone(), Found { asked_at, heard: Arc::clone(heard) });
    }
}

#[cfg(test)]
mod tests {
    use domain::Farewell;
    use tenant_context::TenantContext;

    use super::*;
    use crate::{
        listen::listening::MOST_REMEMBERED,
        pointer::{Document, View},
    };

    const SHOW: &str = "shw_01ARZ3NDEKTSV4RRFFQ69G5FAV";

    fn heard(slug: &str) -> Heard {
        let hash: domain::ContentHash = "0a".repeat(32).parse().unwrap();
        let document = Document { hash: hash.clone(), modified_at: Timestamp::EPOCH };
        let view = View {
            feed: document.clone(),
            older: Vec::new(),
            page: document,
            style: String::new(),
            enclosures: hash.clone(),
            files: hash,
        };
        let tenancy = "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        Heard {
            context: TenantContext::from_public_slug(tenancy, SHOW.parse().unwrap()),
            show: SHOW.parse().unwrap(),
            slug: slug.parse().unwrap(),
            view,
            farewell: None,
            token: None,
        }
    }

    fn at(milliseconds: u64) -> Timestamp {
        Timestamp::from_unix_milliseconds(milliseconds)
    }

    #[test]
    fn what_was_found_counts_for_a_second_under_its_own_slug() {
        let (recent, one) = (Recent::default(), "one".parse().unwrap());
        recent.keep(&Arc::new(heard("one")), at(5_000));
        let finds = |slug: &Slug, milliseconds| recent.find(slug, at(milliseconds)).is_some();
        assert!(finds(&one, 5_000) && finds(&one, 5_999));
        assert!(!finds(&one, 6_000) && !finds(&one, 4_999), "not later, nor when the clock was set back");
        assert!(!finds(&"other".parse().unwrap(), 5_000));
        recent.forget(&one);
        assert!(!finds(&one, 5_000));
    }

    #[test]
    fn nothing_is_kept_of_one_listener_nor_of_a_show_that_left() {
        let recent = Recent::default();
        let token = Some("a".repeat(32).parse().unwrap());
        recent.keep(&Arc::new(Heard { token, ..heard("private") }), at(0));
        recent.keep(&Arc::new(Heard { farewell: Some(Farewell::Ended), ..heard("ended") }), at(0));
        assert!(recent.0.lock().unwrap().is_empty());
    }

    #[test]
    fn what_is_remembered_stays_bounded() {
        let recent = Recent::default();
        for number in 0..3 * MOST_REMEMBERED {
            recent.keep(&Arc::new(heard(&format!("show-{number}"))), at(0));
        }
        assert!(recent.0.lock().unwrap().len() <= MOST_REMEMBERED);
    }
}
