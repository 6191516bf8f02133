//! What callers see of shows, episodes and listeners.

use domain::{
    Addresses, Author, Category, Description, Episode, EpisodeState, EpisodeTitle, Language, Listener,
    ListenerLabel, Show, ShowTitle, Slug, Visibility,
};
use schemars::JsonSchema;
use serde::Serialize;
use tenant_context::{EpisodeId, ListenerId, MediaId, ShowId, Timestamp};
use url::Url;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Show")]
pub(crate) struct ShowView {
    id: ShowId,
    slug: Slug,
    title: ShowTitle,
    description: Description,
    language: Language,
    category: Category,
    author: Author,
    visibility: Visibility,
    /// Whether it carries a parental advisory, unless an episode says otherwise.
    explicit: bool,
    /// None for a private show: each listener has a URL of their own.
    feed_url: Option<Url>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl ShowView {
    pub(crate) fn new(show: Show, addresses: &Addresses) -> Self {
        Self {
            feed_url: (show.visibility == Visibility::Public).then(|| addresses.feed(&show.slug)),
            id: show.id,
            slug: show.slug,
            title: show.title,
            description: show.description,
            language: show.language,
            category: show.category,
            author: show.author,
            visibility: show.visibility,
            explicit: show.explicit,
            created_at: show.created_at,
            updated_at: show.updated_at,
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Episode")]
pub(crate) struct EpisodeView {
    id: EpisodeId,
    show_id: ShowId,
    title: EpisodeTitle,
    description: Description,
    /// None while it is a draft without audio.
    media_id: Option<MediaId>,
    /// Whether it carries a parental advisory; none is as the show says.
    explicit: Option<bool>,
    state: EpisodeState,
    /// The item's `guid` in the feed, from when it is first published, for good.
    guid: Option<String>,
    /// When it came or comes out; none for a draft.
    published_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl EpisodeView {
    pub(crate) fn new(episode: Episode, now: Timestamp) -> Self {
        Self {
            state: episode.state(now),
            id: episode.id,
            show_id: episode.show_id,
            title: episode.title,
            description: episode.description,
            media_id: episode.media_id,
            explicit: episode.explicit,
            published_at: episode.publication.as_ref().map(|publication| publication.published_at),
            guid: episode.publication.map(|publication| publication.guid),
            created_at: episode.created_at,
            updated_at: episode.updated_at,
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Listener")]
pub(crate) struct ListenerView {
    id: ListenerId,
    show_id: ShowId,
    label: ListenerLabel,
    created_at: Timestamp,
    /// In the one answer that gives the token, and nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    feed_url: Option<Url>,
}

impl ListenerView {
    pub(crate) fn new(listener: Listener, feed_url: Option<Url>) -> Self {
        let Listener { id, show_id, label, created_at, version: _ } = listener;
        Self { id, show_id, label, created_at, feed_url }
    }
}
