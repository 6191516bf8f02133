//! Feeds as they are found.

use rss::{
    NotAFeed,
    read::{Place, Problem},
};

use crate::{feed, read, said};

const OLD_NAMESPACES: &str = r#"<rss version="2.0" xmlns:apple="HTTP://www.iTunes.com/DTDs/Podcast-1.0.dtd"
    xmlns:p20="https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/1.0.md">
    <channel><title>Tides</title><description>The sea.</description><apple:author>Desk</apple:author>
    <p20:guid>9b024349-ccf0-5f69-a609-6b82873eab3c</p20:guid><p20:locked>yes</p20:locked>
    <person xmlns="https://podcastindex.org/namespace/1.0" role="host">Host</person></channel></rss>"#;

#[test]
fn namespaces_count_and_prefixes_do_not() {
    let feed = read(OLD_NAMESPACES);
    assert_eq!(feed.channel.author.as_deref(), Some("Desk"));
    assert_eq!(feed.channel.guid.as_deref(), Some("9b024349-ccf0-5f69-a609-6b82873eab3c"));
    assert!(feed.channel.locked.unwrap().is_locked);
    assert_eq!(feed.channel.persons[0].name, "Host");
    assert_eq!(feed.findings, []);

    let other = feed_with_prefix("https://other.example/");
    assert_eq!(read(&other).channel.author, None, "it is somebody else's author");
    let undeclared = read(other.replace(r#" xmlns:itunes="https://other.example/""#, ""));
    assert_eq!(undeclared.channel.author.as_deref(), Some("Desk"));
    assert_eq!(
        said(&undeclared.findings),
        ["channel: the prefix itunes is not declared and was taken for what it usually is"]
    );
}

fn feed_with_prefix(namespace: &str) -> String {
    format!(
        r#"<rss xmlns:itunes="{namespace}"><channel><title>Tides</title><description>The sea.</description>
        <itunes:author>Desk</itunes:author></channel></rss>"#
    )
}

#[test]
fn a_namespace_of_somebody_s_own_for_all_of_rss_does_no_harm() {
    let feed = feed("", "").replace("<rss ", "<rss xmlns=\"http://backend.userland.com/rss2\" ");
    assert_eq!(read(feed).items[0].title.as_deref(), Some("Neap Tide"));
}

#[test]
fn space_before_the_declaration_does_no_harm() {
    for start in ["\u{feff}", "\n\n  ", "\u{feff}\r\n"] {
        let feed = read(start.to_owned() + &feed("", ""));
        assert_eq!((feed.items.len(), feed.findings), (1, vec![]), "{start:?}");
    }
}

#[test]
fn html_s_references_are_read_and_others_stay() {
    let feed = read(feed(
        "<copyright>Caf&eacute;&nbsp;&copy; &#8212; &#x2014; &#146; &bogus; Tom & Jerry; AT&T</copyright>",
        "<link>https://harbour.example/?a=1&b=2</link><itunes:image href=\"https://harbour.example/?a=1&b=2&amp;c=3&eacute;\"/>",
    ));
    assert_eq!(feed.channel.copyright.as_deref(), Some("Café\u{a0}© — — ’ &bogus; Tom & Jerry; AT&T"));
    assert_eq!(feed.items[0].link.as_deref(), Some("https://harbour.example/?a=1&b=2"));
    assert_eq!(feed.items[0].artwork_url.as_deref(), Some("https://harbour.example/?a=1&b=2&c=3é"));
    assert_eq!(
        said(&feed.findings),
        [
            "channel: &bogus; is not known and was kept as text",
            "channel: an ampersand stands for itself, where &amp; should",
            "item 1: an ampersand stands for itself, where &amp; should",
        ]
    );
}

#[test]
fn cdata_is_text() {
    let feed = read(feed(
        "",
        "<content:encoded><![CDATA[<p>Ebb &amp; flow</p>]]> and <![CDATA[<b>]]></content:encoded>",
    ));
    assert_eq!(feed.items[0].content.as_deref(), Some("<p>Ebb &amp; flow</p> and <b>"));
    assert_eq!(feed.findings, []);
}

#[test]
fn tags_that_are_not_escaped_are_text_where_text_is() {
    let read = read(feed("", "<content:encoded>\n<p>Ebb &amp; <b>flow</b><br/></p></content:encoded>"));
    assert_eq!(read.items[0].content.as_deref(), Some("<p>Ebb &amp; <b>flow</b><br/></p>"));
    assert_eq!(said(&read.findings), ["item 1: content:encoded has tags that are not escaped"]);
}

#[test]
fn a_document_is_read_in_the_encoding_that_it_names() {
    let feed = feed("<copyright>Café “Flut”</copyright>", "");
    for (label, encoding) in [
        ("windows-1252", encoding_rs::WINDOWS_1252),
        ("ISO-8859-1", encoding_rs::WINDOWS_1252),
        ("utf-8", encoding_rs::UTF_8),
    ] {
        let bytes = encoding.encode(&feed).0.into_owned();
        let named = replace(&bytes, b"UTF-8", label.as_bytes());
        let read = read(named);
        assert_eq!(read.channel.copyright.as_deref(), Some("Café “Flut”"), "{label}");
        assert_eq!(read.findings, [], "{label}");
    }

    let named = feed.replace("UTF-8", "UTF-16");
    let little: Vec<u8> = named.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = named.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in
        [&little, &big, &[b"\xff\xfe", little.as_slice()].concat(), &[b"\xfe\xff", big.as_slice()].concat()]
    {
        let read = read(bytes);
        assert_eq!(read.channel.copyright.as_deref(), Some("Café “Flut”"));
        assert_eq!(read.findings, []);
    }
}

fn replace(bytes: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let at = bytes.windows(what.len()).position(|window| window == what).unwrap();
    [&bytes[..at], with, &bytes[at + what.len()..]].concat()
}

#[test]
fn bytes_that_are_not_what_they_are_said_to_be_lose_as_little_as_can_be() {
    let feed = feed("<copyright>Café – Ebbe</copyright>", "");
    let old = encoding_rs::WINDOWS_1252.encode(&feed).0.into_owned();
    let from_windows = read(old);
    assert_eq!(from_windows.channel.copyright.as_deref(), Some("Café – Ebbe"));
    assert_eq!(
        said(&from_windows.findings),
        ["the document says that it is in UTF-8, and was read as windows-1252"]
    );

    let mixed = read(replace(feed.as_bytes(), b"Ebbe", b"Ebb\xe9"));
    assert_eq!(mixed.channel.copyright.as_deref(), Some("Café – Ebb\u{fffd}"));
    assert_eq!(said(&mixed.findings), ["some bytes are not UTF-8: U+FFFD stands for them"]);

    let unknown = read(feed.replace("UTF-8", "KLINGON"));
    assert_eq!(unknown.channel.copyright.as_deref(), Some("Café – Ebbe"));
    assert_eq!(said(&unknown.findings), ["the document says that it is in KLINGON, and was read as UTF-8"]);

    let wrong = read(feed.replace("UTF-8", "UTF-16"));
    assert_eq!(wrong.channel.copyright.as_deref(), Some("Café – Ebbe"));
    assert_eq!(wrong.findings.len(), 1);
}

#[test]
fn characters_that_xml_cannot_carry_are_left_out() {
    let read = read(feed("<copyright>a\u{8}b\u{b}c&#0;&#11;</copyright>", ""));
    assert_eq!(read.channel.copyright.as_deref(), Some("abc&#0;&#11;"));
    assert_eq!(read.findings[0].problem, Problem::ForbiddenCharacters);
    assert_eq!(read.findings[0].place, Place::Document);
}

#[test]
fn an_item_without_a_guid_has_its_enclosure_s_url() {
    let read = read(feed("", "").replace("<guid>neap</guid>", "<guid> </guid>"));
    let guid = read.items[0].guid.clone().unwrap();
    assert_eq!((guid.value.as_str(), guid.is_enclosure_url), ("https://harbour.example/neap.mp3", true));
    assert_eq!(said(&read.findings), ["item 1: there is no guid: the URL of the enclosure is taken for one"]);
}

#[test]
fn items_that_share_a_guid_are_kept_and_marked() {
    let item =
        r#"<item><title>x</title><guid isPermaLink="FALSE">neap</guid><pubDate>2026-01-09</pubDate></item>"#;
    let document = feed("", "").replace("</channel>", &format!("{}</channel>", item.repeat(2)));
    let read = read(document);
    assert_eq!(read.items.iter().map(|item| item.duplicate_of).collect::<Vec<_>>(), [None, Some(0), Some(0)]);
    assert_eq!(
        read.items.iter().map(|item| item.guid.as_ref().unwrap().is_permalink).collect::<Vec<_>>(),
        [true, false, false]
    );
    assert_eq!(
        said(&read.findings),
        [
            "item 2: there is no enclosure",
            "item 3: there is no enclosure",
            "item 2: the guid is that of item 1 too",
            "item 3: the guid is that of item 1 too",
        ]
    );
}

#[test]
fn what_cannot_be_read_is_a_finding_and_the_rest_is_there() {
    let read = read(
        feed(
            "<itunes:explicit>maybe</itunes:explicit><podcast:locked>perhaps</podcast:locked><podcast:funding>x</podcast:funding>",
            r#"<itunes:duration>half an hour</itunes:duration><itunes:season>two</itunes:season>
            <podcast:episode>1.5</podcast:episode><podcast:transcript type="text/vtt"/>
            <podcast:soundbite startTime="x" duration="1"/><podcast:alternateEnclosure type="audio/opus"/>
            <enclosure url="https://harbour.example/second.mp3"/>"#,
        )
        .replace("Fri, 09 Jan 2026 00:00:00 +0000", "yesterday")
        .replace("\"1234\"", "\"12 MB\""),
    );
    assert_eq!(read.channel.explicit, None);
    assert!(read.channel.locked.unwrap().is_locked, "a lock that cannot be read is shut");
    let item = &read.items[0];
    assert_eq!((item.published_at, item.duration_seconds, &item.season), (None, None, &None));
    assert_eq!(item.enclosure.as_ref().unwrap().url, "https://harbour.example/neap.mp3");
    assert_eq!(
        said(&read.findings),
        [
            "item 1: there is more than one enclosure: the first was read",
            r#"item 1: enclosure length is "12 MB", which cannot be read"#,
            r#"item 1: pubDate is "yesterday", which cannot be read"#,
            r#"item 1: itunes:duration is "half an hour", which cannot be read"#,
            r#"item 1: itunes:season is "two", which cannot be read"#,
            r#"item 1: podcast:episode is "1.5", which cannot be read"#,
            "item 1: podcast:transcript without url was left out",
            r#"item 1: startTime is "x", which cannot be read"#,
            "item 1: podcast:alternateEnclosure without source was left out",
            r#"channel: itunes:explicit is "maybe", which cannot be read"#,
            r#"channel: podcast:locked is "perhaps", which cannot be read"#,
            "channel: podcast:funding without url was left out",
        ]
    );
}

#[test]
fn old_words_are_understood() {
    let read = read(feed(
        r#"<itunes:explicit>Clean</itunes:explicit><itunes:image>https://harbour.example/a.jpg</itunes:image>
        <itunes:category text="Arts"><itunes:category text="Food"/><itunes:category text="Design"/></itunes:category>
        <itunes:category text="Arts"><itunes:category text="Food"/></itunes:category><itunes:category text="News"/>
        <atom:link rel="next" href="https://harbour.example/2"/>"#,
        "<itunes:explicit>explicit</itunes:explicit><itunes:summary>Notes</itunes:summary>
        <podcast:season name=\"Low\">3</podcast:season><podcast:episode display=\"Ch. 4\">4</podcast:episode>",
    ));
    assert_eq!((read.channel.explicit, read.items[0].explicit), (Some(false), Some(true)));
    assert_eq!(read.channel.categories, ["Arts > Food", "Arts > Design", "News"]);
    assert_eq!(read.channel.artwork_url.as_deref(), Some("https://harbour.example/a.jpg"));
    assert_eq!(read.channel.links.next.as_deref(), Some("https://harbour.example/2"));
    assert_eq!(read.items[0].description.as_deref(), Some("Notes"));
    assert_eq!(read.items[0].season.as_ref().unwrap().number, 3);
    assert_eq!(read.items[0].number.as_ref().unwrap().display.as_deref(), Some("Ch. 4"));
    assert_eq!(read.findings, []);
}

#[test]
fn artwork_is_looked_for_in_three_places() {
    let plain = "<image><url>https://harbour.example/plain.png</url></image>";
    let new = r#"<podcast:image href="https://harbour.example/a.png"/><podcast:image href="https://harbour.example/b.png" purpose="artwork"/>"#;
    let apple = r#"<itunes:image href="https://harbour.example/apple.png"/>"#;
    let artwork = |channel: &str| read(feed(channel, "")).channel.artwork_url.unwrap();
    assert_eq!(artwork(&[new, plain, apple].concat()), "https://harbour.example/apple.png");
    assert_eq!(artwork(&[new, plain].concat()), "https://harbour.example/plain.png");
    assert_eq!(artwork(new), "https://harbour.example/b.png");
}

#[test]
fn items_beside_the_channel_are_read_and_what_comes_after_the_feed_is_not() {
    let document =
        feed("", "").replace("</channel></rss>", "</channel><item><guid>late</guid></item></rss><script/>");
    let read = read(document);
    assert_eq!(read.items.len(), 2);
    assert_eq!(read.findings.last().unwrap().problem, Problem::TrailingContent);
}

#[test]
fn tags_of_others_mean_nothing() {
    let document = feed(
        r#"<x:title xmlns:x="https://other.example/">Wrong</x:title><unknown><title>Wrong</title></unknown>"#,
        r#"<media:title xmlns:media="http://search.yahoo.com/mrss/">Wrong & &bad;</media:title>"#,
    );
    let read = read(document);
    assert_eq!(read.channel.title.as_deref(), Some("Tide Tables"));
    assert_eq!(read.items[0].title.as_deref(), Some("Neap Tide"));
    assert_eq!(read.findings, []);
}

#[test]
fn what_is_no_feed_is_called_what_it_is() {
    for (document, what) in [
        ("", "the document is empty"),
        (" \n ", "the document is empty"),
        ("<!-- nothing -->", "the document is empty"),
        ("<!DOCTYPE html><html><head></head>", "this is a web page, not an RSS feed"),
        ("<HTML><body><p>404", "this is a web page, not an RSS feed"),
        ("{\"error\": 404}", "this is JSON, not an RSS feed"),
        ("<feed xmlns=\"http://www.w3.org/2005/Atom\"/>", "this is an Atom feed, not an RSS feed"),
        (
            "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"></rdf:RDF>",
            "this is a feed of RSS 1.0, not an RSS feed",
        ),
        ("<opml version=\"2.0\"></opml>", "this is a list of feeds in OPML, not an RSS feed"),
        ("<urlset/>", "this is XML whose first element is \"urlset\", not an RSS feed"),
        ("404 page not found", "this is neither XML nor anything else that is known, not an RSS feed"),
        ("<rss/>", "the feed has no channel"),
    ] {
        assert_eq!(rss::read(document.as_bytes()).unwrap_err().to_string(), what, "{document}");
    }
}

#[test]
fn half_a_feed_is_none() {
    let whole =
        feed("<copyright>é</copyright>", "<content:encoded><![CDATA[x]]></content:encoded><!-- y -->");
    let end = whole.rfind('>').unwrap();
    for length in 0..end {
        let error = rss::read(&whole.as_bytes()[..length]).unwrap_err();
        assert!(matches!(error, NotAFeed::CutOff | NotAFeed::Empty), "{length}: {error}");
    }
}

#[test]
fn what_is_not_well_formed_is_said_with_its_line() {
    let error = rss::read(b"<rss>\n<channel>\n<title>x</link>\n</channel></rss>").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the document is not well-formed in line 3: ill-formed document: expected `</title>`, but `</link>` was found"
    );
}
