use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{PodcastGuid, ShortText, WebUrl, podcasting::Medium};

/// Another show, or an episode of it (`podcast:remoteItem`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct RemoteItem {
    /// The show's `podcast:guid`.
    pub feed_guid: PodcastGuid,
    /// Where its feed is.
    #[serde(default)]
    pub feed_url: Option<WebUrl>,
    /// The episode's `guid`.
    #[serde(default)]
    pub item_guid: Option<ShortText>,
    /// What the show is; a podcast when absent.
    #[serde(default)]
    pub medium: Option<Medium>,
    /// What it is called.
    #[serde(default)]
    pub title: Option<ShortText>,
}
