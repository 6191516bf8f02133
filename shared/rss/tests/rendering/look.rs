//! What feeds look like.

use domain::{Farewell, Feed, Visibility};
use serde_json::json;

use crate::station::{Station, addresses, everything, harbour_radio, render, with_files};

#[test]
fn a_public_feed() {
    insta::assert_snapshot!(harbour_radio().public());
}

#[test]
fn a_feed_with_everything() {
    let station = everything();
    insta::assert_snapshot!(render(&with_files(station.feed())));
}

#[test]
fn a_private_feed_is_not_for_directories() {
    let mut station = harbour_radio();
    station.show.visibility = Visibility::Private;
    station.change(json!({ "podcasting": { "blocks": [{ "id": "podcastindex", "is_blocked": false }] } }));
    station.episodes.truncate(1);
    let own = addresses().with_token("0123456789abcdefghjkmnpqrstvwxyz".parse().unwrap());
    insta::assert_snapshot!(render(&Feed::new(&station.show, &own, None, station.items(&own))));
}

#[test]
fn a_feed_without_episodes() {
    insta::assert_snapshot!(Station::new("Tide Tables", "Soon.").public());
}

#[test]
fn the_owner_s_address_is_shown_only_where_it_was_asked_for() {
    let mut station = harbour_radio();
    station.change(json!({ "podcasting": { "locked": { "shows_owner": true } } }));
    assert!(!station.public().contains("owner"));

    station.change(json!({ "listing": { "owner": { "name": "Desk" } } }));
    assert!(!station.public().contains("email") && !station.public().contains("owner="));

    station.change(json!({
        "listing": { "owner": { "name": "Desk", "email": "desk@harbour.example" } },
        "podcasting": { "locked": { "shows_owner": false } },
    }));
    assert_eq!(station.public().matches("desk@harbour.example").count(), 1);
    assert!(station.public().contains("<podcast:locked>"));
}

#[test]
fn a_feed_that_has_moved_says_where_to() {
    let mut station = harbour_radio();
    assert!(!station.public().contains("new-feed-url"));

    let feed_url = "https://other.example/feed?a=1&b=2".parse().unwrap();
    station.show.farewell = Some(Farewell::Moved { feed_url });

    let moved = station.public();
    assert!(
        moved.contains("<itunes:new-feed-url>https://other.example/feed?a=1&amp;b=2</itunes:new-feed-url>"),
        "{moved}"
    );
}

#[test]
fn the_same_feed_gives_the_same_bytes() {
    let mut reversed = everything();
    reversed.episodes.reverse();
    assert_eq!(everything().public(), everything().public());
    assert_eq!(everything().public(), reversed.public());
}
