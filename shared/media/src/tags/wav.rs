//! WAVE: a list of texts by four letters (RIFF, INFO), or a whole ID3v2 tag in a chunk of its own.

use std::io;

use super::{Field, Gathered, LONGEST_ITEM, id3v2, latin1};
use crate::pieces::Pieces;

/// Chunks after these are left out.
const MOST_CHUNKS: usize = 1_000;

pub(super) fn read(pieces: &mut Pieces<'_>, start: u64, gathered: &mut Gathered) -> io::Result<()> {
    let mut id3v2_tag = None;
    let mut texts = None;
    let mut long_data_len = None;
    let mut position = start + 12;
    for _ in 0..MOST_CHUNKS {
        let Some([a, b, c, d, size @ ..]) = pieces.array::<8>(position)? else { break };
        let body = position + 8;
        let mut len = u64::from(u32::from_le_bytes(size));
        match &[a, b, c, d] {
            b"ds64" => long_data_len = pieces.array(body + 8)?.map(u64::from_le_bytes),
            b"data" if size == [0xff; 4] => len = long_data_len.unwrap_or(len),
            b"id3 " | b"ID3 " => id3v2_tag = id3v2_tag.or(Some(body..body.saturating_add(len))),
            b"LIST" if pieces.array(body)? == Some(*b"INFO") => {
                texts = texts.or(Some(body + 4..body.saturating_add(len)));
            }
            _ => {}
        }
        position = body.saturating_add(len).saturating_add(len % 2);
    }

    // ID3v2 says more, and its texts are in Unicode.
    if let Some(tag) = id3v2_tag {
        id3v2::read(pieces, tag, gathered)?;
    }
    let Some(texts) = texts else { return Ok(()) };
    let mut position = texts.start;
    for _ in 0..MOST_CHUNKS {
        let Some([a, b, c, d, size @ ..]) = pieces.array::<8>(position)? else { break };
        let len = u64::from(u32::from_le_bytes(size));
        if position >= texts.end {
            break;
        }
        if let Some(field) = field([a, b, c, d]) {
            let text = pieces.bytes(position + 8, len.min(LONGEST_ITEM))?;
            gathered.text(field, &unicode_or_latin1(&text));
        }
        position += 8 + len + len % 2;
    }
    Ok(())
}

fn field(id: [u8; 4]) -> Option<Field> {
    Some(match &id {
        b"INAM" => Field::Title,
        b"IART" => Field::Artist,
        b"IPRD" => Field::Album,
        b"IPRT" | b"ITRK" => Field::Track,
        b"ICRD" => Field::Date,
        b"IGNR" => Field::Genre,
        b"ICMT" => Field::Comment,
        b"ILNG" => Field::Language,
        b"IPUB" => Field::Publisher,
        b"ICOP" => Field::Copyright,
        _ => return None,
    })
}

/// The standard names no encoding; programs write one of these.
fn unicode_or_latin1(text: &[u8]) -> String {
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    let text = text.get(..end).unwrap_or_default();
    str::from_utf8(text).map_or_else(|_| latin1(text), str::to_owned)
}
