//! ID3v2.2, 2.3 and 2.4: frames in a row; chapters are frames with frames in them (ID3v2 Chapter Frame Addendum 1.0, which
//! 2.2 does not have). Compressed and encrypted frames are left out.

use std::{
    io::{self, BufRead, Read},
    ops::Range,
    time::Duration,
};

use id3::TagLike;

use super::{Field, Gathered, LARGEST_ARTWORK, LONGEST_ITEM, MOST_CHAPTERS, Mark, latin1, utf16};
use crate::pieces::{Pieces, array};

/// As many tags in a row are looked for as a probe skips.
const MOST_TAGS: usize = 16;

/// A chapter has a picture of its own at times, before its title.
const LONGEST_CHAPTER: u64 = 4 * 1024 * 1024;

/// The tags at the start of a file, and where what comes after them starts.
pub(super) fn find_tags(pieces: &mut Pieces<'_>) -> io::Result<(Vec<Range<u64>>, u64)> {
    let mut tags = Vec::new();
    let mut start = 0;
    while tags.len() < MOST_TAGS
        && let Some(header) = pieces.array(start)?.and_then(Header::read)
    {
        let end = start + Header::LEN + header.len;
        tags.push(start..end);
        start = end + if header.has_footer() { Header::LEN } else { 0 };
    }
    Ok((tags, start))
}

/// Reads the tag in this part of the file.
pub(super) fn read(pieces: &mut Pieces<'_>, tag: Range<u64>, gathered: &mut Gathered) -> io::Result<()> {
    let Some(header) = pieces.array(tag.start)?.and_then(Header::read) else { return Ok(()) };
    let mut body = pieces.stream(tag.start + Header::LEN..tag.end)?;

    if header.is_unsynchronised() {
        read_body(&header, &mut Resynchronised { bytes: body.bytes(), is_after_ff: false }, gathered)
    } else {
        read_body(&header, &mut body, gathered)
    }
}

/// The name of a genre that may be given as its number: `Speech` of `(101)`.
pub(super) fn genre_name(text: &str) -> String {
    let mut tag = id3::Tag::new();
    tag.set_genre(text);
    tag.genre_parsed().unwrap_or_default().into_owned()
}

struct Header {
    version: u8,
    flags: u8,
    len: u64,
}

impl Header {
    const LEN: u64 = 10;

    fn read(bytes: [u8; 10]) -> Option<Self> {
        let [b'I', b'D', b'3', version, _, flags, size @ ..] = bytes else { return None };
        let len = synchsafe(size).filter(|_| version != 0xff)?;
        Some(Self { version, flags, len: len.into() })
    }

    fn has_footer(&self) -> bool {
        self.version >= 4 && self.flags & 0x10 != 0
    }

    /// Of the tag as a whole. From 2.4 on each frame says it for itself.
    fn is_unsynchronised(&self) -> bool {
        self.version < 4 && self.flags & 0x80 != 0
    }
}

/// Four times seven bits.
fn synchsafe(size: [u8; 4]) -> Option<u32> {
    size.iter().all(|byte| *byte < 0x80).then(|| size.iter().fold(0, |len, byte| len << 7 | u32::from(*byte)))
}

fn read_body(header: &Header, body: &mut dyn Read, gathered: &mut Gathered) -> io::Result<()> {
    let is_compressed = header.version == 2 && header.flags & 0x40 != 0;
    if !(2..=4).contains(&header.version) || is_compressed || !skip_extended_header(header, body)? {
        return Ok(());
    }

    let mut dates = Dates::default();
    let mut chapters = Chapters::default();
    while let Some(frame) = Frame::next(header.version, body)? {
        match &frame.id {
            b"APIC" => read_picture(&frame, body, gathered)?,
            b"CHAP" => {
                let content = frame.content(body, LONGEST_CHAPTER)?;
                if chapters.marks.len() < MOST_CHAPTERS
                    && let Some(chapter) = read_chapter(header.version, &content)
                {
                    chapters.marks.push(chapter);
                }
            }
            b"CTOC" => {
                let content = frame.content(body, LONGEST_ITEM)?;
                if chapters.tables.len() < MOST_CHAPTERS
                    && let Some(table) = Table::read(&content)
                {
                    chapters.tables.push(table);
                }
            }
            b"COMM" => {
                let content = frame.content(body, LONGEST_ITEM)?;
                if let Some(comment) = read_comment(&content) {
                    gathered.text(Field::Comment, &comment);
                }
            }
            [b'T', ..] => {
                let text = text(&frame.content(body, LONGEST_ITEM)?);
                match &frame.id {
                    b"TDRC" => dates.recorded = dates.recorded.or(Some(text)),
                    b"TDRL" => dates.released = dates.released.or(Some(text)),
                    b"TYER" => dates.year = dates.year.or(Some(text)),
                    b"TDAT" => dates.day_and_month = dates.day_and_month.or(Some(text)),
                    b"TCON" => gathered.text(Field::Genre, &genre_name(&text)),
                    id => {
                        if let Some(field) = field(*id) {
                            gathered.text(field, &text);
                        }
                    }
                }
            }
            _ => {
                frame.content(body, 0)?;
            }
        }
    }

    if let Some(date) = dates.best() {
        gathered.text(Field::Date, &date);
    }
    gathered.chapters(chapters.in_order());
    Ok(())
}

/// Whether there is something after it.
fn skip_extended_header(header: &Header, body: &mut dyn Read) -> io::Result<bool> {
    if header.version == 2 || header.flags & 0x40 == 0 {
        return Ok(true);
    }
    let Some(size) = array::<4>(&mut *body)? else { return Ok(false) };
    // In 2.3 its size does not count itself, in 2.4 it does.
    let rest = if header.version == 3 {
        Some(u32::from_be_bytes(size))
    } else {
        synchsafe(size).and_then(|size| size.checked_sub(4))
    };
    let Some(rest) = rest else { return Ok(false) };
    io::copy(&mut body.take(rest.into()), &mut io::sink())?;
    Ok(true)
}

fn field(id: [u8; 4]) -> Option<Field> {
    Some(match &id {
        b"TIT2" => Field::Title,
        b"TPE1" => Field::Artist,
        b"TALB" => Field::Album,
        b"TPE2" => Field::AlbumArtist,
        b"TRCK" => Field::Track,
        b"TLAN" => Field::Language,
        b"TPUB" => Field::Publisher,
        b"TCOP" => Field::Copyright,
        _ => return None,
    })
}

/// The header of a frame, whose content comes next.
struct Frame {
    /// As 2.3 and 2.4 call it.
    id: [u8; 4],
    len: u64,
    version: u8,
    flags: u8,
}

impl Frame {
    fn next(version: u8, body: &mut dyn Read) -> io::Result<Option<Self>> {
        let frame = if version == 2 {
            let Some([a, b, c, size @ ..]) = array::<6>(body)? else { return Ok(None) };
            let [high, middle, low] = size;
            let len = u32::from_be_bytes([0, high, middle, low]).into();
            Self { id: long_id([a, b, c]), len, version, flags: 0 }
        } else {
            let Some([a, b, c, d, s0, s1, s2, s3, _, flags]) = array(body)? else { return Ok(None) };
            let size = [s0, s1, s2, s3];
            // Some programs write plain sizes into 2.4.
            let len = synchsafe(size).filter(|_| version == 4).unwrap_or(u32::from_be_bytes(size));
            Self { id: [a, b, c, d], len: len.into(), version, flags }
        };
        let is_id = frame
            .id
            .iter()
            .all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || *letter == b' ');
        Ok(is_id.then_some(frame))
    }

    /// At most so many bytes of the content. The rest is stepped over.
    fn content(&self, body: &mut dyn Read, most: u64) -> io::Result<Vec<u8>> {
        let (prefix_len, is_readable, is_unsynchronised) = match self.version {
            2 => (0, true, false),
            3 => (u64::from(self.flags & 0x20 != 0), self.flags & 0xc0 == 0, false),
            _ => {
                let prefix_len =
                    u64::from(self.flags & 0x40 != 0) + if self.flags & 0x01 != 0 { 4 } else { 0 };
                (prefix_len, self.flags & 0x0c == 0, self.flags & 0x02 != 0)
            }
        };

        let mut rest = body.take(self.len);
        let mut content = Vec::new();
        if most > 0 && is_readable {
            io::copy(&mut (&mut rest).take(prefix_len), &mut io::sink())?;
            content.reserve_exact(usize::try_from(rest.limit().min(most)).unwrap_or(0));
            (&mut rest).take(most).read_to_end(&mut content)?;
        }
        io::copy(&mut rest, &mut io::sink())?;

        if is_unsynchronised {
            let mut is_after_ff = false;
            content.retain(|byte| {
                let is_stuffing = is_after_ff && *byte == 0;
                is_after_ff = *byte == 0xff;
                !is_stuffing
            });
        }
        Ok(content)
    }
}

fn long_id(id: [u8; 3]) -> [u8; 4] {
    match &id {
        b"TT2" => *b"TIT2",
        b"TP1" => *b"TPE1",
        b"TAL" => *b"TALB",
        b"TP2" => *b"TPE2",
        b"TRK" => *b"TRCK",
        b"TYE" => *b"TYER",
        b"TDA" => *b"TDAT",
        b"TCO" => *b"TCON",
        b"COM" => *b"COMM",
        b"TLA" => *b"TLAN",
        b"TPB" => *b"TPUB",
        b"TCR" => *b"TCOP",
        b"PIC" => *b"APIC",
        [a, b, c] => [*a, *b, *c, b' '],
    }
}

/// Takes out the zeros that were put after each 0xff.
struct Resynchronised<R> {
    bytes: io::Bytes<R>,
    is_after_ff: bool,
}

impl<R: BufRead> Read for Resynchronised<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        for place in out {
            let mut next = self.bytes.next().transpose()?;
            if self.is_after_ff && next == Some(0) {
                next = self.bytes.next().transpose()?;
            }
            let Some(byte) = next else { break };
            self.is_after_ff = byte == 0xff;
            *place = byte;
            written += 1;
        }
        Ok(written)
    }
}

/// Text in the encoding that its first byte names; several values become one, with commas.
fn text(content: &[u8]) -> String {
    let Some((encoding, text)) = content.split_first() else { return String::new() };
    let text = decode(*encoding, text);
    text.split('\0').map(str::trim).filter(|value| !value.is_empty()).collect::<Vec<_>>().join(", ")
}

fn decode(encoding: u8, text: &[u8]) -> String {
    match encoding {
        0 => latin1(text),
        1 | 2 => utf16(text),
        _ => String::from_utf8_lossy(text).into_owned(),
    }
}

/// A text that ends with zero, and what comes after.
fn split_text(encoding: u8, content: &[u8]) -> Option<(&[u8], &[u8])> {
    if matches!(encoding, 1 | 2) {
        let (units, _) = content.as_chunks::<2>();
        let end = 2 * units.iter().position(|unit| *unit == [0, 0])?;
        Some((content.get(..end)?, content.get(end + 2..)?))
    } else {
        let end = content.iter().position(|byte| *byte == 0)?;
        Some((content.get(..end)?, content.get(end + 1..)?))
    }
}

/// Nothing where it is a program's note to itself.
fn read_comment(content: &[u8]) -> Option<String> {
    let (encoding, rest) = content.split_first()?;
    let (_language, rest) = rest.split_at_checked(3)?;
    let (description, comment) = split_text(*encoding, rest)?;
    let is_note = decode(*encoding, description).trim_start_matches('\u{feff}').starts_with("iTun");
    (!is_note).then(|| decode(*encoding, comment))
}

fn read_picture(frame: &Frame, body: &mut dyn Read, gathered: &mut Gathered) -> io::Result<()> {
    // Whether it is the front cover stands inside.
    let is_wanted = gathered.wants_picture(true, frame.len);
    let mut content = frame.content(body, if is_wanted { LARGEST_ARTWORK } else { 0 })?;
    if let Some((is_front_cover, start)) = picture_start(frame.version, &content) {
        content.drain(..start);
        gathered.picture(is_front_cover, content);
    }
    Ok(())
}

/// Whether a picture is the front cover, and where its bytes start.
fn picture_start(version: u8, content: &[u8]) -> Option<(bool, usize)> {
    const FRONT_COVER: u8 = 3;

    let (encoding, rest) = content.split_first()?;
    let (_content_type, rest) = if version == 2 { rest.split_at_checked(3)? } else { split_text(0, rest)? };
    let (kind, rest) = rest.split_first()?;
    let (_description, picture) = split_text(*encoding, rest)?;
    Some((*kind == FRONT_COVER, content.len() - picture.len()))
}

#[derive(Default)]
struct Dates {
    recorded: Option<String>,
    released: Option<String>,
    year: Option<String>,
    /// Four digits.
    day_and_month: Option<String>,
}

impl Dates {
    fn best(self) -> Option<String> {
        let day = || {
            let day_and_month = self.day_and_month.filter(|text| text.len() == 4)?;
            let (day, month) = day_and_month.split_at_checked(2)?;
            Some(format!("-{month}-{day}"))
        };
        self.recorded.or(self.released).or_else(|| Some(self.year? + &day().unwrap_or_default()))
    }
}

/// Chapters and tables of contents, as they come.
#[derive(Default)]
struct Chapters {
    marks: Vec<(Vec<u8>, Mark)>,
    tables: Vec<Table>,
}

impl Chapters {
    /// As the table of contents has them, then those that it forgot, by time.
    fn in_order(mut self) -> Vec<Mark> {
        self.marks.sort_by_key(|(_, mark)| mark.starts_at);
        let mut ordered = Vec::new();
        let first = self.tables.iter().position(|table| table.is_top_level).unwrap_or(0);
        if first < self.tables.len() {
            let table = self.tables.swap_remove(first);
            self.take(table, &mut ordered);
        }
        ordered.extend(self.marks.into_iter().map(|(_, mark)| mark));
        ordered
    }

    /// Each table and each chapter is taken once, so that tables that contain each other end.
    fn take(&mut self, table: Table, ordered: &mut Vec<Mark>) {
        let mut waiting = vec![table.children.into_iter()];
        while let Some(children) = waiting.last_mut() {
            let Some(child) = children.next() else {
                waiting.pop();
                continue;
            };
            if let Some(at) = self.marks.iter().position(|(id, _)| *id == child) {
                ordered.push(self.marks.remove(at).1);
            } else if let Some(at) = self.tables.iter().position(|table| table.id == child) {
                waiting.push(self.tables.swap_remove(at).children.into_iter());
            }
        }
    }
}

struct Table {
    id: Vec<u8>,
    is_top_level: bool,
    children: Vec<Vec<u8>>,
}

impl Table {
    fn read(content: &[u8]) -> Option<Self> {
        let (id, rest) = split_text(0, content)?;
        let [flags, count, rest @ ..] = rest else { return None };
        let mut rest = rest;
        let mut children = Vec::new();
        for _ in 0..*count {
            let Some((child, after)) = split_text(0, rest) else { break };
            children.push(child.to_vec());
            rest = after;
        }
        Some(Self { id: id.to_vec(), is_top_level: flags & 2 != 0, children })
    }
}

fn read_chapter(version: u8, content: &[u8]) -> Option<(Vec<u8>, Mark)> {
    const UNKNOWN: u32 = u32::MAX;

    let (id, rest) = split_text(0, content)?;
    let ([s0, s1, s2, s3, e0, e1, e2, e3, ..], mut frames) = rest.split_first_chunk::<16>()?;
    let start = u32::from_be_bytes([*s0, *s1, *s2, *s3]);
    let end = u32::from_be_bytes([*e0, *e1, *e2, *e3]);

    let mut title = None;
    let mut url = None;
    while let Ok(Some(frame)) = Frame::next(version, &mut frames) {
        let most = if matches!(&frame.id, b"TIT2" | b"WXXX") { LONGEST_ITEM } else { 0 };
        let Ok(content) = frame.content(&mut frames, most) else { break };
        match &frame.id {
            b"TIT2" => title = title.or(Some(text(&content))),
            b"WXXX" => url = url.or_else(|| read_link(&content)),
            _ => {}
        }
    }
    let milliseconds = |time: u32| Duration::from_millis(time.into());
    let ends_at = (end != UNKNOWN).then(|| milliseconds(end));
    Some((id.to_vec(), Mark::new(milliseconds(start), ends_at, title.as_deref(), url.as_deref())))
}

fn read_link(content: &[u8]) -> Option<String> {
    let (encoding, rest) = content.split_first()?;
    let (_description, url) = split_text(*encoding, rest)?;
    let end = url.iter().position(|byte| *byte == 0).unwrap_or(url.len());
    Some(latin1(url.get(..end)?))
}
