//! What one step of gathering has written: files in a bundle, and which media goes with them.

use archive::{Bundle, BundleWriter};
use domain::{ContentHash, Media, MediaFile};
use lambda_kit::Failure;
use serde::{Deserialize, Serialize};
use storage::{ExportObject, Storage};
use tenant_context::{ExportId, Grant, permission::PrepareExport};

/// What a step has gathered. Kept under its hash; each names the one before it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Gathered {
    pub(crate) before: Option<ContentHash>,
    /// The bundle's object and what is in it; none where the step had nothing to write.
    pub(crate) bundle: Option<(ContentHash, Bundle)>,
    /// The hashes of its files, in their order.
    pub(crate) files: Vec<(String, ContentHash)>,
    /// The files of media that belong into the archive.
    pub(crate) media: Vec<MediaFile>,
    /// What a person is told of a show.
    pub(crate) shows: Vec<GatheredShow>,
}

/// A show, in the words of the page that explains the archive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GatheredShow {
    pub(crate) slug: String,
    pub(crate) title: String,
    pub(crate) episodes: usize,
}

/// Takes what a step gathers.
pub(crate) struct Gathering {
    modified_at: u64,
    writer: BundleWriter,
    files: Vec<(String, ContentHash)>,
    media: Vec<MediaFile>,
    shows: Vec<GatheredShow>,
}

impl Gathering {
    /// Files that are as old as the export.
    pub(crate) fn new(modified_at: u64) -> Self {
        Self {
            modified_at,
            writer: BundleWriter::default(),
            files: Vec::new(),
            media: Vec::new(),
            shows: Vec::new(),
        }
    }

    /// Adds a file.
    pub(crate) fn file(&mut self, path: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.writer.add(path, self.modified_at, bytes).map_err(poison)?;
        self.files.push((path.to_owned(), ContentHash::of(bytes)));
        Ok(())
    }

    /// Adds a file of JSON that people can read, too.
    pub(crate) fn json(&mut self, path: &str, value: &impl Serialize) -> Result<(), Failure> {
        let mut bytes = serde_json::to_vec_pretty(value).map_err(poison)?;
        bytes.push(b'\n');
        self.file(path, &bytes)
    }

    /// Adds a file of one JSON value a line.
    pub(crate) fn lines<T: Serialize>(&mut self, path: &str, values: &[T]) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        for value in values {
            serde_json::to_writer(&mut bytes, value).map_err(poison)?;
            bytes.push(b'\n');
        }
        self.file(path, &bytes)
    }

    /// Has a medium and all that was made of it put beside the files.
    pub(crate) fn media(&mut self, media: &Media) {
        self.media.push(media.original.clone());
        self.media.extend(media.renditions.iter().map(|rendition| rendition.file.clone()));
    }

    /// Tells of a show.
    pub(crate) fn show(&mut self, show: GatheredShow) {
        self.shows.push(show);
    }

    pub(crate) fn files(&self) -> u64 {
        u64::try_from(self.files.len()).unwrap_or(u64::MAX)
    }

    /// Keeps it, and answers under which hash.
    pub(crate) async fn keep(
        self,
        storage: &Storage,
        grant: &Grant<'_, PrepareExport>,
        export: &ExportId,
        before: Option<ContentHash>,
    ) -> Result<ContentHash, Failure> {
        let Self { writer, files, media, shows, .. } = self;
        let (bytes, bundle) = writer.finish();
        let bundle = match files.is_empty() {
            true => None,
            false => Some((storage.write_export_object(grant, export, bytes).await?, bundle)),
        };
        write_json(storage, grant, export, &Gathered { before, bundle, files, media, shows }).await
    }
}

/// Everything that was gathered, in its order.
pub(crate) async fn read_all(
    storage: &Storage,
    grant: &Grant<'_, PrepareExport>,
    export: &ExportId,
    last: Option<ContentHash>,
) -> Result<Vec<Gathered>, Failure> {
    let mut all = Vec::new();
    let mut next = last;
    while let Some(hash) = next {
        let gathered: Gathered = read_json(storage, grant, export, &hash).await?;
        next = gathered.before.clone();
        all.push(gathered);
    }
    all.reverse();
    Ok(all)
}

pub(crate) async fn write_json(
    storage: &Storage,
    grant: &Grant<'_, PrepareExport>,
    export: &ExportId,
    value: &impl Serialize,
) -> Result<ContentHash, Failure> {
    let bytes = serde_json::to_vec(value).map_err(poison)?;
    Ok(storage.write_export_object(grant, export, bytes).await?)
}

pub(crate) async fn read_json<T: serde::de::DeserializeOwned>(
    storage: &Storage,
    grant: &Grant<'_, PrepareExport>,
    export: &ExportId,
    hash: &ContentHash,
) -> Result<T, Failure> {
    let object = ExportObject::Written(hash.clone());
    let bytes = storage.read_export_object(grant, export, &object, None).await?;
    let bytes = bytes.ok_or_else(|| poison(format!("{hash}, which {export} goes by, is not there")))?;
    serde_json::from_slice(&bytes).map_err(poison)
}

pub(crate) fn poison(error: impl std::fmt::Display) -> Failure {
    Failure::Poison(error.to_string())
}
