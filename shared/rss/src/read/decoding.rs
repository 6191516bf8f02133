//! From bytes to text.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::{
    Place, Problem,
    finding::{Findings, quote},
};

/// The document as text that XML can carry, without a byte order mark and space before its first tag.
///
/// Its byte order mark counts most, then what its XML declaration names, then UTF-8, as XML has it. A document with bytes that are
/// not UTF-8, and with no character beyond ASCII that is, is in what old tools on Windows wrote.
pub(super) fn decode<'a>(document: &'a [u8], findings: &mut Findings) -> Cow<'a, str> {
    let (named, encoding) = encoding_of(document);
    let (text, encoding, is_invalid) = encoding.decode(document);

    let text = if is_invalid && encoding == UTF_8 && !text.chars().any(|c| !c.is_ascii() && c != '\u{fffd}') {
        findings.note_at(Place::Document, other_encoding(named.as_deref(), WINDOWS_1252));
        WINDOWS_1252.decode_without_bom_handling(document).0
    } else {
        if named.as_deref().is_some_and(|named| Encoding::for_label(named.as_bytes()) != Some(encoding)) {
            findings.note_at(Place::Document, other_encoding(named.as_deref(), encoding));
        }
        if is_invalid {
            findings.note_at(Place::Document, Problem::InvalidBytes { encoding: encoding.name() });
        }
        text
    };
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_start_matches(is_space)),
        Cow::Owned(text) => match text.trim_start_matches(is_space) {
            trimmed if trimmed.len() == text.len() => Cow::Owned(text),
            trimmed => Cow::Owned(trimmed.to_owned()),
        },
    };

    if text.contains(is_forbidden) {
        findings.note_at(Place::Document, Problem::ForbiddenCharacters);
        return Cow::Owned(text.replace(is_forbidden, ""));
    }
    text
}

fn other_encoding(named: Option<&str>, read_as: &'static Encoding) -> Problem {
    Problem::OtherEncoding { named: quote(named.unwrap_or("UTF-8")), read_as: read_as.name() }
}

/// What the document names, and what it is to be read as unless it has a byte order mark.
fn encoding_of(document: &[u8]) -> (Option<String>, &'static Encoding) {
    match document {
        [0, b'<', 0, ..] => return (None, UTF_16BE),
        [b'<', 0, _, 0, ..] => return (None, UTF_16LE),
        _ => {}
    }
    let Some(named) = named_encoding(document) else { return (None, UTF_8) };
    let encoding = match Encoding::for_label(named.as_bytes()) {
        // Its name could be read, so that it is not.
        Some(wide) if wide == UTF_16BE || wide == UTF_16LE => UTF_8,
        Some(known) => known,
        None => UTF_8,
    };
    (Some(named), encoding)
}

/// What the XML declaration says.
fn named_encoding(document: &[u8]) -> Option<String> {
    const LONGEST_DECLARATION: usize = 400;
    let start = String::from_utf8_lossy(document.get(..LONGEST_DECLARATION).unwrap_or(document));
    let start = start.trim_start_matches(is_space);
    let declaration = start.strip_prefix("<?xml")?.split_once("?>")?.0;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    value.get(1..)?.split_once(quote).map(|(name, _)| name.trim().to_owned())
}

fn is_space(character: char) -> bool {
    character.is_whitespace() || character == '\u{feff}'
}

/// No `Char` of XML 1.0. A Rust `char` is never a surrogate.
pub(super) fn is_forbidden(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}
