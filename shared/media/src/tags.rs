//! What a file of audio says about itself: its tags, chapters and artwork.
//!
//! One file a kind of tag. Files are hostile until proven otherwise, and a tag is worth less than the sound: what is broken is
//! left out, the rest is kept, and only a disk that fails is an error. The readers are our own, because each crate for tags
//! keeps all that a file holds, of whatever size; these look at one item at a time. At most 80 MB are held, whatever lengths a
//! file claims: one picture, the next one as text, and its bytes.

use std::{fs::File, io, time::Duration};

use domain::MediaFormat;

use crate::pieces::Pieces;

mod id3v1;
mod id3v2;
mod mp4;
mod ogg;
mod vorbis_comment;
mod wav;

/// The longest text in one line, in characters.
const LONGEST_LINE: usize = 500;
/// The longest text in paragraphs, in characters.
const LONGEST_PARAGRAPHS: usize = 10_000;
/// The longest address, in characters.
const LONGEST_URL: usize = 2_000;
/// How many bytes of an item of text are read.
const LONGEST_ITEM: u64 = 64 * 1024;
/// The largest artwork that is taken, in bytes.
const LARGEST_ARTWORK: u64 = 20 * 1024 * 1024;
/// Chapters after these are left out.
const MOST_CHAPTERS: usize = 1_000;

/// What a file says about itself. Texts are trimmed, without control characters, in one line and at most 500 characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    /// The title, of an episode in a podcast.
    pub title: Option<String>,
    /// Who made it.
    pub artist: Option<String>,
    /// What it is a part of: the show of an episode.
    pub album: Option<String>,
    /// Who made the album.
    pub album_artist: Option<String>,
    /// Its number in the album: the episode's number.
    pub track: Option<u32>,
    /// When it was recorded or released, as written: a year or more of RFC 3339 if all is well.
    pub date: Option<String>,
    /// The genre's name.
    pub genre: Option<String>,
    /// What somebody remarked. It may have several lines and 10,000 characters.
    pub comment: Option<String>,
    /// The language, as written: three letters of ISO 639-2 if all is well.
    pub language: Option<String>,
    /// Who published it.
    pub publisher: Option<String>,
    /// Whose it is.
    pub copyright: Option<String>,
    /// Its chapters, at most 1,000.
    pub chapters: Vec<Mark>,
    /// Its picture.
    pub artwork: Option<EmbeddedArtwork>,
}

/// A chapter as a file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Where it starts.
    pub starts_at: Duration,
    /// Where it ends, if the file says so; after its start.
    pub ends_at: Option<Duration>,
    /// Its title, one line of at most 500 characters.
    pub title: Option<String>,
    /// An http or https address of at most 2,000 characters.
    pub url: Option<String>,
}

/// A picture in a file, of at most 20 MiB. Its first bytes are those of its type; nothing else of it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedArtwork {
    /// `image/jpeg`, `image/png`, `image/gif` or `image/webp`: what the bytes are, not what the file calls them.
    pub content_type: &'static str,
    /// The picture.
    pub bytes: Vec<u8>,
}

/// Reads what `file` says about itself. Where it is positioned does not matter. A picture or a transcript says nothing.
///
/// Where a file has several kinds of tags, those that belong to its format come first, and others fill in what is missing.
///
/// # Errors
/// When the disk fails. A broken tag is no error.
pub fn read_tags(file: &mut File, format: MediaFormat) -> io::Result<Tags> {
    let mut pieces = Pieces::new(file)?;
    let mut gathered = Gathered::default();
    let (id3v2_tags, start) = id3v2::find_tags(&mut pieces)?;

    match format {
        MediaFormat::Mp3 => {}
        MediaFormat::M4a | MediaFormat::Mp4 => mp4::read(&mut pieces, start, &mut gathered)?,
        MediaFormat::Wav => wav::read(&mut pieces, start, &mut gathered)?,
        MediaFormat::Flac => vorbis_comment::read_flac(&mut pieces, start, &mut gathered)?,
        MediaFormat::OggVorbis | MediaFormat::OggOpus => ogg::read(&mut pieces, start, &mut gathered)?,
        MediaFormat::Jpeg
        | MediaFormat::Png
        | MediaFormat::WebVtt
        | MediaFormat::SubRip
        | MediaFormat::Json => {
            return Ok(Tags::default());
        }
    }
    for tag in id3v2_tags {
        id3v2::read(&mut pieces, tag, &mut gathered)?;
    }
    if format == MediaFormat::Mp3 {
        id3v1::read(&mut pieces, &mut gathered)?;
    }

    Ok(gathered.tags)
}

/// Where what comes after the ID3v2 tags at the start of a file starts.
pub(crate) fn skip_id3v2(file: &mut File) -> io::Result<u64> {
    let (_tags, start) = id3v2::find_tags(&mut Pieces::new(file)?)?;
    Ok(start)
}

/// Tags so far. What is there stays.
#[derive(Default)]
struct Gathered {
    tags: Tags,
    has_front_cover: bool,
}

#[derive(Debug, Clone, Copy)]
enum Field {
    Title,
    Artist,
    Album,
    AlbumArtist,
    Track,
    Date,
    Genre,
    Comment,
    Language,
    Publisher,
    Copyright,
}

impl Gathered {
    fn text(&mut self, field: Field, text: &str) {
        let tags = &mut self.tags;
        let place = match field {
            Field::Title => &mut tags.title,
            Field::Artist => &mut tags.artist,
            Field::Album => &mut tags.album,
            Field::AlbumArtist => &mut tags.album_artist,
            Field::Date => &mut tags.date,
            Field::Genre => &mut tags.genre,
            Field::Language => &mut tags.language,
            Field::Publisher => &mut tags.publisher,
            Field::Copyright => &mut tags.copyright,
            Field::Comment => {
                tags.comment = tags.comment.take().or_else(|| paragraphs(text));
                return;
            }
            Field::Track => {
                tags.track = tags.track.or_else(|| first_number(text));
                return;
            }
        };
        if place.is_none() {
            *place = line(text);
        }
    }

    fn chapters(&mut self, mut chapters: Vec<Mark>) {
        if self.tags.chapters.is_empty() {
            chapters.truncate(MOST_CHAPTERS);
            self.tags.chapters = chapters;
        }
    }

    /// Whether a picture of so many bytes would be taken.
    fn wants_picture(&self, is_front_cover: bool, len: u64) -> bool {
        let is_better = self.tags.artwork.is_none() || is_front_cover && !self.has_front_cover;
        is_better && len <= LARGEST_ARTWORK
    }

    fn picture(&mut self, is_front_cover: bool, bytes: Vec<u8>) {
        if let Some(content_type) = picture_type(&bytes)
            && self.wants_picture(is_front_cover, bytes.len() as u64)
        {
            self.tags.artwork = Some(EmbeddedArtwork { content_type, bytes });
            self.has_front_cover = is_front_cover;
        }
    }
}

impl Mark {
    /// A chapter that ends after it starts, or nobody knows when.
    fn new(starts_at: Duration, ends_at: Option<Duration>, title: Option<&str>, url: Option<&str>) -> Self {
        Self {
            starts_at,
            ends_at: ends_at.filter(|end| *end > starts_at),
            title: title.and_then(line),
            url: url.and_then(web_address),
        }
    }
}

fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

fn line(text: &str) -> Option<String> {
    cut(text.chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter }), LONGEST_LINE)
}

fn paragraphs(text: &str) -> Option<String> {
    let ends_of_lines = |letter| if matches!(letter, '\u{2028}' | '\u{2029}') { '\n' } else { letter };
    cut(text.chars().map(ends_of_lines), LONGEST_PARAGRAPHS)
}

fn web_address(text: &str) -> Option<String> {
    let text = text.trim();
    let is_address = (text.starts_with("https://") || text.starts_with("http://"))
        && text.chars().count() <= LONGEST_URL
        && !text.chars().any(|letter| letter.is_whitespace() || is_unwanted(letter));
    is_address.then(|| text.to_owned())
}

/// Nothing where nothing is left.
fn cut(letters: impl Iterator<Item = char>, most: usize) -> Option<String> {
    let text: String = letters
        .filter(|letter| !is_unwanted(*letter))
        .skip_while(|letter| letter.is_whitespace())
        .take(most)
        .collect();
    let text = text.trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Controls, and what turns the direction of text that comes after it. Ends of lines stay.
fn is_unwanted(letter: char) -> bool {
    letter.is_control() && letter != '\n'
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// 3 of `3/12`.
fn first_number(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    text.get(..digits)?.parse().ok().filter(|number| *number > 0)
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// With its byte order mark; without one, big-endian.
fn utf16(bytes: &[u8]) -> String {
    let (is_little_endian, units) = match bytes {
        [0xff, 0xfe, units @ ..] => (true, units),
        [0xfe, 0xff, units @ ..] => (false, units),
        units => (false, units),
    };
    let (units, _) = units.as_chunks::<2>();
    let unit = |unit: &[u8; 2]| {
        if is_little_endian { u16::from_le_bytes(*unit) } else { u16::from_be_bytes(*unit) }
    };
    String::from_utf16_lossy(&units.iter().map(unit).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;
    use crate::ffmpeg::Folder;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and the picture";
    const JPEG: &[u8] = b"\xff\xd8\xff\xe0 and the picture";

    const METADATA: &str = ";FFMETADATA1
title=Low Tide
artist=Mira \u{fc}nd Jo
album=Shorelines
album_artist=Harbour
track=7/12
date=2025-03-01
genre=Podcast
comment=Recorded outside.
publisher=Harbour Audio
copyright=2025 Harbour
[CHAPTER]
TIMEBASE=1/1000
START=0
END=700
title=Opening
[CHAPTER]
TIMEBASE=1/1000
START=700
END=1500
title=Caf\u{e9}
[CHAPTER]
TIMEBASE=1/1000
START=1500
END=2000
title=Close
";

    fn read(format: MediaFormat, bytes: &[u8]) -> Tags {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        read_tags(&mut file, format).unwrap()
    }

    fn milliseconds(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    fn times_and_titles(tags: &Tags) -> Vec<(u128, String)> {
        let of = |mark: &Mark| (mark.starts_at.as_millis(), mark.title.clone().unwrap_or_default());
        tags.chapters.iter().map(of).collect()
    }

    /// Two seconds of sound with all of [`METADATA`], as ffmpeg writes them.
    fn tagged(name: &str, arguments: &str) -> Vec<u8> {
        /// ffmpeg 5.1 writes chapters as comments seldom, and rounds their times to wrong ones.
        const COMMENTS: &str = "CHAPTER001=00:00:00.000\nCHAPTER001NAME=Opening\nCHAPTER002=00:00:00.7
CHAPTER002NAME=Caf\u{e9}\nCHAPTER003=00:00:01.500\nCHAPTER003NAME=Close\n";

        let folder = Folder::new();
        let (texts, _chapters) = METADATA.split_once("[CHAPTER]").unwrap();
        let has_comments = [".flac", ".ogg", ".opus"].iter().any(|ending| name.ends_with(ending));
        let metadata = if has_comments { [texts, COMMENTS].concat() } else { METADATA.to_owned() };
        folder.write("metadata", metadata);
        let inputs =
            "-f lavfi -i sine=duration=2:sample_rate=44100 -i metadata -map_metadata 1 -map_chapters 1";
        folder.make(&format!("{inputs} {arguments} {name}"));
        std::fs::read(folder.path(name)).unwrap()
    }

    /// An ID3v2 tag with these frames.
    fn id3v2(version: u8, flags: u8, frames: &[Vec<u8>]) -> Vec<u8> {
        let body = frames.concat();
        let size = [21, 14, 7, 0].map(|shift| (body.len() >> shift) as u8 & 0x7f);
        [b"ID3".as_slice(), &[version, 0, flags], &size, &body].concat()
    }

    /// A frame of ID3v2.3.
    fn frame(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [id, (content.len() as u32).to_be_bytes().as_slice(), &[0, 0], content].concat()
    }

    fn chapter(id: &str, start: u32, end: u32, frames: &[Vec<u8>]) -> Vec<u8> {
        let offsets = [0xff; 8];
        let id = [id.as_bytes(), b"\0"].concat();
        let times = [start.to_be_bytes(), end.to_be_bytes()].concat();
        frame(b"CHAP", &[id, times, offsets.to_vec(), frames.concat()].concat())
    }

    fn contents(id: &str, flags: u8, children: &[&str]) -> Vec<u8> {
        let children: String = children.iter().map(|child| format!("{child}\0")).collect();
        let count = children.matches('\0').count() as u8;
        frame(b"CTOC", &[id.as_bytes(), &[0, flags, count], children.as_bytes()].concat())
    }

    fn picture(kind: u8, bytes: &[u8]) -> Vec<u8> {
        frame(b"APIC", &[b"\0image/png\0".as_slice(), &[kind], b"cover\0", bytes].concat())
    }

    /// A block of FLAC's kind, and the same as a comment.
    fn picture_block(kind: u8, bytes: &[u8]) -> Vec<u8> {
        let len = (bytes.len() as u32).to_be_bytes();
        [&[0, 0, 0, kind, 0, 0, 0, 9], b"image/png".as_slice(), &[0; 20], &len, bytes].concat()
    }

    fn bytes_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes(), kind.as_slice(), body].concat()
    }

    #[test]
    fn tags_of_every_format_are_read() {
        let files = [
            (MediaFormat::Mp3, tagged("tagged.mp3", "-id3v2_version 3")),
            (MediaFormat::Mp3, tagged("tagged.mp3", "-id3v2_version 4")),
            (MediaFormat::M4a, tagged("tagged.m4a", "-c:a aac")),
            (MediaFormat::Flac, tagged("tagged.flac", "-c:a flac")),
            (MediaFormat::OggVorbis, tagged("tagged.ogg", "-c:a libvorbis")),
            (MediaFormat::OggOpus, tagged("tagged.opus", "-c:a libopus")),
            (MediaFormat::Wav, tagged("tagged.wav", "-c:a pcm_s16le")),
        ];
        for (format, bytes) in files {
            let tags = read(format, &bytes);
            assert_eq!(tags.title.as_deref(), Some("Low Tide"), "{format:?}");
            assert_eq!(tags.artist.as_deref(), Some("Mira ünd Jo"), "{format:?}");
            assert_eq!(tags.album.as_deref(), Some("Shorelines"), "{format:?}");
            assert_eq!(tags.track, Some(7), "{format:?}");
            assert_eq!(tags.genre.as_deref(), Some("Podcast"), "{format:?}");
            assert_eq!(tags.copyright.as_deref(), Some("2025 Harbour"), "{format:?}");
            assert!(tags.date.as_deref().unwrap().starts_with("2025"), "{format:?} {:?}", tags.date);
            if format != MediaFormat::Wav {
                assert_eq!(tags.album_artist.as_deref(), Some("Harbour"), "{format:?}");
                let chapters = [(0, "Opening"), (700, "Café"), (1_500, "Close")];
                let chapters = chapters.map(|(time, title)| (time, title.to_owned()));
                assert_eq!(times_and_titles(&tags), chapters, "{format:?}");
            }
            // ffmpeg writes a remark into MP3 as a text that it made up, and no publisher into MP4.
            if format != MediaFormat::Mp3 {
                assert_eq!(tags.comment.as_deref(), Some("Recorded outside."), "{format:?}");
            }
            if !matches!(format, MediaFormat::M4a | MediaFormat::Wav) {
                assert_eq!(tags.publisher.as_deref(), Some("Harbour Audio"), "{format:?}");
            }
        }
    }

    #[test]
    fn chapters_of_mp4_come_from_a_list_where_there_is_no_track() {
        let list = b"\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\0\x04Tide\0\0\0\0\0\x98\x96\x80\x03Sea";
        let movie = bytes_box(b"moov", &bytes_box(b"udta", &bytes_box(b"chpl", list)));

        let tags = read(MediaFormat::M4a, &[bytes_box(b"ftyp", b"M4A "), movie].concat());
        assert_eq!(times_and_titles(&tags), [(0, "Tide".to_owned()), (1_000, "Sea".to_owned())]);
    }

    #[test]
    fn chapters_come_as_the_table_of_contents_has_them() {
        let title = |title: &str| frame(b"TIT2", &[b"\x03", title.as_bytes()].concat());
        let link = |url: &str| frame(b"WXXX", &[b"\0chapter\0", url.as_bytes()].concat());
        let bytes = id3v2(
            3,
            0,
            &[
                contents("part", 1, &["c", "nobody", "toc"]),
                contents("toc", 3, &["b", "part", "b"]),
                chapter("a", 9_000, 9_000, &[title("Forgotten")]),
                chapter("b", 500, 700, &[title("First"), link("https://harbour.example/one")]),
                chapter("c", 100, u32::MAX, &[link("javascript:alert(1)"), title("Second")]),
            ],
        );

        let mark = |start, end: Option<u64>, title: &str, url: Option<&str>| Mark {
            starts_at: milliseconds(start),
            ends_at: end.map(milliseconds),
            title: Some(title.to_owned()),
            url: url.map(str::to_owned),
        };
        let expected = [
            mark(500, Some(700), "First", Some("https://harbour.example/one")),
            mark(100, None, "Second", None),
            mark(9_000, None, "Forgotten", None),
        ];
        assert_eq!(read(MediaFormat::Mp3, &bytes).chapters, expected);
    }

    #[test]
    fn id3v2_of_every_version_and_encoding_is_read() {
        let short_frame =
            |id: &[u8; 3], content: &[u8]| [id, &(content.len() as u32).to_be_bytes()[1..], content].concat();
        let oldest = id3v2(
            2,
            0,
            &[
                short_frame(b"TT2", b"\0Caf\xe9\0"),
                short_frame(b"TCO", b"\0(101)"),
                short_frame(b"PIC", &[b"\0PNG\x03\0", PNG].concat()),
            ],
        );
        let tags = read(MediaFormat::Mp3, &oldest);
        assert_eq!((tags.title.as_deref(), tags.genre.as_deref()), (Some("Café"), Some("Speech")));
        assert_eq!(tags.artwork.unwrap().bytes, PNG);

        let dated = [
            frame(b"TYER", b"\x002025"),
            frame(b"TDAT", b"\x000103"),
            frame(b"TIT2", b"\x01\xff\xfeC\0a\0f\0\xe9\0\0\0"),
            frame(b"COMM", b"\0engiTunNORM\0 0000"),
            frame(b"COMM", b"\0eng\0One.\r\nTwo."),
        ];
        let tags = read(MediaFormat::Mp3, &id3v2(3, 0, &dated));
        assert_eq!((tags.title.as_deref(), tags.date.as_deref()), (Some("Café"), Some("2025-03-01")));
        assert_eq!(tags.comment.as_deref(), Some("One.\nTwo."));

        let stuffed = [b"TIT2\0\0\0\x07\0\0\x01\xff\0\xfeA\0B\0".to_vec()];
        assert_eq!(read(MediaFormat::Mp3, &id3v2(3, 0x80, &stuffed)).title.as_deref(), Some("AB"));
        let stuffed = [b"TIT2\0\0\0\x08\0\x02\x01\xff\0\xfeA\0B\0".to_vec()];
        assert_eq!(read(MediaFormat::Mp3, &id3v2(4, 0, &stuffed)).title.as_deref(), Some("AB"));
    }

    #[test]
    fn id3v1_says_what_nothing_else_says() {
        let mut old = [0; 128];
        old[..3].copy_from_slice(b"TAG");
        old[3..8].copy_from_slice(b"Older");
        old[33..37].copy_from_slice(b"Mira");
        old[126] = 7;
        old[127] = 101;
        let newer = id3v2(3, 0, &[frame(b"TIT2", b"\0Newer")]);

        let tags = read(MediaFormat::Mp3, &[newer, vec![0; 500], old.to_vec()].concat());
        assert_eq!((tags.title.as_deref(), tags.artist.as_deref()), (Some("Newer"), Some("Mira")));
        assert_eq!((tags.track, tags.genre.as_deref()), (Some(7), Some("Speech")));
    }

    #[test]
    fn the_front_cover_is_the_artwork() {
        let front = picture(3, PNG);
        let back = picture(4, JPEG);
        for frames in [[front.clone(), back.clone()], [back.clone(), front]] {
            let artwork = read(MediaFormat::Mp3, &id3v2(3, 0, &frames)).artwork.unwrap();
            assert_eq!((artwork.content_type, artwork.bytes.as_slice()), ("image/png", PNG));
        }
        assert_eq!(read(MediaFormat::Mp3, &id3v2(3, 0, &[back])).artwork.unwrap().bytes, JPEG);
    }

    #[test]
    fn artwork_is_found_in_every_format() {
        let folder = Folder::new();
        folder.make("-f lavfi -i color=size=64x64:duration=1 -frames:v 1 cover.png");
        let cover = std::fs::read(folder.path("cover.png")).unwrap();
        let sound =
            "-f lavfi -i sine=duration=1 -i cover.png -map 0 -map 1 -c:v copy -disposition:v attached_pic";
        let m4a =
            "-f lavfi -i sine=duration=1 -i cover.png -map 0 -map 1 -c:v copy -disposition:v:0 attached_pic";
        let files = [
            (MediaFormat::Mp3, folder.make(&format!("{sound} -c:a libmp3lame cover.mp3"))),
            (MediaFormat::M4a, folder.make(&format!("{m4a} -c:a aac cover.m4a"))),
            (MediaFormat::Flac, folder.make(&format!("{sound} -c:a flac cover.flac"))),
        ];
        for (format, mut file) in files {
            let artwork = read_tags(&mut file, format).unwrap().artwork.unwrap();
            assert_eq!(artwork.content_type, "image/png");
            assert!(artwork.bytes == cover, "{format:?}");
        }

        // ffmpeg puts no pictures into Ogg by itself, but it copies comments.
        use base64::{Engine, engine::general_purpose::STANDARD};
        let comment = STANDARD.encode(picture_block(3, &cover));
        folder.write(
            "metadata",
            format!(";FFMETADATA1\nMETADATA_BLOCK_PICTURE={}", comment.replace('=', "\\=")),
        );
        let mut ogg =
            folder.make("-f lavfi -i sine=duration=1 -i metadata -map_metadata 1 -c:a libvorbis cover.ogg");
        let artwork = read_tags(&mut ogg, MediaFormat::OggVorbis).unwrap().artwork.unwrap();
        assert!(artwork.bytes == cover);
    }

    #[test]
    fn a_picture_that_is_none_or_too_large_is_left_out() {
        let title = frame(b"TIT2", b"\0Still here");
        let large = [PNG, &vec![0; LARGEST_ARTWORK as usize]].concat();
        for bytes in [b"<svg onload=alert(1)>".as_slice(), &large] {
            let tags = read(MediaFormat::Mp3, &id3v2(3, 0, &[picture(3, bytes), title.clone()]));
            assert_eq!(tags.artwork, None);
            assert_eq!(tags.title.as_deref(), Some("Still here"));
        }
    }

    #[test]
    fn texts_are_cut_to_lengths_that_can_be_shown() {
        let text = format!("\x03\u{202e} A\tB\x07\nC {}", "x".repeat(100_000));
        let frames = [frame(b"TIT2", text.as_bytes()), frame(b"TALB", b"\x03 \0\x01")];
        let tags = read(MediaFormat::Mp3, &id3v2(3, 0, &frames));
        let title = tags.title.unwrap();
        assert!(title.starts_with("A B C xxx"), "{}", &title[..20]);
        assert_eq!(title.chars().count(), LONGEST_LINE);
        assert_eq!(tags.album, None);
    }

    #[test]
    fn chapters_end_at_a_thousand() {
        let chapters: Vec<Vec<u8>> =
            (0..3_000).map(|number| chapter(&number.to_string(), number, u32::MAX, &[])).collect();
        assert_eq!(read(MediaFormat::Mp3, &id3v2(3, 0, &chapters)).chapters.len(), MOST_CHAPTERS);
    }

    #[test]
    fn pictures_and_transcripts_say_nothing() {
        let bytes = id3v2(3, 0, &[frame(b"TIT2", b"\0Title")]);
        for format in [MediaFormat::Jpeg, MediaFormat::Png, MediaFormat::WebVtt, MediaFormat::SubRip] {
            assert_eq!(read(format, &bytes), Tags::default());
        }
    }

    #[test]
    fn a_broken_tag_is_fewer_tags() {
        let files = [
            (MediaFormat::Mp3, tagged("tagged.mp3", "-id3v2_version 3")),
            (MediaFormat::Mp3, tagged("tagged.mp3", "-id3v2_version 4")),
            (MediaFormat::M4a, tagged("tagged.m4a", "-c:a aac -b:a 16k")),
            (MediaFormat::Flac, tagged("tagged.flac", "-ar 8000 -c:a flac")),
            (MediaFormat::OggVorbis, tagged("tagged.ogg", "-c:a libvorbis -q:a 0")),
            (MediaFormat::Wav, tagged("tagged.wav", "-ar 8000 -c:a pcm_u8")),
        ];
        for (format, whole) in files {
            for cut in (0..whole.len()).step_by(211) {
                read(format, &whole[..cut]);
            }

            // Tags are at either end; every one of their bytes gets its turn to lie.
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&whole).unwrap();
            let ends = (0..whole.len().min(900)).chain(whole.len().saturating_sub(900)..whole.len());
            for at in ends {
                for lie in [0, 0x7f, 0xff] {
                    file.seek(io::SeekFrom::Start(at as u64)).unwrap();
                    file.write_all(&[lie]).unwrap();
                    assert!(read_tags(&mut file, format).unwrap().chapters.len() <= MOST_CHAPTERS);
                }
                file.seek(io::SeekFrom::Start(at as u64)).unwrap();
                file.write_all(&whole[at..=at]).unwrap();
            }
        }
    }
}
