//! Decides what is where in which archive: what explains it first, then what was gathered, then media, the manifest last.

use std::collections::{BTreeMap, HashMap};

use archive::{BundleWriter, Limits, Plan, Planner, StoredObject};
use domain::{ContentHash, Export, MediaFile};
use lambda_kit::Failure;
use storage::{ExportObject, Storage};
use tenant_context::{Grant, permission::PrepareExport};

use crate::{
    explain,
    gathered::{Gathered, poison},
    records::{Excluded, MANIFEST, Manifest, ManifestFile, MissingFile, SCHEMA_VERSION},
};

/// What an export will be.
#[derive(Debug)]
pub(crate) struct Laid {
    pub(crate) plan: Plan,
    /// How many files, the manifest included.
    pub(crate) files: u64,
    pub(crate) missing: u64,
}

/// Media of the same bytes is one file.
struct MediaToCopy<'a> {
    by_path: BTreeMap<String, &'a MediaFile>,
}

/// Lays out `export`. `lost` is media that was found to be gone when it was copied.
pub(crate) async fn lay_out(
    storage: &Storage,
    grant: &Grant<'_, PrepareExport>,
    export: &Export,
    gathered: &[Gathered],
    lost: &[ContentHash],
) -> Result<Laid, Failure> {
    let modified_at = export.created_at.unix_seconds();
    let mut planner = Planner::new(Limits::s3(export.archive_bytes)).map_err(poison)?;
    let mut hashes: HashMap<String, ContentHash> = HashMap::new();

    let media = MediaToCopy::of(gathered);
    let there = storage.list_media_objects(grant).await?;
    let is_there =
        |file: &MediaFile| there.get(&file.hash) == Some(&file.size_bytes) && !lost.contains(&file.hash);
    let missing: Vec<MissingFile> = media
        .by_path
        .iter()
        .filter(|(_, file)| !is_there(file))
        .map(|(path, file)| MissingFile {
            path: path.clone(),
            sha256: file.hash.clone(),
            reason: "Its bytes are not in storage.".to_owned(),
        })
        .collect();

    let mut first = BundleWriter::default();
    for (path, bytes) in explain::files(export, gathered, &missing) {
        hashes.insert(path.clone(), ContentHash::of(&bytes));
        first.add(path, modified_at, &bytes).map_err(poison)?;
    }
    let (bytes, bundle) = first.finish();
    let written = storage.write_export_object(grant, &export.id, bytes).await?;
    planner.add_bundle(source(&ExportObject::Written(written)), bundle).map_err(poison)?;

    for step in gathered {
        hashes.extend(step.files.iter().cloned());
        if let Some((written, bundle)) = &step.bundle {
            let source = source(&ExportObject::Written(written.clone()));
            planner.add_bundle(source, bundle.clone()).map_err(poison)?;
        }
    }
    for (path, file) in media.by_path.iter().filter(|(_, file)| is_there(file)) {
        let object = StoredObject {
            source: source(&ExportObject::Media(file.hash.clone())),
            size_bytes: file.size_bytes,
            crc32: file.crc32,
        };
        planner.add_object(path, modified_at, object).map_err(poison)?;
        hashes.insert(path.clone(), file.hash.clone());
    }

    let manifest = Manifest {
        schema_version: SCHEMA_VERSION,
        export_id: export.id.clone(),
        tenancy_id: grant.context().tenancy().clone(),
        scope: export.scope.clone(),
        created_at: export.created_at,
        files: list_files(planner.plan(), &hashes)?,
        missing,
        excluded: Excluded::all(),
    };
    let mut last = BundleWriter::default();
    let bytes = serde_json::to_vec_pretty(&manifest).map_err(poison)?;
    last.add(MANIFEST, modified_at, &bytes).map_err(poison)?;
    let (bytes, bundle) = last.finish();
    let written = storage.write_export_object(grant, &export.id, bytes).await?;
    planner.add_bundle(source(&ExportObject::Written(written)), bundle).map_err(poison)?;

    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    Ok(Laid {
        plan: planner.finish(),
        files: count(manifest.files.len()).saturating_add(1),
        missing: count(manifest.missing.len()),
    })
}

fn list_files(plan: &Plan, hashes: &HashMap<String, ContentHash>) -> Result<Vec<ManifestFile>, Failure> {
    let files = plan.entries().map(|entry| {
        let sha256 = hashes.get(entry.name).cloned();
        Ok(ManifestFile {
            path: entry.name.to_owned(),
            archive: u32::try_from(entry.archive).map_err(poison)?.saturating_add(1),
            size_bytes: entry.size_bytes,
            sha256: sha256.ok_or_else(|| poison(format!("{} has no hash", entry.name)))?,
        })
    });
    files.collect()
}

impl<'a> MediaToCopy<'a> {
    fn of(gathered: &'a [Gathered]) -> Self {
        let files = gathered.iter().flat_map(|step| &step.media);
        Self { by_path: files.map(|file| (media_path(file), file)).collect() }
    }
}

/// Where a file of media is in an archive.
pub(crate) fn media_path(file: &MediaFile) -> String {
    format!("media/{}.{}", file.hash, file.format.extension())
}

const MEDIA: &str = "media:";
const WRITTEN: &str = "written:";

/// What stands for an object in a plan.
pub(crate) fn source(object: &ExportObject) -> String {
    match object {
        ExportObject::Media(hash) => format!("{MEDIA}{hash}"),
        ExportObject::Written(hash) => format!("{WRITTEN}{hash}"),
    }
}

/// The object that stands behind a source.
pub(crate) fn object(source: &str) -> Result<ExportObject, Failure> {
    let unknown = || poison(format!("{source} is nowhere"));
    let (prefix, hash) =
        source.split_at_checked(source.find(':').unwrap_or_default() + 1).ok_or_else(unknown)?;
    let hash = hash.parse().map_err(poison)?;
    match prefix {
        MEDIA => Ok(ExportObject::Media(hash)),
        WRITTEN => Ok(ExportObject::Written(hash)),
        _ => Err(unknown()),
    }
}
