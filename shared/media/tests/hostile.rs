//! Files made to break whoever reads them. Each is probed and heard in a process of its own, which must end by itself, soon,
//! and without having taken much memory.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts itself again with a variable set"
)]

use std::{
    cell::RefCell,
    env,
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    panic::{self, AssertUnwindSafe},
    process::Command,
    sync::Once,
    time::{Duration, Instant},
};

use media::{Heard, ProbeError, Probed, Refusal, listen, probe};
use proptest::prelude::*;
use symphonia::core::{checksum::Crc32, io::Monitor};

const CONSTANT_RATE_MP3: &[u8] = include_bytes!("../../../tests/fixtures/audio/constant_rate.mp3");
const VARIABLE_RATE_MP3: &[u8] =
    include_bytes!("../../../tests/fixtures/audio/variable_rate_without_header.mp3");
const AAC_M4A: &[u8] = include_bytes!("../../../tests/fixtures/audio/aac.m4a");
const PCM_WAV: &[u8] = include_bytes!("../../../tests/fixtures/audio/pcm.wav");
const FLAC: &[u8] = include_bytes!("../../../tests/fixtures/audio/flac.flac");
const VORBIS_OGG: &[u8] = include_bytes!("../../../tests/fixtures/audio/vorbis.ogg");
const OPUS_OGG: &[u8] = include_bytes!("../../../tests/fixtures/audio/opus.ogg");

/// The variable that makes this program a child: the file to examine.
const FILE: &str = "HOSTILE_FILE";

/// Not even a file of gigabytes takes more, in kilobytes: a normal one takes a third of it.
const MOST_MEMORY: u64 = 48 * 1024;

/// Unoptimised, with others beside it.
const LONGEST: Duration = Duration::from_secs(30);

type Outcome = Result<u128, String>;

fn examine(file: File) -> Result<(Probed, Heard), ProbeError> {
    let probed = probe(file.try_clone()?)?;
    let heard = listen(file, &probed)?;
    Ok((probed, heard))
}

/// Not a claim: what [`outcome`] starts.
#[test]
fn child() {
    let Ok(path) = env::var(FILE) else { return };
    let outcome = match examine(File::open(path).unwrap()) {
        Ok((probed, _)) => format!("played {}", probed.duration.as_millis()),
        Err(ProbeError::Refused(refusal)) => format!("refused {refusal:?}"),
        Err(ProbeError::Unreadable(error)) => panic!("{error}"),
    };
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("outcome: {outcome} {}", peak.split_whitespace().next().unwrap());
}

/// How long a file plays, in milliseconds, or the name of its refusal.
fn outcome(name: &str, bytes: &[u8]) -> Outcome {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    outcome_of(name, &file)
}

fn outcome_of(name: &str, file: &tempfile::NamedTempFile) -> Outcome {
    let started = Instant::now();
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(FILE, file.path())
        .output()
        .unwrap();
    let took = started.elapsed();

    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(child.status.success(), "{name}: {said} {}", String::from_utf8_lossy(&child.stderr));
    let (_, line) = said.split_once("outcome: ").unwrap();
    let words: Vec<&str> = line.split_whitespace().take(3).collect();
    let peak: u64 = words[2].parse().unwrap();
    assert!(peak < MOST_MEMORY, "{name} took {peak} kB");
    assert!(took < LONGEST, "{name} took {took:?}");
    match words[0] {
        "played" => Ok(words[1].parse().unwrap()),
        _ => Err(words[1].to_owned()),
    }
}

fn refused(refusal: Refusal) -> Outcome {
    Err(format!("{refusal:?}"))
}

fn find(bytes: &[u8], kind: &[u8; 4]) -> usize {
    bytes.windows(4).position(|window| window == kind).unwrap()
}

/// `bytes` with a number inside a box changed: `at` counts from the box's kind.
fn with_number(bytes: &[u8], kind: &[u8; 4], at: isize, number: u32) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = find(&bytes, kind).checked_add_signed(at).unwrap();
    bytes[at..at + 4].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// Bytes that look random, the same in every run (xorshift64).
fn noise(seed: u64) -> impl Iterator<Item = u8> {
    let mut state = seed | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
}

fn mp3_frames(count: usize) -> Vec<u8> {
    let mut frame = [0; 192];
    frame[..4].copy_from_slice(&[0xff, 0xfb, 0x54, 0xc4]);
    frame.repeat(count)
}

fn video() -> Vec<u8> {
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    let arguments = "-v error -y -f lavfi -i testsrc2=d=2:s=64x64:r=25 -f lavfi -i sine=d=2 \
                     -c:v libx264 -bf 2 -c:a aac";
    let path = file.path().to_str().unwrap();
    let status = Command::new("ffmpeg").args(arguments.split_whitespace()).arg(path).status();
    assert!(status.unwrap().success());
    fs::read(path).unwrap()
}

#[test]
fn what_is_no_audio_is_refused() {
    assert_eq!(outcome("no bytes", b""), refused(Refusal::EmptyFile));
    assert_eq!(outcome("text", b"An MP3, or so its name says.\n"), refused(Refusal::NotAudio));
    let noise: Vec<u8> = noise(11).take(3 << 20).collect();
    assert_eq!(outcome("noise", &noise), refused(Refusal::NotAudio));
    assert_eq!(outcome("zeros", &vec![0; 50 << 20]), refused(Refusal::NotAudio));
}

#[test]
fn mp3_that_lies_gets_an_answer() {
    let half = &CONSTANT_RATE_MP3[..CONSTANT_RATE_MP3.len() / 2];
    assert_eq!(outcome("half", half), refused(Refusal::Truncated));

    let tag = [b"ID3\x04\0\0\x0f\0\0\0".as_slice(), &vec![b'x'; 30 << 20]].concat();
    assert_eq!(outcome("a tag of 30 MB", &[&tag, CONSTANT_RATE_MP3].concat()), Ok(2_088));

    let garbage: Vec<u8> = noise(7).take(5_000).collect();
    let between = [VARIABLE_RATE_MP3, &garbage, VARIABLE_RATE_MP3, &garbage].concat();
    assert!((4_000..4_300).contains(&outcome("garbage between frames", &between).unwrap()));

    assert_eq!(outcome("one frame", &mp3_frames(1)), refused(Refusal::TooShort));
    let mut zero_hertz = mp3_frames(100);
    zero_hertz.iter_mut().skip(2).step_by(192).for_each(|rates| *rates |= 0x0c);
    assert_eq!(outcome("zero hertz", &zero_hertz), refused(Refusal::NotAudio));
}

/// Frames whose headers are right, and nothing else is.
#[test]
fn frames_of_noise_end() {
    let mut noise = noise(5);
    let frames: Vec<u8> = (0..2_000)
        .flat_map(|_| {
            [0xff, 0xfb, 0x54, 0xc4].into_iter().chain(noise.by_ref().take(188)).collect::<Vec<u8>>()
        })
        .collect();
    match outcome("frames of noise", &frames) {
        Ok(milliseconds) => assert!(milliseconds <= 48_000),
        refusal => assert_eq!(refusal, refused(Refusal::Damaged)),
    }
}

#[test]
fn mp4_that_lies_gets_an_answer() {
    let half = &AAC_M4A[..AAC_M4A.len() / 2];
    assert_eq!(outcome("half", half), refused(Refusal::Truncated));

    for kind in [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"esds", b"stsz", b"stco", b"mdat"] {
        for size in [0, 1, 7, 8, 0x7fff_ffff, u32::MAX] {
            let name = format!("{} of {size}", String::from_utf8_lossy(kind));
            let outcome = outcome(&name, &with_number(AAC_M4A, kind, -4, size));
            assert!(outcome.is_err() || outcome == Ok(2_000), "{name}: {outcome:?}");
        }
    }
}

#[test]
fn mp4_tables_that_lie_get_an_answer() {
    let video = video();
    for (name, bytes, kind, at) in [
        ("stsz", AAC_M4A, b"stsz", 12),
        ("stsz of one length", AAC_M4A, b"stsz", 8),
        ("stsz of one packet", AAC_M4A, b"stsz", 16),
        ("stco", AAC_M4A, b"stco", 8),
        ("stco of one chunk", AAC_M4A, b"stco", 12),
        ("stts", AAC_M4A, b"stts", 8),
        ("stsc", AAC_M4A, b"stsc", 8),
        ("stsc of one run", AAC_M4A, b"stsc", 16),
        ("ctts", &video, b"ctts", 8),
        ("elst", AAC_M4A, b"elst", 8),
        ("elst of one edit", AAC_M4A, b"elst", 12),
    ] {
        for number in [0, 1, 0x00ff_ffff, 0x7fff_ffff, u32::MAX] {
            let name = format!("{name} with {number}");
            let outcome = outcome(&name, &with_number(bytes, kind, at, number));
            assert!(
                outcome.is_err() || outcome.as_ref().is_ok_and(|played| *played <= 2_100),
                "{name}: {outcome:?}"
            );
        }
    }
}

#[test]
fn boxes_in_boxes_in_boxes_end() {
    const DEPTH: u32 = 10_000;
    let ftyp = b"\0\0\0\x10ftypM4A \0\0\0\0";
    for kind in [b"moov", b"trak", b"mdia", b"meta"] {
        let nested: Vec<u8> = (0..DEPTH)
            .flat_map(|depth| {
                let kind = if depth == 0 { b"moov" } else { kind };
                [((DEPTH - depth) * 8).to_be_bytes(), *kind].concat()
            })
            .collect();
        assert_eq!(outcome("nested", &[ftyp, nested.as_slice()].concat()), refused(Refusal::Damaged));
    }
}

#[test]
fn wav_that_lies_gets_an_answer() {
    let data = find(PCM_WAV, b"data") + 4;
    for size in [PCM_WAV.len() as u32, 0x7fff_ffff, u32::MAX - 1] {
        let mut bytes = PCM_WAV.to_vec();
        bytes[data..data + 4].copy_from_slice(&size.to_le_bytes());
        assert_eq!(outcome("data", &bytes), refused(Refusal::Truncated));
    }
    let format = find(PCM_WAV, b"fmt ") + 8;
    for (at, refusal) in [(2, Refusal::Damaged), (4, Refusal::Damaged), (14, Refusal::UnsupportedCodec)] {
        for byte in [0, 0xff] {
            let mut bytes = PCM_WAV.to_vec();
            bytes[format + at..format + at + 2].fill(byte);
            let outcome = outcome("format", &bytes);
            // 65,535 Hz is odd and possible.
            assert!(outcome == refused(refusal) || (at, byte) == (4, 0xff), "{at} {byte}: {outcome:?}");
        }
    }
}

/// A sparse file of silence, longer than the memory that it may take.
#[test]
fn a_large_file_takes_no_more_memory_than_a_small_one() {
    const SIZE: u64 = 64 << 20;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let data = find(PCM_WAV, b"data") + 4;
    file.write_all(&PCM_WAV[..data]).unwrap();
    file.write_all(&(SIZE as u32).to_le_bytes()).unwrap();
    file.as_file().set_len(data as u64 + 4 + SIZE).unwrap();

    assert_eq!(outcome_of("large", &file), Ok(u128::from(SIZE / 16)));
}

#[test]
fn ogg_with_garbage_gets_an_answer() {
    for whole in [VORBIS_OGG, OPUS_OGG] {
        let garbage: Vec<u8> = noise(3).take(4_000).collect();
        let page = whole.len() / 2;
        for bytes in [
            [&whole[..page], &garbage, &whole[page..]].concat(),
            [&whole[..page], b"OggS\0\0", &garbage].concat(),
            [whole, &garbage].concat(),
            [b"OggS\0\x02", garbage.as_slice()].concat(),
        ] {
            let outcome = outcome("garbage", &bytes);
            let known = [refused(Refusal::Damaged), refused(Refusal::Truncated), Ok(2_000)];
            assert!(known.contains(&outcome), "{outcome:?}");
        }
    }
}

/// Everything in the description that a decoder may believe, changed.
#[test]
fn flac_that_lies_gets_an_answer() {
    for at in 8..42 {
        for byte in [0, 1, 0x7f, 0xff] {
            let mut bytes = FLAC.to_vec();
            bytes[at] = byte;
            let outcome = outcome(&format!("byte {at} is {byte}"), &bytes);
            // A rate that lies makes it shorter or longer.
            assert!(
                outcome.is_err() || (18..22).contains(&at) || outcome == Ok(2_000),
                "{at} {byte}: {outcome:?}"
            );
        }
    }
}

/// The checksum of every page made right again, so that what is on it is read.
fn with_checksums(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut at = 0;
    while let Some(page) = bytes.get_mut(at..).filter(|page| page.len() > 27 && page.starts_with(b"OggS")) {
        let segments = usize::from(page[26]);
        let Some(lacing) = page.get(27..27 + segments) else { break };
        let len = 27 + segments + lacing.iter().map(|len| usize::from(*len)).sum::<usize>();
        let Some(page) = page.get_mut(..len) else { break };
        page[22..26].fill(0);
        let mut checksum = Crc32::new(0);
        checksum.process_buf_bytes(page);
        page[22..26].copy_from_slice(&checksum.crc().to_le_bytes());
        at += len;
    }
    bytes
}

/// A real file, some bytes of which are others, cut or with something put in.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let files = vec![CONSTANT_RATE_MP3, VARIABLE_RATE_MP3, AAC_M4A, PCM_WAV, FLAC, VORBIS_OGG, OPUS_OGG];
    let place = prop_oneof![0_usize..200, 0_usize..2_000, any::<usize>()];
    let bytes = prop_oneof![Just(0_u8), Just(0xff), Just(0x7f), any::<u8>()];
    let changes = prop::collection::vec((place, any::<bool>(), bytes), 0..24);
    let insertion = prop::option::weighted(0.2, (any::<usize>(), prop::collection::vec(any::<u8>(), 1..300)));
    let cut = prop::option::weighted(0.1, any::<usize>());
    (prop::sample::select(files), changes, insertion, cut).prop_map(|(file, changes, insertion, cut)| {
        let mut bytes = file.to_vec();
        for (place, is_from_the_end, byte) in changes {
            let at = place % bytes.len();
            let at = if is_from_the_end { bytes.len() - 1 - at } else { at };
            bytes[at] = byte;
        }
        if let Some((at, inserted)) = insertion {
            let at = at % bytes.len();
            bytes.splice(at..at, inserted);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut % bytes.len());
        }
        with_checksums(bytes)
    })
}

thread_local! {
    /// The source file in which this thread panicked last.
    static PANICKED_IN: RefCell<String> = RefCell::default();
}

/// A decoder that panics ends the child that it runs in, and the file is refused: that is an answer too. What is ours has no panics.
fn examine_or_panic(file: File) -> Option<Result<(Probed, Heard), ProbeError>> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let earlier = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICKED_IN.set(info.location().map(|location| location.file().to_owned()).unwrap_or_default());
            earlier(info);
        }));
    });
    match panic::catch_unwind(AssertUnwindSafe(|| examine(file))) {
        Ok(examined) => Some(examined),
        Err(_) if PANICKED_IN.take().contains("/symphonia-") => None,
        Err(panic) => panic::resume_unwind(panic),
    }
}

fn check(bytes: &[u8]) {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let Some(examined) = examine_or_panic(file) else { return };
    match examined {
        Ok((probed, heard)) => {
            assert!(probed.duration < Duration::from_secs(600), "{probed:?}");
            let Ok(loudness) = heard.loudness else { return };
            assert!(
                loudness.integrated_lufs.is_none_or(|lufs| (-70.5..80.0).contains(&lufs)),
                "{loudness:?}"
            );
            assert!(heard.waveform.unwrap().pairs().count() <= 4_000);
        }
        Err(ProbeError::Refused(_)) => {}
        Err(ProbeError::Unreadable(error)) => panic!("{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mutated_file_gets_an_answer(bytes in mutated()) {
        check(&bytes);
    }

    #[test]
    fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..4_000), magic in 0..MAGIC.len()) {
        check(&with_checksums([MAGIC[magic], &bytes].concat()));
    }
}

/// What files start with, so that more than the first glance is tried.
const MAGIC: [&[u8]; 8] = [
    b"",
    b"ID3\x04\0\0\0\0\0\0",
    b"\0\0\0\x10ftypM4A \0\0\0\0",
    b"RIFF\0\0\0\0WAVEfmt ",
    b"RF64\xff\xff\xff\xffWAVEds64",
    b"fLaC\0\0\0\x22",
    b"OggS\0\x02",
    b"\xff\xfb\x54\xc4",
];
