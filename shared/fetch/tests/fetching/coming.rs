//! What comes: in whole, in parts, too much, too slowly.

use std::{io::Write, time::Duration};

use fetch::{FetchError, Fetcher, Limits, Reach, Resume};
use flate2::{Compression, write::GzEncoder};

use crate::{
    LIMITS, fetch,
    server::{Answer, Server},
};

const SOON: Duration = Duration::from_millis(100);

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn head_and_bytes_come_as_they_are() {
    let server = Server::new(|_| {
        Answer::whole("content-type: audio/mpeg\r\netag: \"v1\"\r\nlast-modified: x\r\n", &[7; 300_000])
    })
    .await;
    let mut fetched = fetch(&server, None, LIMITS).await.unwrap();
    assert_eq!(fetched.content_type.as_deref(), Some("audio/mpeg"));
    assert_eq!((fetched.length, fetched.from), (Some(300_000), 0));
    assert_eq!((fetched.etag.as_deref(), fetched.validator.as_deref()), (Some("\"v1\""), Some("\"v1\"")));

    let (mut all, mut chunks) = (Vec::new(), 0);
    while let Some(chunk) = fetched.chunk().await.unwrap() {
        all.extend_from_slice(&chunk);
        chunks += 1;
    }
    assert_eq!(all, [7; 300_000]);
    assert!(chunks > 1, "it came at once");
    assert_eq!(fetched.chunk().await, Ok(None));
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_or_while_it_comes() {
    let limits = Limits { most_bytes: 1000, ..LIMITS };
    let too_large = FetchError::TooLarge { most_bytes: 1000 };

    let told = Server::new(|_| Answer::whole("", &[0; 1001])).await;
    assert_eq!(fetch(&told, None, limits).await.unwrap_err(), too_large);

    let chunked = [format!("{:x}\r\n", 1001).as_bytes(), &[0; 1001], b"\r\n0\r\n\r\n"].concat();
    let untold = Server::new(move |_| Answer::new(200, "transfer-encoding: chunked\r\n", &chunked)).await;
    assert_eq!(fetch(&untold, None, limits).await.unwrap().collect().await.unwrap_err(), too_large);

    let exact = Server::new(|_| Answer::whole("", &[0; 1000])).await;
    assert_eq!(fetch(&exact, None, limits).await.unwrap().collect().await.unwrap().len(), 1000);
}

#[tokio::test]
async fn what_is_too_slow_is_given_up() {
    let silent = Server::new(|_| Answer { bytes: vec![], is_over: false }).await;
    let limits = Limits { answer_within: SOON, ..LIMITS };
    assert_eq!(fetch(&silent, None, limits).await.unwrap_err(), FetchError::TooSlow(SOON));

    let slow = Server::new(|_| Answer::new(200, "content-length: 1000\r\n", b"begins").and_waits()).await;
    let limits = Limits { idle: SOON, ..LIMITS };
    let mut fetched = fetch(&slow, None, limits).await.unwrap();
    assert_eq!(fetched.chunk().await.unwrap().unwrap(), "begins");
    let error = fetched.chunk().await.unwrap_err();
    assert_eq!(error, FetchError::TooSlow(SOON));
    assert!(error.may_pass());
}

#[tokio::test]
async fn what_breaks_off_is_never_taken_for_the_whole() {
    let chunked = Answer::new(200, "transfer-encoding: chunked\r\n", b"5\r\nbegin\r\n");
    let plain = Answer::new(200, "content-length: 1000\r\n", b"begin");
    let encoded = gzip(&[1; 1000]);
    let cut = &encoded[..encoded.len() - 9];
    let gzipped = Answer::whole("content-encoding: gzip\r\n", cut);
    for answer in [chunked, plain, gzipped] {
        let bytes = answer.bytes;
        let server = Server::new(move |_| Answer { bytes: bytes.clone(), is_over: true }).await;
        let error = fetch(&server, None, LIMITS).await.unwrap().collect().await.unwrap_err();
        assert!(matches!(error, FetchError::BrokenOff(_)), "{error}");
        assert!(error.may_pass());
    }
}

#[tokio::test]
async fn gzip_that_nobody_asked_for_is_decoded() {
    let feed: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let body = gzip(&feed);
    let server =
        Server::new(move |_| Answer::whole("content-encoding: GZip\r\netag: \"v1\"\r\n", &body)).await;
    let fetched = fetch(&server, None, LIMITS).await.unwrap();
    assert_eq!((fetched.length, fetched.validator.as_deref()), (None, None));
    assert_eq!(fetched.collect().await.unwrap(), feed);
}

#[tokio::test]
async fn gzip_that_is_a_bomb_is_refused_before_it_bursts() {
    let bomb = gzip(&vec![0; 64_000_000]);
    assert!(bomb.len() < 100_000);
    let server = Server::new(move |_| Answer::whole("content-encoding: gzip\r\n", &bomb)).await;
    let mut fetched = fetch(&server, None, LIMITS).await.unwrap();
    let mut largest = 0;
    let error = loop {
        match fetched.chunk().await {
            Ok(Some(chunk)) => largest = largest.max(chunk.len()),
            Ok(None) => panic!("it was taken"),
            Err(error) => break error,
        }
    };
    assert_eq!(error, FetchError::TooLarge { most_bytes: LIMITS.most_bytes });
    assert!(largest <= 1_000_000, "{largest}");
}

#[tokio::test]
async fn other_encodings_are_refused() {
    for encoding in ["br", "deflate", "gzip, gzip", "aes128gcm"] {
        let server =
            Server::new(move |_| Answer::whole(&format!("content-encoding: {encoding}\r\n"), b"x")).await;
        assert_eq!(
            fetch(&server, None, LIMITS).await.unwrap_err(),
            FetchError::Encoding(encoding.to_owned())
        );
    }
}

#[tokio::test]
async fn statuses_say_whether_asking_again_may_help() {
    for (status, may_pass) in [
        (404, false),
        (410, false),
        (403, false),
        (204, false),
        (206, false),
        (304, false),
        (429, true),
        (503, true),
    ] {
        let server = Server::new(move |_| Answer::new(status, "", b"")).await;
        let error = fetch(&server, None, LIMITS).await.unwrap_err();
        assert_eq!((error.clone(), error.may_pass()), (FetchError::Status(status), may_pass));
    }
    let nobody = Server::new(|_| Answer::whole("", b"")).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fetcher = Fetcher::new(Reach::Listed(vec![free, nobody.address]));
    let error = fetcher.fetch(&format!("http://{free}/").parse().unwrap(), None, LIMITS).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable(_)) && error.may_pass(), "{error}");
    let error = fetcher.fetch(&format!("https://{}/", nobody.address).parse().unwrap(), None, LIMITS).await;
    assert!(matches!(error, Err(FetchError::Unreachable(_))));
}

const WHOLE: &[u8] = b"the sea, twice a day";

/// Serves [`WHOLE`] as version 2, as a server does that knows ranges.
async fn ranges() -> Server {
    Server::new(|request| {
        let header = |name: &str| {
            let mut lines = request.lines();
            lines.find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned))
        };
        let is_same = header("if-range").is_some_and(|validator| validator == "\"v2\"");
        let from = header("range")
            .filter(|_| is_same)
            .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
        match from {
            Some(from) if from >= WHOLE.len() => {
                let headers = format!("content-length: 4\r\ncontent-range: bytes */{}\r\n", WHOLE.len());
                Answer::new(416, &headers, b"none")
            }
            Some(from) => {
                let last = WHOLE.len() - 1;
                let headers = format!(
                    "etag: \"v2\"\r\ncontent-length: {}\r\ncontent-range: bytes {from}-{last}/{}\r\n",
                    WHOLE.len() - from,
                    WHOLE.len()
                );
                Answer::new(206, &headers, &WHOLE[from..])
            }
            None => Answer::whole("etag: \"v2\"\r\n", WHOLE),
        }
    })
    .await
}

#[tokio::test]
async fn what_broke_off_goes_on_where_it_did() {
    let server = ranges().await;
    let resume = Resume { from: 9, validator: "\"v2\"".to_owned() };
    let fetched = fetch(&server, Some(&resume), LIMITS).await.unwrap();
    assert_eq!((fetched.from, fetched.length), (9, Some(WHOLE.len() as u64)));
    assert_eq!(fetched.collect().await.unwrap(), &WHOLE[9..]);

    let limits = Limits { most_bytes: 19, ..LIMITS };
    let error = fetch(&server, Some(&resume), limits).await.unwrap_err();
    assert_eq!(error, FetchError::TooLarge { most_bytes: 19 }, "what came before counts");
}

#[tokio::test]
async fn nothing_comes_where_all_came_before() {
    let server = ranges().await;
    let length = WHOLE.len() as u64;
    let resume = Resume { from: length, validator: "\"v2\"".to_owned() };
    let fetched = fetch(&server, Some(&resume), LIMITS).await.unwrap();
    assert_eq!((fetched.from, fetched.length), (length, Some(length)));
    assert_eq!(fetched.validator.as_deref(), Some("\"v2\""));
    assert_eq!(fetched.collect().await.unwrap(), b"");

    let beyond = Resume { from: length + 1, ..resume };
    let error = fetch(&server, Some(&beyond), LIMITS).await.unwrap_err();
    assert_eq!(error, FetchError::Changed, "it had more before");
    assert!(error.may_pass());
}

#[tokio::test]
async fn what_has_changed_comes_in_whole() {
    let server = ranges().await;
    let resume = Resume { from: 9, validator: "\"v1\"".to_owned() };
    let fetched = fetch(&server, Some(&resume), LIMITS).await.unwrap();
    assert_eq!(fetched.from, 0);
    assert_eq!(fetched.collect().await.unwrap(), WHOLE);
}

#[tokio::test]
async fn a_part_that_was_not_asked_for_is_refused() {
    for headers in [
        "etag: \"v1\"\r\ncontent-range: bytes 0-1/20\r\ncontent-length: 2\r\n",
        "etag: \"v2\"\r\ncontent-range: bytes 9-10/20\r\ncontent-length: 2\r\n",
        "content-length: 2\r\n",
        "content-range: pages 9-10/20\r\ncontent-length: 2\r\n",
    ] {
        let server = Server::new(move |_| Answer::new(206, headers, b"xx")).await;
        let resume = Resume { from: 9, validator: "\"v1\"".to_owned() };
        assert_eq!(
            fetch(&server, Some(&resume), LIMITS).await.unwrap_err(),
            FetchError::Changed,
            "{headers}"
        );
    }
}

#[tokio::test]
async fn a_weak_etag_is_not_gone_on_with() {
    let server = Server::new(|_| {
        Answer::whole("etag: W/\"v1\"\r\nlast-modified: Fri, 09 Jan 2026 00:00:00 GMT\r\n", b"x")
    })
    .await;
    let fetched = fetch(&server, None, LIMITS).await.unwrap();
    assert_eq!(fetched.etag.as_deref(), Some("W/\"v1\""));
    assert_eq!(fetched.validator.as_deref(), Some("Fri, 09 Jan 2026 00:00:00 GMT"));
}
