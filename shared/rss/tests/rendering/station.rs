//! Shows to render.

use domain::{
    Addresses, Episode, EpisodeChanges, Feed, FeedEpisode, Media, MediaContent, MediaFile, MediaFormat,
    NewEpisode, NewShow, Recording, Release, Show, ShowChanges, Tags,
    podcasting::{AlternateEnclosure, Source, Transcript},
};
use serde_json::{Value, json};
use tenant_context::Timestamp;
use url::Url;

/// A show with its episodes and their media.
pub struct Station {
    pub show: Show,
    pub episodes: Vec<(Episode, Media)>,
}

impl Station {
    pub fn new(title: &str, description: &str) -> Self {
        let new: NewShow = serde_json::from_value(json!({
            "slug": "tide-tables",
            "title": title,
            "description": description,
            "language": "en-GB",
            "category": "Science > Earth Sciences",
            "author": "Harbour Radio & Friends",
            "visibility": "public",
            "listing": { "link": "https://harbour.example/tides?a=1&b=2" },
        }))
        .unwrap();
        let show = Show::new("shw_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(), new, day(1));
        Self { show, episodes: Vec::new() }
    }

    pub fn publish(&mut self, title: &str, description: &str, format: MediaFormat, at: Timestamp) {
        let number = self.episodes.len();
        let media = Media {
            id: format!("med_{number:026}").parse().unwrap(),
            original: MediaFile {
                hash: "0a".repeat(32).parse().unwrap(),
                size_bytes: 12_345_678 + number as u64,
                crc32: 0,
                format,
            },
            content: MediaContent::Recording(Recording {
                duration_milliseconds: 1_834_500,
                codec: "mp3".to_owned(),
                video_codec: None,
                bit_rate: 128_000,
                channels: 2,
                sample_rate_hz: 44_100,
                loudness: None,
                tags: Tags::default(),
            }),
            renditions: Vec::new(),
            created_at: at,
        };
        let new: NewEpisode =
            serde_json::from_value(json!({"title": title, "description": description, "media_id": media.id}))
                .unwrap();
        let id = format!("epi_{number:026}").parse().unwrap();
        let mut episode = Episode::new(id, self.show.id.clone(), new, at);
        episode.publish(&self.show, &media, Release { at: Some(at), ..Release::default() }, at).unwrap();
        self.episodes.push((episode, media));
    }

    pub fn change(&mut self, changes: Value) {
        self.show.apply(serde_json::from_value::<ShowChanges>(changes).unwrap(), day(1));
    }

    pub fn change_episode(&mut self, at: usize, changes: Value) {
        let changes: EpisodeChanges = serde_json::from_value(changes).unwrap();
        self.episodes[at].0.apply(changes, None, day(9)).unwrap();
    }

    pub fn items(&self, addresses: &Addresses) -> Vec<FeedEpisode<'_>> {
        self.episodes
            .iter()
            .filter_map(|(episode, media)| FeedEpisode::new(episode, media, addresses, day(28)))
            .collect()
    }

    pub fn feed(&self) -> Feed<'_> {
        Feed::new(&self.show, &addresses(), None, self.items(&addresses()))
    }

    pub fn public(&self) -> String {
        render(&self.feed())
    }
}

pub fn harbour_radio() -> Station {
    let mut station = Station::new("Tide Tables", "The sea, twice a day.\n\nEbb & flow.");
    station.publish("Neap Tide", "Sun & moon at odds.", MediaFormat::Mp3, day(2));
    station.publish("Spring Tide <live>", "Sun and moon in line.", MediaFormat::M4a, day(9));
    station.episodes[1].0.explicit = Some(true);
    station
}

/// Every field that a show and an episode have.
pub fn everything() -> Station {
    let mut station = harbour_radio();
    let recipients = json!([
        { "name": "Harbour Radio", "type": "node", "address": "02d5c1bf8b940dc9cadca86d1b0a3c37fbe3", "split": 95 },
        { "type": "node", "address": "03ae9f91a0cb8ff43840e3c322c4c61f019d", "split": 5, "is_fee": true,
          "custom_key": "696969", "custom_value": "a & b" },
    ]);
    station.change(json!({
        "listing": {
            "copyright": "Harbour Radio",
            "owner": { "name": "Harbour Radio", "email": "desk@harbour.example" },
            "secondary_categories": ["History", "Society & Culture > Places & Travel"],
            "type": "serial",
            "is_complete": true,
            "is_blocked": true,
        },
        "podcasting": {
            "locked": { "is_locked": false, "shows_owner": true },
            "funding": [
                { "url": "https://harbour.example/give?a=1&b=2", "text": "Buy us a boat" },
                { "url": "https://harbour.example/sail", "text": "Or a \"sail\"" },
            ],
            "persons": [
                { "name": "Host & Co", "role": "Co-Host", "group": "Cast", "img": "https://harbour.example/host.jpg",
                  "href": "https://harbour.example/host" },
                { "name": "Painter", "role": "cover art designer", "group": "visuals" },
            ],
            "locations": [
                { "name": "The harbour", "rel": "creator", "geo": "geo:53.5459,9.9668", "osm": "W43678282", "country": "DE" },
                { "name": "The sea" },
            ],
            "trailers": [{ "title": "Soon <again>", "url": "https://harbour.example/soon.mp3",
                "published_at": "2026-01-01T00:00:00Z", "size_bytes": 1234, "content_type": "audio/mpeg", "season": 2 }],
            "license": { "name": "CC-BY-4.0" },
            "value": { "type": "lightning", "method": "keysend", "suggested": "0.00000005000", "recipients": recipients },
            "medium": "audiobook",
            "images": [{ "href": "https://harbour.example/wide.jpg", "alt": "A \"wave\"", "aspect_ratio": "16/9",
                "width": 1600, "height": 900, "content_type": "image/jpeg", "purpose": "artwork social" }],
            "txt": [{ "purpose": "verify", "value": "S6lpp-7ZCn8" }, { "value": "a < b" }],
            "update_frequency": { "text": "Mondays", "is_complete": true, "starts_at": "2026-01-01T00:00:00Z",
                "rrule": "FREQ=WEEKLY;BYDAY=MO;COUNT=10" },
            "blocks": [{ "is_blocked": true }, { "id": "podcastindex", "is_blocked": false }],
            "podroll": [{ "feed_guid": "9b024349-ccf0-5f69-a609-6b82873eab3c", "feed_url": "https://other.example/feed.xml",
                "item_guid": "a & b", "medium": "music", "title": "Other <tides>" }],
        },
    }));
    station.change_episode(
        0,
        json!({
            "description": "<p>Sun &amp; <b>moon</b>, <a href=\"https://harbour.example/?a=1&amp;b=2\">at odds</a>.</p>",
            "listing": {
                "link": "https://harbour.example/tides/neap",
                "content": "<h2>Neap</h2>\n<ul><li>One</li></ul>",
                "title": "Neap",
                "season": { "number": 1, "name": "Low & high" },
                "number": { "number": 12, "display": "Day 12" },
                "type": "bonus",
                "is_blocked": true,
            },
            "podcasting": {
                "persons": [{ "name": "Guest", "role": "guest" }],
                "locations": [{ "name": "The mole", "geo": "geo:53.5,9.9" }],
                "soundbites": [
                    { "start_time_milliseconds": 73_000, "duration_milliseconds": 60_000, "title": "The <ebb>" },
                    { "start_time_milliseconds": 1_234_500, "duration_milliseconds": 42_250 },
                ],
                "license": { "name": "harbour-v1", "url": "https://harbour.example/license" },
                "value": { "type": "lightning", "method": "keysend", "recipients": recipients },
                "images": [{ "href": "https://harbour.example/neap.jpg" }],
                "txt": [{ "purpose": "release", "value": "1" }],
            },
        }),
    );
    station
}

/// What the fields above do not hold: where the files of the first episode are.
pub fn with_files<'a>(feed: Feed<'a>) -> Feed<'a> {
    let items = feed.episodes().iter().cloned().map(|mut item| {
        if item.episode.id.as_str().ends_with('0') {
            item.artwork_url = Some(url("https://listen.example/artwork/neap.jpg"));
            item.chapters_url = Some(url("https://listen.example/chapters/neap.json"));
            item.transcripts = vec![Transcript {
                url: url("https://listen.example/transcripts/neap.vtt"),
                content_type: "text/vtt".parse().unwrap(),
                language: Some("en".parse().unwrap()),
                is_captions: true,
            }];
            item.alternate_enclosures = vec![AlternateEnclosure {
                content_type: "audio/opus".parse().unwrap(),
                size_bytes: 4_321,
                bit_rate: Some(32_000),
                height: None,
                language: Some("en".parse().unwrap()),
                title: Some("Small".parse().unwrap()),
                codecs: Some("opus".parse().unwrap()),
                is_default: false,
                hash: Some("0a".repeat(32).parse().unwrap()),
                sources: vec![
                    Source { uri: url("https://listen.example/media/neap.opus"), content_type: None },
                    Source {
                        uri: url("https://listen.example/neap.torrent"),
                        content_type: Some("application/x-bittorrent".parse().unwrap()),
                    },
                ],
            }];
        }
        item
    });
    let artwork = Some(url("https://harbour.example/cover.jpg"));
    Feed::new(feed.channel.show, &addresses(), artwork, items.collect())
}

pub fn day(day: u64) -> Timestamp {
    Timestamp::from_unix_seconds(1_767_225_600 + 86_400 * (day - 1))
}

pub fn url(text: &str) -> Url {
    text.parse().unwrap()
}

pub fn addresses() -> Addresses {
    Addresses::public(url("https://listen.example")).unwrap()
}

pub fn render(feed: &Feed<'_>) -> String {
    String::from_utf8(rss::render(feed)).unwrap()
}
