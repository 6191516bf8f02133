//! A smaller copy of a square of pixels.

/// `rgb`, which is `from` pixels wide and high, at `to` pixels; `to` is not more than `from`, and that at most 3,000.
///
/// Each pixel of the copy is the mean of the area that it covers, in whole numbers, so that every machine gets the same.
pub(super) fn shrink(rgb: &[u8], from: u32, to: u32) -> Vec<u8> {
    debug_assert!((1..=from).contains(&to) && from <= 3_000);

    // A pixel of the picture is `to` units wide and one of the copy `from`, so that both fill the same square. A sum is
    // at most 255 × 3,000² and fits.
    let area = from * from;
    let width = to as usize;
    let mut small = Vec::with_capacity(width * width * 3);
    let mut sums = vec![[0_u32; 3]; width];
    let mut missing = from;
    for row in rgb.chunks_exact(from as usize * 3) {
        let row = shrink_row(row, from, to);
        let mut left = to;
        while left > 0 {
            let taken = left.min(missing);
            for (sum, pixel) in sums.iter_mut().zip(&row) {
                add(sum, pixel, taken);
            }
            left -= taken;
            missing -= taken;
            if missing == 0 {
                let means = sums.iter().flatten().map(|sum| (sum + area / 2) / area);
                small.extend(means.map(|mean| u8::try_from(mean).unwrap_or(u8::MAX)));
                sums.fill([0; 3]);
                missing = from;
            }
        }
    }
    small
}

/// The sums of each colour under each pixel of a row of the copy.
fn shrink_row(row: &[u8], from: u32, to: u32) -> Vec<[u32; 3]> {
    let mut sums = Vec::with_capacity(to as usize);
    let mut sum = [0; 3];
    let mut missing = from;
    for pixel in row.as_chunks::<3>().0 {
        let pixel = pixel.map(u32::from);
        let mut left = to;
        while left > 0 {
            let taken = left.min(missing);
            add(&mut sum, &pixel, taken);
            left -= taken;
            missing -= taken;
            if missing == 0 {
                sums.push(std::mem::take(&mut sum));
                missing = from;
            }
        }
    }
    sums
}

fn add(sum: &mut [u32; 3], pixel: &[u32; 3], times: u32) {
    for (sum, colour) in sum.iter_mut().zip(pixel) {
        *sum += colour * times;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(levels: &[u8]) -> Vec<u8> {
        levels.iter().flat_map(|level| [*level; 3]).collect()
    }

    #[test]
    fn a_pixel_is_the_mean_of_what_it_covers() {
        assert_eq!(shrink(&grey(&[0, 100, 50, 250]), 2, 1), grey(&[100]));
        // Of three columns, each of two covers one and a half.
        let stripes = grey(&[0, 90, 240, 0, 90, 240, 0, 90, 240]);
        assert_eq!(shrink(&stripes, 3, 2), grey(&[30, 190, 30, 190]));
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let picture: Vec<u8> = (0..48).collect();
        assert_eq!(shrink(&picture, 4, 4), picture);
    }

    #[test]
    fn white_stays_white_at_the_largest_size() {
        let white = shrink(&vec![255; 3_000 * 3_000 * 3], 3_000, 7);
        assert_eq!(white, vec![255; 7 * 7 * 3]);
    }
}
