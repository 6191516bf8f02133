//! The place of AWS: asks the emulator once, and answers the same question from memory from then on. What a function waits for
//! is then a fraction of what the emulator takes, and its own work is what is measured. It counts what it is asked, and the bytes
//! that go to and fro: it is all of the network that a function has.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crate::wire::Message;

/// How often each operation was asked for, as IAM names them: `dynamodb:GetItem`.
pub type Calls = BTreeMap<String, u64>;

/// Bytes of bodies, as the function sees them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bytes {
    pub sent: u64,
    pub received: u64,
}

/// Answers in the name of AWS.
#[derive(Debug, Clone)]
pub struct StandIn {
    shared: Arc<Shared>,
    address: SocketAddr,
}

#[derive(Debug)]
struct Shared {
    upstream: String,
    /// Whether the emulator is asked every time, because what is asked for changes it.
    passes_on: AtomicBool,
    answers: Mutex<HashMap<Vec<u8>, Message>>,
    /// Bodies that take the place of what the emulator has, by the end of their path.
    bodies: Mutex<Vec<(String, Vec<u8>)>>,
    calls: Mutex<Calls>,
    bytes: Mutex<Bytes>,
}

impl StandIn {
    /// Answers for the emulator at `endpoint`.
    ///
    /// # Errors
    /// Where no port is free.
    pub fn start(endpoint: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream: endpoint.trim_start_matches("http://").trim_end_matches('/').to_owned(),
            passes_on: AtomicBool::new(false),
            answers: Mutex::default(),
            bodies: Mutex::default(),
            calls: Mutex::default(),
            bytes: Mutex::default(),
        });
        let there = Arc::clone(&shared);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let shared = Arc::clone(&there);
                // Who hangs up has had enough.
                thread::spawn(move || serve(&stream, &shared).ok());
            }
        });
        Ok(Self { shared, address })
    }

    /// The same for a function whose work is to change what the emulator has: all of it reaches the emulator.
    ///
    /// # Errors
    /// Where no port is free.
    pub fn pass_through(endpoint: &str) -> io::Result<Self> {
        let stand_in = Self::start(endpoint)?;
        stand_in.pass_on(true);
        Ok(stand_in)
    }

    /// Where it answers.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether every call reaches the emulator, from now on.
    pub fn pass_on(&self, passes_on: bool) {
        self.shared.passes_on.store(passes_on, Ordering::Relaxed);
    }

    /// Gives `body` for every object whose path ends so.
    pub fn replace(&self, path_end: &str, body: Vec<u8>) {
        lock(&self.shared.bodies).push((path_end.to_owned(), body));
    }

    /// What was asked for since this was asked last.
    pub fn take_calls(&self) -> Calls {
        std::mem::take(&mut *lock(&self.shared.calls))
    }

    /// How many bytes went to and fro since this was asked last.
    pub fn take_bytes(&self) -> Bytes {
        std::mem::take(&mut *lock(&self.shared.bytes))
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = Message::read(&mut reader)? {
        *lock(&shared.calls).entry(operation(&request)).or_default() += 1;

        let answer = if shared.passes_on.load(Ordering::Relaxed) {
            ask(&request, shared)?
        } else {
            let key = question(&request);
            let known = lock(&shared.answers).get(&key).cloned();
            match known {
                Some(answer) => answer,
                None => {
                    let answer = ask(&request, shared)?;
                    lock(&shared.answers).insert(key, answer.clone());
                    answer
                }
            }
        };
        let mut bytes = lock(&shared.bytes);
        bytes.sent = bytes.sent.saturating_add(request.body.len() as u64);
        bytes.received = bytes.received.saturating_add(answer.body.len() as u64);
        drop(bytes);
        answer.write(stream)?;
    }
    Ok(())
}

fn ask(request: &Message, shared: &Shared) -> io::Result<Message> {
    let stream = TcpStream::connect(&shared.upstream)?;
    request.write(&stream)?;
    let answer = Message::read(&mut BufReader::new(stream))?;
    let mut answer = answer.ok_or_else(|| io::Error::other("the emulator hung up"))?;
    let path = request.start.split([' ', '?']).nth(1).unwrap_or_default();
    if let Some((_, body)) = lock(&shared.bodies).iter().find(|(end, _)| path.ends_with(end.as_str())) {
        answer.body = body.clone();
        answer.headers.retain(|(name, _)| !name.starts_with("x-amz-checksum"));
    }
    Ok(answer)
}

fn operation(request: &Message) -> String {
    if let Some((service, operation)) =
        request.header("x-amz-target").and_then(|target| target.split_once('.'))
    {
        let service = match service {
            "TrentService" => "kms",
            "AmazonSQS" => "sqs",
            "AWSCognitoIdentityProviderService" => "cognito-idp",
            _ => "dynamodb",
        };
        return format!("{service}:{operation}");
    }
    let body = String::from_utf8_lossy(&request.body);
    if let Some(action) = body.split('&').find_map(|pair| pair.strip_prefix("Action=")) {
        let service = if action == "Publish" { "sns" } else { "sts" };
        return format!("{service}:{action}");
    }
    let mut words = request.start.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    format!("s3:{}", s3_operation(method, path, query, request.header("x-amz-copy-source").is_some()))
}

fn s3_operation(method: &str, path: &str, query: &str, is_copy: bool) -> String {
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let is_of_bucket = !path.trim_matches('/').contains('/');
    let named = match method {
        "POST" if has("delete") => "DeleteObjects",
        "POST" if has("uploads") => "CreateMultipartUpload",
        "POST" if has("uploadId") => "CompleteMultipartUpload",
        "PUT" if has("partNumber") && is_copy => "UploadPartCopy",
        "PUT" if has("partNumber") => "UploadPart",
        "DELETE" if has("uploadId") => "AbortMultipartUpload",
        "GET" if has("uploadId") => "ListParts",
        "GET" if has("versions") => "ListObjectVersions",
        "GET" if is_of_bucket => "ListObjectsV2",
        _ => "",
    };
    if !named.is_empty() {
        return named.to_owned();
    }
    let (first, rest) = method.split_at_checked(1).unwrap_or((method, ""));
    format!("{first}{}Object", rest.to_lowercase())
}

/// Tells one question from another, but for the time at which it is asked. Transactions are all answered as the first one was, whatever
/// they would write: each has another event of the audit log in it.
fn question(request: &Message) -> Vec<u8> {
    let mut key = request.start.clone().into_bytes();
    let target = request.header("x-amz-target").unwrap_or_default();
    key.extend_from_slice(target.as_bytes());
    if target.ends_with(".TransactWriteItems") {
        return key;
    }
    let mut digits = 0_usize;
    for byte in &request.body {
        digits = if byte.is_ascii_digit() { digits.saturating_add(1) } else { 0 };
        // A moment is a number of ten digits or more.
        if digits < 6 {
            key.push(*byte);
        }
    }
    key
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_of_s3_have_the_names_that_aws_gives_them() {
        for (method, target, is_copy, operation) in [
            ("GET", "/bucket/a/b", false, "GetObject"),
            ("PUT", "/bucket/a?x-id=PutObject", false, "PutObject"),
            ("DELETE", "/bucket/a?versionId=1", false, "DeleteObject"),
            ("POST", "/bucket/?delete", false, "DeleteObjects"),
            ("GET", "/bucket/?versions&prefix=a%2F", false, "ListObjectVersions"),
            ("GET", "/bucket/?list-type=2", false, "ListObjectsV2"),
            ("PUT", "/bucket/a?partNumber=1&uploadId=u", true, "UploadPartCopy"),
            ("PUT", "/bucket/a?partNumber=1&uploadId=u", false, "UploadPart"),
            ("POST", "/bucket/a?uploadId=u", false, "CompleteMultipartUpload"),
        ] {
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            assert_eq!(s3_operation(method, path, query, is_copy), operation, "{method} {target}");
        }
    }
}
