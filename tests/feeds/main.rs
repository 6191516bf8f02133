//! A feed with every tag, as parsers of other languages read it: gPodder's and `feedparser` in Python, Podcast Index's in Node.
//! The feed is the one that the tests of `shared/rss` hold against what is rendered.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests are tests")]

#[path = "../node_packages.rs"]
mod node_packages;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tokio::runtime::Runtime;

const SNAPSHOT: &str = "shared/rss/tests/rendering/snapshots/rendering__look__a_feed_with_everything.snap";

#[test]
fn python_reads_what_was_written() {
    let python = Runtime::new().unwrap().block_on(local::python_environment()).unwrap();
    let read = read(Command::new(python).arg(here().join("read.py")));

    let show = &read["podcastparser"];
    assert_eq!(show["title"], "Tide Tables");
    assert_eq!(show["link"], "https://harbour.example/tides?a=1&b=2");
    assert_eq!(show["cover_url"], "https://harbour.example/cover.jpg");
    assert_eq!(show["type"], "serial");
    assert_eq!(
        show["itunes_categories"],
        json!([["Science", "Earth Sciences"], ["History"], ["Society & Culture", "Places & Travel"]])
    );
    assert_eq!(show["itunes_owner"], json!({ "name": "Harbour Radio", "email": "desk@harbour.example" }));
    let neap = &show["episodes"][0];
    assert_eq!(neap["guid"], "epi_00000000000000000000000000");
    assert_eq!(neap["description_html"], "<h2>Neap</h2>\n<ul><li>One</li></ul>");
    assert_eq!((&neap["season"], &neap["number"], &neap["type"]), (&json!(1), &json!(12), &json!("bonus")));
    assert_eq!((&neap["total_time"], &neap["published"]), (&json!(1835), &json!(1_767_312_000)));
    assert_eq!(neap["enclosures"][0]["file_size"], 12_345_678);
    assert_eq!(show["episodes"][1]["title"], "Spring Tide <live>");

    let other = &read["feedparser"];
    assert_eq!(other["is_broken"], false);
    assert_eq!(other["feed"]["rights"], "Harbour Radio");
    assert_eq!(other["feed"]["itunes_complete"], "Yes");
    assert_eq!(
        other["entries"][1]["summary"],
        "<p>Sun &amp; <b>moon</b>, <a href=\"https://harbour.example/?a=1&amp;b=2\">at odds</a>.</p>"
    );
}

#[test]
fn podcast_index_reads_every_tag_of_podcasting_2() {
    let packages = node_packages::install(&here(), "feeds").unwrap_or_else(|reason| panic!("{reason}"));
    let show = read(Command::new("node").arg(here().join("read.mjs")).arg(packages));

    assert_eq!(
        show["pc20support"],
        json!({
            "1": ["locked", "funding", "transcript", "chapters", "soundbite"],
            "2": ["person", "location", "season", "episode"],
            "3": ["trailer", "license", "guid", "alternateEnclosure"],
            "4": ["value", "medium"],
            "5": ["block"],
            "6": ["txt", "podroll"],
        })
    );
    assert_eq!((&show["locked"], &show["podcastOwner"]), (&json!(false), &json!("desk@harbour.example")));
    assert_eq!(show["podcastPeople"][0]["role"], "Co-Host");
    assert_eq!(show["podcastFunding"][1]["message"], "Or a \"sail\"");
    assert_eq!(show["podcastBlockedPlatforms"], json!({ "podcastindex": false }));
    assert_eq!(show["trailers"][0]["title"], "Soon <again>");
    assert_eq!(show["license"]["identifier"], "cc-by-4.0");
    assert_eq!(show["value"]["recipients"][1]["fee"], true);
    assert_eq!(show["podroll"][0]["title"], "Other <tides>");
    let neap = &show["items"][1];
    assert_eq!(neap["podcastSeason"], json!({ "number": 1, "name": "Low & high" }));
    assert_eq!(neap["podcastEpisode"], json!({ "number": 12, "display": "Day 12" }));
    assert_eq!(neap["podcastTranscripts"][0]["rel"], "captions");
    assert_eq!(neap["podcastSoundbites"][1]["startTime"], 1234.5);
    assert_eq!(neap["alternativeEnclosures"][0]["integrity"]["type"], "sri");
}

/// What a program prints as JSON that is given the feed.
fn read(program: &mut Command) -> Value {
    let snapshot =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(SNAPSHOT)).unwrap();
    let feed = snapshot.splitn(3, "---\n").nth(2).unwrap();
    let mut program = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    program.stdin.take().unwrap().write_all(feed.as_bytes()).unwrap();
    let output = program.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("feeds")
}
