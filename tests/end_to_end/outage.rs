//! DynamoDB does not answer, and all else does.

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy},
    net::{TcpListener, TcpStream},
};

/// The address of a door to AWS at `endpoint` through which nobody reaches DynamoDB.
pub async fn without_dynamodb(endpoint: &str) -> String {
    let upstream = endpoint.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let upstream = upstream.clone();
            // Who hangs up has had enough.
            tokio::spawn(async move { pass(stream, &upstream).await.ok() });
        }
    });
    url
}

/// One request and its answer.
async fn pass(stream: TcpStream, upstream: &str) -> std::io::Result<()> {
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
    if head.to_lowercase().contains("x-amz-target: dynamodb") {
        return caller
            .write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .await;
    }

    let mut aws = TcpStream::connect(upstream).await?;
    let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    aws.write_all(head.as_bytes()).await?;
    aws.write_all(&body).await?;
    copy(&mut aws, &mut caller).await?;
    caller.shutdown().await
}
