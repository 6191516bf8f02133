//! What is reached, and what is not.

use std::net::IpAddr;

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use fetch::{FetchError, Fetcher, Reach};

use crate::{
    LIMITS,
    server::{Answer, Server},
};

/// Knows every name, and answers the same for all.
#[derive(Debug, Clone)]
struct Knows(Vec<IpAddr>);

impl ResolveDns for Knows {
    fn resolve_dns<'a>(&'a self, _name: &'a str) -> DnsFuture<'a> {
        DnsFuture::ready(Ok(self.0.clone()))
    }
}

/// Answers something else each time.
#[derive(Debug, Default)]
struct Rebinds(std::sync::atomic::AtomicUsize);

impl ResolveDns for Rebinds {
    fn resolve_dns<'a>(&'a self, _name: &'a str) -> DnsFuture<'a> {
        let times = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        DnsFuture::ready(match times {
            0 => Err(ResolveDnsError::new("not yet")),
            _ => Ok(vec!["127.0.0.1".parse().unwrap()]),
        })
    }
}

fn addresses(addresses: &[&str]) -> Vec<IpAddr> {
    addresses.iter().map(|address| address.parse().unwrap()).collect()
}

async fn error_at(fetcher: &Fetcher, url: &str) -> FetchError {
    fetcher.fetch(&url.parse().unwrap(), None, LIMITS).await.unwrap_err()
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused() {
    for resolved in [
        vec!["127.0.0.1"],
        vec!["10.1.2.3"],
        vec!["169.254.169.254"],
        vec!["::1"],
        vec!["::ffff:127.0.0.1"],
        vec!["fd00:ec2::254"],
        vec!["1.1.1.1", "192.168.1.1"],
        vec!["100.64.0.1", "2606:4700:4700::1111"],
    ] {
        let fetcher = Fetcher::with_resolver(Reach::Internet, Knows(addresses(&resolved)));
        for url in ["http://harbour.example/feed", "https://harbour.example/feed"] {
            let error = error_at(&fetcher, url).await;
            assert_eq!(error, FetchError::NotPublic("harbour.example".to_owned()), "{resolved:?} {url}");
            assert!(!error.may_pass());
        }
    }
}

#[tokio::test]
async fn the_look_up_of_the_connection_itself_is_checked() {
    let fetcher = Fetcher::with_resolver(Reach::Internet, Rebinds::default());
    let first = error_at(&fetcher, "http://harbour.example/feed").await;
    assert_eq!(first, FetchError::Unreachable("not yet".to_owned()));
    let second = error_at(&fetcher, "http://harbour.example/feed").await;
    assert_eq!(second, FetchError::NotPublic("harbour.example".to_owned()));
}

#[tokio::test]
async fn localhost_is_no_place_on_the_internet() {
    let server = Server::new(|_| Answer::whole("", b"secret")).await;
    let error = error_at(&Fetcher::new(Reach::Internet), "http://localhost/").await;
    assert_eq!(error, FetchError::NotPublic("localhost".to_owned()));
    let port = server.address.port();
    let error = error_at(&Fetcher::new(Reach::Internet), &format!("http://localhost:{port}/")).await;
    assert_eq!(error, FetchError::Port(port));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_name_of_what_is_listed_is_reached_at_its_port_alone() {
    let server = Server::new(|_| Answer::whole("", b"feed")).await;
    let other = Server::new(|_| Answer::whole("", b"secret")).await;
    let fetcher =
        Fetcher::with_resolver(Reach::Listed(vec![server.address]), Knows(addresses(&["127.0.0.1"])));
    let url = |server: &Server| format!("http://harbour.example:{}/feed", server.address.port());

    let fetched = fetcher.fetch(&url(&server).parse().unwrap(), None, LIMITS).await.unwrap();
    assert_eq!(fetched.collect().await.unwrap(), b"feed");
    assert_eq!(error_at(&fetcher, &url(&other)).await, FetchError::Port(other.address.port()));
    assert_eq!(
        error_at(&fetcher, "http://harbour.example/feed").await,
        FetchError::NotPublic("harbour.example".to_owned())
    );
    assert!(other.asked().is_empty());

    let elsewhere =
        Fetcher::with_resolver(Reach::Listed(vec![server.address]), Knows(addresses(&["127.0.0.2"])));
    assert!(matches!(error_at(&elsewhere, &url(&server)).await, FetchError::NotPublic(_)));
}

#[tokio::test]
async fn no_redirect_leads_inside() {
    for location in [
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://0x7f.1/",
        "http://2130706433/",
        "//127.1/",
        "https://[fd00:ec2::254]/",
        "http://[::ffff:10.0.0.1]/",
        "http://localhost/",
    ] {
        let server = Server::new(move |_| Answer::redirect(location)).await;
        let error = crate::fetch(&server, None, LIMITS).await.unwrap_err();
        assert!(matches!(error, FetchError::NotPublic(_)), "{location}: {error}");
    }
    for (location, expected) in [
        ("file:///etc/passwd", FetchError::Scheme("file".to_owned())),
        ("gopher://127.0.0.1/", FetchError::Scheme("gopher".to_owned())),
        ("http://user:secret@example.org/", FetchError::Credentials),
        ("http://1.1.1.1:25/", FetchError::Port(25)),
        ("http://[", FetchError::Redirect("http://[".to_owned())),
        ("http://999.1.1.1/", FetchError::Redirect("http://999.1.1.1/".to_owned())),
    ] {
        let server = Server::new(move |_| Answer::redirect(location)).await;
        assert_eq!(crate::fetch(&server, None, LIMITS).await.unwrap_err(), expected, "{location}");
    }
}

#[tokio::test]
async fn redirects_are_followed_to_where_they_end() {
    let server = Server::new(|request| match request.split(' ').nth(1).unwrap() {
        "/feed" => Answer::redirect("/a?b=c#d"),
        "/a?b=c" => Answer::redirect("../e"),
        "/e" => Answer::whole("content-type: application/rss+xml\r\n", b"<rss/>"),
        other => panic!("{other}"),
    })
    .await;
    let fetched = crate::fetch(&server, None, LIMITS).await.unwrap();
    assert_eq!(fetched.url, server.url("/e"));
    assert_eq!(fetched.content_type.as_deref(), Some("application/rss+xml"));
    assert_eq!(fetched.collect().await.unwrap(), b"<rss/>");
}

#[tokio::test]
async fn redirects_end() {
    let server = Server::new(|_| Answer::redirect("/feed")).await;
    assert_eq!(crate::fetch(&server, None, LIMITS).await.unwrap_err(), FetchError::TooManyRedirects);
    assert_eq!(server.asked().len(), fetch::MOST_REDIRECTS + 1);
}

#[tokio::test]
async fn a_request_says_who_asks_and_nothing_more() {
    let server = Server::new(|request| match request.split(' ').nth(1).unwrap() {
        "/feed" => Answer::new(302, "location: /next\r\nset-cookie: a=b\r\ncontent-length: 0\r\n", b""),
        _ => Answer::whole("", b"x"),
    })
    .await;
    crate::fetch(&server, None, LIMITS).await.unwrap();

    let asked = server.asked();
    let mut lines: Vec<_> = asked[1].trim().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "accept-encoding: identity".to_owned(),
            "accept: */*".to_owned(),
            "get /next http/1.1".to_owned(),
            format!("host: {}", server.address),
            format!("user-agent: castkeep/{}", env!("CARGO_PKG_VERSION")),
        ]
    );
}
