use std::cmp::Reverse;

use tenant_context::Timestamp;
use url::Url;

use crate::{Addresses, Episode, EpisodeState, Media, MediaFile, PodcastGuid, Publication, Recording, Show};

/// A show and what is out of it: everything that a rendered feed needs, and no clock.
#[derive(Debug, Clone)]
pub struct Feed<'a> {
    /// The show.
    pub show: &'a Show,
    /// The show's name in the whole world; the same in every listener's feed.
    pub guid: PodcastGuid,
    /// Where this very feed is.
    pub url: Url,
    /// The show's web page.
    pub link: Url,
    /// The show's cover, if it has one.
    pub cover: Option<Url>,
    episodes: Vec<FeedEpisode<'a>>,
}

/// An episode that is out.
#[derive(Debug, Clone)]
pub struct FeedEpisode<'a> {
    /// The episode.
    pub episode: &'a Episode,
    /// What apps keep of it.
    pub publication: &'a Publication,
    /// What is known of its recording.
    pub recording: &'a Recording,
    /// The file that apps get.
    pub enclosure: &'a MediaFile,
    /// Where apps get it.
    pub enclosure_url: Url,
}

impl<'a> Feed<'a> {
    /// The feed of `show`, its episodes in any order.
    pub fn new(
        show: &'a Show,
        addresses: &Addresses,
        link: Url,
        cover: Option<Url>,
        mut episodes: Vec<FeedEpisode<'a>>,
    ) -> Self {
        episodes.sort_by_key(|item| Reverse((item.publication.published_at, item.episode.id.as_str())));
        Self {
            show,
            guid: PodcastGuid::from_feed_url(&addresses.public_feed(&show.slug)),
            url: addresses.feed(&show.slug),
            link,
            cover,
            episodes,
        }
    }

    /// What is out, newest first.
    pub fn episodes(&self) -> &[FeedEpisode<'a>] {
        &self.episodes
    }

    /// When the newest episode came out (RSS 2.0 `pubDate`).
    pub fn published_at(&self) -> Option<Timestamp> {
        self.episodes.first().map(|newest| newest.publication.published_at)
    }

    /// When something in the feed last changed (RSS 2.0 `lastBuildDate`): a show, an episode, or what is out.
    pub fn updated_at(&self) -> Timestamp {
        let episode_changes =
            self.episodes.iter().map(|item| item.episode.updated_at.max(item.publication.published_at));
        episode_changes.fold(self.show.updated_at, Ord::max)
    }
}

impl<'a> FeedEpisode<'a> {
    /// What the feed shows of `episode` at the moment `now`; `None` unless it is out, with something that apps play.
    pub fn new(
        episode: &'a Episode,
        media: &'a Media,
        addresses: &Addresses,
        now: Timestamp,
    ) -> Option<Self> {
        let publication = episode.publication.as_ref()?;
        let (recording, enclosure) = (media.recording()?, media.enclosure()?);
        let enclosure_url = addresses.enclosure(&episode.id, publication);
        (episode.state(now) == EpisodeState::Published).then_some(Self {
            episode,
            publication,
            recording,
            enclosure,
            enclosure_url,
        })
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
        Feed::new(show, &addresses(), "https://example.org".parse().unwrap(), None, items)
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
        assert_eq!(feed.published_at(), Some(seconds(30)));
    }

    #[test]
    fn a_feed_is_as_old_as_its_last_change() {
        let (show, media) = (show(), media(MediaFormat::Mp3));
        assert_eq!(feed(&show, &[], &media).updated_at(), Timestamp::EPOCH);
        assert_eq!(feed(&show, &[published(seconds(90), seconds(5))], &media).updated_at(), seconds(90));
        assert_eq!(feed(&show, &[published(seconds(5), seconds(90))], &media).updated_at(), seconds(90));
    }

    #[test]
    fn every_listener_s_feed_has_the_show_s_guid() {
        let show = show();
        let own = addresses().with_token("0123456789abcdefghjkmnpqrstvwxyz".parse().unwrap());
        let link: Url = "https://example.org".parse().unwrap();
        let private = Feed::new(&show, &own, link.clone(), None, vec![]);
        let public = Feed::new(&show, &addresses(), link, None, vec![]);

        assert_eq!(private.guid, public.guid);
        assert_ne!(private.url, public.url);
    }
}
