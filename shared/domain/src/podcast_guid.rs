use std::fmt;

use url::Url;
use uuid::{Uuid, uuid};

/// A show's name in the whole world, `podcast:guid` of the Podcasting 2.0 namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PodcastGuid(Uuid);

const PODCASTS: Uuid = uuid!("ead4c236-bf58-58c6-a2c6-a6b28d128cb6");

impl PodcastGuid {
    /// UUIDv5 of the public feed URL without its scheme and trailing slashes.
    pub fn from_feed_url(url: &Url) -> Self {
        let text = url.as_str();
        let name = text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/');
        Self(Uuid::new_v5(&PODCASTS, name.as_bytes()))
    }
}

impl fmt::Display for PodcastGuid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_namespace_documentation_s_example() {
        for url in ["https://podnews.net/rss", "http://podnews.net/rss//"] {
            let guid = PodcastGuid::from_feed_url(&url.parse().unwrap());
            assert_eq!(guid.to_string(), "9b024349-ccf0-5f69-a609-6b82873eab3c");
        }
    }
}
