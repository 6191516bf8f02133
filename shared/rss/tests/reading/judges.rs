//! Other parsers read the same in a feed of somebody else.

use crate::read;

/// As other programs write feeds: CDATA, HTML, names of zones, namespaces in another order, tags that nobody needs any more.
const FOREIGN: &str = r#"<?xml version='1.0' encoding='utf-8' ?>
<?xml-stylesheet type="text/xsl" href="/feed.xsl"?>
<!-- generated -->
<rss xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:dc="http://purl.org/dc/elements/1.1/"
     xmlns:content="http://purl.org/rss/1.0/modules/content/" version="2.0" xmlns:a10="http://www.w3.org/2005/Atom">
  <channel>
    <a10:link rel="self" href="https://harbour.example/feed"/>
    <title><![CDATA[Tide & Tables]]></title>
    <link>https://harbour.example/</link>
    <description><![CDATA[<p>The sea, <em>twice</em> a day.</p>]]></description>
    <language>en-gb</language>
    <managingEditor>desk@harbour.example (Desk)</managingEditor>
    <itunes:keywords>sea,tide</itunes:keywords>
    <item>
      <title>1 &#8211; Spring &amp; Neap</title>
      <guid isPermaLink="true">https://harbour.example/1</guid>
      <pubDate>Tue, 06 Jan 2026 06:00:00 EST</pubDate>
      <description><![CDATA[Notes <a href="https://a.example/?x=1&y=2">here</a>]]></description>
      <enclosure url="https://harbour.example/1.mp3?a=1&amp;b=2" length="4096" type="audio/mpeg" />
      <itunes:duration>01:02:03</itunes:duration>
      <dc:creator>Desk</dc:creator>
    </item>
    <item>
      <title>0 &lt;Trailer&gt;</title>
      <guid isPermaLink="false">0</guid>
      <pubDate>Mon, 5 Jan 2026 06:00:00 +0100</pubDate>
      <enclosure url="https://harbour.example/0.m4a" length="1" type="audio/x-m4a"/>
      <itunes:duration>45</itunes:duration>
    </item>
  </channel>
</rss>
"#;

#[test]
fn other_parsers_read_the_same() {
    let ours = read(FOREIGN);
    assert_eq!(ours.findings, []);
    let feed_rs = feed_rs::parser::parse(FOREIGN.as_bytes()).unwrap();
    let syndication = rss_syndication::Channel::read_from(FOREIGN.as_bytes()).unwrap();

    let channel = &ours.channel;
    assert_eq!(channel.title.as_deref(), Some(feed_rs.title.unwrap().content.as_str()));
    assert_eq!(channel.title.as_deref(), Some(syndication.title()));
    assert_eq!(channel.description.as_deref(), Some(syndication.description()));
    assert_eq!(channel.link.as_deref(), Some(syndication.link()));
    assert_eq!(channel.language.as_deref(), syndication.language());
    assert_eq!(channel.links.this.as_deref(), Some("https://harbour.example/feed"));

    assert_eq!(ours.items.len(), 2);
    for ((item, entry), other) in ours.items.iter().zip(&feed_rs.entries).zip(syndication.items()) {
        let guid = item.guid.as_ref().unwrap();
        assert_eq!((guid.value.as_str(), guid.is_permalink), {
            let guid = other.guid().unwrap();
            (guid.value(), guid.is_permalink())
        });
        assert_eq!(guid.value, entry.id);
        assert_eq!(item.title.as_deref(), entry.title.as_ref().map(|title| title.content.as_str()));
        assert_eq!(item.title.as_deref(), other.title());
        assert_eq!(item.description.as_deref(), other.description());
        let published_at = item.published_at.unwrap().unix_seconds();
        assert_eq!(published_at, u64::try_from(entry.published.unwrap().timestamp()).unwrap());
        let (enclosure, carried) = (item.enclosure.as_ref().unwrap(), other.enclosure().unwrap());
        assert_eq!(enclosure.url, carried.url());
        assert_eq!(enclosure.content_type.as_deref(), Some(carried.mime_type()));
        assert_eq!(enclosure.size_bytes.unwrap().to_string(), carried.length());
    }
    let durations: Vec<_> = ours.items.iter().map(|item| item.duration_seconds).collect();
    assert_eq!(durations, [Some(3723), Some(45)]);
}
