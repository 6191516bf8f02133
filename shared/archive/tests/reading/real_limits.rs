//! A large tenancy by S3's limits, without its bytes.

use archive::{BundleWriter, Error, Limits, Part, Piece, Plan, Planner, StoredObject};

use crate::store::{MODIFIED_AT, check_rules, parts};

const MEGABYTE: u64 = 1_000_000;

fn object(size_bytes: u64) -> StoredObject {
    let tenancy = "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    StoredObject { source: format!("{tenancy}/media/{hash}?{size_bytes}"), size_bytes, crc32: 0x9abc_def0 }
}

/// The length of an object, which its name ends with.
fn object_len(source: &str) -> u64 {
    source.rsplit_once('?').unwrap().1.parse().unwrap()
}

fn add(planner: &mut Planner, name: String, size_bytes: u64) {
    planner.add_object(name, MODIFIED_AT, object(size_bytes)).unwrap();
}

fn add_bundle(planner: &mut Planner, names: impl Iterator<Item = String>, bytes: &[u8]) {
    let mut writer = BundleWriter::default();
    names.for_each(|name| assert!(writer.add(name, MODIFIED_AT, bytes).is_ok()));
    let (bytes, bundle) = writer.finish();
    planner.add_bundle(format!("bundle?{}", bytes.len()), bundle).unwrap();
}

/// The share of all bytes that goes through the caller, in per cent.
fn share_through(plan: &Plan) -> u64 {
    100 * plan.through_bytes() / (plan.through_bytes() + plan.copied_bytes())
}

#[test]
fn of_two_thousand_episodes_of_sixty_megabytes_no_tenth_goes_through() {
    for archive_bytes in [10_000 * MEGABYTE, 1 << 40] {
        let limits = Limits::s3(archive_bytes);
        let mut planner = Planner::new(limits).unwrap();
        for episode in 0..2000 {
            add(&mut planner, format!("shows/a/episodes/{episode}.mp3"), 60 * MEGABYTE);
        }
        let plan = planner.finish();
        check_rules(&plan, limits, object_len);
        assert!(plan.archives().iter().all(|archive| archive.size_bytes() <= archive_bytes));
        assert!(share_through(&plan) < 10, "{} %", share_through(&plan));
    }
}

#[test]
fn small_files_between_episodes_cost_no_more_than_the_fill_they_replace() {
    let limits = Limits::s3(1 << 40);
    let mut planner = Planner::new(limits).unwrap();
    for episode in 0..2000 {
        let folder = format!("shows/a/episodes/{episode}");
        add(&mut planner, format!("{folder}/artwork.jpg"), MEGABYTE);
        add(&mut planner, format!("{folder}/chapters.json"), 2000);
        add(&mut planner, format!("{folder}/audio.mp3"), 60 * MEGABYTE);
    }
    let plan = planner.finish();
    check_rules(&plan, limits, object_len);
    assert!(share_through(&plan) < 10, "{} %", share_through(&plan));
}

#[test]
fn fifty_thousand_files_make_a_plan_that_can_be_stored() {
    let limits = Limits::s3(100_000 * MEGABYTE);
    let mut planner = Planner::new(limits).unwrap();
    let name = |number: u64| format!("shows/shw_01ARZ3NDEKTSV4RRFFQ69G5FAV/episodes/{number}");
    for first in (0..24_000).step_by(1000) {
        add_bundle(&mut planner, (first..first + 1000).map(|number| name(number) + ".json"), b"{}");
    }
    for number in 0..26_000 {
        // Artwork, chapters, and recordings from 0 bytes to 250 MB.
        add(&mut planner, name(number), (number % 13) * (number % 7) * (number % 101) * 35_000);
    }
    let plan = planner.finish();
    check_rules(&plan, limits, object_len);
    assert_eq!(plan.entries().count(), 50_000);
    assert!(plan.archives().len() > 1);
    assert!(plan.archives().iter().all(|archive| archive.size_bytes() <= limits.archive_bytes));

    let json = serde_json::to_string(&plan).unwrap();
    assert!(json.len() < 50_000 * 300, "{} bytes", json.len());
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
}

/// A part in a line.
fn line(part: Part) -> String {
    match part {
        Part::Copied { source, range } => format!("copied {source} {range:?}"),
        Part::Through { pieces } => {
            let pieces = pieces.into_iter().map(|piece| match piece {
                Piece::Bytes(bytes) => bytes.len().to_string(),
                Piece::Range { source, range } => format!("{source} {range:?}"),
            });
            format!("through {}", pieces.collect::<Vec<_>>().join(" + "))
        }
    }
}

#[test]
fn headers_are_filled_up_with_the_head_of_what_follows_and_small_files_are_fill_too() {
    let limits =
        Limits { archive_bytes: u64::MAX, part_min: 100, part_max: 1000, part_target: 150, parts_max: 100 };
    let mut planner = Planner::new(limits).unwrap();
    for (source, size_bytes) in
        [("a", 500), ("b", 1400), ("small", 70), ("none", 0), ("c", 300), ("middle", 140), ("d", 200)]
    {
        let object = StoredObject { source: source.to_owned(), size_bytes, crc32: 0 };
        planner.add_object(source, MODIFIED_AT, object).unwrap();
    }
    let plan = planner.finish();
    let lines: Vec<String> = parts(&plan.archives()[0]).map(line).collect();
    assert_eq!(
        lines,
        [
            "through 40 + a 0..60",
            "copied a 60..500",
            "through 40 + b 0..60",
            "copied b 60..730",
            "copied b 730..1400",
            "through 44 + small 0..70 + 83",
            "copied c 0..300",
            "through 45 + middle 0..68",
            "through middle 68..140 + 40",
            "copied d 0..200",
            // The directory.
            "through 142",
            "through 142",
            "through 142",
        ]
    );
}

#[test]
fn a_bundle_that_is_large_enough_is_copied_whole() {
    let limits = Limits::s3(1 << 40);
    let mut planner = Planner::new(limits).unwrap();
    let mut noise = 1_u64;
    let documents: Vec<u8> = (0..6 << 20)
        .map(|_| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (noise >> 56) as u8
        })
        .collect();
    add_bundle(&mut planner, ["documents".to_owned()].into_iter(), &documents);
    let plan = planner.finish();
    check_rules(&plan, limits, object_len);
    assert!(plan.through_bytes() < 200, "{} bytes", plan.through_bytes());
}

#[test]
fn nothing_makes_no_archive() {
    let mut planner = Planner::new(Limits::s3(1)).unwrap();
    add_bundle(&mut planner, std::iter::empty(), b"");
    assert_eq!(planner.finish().archives(), []);
}

#[test]
fn a_name_is_taken_once() {
    let mut planner = Planner::new(Limits::s3(1)).unwrap();
    add(&mut planner, "a".to_owned(), 1);
    let before = planner.plan().clone();
    let duplicate = Err(Error::Duplicate { name: "a".to_owned() });
    assert_eq!(planner.add_object("a", 0, object(2)), duplicate);

    let mut writer = BundleWriter::default();
    writer.add("b", 0, b"").unwrap();
    writer.add("a", 0, b"").unwrap();
    assert_eq!(planner.add_bundle("bundle", writer.finish().1), duplicate);

    let mut writer = BundleWriter::default();
    writer.add("a", 0, b"").unwrap();
    writer.add("a", 0, b"").unwrap();
    let mut fresh = Planner::new(Limits::s3(1)).unwrap();
    assert_eq!(fresh.add_bundle("bundle", writer.finish().1), duplicate);

    assert!(matches!(planner.add_object("../a", 0, object(2)), Err(Error::Name { .. })));
    assert_eq!(planner.plan(), &before);
}

#[test]
fn what_no_upload_can_have_is_refused() {
    let mut planner = Planner::new(Limits::s3(u64::MAX)).unwrap();
    for size_bytes in [10_000 * (5 << 30), u64::MAX - 1, u64::MAX] {
        let refused = planner.add_object("a", 0, object(size_bytes));
        assert_eq!(refused, Err(Error::TooLarge { name: "a".to_owned() }));
    }
    assert_eq!(planner.finish().archives(), []);
}

#[test]
fn a_stored_plan_that_no_planner_made_is_refused() {
    let mut planner = Planner::new(Limits::s3(1)).unwrap();
    add(&mut planner, "a".to_owned(), 7);
    let json = serde_json::to_string(&planner.finish()).unwrap();
    assert!(serde_json::from_str::<Plan>(&json).is_ok());
    for (good, bad) in [
        (r#""name":"a""#, r#""name":"../a""#),
        (r#""size_bytes":7"#, r#""size_bytes":18446744073709551615"#),
        (r#""part_min":5242880"#, r#""part_min":0"#),
    ] {
        let json = json.replace(good, bad);
        assert!(json.contains(bad) && serde_json::from_str::<Plan>(&json).is_err(), "{json}");
    }
}
