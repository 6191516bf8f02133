//! MPEG-4: a list of items as iTunes writes it, and chapters, which are a track of texts (QuickTime File Format) or a list
//! (`chpl`, by Nero).

use std::{io, ops::Range, time::Duration};

use super::{Field, Gathered, LONGEST_ITEM, MOST_CHAPTERS, Mark, id3v2::genre_name, latin1, utf16};
use crate::pieces::Pieces;

/// Boxes after these in one parent are left out.
const MOST_BOXES: usize = 10_000;

pub(super) fn read(pieces: &mut Pieces<'_>, start: u64, gathered: &mut Gathered) -> io::Result<()> {
    let whole = start..pieces.len();
    let Some(movie) = find(pieces, whole, b"moov")? else { return Ok(()) };
    let user_data = find(pieces, movie.clone(), b"udta")?;

    if let Some(user_data) = user_data.clone()
        && let Some(meta) = find(pieces, user_data, b"meta")?
    {
        // QuickTime writes it without a version.
        let has_version = pieces.array(meta.start + 4)? != Some(*b"hdlr");
        let children = meta.start + if has_version { 4 } else { 0 }..meta.end;
        if let Some(items) = find(pieces, children, b"ilst")? {
            read_items(pieces, items, gathered)?;
        }
    }

    let tracks = Track::all(pieces, movie)?;
    if let Some(language) =
        tracks.iter().find(|track| track.handler == *b"soun").and_then(|track| track.language)
    {
        gathered.text(Field::Language, &latin1(&language));
    }
    let chapters = tracks.iter().flat_map(|track| &track.chapter_tracks).find_map(|id| {
        tracks.iter().find(|track| track.id == *id && matches!(&track.handler, b"text" | b"sbtl"))
    });
    if let Some(chapters) = chapters {
        gathered.chapters(chapters.marks(pieces)?);
    }
    if let Some(user_data) = user_data
        && let Some(list) = find(pieces, user_data, b"chpl")?
    {
        gathered.chapters(read_nero_chapters(pieces, list)?);
    }
    Ok(())
}

struct Mp4Box {
    kind: [u8; 4],
    body: Range<u64>,
}

/// The boxes in a part of the file, up to the first that is broken.
fn boxes(pieces: &mut Pieces<'_>, part: Range<u64>) -> io::Result<Vec<Mp4Box>> {
    let mut boxes = Vec::new();
    let mut position = part.start;
    while boxes.len() < MOST_BOXES && position < part.end {
        let Some([a, b, c, d, kind @ ..]) = pieces.array::<8>(position)? else { break };
        let (header_len, len) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (8, part.end - position),
            1 => (16, pieces.array(position + 8)?.map_or(0, u64::from_be_bytes)),
            len => (8, len.into()),
        };
        if len < header_len || len > part.end - position {
            break;
        }
        boxes.push(Mp4Box { kind, body: position + header_len..position + len });
        position += len;
    }
    Ok(boxes)
}

fn find(pieces: &mut Pieces<'_>, part: Range<u64>, wanted: &[u8; 4]) -> io::Result<Option<Range<u64>>> {
    Ok(boxes(pieces, part)?.into_iter().find(|found| found.kind == *wanted).map(|found| found.body))
}

fn find_path(pieces: &mut Pieces<'_>, part: Range<u64>, path: &[&[u8; 4]]) -> io::Result<Option<Range<u64>>> {
    let mut part = part;
    for wanted in path {
        match find(pieces, part, wanted)? {
            Some(body) => part = body,
            None => return Ok(None),
        }
    }
    Ok(Some(part))
}

fn bytes(pieces: &mut Pieces<'_>, part: Range<u64>, most: u64) -> io::Result<Vec<u8>> {
    pieces.bytes(part.start, (part.end - part.start).min(most))
}

fn read_items(pieces: &mut Pieces<'_>, items: Range<u64>, gathered: &mut Gathered) -> io::Result<()> {
    for item in boxes(pieces, items)? {
        let kind = if item.kind == *b"----" { named(pieces, item.body.clone())? } else { item.kind };
        let Some(data) = find(pieces, item.body, b"data")? else { continue };
        let Some([_, _, _, encoding, ..]) = pieces.array::<8>(data.start)? else { continue };
        let value = data.start + 8..data.end;
        match &kind {
            b"covr" => {
                if gathered.wants_picture(true, value.end - value.start) {
                    gathered.picture(true, bytes(pieces, value, u64::MAX)?);
                }
            }
            b"trkn" => {
                if let Some([_, _, high, low]) = pieces.array(value.start)? {
                    gathered.text(Field::Track, &u16::from_be_bytes([high, low]).to_string());
                }
            }
            b"gnre" => {
                // ID3v1's numbers, from one on.
                let number = pieces.array(value.start)?.map_or(0, u16::from_be_bytes);
                if let Some(number) = number.checked_sub(1) {
                    gathered.text(Field::Genre, &genre_name(&format!("({number})")));
                }
            }
            kind => {
                if let Some(field) = field(kind) {
                    let text = bytes(pieces, value, LONGEST_ITEM)?;
                    let text =
                        if encoding == 2 { utf16(&text) } else { String::from_utf8_lossy(&text).into() };
                    gathered.text(field, &text);
                }
            }
        }
    }
    Ok(())
}

/// What an item with a name of its own is called where it has a place.
fn named(pieces: &mut Pieces<'_>, item: Range<u64>) -> io::Result<[u8; 4]> {
    let Some(name) = find(pieces, item, b"name")? else { return Ok(*b"----") };
    let name = bytes(pieces, name, 64)?.to_ascii_uppercase();
    Ok(match name.as_slice() {
        [_, _, _, _, name @ ..] if name == b"LABEL" || name == b"PUBLISHER" => *b"\xa9pub",
        [_, _, _, _, name @ ..] if name == b"LANGUAGE" => *b"lang",
        _ => *b"----",
    })
}

fn field(kind: &[u8; 4]) -> Option<Field> {
    Some(match kind {
        b"\xa9nam" => Field::Title,
        b"\xa9ART" => Field::Artist,
        b"\xa9alb" => Field::Album,
        b"aART" => Field::AlbumArtist,
        b"\xa9day" => Field::Date,
        b"\xa9gen" => Field::Genre,
        b"\xa9cmt" => Field::Comment,
        b"cprt" => Field::Copyright,
        b"\xa9pub" => Field::Publisher,
        b"lang" => Field::Language,
        _ => return None,
    })
}

struct Track {
    id: u32,
    handler: [u8; 4],
    language: Option<[u8; 3]>,
    ticks_per_second: u32,
    /// The tracks with its chapters.
    chapter_tracks: Vec<u32>,
    tables: Option<Range<u64>>,
}

impl Track {
    fn all(pieces: &mut Pieces<'_>, movie: Range<u64>) -> io::Result<Vec<Self>> {
        /// A podcast has one to three.
        const MOST_TRACKS: usize = 64;

        let mut tracks = Vec::new();
        for track in boxes(pieces, movie)? {
            if track.kind == *b"trak"
                && tracks.len() < MOST_TRACKS
                && let Some(track) = Self::read(pieces, track.body)?
            {
                tracks.push(track);
            }
        }
        Ok(tracks)
    }

    fn read(pieces: &mut Pieces<'_>, track: Range<u64>) -> io::Result<Option<Self>> {
        let Some(header) = find(pieces, track.clone(), b"tkhd")? else { return Ok(None) };
        let Some(media) = find(pieces, track.clone(), b"mdia")? else { return Ok(None) };
        let Some(media_header) = find(pieces, media.clone(), b"mdhd")? else { return Ok(None) };
        let Some(handler) = find(pieces, media.clone(), b"hdlr")? else { return Ok(None) };

        // Version 1 has two times of twice the length.
        let is_long = |version: Option<[u8; 1]>| version == Some([1]);
        let id_at = header.start + if is_long(pieces.array(header.start)?) { 20 } else { 12 };
        let (timescale_at, language_at) = match is_long(pieces.array(media_header.start)?) {
            true => (media_header.start + 20, media_header.start + 32),
            false => (media_header.start + 12, media_header.start + 20),
        };
        let (Some(id), Some(ticks_per_second), Some(handler)) =
            (pieces.array(id_at)?, pieces.array(timescale_at)?, pieces.array(handler.start + 8)?)
        else {
            return Ok(None);
        };
        let chapter_tracks = match find_path(pieces, track, &[b"tref", b"chap"])? {
            Some(list) => bytes(pieces, list, 64)?,
            None => Vec::new(),
        };
        Ok(Some(Self {
            id: u32::from_be_bytes(id),
            handler,
            language: pieces.array(language_at)?.and_then(unpack_language),
            ticks_per_second: u32::from_be_bytes(ticks_per_second),
            chapter_tracks: numbers(&chapter_tracks).collect(),
            tables: find_path(pieces, media, &[b"minf", b"stbl"])?,
        }))
    }

    /// Each sample is the text of a chapter, for as long as the sample lasts.
    fn marks(&self, pieces: &mut Pieces<'_>) -> io::Result<Vec<Mark>> {
        let Some(tables) = self.tables.clone() else { return Ok(Vec::new()) };
        let durations = table(pieces, &tables, b"stts", 4)?;
        let (durations, _) = durations.as_chunks::<8>();
        let mut durations = durations.iter().flat_map(|entry| {
            let mut numbers = numbers(entry);
            let (count, ticks) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
            std::iter::repeat_n(ticks, usize::try_from(count).unwrap_or(0))
        });

        let mut marks = Vec::new();
        let mut ticks = 0_u64;
        for sample in self.samples(pieces, &tables)? {
            let Some(duration) = durations.next() else { break };
            let starts_at = self.time(ticks);
            ticks = ticks.saturating_add(duration.into());
            let text = bytes(pieces, sample, LONGEST_ITEM)?;
            let (title, url) = read_text_sample(&text);
            marks.push(Mark::new(starts_at, Some(self.time(ticks)), title.as_deref(), url.as_deref()));
        }
        Ok(marks)
    }

    fn time(&self, ticks: u64) -> Duration {
        let nanoseconds = (u128::from(ticks) * 1_000_000_000).checked_div(self.ticks_per_second.into());
        Duration::from_nanos(nanoseconds.and_then(|time| u64::try_from(time).ok()).unwrap_or(0))
    }

    /// Where the samples are: sizes in one table, offsets of chunks in the second, samples per chunk in the third.
    fn samples(&self, pieces: &mut Pieces<'_>, tables: &Range<u64>) -> io::Result<Vec<Range<u64>>> {
        let sizes = table(pieces, tables, b"stsz", 0)?;
        let mut sizes = numbers(&sizes);
        let (size_of_all, count) = (sizes.next().unwrap_or(0), sizes.next().unwrap_or(0));
        let mut sizes =
            (0..count).map_while(|_| if size_of_all > 0 { Some(size_of_all) } else { sizes.next() });

        let short = table(pieces, tables, b"stco", 4)?;
        let long = table(pieces, tables, b"co64", 4)?;
        let (long, _) = long.as_chunks::<8>();
        let chunks =
            numbers(&short).map(u64::from).chain(long.iter().map(|offset| u64::from_be_bytes(*offset)));

        let runs = table(pieces, tables, b"stsc", 4)?;
        let (runs, _) = runs.as_chunks::<12>();
        let mut runs = runs
            .iter()
            .map(|run| {
                let mut run = numbers(run);
                (run.next().unwrap_or(0), run.next().unwrap_or(0))
            })
            .peekable();

        let mut samples = Vec::new();
        let mut samples_per_chunk = 0;
        for (chunk, offset) in (1_u32..).zip(chunks) {
            while let Some((_, count)) = runs.next_if(|(first_chunk, _)| *first_chunk <= chunk) {
                samples_per_chunk = count;
            }
            let mut start = offset;
            for size in sizes.by_ref().take(usize::try_from(samples_per_chunk).unwrap_or(0)) {
                if samples.len() >= MOST_CHAPTERS {
                    return Ok(samples);
                }
                let end = start.saturating_add(size.into());
                samples.push(start..end);
                start = end;
            }
        }
        Ok(samples)
    }
}

/// A table's entries, of as many chapters as are taken; without what stands before them.
fn table(
    pieces: &mut Pieces<'_>,
    tables: &Range<u64>,
    kind: &[u8; 4],
    count_len: u64,
) -> io::Result<Vec<u8>> {
    const LONGEST_ENTRY: u64 = 12;

    let Some(table) = find(pieces, tables.clone(), kind)? else { return Ok(Vec::new()) };
    let start = (table.start + 4 + count_len).min(table.end);
    bytes(pieces, start..table.end, LONGEST_ENTRY * (MOST_CHAPTERS as u64 + 1))
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = u32> {
    let (numbers, _) = bytes.as_chunks::<4>();
    numbers.iter().map(|number| u32::from_be_bytes(*number))
}

/// Three letters of five bits; nothing when undetermined.
fn unpack_language(packed: [u8; 2]) -> Option<[u8; 3]> {
    let packed = u16::from_be_bytes(packed);
    let letter = |shift: u16| (packed >> shift & 0x1f) as u8 + 0x60;
    let language = [letter(10), letter(5), letter(0)];
    (language.iter().all(u8::is_ascii_lowercase) && language != *b"und").then_some(language)
}

/// A text with its length before it, and an address (`href`) among the boxes after it.
fn read_text_sample(sample: &[u8]) -> (Option<String>, Option<String>) {
    let Some(([high, low], rest)) = sample.split_first_chunk() else { return (None, None) };
    let len = usize::from(u16::from_be_bytes([*high, *low]));
    let Some((text, mut boxes)) = rest.split_at_checked(len) else { return (None, None) };
    let title = match text {
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] => utf16(text),
        text => String::from_utf8_lossy(text).into_owned(),
    };

    let mut url = None;
    while let Some(([a, b, c, d, kind @ ..], _)) = boxes.split_first_chunk::<8>() {
        let len = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX);
        let (Some(body), Some(after)) = (boxes.get(8..len), boxes.get(len..)) else { break };
        if let (b"href", [_, _, _, _, len, address @ ..]) = (kind, body) {
            url =
                address.get(..usize::from(*len)).map(|address| String::from_utf8_lossy(address).into_owned());
        }
        boxes = after;
    }
    (Some(title), url)
}

/// At most 255, whose ends are not said.
fn read_nero_chapters(pieces: &mut Pieces<'_>, list: Range<u64>) -> io::Result<Vec<Mark>> {
    const LONGEST_LIST: u64 = 255 * (9 + 255) + 9;

    let list = bytes(pieces, list, LONGEST_LIST)?;
    let (count, mut rest) = match list.as_slice() {
        [0, _, _, _, count, rest @ ..] => (*count, rest),
        [_, _, _, _, _, _, _, _, count, rest @ ..] => (*count, rest),
        _ => return Ok(Vec::new()),
    };
    let mut marks = Vec::new();
    for _ in 0..count {
        let Some((time, after)) = rest.split_first_chunk() else { break };
        let Some((len, after)) = after.split_first() else { break };
        let Some((title, after)) = after.split_at_checked(usize::from(*len)) else { break };
        // In tenths of a microsecond.
        let starts_at = Duration::from_nanos(u64::from_be_bytes(*time).saturating_mul(100));
        marks.push(Mark::new(starts_at, None, Some(&String::from_utf8_lossy(title)), None));
        rest = after;
    }
    Ok(marks)
}
