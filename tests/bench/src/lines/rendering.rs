//! What rendering a feed costs, beside a plain copy of its bytes, gzip, and what two other renderers take.

use std::{
    hint::black_box,
    io::{self, Write},
};

use domain::{
    Addresses, Episode, Feed, FeedEpisode, Media, MediaContent, MediaFile, MediaFormat, NewEpisode, NewShow,
    Recording, Release, Show, Tags,
};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use tenant_context::Timestamp;

use super::{fastest, ratio};
use crate::{
    others::Others,
    page::{Budget, Section},
    world::Outcome,
};

const PARAGRAPH: &str = "Sun and moon pull at the sea, and the sea follows & comes back, twice a day. ";

/// Rendering, of 1,000 and 10,000 episodes.
///
/// # Errors
/// Where the feed is not as it must be.
pub fn measure(others: &Others) -> Outcome<Section> {
    let mut section = Section::new(
        "Rendering",
        "As functions do it, into memory that is asked for each time, beside a copy of the same bytes into such memory. Others: \
         nanoseconds for each byte of their own document ÷ ours, with episodes that say the same.",
    );
    let renderers = others.renderers();
    for count in [1_000, 10_000] {
        let (document, cost) = render(&mut section, count)?;
        let ours = cost.as_secs_f64() * 1e9 / document as f64;
        for ((name, printed), least) in renderers.iter().zip([50.0, 10.0]) {
            let line = format!("{name}, {count} episodes ÷ ours");
            match printed {
                Ok(printed) => {
                    let costs: Value = serde_json::from_str(printed)?;
                    let theirs =
                        costs.get(count.to_string()).and_then(Value::as_f64).ok_or("no cost printed")?;
                    let measured = format!("{theirs:.2} ns/B");
                    section.ratio(&line, measured, theirs / ours, Some(Budget::AtLeast(least)));
                }
                Err(reason) => section.note(format!("{line}: not measured. {reason}.")),
            }
        }
    }
    Ok(section)
}

/// The size of the document, and what writing it into new memory takes.
fn render(section: &mut Section, count: usize) -> Outcome<(usize, std::time::Duration)> {
    let (show, episodes) = station(count)?;
    let (feed, addresses) = (feed(&show, &episodes)?, addresses()?);
    let page_url = |number| addresses.feed_page(&show.slug, number);
    let document = rss::render(&feed);
    let size = document.len();

    let copied = fastest(|| black_box(&document).clone());
    let rendered = fastest(|| rss::render(&feed));
    let in_pages = fastest(|| rss::render_pages(&feed, rss::LARGEST_DOCUMENT, page_url));
    let described = fastest(|| {
        let mut bytes = Vec::with_capacity(size);
        for (episode, _) in black_box(&episodes) {
            bytes.extend_from_slice(episode.description.as_str().as_bytes());
        }
        bytes
    });
    let zipped = fastest(|| gzip(&document));

    let per_byte = |cost: std::time::Duration| format!("{:.3} ns/B", cost.as_secs_f64() * 1e9 / size as f64);
    let name = |what: &str| format!("{what}, {count} episodes ({:.1} MB)", size as f64 / 1e6);
    section.ratio(
        &name("rendered ÷ copy"),
        per_byte(rendered),
        ratio(rendered, copied),
        Some(Budget::AtMost(3.0)),
    );
    section.ratio(
        &name("rendered in pages of 5 MB at most ÷ copy"),
        per_byte(in_pages),
        ratio(in_pages, copied),
        None,
    );
    section.ratio(
        &name("a copy of their descriptions, one by one ÷ copy"),
        per_byte(described),
        ratio(described, copied),
        None,
    );
    section.ratio(&name("gzip -6 of it ÷ copy"), per_byte(zipped), ratio(zipped, copied), None);
    Ok((size, rendered))
}

/// A document of 1,000 episodes, and the same compressed.
///
/// # Errors
/// Where the feed is not as it must be.
pub fn documents() -> Outcome<(Vec<u8>, Vec<u8>)> {
    let (show, episodes) = station(1_000)?;
    let document = rss::render(&feed(&show, &episodes)?);
    let zipped = gzip(&document)?;
    Ok((document, zipped))
}

fn gzip(document: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(document)?;
    encoder.finish()
}

fn station(count: usize) -> Outcome<(Show, Vec<(Episode, Media)>)> {
    let description = PARAGRAPH.repeat(2_100 / PARAGRAPH.len());
    let at = |number: usize| Timestamp::from_unix_seconds(1_500_000_000 + 3_600 * number as u64);
    let new: NewShow = serde_json::from_value(json!({
        "slug": "tide-tables", "title": "Tide Tables", "description": "The sea, twice a day.", "language": "en",
        "category": "Science", "author": "Harbour Radio", "visibility": "public",
    }))?;
    let show = Show::new("shw_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse()?, new, at(0));
    let episodes = (0..count).map(|number| {
        let media = Media {
            id: format!("med_{number:026}").parse()?,
            original: MediaFile {
                hash: "0a".repeat(32).parse()?,
                size_bytes: 12_345_678,
                crc32: 0,
                format: MediaFormat::Mp3,
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
            created_at: at(number),
        };
        let new: NewEpisode = serde_json::from_value(json!({
            "title": format!("Tide {number}: ebb & flow"), "description": description, "media_id": media.id,
        }))?;
        let id = format!("epi_{number:026}").parse()?;
        let mut episode = Episode::new(id, show.id.clone(), new, at(number));
        episode
            .publish(&show, &media, Release { at: Some(at(number)), ..Release::default() }, at(number))
            .map_err(|broken| format!("{broken:?}"))?;
        Ok((episode, media))
    });
    let episodes = episodes.collect::<Outcome<Vec<_>>>()?;
    Ok((show, episodes))
}

fn addresses() -> Outcome<Addresses> {
    Ok(Addresses::public("https://listen.example".parse()?)?)
}

fn feed<'a>(show: &'a Show, episodes: &'a [(Episode, Media)]) -> Outcome<Feed<'a>> {
    let addresses = addresses()?;
    let now = Timestamp::from_unix_seconds(4_000_000_000);
    let items = episodes
        .iter()
        .filter_map(|(episode, media)| FeedEpisode::new(episode, media, &addresses, now))
        .collect();
    Ok(Feed::new(show, &addresses, None, items))
}
