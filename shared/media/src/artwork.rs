//! Artwork of a show or an episode: whether a picture is what podcast apps take, and copies of it for the web.
//!
//! Pictures are hostile until proven otherwise. What a header says is checked before room is made for a pixel, compressed
//! text beside the picture is never unpacked, and a picture is believed only once all of it has been decoded. The file
//! has at most 32 MiB and the largest picture 27 MB of pixels, to which a progressive JPEG adds 54 MB: no file takes more
//! than 128 MiB of memory.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    ops::RangeInclusive,
};

use domain::MediaFormat;
use jpeg_encoder::{ColorType, Encoder, EncodingError, SamplingFactor};

mod colour_profile;
mod jpeg;
mod orientation;
mod png;
mod shrink;

use orientation::Orientation;

/// Pixels on each side, as Apple Podcasts takes them from feeds.
const SIDES: RangeInclusive<u32> = 1_400..=3_000;

/// The largest file that is read: 32 MiB, which no JPEG of this size comes near.
const MOST_BYTES: u64 = 32 << 20;

/// Of the copies for the web: small, and letters on a cover stay sharp.
const QUALITY: u8 = 85;

/// Artwork that podcast apps take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// JPEG or PNG, by its bytes.
    pub format: MediaFormat,
    /// How many pixels wide and high it is.
    pub side_px: u32,
}

/// Why a file cannot be artwork. Shown as one plain sentence, or two, that say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ArtworkRefusal {
    /// No bytes.
    #[error("The file is empty. Export the picture again and upload the new file.")]
    EmptyFile,
    /// Larger than is read.
    #[error("The file has more than 32 MiB. Save the picture as JPEG, which is smaller.")]
    FileTooLarge,
    /// Text, sound, an archive, noise.
    #[error("The file is not a picture. Upload a JPEG or PNG file.")]
    NotAPicture,
    /// A picture that is neither JPEG nor PNG.
    #[error("The picture is in a format that podcast apps do not all show. Save it as JPEG or PNG.")]
    UnsupportedFormat,
    /// A JPEG that is lossless, arithmetically coded, hierarchical, or has more than 8 bits.
    #[error(
        "The JPEG is coded in a way that podcast apps do not all show. Save it as a plain JPEG with 8 bits."
    )]
    UnsupportedCoding,
    /// Wider than high, or the other way around.
    #[error(
        "The picture is {width} × {height} pixels. Crop it to a square between {} and {} pixels wide and high.",
        SIDES.start(), SIDES.end()
    )]
    NotSquare {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// A square that is too small or too large.
    #[error(
        "The picture is {side_px} × {side_px} pixels. Upload one between {} and {} pixels wide and high.",
        SIDES.start(), SIDES.end()
    )]
    WrongSize {
        /// Pixels in a row, and rows.
        side_px: u32,
    },
    /// Made for print.
    #[error("The picture is in CMYK, the colours of print. Save it in RGB.")]
    Cmyk,
    /// Black and white, or shades of grey, with nothing to say which red, green and blue they are.
    #[error("The picture is in greyscale. Save it in RGB.")]
    Greyscale,
    /// Has an alpha channel, even if nothing shows through.
    #[error("The picture has an alpha channel, which makes it transparent. Save it without, or as JPEG.")]
    Transparent,
    /// An animated PNG.
    #[error("The picture moves. Save one still of it as JPEG or PNG.")]
    Animated,
    /// Carries large blocks of other things.
    #[error("The file carries too much besides the picture. Save it for the web, without metadata.")]
    TooMuchMetadata,
    /// Ends before the picture does.
    #[error("The file ends before its picture does. Export it again and upload the whole file.")]
    Truncated,
    /// Contradicts itself, or is half noise.
    #[error("The file is damaged. Export the picture again and upload the new file.")]
    Damaged,
}

/// There is no picture, or no copy of it.
#[derive(Debug, thiserror::Error)]
pub enum ArtworkError {
    /// The file is at fault: it will be refused next time too.
    #[error(transparent)]
    Refused(#[from] ArtworkRefusal),
    /// This machine is at fault: trying again may help.
    #[error("cannot read the picture")]
    Unreadable(#[source] io::Error),
    /// Where the copy goes is at fault.
    #[error("cannot write the copy of the picture")]
    Unwritable(#[source] io::Error),
}

/// Finds out whether `file` is artwork that podcast apps take: a square JPEG or PNG of 1,400 to 3,000 pixels in RGB
/// without an alpha channel (Apple Podcasts, artwork requirements). Where it is positioned does not matter.
///
/// # Errors
/// [`ArtworkError::Refused`] when it is not, [`ArtworkError::Unreadable`] when the disk fails.
pub fn examine_artwork(file: File) -> Result<Picture, ArtworkError> {
    let Raster { format, side_px, .. } = decode(file)?;
    Ok(Picture { format, side_px })
}

/// Writes a copy of the artwork in `file` that is `side_px` pixels wide and high, or as large as the picture where that is
/// less: a JPEG, upright, with the picture's colour profile and nothing else of what came beside it, such as where and
/// when it was taken. The same file and size give the same bytes.
///
/// # Errors
/// Those of [`examine_artwork`], and [`ArtworkError::Unwritable`] when `to` fails.
pub fn resize_artwork(file: File, side_px: u16, to: &mut impl Write) -> Result<(), ArtworkError> {
    let raster = decode(file)?;

    let side = u32::from(side_px.max(1)).min(raster.side_px);
    let small = shrink::shrink(&raster.rgb, raster.side_px, side);
    let upright = raster.orientation.apply(&small, side);

    let side = u16::try_from(side).unwrap_or(side_px);
    let jpeg = encode(&upright, side, raster.colour_profile.as_deref())
        .map_err(|error| ArtworkError::Unwritable(io::Error::other(error)))?;
    to.write_all(&jpeg).map_err(ArtworkError::Unwritable)
}

/// A picture whose pixels are known.
struct Raster {
    format: MediaFormat,
    side_px: u32,
    /// Three bytes a pixel, row by row.
    rgb: Vec<u8>,
    /// How to turn the pixels before they are shown.
    orientation: Orientation,
    /// Which colours red, green and blue are, if not those of sRGB.
    colour_profile: Option<Vec<u8>>,
}

fn decode(mut file: File) -> Result<Raster, ArtworkError> {
    let len = file.metadata().map_err(ArtworkError::Unreadable)?.len();
    if len == 0 {
        return Err(ArtworkRefusal::EmptyFile.into());
    }

    let mut start = Vec::new();
    file.seek(SeekFrom::Start(0)).map_err(ArtworkError::Unreadable)?;
    (&file).take(16).read_to_end(&mut start).map_err(ArtworkError::Unreadable)?;
    let format = sniff(&start)?;
    if len > MOST_BYTES {
        return Err(ArtworkRefusal::FileTooLarge.into());
    }

    file.seek(SeekFrom::Start(0)).map_err(ArtworkError::Unreadable)?;
    match format {
        Format::Jpeg => jpeg::decode(file),
        Format::Png => png::decode(file),
    }
}

enum Format {
    Jpeg,
    Png,
}

/// What a file is, by its first bytes.
fn sniff(start: &[u8]) -> Result<Format, ArtworkRefusal> {
    const OTHER_PICTURES: [&[u8]; 8] =
        [b"GIF8", b"BM", b"II*\0", b"MM\0*", b"8BPS", b"\xff\x0a", b"\0\0\0\x0cJXL ", b"\0\0\0\x0cjP  "];

    match start {
        [0xff, 0xd8, 0xff, ..] => Ok(Format::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Ok(Format::Png),
        // WebP.
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
            Err(ArtworkRefusal::UnsupportedFormat)
        }
        // HEIC and AVIF; sound and video have other brands.
        [
            _,
            _,
            _,
            _,
            b'f',
            b't',
            b'y',
            b'p',
            b'h' | b'm' | b'a',
            b'e' | b'i' | b'v',
            b'i' | b'f' | b'c',
            ..,
        ] => Err(ArtworkRefusal::UnsupportedFormat),
        other if OTHER_PICTURES.iter().any(|magic| other.starts_with(magic)) => {
            Err(ArtworkRefusal::UnsupportedFormat)
        }
        _ => Err(ArtworkRefusal::NotAPicture),
    }
}

/// The side of a picture that a header says is `width` × `height` pixels.
fn side(width: u32, height: u32) -> Result<u32, ArtworkRefusal> {
    if width != height {
        return Err(ArtworkRefusal::NotSquare { width, height });
    }
    if !SIDES.contains(&width) {
        return Err(ArtworkRefusal::WrongSize { side_px: width });
    }
    Ok(width)
}

/// Room for the pixels of a picture whose `side` was checked.
fn room(side_px: u32) -> Vec<u8> {
    vec![0; side_px as usize * side_px as usize * 3]
}

fn encode(rgb: &[u8], side_px: u16, colour_profile: Option<&[u8]>) -> Result<Vec<u8>, EncodingError> {
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, QUALITY);
    // Colours in full, because subsampling blurs red letters.
    encoder.set_sampling_factor(SamplingFactor::R_4_4_4);
    encoder.set_optimized_huffman_tables(true);
    if let Some(profile) = colour_profile {
        encoder.add_icc_profile(profile)?;
    }
    encoder.encode(rgb, side_px, side_px, ColorType::Rgb)?;
    Ok(jpeg)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use ::png::{BitDepth, Decoder, Transformations};
    use proptest::prelude::*;

    use super::*;
    use crate::artwork::orientation::tests::exif;

    /// A file of these bytes, positioned at its end.
    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn examine(bytes: &[u8]) -> Result<Picture, ArtworkRefusal> {
        match examine_artwork(file(bytes)) {
            Ok(picture) => Ok(picture),
            Err(ArtworkError::Refused(refusal)) => Err(refusal),
            Err(error) => panic!("{error}"),
        }
    }

    fn resize(bytes: &[u8], side_px: u16) -> Vec<u8> {
        let mut copy = Vec::new();
        resize_artwork(file(bytes), side_px, &mut copy).unwrap();
        copy
    }

    /// Red at the top left, green at the top right, blue at the bottom left and white at the bottom right.
    fn quarters(width: u32, height: u32) -> Vec<u8> {
        let row = |left: [u8; 3], right: [u8; 3]| {
            let (left_half, right_half) = (width as usize / 2, width.div_ceil(2) as usize);
            [left.repeat(left_half), right.repeat(right_half)].concat()
        };
        let top = row([255, 0, 0], [0, 255, 0]).repeat(height as usize / 2);
        let bottom = row([0, 0, 255], [255, 255, 255]).repeat(height.div_ceil(2) as usize);
        [top, bottom].concat()
    }

    fn jpeg_of(width: u16, height: u16, set: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
        let mut jpeg = Vec::new();
        let mut encoder = Encoder::new(&mut jpeg, 90);
        set(&mut encoder);
        let pixels = quarters(u32::from(width), u32::from(height));
        encoder.encode(&pixels, width, height, ColorType::Rgb).unwrap();
        jpeg
    }

    fn jpeg(side_px: u16) -> Vec<u8> {
        jpeg_of(side_px, side_px, |_| ())
    }

    fn png_of(
        side_px: u32,
        set: impl FnOnce(&mut ::png::Encoder<'_, &mut Vec<u8>>),
        pixels: &[u8],
    ) -> Vec<u8> {
        let mut png = Vec::new();
        let mut encoder = ::png::Encoder::new(&mut png, side_px, side_px);
        encoder.set_color(::png::ColorType::Rgb);
        set(&mut encoder);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        png
    }

    fn png(side_px: u32) -> Vec<u8> {
        png_of(side_px, |_| (), &quarters(side_px, side_px))
    }

    /// A PNG that ends after a header with these numbers.
    fn png_header(width: u32, height: u32) -> Vec<u8> {
        let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
        let body = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
        push_chunk(&mut png, b"IHDR", &body);
        png
    }

    fn push_chunk(png: &mut Vec<u8>, name: &[u8; 4], body: &[u8]) {
        png.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        let named = [name, body].concat();
        png.extend(&named);
        png.extend(crc(&named).to_be_bytes());
    }

    /// The CRC of PNG (annex D), bit by bit.
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 }
            })
        })
    }

    /// `png` with a chunk after its header.
    fn with_chunk(png: &[u8], name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        const HEADER: usize = 8 + 12 + 13;
        let mut with = png[..HEADER].to_vec();
        push_chunk(&mut with, name, body);
        with.extend(&png[HEADER..]);
        with
    }

    /// `bytes` as zlib has them without compression: blocks of at most 65,535 bytes, then the Adler-32.
    fn stored(bytes: &[u8]) -> Vec<u8> {
        let mut zlib = vec![0x78, 0x01];
        for block in bytes.chunks(65_535) {
            let len = u16::try_from(block.len()).unwrap();
            zlib.push(0);
            zlib.extend(len.to_le_bytes());
            zlib.extend((!len).to_le_bytes());
            zlib.extend(block);
        }
        zlib.extend([1, 0, 0, 0xff, 0xff]);
        let (a, b) = bytes.iter().fold((1_u32, 0_u32), |(a, b), byte| {
            let a = (a + u32::from(*byte)) % 65_521;
            (a, (b + a) % 65_521)
        });
        zlib.extend((b << 16 | a).to_be_bytes());
        zlib
    }

    /// The pixel in the middle of each quarter, by rows.
    fn middles(jpeg: &[u8], side_px: usize) -> Vec<[u8; 3]> {
        let pixels = zune_jpeg::JpegDecoder::new(zune_core::bytestream::ZCursor::new(jpeg)).decode().unwrap();
        assert_eq!(pixels.len(), side_px * side_px * 3);
        let (quarter, three) = (side_px / 4, side_px * 3 / 4);
        [(quarter, quarter), (quarter, three), (three, quarter), (three, three)]
            .map(|(row, column)| pixels.as_chunks::<3>().0[row * side_px + column])
            .to_vec()
    }

    /// By name, of the colours that [`quarters`] has.
    fn colours(jpeg: &[u8], side_px: usize) -> String {
        let name = |pixel: [u8; 3]| match pixel.map(|colour| colour > 127) {
            [true, false, false] => 'r',
            [false, true, false] => 'g',
            [false, false, true] => 'b',
            [true, true, true] => 'w',
            _ => '?',
        };
        middles(jpeg, side_px).into_iter().map(name).collect()
    }

    /// A profile of RGB as far as anybody here looks.
    fn profile(space: &[u8; 4]) -> Vec<u8> {
        let mut profile = vec![7; 300];
        profile[..4].copy_from_slice(&300_u32.to_be_bytes());
        profile[16..20].copy_from_slice(space);
        profile[36..40].copy_from_slice(b"acsp");
        profile
    }

    fn has(bytes: &[u8], what: &[u8]) -> bool {
        bytes.windows(what.len()).any(|window| window == what)
    }

    #[test]
    fn squares_of_1400_to_3000_pixels_are_artwork() {
        let accepted = |format, side_px| Ok(Picture { format, side_px });
        for side_px in [1_400, 3_000] {
            assert_eq!(examine(&jpeg(side_px as u16)), accepted(MediaFormat::Jpeg, side_px));
            assert_eq!(examine(&png(side_px)), accepted(MediaFormat::Png, side_px));
        }
        for side_px in [1_399, 3_001, 1] {
            let refusal = Err(ArtworkRefusal::WrongSize { side_px });
            assert_eq!(examine(&jpeg(side_px as u16)), refusal);
            assert_eq!(examine(&png(side_px)), refusal);
        }
        assert_eq!(
            examine(&jpeg_of(1_600, 1_400, |_| ())),
            Err(ArtworkRefusal::NotSquare { width: 1_600, height: 1_400 })
        );
    }

    #[test]
    fn refusals_name_the_numbers_and_say_what_to_do() {
        assert_eq!(
            ArtworkRefusal::WrongSize { side_px: 1_200 }.to_string(),
            "The picture is 1200 × 1200 pixels. Upload one between 1400 and 3000 pixels wide and high."
        );
        assert_eq!(
            ArtworkRefusal::NotSquare { width: 1_920, height: 1_080 }.to_string(),
            "The picture is 1920 × 1080 pixels. Crop it to a square between 1400 and 3000 pixels wide and high."
        );
    }

    #[test]
    fn every_kind_of_jpeg_that_cameras_and_programs_write_is_read() {
        let kinds: [fn(&mut Encoder<&mut Vec<u8>>); 5] = [
            |jpeg| jpeg.set_progressive(true),
            |jpeg| jpeg.set_restart_interval(8),
            |jpeg| jpeg.set_sampling_factor(SamplingFactor::R_4_2_0),
            |jpeg| jpeg.set_sampling_factor(SamplingFactor::R_4_2_2),
            |jpeg| jpeg.set_sampling_factor(SamplingFactor::R_4_4_4),
        ];
        for kind in kinds {
            let jpeg = jpeg_of(1_401, 1_401, kind);
            assert_eq!(examine(&jpeg), Ok(Picture { format: MediaFormat::Jpeg, side_px: 1_401 }));
            assert_eq!(colours(&resize(&jpeg, 100), 100), "rgbw");
        }
    }

    #[test]
    fn every_kind_of_png_in_rgb_is_read() {
        let pixels = quarters(1_400, 1_400);
        let deep: Vec<u8> = pixels.iter().flat_map(|byte| [*byte; 2]).collect();
        let palette = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
        let name = |pixel: &[u8; 3]| palette.chunks(3).position(|colour| colour == pixel).unwrap() as u8;
        let indices: Vec<u8> = pixels.as_chunks::<3>().0.iter().map(name).collect();

        let kinds = [
            png_of(1_400, |png| png.set_depth(BitDepth::Sixteen), &deep),
            png_of(
                1_400,
                |png| {
                    png.set_color(::png::ColorType::Indexed);
                    png.set_palette(palette.to_vec());
                },
                &indices,
            ),
        ];
        for png in kinds {
            assert_eq!(examine(&png), Ok(Picture { format: MediaFormat::Png, side_px: 1_400 }));
            assert_eq!(colours(&resize(&png, 100), 100), "rgbw");
        }
    }

    #[test]
    fn other_colours_than_rgb_are_refused() {
        let side = 1_400 * 1_400;
        let with_alpha = png_of(1_400, |png| png.set_color(::png::ColorType::Rgba), &vec![255; side * 4]);
        let grey_with_alpha =
            png_of(1_400, |png| png.set_color(::png::ColorType::GrayscaleAlpha), &vec![255; side * 2]);
        let grey = png_of(1_400, |png| png.set_color(::png::ColorType::Grayscale), &vec![255; side]);
        let one_colour_is_clear = png_of(1_400, |png| png.set_trns(vec![0; 6]), &vec![255; side * 3]);
        for png in [with_alpha, grey_with_alpha, one_colour_is_clear] {
            assert_eq!(examine(&png), Err(ArtworkRefusal::Transparent));
        }
        assert_eq!(examine(&grey), Err(ArtworkRefusal::Greyscale));

        let jpeg = |colours, pixels: &[u8]| {
            let mut jpeg = Vec::new();
            Encoder::new(&mut jpeg, 90).encode(pixels, 1_400, 1_400, colours).unwrap();
            jpeg
        };
        let grey = jpeg(ColorType::Luma, &vec![255; side]);
        assert_eq!(examine(&grey), Err(ArtworkRefusal::Greyscale));
        for colours in [ColorType::Cmyk, ColorType::CmykAsYcck] {
            assert_eq!(examine(&jpeg(colours, &vec![255; side * 4])), Err(ArtworkRefusal::Cmyk));
        }
    }

    #[test]
    fn what_is_neither_jpeg_nor_png_is_refused() {
        let cases: [(&[u8], ArtworkRefusal); 14] = [
            (b"", ArtworkRefusal::EmptyFile),
            (b"\0", ArtworkRefusal::NotAPicture),
            (b"\xff\xd8", ArtworkRefusal::NotAPicture),
            (b"A cover, or so its name says.\n", ArtworkRefusal::NotAPicture),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", ArtworkRefusal::NotAPicture),
            (b"%PDF-1.7\n", ArtworkRefusal::NotAPicture),
            (b"\0\0\0\x20ftypM4A \0\0\0\0", ArtworkRefusal::NotAPicture),
            (b"RIFF\x24\0\0\0WAVEfmt ", ArtworkRefusal::NotAPicture),
            (b"GIF89a", ArtworkRefusal::UnsupportedFormat),
            (b"RIFF\x24\0\0\0WEBPVP8 ", ArtworkRefusal::UnsupportedFormat),
            (b"\0\0\0\x20ftypheic\0\0\0\0", ArtworkRefusal::UnsupportedFormat),
            (b"\0\0\0\x20ftypavif\0\0\0\0", ArtworkRefusal::UnsupportedFormat),
            (b"BM\x36\0\0\0", ArtworkRefusal::UnsupportedFormat),
            (b"II*\0\x08\0\0\0", ArtworkRefusal::UnsupportedFormat),
        ];
        for (bytes, refusal) in cases {
            assert_eq!(examine(bytes), Err(refusal), "{:?}", bytes.get(..12).unwrap_or(bytes));
        }
    }

    #[test]
    fn headers_are_believed_before_anything_is_read_behind_them() {
        for (width, height) in [(40_000, 40_000), (0x7fff_ffff, 0x7fff_ffff)] {
            let refusal = Err(ArtworkRefusal::WrongSize { side_px: width });
            assert_eq!(examine(&png_header(width, height)), refusal);
        }
        assert_eq!(
            examine(&png_header(1, 0x7fff_ffff)),
            Err(ArtworkRefusal::NotSquare { width: 1, height: 0x7fff_ffff })
        );
        assert_eq!(examine(&png_header(0, 0)), Err(ArtworkRefusal::Damaged));

        let mut jpeg = jpeg(1_400);
        let frame = jpeg.windows(4).position(|window| window == [0xff, 0xc0, 0, 17]).unwrap();
        jpeg[frame + 5..frame + 9].fill(0xff);
        jpeg.truncate(frame + 19);
        assert_eq!(examine(&jpeg), Err(ArtworkRefusal::WrongSize { side_px: 65_535 }));
    }

    #[test]
    fn a_file_that_ends_early_is_truncated_wherever_it_ends() {
        for whole in [jpeg(1_400), jpeg_of(1_400, 1_400, |jpeg| jpeg.set_progressive(true)), png(1_400)] {
            assert!(examine(&whole).is_ok());
            for end in (16..whole.len()).step_by(whole.len() / 50).chain([whole.len() - 1]) {
                assert_eq!(examine(&whole[..end]), Err(ArtworkRefusal::Truncated), "{end}");
            }
        }
    }

    #[test]
    fn a_changed_byte_in_the_pixels_of_a_png_is_damage() {
        let mut png = png(1_400);
        let middle = png.len() / 2;
        png[middle] ^= 1;
        assert_eq!(examine(&png), Err(ArtworkRefusal::Damaged));
    }

    #[test]
    fn a_jpeg_that_contradicts_itself_is_damaged() {
        let jpeg = jpeg(1_400);
        let frame = jpeg.windows(4).position(|window| window == [0xff, 0xc0, 0, 17]).unwrap();
        let mut twice = jpeg[..frame].to_vec();
        twice.extend(&jpeg[frame..frame + 19]);
        twice.extend(&jpeg[frame..]);
        assert_eq!(examine(&twice), Err(ArtworkRefusal::Damaged));

        let without_scans = [&jpeg[..frame + 19], &[0xff, 0xd9]].concat();
        assert_eq!(examine(&without_scans), Err(ArtworkRefusal::Damaged));

        let half = [&jpeg[..jpeg.len() / 2], &[0xff, 0xd9]].concat();
        assert_eq!(examine(&half), Err(ArtworkRefusal::Damaged));

        let scan = jpeg.windows(2).position(|window| window == [0xff, 0xda]).unwrap();
        let mut noise = jpeg[..scan + 14].to_vec();
        noise.extend((0..jpeg.len() as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 & 0x7f));
        noise.extend([0xff, 0xd9]);
        assert_eq!(examine(&noise), Err(ArtworkRefusal::Damaged));
    }

    #[test]
    fn coding_that_few_programs_read_is_refused() {
        let jpeg = jpeg(1_400);
        let frame = jpeg.windows(4).position(|window| window == [0xff, 0xc0, 0, 17]).unwrap();
        for (at, byte) in [(1, 0xc3), (1, 0xc9), (4, 12)] {
            let mut other = jpeg.clone();
            other[frame + at] = byte;
            assert_eq!(examine(&other), Err(ArtworkRefusal::UnsupportedCoding));
        }
    }

    #[test]
    fn more_passes_than_any_program_makes_are_refused() {
        let jpeg = jpeg_of(1_400, 1_400, |jpeg| jpeg.set_progressive(true));
        let last = jpeg.windows(2).rposition(|window| window == [0xff, 0xda]).unwrap();
        let scan = &jpeg[last..jpeg.len() - 2];
        let bomb = [&jpeg[..last], &scan.repeat(100), &[0xff, 0xd9][..]].concat();
        assert_eq!(examine(&bomb), Err(ArtworkRefusal::Damaged));
    }

    #[test]
    fn pictures_that_move_are_refused() {
        let picture = png(1_400);
        let moving = with_chunk(&picture, b"acTL", &[0, 0, 0, 1, 0, 0, 0, 0]);
        assert_eq!(examine(&moving), Err(ArtworkRefusal::Animated));
    }

    #[test]
    fn notes_beside_a_picture_are_not_unpacked() {
        let note = vec![b'a'; 5 << 20];
        let text = |keyword: &[u8], packed: &[u8]| [keyword, &[0, 0], packed].concat();
        let picture = png(1_400);
        for (name, body) in [
            (b"zTXt", text(b"Comment", &stored(&note))),
            (b"iTXt", [b"Comment\0\x01\0\0\0", &stored(&note)[..]].concat()),
            (b"tEXt", [b"Comment\0", &note[..]].concat()),
            (b"prIv", note.clone()),
        ] {
            assert!(examine(&with_chunk(&picture, name, &body)).is_ok(), "{name:?}");
        }

        let profile = text(b"icc", &stored(&note));
        assert_eq!(examine(&with_chunk(&picture, b"iCCP", &profile)), Err(ArtworkRefusal::TooMuchMetadata));
        assert_eq!(examine(&with_chunk(&picture, b"eXIf", &note)), Err(ArtworkRefusal::TooMuchMetadata));
    }

    #[test]
    fn a_file_of_more_than_32_mib_is_refused_unread() {
        let file = file(&jpeg(1_400));
        file.set_len(MOST_BYTES + 1).unwrap();
        let error = examine_artwork(file).unwrap_err();
        assert!(matches!(error, ArtworkError::Refused(ArtworkRefusal::FileTooLarge)));
    }

    #[test]
    fn what_comes_behind_a_picture_is_not_read() {
        for mut picture in [jpeg(1_400), png(1_400)] {
            picture.extend(jpeg(16));
            assert!(examine(&picture).is_ok());
        }
    }

    #[test]
    fn a_copy_is_a_square_jpeg_of_the_size_asked_for() {
        for picture in [jpeg(1_400), png(1_400)] {
            for (asked, side_px) in [(600, 600), (0, 1), (u16::MAX, 1_400)] {
                let copy = resize(&picture, asked);
                let mut decoder =
                    zune_jpeg::JpegDecoder::new(zune_core::bytestream::ZCursor::new(copy.as_slice()));
                decoder.decode_headers().unwrap();
                assert_eq!(decoder.dimensions(), Some((side_px, side_px)));
            }
            assert_eq!(colours(&resize(&picture, 600), 600), "rgbw");
        }
    }

    #[test]
    fn the_same_picture_gives_the_same_bytes() {
        let picture = png(1_500);
        let copy = resize(&picture, 600);
        assert_eq!(copy, resize(&picture, 600));
        // The pixels alone count, not how they are packed.
        let packed_otherwise =
            png_of(1_500, |png| png.set_filter(::png::Filter::Paeth), &quarters(1_500, 1_500));
        assert_ne!(picture, packed_otherwise);
        assert_eq!(copy, resize(&packed_otherwise, 600));
    }

    #[test]
    fn a_copy_is_upright_and_says_nothing_of_where_it_was_taken() {
        let mut held_sideways = exif(6, false);
        held_sideways.extend(b"GPS 53.5 N 8.1 E");
        let from_camera = jpeg_of(1_400, 1_400, |jpeg| {
            jpeg.add_exif_metadata(&held_sideways).unwrap();
            jpeg.add_app_segment(13, b"Photoshop 3.0\0secret".to_vec()).unwrap();
        });
        let from_screen = with_chunk(&png(1_400), b"eXIf", &held_sideways);

        for picture in [from_camera, from_screen] {
            assert!(has(&picture, b"GPS"));
            let copy = resize(&picture, 100);
            assert_eq!(colours(&copy, 100), "brwg");
            for secret in [&b"GPS"[..], b"Exif", b"secret"] {
                assert!(!has(&copy, secret));
            }
        }
    }

    #[test]
    fn a_colour_profile_of_rgb_goes_with_the_copy_and_no_other() {
        let with = |space| {
            let icc = [b"icc\0\0", &stored(&profile(space))[..]].concat();
            let jpeg = jpeg_of(1_400, 1_400, |jpeg| jpeg.add_icc_profile(&profile(space)).unwrap());
            [jpeg, with_chunk(&png(1_400), b"iCCP", &icc)]
        };
        for picture in with(b"RGB ") {
            assert!(has(&resize(&picture, 100), &profile(b"RGB ")));
        }
        for picture in with(b"CMYK") {
            assert!(!has(&resize(&picture, 100), b"acsp"));
        }
    }

    #[test]
    fn a_disk_that_is_full_is_not_the_picture_s_fault() {
        let error = resize_artwork(file(&png(1_400)), 100, &mut &mut [0_u8; 10][..]).unwrap_err();
        assert!(matches!(error, ArtworkError::Unwritable(_)));
    }

    /// An interlaced PNG is written by hand: the encoder knows none. Seven passes of rows without a filter.
    #[test]
    fn interlaced_pngs_are_read() {
        const SIDE: usize = 1_400;
        let pixels = quarters(SIDE as u32, SIDE as u32);
        let passes = [
            (0, 0, 8, 8),
            (0, 4, 8, 8),
            (4, 0, 8, 4),
            (0, 2, 4, 4),
            (2, 0, 4, 2),
            (0, 1, 2, 2),
            (1, 0, 2, 1),
        ];
        let mut rows = Vec::new();
        for (first_row, first_column, row_step, column_step) in passes {
            for row in (first_row..SIDE).step_by(row_step) {
                rows.push(0);
                for column in (first_column..SIDE).step_by(column_step) {
                    rows.extend(&pixels[(row * SIDE + column) * 3..][..3]);
                }
            }
        }
        let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
        let side = (SIDE as u32).to_be_bytes();
        push_chunk(&mut png, b"IHDR", &[&side[..], &side, &[8, 2, 0, 0, 1]].concat());
        push_chunk(&mut png, b"IDAT", &stored(&rows));
        push_chunk(&mut png, b"IEND", b"");

        let mut decoder = Decoder::new(io::Cursor::new(&png));
        decoder.set_transformations(Transformations::IDENTITY);
        assert!(decoder.read_header_info().unwrap().interlaced);
        assert_eq!(colours(&resize(&png, 100), 100), "rgbw");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever is changed, the answer is a picture or a refusal.
        #[test]
        fn a_changed_picture_is_read_or_refused(
            which in 0..3_usize,
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
            in_header in any::<bool>(),
        ) {
            static PICTURES: std::sync::LazyLock<[Vec<u8>; 3]> = std::sync::LazyLock::new(|| {
                [jpeg(1_400), jpeg_of(1_400, 1_400, |jpeg| jpeg.set_progressive(true)), png(1_400)]
            });
            let mut picture = PICTURES[which].clone();
            let reach = if in_header { picture.len().min(700) } else { picture.len() };
            for (at, byte) in changes {
                picture[at.index(reach)] = byte;
            }
            let read = examine(&picture);
            prop_assert!(!matches!(read, Err(ArtworkRefusal::EmptyFile | ArtworkRefusal::FileTooLarge)));
        }

        #[test]
        fn noise_is_read_or_refused(
            magic in prop::sample::select(vec![&b"\xff\xd8\xff"[..], b"\x89PNG\r\n\x1a\n", b""]),
            noise in prop::collection::vec(any::<u8>(), 0..2_000),
        ) {
            prop_assert!(examine(&[magic, &noise].concat()).is_err());
        }
    }
}
