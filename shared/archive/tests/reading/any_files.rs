//! Whatever is archived by whatever limits, it is read back.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
};

use archive::{Error, Limits, Plan, Planner};
use proptest::{collection::vec, prelude::*, test_runner::Config};
use zip::ExtraField;

use crate::store::{MODIFIED_AT, Store};

/// What is added at once, by the sizes of its files.
#[derive(Debug, Clone)]
enum Added {
    Object(usize),
    Bundle(Vec<usize>),
}

fn any_added() -> impl Strategy<Value = Added> {
    let size = || prop_oneof![Just(0), Just(1), 0..100_usize, 0..3000_usize];
    prop_oneof![3 => size().prop_map(Added::Object), 1 => vec(size(), 0..6).prop_map(Added::Bundle)]
}

prop_compose! {
    fn any_limits()(part_min in 1..300_u64)(
        part_target in part_min..=2 * part_min,
        part_max in 2 * part_min..=2 * part_min + 1000,
        parts_max in prop_oneof![1..20_u32, Just(10_000)],
        archive_bytes in 0..20_000_u64,
        part_min in Just(part_min),
    ) -> Limits {
        Limits { archive_bytes, part_min, part_max, part_target, parts_max }
    }
}

/// Bytes of which some can be deflated and some cannot, no two files the same.
fn bytes(file: usize, size: usize) -> Vec<u8> {
    let step = if file.is_multiple_of(2) { 0 } else { 2_654_435_761 };
    (0..size).map(|at| (at.wrapping_mul(step) >> 7) as u8 ^ file as u8).collect()
}

type Files = BTreeMap<String, Vec<u8>>;

/// Plans all that fits into an archive at all, and says what was added at once.
fn plan(added: &[Added], limits: Limits, store: &mut Store) -> (Plan, Vec<Files>) {
    plan_resuming(added, limits, store, None)
}

/// The same by a planner that is finished and resumed before one of the steps.
fn plan_resuming(
    added: &[Added],
    limits: Limits,
    store: &mut Store,
    resumed_at: Option<usize>,
) -> (Plan, Vec<Files>) {
    let mut planner = Planner::new(limits).unwrap();
    let mut steps = Vec::new();
    for (step, added) in added.iter().enumerate() {
        if resumed_at == Some(step) {
            planner = Planner::resume(planner.finish()).unwrap();
        }
        let file = |at: usize, size| (format!("ordner/{step}/Épisode {at}.mp3"), bytes(step + at, size));
        let (files, added): (Files, _) = match added {
            Added::Object(size) => {
                let (name, bytes) = file(0, *size);
                let object = store.put_object(bytes.clone());
                let added = planner.add_object(&name, MODIFIED_AT, object);
                (Files::from([(name, bytes)]), added)
            }
            Added::Bundle(sizes) => {
                let files: Files = sizes.iter().enumerate().map(|(at, size)| file(at, *size)).collect();
                let borrowed = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
                let added = store.add_bundle(&mut planner, borrowed);
                (files, added)
            }
        };
        match added {
            Ok(()) => steps.push(files),
            Err(error) => assert!(matches!(error, Error::TooLarge { .. }), "{error}"),
        }
    }
    (planner.finish(), steps)
}

/// The files that the crate `zip` finds, their CRCs checked.
fn read(archive: &[u8]) -> Files {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut files = Files::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let modified = file.last_modified().unwrap();
        let date = (modified.year(), modified.month(), modified.day());
        let time = (modified.hour(), modified.minute(), modified.second());
        assert_eq!((date, time), ((2026, 1, 31), (9, 30, 6)));
        assert_eq!(file.unix_mode(), Some(0o100_644));
        let to_the_second = file.extra_data_fields().find_map(|field| match field {
            ExtraField::ExtendedTimestamp(timestamp) => timestamp.mod_time(),
            _ => None,
        });
        assert_eq!(to_the_second.map(u64::from), Some(MODIFIED_AT));
        let name = file.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        assert!(files.insert(name, bytes).is_none());
    }
    files
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(512) })]

    #[test]
    fn what_went_into_a_plan_is_read_from_its_archives(added in vec(any_added(), 0..30), limits in any_limits()) {
        let mut store = Store::default();
        let (plan, steps) = plan(&added, limits, &mut store);
        let archives = store.carry_out(&plan, limits);

        let mut expected = vec![Files::new(); archives.len()];
        let all: Files = steps.iter().flatten().map(|(name, bytes)| (name.clone(), bytes.clone())).collect();
        for entry in plan.entries() {
            let bytes = &all[entry.name];
            assert_eq!((entry.size_bytes, entry.crc32), (bytes.len() as u64, crc32fast::hash(bytes)));
            expected[entry.archive].insert(entry.name.to_owned(), bytes.clone());
        }
        assert_eq!(expected.iter().map(Files::len).sum::<usize>(), all.len());

        for (archive, expected) in archives.iter().zip(&expected) {
            assert_eq!(&read(archive), expected);
            let added_at_once = steps.iter().any(|files| files == expected);
            assert!(archive.len() as u64 <= limits.archive_bytes || added_at_once, "{} bytes", archive.len());
        }
    }

    #[test]
    fn a_plan_that_was_stored_and_resumed_anywhere_is_the_same(
        added in vec(any_added(), 1..20), limits in any_limits(), at in any::<prop::sample::Index>(),
    ) {
        let mut store = Store::default();
        let (plan, _) = plan(&added, limits, &mut store);
        let json = serde_json::to_string(&plan).unwrap();
        let stored: Plan = serde_json::from_str(&json).unwrap();
        assert_eq!(stored, plan);
        assert_eq!(serde_json::to_string(&stored).unwrap(), json);
        assert_eq!(store.carry_out(&stored, limits), store.carry_out(&plan, limits));

        let mut again = Store::default();
        let resumed = plan_resuming(&added, limits, &mut again, Some(at.index(added.len())));
        assert_eq!(resumed.0, plan);
    }
}
