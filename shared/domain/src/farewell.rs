use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::Timestamp;

use crate::{Show, WebUrl};

/// Why a show's feed is not served under its address any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Farewell {
    /// It is elsewhere: apps are told to follow.
    Moved {
        /// Where it is now.
        feed_url: WebUrl,
    },
    /// The show is over and its feed is gone for good: apps are told to stop asking.
    Ended,
}

impl Show {
    /// Where its feed is now, if it has moved.
    pub fn moved_to(&self) -> Option<&WebUrl> {
        match &self.farewell {
            Some(Farewell::Moved { feed_url }) => Some(feed_url),
            Some(Farewell::Ended) | None => None,
        }
    }

    /// Whether the show is over.
    pub fn is_ended(&self) -> bool {
        self.farewell == Some(Farewell::Ended)
    }

    /// Says farewell, or takes it back, and answers whether anything is different now.
    pub fn bid(&mut self, farewell: Option<Farewell>, now: Timestamp) -> bool {
        if self.farewell == farewell {
            return false;
        }
        self.farewell = farewell;
        self.updated_at = now;
        self.version += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::tests::show;

    #[test]
    fn a_farewell_is_counted_once_and_can_be_taken_back() {
        let mut show = show();
        let later = Timestamp::from_unix_seconds(60);
        let moved = Farewell::Moved { feed_url: "https://other.example/feed".parse().unwrap() };

        assert!(show.bid(Some(moved.clone()), later));
        assert!(!show.bid(Some(moved), later));
        assert_eq!(show.moved_to().map(WebUrl::as_str), Some("https://other.example/feed"));
        assert_eq!((show.version, show.updated_at), (2, later));

        assert!(show.bid(Some(Farewell::Ended), later));
        assert!(show.is_ended() && show.moved_to().is_none());
        assert!(show.bid(None, later));
        assert!(!show.is_ended());
    }

    #[test]
    fn a_show_from_before_there_were_farewells_still_reads() {
        let json = serde_json::to_string(&show()).unwrap();
        assert!(!json.contains("farewell"), "{json}");
        assert_eq!(serde_json::from_str::<Show>(&json).unwrap(), show());
    }
}
