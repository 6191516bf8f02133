//! Brings media: bytes into the quarantine, then what scan and probe say of them. Nothing comes around those.

use std::ops::Range;

use archive::HEADER;
use domain::{ImportItem, ImportItemKind, ImportOutcome, NewUpload, PartPlan, Upload, UploadState};
use fetch::{FetchError, Limits, Resume};
use lambda_kit::Failure;
use storage::{ImportBytes, ImportWork, StorageError};
use tenant_context::{Timestamp, UploadId};

use super::{
    bring::{Bringer, item},
    plan::{Origin, Plan, PlannedMedia},
    progress::{Progress, Stage, Underway},
};
use crate::carry_out_import::Next;

/// So many are on their way at once.
const MOST_UNDERWAY: usize = 16;
/// How often bytes are asked for, and how often there is a look for a place among unfinished uploads.
const MOST_TRIES: u32 = 5;
const MOST_LOOKS: u32 = 2_000;
/// Bytes of a part that passes through.
const PART: usize = 8 << 20;
/// Bytes of a part that S3 copies.
const COPIED_PART: u64 = 512 << 20;

const LIMITS: Limits = Limits {
    most_bytes: PartPlan::LARGEST,
    answer_within: std::time::Duration::from_secs(30),
    idle: std::time::Duration::from_secs(60),
};

/// What came of a try to send bytes.
enum Sent {
    /// The next step follows.
    On,
    /// Not now.
    Later,
    /// Never, for this reason.
    Never(String),
    /// It was given up, and there is a word of it.
    Over,
}

impl Bringer<'_> {
    /// Does one step for one medium, or looks what became of those that are being scanned.
    pub(crate) async fn bring_media(
        &self,
        plan: &Plan,
        work: &mut ImportWork<Progress>,
        until: Timestamp,
    ) -> Result<Next, Failure> {
        let Stage::Media { next, underway } = &mut work.progress.stage else { return Ok(Next::Step) };
        let mut must_wait = false;
        if let Some(at) = underway.iter().position(|one| !one.is_sent) {
            let Some(mut one) = underway.get(at).cloned() else { return Ok(Next::Step) };
            let Some(media) = plan.media.get(one.index) else { return Ok(Next::Step) };
            let sent = self.send(media, &mut one, at, work, until).await?;
            let Stage::Media { underway, .. } = &mut work.progress.stage else { return Ok(Next::Step) };
            match sent {
                Sent::On => put(underway, at, one),
                Sent::Later => {
                    one.tries += 1;
                    put(underway, at, one);
                    must_wait = true;
                }
                Sent::Never(reason) => {
                    one.refused = Some(reason);
                    put(underway, at, one);
                }
                Sent::Over => {
                    underway.remove(at);
                    work.progress.done.things_done += 1;
                }
            }
            if !must_wait {
                return Ok(Next::Step);
            }
        } else if underway.len() < MOST_UNDERWAY
            && let Some(media) = plan.media.get(*next)
        {
            underway.push(Underway::new(*next, self.upload_id(media)));
            *next += 1;
            return Ok(Next::Step);
        }

        let ended = self.look(plan, work).await?;
        let Stage::Media { next, underway } = &work.progress.stage else { return Ok(Next::Step) };
        if underway.is_empty() && *next >= plan.media.len() {
            work.progress.stage = Stage::Groups { next: 0 };
            return Ok(Next::Step);
        }
        Ok(if ended > 0 && !must_wait { Next::Step } else { Next::Wait })
    }

    /// Looks what scan and probe have said. Answers of how many.
    async fn look(&self, plan: &Plan, work: &mut ImportWork<Progress>) -> Result<usize, Failure> {
        let Stage::Media { underway, .. } = &mut work.progress.stage else { return Ok(0) };
        let mut ended = Vec::new();
        for one in underway.iter().filter(|one| one.is_sent) {
            let Some(media) = plan.media.get(one.index) else { continue };
            let upload = self.storage.find_upload(self.context(), &one.upload).await?;
            let word = match upload {
                Some(upload) => end_of(media, &upload),
                None => Some(not_imported(media, vec!["Its upload is gone.".to_owned()])),
            };
            if let Some(word) = word {
                self.note(&word).await?;
                ended.push(one.index);
            }
        }
        underway.retain(|one| !ended.contains(&one.index));
        work.progress.done.things_done += u64::try_from(ended.len()).unwrap_or_default();
        Ok(ended.len())
    }

    /// Does the next step with a medium's bytes.
    async fn send(
        &self,
        media: &PlannedMedia,
        one: &mut Underway,
        at: usize,
        work: &mut ImportWork<Progress>,
        until: Timestamp,
    ) -> Result<Sent, Failure> {
        let id = one.upload.clone();
        if let Some(reason) = &one.refused {
            if let Some(multipart) = &one.multipart {
                self.storage.abort_import_upload(self.grant, &id, multipart).await?;
            }
            self.note(&not_imported(media, vec![reason.clone()])).await?;
            return Ok(Sent::Over);
        }
        let Some(multipart) = one.multipart.clone() else {
            one.multipart = Some(self.storage.open_import_upload(self.grant, &id).await?);
            one.validator = None;
            return Ok(Sent::On);
        };
        let Some(size_bytes) = one.whole else {
            return match &media.from {
                Origin::Archive { file, entry } => self.copy(&id, &multipart, one, (*file, entry)).await,
                Origin::Url(url) => self.fetch(url, one, at, work, until).await,
            };
        };

        let new = NewUpload {
            show_id: None,
            file_name: media.file_name.clone(),
            content_type: media.content_type.clone(),
            size_bytes,
            sha256: media.sha256.clone(),
            enclosure: media.enclosure,
        };
        let mut upload = match Upload::new(id.clone(), new, self.storage.now()) {
            Ok(upload) => upload,
            Err(invalid) => return Ok(Sent::Never(format!("It cannot be uploaded: {invalid}."))),
        };
        upload.multipart_id = Some(multipart.clone());
        match self.storage.create_import_upload(self.grant, &self.import.id, &upload).await {
            Err(StorageError::QuotaExceeded { limit, .. }) if one.tries >= MOST_LOOKS => {
                let reason = format!("The tenancy has {limit} unfinished uploads, as many as it may have.");
                return Ok(Sent::Never(reason));
            }
            // Others will have ended by then.
            Err(StorageError::QuotaExceeded { .. }) => return Ok(Sent::Later),
            result => result?,
        }
        self.storage.finish_import_upload(self.grant, &id, &multipart).await?;
        one.is_sent = true;
        Ok(Sent::On)
    }

    /// Out of a file that was sent: S3 copies it, but for what is too small for that.
    async fn copy(
        &self,
        id: &UploadId,
        multipart: &str,
        one: &mut Underway,
        (file, entry): (u32, &archive::Found),
    ) -> Result<Sent, Failure> {
        let import = &self.import.id;
        let read = async |range: Range<u64>| {
            let bytes = ImportBytes::Sent(file, range);
            // Deleted by whoever ended the import.
            self.storage.read_import_bytes(self.grant, import, &bytes).await?.ok_or(StorageError::Conflict)
        };
        let header = read(entry.header_at..entry.header_at.saturating_add(HEADER)).await?;
        let range = match entry.range(&header) {
            Ok(range) => range,
            Err(error) => return Ok(Sent::Never(format!("It cannot be read: {error}."))),
        };
        let size = entry.size_bytes;
        if size <= PART as u64 {
            let bytes = read(range).await?.to_vec();
            match self.storage.write_into_upload(self.grant, (id, multipart, 1), bytes).await {
                // S3 has given it up in the meantime: another one is opened.
                Err(StorageError::Conflict) => one.multipart = None,
                result => {
                    result?;
                    one.whole = Some(size);
                }
            }
            return Ok(Sent::On);
        }
        let Some(there) = self.storage.list_import_upload_parts(self.grant, id, multipart).await? else {
            one.multipart = None;
            return Ok(Sent::On);
        };
        let mut number: u16 = 0;
        let mut from = range.start;
        while from < range.end {
            let to = from.saturating_add(COPIED_PART).min(range.end);
            number = number.saturating_add(1);
            if there.iter().all(|part| part.number != number) {
                let copied = (import, file, from..to);
                if !self.storage.copy_into_upload(self.grant, (id, multipart, number), copied).await? {
                    return Err(StorageError::Conflict.into());
                }
            }
            from = to;
        }
        one.whole = Some(size);
        Ok(Sent::On)
    }

    /// From another host. What came before it broke off need not come again, where that host can say that it is the same.
    async fn fetch(
        &self,
        url: &str,
        one: &mut Underway,
        at: usize,
        work: &mut ImportWork<Progress>,
        until: Timestamp,
    ) -> Result<Sent, Failure> {
        let (id, Some(multipart)) = (one.upload.clone(), one.multipart.clone()) else {
            return Ok(Sent::On);
        };
        let Ok(url) = url.parse() else {
            return Ok(Sent::Never(format!("{url} is no URL.")));
        };
        let Some(there) = self.storage.list_import_upload_parts(self.grant, &id, &multipart).await? else {
            one.multipart = None;
            return Ok(Sent::On);
        };
        let resume = one
            .validator
            .clone()
            .filter(|_| !there.is_empty())
            .map(|validator| Resume { from: there.iter().map(|part| part.size_bytes).sum(), validator });
        if resume.is_none() && !there.is_empty() {
            return self.begin_anew(&id, &multipart, one).await;
        }
        let fetched = match self.fetcher.fetch(&url, resume.as_ref(), LIMITS).await {
            Ok(fetched) if fetched.from == 0 && !there.is_empty() => Err(FetchError::Changed),
            fetched => fetched,
        };
        let mut fetched = match fetched {
            Ok(fetched) => fetched,
            Err(FetchError::Changed) if one.tries < MOST_TRIES => {
                one.tries += 1;
                return self.begin_anew(&id, &multipart, one).await;
            }
            Err(error) => return Ok(not_fetched(&error, one)),
        };
        let mut number = u16::try_from(there.len()).unwrap_or(u16::MAX);
        let mut size = fetched.from;
        one.validator = fetched.validator.clone().or(resume.map(|resume| resume.validator));
        if let Stage::Media { underway, .. } = &mut work.progress.stage {
            put(underway, at, one.clone());
        }
        self.storage.save_import_work(self.grant, &self.import.id, work).await?;

        let mut part = Vec::new();
        loop {
            let chunk = match fetched.chunk().await {
                Ok(chunk) => chunk,
                Err(error) => return Ok(not_fetched(&error, one)),
            };
            let is_over = chunk.is_none();
            part.extend_from_slice(&chunk.unwrap_or_default());
            while part.len() >= PART || (is_over && (!part.is_empty() || number == 0)) {
                let rest = part.split_off(part.len().min(PART));
                let bytes = std::mem::replace(&mut part, rest);
                number = number.saturating_add(1);
                size = size.saturating_add(u64::try_from(bytes.len()).unwrap_or_default());
                self.storage.write_into_upload(self.grant, (&id, &multipart, number), bytes).await?;
                if !is_over && self.storage.now() >= until && one.validator.is_some() {
                    return Ok(Sent::On);
                }
            }
            if is_over {
                one.whole = Some(size);
                return Ok(Sent::On);
            }
        }
    }

    /// From the first byte, into another multipart upload: what is there may be of another file, and the two are never put together.
    async fn begin_anew(&self, id: &UploadId, multipart: &str, one: &mut Underway) -> Result<Sent, Failure> {
        self.storage.abort_import_upload(self.grant, id, multipart).await?;
        one.multipart = None;
        Ok(Sent::On)
    }
}

fn not_fetched(error: &FetchError, one: &Underway) -> Sent {
    if error.may_pass() && one.tries < MOST_TRIES {
        Sent::Later
    } else {
        Sent::Never(format!("It could not be fetched: {error}."))
    }
}

fn put(underway: &mut [Underway], at: usize, one: Underway) {
    if let Some(place) = underway.get_mut(at) {
        *place = one;
    }
}

/// What became of the upload, once that is known.
fn end_of(media: &PlannedMedia, upload: &Upload) -> Option<ImportItem> {
    match (upload.state, &upload.media_id) {
        (UploadState::Ready, Some(id)) => {
            let mut word = item(ImportItemKind::Media, media.id.as_str(), &media.name, id.as_str());
            word.remarks.clone_from(&media.remarks);
            Some(word)
        }
        (UploadState::Rejected | UploadState::Expired, _) => {
            let reason = upload.reason().unwrap_or("It was refused.").to_owned();
            Some(not_imported(media, vec![reason]))
        }
        _ => None,
    }
}

fn not_imported(media: &PlannedMedia, remarks: Vec<String>) -> ImportItem {
    let word = item(ImportItemKind::Media, media.id.as_str(), &media.name, "");
    ImportItem { outcome: ImportOutcome::NotImported, new_id: None, remarks, ..word }
}
