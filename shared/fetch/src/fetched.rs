//! What comes, as it comes.

use std::io::{self, Write};

use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use url::Url;

use crate::{FetchError, Limits, Resume};

/// The head of an answer, and its bytes as they come.
#[derive(Debug)]
pub struct Fetched {
    /// Where it is in the end.
    pub url: Url,
    /// What its bytes are, as the server says.
    pub content_type: Option<String>,
    /// How many bytes the whole has, as the server says.
    pub length: Option<u64>,
    /// Its `ETag`, as the server sent it.
    pub etag: Option<String>,
    /// Where in the whole the bytes begin that come: where [`Resume::from`] says, or at 0.
    pub from: u64,
    /// What [`Resume`] takes to go on should the bytes break off: a strong `ETag`, else `Last-Modified`. Without one, or when
    /// the server sends the bytes encoded, they must be fetched from the beginning.
    pub validator: Option<String>,
    body: ByteStream,
    decoder: Option<Decoder>,
    /// How many bytes of the whole there were so far, with those that came earlier.
    reached: u64,
    limits: Limits,
}

/// A decoder, and what it was not given yet.
#[derive(Debug)]
struct Decoder {
    gzip: MultiGzDecoder<Vec<u8>>,
    waiting: Bytes,
    is_over: bool,
}

/// The most bytes that are decoded at once: gzip makes a thousand of one at most.
const DECODED_AT_ONCE: usize = 4 * 1024;

impl Fetched {
    pub(crate) fn new(
        url: Url,
        answer: Response,
        resume: Option<&Resume>,
        limits: Limits,
    ) -> Result<Self, FetchError> {
        let header = |name: &str| answer.headers().get(name).map(str::to_owned);
        let length = header("content-length").and_then(|length| length.parse().ok());
        let etag = header("etag");
        let range = header("content-range");
        let (from, length) = match (answer.status().as_u16(), resume) {
            (200, _) => (0, length),
            (206 | 416, Some(resume)) if is_of_another(etag.as_deref(), resume) => {
                return Err(FetchError::Changed);
            }
            (206, Some(resume)) => {
                let whole = part_from(range.as_deref(), resume.from)?;
                (resume.from, whole.or(length.map(|rest: u64| rest.saturating_add(resume.from))))
            }
            (416, Some(resume)) => {
                if !ends_at(range.as_deref(), resume.from) {
                    return Err(FetchError::Changed);
                }
                return Ok(Self::nothing_more(url, etag, resume, limits));
            }
            (status, _) => return Err(FetchError::Status(status)),
        };

        let encoding = header("content-encoding").unwrap_or_default().to_ascii_lowercase();
        let decoder = match (encoding.trim(), from) {
            ("" | "identity", _) => None,
            ("gzip" | "x-gzip", 0) => {
                Some(Decoder { gzip: MultiGzDecoder::new(Vec::new()), waiting: Bytes::new(), is_over: false })
            }
            (other, _) => return Err(FetchError::Encoding(other.chars().take(100).collect())),
        };
        // Of what is encoded it counts other bytes than come out.
        let is_plain = decoder.is_none();
        let length = length.filter(|_| is_plain);
        if length.is_some_and(|length| length > limits.most_bytes) {
            return Err(too_large(limits));
        }
        let strong = etag.clone().filter(|etag| etag.starts_with('"'));
        Ok(Self {
            url,
            content_type: header("content-type"),
            length,
            etag,
            from,
            validator: strong.or_else(|| header("last-modified")).filter(|_| is_plain),
            body: ByteStream::new(answer.into_body()),
            decoder,
            reached: from,
            limits,
        })
    }

    /// All had come before: what the server sends now is the page of an error.
    fn nothing_more(url: Url, etag: Option<String>, resume: &Resume, limits: Limits) -> Self {
        Self {
            url,
            content_type: None,
            length: Some(resume.from),
            etag,
            from: resume.from,
            validator: Some(resume.validator.clone()),
            body: ByteStream::from_static(b""),
            decoder: None,
            reached: resume.from,
            limits,
        }
    }

    /// The next bytes; none when all have come.
    ///
    /// # Errors
    /// [`FetchError::TooLarge`] before more than [`Limits::most_bytes`] are answered; [`FetchError::TooSlow`] and
    /// [`FetchError::BrokenOff`] when not all have come.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        let chunk = match &mut self.decoder {
            None => arriving(&mut self.body, self.limits).await?,
            Some(decoder) => decoder.chunk(&mut self.body, self.limits).await?,
        };
        let Some(chunk) = chunk else { return Ok(None) };
        self.reached = self.reached.saturating_add(chunk.len() as u64);
        if self.reached > self.limits.most_bytes { Err(too_large(self.limits)) } else { Ok(Some(chunk)) }
    }

    /// All that is still to come.
    ///
    /// # Errors
    /// Those of [`Self::chunk`].
    pub async fn collect(mut self) -> Result<Vec<u8>, FetchError> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }
}

impl Decoder {
    async fn chunk(&mut self, body: &mut ByteStream, limits: Limits) -> Result<Option<Bytes>, FetchError> {
        while !self.is_over {
            if self.waiting.is_empty() {
                let Some(chunk) = arriving(body, limits).await? else {
                    self.gzip.try_finish().map_err(broken_off)?;
                    self.is_over = true;
                    return Ok(self.take());
                };
                self.waiting = chunk;
            }
            let some = self.waiting.split_to(self.waiting.len().min(DECODED_AT_ONCE));
            self.gzip.write_all(&some).map_err(broken_off)?;
            if let Some(decoded) = self.take() {
                return Ok(Some(decoded));
            }
        }
        Ok(None)
    }

    fn take(&mut self) -> Option<Bytes> {
        let decoded = std::mem::take(self.gzip.get_mut());
        (!decoded.is_empty()).then(|| decoded.into())
    }
}

async fn arriving(body: &mut ByteStream, limits: Limits) -> Result<Option<Bytes>, FetchError> {
    let next = tokio::time::timeout(limits.idle, body.next()).await;
    let next = next.map_err(|_| FetchError::TooSlow(limits.idle))?;
    next.transpose().map_err(|error| FetchError::BrokenOff(error.to_string()))
}

/// Whether the answer is about something else than what came before, as far as it tells.
fn is_of_another(etag: Option<&str>, resume: &Resume) -> bool {
    resume.validator.starts_with('"') && etag.is_some_and(|etag| etag != resume.validator)
}

/// Whether the server says that the whole has `length` bytes, so that nothing comes after them (RFC 9110, 15.5.17).
fn ends_at(content_range: Option<&str>, length: u64) -> bool {
    let whole = content_range.and_then(|range| range.strip_prefix("bytes */"));
    whole.and_then(|whole| whole.trim().parse().ok()) == Some(length)
}

/// How many bytes the whole has, if told, where a part from `from` on is what comes (RFC 9110, 14.4).
fn part_from(content_range: Option<&str>, from: u64) -> Result<Option<u64>, FetchError> {
    let range = content_range.and_then(|range| range.strip_prefix("bytes "));
    let (range, whole) = range.and_then(|range| range.split_once('/')).ok_or(FetchError::Changed)?;
    let begins = range.split_once('-').and_then(|(first, _)| first.trim().parse().ok());
    if begins != Some(from) {
        return Err(FetchError::Changed);
    }
    Ok(whole.trim().parse().ok())
}

fn too_large(limits: Limits) -> FetchError {
    FetchError::TooLarge { most_bytes: limits.most_bytes }
}

fn broken_off(error: io::Error) -> FetchError {
    FetchError::BrokenOff(error.to_string())
}
