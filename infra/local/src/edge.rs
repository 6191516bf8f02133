//! The place of CloudFront: passes each request on to an API of the emulator and the answer back, both streamed.
//!
//! It changes the `Host` and the path as the emulator needs them, leaves out what belongs to one connection only, and adds
//! `X-Forwarded-*`. It decides nothing.

use std::{
    convert::Infallible,
    net::{SocketAddr, TcpListener},
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, Version, header};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use serde_json::json;
use tokio::runtime::Handle;

use crate::Failure;

/// Where the requests to one port go.
#[derive(Debug)]
pub(crate) struct Origin {
    /// `<host>:<port>` of the emulator.
    pub(crate) authority: String,
    /// The `Host` by which the emulator knows the API.
    pub(crate) host: String,
    /// Comes before each path: `/<stage>` of a REST API, nothing for the `$default` stage of an HTTP API.
    pub(crate) path_prefix: &'static str,
}

/// Until the origin is set, every request is answered as if the emulator were gone.
pub(crate) type LateOrigin = Arc<OnceLock<Origin>>;

type Body = BoxBody<Bytes, hyper::Error>;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// RFC 9110, section 7.6.1, and those that it lists.
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Answers what comes to this port for as long as the runtime lives.
pub(crate) fn open(listener: TcpListener, runtime: &Handle) -> Result<LateOrigin, Failure> {
    let _reactor = runtime.enter();
    let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| {
        Failure::new(
            format!("A port cannot be listened on: {error}."),
            "Close some programs and start again.",
        )
    })?;
    let origin = LateOrigin::default();
    runtime.spawn(serve(listener, origin.clone()));
    Ok(origin)
}

async fn serve(listener: tokio::net::TcpListener, origin: LateOrigin) {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(20));
    let client = builder.build_http();

    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of file descriptors, for one: others may be given back meanwhile.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (client, origin) = (client.clone(), origin.clone());
        let service = service_fn(move |request| {
            let (client, origin) = (client.clone(), origin.clone());
            async move { Ok::<_, Infallible>(pass_on(request, peer, &client, origin.get()).await) }
        });
        // An error here is the client's: it went away or sent no HTTP.
        tokio::spawn(
            http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service),
        );
    }
}

async fn pass_on(
    request: Request<Incoming>,
    peer: SocketAddr,
    client: &Client<HttpConnector, Incoming>,
    origin: Option<&Origin>,
) -> Response<Body> {
    let Some(request) = origin.and_then(|origin| rewrite(request, peer, origin)) else { return gone() };
    match client.request(request).await {
        Ok(mut answer) => {
            remove_hop_by_hop(answer.headers_mut());
            answer.map(BodyExt::boxed)
        }
        Err(_) => gone(),
    }
}

fn rewrite<B>(request: Request<B>, peer: SocketAddr, origin: &Origin) -> Option<Request<B>> {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = Uri::builder()
        .scheme("http")
        .authority(origin.authority.as_str())
        .path_and_query(format!("{}{path}", origin.path_prefix))
        .build()
        .ok()?;
    head.version = Version::HTTP_11;

    remove_hop_by_hop(&mut head.headers);
    let host = head.headers.insert(header::HOST, HeaderValue::from_str(&origin.host).ok()?);
    if let Some(host) = host {
        head.headers.insert(FORWARDED_HOST, host);
    }
    head.headers.append(FORWARDED_FOR, HeaderValue::from_str(&peer.ip().to_string()).ok()?);
    head.headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    Some(Request::from_parts(head, body))
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}

fn gone() -> Response<Body> {
    let problem = json!({
        "type": "about:blank",
        "title": "Bad Gateway",
        "status": 502,
        "detail": "The emulated AWS behind this address does not answer: it is still starting, or it has ended.",
    });
    let body = Full::new(Bytes::from(problem.to_string())).map_err(|never| match never {}).boxed();
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::BAD_GATEWAY;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    answer
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use http::Method;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;
    use crate::Http;

    fn origin(port: u16) -> Origin {
        Origin {
            authority: format!("127.0.0.1:{port}"),
            host: format!("0a1b2c3d.execute-api.localhost:{port}"),
            path_prefix: "/live",
        }
    }

    fn free_port() -> TcpListener {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        listener
    }

    fn port_of(listener: &TcpListener) -> u16 {
        listener.local_addr().unwrap().port()
    }

    /// An edge in front of `answer`; its URL.
    fn edge_before<A>(answer: impl Fn(Request<Incoming>) -> A + Clone + Send + 'static) -> String
    where
        A: Future<Output = Response<Body>> + Send + 'static,
    {
        let (behind, before) = (free_port(), free_port());
        let (origin_port, url) = (port_of(&behind), format!("http://127.0.0.1:{}", port_of(&before)));
        tokio::spawn(async move {
            let listener = tokio::net::TcpListener::from_std(behind).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let answer = answer.clone();
                let service = service_fn(move |request| {
                    let answer = answer(request);
                    async { Ok::<_, Infallible>(answer.await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        open(before, &Handle::current()).unwrap().set(origin(origin_port)).unwrap();
        url
    }

    fn body(bytes: impl Into<Bytes>) -> Body {
        Full::new(bytes.into()).map_err(|never| match never {}).boxed()
    }

    #[test]
    fn method_query_and_headers_stay() {
        let request = Request::patch("/v1/shows/x%2Fy?limit=5&limit=%20")
            .header("Host", "127.0.0.1:8400")
            .header("Accept", "a")
            .header("Accept", "b")
            .header("X-Forwarded-For", "192.0.2.1")
            .header("Connection", "keep-alive, X-Mine")
            .header("X-Mine", "1")
            .body(())
            .unwrap();

        let passed = rewrite(request, "127.0.0.1:5000".parse().unwrap(), &origin(8402)).unwrap();

        assert_eq!(passed.method(), Method::PATCH);
        assert_eq!(passed.uri(), "http://127.0.0.1:8402/live/v1/shows/x%2Fy?limit=5&limit=%20");
        let headers: Vec<_> = passed
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        assert_eq!(
            headers,
            [
                "host: 0a1b2c3d.execute-api.localhost:8402",
                "accept: a",
                "accept: b",
                "x-forwarded-for: 192.0.2.1",
                "x-forwarded-for: 127.0.0.1",
                "x-forwarded-host: 127.0.0.1:8400",
                "x-forwarded-proto: http",
            ]
        );
    }

    #[tokio::test]
    async fn bodies_go_both_ways_with_their_status_and_headers() {
        let url = edge_before(async |request: Request<Incoming>| {
            let sent = request.into_body().collect().await.unwrap().to_bytes();
            Response::builder().status(418).header("x-kept", "yes").body(body(sent)).unwrap()
        });
        let audio = vec![7; 3 << 20];

        let request = Request::post(url).body(audio.clone().into()).unwrap();
        let answer = Http::new(Handle::current()).send(request).await.unwrap();

        assert_eq!(answer.status(), 418);
        assert_eq!(answer.headers()["x-kept"], "yes");
        assert_eq!(answer.body(), &audio);
    }

    #[tokio::test]
    async fn head_keeps_the_length_of_what_it_does_not_send() {
        let url = edge_before(async |_| {
            Response::builder().header("content-length", "437169").body(body("")).unwrap()
        });

        let request = Request::head(url).body(Bytes::new()).unwrap();
        let answer = Http::new(Handle::current()).send(request).await.unwrap();

        assert_eq!(answer.headers()["content-length"], "437169");
    }

    #[tokio::test]
    async fn what_is_there_is_sent_before_the_rest_comes() {
        let (behind, before) = (free_port(), free_port());
        let mut client = TcpStream::connect(before.local_addr().unwrap()).await.unwrap();
        open(before, &Handle::current()).unwrap().set(origin(port_of(&behind))).unwrap();
        let behind = tokio::net::TcpListener::from_std(behind).unwrap();

        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let (mut emulator, _) = behind.accept().await.unwrap();
        emulator
            .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
            .await
            .unwrap();

        let mut seen = String::new();
        while !seen.contains("first") {
            seen.push(char::from(client.read_u8().await.unwrap()));
        }
        emulator.write_all(b"4\r\nlast\r\n0\r\n\r\n").await.unwrap();
        client.read_to_string(&mut seen).await.unwrap();
        assert!(seen.contains("last"), "{seen}");
    }

    #[tokio::test]
    async fn an_emulator_that_is_gone_is_a_bad_gateway_in_words() {
        let (unset, dead) = (free_port(), free_port());
        let urls = [&unset, &dead].map(|listener| format!("http://127.0.0.1:{}", port_of(listener)));
        open(unset, &Handle::current()).unwrap();
        const NOBODY: u16 = 1;
        open(dead, &Handle::current()).unwrap().set(origin(NOBODY)).unwrap();

        for url in urls {
            let request = Request::get(url).body(Bytes::new()).unwrap();
            let answer = Http::new(Handle::current()).send(request).await.unwrap();

            assert_eq!(answer.status(), 502);
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
            let problem: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
            assert!(problem["detail"].as_str().unwrap().ends_with("or it has ended."), "{problem}");
        }
    }
}
