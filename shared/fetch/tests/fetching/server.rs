//! A server that answers as it is told.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

pub struct Server {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

/// What it sends, and whether it then ends the connection or keeps silent.
pub struct Answer {
    pub bytes: Vec<u8>,
    pub is_over: bool,
}

impl Answer {
    /// A status line, headers and a body.
    pub fn new(status: u16, headers: &str, body: &[u8]) -> Self {
        let head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\n{headers}\r\n");
        Self { bytes: [head.as_bytes(), body].concat(), is_over: true }
    }

    /// With the whole body and its length.
    pub fn whole(headers: &str, body: &[u8]) -> Self {
        Self::new(200, &format!("content-length: {}\r\n{headers}", body.len()), body)
    }

    pub fn redirect(location: &str) -> Self {
        Self::new(302, &format!("location: {location}\r\ncontent-length: 0\r\n"), b"")
    }

    /// Keeps silent after it.
    pub fn and_waits(self) -> Self {
        Self { is_over: false, ..self }
    }
}

impl Server {
    /// Answers each request, of which `answer` sees the head in lower case.
    pub async fn new(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::default());
        let answer: Arc<dyn Fn(&str) -> Answer + Send + Sync> = Arc::new(answer);
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&answer), Arc::clone(&log)));
            }
        });
        Self { address, asked }
    }

    pub fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    /// The heads of all requests so far, in lower case.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: Arc<dyn Fn(&str) -> Answer + Send + Sync>,
    log: Arc<Mutex<Vec<String>>>,
) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut bytes = [0; 4096];
        match stream.read(&mut bytes).await {
            // It speaks no TLS.
            Ok(count @ 1..) if bytes[0] != 0x16 => request.extend_from_slice(&bytes[..count]),
            _ => return,
        }
    }
    let request = String::from_utf8(request).unwrap().to_lowercase();
    let answer = answer(&request);
    log.lock().unwrap().push(request);
    // Whoever asked may have had enough.
    if stream.write_all(&answer.bytes).await.is_ok() && !answer.is_over {
        std::future::pending::<()>().await;
    }
}
