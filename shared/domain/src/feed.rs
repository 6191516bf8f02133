use std::cmp::Reverse;

use tenant_context::Timestamp;
use url::Url;

use crate::{
    Addresses, Episode, Media, MediaFile, PodcastGuid, Publication, Recording, Show, Visibility, WebUrl,
    podcasting::{AlternateEnclosure, Transcript},
};

/// A show and what is out of it: everything that a rendered feed needs, and no clock.
#[derive(Debug, Clone)]
pub struct Feed<'a> {
    /// What the feed says of the show.
    pub channel: Channel<'a>,
    episodes: Vec<FeedEpisode<'a>>,
}

/// What a feed says of its show.
#[derive(Debug, Clone)]
pub struct Channel<'a> {
    /// The show.
    pub show: &'a Show,
    /// The show's name in the whole world; the same in every listener's feed.
    pub guid: PodcastGuid,
    /// Where this very feed is.
    pub url: Url,
    /// Whether it is one listener's own: nobody else is to find it, and it names nobody to write to.
    pub is_private: bool,
    /// Where the show's artwork is, if it has any.
    pub artwork_url: Option<Url>,
    /// When the newest episode came out (RSS 2.0 `pubDate`).
    pub published_at: Option<Timestamp>,
    /// When something in the feed last changed (RSS 2.0 `lastBuildDate`): a show, an episode, or what is out.
    pub updated_at: Timestamp,
}

/// An episode that is out.
#[derive(Debug, Clone)]
pub struct FeedEpisode<'a> {
    /// The episode.
    pub episode: &'a Episode,
    /// What apps keep of it.
    pub publication: &'a Publication,
    /// Since when it is in this feed.
    pub out_since: Timestamp,
    /// What is known of its recording.
    pub recording: &'a Recording,
    /// The file that apps get.
    pub enclosure: &'a MediaFile,
    /// Where apps get it.
    pub enclosure_url: Url,
    /// Where its own artwork is, if it has any.
    pub artwork_url: Option<Url>,
    /// Its transcripts.
    pub transcripts: Vec<Transcript>,
    /// Where its chapters are (JSON chapters of Podcasting 2.0), if it has any.
    pub chapters_url: Option<Url>,
    /// The same in other bytes.
    pub alternate_enclosures: Vec<AlternateEnclosure>,
}

impl<'a> Feed<'a> {
    /// The feed of `show`, its episodes in any order.
    pub fn new(
        show: &'a Show,
        addresses: &Addresses,
        artwork_url: Option<Url>,
        mut episodes: Vec<FeedEpisode<'a>>,
    ) -> Self {
        episodes.sort_by_key(|item| Reverse((item.out_since, item.episode.id.as_str())));
        let changes = episodes.iter().map(FeedEpisode::changed_at);
        let channel = Channel {
            show,
            guid: show
                .podcast_guid
                .unwrap_or_else(|| PodcastGuid::from_feed_url(&addresses.public_feed(&show.slug))),
            url: addresses.feed(&show.slug),
            is_private: show.visibility == Visibility::Private || addresses.are_a_listeners(),
            artwork_url,
            published_at: episodes.first().map(|newest| newest.out_since),
            updated_at: changes.fold(show.updated_at, Ord::max),
        };
        Self { channel, episodes }
    }

    /// What is out, newest first.
    pub fn episodes(&self) -> &[FeedEpisode<'a>] {
        &self.episodes
    }
}

impl Channel<'_> {
    /// The show's web page, or the feed itself.
    pub fn link(&self) -> &str {
        self.show.listing.link.as_ref().map_or(self.url.as_str(), WebUrl::as_str)
    }
}

impl<'a> FeedEpisode<'a> {
    /// What the feed shows of `episode` at the moment `now`; `None` unless it is out, with something that apps play. Its
    /// artwork, transcripts, chapters and other enclosures are for the caller to add.
    pub fn new(
        episode: &'a Episode,
        media: &'a Media,
        addresses: &Addresses,
        now: Timestamp,
    ) -> Option<Self> {
        let publication = episode.publication.as_ref()?;
        let out_since = episode.out_since(addresses.are_a_listeners(), now)?;
        let (recording, enclosure) = (media.recording()?, media.enclosure()?);
        let enclosure_url = addresses.enclosure(&episode.id, publication);
        Some(Self {
            episode,
            publication,
            out_since,
            recording,
            enclosure,
            enclosure_url,
            artwork_url: None,
            transcripts: Vec::new(),
            chapters_url: None,
            alternate_enclosures: Vec::new(),
        })
    }

    /// When what the feed shows of it last changed.
    pub fn changed_at(&self) -> Timestamp {
        self.episode.updated_at.max(self.out_since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        MediaFormat,
        episode::tests::{draft, media, published},
        show::tests::show,
    };

    fn seconds(count: u64) -> Timestamp {
        Timestamp::from_unix_seconds(count)
    }

    fn addresses() -> Addresses {
        Addresses::public("https://listen.example".parse().unwrap()).unwrap()
    }

    fn feed<'a>(show: &'a Show, episodes: &'a [Episode], media: &'a Media) -> Feed<'a> {
        let items = episodes
            .iter()
            .filter_map(|episode| FeedEpisode::new(episode, media, &addresses(), seconds(100)))
            .collect();
        Feed::new(show, &addresses(), None, items)
    }

    #[test]
    fn a_guid_from_another_host_is_kept() {
        let guid: PodcastGuid = "917393e3-1b1e-5cef-ace4-edaa54e1f810".parse().unwrap();
        let imported = Show { podcast_guid: Some(guid), ..show() };
        assert_eq!(feed(&imported, &[], &media(MediaFormat::Mp3)).channel.guid, guid);
        assert_ne!(feed(&show(), &[], &media(MediaFormat::Mp3)).channel.guid, guid);
    }

    #[test]
    fn a_feed_shows_only_what_is_out() {
        let mut withdrawn = published(seconds(1), seconds(1));
        withdrawn.unpublish(seconds(2)).unwrap();
        let scheduled = published(seconds(101), seconds(1));
        let (show, media) = (show(), media(MediaFormat::Mp3));

        assert!(feed(&show, &[draft(), withdrawn, scheduled], &media).episodes().is_empty());
    }

    #[test]
    fn the_newest_comes_first() {
        let episodes = [10, 30, 20].map(|at| published(seconds(at), seconds(at)));
        let (show, media) = (show(), media(MediaFormat::Mp3));
        let feed = feed(&show, &episodes, &media);

        let order: Vec<u64> =
            feed.episodes().iter().map(|item| item.publication.published_at.unix_seconds()).collect();
        assert_eq!(order, [30, 20, 10]);
        assert_eq!(feed.channel.published_at, Some(seconds(30)));
    }

    #[test]
    fn a_feed_is_as_old_as_its_last_change() {
        let (show, media) = (show(), media(MediaFormat::Mp3));
        assert_eq!(feed(&show, &[], &media).channel.updated_at, Timestamp::EPOCH);
        assert_eq!(
            feed(&show, &[published(seconds(90), seconds(5))], &media).channel.updated_at,
            seconds(90)
        );
        assert_eq!(
            feed(&show, &[published(seconds(5), seconds(90))], &media).channel.updated_at,
            seconds(90)
        );
    }

    #[test]
    fn every_listener_s_feed_has_the_show_s_guid() {
        let show = show();
        let own = addresses().with_token("0123456789abcdefghjkmnpqrstvwxyz".parse().unwrap());
        let private = Feed::new(&show, &own, None, vec![]);
        let public = Feed::new(&show, &addresses(), None, vec![]);

        assert_eq!(private.channel.guid, public.channel.guid);
        assert_ne!(private.channel.url, public.channel.url);
    }

    #[test]
    fn a_show_without_a_page_links_to_its_feed() {
        let mut show = show();
        assert_eq!(
            Feed::new(&show, &addresses(), None, vec![]).channel.link(),
            "https://listen.example/feeds/tide-tables.xml"
        );
        show.listing.link = Some("https://harbour.example/".parse().unwrap());
        assert_eq!(Feed::new(&show, &addresses(), None, vec![]).channel.link(), "https://harbour.example/");
    }
}
