//! A show's page: what a browser sees under the address of a feed. A show and its episodes in, the bytes of an HTML document out.
//!
//! The same show gives the same bytes. The page needs no script, loads nothing but artwork and audio, and asks for nobody's account.

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{Feed, FeedEpisode, Show};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::digest;
use tenant_context::Timestamp;
use url::Url;

use crate::page::html::Html;

mod html;

/// How many episodes, the newest, have their player on the page. The feed has all.
const MOST_EPISODES: usize = 200;

/// What a page with this style may do, as `Content-Security-Policy`, where enclosures redirect to `media_origin`.
pub(crate) fn policy(style: &str, media_origin: &str) -> String {
    format!(
        "default-src 'none'; style-src '{style}'; img-src 'self' {media_origin}; media-src 'self' {media_origin}; \
         base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

/// Writes the page of a feed's show, with its `artwork` where there is some.
pub(crate) fn render(feed: &Feed<'_>, artwork: Option<&Url>) -> Vec<u8> {
    let show = feed.channel.show;
    let mut html = Html::new();
    html.raw("<!doctype html>\n<html lang=\"").text(show.language.as_str()).raw("\">\n");
    write_head(&mut html, feed);
    html.raw("<body>\n<a class=\"skip\" lang=\"en\" href=\"#episodes\">Skip to the episodes</a>\n");
    write_show(&mut html, show, artwork);
    html.raw("<main>\n");
    write_subscribe(&mut html, feed);
    write_episodes(&mut html, feed.episodes());
    html.raw("</main>\n</body>\n</html>\n");
    html.into_bytes()
}

fn write_head(html: &mut Html, feed: &Feed<'_>) {
    let show = feed.channel.show;
    html.raw("<head>\n<meta charset=\"utf-8\">\n<title>")
        .text(show.title.as_str())
        .raw("</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        .raw("<meta name=\"color-scheme\" content=\"light dark\">\n");
    if feed.channel.is_private {
        html.raw("<meta name=\"robots\" content=\"noindex, nofollow\">\n");
    }
    html.raw("<link rel=\"alternate\" type=\"application/rss+xml\" title=\"")
        .text(show.title.as_str())
        .raw("\" href=\"")
        .text(feed.channel.url.as_str())
        .raw("\">\n<style>")
        .raw(STYLE)
        .raw("</style>\n</head>\n");
}

fn write_show(html: &mut Html, show: &Show, artwork: Option<&Url>) {
    html.raw("<header>\n");
    if let Some(artwork) = artwork {
        // The heading says what it shows.
        html.raw("<img class=\"artwork\" alt=\"\" width=\"180\" height=\"180\" src=\"")
            .text(artwork.as_str())
            .raw("\">\n");
    }
    html.raw("<h1 dir=\"auto\">")
        .text(show.title.as_str())
        .raw("</h1>\n<p dir=\"auto\">")
        .text(show.author.as_str())
        .raw("</p>\n<div class=\"prose\" dir=\"auto\">")
        .prose(show.description.as_str())
        .raw("</div>\n</header>\n");
}

/// Links that an app opens by itself. Those whose makers fetch feeds on servers of their own are not offered to a listener whose
/// address is a secret.
fn write_subscribe(html: &mut Html, feed: &Feed<'_>) {
    let (address, is_private) = (feed.channel.url.as_str(), feed.channel.is_private);
    html.raw("<section lang=\"en\" aria-labelledby=\"subscribe\">\n<h2 id=\"subscribe\">Subscribe</h2>\n");
    html.raw("<p>Give your podcast app this address:</p>\n<p><code>").text(address).raw("</code></p>\n");
    if is_private {
        html.raw("<p>This address is yours alone. Whoever has it can listen.</p>\n");
    }
    html.raw("<p>Or open the show in an app on this device:</p>\n<ul class=\"apps\">\n");
    let without_scheme = address.split_once("://").map_or(address, |(_, rest)| rest);
    let mut link = |name: &'static str, url: &str| {
        html.raw("<li><a href=\"").text(url).raw("\">").raw(name).raw("</a></li>\n");
    };
    link("Any podcast app", &format!("podcast:{address}"));
    link("Any feed reader", &format!("feed:{address}"));
    if !is_private {
        let encoded = utf8_percent_encode(address, NON_ALPHANUMERIC);
        link("Apple Podcasts", &format!("podcast://{without_scheme}"));
        link("Overcast", &format!("overcast://x-callback-url/add?url={encoded}"));
        link("Pocket Casts", &format!("pktc://subscribe/{without_scheme}"));
        link("AntennaPod", &format!("antennapod-subscribe://{without_scheme}"));
        link("Castro", &format!("castros://subscribe/{without_scheme}"));
    }
    html.raw("</ul>\n</section>\n");
}

fn write_episodes(html: &mut Html, episodes: &[FeedEpisode<'_>]) {
    html.raw("<section aria-labelledby=\"episodes\">\n<h2 id=\"episodes\" lang=\"en\" tabindex=\"-1\">Episodes</h2>\n");
    if episodes.is_empty() {
        html.raw("<p lang=\"en\">Nothing is out yet.</p>\n");
    }
    for item in episodes.iter().take(MOST_EPISODES) {
        write_episode(html, item);
    }
    if episodes.len() > MOST_EPISODES {
        html.raw("<p lang=\"en\">Older episodes are in the feed.</p>\n");
    }
    html.raw("</section>\n");
}

fn write_episode(html: &mut Html, item: &FeedEpisode<'_>) {
    let FeedEpisode { episode, out_since, recording, enclosure_url, .. } = item;
    let date = day(*out_since);
    html.raw("<article>\n<h3 dir=\"auto\" id=\"")
        .text(episode.id.as_str())
        .raw("\">")
        .text(episode.title.as_str())
        .raw("</h3>\n<p class=\"facts\" lang=\"en\"><time datetime=\"")
        .text(&date)
        .raw("\">")
        .text(&date)
        .raw("</time> · ")
        .text(&length(recording.duration_milliseconds))
        .raw("</p>\n<audio controls preload=\"none\" aria-labelledby=\"")
        .text(episode.id.as_str())
        .raw("\" src=\"")
        .text(enclosure_url.as_str())
        .raw("\"></audio>\n<div class=\"prose\" dir=\"auto\">")
        .prose(episode.description.as_str())
        .raw("</div>\n</article>\n");
}

fn day(moment: Timestamp) -> String {
    moment.date().to_string()
}

/// To the nearest minute, as people say it.
fn length(milliseconds: u64) -> String {
    let minutes = (milliseconds.saturating_add(30_000) / 60_000).max(1);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// The hash of the page's style, as `Content-Security-Policy` writes it.
pub(crate) fn style_hash() -> String {
    let digest = digest::digest(&digest::SHA256, STYLE.as_bytes());
    format!("sha256-{}", STANDARD.encode(digest))
}

/// The only style that the policy lets in.
const STYLE: &str = "\
:root{color-scheme:light dark;--text:#1c1c1e;--quiet:#55555c;--ground:#fff;--line:#c8c8ce;--link:#0b4fb3}\
@media(prefers-color-scheme:dark){:root{--text:#f2f2f4;--quiet:#b4b4bc;--ground:#17171a;--line:#4a4a52;--link:#9cc4ff}}\
*{box-sizing:border-box}\
body{margin:0 auto;max-width:44rem;padding:1.25rem;color:var(--text);background:var(--ground);\
font:1.0625rem/1.55 system-ui,sans-serif;overflow-wrap:anywhere}\
h1{font-size:1.9rem;line-height:1.2;margin:.5rem 0}\
h2{font-size:1.35rem;margin:2rem 0 .5rem}\
h3{font-size:1.1rem;margin:0}\
a{color:var(--link)}\
a:focus-visible,audio:focus-visible{outline:3px solid var(--link);outline-offset:3px}\
.skip{position:absolute;left:-999rem}\
.skip:focus{position:static;display:inline-block;padding:.5rem 0}\
.artwork{display:block;width:11.25rem;height:11.25rem;border-radius:.6rem}\
.prose{white-space:pre-line}\
.facts{margin:.15rem 0 .6rem;color:var(--quiet)}\
.apps{display:flex;flex-wrap:wrap;gap:.5rem;padding:0;list-style:none}\
.apps a{display:block;padding:.6rem .9rem;border:1px solid var(--line);border-radius:.6rem;text-decoration:none}\
article{padding:1.1rem 0;border-top:1px solid var(--line)}\
audio{display:block;width:100%}\
code{user-select:all;font-size:.95em}";

#[cfg(test)]
mod tests {
    use domain::{
        Addresses, Episode, Media, MediaContent, MediaFile, MediaFormat, Recording, Release, Tags, Visibility,
    };
    use serde_json::json;

    use super::*;

    const ARTWORK: &str = "https://listen.example/artwork/tide-tables.0123456789abcdef.jpg";
    const TOKEN: &str = "0123456789abcdefghjkmnpqrstvwxyz";

    /// The page of a show with these words, and as many episodes.
    fn page(visibility: &str, title: &str, description: &str, episodes: usize) -> String {
        let new = json!({
            "slug": "tide-tables", "title": title, "description": description, "language": "en-GB", "category": "News",
            "author": title, "visibility": visibility,
        });
        let at = Timestamp::from_unix_seconds(1_769_851_800);
        let id = "shw_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let show = Show::new(id, serde_json::from_value(new).unwrap(), at);
        let media = Media {
            id: "med_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            original: MediaFile {
                hash: "0a".repeat(32).parse().unwrap(),
                size_bytes: 12_345_678,
                crc32: 0,
                format: MediaFormat::Mp3,
            },
            content: MediaContent::Recording(Recording {
                duration_milliseconds: 3_720_000,
                codec: "mp3".to_owned(),
                video_codec: None,
                bit_rate: 128_000,
                channels: 2,
                sample_rate_hz: 44_100,
                loudness: None,
                tags: Tags::default(),
            }),
            renditions: Vec::new(),
            created_at: at,
        };
        let out: Vec<_> = (0..episodes)
            .map(|number| {
                let new = json!({ "title": title, "description": description, "media_id": media.id });
                let id = format!("epi_{number:026}").parse().unwrap();
                let mut episode = Episode::new(id, show.id.clone(), serde_json::from_value(new).unwrap(), at);
                episode.publish(&show, &media, Release { at: Some(at), ..Release::default() }, at).unwrap();
                episode
            })
            .collect();
        let everybody = Addresses::public("https://listen.example".parse().unwrap()).unwrap();
        let addresses = match show.visibility {
            Visibility::Public => everybody,
            Visibility::Private => everybody.with_token(TOKEN.parse().unwrap()),
        };
        let items = out.iter().filter_map(|episode| FeedEpisode::new(episode, &media, &addresses, at));
        String::from_utf8(render(
            &Feed::new(&show, &addresses, None, items.collect()),
            Some(&ARTWORK.parse().unwrap()),
        ))
        .unwrap()
    }

    #[test]
    fn a_page_has_the_show_its_episodes_and_the_ways_to_subscribe() {
        let page = page("public", "Tide Tables", "The sea, twice a day.", 2);
        for part in [
            "<html lang=\"en-GB\">",
            "<title>Tide Tables</title>",
            "<h1 dir=\"auto\">Tide Tables</h1>",
            "The sea, twice a day.",
            "<time datetime=\"2026-01-31\">2026-01-31</time> · 1 h 2 min",
            "src=\"https://listen.example/media/epi_00000000000000000000000001/tide-tables.tide-tables.mp3\"",
            "<code>https://listen.example/feeds/tide-tables.xml</code>",
            "href=\"podcast:https://listen.example/feeds/tide-tables.xml\"",
            "href=\"feed:https://listen.example/feeds/tide-tables.xml\"",
            "href=\"podcast://listen.example/feeds/tide-tables.xml\"",
            "href=\"pktc://subscribe/listen.example/feeds/tide-tables.xml\"",
            "href=\"overcast://x-callback-url/add?url=https%3A%2F%2Flisten%2Eexample%2Ffeeds%2Ftide%2Dtables%2Exml\"",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert_eq!(page.matches("<audio ").count(), 2);
        assert!(!page.contains("noindex"));
    }

    #[test]
    fn hostile_words_stay_words() {
        for hostile in [
            "</title><script>alert(1)</script>",
            "\" onload=\"alert(1)",
            "' autofocus onfocus='alert(1)",
            "</style><img src=x onerror=alert(1)>",
            "<!--",
            "&lt;script&gt;",
            "]]>",
        ] {
            let ordinary = page("public", "Tide", "The sea.", 1);
            let page = page("public", hostile, "I <3 radio & \"tea\" &lt;script&gt;", 1);
            assert_eq!(
                page.matches('<').count(),
                ordinary.matches('<').count(),
                "{hostile} makes a tag: {page}"
            );
            assert!(!page.contains("=\"alert") && !page.contains("='alert"), "{page}");
        }
    }

    #[test]
    fn a_private_page_is_for_one_listener() {
        let page = page("private", "Tide Tables", "The sea, twice a day.", 1);
        assert!(page.contains("<meta name=\"robots\" content=\"noindex, nofollow\">"));
        let address = format!("https://listen.example/p/{TOKEN}/feeds/tide-tables.xml");
        assert!(page.contains(&format!("href=\"podcast:{address}\"")));
        assert!(page.contains(&format!("src=\"https://listen.example/p/{TOKEN}/media/")));
        for elsewhere in ["overcast:", "pktc:", "castros:"] {
            assert!(!page.contains(elsewhere), "{elsewhere} would take the token to somebody's server");
        }
    }

    #[test]
    fn a_page_runs_no_script_and_the_same_show_gives_the_same_page() {
        let once = page("public", "Tide Tables", "The sea.", 3);
        assert!(!once.contains("<script") && !once.contains("style=\""));
        assert_eq!(once, page("public", "Tide Tables", "The sea.", 3));
        let policy = policy(&style_hash(), "https://media.example");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn a_page_does_not_grow_for_ever() {
        let page = page("public", "Tide Tables", "The sea.", MOST_EPISODES + 1);
        assert_eq!(page.matches("<audio ").count(), MOST_EPISODES);
        assert!(page.contains("Older episodes are in the feed."));
        assert!(self::page("public", "T", "D", 0).contains("Nothing is out yet."));
    }

    #[test]
    fn a_length_is_said_in_minutes() {
        for (milliseconds, said) in
            [(0, "1 min"), (61_000, "1 min"), (3_600_000, "1 h"), (3_720_000, "1 h 2 min")]
        {
            assert_eq!(length(milliseconds), said);
        }
    }
}
