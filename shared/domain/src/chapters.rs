//! Chapters of an episode, as the JSON chapters format 1.2 of the Podcasting 2.0 namespace has them.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Author, ChapterTitle, Description, EpisodeTitle, FileName, Invalid, Offset, PlaceName, ShowTitle, WebUrl,
    text::checked_text,
};

/// The chapters of an episode by when they start, and what else their document may say: the JSON chapters format 1.2 of
/// the Podcasting 2.0 namespace. The same chapters are written as the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "ChaptersDocument", into = "ChaptersDocument")]
pub struct Chapters {
    author: Option<Author>,
    title: Option<EpisodeTitle>,
    podcast_name: Option<ShowTitle>,
    description: Option<Description>,
    file_name: Option<FileName>,
    waypoints: Option<bool>,
    chapters: Vec<Chapter>,
}

/// A part of an episode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "ChapterDocument", into = "ChapterDocument")]
pub struct Chapter {
    start: Offset,
    end: Option<Offset>,
    title: Option<ChapterTitle>,
    image_url: Option<WebUrl>,
    url: Option<WebUrl>,
    is_in_contents: Option<bool>,
    location: Option<Location>,
}

/// A place that a chapter is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    /// As people call it.
    pub name: PlaceName,
    /// Where it is.
    pub geo: GeoUri,
    /// What it is on OpenStreetMap.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "if_filled_in")]
    pub osm: Option<OsmObject>,
}

impl Chapters {
    /// The most chapters of one episode.
    pub const MOST: usize = 1_000;

    /// The version of the format that is written.
    const VERSION: &str = "1.2.0";

    /// Chapters that were found inside a file of audio: start and end in milliseconds, title, link. Programs write all
    /// sorts of things into files, so what a chapter cannot have is left out, and so is a second chapter at one start.
    ///
    /// # Errors
    /// [`Invalid`] when no chapter is left, or more than [`Chapters::MOST`].
    pub fn found_in_file(
        found: impl IntoIterator<Item = (u64, Option<u64>, Option<String>, Option<String>)>,
    ) -> Result<Self, Invalid> {
        let chapter = |(start, end, title, url): (u64, Option<u64>, Option<String>, Option<String>)| {
            let start = Offset::from_milliseconds(start).ok()?;
            Some(Chapter {
                start,
                end: end.and_then(|end| Offset::from_milliseconds(end).ok()).filter(|end| *end > start),
                title: title.and_then(|title| title.parse().ok()),
                image_url: None,
                url: url.and_then(|url| url.parse().ok()),
                is_in_contents: None,
                location: None,
            })
        };

        let mut chapters: Vec<Chapter> = found.into_iter().filter_map(chapter).take(Self::MOST + 1).collect();
        chapters.sort_by_key(|chapter| chapter.start);
        chapters.dedup_by_key(|chapter| chapter.start);
        ChaptersDocument::of(chapters).try_into()
    }

    /// The chapters, by when they start.
    pub fn chapters(&self) -> &[Chapter] {
        &self.chapters
    }
}

impl Chapter {
    /// When it starts.
    pub fn start(&self) -> Offset {
        self.start
    }

    /// When it ends, if that is not when the next one starts; always after its start.
    pub fn end(&self) -> Option<Offset> {
        self.end
    }

    /// What it is called.
    pub fn title(&self) -> Option<&ChapterTitle> {
        self.title.as_ref()
    }

    /// A picture to show while it plays.
    pub fn image_url(&self) -> Option<&WebUrl> {
        self.image_url.as_ref()
    }

    /// A page about what it is about.
    pub fn url(&self) -> Option<&WebUrl> {
        self.url.as_ref()
    }

    /// Whether apps list it; one that they do not only changes the picture or the place.
    pub fn is_in_contents(&self) -> bool {
        self.is_in_contents.unwrap_or(true)
    }

    /// The place that it is about.
    pub fn location(&self) -> Option<&Location> {
        self.location.as_ref()
    }
}

/// [`Chapters`] on the wire. Unknown members are ignored, as the format has extensions.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "Chapters", rename_all = "camelCase")]
struct ChaptersDocument {
    /// Of the format: `1.2.0`.
    #[schemars(regex(pattern = r"^1\."))]
    version: String,
    /// Who made the episode.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "if_filled_in")]
    author: Option<Author>,
    /// The episode's title.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "if_filled_in")]
    title: Option<EpisodeTitle>,
    /// The show's title.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "if_filled_in")]
    podcast_name: Option<ShowTitle>,
    /// What the episode is about.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "if_filled_in")]
    description: Option<Description>,
    /// The file of audio that the chapters are of.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "if_filled_in")]
    file_name: Option<FileName>,
    /// Whether apps show a route from one chapter's location to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waypoints: Option<bool>,
    /// The chapters.
    #[schemars(length(min = 1, max = Chapters::MOST))]
    chapters: Vec<Chapter>,
}

/// [`Chapter`] on the wire.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "Chapter", rename_all = "camelCase")]
struct ChapterDocument {
    /// When it starts, in seconds.
    start_time: Offset,
    /// When it ends, in seconds; after its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end_time: Option<Offset>,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "if_filled_in")]
    title: Option<ChapterTitle>,
    /// A picture to show while it plays.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "if_filled_in")]
    img: Option<WebUrl>,
    /// A page about what it is about.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "if_filled_in")]
    url: Option<WebUrl>,
    /// `false` where apps should not list it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    toc: Option<bool>,
    /// The place that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<Location>,
}

impl ChaptersDocument {
    fn of(chapters: Vec<Chapter>) -> Self {
        Self {
            version: Chapters::VERSION.to_owned(),
            author: None,
            title: None,
            podcast_name: None,
            description: None,
            file_name: None,
            waypoints: None,
            chapters,
        }
    }
}

impl TryFrom<ChaptersDocument> for Chapters {
    type Error = Invalid;

    fn try_from(document: ChaptersDocument) -> Result<Self, Invalid> {
        let ChaptersDocument {
            version, author, title, podcast_name, description, file_name, waypoints, ..
        } = document;
        let mut chapters = document.chapters;

        if !version.starts_with("1.") {
            return Err(Invalid::new("the version of the JSON chapters format is 1.2.0"));
        }
        if !(1..=Self::MOST).contains(&chapters.len()) {
            return Err(Invalid::new("an episode has 1 to 1000 chapters"));
        }
        chapters.sort_by_key(|chapter| (chapter.start, chapter.is_in_contents()));
        let is_twice = |pair: &[Chapter]| {
            matches!(pair, [one, next] if one.start == next.start
                && one.is_in_contents() == next.is_in_contents())
        };
        if chapters.windows(2).any(is_twice) {
            return Err(Invalid::new("two chapters start at the same time: give each a start of its own"));
        }

        Ok(Self { author, title, podcast_name, description, file_name, waypoints, chapters })
    }
}

impl From<Chapters> for ChaptersDocument {
    fn from(chapters: Chapters) -> Self {
        let Chapters { author, title, podcast_name, description, file_name, waypoints, chapters } = chapters;
        let version = Chapters::VERSION.to_owned();
        Self { version, author, title, podcast_name, description, file_name, waypoints, chapters }
    }
}

impl TryFrom<ChapterDocument> for Chapter {
    type Error = Invalid;

    fn try_from(document: ChapterDocument) -> Result<Self, Invalid> {
        let ChapterDocument { start_time, end_time, title, img, url, toc, location } = document;
        if end_time.is_some_and(|end| end <= start_time) {
            return Err(Invalid::new("a chapter ends after it starts"));
        }
        Ok(Self {
            start: start_time,
            end: end_time,
            title,
            image_url: img,
            url,
            is_in_contents: toc,
            location,
        })
    }
}

impl From<Chapter> for ChapterDocument {
    fn from(chapter: Chapter) -> Self {
        let Chapter { start, end, title, image_url, url, is_in_contents, location } = chapter;
        Self { start_time: start, end_time: end, title, img: image_url, url, toc: is_in_contents, location }
    }
}

/// Programs write `""` where they have nothing to say.
fn if_filled_in<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: TryFrom<String, Error = Invalid>,
    D: Deserializer<'de>,
{
    let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.trim().is_empty());
    text.map(T::try_from).transpose().map_err(serde::de::Error::custom)
}

/// Latitude and longitude in degrees, and perhaps height: a `geo` URI (RFC 5870).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = GEO, "maxLength" = Self::LONGEST))]
pub struct GeoUri(String);

const GEO: &str = r"^geo:-?[0-9]+(\.[0-9]+)?,-?[0-9]+(\.[0-9]+)?(,-?[0-9]+(\.[0-9]+)?)?(;[!-~]*)?$";

impl GeoUri {
    const LONGEST: usize = 255;
}

impl FromStr for GeoUri {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_geo = text.len() <= Self::LONGEST
            && text.strip_prefix("geo:").is_some_and(|rest| {
                let (place, parameters) = rest.split_once(';').unwrap_or((rest, ""));
                is_place(place) && parameters.bytes().all(|byte| byte.is_ascii_graphic())
            });
        is_geo.then(|| Self(text.to_owned())).ok_or(Invalid::new(
            "a place is geo:, a latitude from -90 to 90, a comma and a longitude from -180 to 180, such as geo:48.858093,2.294694",
        ))
    }
}

checked_text!(GeoUri);

fn is_place(place: &str) -> bool {
    let within = |text: &str, most: f64| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_number = digits
            .splitn(2, '.')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
        is_number && text.parse().is_ok_and(|number: f64| number.abs() <= most)
    };

    let coordinates: Vec<&str> = place.splitn(4, ',').collect();
    match coordinates.as_slice() {
        [latitude, longitude] => within(latitude, 90.0) && within(longitude, 180.0),
        [latitude, longitude, height] => {
            within(latitude, 90.0) && within(longitude, 180.0) && within(height, f64::MAX)
        }
        _ => false,
    }
}

/// An object of OpenStreetMap, as `podcast:location` names it: `N`, `W` or `R` for node, way or relation, its number, and
/// perhaps `#` and a version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[NWR][0-9]{1,20}(#[0-9]{1,20})?$"))]
pub struct OsmObject(String);

impl FromStr for OsmObject {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_number =
            |text: &str| (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_object = text.strip_prefix(['N', 'W', 'R']).is_some_and(|rest| match rest.split_once('#') {
            Some((number, version)) => is_number(number) && is_number(version),
            None => is_number(rest),
        });
        is_object
            .then(|| Self(text.to_owned()))
            .ok_or(Invalid::new("an object of OpenStreetMap is N, W or R and its number, such as R113314"))
    }
}

checked_text!(OsmObject);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(json: Value) -> Result<Chapters, String> {
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    fn chapters(chapters: Value) -> Result<Chapters, String> {
        read(json!({"version": "1.2.0", "chapters": chapters}))
    }

    fn chapter(with: Value) -> Result<Chapter, String> {
        let mut chapter = json!({"startTime": 10});
        chapter.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        serde_json::from_value(chapter).map_err(|error| error.to_string())
    }

    #[test]
    fn everything_that_the_format_knows_is_kept() {
        let whole = json!({
            "version": "1.2.0",
            "author": "Acme",
            "title": "Spring Tide",
            "podcastName": "Tide Tables",
            "description": "How the sea\ncomes and goes.",
            "fileName": "spring-tide.mp3",
            "waypoints": true,
            "chapters": [
                {"startTime": 0, "endTime": 94.5, "title": "Ebb & Flow"},
                {
                    "startTime": 94.5,
                    "img": "https://example.org/moon.png",
                    "toc": false,
                    "location": {"name": "Dangast", "geo": "geo:53.447,8.110", "osm": "R123#2"},
                },
                {"startTime": 94.5, "title": "Moon", "url": "https://example.org/moon", "toc": true},
            ],
        });
        let parsed = read(whole.clone()).unwrap();
        assert_eq!(serde_json::to_value(&parsed).unwrap(), whole);

        let [first, second, third] = parsed.chapters() else { panic!() };
        assert_eq!(first.start().milliseconds(), 0);
        assert_eq!(first.end().unwrap().milliseconds(), 94_500);
        assert_eq!(first.title().unwrap().as_str(), "Ebb & Flow");
        assert_eq!(second.image_url().unwrap().as_str(), "https://example.org/moon.png");
        assert_eq!(second.location().unwrap().geo.as_str(), "geo:53.447,8.110");
        assert_eq!(third.url().unwrap().as_str(), "https://example.org/moon");
        assert_eq!([first, second, third].map(Chapter::is_in_contents), [true, false, true]);
    }

    #[test]
    fn the_same_chapters_are_the_same_bytes() {
        let text = r#"{"chapters":[{"title":"b","startTime":2.50},{"startTime":1.0, "x": 1}],"version":"1.1","y":{}}"#;
        assert_eq!(
            serde_json::to_string(&serde_json::from_str::<Chapters>(text).unwrap()).unwrap(),
            r#"{"version":"1.2.0","chapters":[{"startTime":1},{"startTime":2.5,"title":"b"}]}"#
        );
    }

    #[test]
    fn what_is_left_empty_is_left_out() {
        let chapter = chapter(json!({"title": "", "img": " ", "url": null, "toc": null})).unwrap();
        assert_eq!(serde_json::to_value(chapter).unwrap(), json!({"startTime": 10}));
    }

    #[test]
    fn a_chapter_is_checked_once_and_for_all() {
        for bad in [
            json!({"startTime": -1}),
            json!({"startTime": "10"}),
            json!({"startTime": null}),
            json!({"startTime": 3_600_000}),
            json!({"endTime": 10}),
            json!({"endTime": 9.9}),
            json!({"title": "a\nb"}),
            json!({"title": "a".repeat(256)}),
            json!({"url": "javascript:alert(1)"}),
            json!({"img": "cover.png"}),
            json!({"toc": "false"}),
            json!({"location": {"name": "Dangast"}}),
            json!({"location": {"name": "Dangast", "geo": "geo:91,0"}}),
            json!({"location": {"name": "Dangast", "geo": "geo:0,0", "osm": "X1"}}),
        ] {
            assert!(chapter(bad.clone()).is_err(), "{bad}");
        }
        assert_eq!(chapter(json!({"endTime": 10})).unwrap_err(), "a chapter ends after it starts");
        assert!(serde_json::from_str::<Chapter>(r#"{"title": "a"}"#).is_err());
    }

    #[test]
    fn an_episode_has_1_to_1000_chapters_at_different_times() {
        let many = |many: u32| chapters((0..many).map(|start| json!({"startTime": start})).collect());
        assert!(many(1).is_ok());
        assert!(many(1_000).is_ok());
        assert_eq!(many(0).unwrap_err(), "an episode has 1 to 1000 chapters");
        assert_eq!(many(1_001).unwrap_err(), "an episode has 1 to 1000 chapters");
        assert_eq!(
            chapters(json!([{"startTime": 1}, {"startTime": 0}, {"startTime": 1.0001}])).unwrap_err(),
            "two chapters start at the same time: give each a start of its own"
        );
    }

    #[test]
    fn another_format_is_refused() {
        for bad in [json!({"version": "2.0", "chapters": [{"startTime": 0}]}), json!({"version": "1.2.0"})] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
        assert!(read(json!([])).is_err());
    }

    #[test]
    fn places_are_on_earth() {
        for good in ["geo:48.858093,2.294694", "geo:-90,180", "geo:0,-0.5,-12;u=35;crs=wgs84"] {
            assert_eq!(good.parse::<GeoUri>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "geo:",
            "geo:1",
            "geo:1,",
            "geo:90.1,0",
            "geo:0,180.1",
            "geo:1,2,3,4",
            "geo:1e1,2",
            "geo:+1,2",
            "geo:.5,2",
            "geo:1.,2",
            "geo:1,2; u=3",
            "48.8,2.2",
            "geo:nan,inf",
            "geo:--1,2",
        ] {
            assert!(bad.parse::<GeoUri>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_a_file_says_is_taken_as_far_as_it_goes() {
        let text = |text: &str| Some(text.to_owned());
        let found = Chapters::found_in_file([
            (5_000, Some(5_000), text(""), text("nonsense")),
            (0, Some(5_000), text(" Ebb "), text("https://example.org/")),
            (5_000, None, text("again"), None),
            (u64::MAX, None, text("never"), None),
        ]);
        assert_eq!(
            serde_json::to_value(found.unwrap()).unwrap(),
            json!({"version": "1.2.0", "chapters": [
                {"startTime": 0, "endTime": 5, "title": "Ebb", "url": "https://example.org/"},
                {"startTime": 5},
            ]})
        );
        assert!(Chapters::found_in_file([]).is_err());
        assert!(Chapters::found_in_file((0..1_001).map(|start| (start, None, None, None))).is_err());
    }

    #[test]
    fn the_schema_has_the_format_s_own_names() {
        let schema = schemars::schema_for!(Chapters);
        assert_eq!(schema.get("required").unwrap(), &json!(["version", "chapters"]));
        let chapter = &schema.get("$defs").unwrap()["Chapter"];
        assert_eq!(chapter["required"], json!(["startTime"]));
        let members: Vec<&String> = chapter["properties"].as_object().unwrap().keys().collect();
        assert_eq!(members, ["startTime", "endTime", "title", "img", "url", "toc", "location"]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            parts in prop::collection::btree_map(0..3_000_000_u64, (1..1_000_u64, "[a-zé ]{1,20}", any::<Option<bool>>()), 1..20),
        ) {
            let listed: Vec<Value> = parts
                .into_iter()
                .map(|(start, (len, title, toc))| {
                    let seconds = |milliseconds: u64| milliseconds as f64 / 1_000.0;
                    json!({"startTime": seconds(start), "endTime": seconds(start + len), "title": title, "toc": toc})
                })
                .collect();
            let read = chapters(Value::Array(listed)).unwrap();
            let written = serde_json::to_string(&read).unwrap();
            let again: Chapters = serde_json::from_str(&written).unwrap();
            prop_assert_eq!(&again, &read);
            prop_assert_eq!(serde_json::to_string(&again).unwrap(), written);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}") {
            let _: Result<GeoUri, Invalid> = text.parse();
            let _: Result<OsmObject, Invalid> = text.parse();
            if let Ok(url) = text.parse::<WebUrl>() {
                prop_assert_eq!(url.as_str().parse(), Ok(url.clone()));
            }
        }
    }
}
