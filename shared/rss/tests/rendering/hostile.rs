//! Text that means no good: it is refused with a reason, or comes out as it went in. The document is never broken.

use domain::{Content, Description, MediaFormat, NewEpisode, NewShow, ShowChanges};
use proptest::{prelude::*, test_runner::Config};
use serde_json::{Value, json};
use tenant_context::Timestamp;

use crate::{
    judges::{agree, is_well_formed, read_with_badpod},
    plain_xml,
    station::{Station, day, everything, render, with_files},
};

const HOSTILE: [&str; 9] = [
    "]]>",
    "]]]]><![CDATA[>",
    "</title></item></channel></rss>",
    "<script>alert(1)</script>",
    "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>&e;",
    "&amp;&lt;&#x0;&#60;",
    "\" onload=\"x",
    "100% {} %s ${x} \\u0000",
    "🎧 אבג \u{202e}مرحبا\u{202c} 潮汐 e\u{301} \u{200b}",
];

#[test]
fn hostile_text_comes_out_as_it_went_in() {
    for title in HOSTILE {
        // What HTML would take for another tag is no description to begin with.
        let description = if title.parse::<Description>().is_ok() { title } else { "No tags." };
        let mut station = Station::new(title, description);
        station.show.author = title.parse().unwrap();
        station.publish(title, description, MediaFormat::Mp3, day(2));
        agree(&station.feed(), &station.public());
    }
}

/// Every text of every tag, one after the other.
#[test]
fn no_field_breaks_the_document() {
    let station = everything();
    let show = serde_json::to_value(&station.show).unwrap();
    let mut pointers = Vec::new();
    strings("", &show["listing"], &mut pointers, "/listing");
    strings("", &show["podcasting"], &mut pointers, "/podcasting");
    assert!(pointers.len() > 40, "{pointers:?}");

    let (mut taken, mut refused) = (0, 0);
    for pointer in &pointers {
        for text in HOSTILE {
            let mut changes = json!({ "listing": show["listing"], "podcasting": show["podcasting"] });
            *changes.pointer_mut(pointer).unwrap() = text.into();
            let Ok(changes) = serde_json::from_value::<ShowChanges>(changes) else {
                refused += 1;
                continue;
            };
            let mut station = everything();
            station.show.apply(changes, day(1));
            let xml = render(&with_files(station.feed()));
            assert_eq!(read_with_badpod(&xml).item.len(), 2, "{pointer}: {text}");
            assert!(plain_xml::read(&xml).says(text), "{pointer}: {text}");
            taken += 1;
        }
    }
    assert!(taken > 100 && refused > 100, "{taken} taken, {refused} refused");
}

/// Where the strings of `value` are, as JSON pointers.
fn strings(path: &str, value: &Value, found: &mut Vec<String>, root: &str) {
    match value {
        Value::String(_) => found.push(format!("{root}{path}")),
        Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                strings(&format!("{path}/{at}"), value, found, root);
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                strings(&format!("{path}/{name}"), value, found, root);
            }
        }
        _ => {}
    }
}

#[test]
fn what_xml_cannot_carry_is_refused() {
    for bad in
        [r#""a\u0000b""#, r#""a\u001bb""#, r#""a\ud800b""#, r#""\udc00""#, r#""a\ufffe""#, r#""a\u0085b""#]
    {
        let show = format!(
            r#"{{"slug": "tides", "title": {bad}, "description": "x", "language": "en", "category": "News",
                "author": "x", "visibility": "public"}}"#
        );
        assert!(serde_json::from_str::<NewShow>(&show).is_err(), "{bad}");
        let episode = format!(r#"{{"title": "x", "description": {bad}}}"#);
        assert!(serde_json::from_str::<NewEpisode>(&episode).is_err(), "{bad}");
        let funding = format!(r#"{{"podcasting": {{"txt": [{{"value": {bad}}}]}}}}"#);
        assert!(serde_json::from_str::<ShowChanges>(&funding).is_err(), "{bad}");
    }
}

#[test]
fn a_million_characters_are_refused() {
    let long = "a".repeat(1_000_000);
    for (field, reason) in [("title", "255 characters"), ("description", "4000 bytes")] {
        let error = serde_json::from_value::<NewEpisode>(
            json!({ "title": "x", "description": "x" })
                .as_object()
                .map(|episode| {
                    let mut episode = episode.clone();
                    episode.insert(field.to_owned(), long.clone().into());
                    Value::Object(episode)
                })
                .unwrap(),
        )
        .unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn every_character_that_domain_lets_in_survives() {
    let every: Vec<char> =
        ('\0'..=char::MAX).filter(|&c| c.to_string().parse::<domain::Author>().is_ok()).collect();
    assert!(every.len() > 1_000_000);
    let mut station = Station::new("Tide Tables", "The sea, twice a day.");
    for (title, at) in every.chunks(255).zip(2..) {
        let title: String = title.iter().collect();
        let at = Timestamp::from_unix_seconds(at);
        station.publish(&title, "Every character.", MediaFormat::Mp3, at);
    }
    let feed = station.feed();
    let channel = read_with_badpod(&render(&feed));

    assert_eq!(channel.item.len(), feed.episodes().len());
    for (item, read) in feed.episodes().iter().zip(&channel.item) {
        assert_eq!(read.title, [item.episode.title.as_str()]);
    }
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(256) })]

    #[test]
    fn any_text_is_refused_or_survives(
        title in prop_oneof![".{0,60}", "[<>&\"'\\]/!a-c ]{0,40}"],
        html in prop_oneof![any::<String>(), "(<(/?[pbi]|a href=\"https://a\\.example\"|/a|!|script)>?|[a-c&;\\]> \n\t]){0,12}"],
    ) {
        let title = title.parse::<domain::EpisodeTitle>().map_or("x".to_owned(), String::from);
        let description = html.parse::<Description>().map_or("x".to_owned(), String::from);
        let mut station = Station::new(&title, &description);
        station.publish(&title, &description, MediaFormat::Mp3, day(2));
        if let Ok(content) = html.parse::<Content>() {
            station.episodes[0].0.listing.content = Some(content);
        }
        agree(&station.feed(), &station.public());
    }
}

#[test]
fn a_feed_of_hostile_texts_is_well_formed() {
    let mut station = everything();
    for text in HOSTILE {
        station.publish(text, "x", MediaFormat::Mp3, day(3));
    }
    is_well_formed(&station.public());
}
