//! PNG (W3C, Portable Network Graphics, third edition).

use std::{
    fs::File,
    io::{self, BufReader},
};

use domain::MediaFormat;
use png::{ColorType, Decoder, DecodingError, Limits, Transformations};

use super::{ArtworkError, ArtworkRefusal, Orientation, Raster, colour_profile, room, side};

/// What the decoder may allocate for itself: two rows and its windows, a colour profile, EXIF.
const MOST_WORKING_BYTES: usize = 4 << 20;

/// The pixels of the PNG in `file`, from its start.
pub(super) fn decode(file: File) -> Result<Raster, ArtworkError> {
    let mut decoder = Decoder::new_with_limits(BufReader::new(file), Limits { bytes: MOST_WORKING_BYTES });
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let header = decoder.read_header_info().map_err(cannot_decode)?;
    let side_px = side(header.width, header.height)?;
    check_colours(header.color_type)?;

    let mut reader = decoder.read_info().map_err(cannot_decode)?;
    let info = reader.info();
    if info.animation_control.is_some() {
        return Err(ArtworkRefusal::Animated.into());
    }
    if info.trns.is_some() {
        return Err(ArtworkRefusal::Transparent.into());
    }
    let profile = info.icc_profile.as_deref().map(<[u8]>::to_vec);

    let mut rgb = room(side_px);
    reader.next_frame(&mut rgb).map_err(cannot_decode)?;
    reader.finish().map_err(cannot_decode)?;

    // EXIF may come after the picture too.
    let orientation = reader.info().exif_metadata.as_deref().map(Orientation::of).unwrap_or_default();
    let colour_profile = profile.and_then(colour_profile::of_rgb);
    Ok(Raster { format: MediaFormat::Png, side_px, rgb, orientation, colour_profile })
}

/// A palette is of red, green and blue.
fn check_colours(colours: ColorType) -> Result<(), ArtworkRefusal> {
    match colours {
        ColorType::Rgb | ColorType::Indexed => Ok(()),
        ColorType::Grayscale => Err(ArtworkRefusal::Greyscale),
        ColorType::Rgba | ColorType::GrayscaleAlpha => Err(ArtworkRefusal::Transparent),
    }
}

fn cannot_decode(error: DecodingError) -> ArtworkError {
    match error {
        DecodingError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            ArtworkRefusal::Truncated.into()
        }
        DecodingError::IoError(error) => ArtworkError::Unreadable(error),
        DecodingError::LimitsExceeded => ArtworkRefusal::TooMuchMetadata.into(),
        DecodingError::Format(_) | DecodingError::Parameter(_) => ArtworkRefusal::Damaged.into(),
    }
}
