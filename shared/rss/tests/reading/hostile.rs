//! Documents that mean no good, and documents that mean nothing.

use proptest::{prelude::*, test_runner::Config};
use rss::{
    NotAFeed,
    read::{DEEPEST, LARGEST_FEED, MOST_ELEMENTS, MOST_FINDINGS, MOST_ITEMS, Problem},
};

use crate::{
    feed, read,
    station::{everything, with_files},
};

#[test]
fn a_document_that_declares_entities_is_refused() {
    for declarations in [
        r#"[<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]"#,
        r#"[<!ENTITY e SYSTEM "file:///etc/passwd">]"#,
        r#"[<!ENTITY % p SYSTEM "https://other.example/x.dtd"> %p;]"#,
        r#"SYSTEM "x.dtd" [ ]"#,
    ] {
        let document =
            format!("<!DOCTYPE rss {declarations}><rss><channel><title>&c;&e;</title></channel></rss>");
        assert_eq!(rss::read(document.as_bytes()), Err(NotAFeed::DeclaresEntities), "{declarations}");
    }
}

#[test]
fn a_document_type_alone_does_no_harm_and_is_not_fetched() {
    for doctype in ["<!DOCTYPE rss>", r#"<!DOCTYPE rss PUBLIC "-//x//y" "http://127.0.0.1:1/rss.dtd">"#] {
        let document = feed("", "").replace("?>", &format!("?>{doctype}"));
        assert_eq!(read(document).findings, []);
    }
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| feed(&("<a>".repeat(depth) + &"</a>".repeat(depth)), "");
    read(nested(DEEPEST - 2));
    assert_eq!(rss::read(nested(DEEPEST - 1).as_bytes()), Err(NotAFeed::TooDeep));
    assert_eq!(rss::read("<rss>".repeat(1_000_000).as_bytes()), Err(NotAFeed::TooDeep));
}

#[test]
fn numbers_of_things_are_limited() {
    let items = |count: usize| feed("", "").replace("</channel>", &("<item/>".repeat(count) + "</channel>"));
    assert_eq!(read(items(MOST_ITEMS - 1)).items.len(), MOST_ITEMS);
    assert_eq!(rss::read(items(MOST_ITEMS).as_bytes()), Err(NotAFeed::TooManyItems));

    let many = "<x/>".repeat(MOST_ELEMENTS);
    assert_eq!(rss::read(feed(&many, "").as_bytes()), Err(NotAFeed::TooManyElements));
    assert_eq!(rss::read(feed("", &many).as_bytes()), Err(NotAFeed::TooManyElements));

    let large = vec![b' '; LARGEST_FEED + 1];
    assert_eq!(rss::read(&large), Err(NotAFeed::TooLarge));
    assert_eq!(rss::read(&large[1..]), Err(NotAFeed::Empty));
}

#[test]
fn findings_are_limited_and_counted() {
    let items = "<item><title>x</title></item>".repeat(MOST_ITEMS - 1);
    let findings = read(feed("", "").replace("</channel>", &(items + "</channel>"))).findings;
    assert_eq!(findings.len(), MOST_FINDINGS + 1);
    let more = 3 * (MOST_ITEMS - 1) - MOST_FINDINGS;
    assert_eq!(findings.last().unwrap().problem, Problem::More(more));
}

/// Each is some hundred kilobytes, and would take minutes or much memory if anything in it were compared with anything else in it.
#[test]
fn nothing_takes_longer_than_its_length() {
    const MANY: usize = 60_000;
    let many = |text: &str| text.repeat(MANY);
    let attributes: String = (0..MANY).map(|number| format!(" a{number}=\"&\"")).collect();
    let namespaces: String = (0..MANY).map(|number| format!(" xmlns:a{number}=\"x\"")).collect();
    for document in [
        feed(&format!("<copyright>{}</copyright>", many("& &a &amp ")), ""),
        feed(&format!("<copyright>{}</copyright>", many("&;&a;&#x;<!---->")), ""),
        feed(&format!("<copyright>{}</copyright>", many("<![CDATA[x]]>]")), ""),
        feed("", &format!("<description><p>{}</p></description>", many("x&nbsp;"))),
        feed("", &format!("<itunes:image href=\"{}\"/>", many("&&amp;&a"))),
        feed("", &format!("<itunes:image{attributes}/>")),
        feed(
            "",
            &format!("<itunes:duration>{}</itunes:duration><pubDate>{}</pubDate>", many("1:"), many("9 ")),
        ),
    ] {
        assert_eq!(read(document).items.len(), 1);
    }
    let namespaces = rss::read(format!("<rss{namespaces}/>").as_bytes()).unwrap_err();
    assert!(matches!(namespaces, NotAFeed::IllFormed { .. }), "{namespaces}");
}

#[test]
fn only_quotations_of_bounded_length_get_into_findings() {
    let read = read(feed("", &format!("<itunes:duration>{}</itunes:duration>", "é".repeat(100_000))));
    let said = read.findings[0].to_string();
    assert!(said.chars().count() < 200, "{said}");
}

/// A feed that has everything, and one that has everything wrong.
fn documents() -> [Vec<u8>; 2] {
    let station = everything();
    let wrong = feed(
        "<copyright>Caf&eacute; & Tom</copyright><description><p>x</p></description>",
        "<pubDate>09-Jan-26 10:20 pm GMT+1 (x)</pubDate><itunes:duration>1:2:3.5</itunes:duration><![CDATA[]]>",
    );
    [rss::render(&with_files(station.feed())), wrong.into_bytes()]
}

#[derive(Debug, Clone)]
enum Mutation {
    Set(u8),
    Insert(Vec<u8>),
    Remove(usize),
    Repeat(usize),
}

fn mutations() -> impl Strategy<Value = Vec<(prop::sample::Index, Mutation)>> {
    let pieces = prop::sample::select(
        [
            "<",
            ">",
            "&",
            ";",
            "\"",
            "'",
            "=",
            "/",
            "]]>",
            "<![CDATA[",
            "<!--",
            "-->",
            "<?",
            "?>",
            "<!DOCTYPE x [",
            "&#x110000;",
            "&#55296;",
            "xmlns:a=\"",
            "xmlns=\"",
            ":",
            "<item>",
            "</item>",
            "</channel>",
            "\0",
            "\u{ffff}",
            "é",
            "-",
            "+",
            "T",
            "99999999999999999999",
            " ",
        ]
        .map(|piece| piece.as_bytes().to_vec())
        .to_vec(),
    );
    let mutation = prop_oneof![
        any::<u8>().prop_map(Mutation::Set),
        pieces.prop_map(Mutation::Insert),
        (1..200_usize).prop_map(Mutation::Remove),
        (1..200_usize).prop_map(Mutation::Repeat),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), mutation), 1..8)
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(512) })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = rss::read(&bytes).is_ok();
        let _ = rss::read(&[b"<rss><channel><item>".as_slice(), &bytes].concat()).is_ok();
    }

    #[test]
    fn no_change_to_a_feed_makes_it_panic(which in 0..2_usize, mutations in mutations()) {
        let mut bytes = documents()[which].clone();
        for (index, mutation) in mutations {
            if bytes.is_empty() {
                break;
            }
            let at = index.index(bytes.len());
            let to = |length: usize| (at + length).min(bytes.len());
            match mutation {
                Mutation::Set(byte) => bytes[at] = byte,
                Mutation::Insert(piece) => { bytes.splice(at..at, piece); }
                Mutation::Remove(length) => { let to = to(length); bytes.drain(at..to); }
                Mutation::Repeat(length) => {
                    let piece = bytes[at..to(length)].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
        if let Ok(feed) = rss::read(&bytes) {
            for finding in &feed.findings {
                prop_assert!(!finding.to_string().is_empty());
            }
        }
    }

    #[test]
    fn no_date_or_duration_makes_it_panic(date in "[0-9A-Za-z:+, .T/()é-]{0,40}", duration in "[0-9:. +-]{0,20}") {
        read(feed("", &format!("<itunes:duration>{duration}</itunes:duration>"))
            .replace("Fri, 09 Jan 2026 00:00:00 +0000", &date));
    }
}
