//! What HTTP asks of feeds and media: ranges, a page for browsers, other sites' scripts, and an answer whatever else is down.

use std::{io::Read, sync::Arc};

use domain::Addresses;
use feeds::listen::Listen;
use http::Method;
use lambda_http::Body;
use lambda_kit::SystemClock;
use serde_json::{Value, json};

use crate::{
    actors::Tenant,
    audio::mp3,
    flow::{enclosure_url, id, listen, publish, text, wait_for_feed},
    outage::without_dynamodb,
    process::Process,
    world::{run, unique},
};

const BROWSER: (&str, &str) =
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8");

#[test]
fn a_feed_is_served_in_ranges() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let url = show["feed_url"].as_str().unwrap();
        publish(&acme, &show, "Ülkü 🎧", &mp3(61, &unique("audio"))).await;
        let whole = wait_for_feed(stack, url, |text| text.contains("Ülkü")).await;
        let (length, body) = (whole.body.len(), whole.body.clone());
        let get = async |headers: &[(&str, &str)]| listen(stack, Method::GET, url, headers).await;
        // In the middle of a character.
        let letter = body.windows(2).position(|pair| pair == "Ü".as_bytes()).unwrap();
        let middle = format!("bytes=100-{letter}");

        for (range, first, last) in [
            ("bytes=0-9", 0, 9),
            (middle.as_str(), 100, letter),
            (&format!("bytes={}-", length - 20), length - 20, length - 1),
            ("bytes=-7", length - 7, length - 1),
            ("bytes=5-999999999", 5, length - 1),
        ] {
            for encoding in ["identity", "gzip"] {
                let part = get(&[("range", range), ("accept-encoding", encoding)]).await;
                assert_eq!(part.status, 206, "{range}");
                assert_eq!(part.body, body.slice(first..=last), "{range}");
                assert_eq!(part.header("content-range"), format!("bytes {first}-{last}/{length}"));
                assert_eq!(part.header("content-length"), part.body.len().to_string());
                assert_eq!(part.header("etag"), whole.header("etag"));
                assert_eq!(part.header("content-encoding"), "");
            }
        }
        let beyond = get(&[("range", &format!("bytes={length}-"))]).await;
        beyond.assert_problem(416, "range_not_satisfiable");
        assert_eq!(beyond.header("content-range"), format!("bytes */{length}"));
        for several in ["bytes=0-1,5-6", "bytes=9-8", "lines=0-1"] {
            let answer = get(&[("range", several)]).await;
            assert_eq!((answer.status.as_u16(), &answer.body), (200, &body), "{several}");
        }
        assert_eq!(whole.header("accept-ranges"), "bytes");
        let head = listen(stack, Method::HEAD, url, &[("range", "bytes=0-9")]).await;
        assert_eq!((head.status.as_u16(), head.header("content-length")), (200, length.to_string().as_str()));
    });
}

#[test]
fn a_part_of_a_feed_comes_only_while_the_feed_is_the_same() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let url = show["feed_url"].as_str().unwrap();
        let whole = wait_for_feed(stack, url, |_| true).await;
        let zipped = listen(stack, Method::GET, url, &[("accept-encoding", "gzip")]).await;
        let weak = format!("W/{}", whole.header("etag"));

        for (if_range, status) in [
            (whole.header("etag"), 206),
            (whole.header("last-modified"), 206),
            (weak.as_str(), 200),
            (zipped.header("etag"), 200),
            ("\"other\"", 200),
            ("Sat, 31 Jan 2015 09:30:00 GMT", 200),
        ] {
            let headers = [("range", "bytes=10-19"), ("if-range", if_range)];
            let answer = listen(stack, Method::GET, url, &headers).await;
            assert_eq!(answer.status, status, "{if_range}");
        }
        let known = [("range", "bytes=10-19"), ("if-none-match", whole.header("etag"))];
        assert_eq!(listen(stack, Method::GET, url, &known).await.status, 304);
    });
}

#[test]
fn audio_is_resumed_through_one_redirect() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let audio = mp3(61, &unique("audio"));
        let show = acme.show("public").await;
        publish(&acme, &show, "First light", &audio).await;
        let url = show["feed_url"].as_str().unwrap();
        let feed = wait_for_feed(stack, url, |text| text.contains("First light")).await;
        let (enclosure, length) = (enclosure_url(&feed), audio.len());
        let get = async |headers: &[(&str, &str)]| {
            let redirect = listen(stack, Method::GET, &enclosure, headers).await;
            assert_eq!(redirect.status, 302, "one redirect");
            listen(stack, Method::GET, redirect.header("location"), headers).await
        };
        let etag = get(&[]).await.header("etag").to_owned();

        for (range, bytes) in [
            ("bytes=0-99".to_owned(), 0..100),
            ("bytes=3000-3999".to_owned(), 3000..4000),
            (format!("bytes={}-", length - 50), length - 50..length),
            ("bytes=-1".to_owned(), length - 1..length),
        ] {
            for headers in [vec![("range", range.as_str())], vec![("range", &range), ("if-range", &etag)]] {
                let part = get(&headers).await;
                assert_eq!((part.status.as_u16(), &part.body), (206, &audio.slice(bytes.clone())), "{range}");
                let expected = format!("bytes {}-{}/{length}", bytes.start, bytes.end - 1);
                assert_eq!(part.header("content-range"), expected);
            }
        }
        assert_eq!(get(&[("range", &format!("bytes={length}-"))]).await.status, 416);
    });
}

#[test]
fn a_browser_gets_a_page_and_an_app_gets_the_feed() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("public").await;
        let url = show["feed_url"].as_str().unwrap();
        publish(&acme, &show, "<script>alert(1)</script>", &mp3(61, &unique("audio"))).await;
        let feed = wait_for_feed(stack, url, |text| text.contains("alert")).await;

        let page = listen(stack, Method::GET, url, &[BROWSER]).await;

        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let html = text(&page);
        assert!(html.contains("<h1 dir=\"auto\">Harbour Notes</h1>"), "{html}");
        assert!(html.contains(&format!("src=\"{}\"", enclosure_url(&feed))), "{html}");
        assert!(!html.contains("<script"), "{html}");
        assert_ne!(page.header("etag"), feed.header("etag"));
        for answer in [&page, &feed] {
            assert_eq!(answer.header("vary"), "Accept, Accept-Encoding");
        }
        let redirect = listen(stack, Method::GET, &enclosure_url(&feed), &[]).await;
        let media: url::Url = redirect.header("location").parse().unwrap();
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.contains(&format!("media-src 'self' {};", media.origin().ascii_serialization())));

        let known = listen(stack, Method::GET, url, &[BROWSER, ("if-none-match", page.header("etag"))]).await;
        assert_eq!(known.status, 304);
        let zipped = listen(stack, Method::GET, url, &[BROWSER, ("accept-encoding", "gzip")]).await;
        let mut unzipped = Vec::new();
        flate2::read::GzDecoder::new(zipped.body.as_ref()).read_to_end(&mut unzipped).unwrap();
        assert_eq!((unzipped, zipped.header("content-encoding")), (page.body.to_vec(), "gzip"));
        let head = listen(stack, Method::HEAD, url, &[BROWSER]).await;
        assert_eq!(head.header("etag"), page.header("etag"));
        for app in ["*/*", "application/rss+xml", "application/rss+xml, text/html;q=0.5, */*;q=0.1"] {
            let answer = listen(stack, Method::GET, url, &[("accept", app)]).await;
            assert_eq!(answer.body, feed.body, "{app}");
        }
    });
}

#[test]
fn a_private_page_is_for_its_listener_alone() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let show = acme.show("private").await;
        publish(&acme, &show, "For us", &mp3(61, &unique("audio"))).await;
        let listeners = format!("/v1/shows/{}/listeners", id(&show));
        let mut pages = Vec::new();
        for label in ["One", "Other"] {
            let listener = acme.editor.post(&listeners, json!({ "label": label })).await.data();
            let url = listener["feed_url"].as_str().unwrap().to_owned();
            wait_for_feed(stack, &url, |text| text.contains("For us")).await;
            let page = listen(stack, Method::GET, &url, &[BROWSER]).await;
            let token = url.split('/').nth(4).unwrap().to_owned();
            assert!(text(&page).contains(&format!("/p/{token}/media/")), "{}", text(&page));
            assert_eq!(page.header("cache-control"), "private, no-cache");
            assert_eq!(page.header("x-robots-tag"), "noindex, nofollow");
            assert_eq!(page.header("referrer-policy"), "no-referrer");
            assert_eq!(page.header("access-control-allow-origin"), "");
            let open = url.replace(&format!("/p/{token}"), "");
            listen(stack, Method::GET, &open, &[BROWSER]).await.assert_problem(404, "not_found");
            pages.push((token, page));
        }
        let [(_, one), (other_token, other)] = pages.as_slice() else { panic!() };
        assert!(!text(one).contains(other_token));
        assert_ne!(one.header("etag"), other.header("etag"));
    });
}

#[test]
fn scripts_of_other_sites_may_read_public_feeds_and_no_private_one() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (public, private) = (acme.show("public").await, acme.show("private").await);
        let listeners = format!("/v1/shows/{}/listeners", id(&private));
        let listener = acme.editor.post(&listeners, json!({ "label": "A phone" })).await.data();
        let origin = ("origin", "https://player.example");
        for (show, allowed) in [(&public, "*"), (&listener, "")] {
            let url = show["feed_url"].as_str().unwrap();
            let feed = wait_for_feed(stack, url, |_| true).await;
            let answer = listen(stack, Method::GET, url, &[origin]).await;
            assert_eq!(answer.header("access-control-allow-origin"), allowed);
            let known = [origin, ("if-none-match", feed.header("etag"))];
            let known = listen(stack, Method::GET, url, &known).await;
            assert_eq!(known.header("access-control-allow-origin"), allowed);
        }
    });
}

/// The function in this process, and no table where it looks for one.
#[test]
fn public_feeds_pages_and_audio_are_served_without_any_table() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let (kept, ended) = (acme.show("public").await, acme.show("public").await);
        publish(&acme, &kept, "First light", &mp3(61, &unique("audio"))).await;
        let url = kept["feed_url"].as_str().unwrap();
        let feed = wait_for_feed(stack, url, |text| text.contains("First light")).await;
        let over = format!("/v1/shows/{}/end", id(&ended));
        acme.editor.send(Method::PUT, &over, &[], "{}").await.data();
        let ended = ended["feed_url"].as_str().unwrap();
        while listen(stack, Method::GET, ended, &[]).await.status != 410 {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }

        let door = without_dynamodb(stack.aws().endpoint()).await;
        let none = [("AWS_ENDPOINT_URL", door.as_str())];
        let storage = Process::of(stack, "feeds").await.with(&none).storage(Arc::new(SystemClock));
        let addresses = Addresses::public(stack.listener().parse().unwrap()).unwrap();
        let app = Arc::new(Listen::new(storage, addresses, None));
        let router = feeds::listen::routes();
        for (url, accept, status) in [
            (url, "*/*", 200),
            (url, BROWSER.1, 200),
            (&enclosure_url(&feed), "*/*", 302),
            (ended, "*/*", 410),
            (&format!("{}/p/{}/feeds/nothing-here.xml", stack.listener(), "0".repeat(32)), "*/*", 503),
        ] {
            let path = url.strip_prefix(stack.listener()).unwrap();
            let answer = router.answer(&app, event(path, accept)).await;
            assert_eq!(answer.status(), status, "{path}");
        }
    });
}

/// A request as an HTTP API hands it to a function.
pub fn event(path: &str, accept: &str) -> lambda_http::Request {
    let event: Value = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": { "accept": accept }, "isBase64Encoded": false,
        "requestContext": {
            "accountId": local::ACCOUNT, "apiId": "api", "stage": "$default", "requestId": "r", "routeKey": "$default",
            "http": { "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x" },
        },
    });
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    assert!(matches!(request.body(), Body::Empty));
    request
}
