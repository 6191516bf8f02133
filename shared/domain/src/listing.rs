//! How directories and apps list a show and its episodes: what RSS 2.0 and Apple Podcasts ask besides title, description,
//! language, category, author and advisory. Deprecated tags (`itunes:subtitle`, `itunes:summary`, `itunes:keywords`) are not
//! here.
//!
//! - RSS 2.0: <https://www.rssboard.org/rss-specification> and its profile, <https://www.rssboard.org/rss-profile>
//! - Apple: <https://podcasters.apple.com/support/823-podcast-requirements>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::MediaId;

use crate::{
    Category, Content, Copyright, EmailAddress, EpisodeTitle, List, ShortText, WebUrl,
    changeable::changeable,
    podcasting::{EpisodeNumber, Season},
};

changeable! {
    /// How a show is listed.
    ShowListing,
    /// Changes to how a show is listed; what is absent stays, and `null` takes it away.
    ShowListingChanges {
        /// The show's web page (RSS 2.0 `link`); the feed itself when there is none.
        link: Option<WebUrl>,
        /// Who holds the rights to it (RSS 2.0 `copyright`): the name alone, as PSP-1 asks.
        copyright: Option<Copyright>,
        /// Whom directories ask (`itunes:owner`). The feed says it aloud.
        owner: Option<ShowOwner>,
        /// Where directories file it, too.
        secondary_categories: List<Category, 2>,
        /// In which order it is heard (`itunes:type`).
        #[serde(rename = "type")]
        kind: ShowType,
        /// Whether no more episodes will come (`itunes:complete`). Apps may stop asking for good.
        is_complete: bool,
        /// Whether Apple Podcasts leaves it out of its directory (`itunes:block`); a private show always says so.
        is_blocked: bool,
        /// Its artwork (`itunes:image`): the `media_id` of a picture that is ready.
        artwork_id: Option<MediaId>,
    }
}

changeable! {
    /// How an episode is listed.
    EpisodeListing,
    /// Changes to how an episode is listed; what is absent stays, and `null` takes it away.
    EpisodeListingChanges {
        /// The episode's web page (RSS 2.0 `link`).
        link: Option<WebUrl>,
        /// Its notes in full (`content:encoded` of RSS 1.0's content module), where the description is a summary.
        content: Option<Content>,
        /// Its title without number and show, where `title` has them (`itunes:title`).
        title: Option<EpisodeTitle>,
        /// The season that it belongs to.
        season: Option<Season>,
        /// Its place in the season or show.
        number: Option<EpisodeNumber>,
        /// What it is in the show (`itunes:episodeType`).
        #[serde(rename = "type")]
        kind: EpisodeType,
        /// Whether Apple Podcasts leaves it out of its directory (`itunes:block`).
        is_blocked: bool,
        /// Artwork of its own (`itunes:image`): the `media_id` of a picture that is ready; the show's when absent.
        artwork_id: Option<MediaId>,
    }
}

/// Whom directories ask about a show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct ShowOwner {
    /// A person or an organisation.
    pub name: ShortText,
    /// Where letters reach them; the feed shows none when absent.
    #[serde(default)]
    pub email: Option<EmailAddress>,
}

/// In which order a show is heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShowType {
    /// The newest first, or any.
    #[default]
    Episodic,
    /// From the first on; then every episode has a number.
    Serial,
}

impl ShowType {
    /// As feeds write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Episodic => "episodic",
            Self::Serial => "serial",
        }
    }
}

/// What an episode is in its show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EpisodeType {
    /// A part of it.
    #[default]
    Full,
    /// A short look ahead.
    Trailer,
    /// An extra.
    Bonus,
}

impl EpisodeType {
    /// As feeds write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Trailer => "trailer",
            Self::Bonus => "bonus",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(json: &str) -> ShowListingChanges {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_absent_stays_and_null_takes_away() {
        let mut listing = ShowListing::from(changes(
            r#"{"link": "https://example.org/", "type": "serial", "secondary_categories": ["History"]}"#,
        ));

        listing.apply(changes(r#"{"is_complete": true}"#));
        assert_eq!(listing.link.as_ref().map(WebUrl::as_str), Some("https://example.org/"));
        assert_eq!((listing.kind, listing.is_complete), (ShowType::Serial, true));

        listing.apply(changes(
            r#"{"link": null, "type": null, "secondary_categories": null, "is_complete": null}"#,
        ));
        assert_eq!(listing, ShowListing::default());
    }

    #[test]
    fn a_misspelt_field_is_refused() {
        for bad in [r#"{"lnk": null}"#, r#"{"owner": {"name": "x", "mail": "a@example.org"}}"#] {
            assert!(serde_json::from_str::<ShowListingChanges>(bad).is_err(), "{bad}");
        }
    }
}
