//! A state outlives the run that made it, and follows the next run to other ports.

use std::net::TcpListener;

use bytes::Bytes;
use http::Request;
use local::{Options, Stack};

#[tokio::test]
async fn a_state_goes_to_other_ports_with_its_feeds() {
    let home = tempfile::tempdir().unwrap();
    let options = Options {
        home: home.path().to_owned(),
        is_temporary: false,
        load_demo: true,
        ..Options::for_tests().unwrap()
    };
    let before = Stack::start(options.clone()).await.unwrap();
    let old_address = before.listener().to_owned();
    before.stop().await;
    let _taken = TcpListener::bind(old_address.trim_start_matches("http://")).unwrap();

    let after = Stack::start(Options { fresh: false, ..options }).await.unwrap();

    let get =
        async |url: &str| after.http().send(Request::get(url).body(Bytes::new()).unwrap()).await.unwrap();
    let feeds = [&after.demo().feeds[..], &after.demo().private_feeds[..]].concat();
    assert_eq!(feeds.len(), 3);
    for url in feeds {
        let feed = String::from_utf8(get(&url).await.body().to_vec()).unwrap();
        assert!(!feed.contains(&old_address), "{feed}");
        let (_, enclosure) = feed.split_once("<enclosure url=\"").unwrap();
        let (enclosure, _) = enclosure.split_once('"').unwrap();
        assert!(enclosure.starts_with(after.listener()), "{enclosure}");
        assert_eq!(get(enclosure).await.status(), 302);
    }
    after.stop().await;
}
