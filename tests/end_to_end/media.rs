//! What becomes of an upload: recordings, artwork and transcripts, and what is made of them.

use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::ZlibEncoder};
use http::Method;
use serde_json::{Value, json};

use crate::{
    actors::{Tenant, send},
    audio::{mp3, upload, wait_for_end},
    flow::{enclosure_url, id, listen, wait_for_feed},
    world::{run, unique},
};

/// A WAV of `seconds` seconds: 16 bits, 48 kHz, stereo; a tone of `hertz` at a tenth of full scale, about -23 LUFS.
pub fn wav(seconds: u32, hertz: f64) -> Bytes {
    const RATE: u32 = 48_000;
    let mut samples = Vec::new();
    for number in 0..seconds * RATE {
        let phase = f64::from(number) / f64::from(RATE) * hertz * std::f64::consts::TAU;
        let sample = (phase.sin() * 3276.8) as i16;
        samples.extend_from_slice(&[sample.to_le_bytes(), sample.to_le_bytes()].concat());
    }
    let mut bytes = Vec::with_capacity(44 + samples.len());
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(36 + samples.len() as u32).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    bytes.extend_from_slice(&RATE.to_le_bytes());
    bytes.extend_from_slice(&(RATE * 4).to_le_bytes());
    bytes.extend_from_slice(b"\x04\0\x10\0data");
    bytes.extend_from_slice(&(samples.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&samples);
    bytes.into()
}

/// A PNG that says it is `width` × `height` pixels in RGB, and holds `rows` of them, each in the colour `shade`.
pub fn png(width: u32, height: u32, rows: u32, shade: u8) -> Bytes {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend_from_slice(&[8, 2, 0, 0, 0]);
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::fast());
    let row = [vec![0], vec![shade; 3 * width as usize]].concat();
    for _ in 0..rows {
        pixels.write_all(&row).unwrap();
    }

    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, content) in [(b"IHDR", header), (b"IDAT", pixels.finish().unwrap()), (b"IEND", Vec::new())] {
        let chunk = [name.as_slice(), &content].concat();
        bytes.extend_from_slice(&(content.len() as u32).to_be_bytes());
        bytes.extend_from_slice(&chunk);
        let mut crc = flate2::Crc::new();
        crc.update(&chunk);
        bytes.extend_from_slice(&crc.sum().to_be_bytes());
    }
    bytes.into()
}

/// Uploads `bytes` and answers how that ended.
async fn ended(tenant: &Tenant, name: &str, announced: Value, bytes: &Bytes) -> Value {
    let path = upload(&tenant.editor, tenant, name, announced, bytes).await;
    wait_for_end(&tenant.editor, &path).await
}

async fn ready(tenant: &Tenant, name: &str, announced: Value, bytes: &Bytes) -> Value {
    let upload = ended(tenant, name, announced, bytes).await;
    assert_eq!(upload["state"], "ready", "{upload}");
    upload
}

async fn rejected(tenant: &Tenant, name: &str, announced: Value, bytes: &Bytes) -> String {
    let upload = ended(tenant, name, announced, bytes).await;
    assert_eq!(upload["state"], "rejected", "{upload}");
    upload["rejection"]["code"].as_str().unwrap().to_owned()
}

fn renditions<'a>(upload: &'a Value, purpose: &str) -> Vec<&'a Value> {
    let all = upload["media"]["renditions"].as_array().unwrap().iter();
    all.filter(|rendition| rendition["purpose"] == purpose).collect()
}

async fn fetch(tenant: &Tenant, file: &Value) -> Bytes {
    let answer = send(tenant.stack, Method::GET, file["url"].as_str().unwrap(), &[], Bytes::new()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), file["content_type"].as_str().unwrap());
    assert_eq!(answer.body.len() as u64, file["size_bytes"].as_u64().unwrap());
    answer.body
}

#[test]
fn a_master_is_heard_as_an_mp3_and_kept() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let master = wav(5, 997.0);
        let wish = json!({
            "content_type": "audio/wav", "enclosure": { "bit_rate": 96_000, "is_loudness_normalized": true },
        });
        let upload = ready(&acme, "master.wav", wish, &master).await;

        let media = &upload["media"];
        assert_eq!((&media["kind"], &media["codec"]), (&json!("recording"), &json!("pcm")));
        assert_eq!(media["duration_milliseconds"], 5_000);
        assert_eq!(fetch(&acme, &media["original"]).await, master, "the master is kept");
        let loudness = media["loudness"]["integrated_lufs"].as_f64().unwrap();
        assert!((-21.0..=-19.0).contains(&loudness), "{loudness}");
        assert_eq!(upload["warnings"][0]["code"], "loudness_off_target");
        let enclosure = fetch(&acme, renditions(&upload, "enclosure")[0]).await;
        assert!((55_000..75_000).contains(&enclosure.len()), "{} bytes are not 96 kbit/s", enclosure.len());
        let waveform: Value =
            serde_json::from_slice(&fetch(&acme, renditions(&upload, "waveform")[0]).await).unwrap();
        assert_eq!((&waveform["version"], &waveform["bits"]), (&json!(2), &json!(8)));

        let show = acme.show("public").await;
        let draft = json!({ "title": "Mastered", "description": "d", "media_id": upload["media_id"] });
        let draft = acme.editor.post(&format!("/v1/shows/{}/episodes", id(&show)), draft).await.data();
        acme.editor.post(&format!("/v1/episodes/{}/publish", id(&draft)), json!({})).await.data();
        let feed =
            wait_for_feed(stack, show["feed_url"].as_str().unwrap(), |text| text.contains("Mastered")).await;
        let url = enclosure_url(&feed);
        assert!(url.ends_with(".mp3"), "{url}");
        let redirect = listen(stack, Method::GET, &url, &[]).await;
        let heard = listen(stack, Method::GET, redirect.header("location"), &[]).await;
        assert_eq!((heard.header("content-type"), &heard.body), ("audio/mpeg", &enclosure));
    });
}

#[test]
fn the_same_bytes_are_one_medium_in_a_tenancy_and_two_in_two() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let audio = mp3(61, &unique("audio"));
        let first = ready(&acme, "a.mp3", json!({}), &audio).await;
        let second = ready(&acme, "b.mp3", json!({}), &audio).await;
        let other = ready(&globex, "a.mp3", json!({}), &audio).await;

        assert_eq!(first["media_id"], second["media_id"]);
        assert_ne!(first["media_id"], other["media_id"]);
        let missing = acme.editor.get(&format!("/v1/uploads/{}", id(&other))).await;
        missing.assert_problem(404, "not_found");
    });
}

#[test]
fn a_master_made_in_two_ways_is_two_media() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let master = wav(2, 440.0);
        let made = async |bit_rate: u32| {
            let wish = json!({ "content_type": "audio/wav", "enclosure": { "bit_rate": bit_rate } });
            ready(&acme, "master.wav", wish, &master).await
        };
        let (low, high, again) = (made(64_000).await, made(192_000).await, made(64_000).await);

        assert_eq!(low["media_id"], again["media_id"]);
        assert_ne!(low["media_id"], high["media_id"]);
        assert_eq!(low["media"]["original"]["sha256"], high["media"]["original"]["sha256"]);
        let size = |upload: &Value| renditions(upload, "enclosure")[0]["size_bytes"].as_u64().unwrap();
        assert!(size(&high) > 2 * size(&low), "{} and {}", size(&high), size(&low));
    });
}

#[test]
fn artwork_is_square_large_enough_and_has_a_copy_for_the_web() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let announced = || json!({ "content_type": "image/png" });
        let upload = ready(&acme, "cover.png", announced(), &png(1400, 1400, 1400, 90)).await;

        assert_eq!(
            (&upload["media"]["kind"], &upload["media"]["side_px"]),
            (&json!("picture"), &json!(1400))
        );
        let web = fetch(&acme, renditions(&upload, "web")[0]).await;
        assert!(web.starts_with(b"\xff\xd8\xff"), "the copy is a JPEG");
        for (picture, code) in [
            (png(1399, 1399, 1399, 1), "wrong_dimensions"),
            (png(1500, 1400, 1400, 1), "not_square"),
            (png(40_000, 40_000, 1, 1), "wrong_dimensions"),
            (png(1400, 1400, 700, 1), "damaged"),
        ] {
            assert_eq!(rejected(&acme, "cover.png", announced(), &picture).await, code);
        }
    });
}

#[test]
fn a_transcript_comes_out_in_every_format() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let srt = "1\r\n00:00:01,000 --> 00:00:02,500\r\nGood evening.\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nGood night.\r\n";
        let announced = json!({ "content_type": "application/x-subrip" });
        let upload = ready(&acme, "episode.srt", announced, &Bytes::from_static(srt.as_bytes())).await;

        let media = &upload["media"];
        assert_eq!((&media["kind"], &media["cues"]), (&json!("transcript"), &json!(2)));
        assert_eq!(media["ends_at_milliseconds"], 4_000);
        let made = renditions(&upload, "transcript");
        let types: Vec<&str> = made.iter().map(|file| file["content_type"].as_str().unwrap()).collect();
        assert_eq!(types, ["text/vtt", "application/x-subrip", "application/json"]);
        assert!(fetch(&acme, made[0]).await.starts_with(b"WEBVTT\n"));
        let segments: Value = serde_json::from_slice(&fetch(&acme, made[2]).await).unwrap();
        assert_eq!(segments["segments"][1]["body"], "Good night.");

        let broken = Bytes::from_static(b"1\n00:00:02,000 --> 00:00:01,000\nBackwards.\n");
        let announced = json!({ "content_type": "application/x-subrip" });
        assert_eq!(rejected(&acme, "episode.srt", announced, &broken).await, "invalid_transcript");
    });
}

#[test]
fn chapters_are_read_and_written_as_podcasting_2_0_has_them() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let document = json!({
            "version": "1.0.0", "made_by": "hand",
            "chapters": [{ "startTime": 90, "title": "News" }, { "startTime": 0, "title": "Hello" }],
        });
        let announced = json!({ "content_type": "application/json+chapters" });
        let bytes = Bytes::from(document.to_string());
        let upload = ready(&acme, "chapters.json", announced.clone(), &bytes).await;

        let media = &upload["media"];
        assert_eq!((&media["kind"], &media["chapters"]), (&json!("chapters"), &json!(2)));
        let made = fetch(&acme, renditions(&upload, "chapters")[0]).await;
        let chapters = json!([{ "startTime": 0, "title": "Hello" }, { "startTime": 90, "title": "News" }]);
        assert_eq!(
            serde_json::from_slice::<Value>(&made).unwrap(),
            json!({ "version": "1.2.0", "chapters": chapters })
        );

        for broken in ["{", "{}", r#"{"version":"1.2.0","chapters":[]}"#] {
            let broken = Bytes::from_static(broken.as_bytes());
            assert_eq!(
                rejected(&acme, "chapters.json", announced.clone(), &broken).await,
                "invalid_chapters"
            );
        }
    });
}

#[test]
fn what_is_not_of_the_kind_that_was_announced_is_rejected() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let audio = mp3(61, &unique("audio"));
        let as_picture = json!({ "content_type": "image/jpeg" });
        assert_eq!(rejected(&acme, "cover.jpg", as_picture.clone(), &audio).await, "type_mismatch");
        ready(&acme, "episode.mp3", json!({}), &audio).await;
        assert_eq!(rejected(&acme, "cover.jpg", as_picture, &audio).await, "type_mismatch", "known by now");
        let picture = png(1400, 1400, 1400, 7);
        assert_eq!(rejected(&acme, "episode.mp3", json!({}), &picture).await, "type_mismatch");
    });
}

#[test]
fn a_picture_is_not_an_episodes_media() {
    run(async |stack| {
        let acme = Tenant::new(stack).await;
        let announced = json!({ "content_type": "image/png" });
        let picture = ready(&acme, "cover.png", announced, &png(1400, 1400, 1400, 31)).await;
        let show = acme.show("public").await;
        let draft = json!({ "title": "t", "description": "d", "media_id": picture["media_id"] });
        let draft = acme.editor.post(&format!("/v1/shows/{}/episodes", id(&show)), draft).await;
        draft.assert_problem(422, "invalid_request");
    });
}
