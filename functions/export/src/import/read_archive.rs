//! Reads what archives of an export say, ranges of them at a time, into a plan. Every record is held against the manifest's hash.

use std::{collections::HashMap, ops::Range};

use archive::{Found, HEADER, LONGEST_END, ReadError, find_directory, read_directory};
use bytes::Bytes;
use domain::{
    BitRate, ContentHash, EnclosureSettings, Episode, ExportScope, Import, ImportItem, ImportItemKind,
    ImportOutcome, Listener, Media, RenditionPurpose,
};
use serde::de::DeserializeOwned;
use storage::{ImportBytes, StorageError};

use super::{
    bring::{Bringer, item},
    plan::{NotRead, Origin, Plan, PlannedEpisode, PlannedMedia, PlannedShow},
};
use crate::{
    lay_out::media_path,
    records::{MANIFEST, Manifest, ManifestFile, SCHEMA_VERSION, ShowRecord, TenancyRecord},
};

/// The largest directory of an archive that is read, the largest file of records, and the most of all these together.
const LARGEST_DIRECTORY: u64 = 128 << 20;
const LARGEST_RECORDS: u64 = 128 << 20;
const MOST_RECORDS: u64 = 512 << 20;

/// Files of all archives by their names.
struct Archives<'a> {
    bringer: &'a Bringer<'a>,
    files: HashMap<String, (u32, Found)>,
}

/// Reads the archives of `import`.
pub(crate) async fn read_archive(bringer: &Bringer<'_>, import: &Import) -> Result<Plan, NotRead> {
    let archives = Archives::open(bringer, import).await?;
    let manifest: Manifest = archives.json(MANIFEST, None).await?;
    if manifest.schema_version != SCHEMA_VERSION {
        let version = manifest.schema_version;
        return Err(refused(format!(
            "The archive is in version {version} of the format, and only version {SCHEMA_VERSION} is read here."
        )));
    }
    if matches!(manifest.scope, ExportScope::Person { .. }) {
        return Err(refused("An export of one person is for that person, and is not imported.".to_owned()));
    }

    let records = |file: &&ManifestFile| file.path.ends_with(".json");
    let total: u64 =
        manifest.files.iter().filter(records).map(|file| file.size_bytes).fold(0, u64::saturating_add);
    if total > MOST_RECORDS {
        return Err(refused(
            "The archive has more records than one import takes: import show by show.".to_owned(),
        ));
    }
    let mut plan = Plan { notes: notes(), ..Plan::default() };
    for file in &manifest.files {
        match file.path.split('/').collect::<Vec<_>>().as_slice() {
            ["tenancy.json"] => {
                let tenancy: TenancyRecord = archives.json(&file.path, Some(file)).await?;
                plan.groups = tenancy.groups;
            }
            ["shows", _, "show.json"] => {
                let show: ShowRecord = archives.json(&file.path, Some(file)).await?;
                plan.shows.push(PlannedShow { show, existing: None, remarks: Vec::new() });
            }
            ["shows", _, "episodes", _] => {
                let episodes: Vec<Episode> = archives.json(&file.path, Some(file)).await?;
                let planned = |episode| PlannedEpisode { episode, remarks: Vec::new() };
                plan.episodes.extend(episodes.into_iter().map(planned));
            }
            ["shows", _, "listeners", _] => {
                let listeners: Vec<Listener> = archives.json(&file.path, Some(file)).await?;
                plan.listeners.extend(listeners);
            }
            ["media", name] if name.len() == "000001.json".len() => {
                let media: Vec<Media> = archives.json(&file.path, Some(file)).await?;
                for media in media {
                    archives.plan_media(media, &mut plan)?;
                }
            }
            _ => {}
        }
    }
    Ok(plan)
}

/// What is never imported, and why.
fn notes() -> Vec<String> {
    [
        "Feed URLs of listeners have changed: each has a new token, which nobody was told. Rotate one to get a URL to hand on.",
        "People are not imported: nobody's sign-in can be taken along. Invite them anew.",
        "Machine clients and single sign-on are not imported: their secrets are in no archive. Make them anew.",
        "The audit log is not imported: it says what was done elsewhere. Keep the archive.",
        "Enclosures of masters, waveforms and the like are made anew from the files as they were uploaded.",
        "Where shows are, has changed: tell directories, and have the old feed redirect to the new one.",
    ]
    .map(str::to_owned)
    .to_vec()
}

impl<'a> Archives<'a> {
    async fn open(bringer: &'a Bringer<'a>, import: &Import) -> Result<Self, NotRead> {
        let mut archives = Self { bringer, files: HashMap::new() };
        for file in &import.files {
            let in_file =
                |error: ReadError| refused(format!("Archive {} cannot be read: {error}.", file.number));
            let end = file.size_bytes.saturating_sub(LONGEST_END)..file.size_bytes;
            let place =
                find_directory(&archives.read(file.number, end).await?, file.size_bytes).map_err(in_file)?;
            if place.range.end.saturating_sub(place.range.start) > LARGEST_DIRECTORY {
                return Err(in_file(ReadError::TooLarge("the directory".to_owned())));
            }
            let directory = archives.read(file.number, place.range.clone()).await?;
            for found in read_directory(&directory, &place).map_err(in_file)? {
                archives.files.entry(found.name.clone()).or_insert((file.number, found));
            }
        }
        Ok(archives)
    }

    async fn read(&self, file: u32, range: Range<u64>) -> Result<Bytes, NotRead> {
        let Bringer { storage, grant, import, .. } = self.bringer;
        let bytes = storage.read_import_bytes(grant, &import.id, &ImportBytes::Sent(file, range)).await?;
        // Deleted by whoever ended the import.
        Ok(bytes.ok_or(StorageError::Conflict)?)
    }

    async fn json<T: DeserializeOwned>(
        &self,
        path: &str,
        expected: Option<&ManifestFile>,
    ) -> Result<T, NotRead> {
        let Some((file, found)) = self.files.get(path) else {
            return Err(refused(format!("{path} is not there: send every archive of the export.")));
        };
        let damaged = |error: ReadError| refused(format!("{path} cannot be read: {error}."));
        if found.size_bytes > LARGEST_RECORDS || found.compressed_size > LARGEST_RECORDS {
            return Err(damaged(ReadError::TooLarge(path.to_owned())));
        }
        let header_end = found.header_at.saturating_add(HEADER);
        let header = self.read(*file, found.header_at..header_end).await?;
        let range = found.range(&header).map_err(damaged)?;
        let bytes = self.read(*file, range).await?;
        let bytes = found.unpack(&bytes, LARGEST_RECORDS).map_err(damaged)?;
        if expected.is_some_and(|expected| ContentHash::of(&bytes) != expected.sha256) {
            return Err(refused(format!("{path} is not what the manifest says: its SHA-256 is another.")));
        }
        serde_json::from_slice(&bytes).map_err(|error| refused(format!("{path} cannot be read: {error}.")))
    }

    /// Only originals come: what was made of them is made anew.
    fn plan_media(&self, media: Media, plan: &mut Plan) -> Result<(), NotRead> {
        let path = media_path(&media.original);
        let name = path.trim_start_matches("media/").to_owned();
        let here = self
            .files
            .get(&path)
            .filter(|(_, entry)| entry.is_stored && entry.size_bytes == media.original.size_bytes);
        let Some((file, entry)) = here else {
            let word = item(ImportItemKind::Media, media.id.as_str(), &name, "");
            let remarks = vec![match self.files.get(&path) {
                None => "Its bytes are in no archive.".to_owned(),
                Some(_) => "It is not in the archive as it was put there.".to_owned(),
            }];
            let left_out = ImportItem { outcome: ImportOutcome::NotImported, new_id: None, remarks, ..word };
            plan.left_out.push(left_out);
            return Ok(());
        };
        let invalid = |error: domain::Invalid| refused(format!("{path} cannot be imported: {error}."));
        let (enclosure, remarks) = enclosure_of(&media);
        plan.media.push(PlannedMedia {
            id: media.id,
            name: name.clone(),
            from: Origin::Archive { file: *file, entry: entry.clone() },
            file_name: name.parse().map_err(invalid)?,
            content_type: media.original.format.content_type().parse().map_err(invalid)?,
            sha256: Some(media.original.hash),
            enclosure,
            remarks,
        });
        Ok(())
    }
}

/// How the enclosure of a master was made, as far as its record tells: by its size and length, at which bit rate.
fn enclosure_of(media: &Media) -> (EnclosureSettings, Vec<String>) {
    let made = media.rendition(RenditionPurpose::Enclosure);
    let (Some(file), Some(recording)) = (made, media.recording()) else { return Default::default() };
    let bits = file.size_bytes.saturating_mul(8_000);
    let measured = bits.checked_div(recording.duration_milliseconds).unwrap_or_default();
    let all = [64_000, 96_000, 128_000, 160_000, 192_000, 256_000, 320_000_u32];
    let nearest = all.into_iter().min_by_key(|rate| u64::from(*rate).abs_diff(measured));
    let bit_rate = nearest.and_then(|rate| BitRate::try_from(rate).ok()).unwrap_or_default();
    let remark = format!(
        "Its enclosure is made anew with {} bits per second, and no louder than it is: upload it again where it should be.",
        bit_rate.bits_per_second()
    );
    (EnclosureSettings { bit_rate, is_loudness_normalized: false }, vec![remark])
}

fn refused(reason: String) -> NotRead {
    NotRead::Refused(reason)
}
