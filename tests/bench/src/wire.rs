//! As much of HTTP/1.1 as two programs on one machine need, and nothing that takes time.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
};

/// A request or an answer.
#[derive(Debug, Clone)]
pub struct Message {
    /// The first line.
    pub start: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Decoded, whatever its framing was.
    pub body: Vec<u8>,
}

impl Message {
    /// The next message of a connection; none where it ends.
    ///
    /// # Errors
    /// Where the connection breaks, or does not speak HTTP/1.1.
    pub fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Self>> {
        let mut start = String::new();
        if stream.read_line(&mut start)? == 0 {
            return Ok(None);
        }
        let mut message = Self { start: start.trim_end().to_owned(), headers: Vec::new(), body: Vec::new() };
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            message.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }

        if let Some(length) = message.header("content-length") {
            let length: u64 = length.parse().map_err(io::Error::other)?;
            stream.take(length).read_to_end(&mut message.body)?;
        } else if message.header("transfer-encoding").is_some() {
            message.read_chunks(stream)?;
        }
        Ok(Some(message))
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Writes it with the length of its body.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub fn write(&self, mut stream: &TcpStream) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(self.body.len().saturating_add(512));
        write!(bytes, "{}\r\n", self.start)?;
        for (name, value) in &self.headers {
            if !matches!(name.as_str(), "content-length" | "transfer-encoding" | "connection") {
                write!(bytes, "{name}: {value}\r\n")?;
            }
        }
        write!(bytes, "content-length: {}\r\n\r\n", self.body.len())?;
        bytes.extend_from_slice(&self.body);
        stream.write_all(&bytes)
    }

    fn read_chunks(&mut self, stream: &mut BufReader<TcpStream>) -> io::Result<()> {
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
            stream.by_ref().take(size).read_to_end(&mut self.body)?;
            // The end of the chunk, or of the whole: no caller here sends trailers that count.
            loop {
                line.clear();
                stream.read_line(&mut line)?;
                if line.trim_end().is_empty() {
                    break;
                }
            }
            if size == 0 {
                return Ok(());
            }
        }
    }
}
