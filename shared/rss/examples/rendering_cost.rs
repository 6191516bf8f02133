//! What rendering a feed costs: `cargo run --release -p rss --example rendering_cost`.
//!
//! `rendering_cost_of_others.sh` beside it measures two other renderers with feeds of the same size.
#![allow(clippy::unwrap_used, reason = "a measurement, not production code")]

use std::{hint::black_box, io::Write, time::Instant};

use domain::{
    Addresses, Episode, Feed, FeedEpisode, Media, MediaContent, MediaFile, MediaFormat, NewEpisode, NewShow,
    Recording, Release, Show, Tags,
};
use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use tenant_context::Timestamp;

fn main() {
    let addresses = Addresses::public("https://listen.example".parse().unwrap()).unwrap();
    for (kind, paragraph) in [
        ("plain", "Sun and moon pull at the sea, and the sea follows & comes back, twice a day. "),
        ("HTML", "<p>Sun and <b>moon</b> pull at the <a href=\"https://sea.example/\">sea</a>.</p> "),
    ] {
        for count in [1_000, 10_000] {
            let (show, episodes) = station(count, &paragraph.repeat(2_100 / paragraph.len()));
            let feed = feed(&show, &episodes, &addresses);
            measure(&format!("{count} episodes, {kind}"), &feed);
        }
    }
}

fn measure(what: &str, feed: &Feed<'_>) {
    let document = rss::render(feed);
    let copy = fastest(|| black_box(black_box(&document).clone()).len());
    let rendered = fastest(|| rss::render(feed).len());
    let mut reused = Vec::with_capacity(document.len());
    let copied_again = fastest(|| {
        reused.clear();
        reused.extend_from_slice(black_box(&document));
        reused.len()
    });
    let written = fastest(|| {
        reused.clear();
        rss::write(&feed.channel, feed.episodes(), &mut reused).unwrap();
        reused.len()
    });
    let zipped = fastest(|| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(&document).unwrap();
        encoder.finish().unwrap().len()
    });

    let size = document.len() as f64;
    println!("{what}: {:.1} MB", size / 1e6);
    let row = |name: &str, seconds: f64, base: f64| {
        println!(
            "  {name:32} {:9.3} ms  {:6.3} ns/B  {:6.2} x",
            seconds * 1e3,
            seconds * 1e9 / size,
            seconds / base
        );
    };
    row("copy into new memory", copy, copy);
    row("render", rendered, copy);
    row("copy into memory in use", copied_again, copied_again);
    row("write on into memory in use", written, copied_again);
    row("gzip 6 of the document", zipped, copy);
}

/// The quickest of many rounds, in seconds: what else the machine did in the others is not the renderer's cost.
fn fastest(mut work: impl FnMut() -> usize) -> f64 {
    let began = Instant::now();
    let mut best = f64::INFINITY;
    let mut rounds = 0;
    while rounds < 5 || began.elapsed().as_millis() < 1_000 {
        let started = Instant::now();
        black_box(work());
        best = best.min(started.elapsed().as_secs_f64());
        rounds += 1;
    }
    best
}

fn station(count: usize, description: &str) -> (Show, Vec<(Episode, Media)>) {
    let at = |number: usize| Timestamp::from_unix_seconds(1_500_000_000 + 3_600 * number as u64);
    let new: NewShow = serde_json::from_value(json!({
        "slug": "tide-tables", "title": "Tide Tables", "description": "The sea, twice a day.", "language": "en",
        "category": "Science", "author": "Harbour Radio", "visibility": "public",
    }))
    .unwrap();
    let show = Show::new("shw_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(), new, at(0));
    let episodes = (0..count).map(|number| {
        let media = Media {
            id: format!("med_{number:026}").parse().unwrap(),
            original: MediaFile {
                hash: "0a".repeat(32).parse().unwrap(),
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
        }))
        .unwrap();
        let id = format!("epi_{number:026}").parse().unwrap();
        let mut episode = Episode::new(id, show.id.clone(), new, at(number));
        episode
            .publish(&show, &media, Release { at: Some(at(number)), ..Release::default() }, at(number))
            .unwrap();
        (episode, media)
    });
    let episodes = episodes.collect();
    (show, episodes)
}

fn feed<'a>(show: &'a Show, episodes: &'a [(Episode, Media)], addresses: &Addresses) -> Feed<'a> {
    let now = Timestamp::from_unix_seconds(4_000_000_000);
    let items = episodes
        .iter()
        .filter_map(|(episode, media)| FeedEpisode::new(episode, media, addresses, now))
        .collect();
    Feed::new(show, addresses, None, items)
}
