//! How much memory a picture takes, at most. A test of its own, because it is the whole process that is measured.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{fs, io::Write};

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use media::{examine_artwork, resize_artwork};

const MEBIBYTE: usize = 1 << 20;

/// The most memory that this process had since the last [`forget_peak`], in bytes.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
}

fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// The largest progressive JPEG that is taken: noise at full quality, and comments up to 32 MiB.
fn largest_jpeg() -> Vec<u8> {
    let mut state = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(3_000 * 3_000 * 3)
    .collect();

    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, 75);
    encoder.set_progressive(true);
    encoder.set_sampling_factor(SamplingFactor::R_4_4_4);
    encoder.encode(&noise, 3_000, 3_000, ColorType::Rgb).unwrap();
    drop(noise);

    let room = (32 * MEBIBYTE).checked_sub(jpeg.len()).unwrap() / 65_537;
    let comment = [&[0xff, 0xfe, 0xff, 0xff], &[b'a'; 65_533][..]].concat();
    jpeg.splice(2..2, comment.repeat(room));
    jpeg
}

#[test]
fn no_picture_takes_more_than_128_mib() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&largest_jpeg()).unwrap();

    forget_peak();
    examine_artwork(file.try_clone().unwrap()).unwrap();
    let mut copy = Vec::new();
    resize_artwork(file, 1_400, &mut copy).unwrap();

    // Of the whole process, with what the allocator kept from before.
    let peak = peak();
    assert!(peak > 3_000 * 3_000 * 3 * 3, "less than pixels and coefficients: what was measured?");
    assert!(peak < 128 * MEBIBYTE, "{} MiB", peak / MEBIBYTE);
}
