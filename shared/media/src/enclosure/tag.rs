//! What an enclosure says about itself: an ID3v2.4 tag, with chapters (ID3v2 Chapter Frame Addendum 1.0).

use std::time::Duration;

use id3::{
    Encoder, Frame, Tag, TagLike, Version,
    frame::{Chapter, ExtendedLink, Picture, PictureType, TableOfContents},
};

use super::{EnclosureTags, EncodeError};
use crate::Mark;

const MOST_CHAPTERS: usize = 1_000;
/// As many entries as a table of contents counts.
const MOST_ENTRIES: usize = 255;

/// The tag's bytes; none where there is nothing to say. `duration` is where the last chapter ends.
pub(super) fn render(tags: &EnclosureTags, duration: Duration) -> Result<Vec<u8>, EncodeError> {
    let mut tag = Tag::with_version(Version::Id3v24);
    for (id, text) in
        [("TIT2", &tags.title), ("TPE1", &tags.artist), ("TALB", &tags.album), ("TDRC", &tags.date)]
    {
        if let Some(text) = text {
            tag.set_text(id, text);
        }
    }
    if let Some(artwork) = &tags.artwork {
        tag.add_frame(Picture {
            mime_type: artwork.content_type.to_owned(),
            picture_type: PictureType::CoverFront,
            description: String::new(),
            data: artwork.bytes.clone(),
        });
    }
    add_chapters(&mut tag, &tags.chapters, duration);

    let mut bytes = Vec::new();
    if tag.frames().next().is_some() {
        let encoder = Encoder::new().version(Version::Id3v24);
        encoder.encode(&tag, &mut bytes).map_err(|error| EncodeError::Encoder(error.to_string()))?;
    }
    Ok(bytes)
}

fn add_chapters(tag: &mut Tag, marks: &[Mark], duration: Duration) {
    let marks = marks.get(..MOST_CHAPTERS).unwrap_or(marks);
    if marks.is_empty() {
        return;
    }
    let ids: Vec<String> = (1..=marks.len()).map(|number| format!("chapter{number}")).collect();
    let parts: Vec<&[String]> = ids.chunks(MOST_ENTRIES).collect();
    let table = |element_id: &str, top_level, elements: &[String]| TableOfContents {
        element_id: element_id.to_owned(),
        top_level,
        ordered: true,
        elements: elements.to_vec(),
        frames: Vec::new(),
    };
    if let [all] = parts.as_slice() {
        tag.add_frame(table("contents", true, all));
    } else {
        let names: Vec<String> = (1..=parts.len()).map(|number| format!("part{number}")).collect();
        tag.add_frame(table("contents", true, &names));
        for (name, part) in names.iter().zip(parts) {
            tag.add_frame(table(name, false, part));
        }
    }

    let starts_of_next = marks.iter().skip(1).map(|mark| mark.starts_at).chain([duration]);
    for ((mark, id), start_of_next) in marks.iter().zip(ids).zip(starts_of_next) {
        let ends_at = mark.ends_at.unwrap_or(start_of_next).max(mark.starts_at);
        let title = mark.title.as_ref().map(|title| Frame::text("TIT2", title));
        let link = mark.url.as_ref().map(|url| {
            Frame::from(ExtendedLink { description: "chapter url".to_owned(), link: url.clone() })
        });
        tag.add_frame(Chapter {
            element_id: id,
            start_time: milliseconds(mark.starts_at),
            end_time: milliseconds(ends_at),
            // Not by bytes.
            start_offset: u32::MAX,
            end_offset: u32::MAX,
            frames: title.into_iter().chain(link).collect(),
        });
    }
}

fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
