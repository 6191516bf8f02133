use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use tenant_context::{EpisodeId, MediaId, ShowId, Timestamp};

use crate::{
    Audience, Description, EpisodeListing, EpisodeListingChanges, EpisodeTitle, Invalid, Media, Publication,
    Release, Show,
    podcasting::{EpisodePodcasting, EpisodePodcastingChanges},
    show::replace,
};

/// One episode of a show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Episode {
    /// Its name inside the tenancy, and the GUID in its show's feed.
    pub id: EpisodeId,
    /// The show it belongs to.
    pub show_id: ShowId,
    /// What it is called.
    pub title: EpisodeTitle,
    /// What it is about.
    pub description: Description,
    /// Its audio; a draft may be without.
    pub media_id: Option<MediaId>,
    /// Who may hear it.
    #[serde(default)]
    pub audience: Audience,
    /// Whether it carries a parental advisory; `None` is as the show says.
    pub explicit: Option<bool>,
    /// How directories and apps list it.
    #[serde(default)]
    pub listing: EpisodeListing,
    /// What it says in Podcasting 2.0.
    #[serde(default)]
    pub podcasting: EpisodePodcasting,
    /// Set when it is first published, and kept from then on.
    pub publication: Option<Publication>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When one of these fields last changed.
    pub updated_at: Timestamp,
    /// Counts changes, from 1; an `ETag` is made of it.
    pub version: u64,
}

/// Where an episode is between an idea and an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EpisodeState {
    /// Never published.
    Draft,
    /// Comes out by itself, later.
    Scheduled,
    /// In the feed.
    Published,
    /// Taken out of the feed, or cancelled before it came out.
    Unpublished,
    /// Left the feed when its time was over.
    Expired,
}

/// What an episode starts with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEpisode {
    /// What it is called.
    pub title: EpisodeTitle,
    /// What it is about.
    pub description: Description,
    /// Its audio: the `media_id` of an upload that is ready. A draft may be without.
    #[serde(default)]
    pub media_id: Option<MediaId>,
    /// Who may hear it, in a public show that has a feed for listeners, too.
    #[serde(default)]
    pub audience: Audience,
    /// Whether it carries a parental advisory; `null` is as the show says.
    #[serde(default)]
    pub explicit: Option<bool>,
    /// How directories and apps list it.
    #[serde(default)]
    pub listing: EpisodeListingChanges,
    /// What it says in Podcasting 2.0.
    #[serde(default)]
    pub podcasting: EpisodePodcastingChanges,
}

/// Changes to an episode; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EpisodeChanges {
    /// What it is called.
    pub title: Option<EpisodeTitle>,
    /// What it is about.
    pub description: Option<Description>,
    /// Its audio: the `media_id` of an upload that is ready.
    pub media_id: Option<MediaId>,
    /// Who may hear it, in a public show that has a feed for listeners, too.
    pub audience: Option<Audience>,
    /// Whether it carries a parental advisory; `null` is as the show says.
    #[serde(deserialize_with = "present")]
    pub explicit: Option<Option<bool>>,
    /// How directories and apps list it.
    pub listing: EpisodeListingChanges,
    /// What it says in Podcasting 2.0.
    pub podcasting: EpisodePodcastingChanges,
}

impl Episode {
    /// A draft.
    pub fn new(id: EpisodeId, show_id: ShowId, new: NewEpisode, now: Timestamp) -> Self {
        let NewEpisode { title, description, media_id, audience, explicit, listing, podcasting } = new;
        Self {
            id,
            show_id,
            title,
            description,
            media_id,
            audience,
            explicit,
            listing: listing.into(),
            podcasting: podcasting.into(),
            publication: None,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// Where the episode is at the moment `now`.
    pub fn state(&self, now: Timestamp) -> EpisodeState {
        match &self.publication {
            None => EpisodeState::Draft,
            Some(publication) if publication.withdrawn_at.is_some() => EpisodeState::Unpublished,
            Some(publication) if publication.published_at > now => EpisodeState::Scheduled,
            Some(publication) if publication.expires_at.is_some_and(|at| at <= now) => EpisodeState::Expired,
            Some(_) => EpisodeState::Published,
        }
    }

    /// Since when the episode is in everybody's feed, or in listeners' own, at the moment `now`; `None` when it is not there.
    pub fn out_since(&self, is_for_listeners: bool, now: Timestamp) -> Option<Timestamp> {
        let publication = self.publication.as_ref().filter(|_| self.state(now) == EpisodeState::Published)?;
        if is_for_listeners {
            return Some(publication.published_at);
        }
        let public_at =
            publication.public_at.unwrap_or(publication.published_at).max(publication.published_at);
        (self.audience == Audience::Everyone && public_at <= now).then_some(public_at)
    }

    /// Makes `changes` and answers whether anything is different now. `media` is what `changes.media_id` names.
    ///
    /// # Errors
    /// [`Invalid`] when `media` is something else, or when it would change a published enclosure's URL. Nothing changes then.
    pub fn apply(
        &mut self,
        changes: EpisodeChanges,
        media: Option<&Media>,
        now: Timestamp,
    ) -> Result<bool, Invalid> {
        if let Some(media_id) = &changes.media_id {
            let media = media
                .filter(|media| media.id == *media_id)
                .ok_or(Invalid::new("an episode's media is the id of media in the same tenancy"))?;
            self.may_carry(media)?;
        }

        let before = self.clone();
        let EpisodeChanges { title, description, media_id, audience, explicit, listing, podcasting } =
            changes;
        replace(&mut self.title, title);
        replace(&mut self.description, description);
        replace(&mut self.media_id, media_id.map(Some));
        replace(&mut self.audience, audience);
        replace(&mut self.explicit, explicit);
        self.listing.apply(listing);
        self.podcasting.apply(podcasting);
        Ok(self.count_change(&before, now))
    }

    /// Puts the episode into its show's feeds as `release` says, and answers whether anything is different now.
    ///
    /// GUID and file name are made the first time and never again. An episode that came out before keeps its first
    /// `published_at`; one that did not takes the release's. Whether the release can be so, [`Release::check`] tells.
    ///
    /// # Errors
    /// [`Invalid`] without media, with media that a feed cannot carry, when nobody would hear it, and when `show` or `media` is
    /// not the episode's own.
    pub fn publish(
        &mut self,
        show: &Show,
        media: &Media,
        release: Release,
        now: Timestamp,
    ) -> Result<bool, Invalid> {
        if self.show_id != show.id {
            return Err(Invalid::new("an episode is published in the show that it belongs to"));
        }
        if self.media_id.as_ref() != Some(&media.id) {
            return Err(Invalid::new("an episode is published with its own media: give it media first"));
        }
        if self.audience == Audience::Listeners && !show.has_listeners() {
            return Err(Invalid::new(
                "an episode for listeners needs a show that has some: set has_listener_feed",
            ));
        }
        let enclosure = media.enclosure().ok_or(Invalid::new(
            "podcast apps play MP3, M4A and MP4: give the episode media in one of them, or a WAV or FLAC master",
        ))?;
        self.may_carry(media)?;

        let (before, at) = (self.clone(), release.at.unwrap_or(now));
        let publication = self
            .publication
            .get_or_insert_with(|| Publication::new(&self.id, &show.slug, &self.title, enclosure.format, at));
        if !publication.came_out(now) {
            publication.published_at = at;
        }
        publication.public_at = release.public_at;
        publication.expires_at = release.expires_at;
        publication.withdrawn_at = None;
        Ok(self.count_change(&before, now))
    }

    /// Takes the episode out of the feed, or cancels its release, and answers whether anything is different now.
    /// GUID and file name are kept for when it is published again.
    ///
    /// # Errors
    /// [`Invalid`] for a draft.
    pub fn unpublish(&mut self, now: Timestamp) -> Result<bool, Invalid> {
        let before = self.clone();
        let publication = self
            .publication
            .as_mut()
            .ok_or(Invalid::new("only an episode that was published or scheduled can be unpublished"))?;
        publication.withdrawn_at.get_or_insert(now);
        Ok(self.count_change(&before, now))
    }

    fn may_carry(&self, media: &Media) -> Result<(), Invalid> {
        if media.recording().is_none() {
            return Err(Invalid::new("an episode's media is a recording: this is a picture or a transcript"));
        }
        let extension_changes = |publication: &Publication| {
            !media.enclosure().is_some_and(|enclosure| publication.has_extension_of(enclosure.format))
        };
        if self.publication.as_ref().is_some_and(extension_changes) {
            return Err(Invalid::new(
                "a published enclosure's URL never changes, so new media must keep its file extension",
            ));
        }
        Ok(())
    }

    fn count_change(&mut self, before: &Self, now: Timestamp) -> bool {
        if self == before {
            return false;
        }
        self.updated_at = now;
        self.version += 1;
        true
    }
}

/// Tells a `null` from an absent field.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<bool>>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{MediaContent, MediaFile, MediaFormat, Recording, Tags, show::tests::show};

    const NOON: Timestamp = Timestamp::EPOCH;

    fn minutes(count: u64) -> Timestamp {
        Timestamp::from_unix_seconds(60 * count)
    }

    fn release(at: Timestamp) -> Release {
        Release { at: Some(at), ..Release::default() }
    }

    pub(crate) fn media(format: MediaFormat) -> Media {
        Media {
            id: "med_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            original: MediaFile {
                hash: "0a".repeat(32).parse().unwrap(),
                size_bytes: 1_234_567,
                crc32: 0xcbf4_3926,
                format,
            },
            content: MediaContent::Recording(Recording {
                duration_milliseconds: 61_500,
                codec: "mp3".to_owned(),
                video_codec: None,
                bit_rate: 128_000,
                channels: 2,
                sample_rate_hz: 44_100,
                loudness: None,
                tags: Tags::default(),
            }),
            renditions: Vec::new(),
            created_at: NOON,
        }
    }

    fn other_media(format: MediaFormat) -> Media {
        Media { id: "med_01BX5ZZKBKACTAV9WEVGEMMVRZ".parse().unwrap(), ..media(format) }
    }

    pub(crate) fn draft() -> Episode {
        let new = serde_json::from_str(
            r#"{"title": "Spring Tide", "description": "Sun and moon in line.", "media_id": "med_01ARZ3NDEKTSV4RRFFQ69G5FAV"}"#,
        );
        Episode::new("epi_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(), show().id, new.unwrap(), NOON)
    }

    pub(crate) fn published(at: Timestamp, now: Timestamp) -> Episode {
        let mut episode = draft();
        episode.publish(&show(), &media(MediaFormat::Mp3), release(at), now).unwrap();
        episode
    }

    fn changes(json: &str) -> EpisodeChanges {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn publishing_freezes_guid_and_file_name() {
        let episode = published(NOON, NOON);
        let publication = episode.publication.as_ref().unwrap();
        assert_eq!(publication.guid, episode.id.as_str());
        assert_eq!(publication.file_name, "tide-tables.spring-tide.mp3");
        assert_eq!((episode.state(NOON), episode.version), (EpisodeState::Published, 2));
    }

    #[test]
    fn guid_and_file_name_survive_everything() {
        let mut episode = published(NOON, NOON);
        let first = episode.publication.clone().unwrap();

        episode.apply(changes(r#"{"title": "Neap Tide"}"#), None, minutes(1)).unwrap();
        episode.unpublish(minutes(2)).unwrap();
        assert_eq!(episode.state(minutes(2)), EpisodeState::Unpublished);
        episode.publish(&show(), &media(MediaFormat::Mp3), release(minutes(9)), minutes(3)).unwrap();

        assert_eq!(episode.publication, Some(first));
        assert_eq!(episode.state(minutes(3)), EpisodeState::Published);
    }

    #[test]
    fn a_scheduled_episode_comes_out_by_itself() {
        let episode = published(minutes(5), NOON);
        assert_eq!(episode.state(minutes(4)), EpisodeState::Scheduled);
        assert_eq!(episode.state(minutes(5)), EpisodeState::Published);
    }

    #[test]
    fn a_scheduled_episode_can_be_moved() {
        let mut episode = published(minutes(5), NOON);
        episode.publish(&show(), &media(MediaFormat::Mp3), release(minutes(7)), minutes(1)).unwrap();
        assert_eq!(episode.publication.unwrap().published_at, minutes(7));
    }

    #[test]
    fn a_cancelled_release_leaves_no_date_behind() {
        let mut episode = published(minutes(5), NOON);
        episode.unpublish(minutes(1)).unwrap();
        assert_eq!(episode.state(minutes(6)), EpisodeState::Unpublished);

        episode.publish(&show(), &media(MediaFormat::Mp3), release(minutes(60)), minutes(60)).unwrap();

        assert_eq!(episode.publication.unwrap().published_at, minutes(60));
    }

    #[test]
    fn doing_it_again_changes_nothing() {
        let mut episode = published(NOON, NOON);
        assert!(
            !episode.publish(&show(), &media(MediaFormat::Mp3), release(minutes(1)), minutes(1)).unwrap()
        );
        assert!(!episode.apply(changes(r#"{"title": "Spring Tide"}"#), None, minutes(1)).unwrap());
        assert_eq!(episode, published(NOON, NOON));

        assert!(episode.unpublish(minutes(2)).unwrap());
        assert!(!episode.unpublish(minutes(3)).unwrap());
        assert_eq!(episode.version, 3);
    }

    #[test]
    fn a_draft_cannot_be_unpublished() {
        assert!(draft().unpublish(NOON).is_err());
    }

    #[test]
    fn only_what_apps_play_is_published() {
        for format in [MediaFormat::Wav, MediaFormat::Flac, MediaFormat::OggVorbis] {
            assert!(draft().publish(&show(), &media(format), release(NOON), NOON).is_err());
        }
    }

    #[test]
    fn only_its_own_show_and_media_are_published() {
        let mut episode = draft();
        let other_show = Show { id: "shw_01BX5ZZKBKACTAV9WEVGEMMVRZ".parse().unwrap(), ..show() };
        assert!(episode.publish(&other_show, &media(MediaFormat::Mp3), release(NOON), NOON).is_err());
        assert!(episode.publish(&show(), &other_media(MediaFormat::Mp3), release(NOON), NOON).is_err());
        episode.media_id = None;
        assert!(episode.publish(&show(), &media(MediaFormat::Mp3), release(NOON), NOON).is_err());
        assert_eq!(episode.publication, None);
    }

    #[test]
    fn published_media_keeps_its_extension() {
        let swap = || changes(r#"{"title": "New", "media_id": "med_01BX5ZZKBKACTAV9WEVGEMMVRZ"}"#);
        let mut episode = published(NOON, NOON);

        let refused = episode.apply(swap(), Some(&other_media(MediaFormat::M4a)), NOON).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a published enclosure's URL never changes, so new media must keep its file extension"
        );
        assert_eq!(episode, published(NOON, NOON));

        assert!(episode.apply(swap(), Some(&other_media(MediaFormat::Mp3)), NOON).unwrap());
        assert!(draft().apply(swap(), Some(&other_media(MediaFormat::M4a)), NOON).unwrap());
    }

    #[test]
    fn media_must_be_found_first() {
        let swap = || changes(r#"{"media_id": "med_01BX5ZZKBKACTAV9WEVGEMMVRZ"}"#);
        assert!(draft().apply(swap(), None, NOON).is_err());
        assert!(draft().apply(swap(), Some(&media(MediaFormat::Mp3)), NOON).is_err());
    }

    #[test]
    fn null_is_not_absent() {
        let mut episode = draft();
        episode.apply(changes(r#"{"explicit": true}"#), None, NOON).unwrap();
        assert_eq!(episode.explicit, Some(true));
        episode.apply(changes("{}"), None, NOON).unwrap();
        assert_eq!(episode.explicit, Some(true));
        episode.apply(changes(r#"{"explicit": null}"#), None, NOON).unwrap();
        assert_eq!(episode.explicit, None);
    }

    #[test]
    fn an_episode_of_before_still_reads() {
        let mut json = serde_json::to_value(draft()).unwrap();
        json.as_object_mut().unwrap().retain(|name, _| name != "listing" && name != "podcasting");
        assert_eq!(serde_json::from_value::<Episode>(json).unwrap(), draft());
    }

    #[test]
    fn a_change_reaches_into_the_groups() {
        let mut episode = draft();
        let season = r#"{"listing": {"season": {"number": 2, "name": "Neaps"}}}"#;
        assert!(episode.apply(changes(season), None, NOON).unwrap());
        assert!(!episode.apply(changes(season), None, NOON).unwrap());
        assert_eq!(episode.listing.season.unwrap().number.get(), 2);
    }

    #[test]
    fn an_episode_survives_json() {
        for episode in [draft(), published(NOON, NOON)] {
            let json = serde_json::to_string(&episode).unwrap();
            assert_eq!(serde_json::from_str::<Episode>(&json).unwrap(), episode);
        }
    }

    #[test]
    fn listeners_have_an_episode_before_everybody() {
        let show = Show { has_listener_feed: true, ..show() };
        let first =
            Release { public_at: Some(minutes(20)), expires_at: Some(minutes(30)), ..release(minutes(10)) };
        let mut episode = draft();
        episode.publish(&show, &media(MediaFormat::Mp3), first, NOON).unwrap();

        let out = |minute: u64| [true, false].map(|listeners| episode.out_since(listeners, minutes(minute)));
        assert_eq!(out(9), [None, None]);
        assert_eq!(out(10), [Some(minutes(10)), None]);
        assert_eq!(out(19), [Some(minutes(10)), None]);
        assert_eq!(out(20), [Some(minutes(10)), Some(minutes(20))]);
        assert_eq!(out(29), [Some(minutes(10)), Some(minutes(20))]);
        assert_eq!(out(30), [None, None]);
        assert_eq!(episode.state(minutes(29)), EpisodeState::Published);
        assert_eq!(episode.state(minutes(30)), EpisodeState::Expired);
        let moments: Vec<_> = episode.publication.as_ref().unwrap().moments().collect();
        assert_eq!(moments, [("out", minutes(10)), ("public", minutes(20)), ("expires", minutes(30))]);
    }

    #[test]
    fn what_is_for_listeners_is_never_in_everybody_s_feed() {
        let mut episode = Episode { audience: Audience::Listeners, ..draft() };
        let publish = |episode: &mut Episode, show: &Show| {
            episode.publish(show, &media(MediaFormat::Mp3), release(NOON), NOON).is_ok()
        };
        assert!(!publish(&mut episode, &show()), "nobody would hear it");
        assert!(publish(&mut episode, &Show { has_listener_feed: true, ..show() }));
        assert_eq!([true, false].map(|listeners| episode.out_since(listeners, NOON)), [Some(NOON), None]);
    }

    #[test]
    fn an_expired_episode_comes_back_when_it_is_published_again() {
        let mut episode = draft();
        let first = Release { expires_at: Some(minutes(30)), ..release(minutes(10)) };
        episode.publish(&show(), &media(MediaFormat::Mp3), first, minutes(10)).unwrap();
        let before = episode.publication.clone().unwrap();

        episode.publish(&show(), &media(MediaFormat::Mp3), Release::default(), minutes(40)).unwrap();

        assert_eq!(episode.state(minutes(40)), EpisodeState::Published);
        assert_eq!(episode.publication, Some(Publication { expires_at: None, ..before }));
    }

    #[test]
    fn a_release_says_what_is_wrong_with_it() {
        let both = Show { has_listener_feed: true, ..show() };
        let pointer = |show: &Show, public_at: Option<u64>, expires_at: Option<u64>| {
            let moment = |minute: Option<u64>| minute.map(minutes);
            let release = Release {
                public_at: moment(public_at),
                expires_at: moment(expires_at),
                ..release(minutes(10))
            };
            release.check(show, NOON).err().map(|(pointer, _)| pointer)
        };
        assert_eq!(pointer(&both, Some(10), Some(11)), None);
        assert_eq!(pointer(&show(), None, Some(11)), None);
        assert_eq!(pointer(&show(), Some(20), None), Some("/public_at"));
        assert_eq!(pointer(&both, Some(9), None), Some("/public_at"));
        assert_eq!(pointer(&both, Some(20), Some(20)), Some("/expires_at"));
        assert_eq!(pointer(&both, None, Some(10)), Some("/expires_at"));
        let private = Show { visibility: crate::Visibility::Private, ..both };
        assert_eq!(pointer(&private, Some(20), None), Some("/public_at"));
    }
}
