//! WebVTT (W3C) and SubRip, which has no standard: blocks of lines with empty lines between.

use std::{borrow::Cow, collections::HashMap};

use domain::{MediaFormat, Offset};

use super::{
    Cue, MOST_BYTES, MOST_CUES, MOST_LINE_ENDS, Transcript, TranscriptRefusal,
    cue_text::{self, Spoken},
};

pub(super) fn read(bytes: &[u8]) -> Result<Transcript, TranscriptRefusal> {
    if bytes.len() > MOST_BYTES {
        return Err(TranscriptRefusal::TooLarge);
    }
    let text = decode(bytes)?;
    if text.trim().is_empty() {
        return Err(TranscriptRefusal::EmptyFile);
    }

    if text.bytes().filter(|byte| matches!(byte, b'\n' | b'\r')).count() > MOST_LINE_ENDS {
        return Err(TranscriptRefusal::TooManyCues);
    }
    let lines = split_lines(&text);
    let (format, first) = sniff(&lines)?;
    let mut cues = Vec::new();
    let blocks = Blocks { lines: &lines, next: first };
    for block in blocks {
        let Some(cue) = read_block(&block, format)? else { continue };
        cues.extend(cue);
        if cues.len() > MOST_CUES {
            return Err(TranscriptRefusal::TooManyCues);
        }
    }
    if cues.is_empty() {
        return Err(TranscriptRefusal::NoCues);
    }

    cues.sort_by_key(|cue| cue.start);
    if format == MediaFormat::SubRip {
        name_speakers(&mut cues);
    }
    Ok(Transcript { format, cues })
}

/// The text in `bytes`, without its byte order mark.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, TranscriptRefusal> {
    let utf_16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let text = char::decode_utf16(pairs.iter().copied().map(unit)).collect::<Result<String, _>>();
        text.ok().filter(|_| rest.is_empty())
    };

    let text = match bytes {
        [0xff, 0xfe, text @ ..] => utf_16(text, u16::from_le_bytes).map(Cow::Owned),
        [0xfe, 0xff, text @ ..] => utf_16(text, u16::from_be_bytes).map(Cow::Owned),
        text => str::from_utf8(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)).ok().map(Cow::Borrowed),
    };
    // Text has no NUL: this is UTF-16 that does not say so, or a program.
    text.filter(|text| !text.contains('\0')).ok_or(TranscriptRefusal::NotText)
}

/// Lines end in CR, LF or both.
fn split_lines(text: &str) -> Vec<&str> {
    text.split('\n')
        .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
        .map(str::trim)
        .collect()
}

/// Which format the lines are in, and the place of the first that may belong to a cue.
fn sniff(lines: &[&str]) -> Result<(MediaFormat, usize), TranscriptRefusal> {
    let first = lines.first().copied().unwrap_or_default();
    let is_web_vtt =
        first.strip_prefix("WEBVTT").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
    if is_web_vtt {
        // Its first block is a header, unless times stand in it.
        let header = lines.iter().take_while(|line| !line.is_empty() && !line.contains(ARROW)).count();
        return Ok((MediaFormat::WebVtt, header));
    }

    let mut filled = lines.iter().filter(|line| !line.is_empty());
    let starts = [filled.next(), filled.next()];
    let has_times = starts.into_iter().flatten().any(|line| line.contains(ARROW));
    has_times.then_some((MediaFormat::SubRip, 0)).ok_or(TranscriptRefusal::NotATranscript)
}

const ARROW: &str = "-->";

/// Lines with an empty one before and after, and the place of the first.
struct Block<'text> {
    lines: &'text [&'text str],
    start: usize,
}

struct Blocks<'text> {
    lines: &'text [&'text str],
    next: usize,
}

impl<'text> Iterator for Blocks<'text> {
    type Item = Block<'text>;

    fn next(&mut self) -> Option<Block<'text>> {
        let rest = self.lines.get(self.next..)?;
        let start = self.next + rest.iter().position(|line| !line.is_empty())?;
        let rest = self.lines.get(start..)?;
        let len = rest.iter().position(|line| line.is_empty()).unwrap_or(rest.len());
        self.next = start + len;
        Some(Block { lines: rest.get(..len)?, start })
    }
}

/// The cues that a block is, one for each speaker; none if it is a comment or a style sheet.
fn read_block(block: &Block<'_>, format: MediaFormat) -> Result<Option<Vec<Cue>>, TranscriptRefusal> {
    // Counted from 1.
    let line = block.start + 1;
    let (times, name_lines, words) = match block.lines {
        [times, words @ ..] if times.contains(ARROW) => (times, 0, words),
        [first, ..] if format == MediaFormat::WebVtt && is_aside(first) => return Ok(None),
        [_, times, words @ ..] if times.contains(ARROW) => (times, 1, words),
        _ => return Err(TranscriptRefusal::NoTimes { line }),
    };
    let times_line = line + name_lines;

    let (start, end) = read_times(times).ok_or(TranscriptRefusal::BadTimes { line: times_line })?;
    if end < start {
        return Err(TranscriptRefusal::EndsBeforeStart { line: times_line });
    }
    if let Some(at) = words.iter().position(|line| line.contains(ARROW)) {
        return Err(TranscriptRefusal::NoEmptyLine { line: times_line + 1 + at });
    }

    let spoken = cue_text::spoken(words, format == MediaFormat::WebVtt)?;
    let cue = |Spoken { speaker, text }| Cue { start, end, speaker, text };
    Ok(Some(spoken.into_iter().map(cue).collect()))
}

/// Whether a block that begins like this is no cue (WebVTT, 4.1).
fn is_aside(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    word == "NOTE" || matches!(line, "STYLE" | "REGION")
}

/// The two times of a line; what stands behind them is where on a screen the words go.
fn read_times(line: &str) -> Option<(Offset, Offset)> {
    let (start, rest) = line.split_once(ARROW)?;
    let end = rest.split_whitespace().next()?;
    Some((read_time(start.trim())?, read_time(end)?))
}

/// Hours may be missing, and a fraction has a point in WebVTT, a comma in SubRip, and either in files that programs write.
fn read_time(time: &str) -> Option<Offset> {
    let digits = |text: &str, most: usize| -> Option<u64> {
        let is_number = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().ok()).flatten()
    };

    let (whole, fraction) = time.split_once(['.', ',']).unwrap_or((time, "0"));
    digits(fraction, 9)?;
    let milliseconds = digits(format!("{fraction:0<3}").get(..3)?, 3)?;
    let mut units = whole.rsplit(':');
    let seconds = digits(units.next()?, 2).filter(|seconds| *seconds < 60)?;
    let minutes = digits(units.next()?, 2).filter(|minutes| *minutes < 60)?;
    let hours = units.next().map_or(Some(0), |hours| digits(hours, 3))?;
    if units.next().is_some() {
        return None;
    }
    Offset::from_milliseconds(((hours * 60 + minutes) * 60 + seconds) * 1_000 + milliseconds).ok()
}

/// Makes `Name: ` at the start of a cue its speaker, where two cues or more begin with that name.
fn name_speakers(cues: &mut [Cue]) {
    let mut known: HashMap<&str, usize> = HashMap::new();
    for cue in cues.iter().filter(|cue| cue.speaker.is_none()) {
        if let Some((name, _)) = named(&cue.text) {
            *known.entry(name).or_default() += 1;
        }
    }
    let is_clear: Vec<bool> = cues
        .iter()
        .map(|cue| named(&cue.text).is_some_and(|(name, _)| known.get(name).is_some_and(|times| *times > 1)))
        .collect();

    for (cue, is_clear) in cues.iter_mut().zip(is_clear) {
        if let (true, None, Some((name, words))) = (is_clear, &cue.speaker, named(&cue.text)) {
            (cue.speaker, cue.text) = (Some(name.to_owned()), words.to_owned());
        }
    }
}

/// A speaker's name, if `text` begins with what looks like one, and what they say. One to four words that begin with a
/// capital letter or a digit: "Sarah", "Speaker 1", not "What I mean".
fn named(text: &str) -> Option<(&str, &str)> {
    let (name, words) = text.split_once(':')?;
    let words = words.strip_prefix([' ', '\n'])?.trim_start();
    let is_capital = |word: &str| word.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit());
    let is_name = !name.contains('\n')
        && name == name.trim()
        && (1..=4).contains(&name.split(' ').count())
        && name.split(' ').all(is_capital)
        && name.starts_with(char::is_uppercase)
        && name.chars().count() <= 40;
    (is_name && !words.is_empty()).then_some((name, words))
}
