//! Uploads, and audio for them.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::actors::{Actor, Answer, Tenant, send};

/// An MP3 of `seconds` seconds of silence: MPEG-1 layer III, 128 kbit/s, 44.1 kHz, mono; 417 bytes a frame. `seed` goes into an
/// ID3v2 comment, so that two files differ.
pub fn mp3(seconds: u32, seed: &str) -> Bytes {
    let mut comment = b"\0eng\0".to_vec();
    comment.extend_from_slice(seed.as_bytes());
    let mut frame = b"COMM".to_vec();
    frame.extend_from_slice(&(comment.len() as u32).to_be_bytes());
    frame.extend_from_slice(&[0, 0]);
    frame.extend_from_slice(&comment);

    let mut bytes = b"ID3\x03\0\0\0\0".to_vec();
    bytes.extend_from_slice(&[(frame.len() >> 7) as u8, (frame.len() & 0x7f) as u8]);
    bytes.extend_from_slice(&frame);
    for _ in 0..seconds * 44_100 / 1152 {
        bytes.extend_from_slice(&[0xff, 0xfb, 0x90, 0xc4]);
        bytes.extend_from_slice(&[0; 413]);
    }
    bytes.into()
}

/// Audio that is as long and not the same.
pub fn another(audio: &Bytes) -> Bytes {
    let mut bytes = audio.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    bytes.into()
}

/// Announces `bytes`, sends them as they are asked for, and completes. Answers the upload's path.
pub async fn upload(
    actor: &Actor,
    tenant: &Tenant,
    file_name: &str,
    announced: Value,
    bytes: &Bytes,
) -> String {
    let mut new = json!({ "file_name": file_name, "content_type": "audio/mpeg", "size_bytes": bytes.len() });
    for (name, value) in announced.as_object().unwrap() {
        new[name] = value.clone();
    }
    let upload = actor.post("/v1/uploads", new).await.data();
    send_bytes(tenant, &upload, bytes).await;
    let path = format!("/v1/uploads/{}", upload["id"].as_str().unwrap());
    actor.post(&format!("{path}/complete"), json!({})).await.data();
    path
}

/// PUTs the bytes at once where they are asked for so, or else in parts.
pub async fn send_bytes(tenant: &Tenant, upload: &Value, bytes: &Bytes) {
    if upload["upload"].is_null() {
        return send_parts(tenant, upload, bytes).await;
    }
    let answer = put_whole(tenant, upload, bytes.clone()).await;
    assert!(answer.status.is_success(), "{answer:?}");
}

/// PUTs bytes where an upload wants all of them, with the headers that it asks for.
pub async fn put_whole(tenant: &Tenant, upload: &Value, bytes: impl Into<Bytes>) -> Answer {
    let put = &upload["upload"];
    let headers = put["headers"].as_object().unwrap().iter();
    let headers: Vec<_> = headers.map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    send(tenant.stack, Method::PUT, put["url"].as_str().unwrap(), &headers, bytes).await
}

/// PUTs the parts that an upload asks for.
pub async fn send_parts(tenant: &Tenant, upload: &Value, bytes: &Bytes) {
    let part_size = upload["part_size"].as_u64().unwrap() as usize;
    for part in upload["parts"].as_array().unwrap() {
        let start = (part["part_number"].as_u64().unwrap() as usize - 1) * part_size;
        let end = start + part["size_bytes"].as_u64().unwrap() as usize;
        let url = part["url"].as_str().unwrap();
        let answer = send(tenant.stack, Method::PUT, url, &[], bytes.slice(start..end)).await;
        assert!(answer.status.is_success(), "{answer:?}");
    }
}

/// Waits until an upload has ended, and answers how.
pub async fn wait_for_end(actor: &Actor, path: &str) -> Value {
    for _ in 0..600 {
        let upload = actor.get(path).await.data();
        if matches!(upload["state"].as_str(), Some("ready" | "rejected" | "expired")) {
            return upload;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{path} did not end: {:?}", actor.get(path).await);
}

/// Media of a test's own.
pub async fn media(tenant: &Tenant, bytes: &Bytes) -> String {
    let path = upload(&tenant.editor, tenant, "episode.mp3", json!({}), bytes).await;
    let upload = wait_for_end(&tenant.editor, &path).await;
    assert_eq!(upload["state"], "ready", "{upload}");
    upload["media_id"].as_str().unwrap().to_owned()
}
