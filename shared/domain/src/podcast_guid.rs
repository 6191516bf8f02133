use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::{Uuid, uuid};

use crate::Invalid;

/// A show's name in the whole world, `podcast:guid` of the Podcasting 2.0 namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("format" = "uuid"))]
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

impl FromStr for PodcastGuid {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        // Only the usual form: `Uuid` reads braces and `urn:uuid:`, too.
        let is_usual = text.len() == 36;
        Uuid::try_parse(text)
            .ok()
            .filter(|_| is_usual)
            .map(Self)
            .ok_or(Invalid::new("a podcast's GUID is a UUID, such as 9b024349-ccf0-5f69-a609-6b82873eab3c"))
    }
}

impl TryFrom<String> for PodcastGuid {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<PodcastGuid> for String {
    fn from(guid: PodcastGuid) -> String {
        guid.to_string()
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

    #[test]
    fn only_a_uuid_is_a_guid() {
        let text = "9b024349-ccf0-5f69-a609-6b82873eab3c";
        assert_eq!(text.parse::<PodcastGuid>().unwrap().to_string(), text);
        for bad in
            ["", "9b024349", "{9b024349-ccf0-5f69-a609-6b82873eab3c}", "9b024349ccf05f69a6096b82873eab3c"]
        {
            assert!(bad.parse::<PodcastGuid>().is_err(), "{bad}");
        }
    }
}
