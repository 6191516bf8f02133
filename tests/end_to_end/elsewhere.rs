//! Other hosts, played by this process: what a test puts there is there, at one address for each of two hosts.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{LazyLock, Mutex},
    thread,
};

use bytes::Bytes;

/// What is at a path.
#[derive(Clone)]
pub enum Page {
    /// These bytes, in ranges too; with this `ETag`.
    Bytes(Bytes, String),
    /// It is elsewhere.
    Redirect(String),
    /// So many bytes of nothing, and no word of how many.
    Endless(usize),
    /// An answer that breaks off after so many bytes, once; then there is another page.
    BreaksOff(Bytes, usize, Box<Page>),
}

struct Hosts {
    addresses: Vec<SocketAddr>,
    pages: Mutex<HashMap<String, Page>>,
    asked: Mutex<Vec<String>>,
}

static HOSTS: LazyLock<Hosts> = LazyLock::new(|| {
    let listeners: Vec<_> = (0..2).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let addresses = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
    for listener in listeners {
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || answer(stream).unwrap_or_default());
            }
        });
    }
    Hosts { addresses, pages: Mutex::default(), asked: Mutex::default() }
});

pub fn addresses() -> Vec<SocketAddr> {
    HOSTS.addresses.clone()
}

/// Puts a page at `path` of a host, and answers its URL.
pub fn put(host: usize, path: &str, page: Page) -> String {
    HOSTS.pages.lock().unwrap().insert(path.to_owned(), page);
    format!("http://{}{path}", HOSTS.addresses[host])
}

/// The same for plain bytes.
pub fn put_bytes(host: usize, path: &str, bytes: impl Into<Bytes>) -> String {
    put(host, path, Page::Bytes(bytes.into(), format!("\"{path}\"")))
}

/// The same, where the first answer breaks off after so many bytes.
pub fn put_broken(host: usize, path: &str, bytes: impl Into<Bytes>, after: usize) -> String {
    let bytes = bytes.into();
    put(host, path, breaks_off(bytes.clone(), after, whole(bytes)))
}

pub fn breaks_off(bytes: Bytes, after: usize, then: Page) -> Page {
    Page::BreaksOff(bytes, after, Box::new(then))
}

/// Bytes with an `ETag` that other bytes of another length do not have.
pub fn whole(bytes: Bytes) -> Page {
    let etag = etag_of(&bytes);
    Page::Bytes(bytes, etag)
}

fn etag_of(bytes: &Bytes) -> String {
    format!("\"{}\"", bytes.len())
}

/// The requests for `path` so far: their lines and their `Range`.
pub fn asked(path: &str) -> Vec<String> {
    let asked = HOSTS.asked.lock().unwrap();
    asked.iter().filter(|line| line.contains(path)).cloned().collect()
}

fn answer(stream: TcpStream) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    let line = lines.next().transpose()?.unwrap_or_default();
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut range, mut validator) = (None, None);
    for header in lines {
        let header = header?.to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(from) = header.strip_prefix("range: bytes=") {
            range = from.trim_end_matches('-').parse::<usize>().ok();
        }
        if let Some(etag) = header.strip_prefix("if-range: ") {
            validator = Some(etag.to_owned());
        }
    }
    HOSTS.asked.lock().unwrap().push(format!("{path} {range:?}"));
    let page = HOSTS.pages.lock().unwrap().get(&path).cloned();
    if let (Some(Page::Bytes(_, etag)), Some(validator)) = (&page, validator) {
        range = range.filter(|_| etag.to_ascii_lowercase() == validator);
    }
    match page {
        None => out.write_all(b"HTTP/1.1 404 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        Some(Page::Redirect(to)) => {
            write!(out, "HTTP/1.1 302 X\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        }
        Some(Page::Bytes(bytes, _)) if range.is_some_and(|from| from >= bytes.len()) => write!(
            out,
            "HTTP/1.1 416 X\r\ncontent-range: bytes */{}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            bytes.len()
        ),
        Some(Page::Bytes(bytes, etag)) => {
            let from = range.unwrap_or(0);
            let status = if range.is_some() { 206 } else { 200 };
            write!(
                out,
                "HTTP/1.1 {status} X\r\netag: {etag}\r\ncontent-length: {}\r\ncontent-range: bytes {from}-{}/{}\r\nconnection: close\r\n\r\n",
                bytes.len() - from,
                bytes.len() - 1,
                bytes.len()
            )?;
            out.write_all(&bytes[from..])
        }
        Some(Page::Endless(length)) => {
            out.write_all(b"HTTP/1.1 200 X\r\nconnection: close\r\n\r\n")?;
            let block = vec![b' '; 1 << 16];
            for _ in 0..length >> 16 {
                out.write_all(&block)?;
            }
            Ok(())
        }
        Some(Page::BreaksOff(bytes, after, then)) => {
            HOSTS.pages.lock().unwrap().insert(path, *then);
            write!(
                out,
                "HTTP/1.1 200 X\r\netag: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                etag_of(&bytes),
                bytes.len()
            )?;
            out.write_all(&bytes[..after])
        }
    }
}
