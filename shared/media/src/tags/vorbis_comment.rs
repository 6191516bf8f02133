//! Vorbis comments: `KEY=value`, in FLAC and Ogg alike (Vorbis I, 5; RFC 9639, 8.6 and 8.8; RFC 7845, 5.2).

use std::{
    collections::BTreeMap,
    io::{self, Read, Take},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Field, Gathered, LARGEST_ARTWORK, LONGEST_ITEM, MOST_CHAPTERS, Mark};
use crate::pieces::{Pieces, array};

/// Comments after these are left out.
const MOST_COMMENTS: u32 = 10_000;
/// The largest picture as Base64, with what stands before its bytes.
const LONGEST_PICTURE: u64 = LARGEST_ARTWORK / 3 * 4 + LONGEST_ITEM;
const PICTURE: &[u8] = b"METADATA_BLOCK_PICTURE=";
const FRONT_COVER: u32 = 3;

/// Reads the metadata blocks of the FLAC stream that starts here.
pub(super) fn read_flac(pieces: &mut Pieces<'_>, start: u64, gathered: &mut Gathered) -> io::Result<()> {
    const COMMENTS: u8 = 4;
    const PICTURE: u8 = 6;
    /// Blocks after these are left out; there are seven kinds.
    const MOST_BLOCKS: usize = 1_000;

    if pieces.array(start)? != Some(*b"fLaC") {
        return Ok(());
    }
    let mut position = start + 4;
    for _ in 0..MOST_BLOCKS {
        let Some([kind, a, b, c]) = pieces.array(position)? else { break };
        let body = position + 4;
        let len = u64::from(u32::from_be_bytes([0, a, b, c]));
        match kind & 0x7f {
            COMMENTS => read(&mut pieces.stream(body..body + len)?, gathered)?,
            PICTURE => {
                let is_front_cover = pieces.array(body)? == Some(FRONT_COVER.to_be_bytes());
                if gathered.wants_picture(is_front_cover, len) {
                    read_picture(pieces.bytes(body, len)?, gathered);
                }
            }
            _ => {}
        }
        if kind & 0x80 != 0 {
            break;
        }
        position = body + len;
    }
    Ok(())
}

/// Reads a list of comments.
pub(super) fn read(body: &mut dyn Read, gathered: &mut Gathered) -> io::Result<()> {
    let Some(vendor_len) = array(&mut *body)?.map(u32::from_le_bytes) else { return Ok(()) };
    io::copy(&mut body.take(vendor_len.into()), &mut io::sink())?;
    let Some(count) = array(&mut *body)?.map(u32::from_le_bytes) else { return Ok(()) };

    let mut chapters = Chapters::default();
    for _ in 0..count.min(MOST_COMMENTS) {
        let Some(len) = array(&mut *body)?.map(u32::from_le_bytes) else { break };
        let mut rest = body.take(len.into());
        let mut comment = Vec::new();
        (&mut rest).take(LONGEST_ITEM).read_to_end(&mut comment)?;

        if starts_with_key(&comment, PICTURE) {
            let text = comment.split_off(PICTURE.len());
            read_encoded_picture(text, &mut rest, gathered)?;
        } else {
            let comment = String::from_utf8_lossy(&comment);
            if let Some((key, value)) = comment.split_once('=') {
                let key = key.to_ascii_uppercase();
                match field(&key) {
                    Some(field) => gathered.text(field, value),
                    None => chapters.read(&key, value),
                }
            }
        }
        io::copy(&mut rest, &mut io::sink())?;
    }
    gathered.chapters(chapters.in_order());
    Ok(())
}

fn starts_with_key(comment: &[u8], key: &[u8]) -> bool {
    comment.get(..key.len()).is_some_and(|start| start.eq_ignore_ascii_case(key))
}

fn field(key: &str) -> Option<Field> {
    Some(match key {
        "TITLE" => Field::Title,
        "ARTIST" => Field::Artist,
        "ALBUM" => Field::Album,
        "ALBUMARTIST" | "ALBUM ARTIST" | "ALBUM_ARTIST" => Field::AlbumArtist,
        "TRACKNUMBER" | "TRACK" => Field::Track,
        "DATE" | "YEAR" => Field::Date,
        "GENRE" => Field::Genre,
        "COMMENT" | "DESCRIPTION" => Field::Comment,
        "LANGUAGE" => Field::Language,
        "PUBLISHER" | "ORGANIZATION" | "LABEL" => Field::Publisher,
        "COPYRIGHT" => Field::Copyright,
        _ => return None,
    })
}

/// A picture in Base64, whose start is here already.
fn read_encoded_picture(
    mut text: Vec<u8>,
    rest: &mut Take<impl Read>,
    gathered: &mut Gathered,
) -> io::Result<()> {
    let is_front_cover = text
        .first_chunk::<8>()
        .and_then(|start| STANDARD.decode(start).ok())
        .is_some_and(|start| start.starts_with(&FRONT_COVER.to_be_bytes()));
    if gathered.wants_picture(is_front_cover, 0) {
        text.reserve_exact(usize::try_from(rest.limit().min(LONGEST_PICTURE)).unwrap_or(0));
        rest.take(LONGEST_PICTURE).read_to_end(&mut text)?;
        if let Ok(picture) = STANDARD.decode(text) {
            read_picture(picture, gathered);
        }
    }
    Ok(())
}

/// A picture in FLAC's own structure.
fn read_picture(mut block: Vec<u8>, gathered: &mut Gathered) {
    let Some((kind, start, len)) = picture_place(&block) else { return };
    block.truncate(start.saturating_add(len));
    block.drain(..start);
    if block.len() == len {
        gathered.picture(kind == FRONT_COVER, block);
    }
}

/// What kind of picture it is, where its bytes start, and how many it has.
fn picture_place(block: &[u8]) -> Option<(u32, usize, usize)> {
    let (kind, rest) = split_number(block)?;
    let (content_type_len, rest) = split_number(rest)?;
    let (_content_type, rest) = rest.split_at_checked(usize::try_from(content_type_len).ok()?)?;
    let (description_len, rest) = split_number(rest)?;
    let (_description, rest) = rest.split_at_checked(usize::try_from(description_len).ok()?)?;
    let (_width_height_depth_colours, rest) = rest.split_at_checked(16)?;
    let (len, picture) = split_number(rest)?;
    Some((kind, block.len() - picture.len(), usize::try_from(len).ok()?))
}

fn split_number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*number), rest))
}

/// `CHAPTER001=00:01:02.345`, `CHAPTER001NAME=…`, `CHAPTER001URL=…`.
#[derive(Default)]
struct Chapters(BTreeMap<u16, Chapter>);

#[derive(Default)]
struct Chapter {
    starts_at: Option<Duration>,
    title: Option<String>,
    url: Option<String>,
}

impl Chapters {
    fn read(&mut self, key: &str, value: &str) {
        let Some(rest) = key.strip_prefix("CHAPTER") else { return };
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        let Some((number, what)) = rest.split_at_checked(digits) else { return };
        let Ok(number) = number.parse() else { return };
        if self.0.len() >= MOST_CHAPTERS && !self.0.contains_key(&number) {
            return;
        }

        let chapter = self.0.entry(number).or_default();
        match what {
            "" => chapter.starts_at = time(value),
            "NAME" => chapter.title = super::line(value),
            "URL" => chapter.url = super::web_address(value),
            _ => {}
        }
    }

    /// Each ends where the next starts, which nothing says, so the end is left open.
    fn in_order(self) -> Vec<Mark> {
        let mut marks: Vec<Mark> = self
            .0
            .into_values()
            .filter_map(|chapter| {
                let Chapter { starts_at, title, url } = chapter;
                Some(Mark { starts_at: starts_at?, ends_at: None, title, url })
            })
            .collect();
        marks.sort_by_key(|mark| mark.starts_at);
        marks
    }
}

/// Hours, minutes and seconds with a fraction.
fn time(text: &str) -> Option<Duration> {
    let mut parts = text.trim().split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let number = |text: &str| text.parse::<u32>().ok();
    let seconds =
        u64::from(number(hours)?) * 3_600 + u64::from(number(minutes)?) * 60 + u64::from(number(seconds)?);
    let milliseconds = fraction
        .bytes()
        .chain(*b"000")
        .take(3)
        .try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))?;
    Some(Duration::from_millis(seconds * 1_000 + milliseconds))
}
