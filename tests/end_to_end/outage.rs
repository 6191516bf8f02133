//! AWS on its bad days: DynamoDB does not answer, or any service refuses, breaks down or is cut off after it has done what was asked.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy},
    net::{TcpListener, TcpStream},
};

/// What becomes of a request.
#[derive(Clone, Copy)]
enum Fate {
    /// It is answered.
    Answered,
    /// It is not done, and this is the answer.
    Refused(&'static str),
    /// It is done, and nobody hears of it.
    Unheard,
}

const UNAVAILABLE: &str =
    "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const BROKEN: &str = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const THROTTLED: &str = "HTTP/1.1 400 Bad Request\r\nx-amzn-errortype: ThrottlingException\r\n\
     content-type: application/x-amz-json-1.0\r\ncontent-length: 32\r\nconnection: close\r\n\r\n\
     {\"__type\":\"ThrottlingException\"}";
/// More in a row than an SDK tries.
const TROUBLES_IN_A_ROW: usize = 4;
const FIRST_PAUSE: usize = 20;

/// The address of a door to AWS at `endpoint` through which nobody reaches DynamoDB.
pub async fn without_dynamodb(endpoint: &str) -> String {
    open_door(endpoint, |head| {
        let is_dynamodb = head.to_lowercase().contains("x-amz-target: dynamodb");
        if is_dynamodb { Fate::Refused(UNAVAILABLE) } else { Fate::Answered }
    })
    .await
}

/// The address of a door to AWS at `endpoint` through which now and then a few requests in a row come to grief: they are throttled, or
/// break something, or are done and the answer is lost, in turn. The pauses grow by one request each, so that whatever takes many in
/// a row comes through in the end. And how many came to grief so far.
pub async fn with_troubles(endpoint: &str) -> (String, Arc<AtomicUsize>) {
    let (left, troubles) = (Mutex::new((FIRST_PAUSE, FIRST_PAUSE)), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&troubles);
    let url = open_door(endpoint, move |_| {
        let (requests, pause) = &mut *left.lock().unwrap();
        *requests -= 1;
        if *requests >= TROUBLES_IN_A_ROW {
            return Fate::Answered;
        }
        if *requests == 0 {
            *pause += 1;
            *requests = *pause;
        }
        counted.fetch_add(1, Ordering::Relaxed);
        [Fate::Refused(THROTTLED), Fate::Refused(BROKEN), Fate::Unheard][*pause % 3]
    });
    (url.await, troubles)
}

async fn open_door(endpoint: &str, decide: impl Fn(&str) -> Fate + Send + Sync + 'static) -> String {
    let upstream = endpoint.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let decide = Arc::new(decide);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (upstream, decide) = (upstream.clone(), Arc::clone(&decide));
            // Who hangs up has had enough.
            tokio::spawn(async move { pass(stream, &upstream, decide.as_ref()).await.ok() });
        }
    });
    url
}

/// One request and its answer.
async fn pass(stream: TcpStream, upstream: &str, decide: &impl Fn(&str) -> Fate) -> std::io::Result<()> {
    let mut caller = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let start = head.len();
        if caller.read_line(&mut head).await? == 0 {
            return Ok(());
        }
        if let Some(value) = head[start..].to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    caller.read_exact(&mut body).await?;
    let fate = decide(&head);
    if let Fate::Refused(answer) = fate {
        return caller.write_all(answer.as_bytes()).await;
    }

    let mut aws = TcpStream::connect(upstream).await?;
    let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    aws.write_all(head.as_bytes()).await?;
    aws.write_all(&body).await?;
    if let Fate::Unheard = fate {
        copy(&mut aws, &mut tokio::io::sink()).await?;
        return Ok(());
    }
    copy(&mut aws, &mut caller).await?;
    caller.shutdown().await
}
