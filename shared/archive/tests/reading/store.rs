//! What stands in for S3: it has objects, and puts parts together by S3's rules.

use std::collections::BTreeMap;

use archive::{Archive, BundleWriter, Limits, Part, Piece, Plan, Planner, StoredObject};

#[derive(Debug, Default)]
pub struct Store {
    objects: BTreeMap<String, Vec<u8>>,
}

impl Store {
    /// Stores bytes under a name of their own.
    pub fn put(&mut self, bytes: Vec<u8>) -> String {
        let source = format!("source {}", self.objects.len());
        self.objects.insert(source.clone(), bytes);
        source
    }

    /// Stores a file's bytes as an object.
    pub fn put_object(&mut self, bytes: Vec<u8>) -> StoredObject {
        let (size_bytes, crc32) = (bytes.len() as u64, crc32fast::hash(&bytes));
        StoredObject { source: self.put(bytes), size_bytes, crc32 }
    }

    /// Stores files as a bundle and plans it.
    pub fn add_bundle<'a>(
        &mut self,
        planner: &mut Planner,
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<(), archive::Error> {
        let mut writer = BundleWriter::default();
        for (name, bytes) in files {
            assert_eq!(writer.add(name, MODIFIED_AT, bytes).unwrap(), crc32fast::hash(bytes));
        }
        let (bytes, bundle) = writer.finish();
        assert_eq!(bundle.size_bytes(), bytes.len() as u64);
        planner.add_bundle(self.put(bytes), bundle)
    }

    /// The bytes of each archive.
    pub fn carry_out(&self, plan: &Plan, limits: Limits) -> Vec<Vec<u8>> {
        check_rules(plan, limits, |source| self.objects[source].len() as u64);
        plan.archives().iter().map(|archive| self.put_together(archive)).collect()
    }

    fn put_together(&self, archive: &Archive) -> Vec<u8> {
        let read = |source: &str, start: u64, end: u64| &self.objects[source][start as usize..end as usize];
        let mut bytes = Vec::new();
        for part in parts(archive) {
            match part {
                Part::Copied { source, range } => bytes.extend(read(&source, range.start, range.end)),
                Part::Through { pieces } => pieces.into_iter().for_each(|piece| match piece {
                    Piece::Bytes(piece) => bytes.extend(piece),
                    Piece::Range { source, range } => bytes.extend(read(&source, range.start, range.end)),
                }),
            }
        }
        bytes
    }
}

/// When files of these tests were modified: 2026-01-31T09:30:07Z.
pub const MODIFIED_AT: u64 = 1_769_851_807;

/// An archive's parts in their order.
pub fn parts(archive: &Archive) -> impl Iterator<Item = Part> {
    (1..=archive.parts()).map(|number| archive.part(number).unwrap())
}

pub fn piece_len(piece: &Piece) -> u64 {
    match piece {
        Piece::Bytes(bytes) => bytes.len() as u64,
        Piece::Range { range, .. } => range.end - range.start,
    }
}

pub fn part_len(part: &Part) -> u64 {
    match part {
        Part::Copied { range, .. } => range.end - range.start,
        Part::Through { pieces } => pieces.iter().map(piece_len).sum(),
    }
}

/// Holds every part against what S3 asks for, and the plan's sums against its parts.
pub fn check_rules(plan: &Plan, limits: Limits, object_len: impl Fn(&str) -> u64) {
    let (mut copied, mut through) = (0, 0);
    for archive in plan.archives() {
        assert!((1..=limits.parts_max).contains(&archive.parts()));
        assert!(archive.part(0).is_none() && archive.part(archive.parts() + 1).is_none());

        let mut size_bytes = 0;
        for (part, number) in parts(archive).zip(1..) {
            let len = part_len(&part);
            size_bytes += len;
            assert!(len >= limits.part_min || number == archive.parts(), "part {number} has {len} bytes");
            assert!((1..=limits.part_max).contains(&len), "part {number} has {len} bytes");
            match part {
                Part::Copied { source, range } => {
                    copied += len;
                    assert!(range.end <= object_len(&source) && object_len(&source) > limits.part_min);
                }
                Part::Through { pieces } => {
                    through += len;
                    assert!(len <= limits.part_target.max(2 * limits.part_min), "{len} bytes in memory");
                    assert!(pieces.iter().all(|piece| piece_len(piece) > 0));
                    for piece in pieces {
                        if let Piece::Range { source, range } = piece {
                            assert!(range.end <= object_len(&source));
                        }
                    }
                }
            }
        }
        assert_eq!(size_bytes, archive.size_bytes());
    }
    assert_eq!((copied, through), (plan.copied_bytes(), plan.through_bytes()));
}
