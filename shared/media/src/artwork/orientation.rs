//! How a camera was held: EXIF's word for which way up a picture is.

/// How to turn pixels so that they are upright (EXIF 2.32, tag 0x0112).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Orientation {
    /// Rows become columns, before anything is mirrored.
    swaps_axes: bool,
    mirrors_columns: bool,
    mirrors_rows: bool,
}

impl Orientation {
    /// By the number that EXIF has for it; upright for what is no such number.
    fn from_exif(number: u16) -> Self {
        let (swaps_axes, mirrors_columns, mirrors_rows) = match number {
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, true, false),
            7 => (true, true, true),
            8 => (true, false, true),
            _ => (false, false, false),
        };
        Self { swaps_axes, mirrors_columns, mirrors_rows }
    }

    /// What a block of EXIF says: a TIFF header and the directory it points to. Upright where that cannot be read.
    pub(super) fn of(exif: &[u8]) -> Self {
        exif_orientation(exif).map(Self::from_exif).unwrap_or_default()
    }

    /// The square of `side` pixels that `rgb` is, upright.
    pub(super) fn apply(self, rgb: &[u8], side: u32) -> Vec<u8> {
        if self == Self::default() {
            return rgb.to_vec();
        }

        let (pixels, _) = rgb.as_chunks::<3>();
        let mirrored = |position: u32, is_mirrored| if is_mirrored { side - 1 - position } else { position };
        let mut upright = Vec::with_capacity(rgb.len());
        for row in 0..side {
            let row = mirrored(row, self.mirrors_rows);
            for column in 0..side {
                let column = mirrored(column, self.mirrors_columns);
                let (from_row, from_column) = if self.swaps_axes { (column, row) } else { (row, column) };
                let from = from_row as usize * side as usize + from_column as usize;
                upright.extend_from_slice(pixels.get(from).unwrap_or(&[0; 3]));
            }
        }
        upright
    }
}

fn exif_orientation(exif: &[u8]) -> Option<u16> {
    const ORIENTATION: u16 = 0x0112;
    const SHORT: u16 = 3;
    const ENTRY: usize = 12;

    let is_big_endian = match exif.first_chunk()? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let short = |bytes: &[u8], at: usize| {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(if is_big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let long = *exif.get(4..)?.first_chunk()?;
    let directory = if is_big_endian { u32::from_be_bytes(long) } else { u32::from_le_bytes(long) };

    let directory = exif.get(usize::try_from(directory).ok()?..)?;
    let entries = short(directory, 0)?;
    let entry = directory
        .get(2..)?
        .chunks_exact(ENTRY)
        .take(usize::from(entries))
        .find(|entry| short(entry, 0) == Some(ORIENTATION) && short(entry, 2) == Some(SHORT))?;
    short(entry, 8)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// EXIF that says `number` and nothing else.
    pub(in super::super) fn exif(number: u16, is_big_endian: bool) -> Vec<u8> {
        let short = |value: u16| if is_big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let long = |value: u32| if is_big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let mut exif = if is_big_endian { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
        exif.extend(long(8));
        exif.extend(short(1));
        exif.extend(short(0x0112));
        exif.extend(short(3));
        exif.extend(long(1));
        exif.extend(short(number));
        exif.extend([0; 2]);
        exif.extend(long(0));
        exif
    }

    /// Two by two pixels, by name, as EXIF 2.32 shows them with its "F".
    #[test]
    fn every_orientation_comes_upright() {
        let upright = |number| {
            let stored: Vec<u8> = b"abcd".iter().flat_map(|name| [*name; 3]).collect();
            let upright = Orientation::of(&exif(number, true)).apply(&stored, 2);
            String::from_utf8(upright.into_iter().step_by(3).collect()).unwrap()
        };
        let expected = ["abcd", "badc", "dcba", "cdab", "acbd", "cadb", "dbca", "bdac"];
        for (number, expected) in (1..).zip(expected) {
            assert_eq!(upright(number), expected, "{number}");
        }
        for nonsense in [0, 9, u16::MAX] {
            assert_eq!(upright(nonsense), "abcd");
        }
    }

    #[test]
    fn both_byte_orders_are_read() {
        assert_eq!(Orientation::of(&exif(6, false)), Orientation::of(&exif(6, true)));
        assert_ne!(Orientation::of(&exif(6, false)), Orientation::default());
    }

    #[test]
    fn what_is_no_exif_is_upright() {
        let whole = exif(6, true);
        for len in 0..whole.len() - 4 {
            Orientation::of(&whole[..len]);
        }
        assert_eq!(Orientation::of(b"MM\0*\xff\xff\xff\xff"), Orientation::default());
        assert_eq!(Orientation::of(b""), Orientation::default());
    }
}
