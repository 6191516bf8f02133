//! A tenancy that a section has to itself, and what it does through the API.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, header};
use local::{Client, Stack};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::world::{Outcome, sign_in};

/// How long an upload may take to be scanned and probed.
const PATIENCE: Duration = Duration::from_secs(180);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// A tenancy, and its first owner.
pub struct Tenancy<'a> {
    pub stack: &'a Stack,
    pub id: String,
    pub owner: Caller<'a>,
}

/// Somebody who is signed in.
pub struct Caller<'a> {
    stack: &'a Stack,
    token: String,
}

impl<'a> Tenancy<'a> {
    /// Makes one as the operator does, of which no limit is what is measured.
    ///
    /// # Errors
    /// Where the API refuses.
    pub async fn new(stack: &'a Stack, name: &str) -> Outcome<Self> {
        let operator = Caller::sign_in(stack, stack.operator()).await?;
        let owner = json!({ "name": format!("{name} Owner"), "email": format!("owner@{name}.example").to_lowercase() });
        let limits = json!({ "requests_per_minute": 100_000, "requests_per_minute_per_principal": 100_000 });
        let new = json!({ "name": name, "owner": owner, "limits": limits });
        let made = operator.post("/v1/tenancies", &new).await?;
        let owner = Caller::sign_in(stack, &client(made.get("client").unwrap_or(&Value::Null))?).await?;
        Ok(Self { stack, id: text(&made, "/id")?, owner })
    }

    /// Another owner, whose second factor somebody vouches for.
    ///
    /// # Errors
    /// Where the API refuses.
    pub async fn another_owner(&self, name: &str) -> Outcome<Caller<'a>> {
        let new = json!({ "name": name, "groups": ["owners"], "is_vouched_for": true });
        let made = self.owner.post("/v1/clients", &new).await?;
        Caller::sign_in(self.stack, &client(&made)?).await
    }

    /// A private show.
    ///
    /// # Errors
    /// Where the API refuses.
    pub async fn show(&self, slug: &str, title: &str) -> Outcome<String> {
        let show = json!({
            "slug": slug, "title": title, "description": "The sea, twice a day.", "language": "en",
            "category": "Science", "author": "Harbour Radio", "visibility": "private",
        });
        text(&self.owner.post("/v1/shows", &show).await?, "/id")
    }

    /// An episode that is published.
    ///
    /// # Errors
    /// Where the API refuses, or the recording.
    pub async fn episode(&self, show: &str, title: &str, recording: Bytes) -> Outcome<String> {
        let media = self.upload(recording).await?;
        let new = json!({ "title": title, "description": "About it.", "media_id": media });
        let episode = self.owner.post(&format!("/v1/shows/{show}/episodes"), &new).await?;
        let id = text(&episode, "/id")?;
        self.owner.post(&format!("/v1/episodes/{id}/publish"), &json!({})).await?;
        Ok(id)
    }

    /// The media that comes of an MP3.
    async fn upload(&self, recording: Bytes) -> Outcome<String> {
        let new = json!({
            "file_name": "episode.mp3", "content_type": "audio/mpeg", "size_bytes": recording.len(),
        });
        let upload = self.owner.post("/v1/uploads", &new).await?;
        if let Some(put) = upload.get("upload").filter(|put| !put.is_null()) {
            self.put(&text(put, "/url")?, put.get("headers"), recording.clone()).await?;
        }
        let mut rest = recording;
        for part in upload.get("parts").and_then(Value::as_array).into_iter().flatten() {
            let size = part.get("size_bytes").and_then(Value::as_u64).ok_or("a part without a size")?;
            let bytes = rest.split_to(usize::try_from(size)?.min(rest.len()));
            self.put(&text(part, "/url")?, None, bytes).await?;
        }

        let path = format!("/v1/uploads/{}", text(&upload, "/id")?);
        self.owner.post(&format!("{path}/complete"), &json!({})).await?;
        let started = Instant::now();
        loop {
            let upload = self.owner.get(&path).await?;
            match text(&upload, "/state")?.as_str() {
                "ready" => return text(&upload, "/media_id"),
                "rejected" | "expired" => return Err(format!("an upload came to nothing: {upload}").into()),
                _ if started.elapsed() > PATIENCE => {
                    return Err(format!("an upload has no end: {upload}").into());
                }
                _ => sleep(LOOK_AGAIN).await,
            }
        }
    }

    async fn put(&self, url: &str, headers: Option<&Value>, bytes: Bytes) -> Outcome<()> {
        let mut request = Request::put(url);
        for (name, value) in headers.and_then(Value::as_object).into_iter().flatten() {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
        let answer = self.stack.http().send(request.body(bytes)?).await?;
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(format!("bytes of an upload: {}", answer.status()).into())
        }
    }
}

impl<'a> Caller<'a> {
    async fn sign_in(stack: &'a Stack, client: &Client) -> Outcome<Self> {
        let answer = stack.http().send(sign_in(stack.api(), client)?).await?;
        let token = text(&serde_json::from_slice(answer.body())?, "/access_token")?;
        Ok(Self { stack, token })
    }

    /// The `data` of what the API answers.
    ///
    /// # Errors
    /// Where it refuses.
    pub async fn get(&self, path: &str) -> Outcome<Value> {
        self.send(Method::GET, path, Bytes::new()).await
    }

    /// The `data` of what the API answers.
    ///
    /// # Errors
    /// Where it refuses.
    pub async fn post(&self, path: &str, body: &Value) -> Outcome<Value> {
        self.send(Method::POST, path, body.to_string().into()).await
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Outcome<Value> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.stack.api()))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)?;
        let answer = self.stack.http().send(request).await?;
        if !answer.status().is_success() {
            return Err(format!("{path}: {}", String::from_utf8_lossy(answer.body())).into());
        }
        let answer: Value = serde_json::from_slice(answer.body())?;
        Ok(answer.get("data").cloned().unwrap_or_default())
    }
}

/// An MP3 of about so many bytes, MPEG-1 layer III of silence at 320 kbit/s. `comment` goes into an ID3v2 tag, so that two differ.
pub fn mp3(bytes: usize, comment: &str) -> Bytes {
    const FRAME: usize = 1_044;
    let mut text = b"\0eng\0".to_vec();
    text.extend_from_slice(comment.as_bytes());
    // A hundred characters, at most, whose number takes one byte.
    let length = u8::try_from(text.len().min(100)).unwrap_or_default();
    text.truncate(usize::from(length));
    let mut file = b"ID3\x03\0\0\0\0\0".to_vec();
    file.push(length.saturating_add(10));
    file.extend_from_slice(b"COMM\0\0\0");
    file.extend_from_slice(&[length, 0, 0]);
    file.extend_from_slice(&text);
    let mut frame = vec![0xff, 0xfb, 0xe0, 0xc4];
    frame.resize(FRAME, 0);
    for _ in 0..bytes.div_ceil(FRAME) {
        file.extend_from_slice(&frame);
    }
    file.into()
}

fn client(value: &Value) -> Outcome<Client> {
    Ok(Client { client_id: text(value, "/client_id")?, client_secret: text(value, "/client_secret")? })
}

/// The text there.
///
/// # Errors
/// Where there is none.
pub fn text(value: &Value, pointer: &str) -> Outcome<String> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| format!("no {pointer} in {value}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_a_tag_and_whole_frames() {
        let (one, other) = (mp3(10_440, "one"), mp3(10_440, "two"));

        assert_eq!(one.len(), 10 + 10 + "\0eng\0one".len() + 10 * 1_044);
        assert_eq!(usize::from(one[9]), 10 + "\0eng\0one".len());
        assert_ne!(one, other);
    }
}
