//! JPEG (ITU-T T.81), as JFIF or EXIF wrap it.
//!
//! The file is walked from marker to marker first, because decoders are lenient: a file without an end is truncated and
//! one with two headers damaged. Only what pixels are made of goes on to the decoder.

use std::{fs::File, io::Read};

use domain::MediaFormat;
use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::JpegDecoder;

use super::{
    ArtworkError, ArtworkRefusal, MOST_BYTES, Orientation, Raster, SIDES, colour_profile, room, side,
};

/// Passes over the picture. Progressive files have about ten; each costs the time of a whole picture, whatever its length.
const MOST_SCANS: u32 = 64;

/// The pixels of the JPEG in `file`, from its start.
pub(super) fn decode(file: File) -> Result<Raster, ArtworkError> {
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(ArtworkError::Unreadable)?;
    let walked = walk(&bytes)?;
    drop(bytes);

    let side_px = walked.side_px;
    let mut rgb = room(side_px);
    let largest = *SIDES.end() as usize;
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(largest)
        .set_max_height(largest)
        .jpeg_set_max_scans(MOST_SCANS as usize)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    JpegDecoder::new_with_options(ZCursor::new(&walked.picture), options)
        .decode_into(&mut rgb)
        .map_err(|_| ArtworkRefusal::Damaged)?;

    let orientation = walked.orientation;
    let colour_profile = walked.colour_profile.and_then(colour_profile::of_rgb);
    Ok(Raster { format: MediaFormat::Jpeg, side_px, rgb, orientation, colour_profile })
}

/// What a walk from marker to marker finds.
struct Walked {
    side_px: u32,
    orientation: Orientation,
    colour_profile: Option<Vec<u8>>,
    /// The same JPEG without what decoders need not know.
    picture: Vec<u8>,
}

const START: [u8; 2] = [0xff, 0xd8];
const END: [u8; 2] = [0xff, 0xd9];

fn walk(bytes: &[u8]) -> Result<Walked, ArtworkRefusal> {
    let mut rest = bytes.strip_prefix(&START).ok_or(ArtworkRefusal::NotAPicture)?;
    let mut picture = START.to_vec();
    let mut side_px = None;
    let mut orientation = None;
    let mut profile = ProfileChunks::default();
    let mut scans = 0;
    let mut is_progressive = false;

    loop {
        let marker = take_marker(&mut rest)?;
        if marker == 0xd9 {
            break;
        }
        let body = take_body(&mut rest)?;
        match marker {
            // Frames: baseline, extended and progressive.
            0xc0..=0xc2 => {
                is_progressive = marker == 0xc2;
                if side_px.replace(frame_side(body)?).is_some() {
                    return Err(ArtworkRefusal::Damaged);
                }
            }
            // The other frames, and conditions of arithmetic coding.
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcf => return Err(ArtworkRefusal::UnsupportedCoding),
            0xe1 => {
                if let Some(exif) = body.strip_prefix(b"Exif\0\0") {
                    orientation.get_or_insert_with(|| Orientation::of(exif));
                }
            }
            0xe2 => {
                if let Some(chunk) = body.strip_prefix(b"ICC_PROFILE\0") {
                    profile.add(chunk);
                }
            }
            _ => {}
        }

        match marker {
            // Frames, tables, restart intervals, and what Adobe says of the colours.
            0xc0..=0xc2 | 0xc4 | 0xdb | 0xdd | 0xee => push_segment(&mut picture, marker, body),
            0xda => {
                scans += 1;
                if side_px.is_none() || scans > MOST_SCANS {
                    return Err(ArtworkRefusal::Damaged);
                }
                push_segment(&mut picture, marker, body);
                picture.extend_from_slice(take_scan(&mut rest)?);
            }
            // Other notes and comments.
            0xe0..=0xef | 0xfe => {}
            _ => return Err(ArtworkRefusal::Damaged),
        }
    }

    // The decoder takes an early end for grey pixels, and no end for what it is. In a progressive file it asks for one.
    if is_progressive {
        picture.extend_from_slice(&END);
    }
    let side_px = side_px.filter(|_| scans > 0).ok_or(ArtworkRefusal::Damaged)?;
    let orientation = orientation.unwrap_or_default();
    Ok(Walked { side_px, orientation, colour_profile: profile.whole(), picture })
}

/// The code of the marker that comes next; any number of 0xff may stand before it (T.81, B.1.1.2).
fn take_marker(rest: &mut &[u8]) -> Result<u8, ArtworkRefusal> {
    let [first, after @ ..] = rest else { return Err(ArtworkRefusal::Truncated) };
    if *first != 0xff {
        return Err(ArtworkRefusal::Damaged);
    }
    let fill = after.iter().take_while(|byte| **byte == 0xff).count();
    let [code, after @ ..] = after.get(fill..).unwrap_or_default() else {
        return Err(ArtworkRefusal::Truncated);
    };
    *rest = after;
    Ok(*code)
}

/// What is in the segment that comes next, after the two bytes that say how long it is.
fn take_body<'bytes>(rest: &mut &'bytes [u8]) -> Result<&'bytes [u8], ArtworkRefusal> {
    let (length, after) = rest.split_first_chunk().ok_or(ArtworkRefusal::Truncated)?;
    let length = usize::from(u16::from_be_bytes(*length)).checked_sub(2).ok_or(ArtworkRefusal::Damaged)?;
    let (body, after) = after.split_at_checked(length).ok_or(ArtworkRefusal::Truncated)?;
    *rest = after;
    Ok(body)
}

/// Coded pixels, up to the next marker that is not a restart.
fn take_scan<'bytes>(rest: &mut &'bytes [u8]) -> Result<&'bytes [u8], ArtworkRefusal> {
    let is_marker = |pair: &[u8]| matches!(pair, [0xff, code] if !matches!(code, 0 | 0xd0..=0xd7 | 0xff));
    let end = rest.windows(2).position(is_marker).ok_or(ArtworkRefusal::Truncated)?;
    let (scan, after) = rest.split_at_checked(end).ok_or(ArtworkRefusal::Truncated)?;
    *rest = after;
    Ok(scan)
}

fn push_segment(picture: &mut Vec<u8>, marker: u8, body: &[u8]) {
    // Came with two bytes of length, so it fits in them again.
    let length = u16::try_from(body.len() + 2).unwrap_or(u16::MAX);
    picture.extend([0xff, marker]);
    picture.extend(length.to_be_bytes());
    picture.extend_from_slice(body);
}

/// The side of the picture, by a frame header (T.81, B.2.2), if its colours are three of eight bits.
fn frame_side(body: &[u8]) -> Result<u32, ArtworkRefusal> {
    let [precision, high, low, wide, narrow, components, ..] = body else {
        return Err(ArtworkRefusal::Damaged);
    };
    let height = u16::from_be_bytes([*high, *low]);
    let width = u16::from_be_bytes([*wide, *narrow]);
    if height == 0 || width == 0 {
        return Err(ArtworkRefusal::Damaged);
    }

    match (precision, components) {
        (8, 1) => Err(ArtworkRefusal::Greyscale),
        (8, 3) => side(u32::from(width), u32::from(height)),
        (8, 4) => Err(ArtworkRefusal::Cmyk),
        (12 | 16, _) => Err(ArtworkRefusal::UnsupportedCoding),
        _ => Err(ArtworkRefusal::Damaged),
    }
}

/// A colour profile in as many as 255 pieces (ICC.1:2022, B.4).
#[derive(Default)]
struct ProfileChunks<'bytes> {
    profile: Vec<&'bytes [u8]>,
    is_broken: bool,
}

impl<'bytes> ProfileChunks<'bytes> {
    /// Takes the next piece; they come in their order.
    fn add(&mut self, chunk: &'bytes [u8]) {
        match chunk {
            [number, _, piece @ ..] if usize::from(*number) == self.profile.len() + 1 => {
                self.profile.push(piece);
            }
            _ => self.is_broken = true,
        }
    }

    fn whole(self) -> Option<Vec<u8>> {
        (!self.is_broken && !self.profile.is_empty()).then(|| self.profile.concat())
    }
}
