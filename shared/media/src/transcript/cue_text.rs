//! The words of a cue without their markup.

use super::{MOST_CUES, TranscriptRefusal};

/// What is in angle brackets and is markup: what WebVTT has, and what programs put into SubRip. Anything else is words.
const TAGS: [&str; 13] = ["b", "i", "u", "s", "c", "v", "em", "strong", "font", "lang", "ruby", "rt", "br"];

/// The longest tag, in bytes. A bracket that is closed later is not one.
const LONGEST_TAG: usize = 1_000;

/// The longest name of a speaker, in characters; more is cut off.
const LONGEST_SPEAKER: usize = 255;

/// Words of one speaker.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Spoken {
    pub(super) speaker: Option<String>,
    pub(super) text: String,
}

/// The words in the lines of a cue; several where the speaker changes, and none where nobody speaks.
///
/// `has_references` tells whether `&amp;` is `&`, as in WebVTT.
pub(super) fn spoken(lines: &[&str], has_references: bool) -> Result<Vec<Spoken>, TranscriptRefusal> {
    let mut parts = vec![Spoken::default()];
    let joined = lines.join("\n");
    let mut rest = joined.as_str();
    while let Some(at) = rest.find(['<', '&', '{']) {
        let (before, markup) = rest.split_at(at);
        push(&mut parts, before);
        let (piece, after) = piece(markup, has_references);
        match piece {
            Piece::Words(words) => push(&mut parts, words),
            Piece::Markup => {}
            Piece::Speaker(speaker) => {
                let speaker = speaker.map(|speaker| references(speaker, has_references)).and_then(one_line);
                parts.push(Spoken { speaker, text: String::new() });
                if parts.len() > MOST_CUES {
                    return Err(TranscriptRefusal::TooManyCues);
                }
            }
        }
        rest = after;
    }
    push(&mut parts, rest);

    let plain = |part: Spoken| Spoken { text: plain_lines(&part.text), ..part };
    Ok(parts.into_iter().map(plain).filter(|part| !part.text.is_empty()).collect())
}

enum Piece<'text> {
    Words(&'text str),
    Markup,
    Speaker(Option<&'text str>),
}

/// What `text`, which begins with `<`, `&` or `{`, begins with, and what comes after that.
fn piece(text: &str, has_references: bool) -> (Piece<'_>, &str) {
    if let Some(tag) = text.strip_prefix('<')
        && let Some((tag, after)) = split_at_end(tag, b'>')
        && let Some(piece) = tag_piece(tag, has_references)
    {
        return (piece, after);
    }
    // Styles of SubStation Alpha, which some programs put into SubRip.
    if text.starts_with("{\\")
        && let Some((_, after)) = split_at_end(text, b'}')
    {
        return (Piece::Markup, after);
    }
    if has_references && let Some((character, after)) = reference(text) {
        return (Piece::Words(character), after);
    }
    let (first, after) = text.split_at(1);
    (Piece::Words(first), after)
}

/// What comes before and after `end`, if that is near.
fn split_at_end(text: &str, end: u8) -> Option<(&str, &str)> {
    let at = text.bytes().take(LONGEST_TAG).position(|byte| byte == end)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// What a tag does, without its brackets; none if it is no tag. WebVTT has times in brackets too.
fn tag_piece(tag: &str, has_times: bool) -> Option<Piece<'_>> {
    let is_time = has_times
        && tag.contains(':')
        && tag.bytes().all(|byte| byte.is_ascii_digit() || b":.".contains(&byte));
    if is_time {
        return Some(Piece::Markup);
    }

    let (is_end, tag) = tag.strip_prefix('/').map_or((false, tag), |tag| (true, tag));
    let name_len = tag.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tag.len());
    let (name, annotation) = tag.split_at(name_len);
    let is_tag = TAGS.iter().any(|known| known.eq_ignore_ascii_case(name))
        && !annotation.contains('<')
        && (annotation.is_empty()
            || annotation.starts_with(['.', '/'])
            || annotation.starts_with(char::is_whitespace));
    if !is_tag {
        return None;
    }
    if !name.eq_ignore_ascii_case("v") {
        return Some(Piece::Markup);
    }

    let speaker = annotation.split_once(char::is_whitespace).map(|(_, name)| name);
    Some(Piece::Speaker(speaker.filter(|_| !is_end)))
}

/// The character reference that `text` begins with: those that WebVTT writes by name.
fn reference(text: &str) -> Option<(&'static str, &str)> {
    const REFERENCES: [(&str, &str); 8] = [
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&nbsp;", "\u{a0}"),
        ("&lrm;", "\u{200e}"),
        ("&rlm;", "\u{200f}"),
        ("&quot;", "\""),
        ("&#39;", "'"),
    ];
    REFERENCES.iter().find_map(|(name, character)| Some((*character, text.strip_prefix(name)?)))
}

fn references(text: &str, has_references: bool) -> String {
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while has_references && let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        let (character, after) = reference(from).unwrap_or_else(|| from.split_at(1));
        resolved.push_str(before);
        resolved.push_str(character);
        rest = after;
    }
    resolved + rest
}

fn push(parts: &mut [Spoken], words: &str) {
    if let Some(part) = parts.last_mut() {
        part.text.push_str(words);
    }
}

/// `text` as a speaker's name, if anything of it is left. It ends in no dash, which with the bracket of `<v Name>` could
/// be an arrow.
fn one_line(text: String) -> Option<String> {
    let words = plain_lines(&text).replace('\n', " ");
    let name: String = words.chars().take(LONGEST_SPEAKER).collect();
    let name = name.trim_end_matches(|last: char| last == '-' || last.is_whitespace());
    (!name.is_empty()).then(|| name.to_owned())
}

/// Lines without control characters, without space at the ends, and none of them empty; what some reader would take for
/// markup, or for times, has a space in it.
fn plain_lines(text: &str) -> String {
    let lines = text.lines().map(plain_line).filter(|line| !line.is_empty());
    lines.collect::<Vec<String>>().join("\n")
}

fn plain_line(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let printable = line.chars().map(|c| if c == '\t' { ' ' } else { c });
    for character in
        printable.filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{feff}'))
    {
        let is_markup = match plain.chars().next_back() {
            Some('<') => character.is_ascii_alphabetic() || matches!(character, '/' | '!' | '?'),
            Some('{') => character == '\\',
            Some('-') => character == '>' && plain.ends_with("--"),
            _ => false,
        };
        if is_markup {
            plain.push(' ');
        }
        plain.push(character);
    }
    plain.trim().to_owned()
}
