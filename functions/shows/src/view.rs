//! What callers see of shows, episodes and listeners.

use domain::{
    Addresses, Audience, Author, Category, Description, EmailAddress, EmailDomain, Episode, EpisodeListing,
    EpisodeState, EpisodeTitle, Language, List, Listener, ListenerLabel, ListenerState, PodcastGuid, Show,
    ShowListing, ShowTitle, Slug, SuspensionReason, Visibility, WebUrl,
    podcasting::{EpisodePodcasting, ShowPodcasting},
};
use schemars::JsonSchema;
use serde::Serialize;
use storage::ListenerRecord;
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
    /// Whether a public show has listeners with feed tokens, too.
    has_listener_feed: bool,
    /// Whether it carries a parental advisory, unless an episode says otherwise.
    explicit: bool,
    /// Its `podcast:guid`, where it was imported with one; made of the feed's URL otherwise.
    podcast_guid: Option<PodcastGuid>,
    listing: ShowListing,
    podcasting: ShowPodcasting,
    /// Whether a listener is suspended whose feed URL is used from too many networks at once.
    suspends_shared_listeners: bool,
    /// Whose people may become listeners by themselves, by the domain of their e-mail address.
    self_serve_domains: List<EmailDomain, 20>,
    /// None for a private show: each listener has a URL of their own.
    feed_url: Option<Url>,
    /// Where the feed redirects to, if the show has moved.
    moved_to: Option<WebUrl>,
    /// Whether the show has ended: its feed is gone.
    is_ended: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl ShowView {
    pub(crate) fn new(show: Show, addresses: &Addresses) -> Self {
        Self {
            feed_url: (show.visibility == Visibility::Public).then(|| addresses.feed(&show.slug)),
            moved_to: show.moved_to().cloned(),
            is_ended: show.is_ended(),
            id: show.id,
            slug: show.slug,
            title: show.title,
            description: show.description,
            language: show.language,
            category: show.category,
            author: show.author,
            visibility: show.visibility,
            has_listener_feed: show.has_listener_feed,
            explicit: show.explicit,
            podcast_guid: show.podcast_guid,
            listing: show.listing,
            podcasting: show.podcasting,
            suspends_shared_listeners: show.suspends_shared_listeners,
            self_serve_domains: show.self_serve_domains,
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
    /// Who may hear it, in a public show that has a feed for listeners, too.
    audience: Audience,
    /// Whether it carries a parental advisory; none is as the show says.
    explicit: Option<bool>,
    listing: EpisodeListing,
    podcasting: EpisodePodcasting,
    state: EpisodeState,
    /// The item's `guid` in the feed, from when it is first published, for good.
    guid: Option<String>,
    /// When it came or comes out; none for a draft.
    published_at: Option<Timestamp>,
    /// When it comes out for everybody, where listeners have it earlier.
    public_at: Option<Timestamp>,
    /// When it leaves the feeds by itself; none for never.
    expires_at: Option<Timestamp>,
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
            audience: episode.audience,
            explicit: episode.explicit,
            listing: episode.listing,
            podcasting: episode.podcasting,
            published_at: episode.publication.as_ref().map(|publication| publication.published_at),
            public_at: episode.publication.as_ref().and_then(|publication| publication.public_at),
            expires_at: episode.publication.as_ref().and_then(|publication| publication.expires_at),
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
    /// Where they get e-mail. Nothing is sent there but a feed URL that somebody asked for with this address, where the show admits
    /// its domain.
    email: Option<EmailAddress>,
    state: ListenerState,
    /// When the feed URL stops working by itself; none for never.
    expires_at: Option<Timestamp>,
    /// Since when they are suspended; none when they are not.
    suspended_at: Option<Timestamp>,
    /// Why they are suspended.
    suspension_reason: Option<SuspensionReason>,
    /// When their feed URL was last found to be used from too many networks at once; none for never.
    found_shared_at: Option<Timestamp>,
    /// When their feed URL was last used, to the hour; none for never.
    last_used_at: Option<Timestamp>,
    created_at: Timestamp,
    /// In the one answer that gives the token, and nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    feed_url: Option<Url>,
}

impl ListenerView {
    pub(crate) fn new(listener: Listener, feed_url: Option<Url>, now: Timestamp) -> Self {
        let Listener {
            id,
            show_id,
            label,
            email,
            access,
            suspension_reason,
            found_shared_at,
            last_used_at,
            created_at,
            version: _,
        } = listener;
        Self {
            id,
            show_id,
            label,
            email,
            state: access.state(now),
            expires_at: access.expires_at,
            suspended_at: access.suspended_at,
            suspension_reason,
            found_shared_at,
            last_used_at,
            created_at,
            feed_url,
        }
    }
}

/// What whoever changes a listener sees of them: nothing that is personal data.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ListenerAccess")]
pub(crate) struct ListenerAccessView {
    id: ListenerId,
    show_id: ShowId,
    state: ListenerState,
    /// When the feed URL stops working by itself; none for never.
    expires_at: Option<Timestamp>,
    /// Since when they are suspended; none when they are not.
    suspended_at: Option<Timestamp>,
}

impl ListenerAccessView {
    pub(crate) fn new(record: ListenerRecord, now: Timestamp) -> Self {
        let ListenerRecord { id, show_id, access, version: _ } = record;
        Self {
            id,
            show_id,
            state: access.state(now),
            expires_at: access.expires_at,
            suspended_at: access.suspended_at,
        }
    }
}
