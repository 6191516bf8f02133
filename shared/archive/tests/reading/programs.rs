//! Programs that people unpack archives with.

use std::{path::Path, process::Command};

use archive::{Limits, Planner};

use crate::store::{MODIFIED_AT, Store};

/// Has Info-ZIP, 7-Zip and Python read every byte of an archive.
fn test_with_programs(path: &Path) {
    says(Command::new("unzip").arg("-tqq").arg(path));
    says(Command::new("7zz").args(["t", "-bb0"]).arg(path));
    let python = "import sys, zipfile; sys.exit(zipfile.ZipFile(sys.argv[1]).testzip())";
    says(Command::new("python3").args(["-c", python]).arg(path));
}

/// What a program prints that finds nothing wrong.
pub fn says(program: &mut Command) -> String {
    let output = program.output().unwrap_or_else(|error| panic!("the tests need {program:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program:?}: {said} {}", String::from_utf8_lossy(&output.stderr));
    assert!(!said.to_lowercase().contains("warning"), "{program:?}: {said}");
    said
}

/// S3's limits, a thousandth of them.
fn small_limits() -> Limits {
    Limits {
        archive_bytes: 500_000,
        part_min: 5 << 10,
        part_max: 64 << 10,
        part_target: 8 << 10,
        parts_max: 10_000,
    }
}

#[test]
fn unzip_7zip_and_python_find_every_archive_whole() {
    let mut store = Store::default();
    let mut planner = Planner::new(small_limits()).unwrap();
    for episode in 0..40_usize {
        let audio = (0..episode * 1500).map(|at| (at * at % 251) as u8).collect();
        planner.add_object(format!("Épisodes/{episode}.mp3"), MODIFIED_AT, store.put_object(audio)).unwrap();
        planner.add_object(format!("artwork/{episode}"), 0, store.put_object(vec![7; episode])).unwrap();
        let (json, text) = (format!("{episode}.json"), format!("{episode}.txt"));
        let words = b"and again ".repeat(episode * 20);
        let files = [(json.as_str(), words.as_slice()), (text.as_str(), b"".as_slice())];
        store.add_bundle(&mut planner, files).unwrap();
    }
    let plan = planner.finish();
    assert!(plan.archives().len() > 1);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.zip");
    for bytes in store.carry_out(&plan, small_limits()) {
        std::fs::write(&path, bytes).unwrap();
        test_with_programs(&path);
    }
}

#[test]
fn seventy_thousand_files_are_found_in_one_archive() {
    let limits = Limits::s3(u64::MAX);
    let mut store = Store::default();
    let mut planner = Planner::new(limits).unwrap();
    let names: Vec<String> = (0..70_000).map(|number| format!("files/{number}.json")).collect();
    for names in names.chunks(1000) {
        store.add_bundle(&mut planner, names.iter().map(|name| (name.as_str(), name.as_bytes()))).unwrap();
    }
    let [archive] = store.carry_out(&planner.finish(), limits).try_into().unwrap();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.zip");
    std::fs::write(&path, archive).unwrap();
    test_with_programs(&path);
    let python = "import sys, zipfile; print(len(zipfile.ZipFile(sys.argv[1]).namelist()))";
    assert_eq!(says(Command::new("python3").args(["-c", python]).arg(&path)).trim(), "70000");
}
