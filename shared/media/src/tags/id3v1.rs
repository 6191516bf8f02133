//! ID3v1: the last 128 bytes of a file, for texts that have no other place.

use std::io;

use super::{Field, Gathered, id3v2::genre_name, latin1};
use crate::pieces::Pieces;

const LEN: u64 = 128;

pub(super) fn read(pieces: &mut Pieces<'_>, gathered: &mut Gathered) -> io::Result<()> {
    let Some(start) = pieces.len().checked_sub(LEN) else { return Ok(()) };
    let tag = pieces.bytes(start, LEN)?;
    let Some(texts) = tag.strip_prefix(b"TAG") else { return Ok(()) };

    let mut texts = texts;
    for (field, len) in
        [(Field::Title, 30), (Field::Artist, 30), (Field::Album, 30), (Field::Date, 4), (Field::Comment, 30)]
    {
        let Some((text, rest)) = texts.split_at_checked(len) else { return Ok(()) };
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(len);
        gathered.text(field, &latin1(text.get(..end).unwrap_or_default()));
        if let (Field::Comment, [.., 0, track]) = (field, text) {
            gathered.text(Field::Track, &track.to_string());
        }
        texts = rest;
    }
    if let [genre] = texts {
        gathered.text(Field::Genre, &genre_name(&format!("({genre})")));
    }
    Ok(())
}
