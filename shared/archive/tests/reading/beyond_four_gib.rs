//! Where 32 bits do not reach.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
    process::Command,
};

use archive::{Limits, Part, Piece, Plan, Planner, StoredObject};

use crate::{
    programs::says,
    store::{MODIFIED_AT, check_rules, parts},
};

const LARGE: u64 = 5_000_000_000;
const WORDS: &[u8] = b"What comes after five gigabytes.";

/// The CRC-32 of as many zeros.
fn crc32_of_zeros(len: u64) -> u32 {
    let (mut all, mut doubled) = (crc32fast::Hasher::new(), crc32fast::Hasher::new());
    doubled.update(&[0]);
    let mut left = len;
    while left > 0 {
        if left % 2 == 1 {
            all.combine(&doubled);
        }
        doubled.combine(&doubled.clone());
        left /= 2;
    }
    all.finalize()
}

/// An archive of which `zeros` is all holes: only what is not zero is written.
fn write_sparse(plan: &Plan, path: &Path) {
    let [archive] = plan.archives() else { panic!("one archive") };
    let mut file = File::create(path).unwrap();
    for part in parts(archive) {
        let pieces = match part {
            Part::Copied { source, range } => vec![Piece::Range { source, range }],
            Part::Through { pieces } => pieces,
        };
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => file.write_all(&bytes).unwrap(),
                Piece::Range { source, range } if source == "zeros" => {
                    file.seek(SeekFrom::Current((range.end - range.start) as i64)).unwrap();
                }
                Piece::Range { range, .. } => {
                    file.write_all(&WORDS[range.start as usize..range.end as usize]).unwrap();
                }
            }
        }
    }
    assert_eq!(file.stream_position().unwrap(), archive.size_bytes());
}

fn plan_of_large_and_small(limits: Limits) -> Plan {
    let zeros = |size_bytes| StoredObject {
        source: "zeros".to_owned(),
        size_bytes,
        crc32: crc32_of_zeros(size_bytes),
    };
    let words = StoredObject {
        source: "words".to_owned(),
        size_bytes: WORDS.len() as u64,
        crc32: crc32fast::hash(WORDS),
    };
    let mut planner = Planner::new(limits).unwrap();
    planner.add_object("large.wav", MODIFIED_AT, zeros(LARGE)).unwrap();
    planner.add_object("one.txt", MODIFIED_AT, zeros(1)).unwrap();
    planner.add_object("none.txt", MODIFIED_AT, zeros(0)).unwrap();
    planner.add_object("words.txt", MODIFIED_AT, words).unwrap();
    planner.finish()
}

#[test]
fn the_crc_of_zeros_is_that_of_zeros() {
    for len in [0, 1, 2, 1000, 4097] {
        assert_eq!(crc32_of_zeros(len), crc32fast::hash(&vec![0; len as usize]));
    }
}

#[test]
fn a_file_of_five_gigabytes_and_what_comes_after_it_are_found() {
    let limits = Limits::s3(1 << 40);
    let plan = plan_of_large_and_small(limits);
    check_rules(&plan, limits, |source| if source == "zeros" { LARGE } else { WORDS.len() as u64 });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.zip");
    write_sparse(&plan, &path);

    let mut archive = zip::ZipArchive::new(File::open(&path).unwrap()).unwrap();
    assert_eq!(archive.by_name("large.wav").unwrap().size(), LARGE);
    let mut words = Vec::new();
    archive.by_name("words.txt").unwrap().read_to_end(&mut words).unwrap();
    assert_eq!(words, WORDS);

    for program in [
        Command::new("unzip").arg("-t").arg(&path).args(["-x", "large.wav"]),
        Command::new("unzip").arg("-l").arg(&path),
        Command::new("7zz").args(["l", "-slt"]).arg(&path),
    ] {
        let said = says(program);
        assert!(said.contains("words.txt"), "{said}");
    }
    let python = "import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1]) as a:\n  \
                  print(a.getinfo('large.wav').file_size, a.read('words.txt').decode(), len(a.read('none.txt')))";
    let said = says(Command::new("python3").args(["-c", python]).arg(&path));
    assert_eq!(said.trim(), format!("{LARGE} {} 0", str::from_utf8(WORDS).unwrap()));
}

#[test]
fn what_is_larger_than_a_part_is_copied_in_several() {
    let limits = Limits::s3(1);
    let mut planner = Planner::new(limits).unwrap();
    let size_bytes = 12 << 30;
    let object = StoredObject { source: "large".to_owned(), size_bytes, crc32: 0 };
    planner.add_object("large.wav", MODIFIED_AT, object).unwrap();
    let plan = planner.finish();
    check_rules(&plan, limits, |_| size_bytes);
    let copied = parts(&plan.archives()[0]).filter(|part| matches!(part, Part::Copied { .. })).count();
    assert_eq!(copied, 3);
    assert!(plan.through_bytes() < 6 << 20);
}
