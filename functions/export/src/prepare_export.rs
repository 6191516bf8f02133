//! The export worker: an export → archives that can be downloaded.
//!
//! It gathers files step by step, lays archives out, has S3 put them together and cleans up. After each step it writes down how far
//! it is; what a step writes is named by its content. Killed anywhere and run again, it goes on after the last step that was written
//! down, and what it had done since is done again with the same outcome. When its time is over it sends a message to itself.

use std::time::Duration;

use archive::Plan;
use domain::{Addresses, Export, ExportArchive, ExportState};
use lambda_kit::Failure;
use storage::{ExportRequest, ExportWork, Storage, StorageError};
use tenant_context::{Grant, TenantContext, Timestamp, Worker, permission::PrepareExport};

use crate::{
    assemble::{Assembled, Assembly},
    gather::Gatherer,
    gathered::{Gathering, poison, read_all, read_json, write_json},
    lay_out::{Laid, lay_out},
    progress::{Progress, Stage},
};

/// What a plan came to, kept until the export is ready.
#[derive(serde::Serialize, serde::Deserialize)]
struct StoredPlan {
    plan: Plan,
    files: u64,
    missing: u64,
}

/// Goes on with the export that `request` names, for about as long as `slice`. One that somebody has ended is cleaned up.
///
/// # Errors
/// [`Failure`] when a store does not do its part; running again goes on from there.
pub async fn prepare_export(
    storage: &Storage,
    addresses: &Addresses,
    request: &ExportRequest,
    slice: Duration,
) -> Result<(), Failure> {
    let context = TenantContext::from_queue(request.tenancy_id.clone(), Worker::Export);
    let grant = context.grant::<PrepareExport>().map_err(poison)?;
    let until = storage.now().plus(slice);
    match go_on(storage, &grant, addresses, request, until).await {
        // It was ended in the meantime, or another worker is ahead: what the export says now tells which.
        Err(Failure::Storage(StorageError::Conflict)) => clean_up_after_end(storage, &grant, request).await,
        Err(failure @ (Failure::Poison(_) | Failure::Storage(StorageError::Corrupt(_)))) => {
            if give_up(storage, &grant, request).await? { Err(failure) } else { Ok(()) }
        }
        result => result,
    }
}

async fn go_on(
    storage: &Storage,
    grant: &Grant<'_, PrepareExport>,
    addresses: &Addresses,
    request: &ExportRequest,
    until: Timestamp,
) -> Result<(), Failure> {
    let context = grant.context();
    let Some(export) = storage.find_export(context, &request.export_id).await? else { return Ok(()) };
    let work = storage.find_export_work::<Progress>(context, &export.id).await?;
    let Some(mut work) = work.filter(|_| export.state == ExportState::Preparing) else {
        return clean_up_after_end(storage, grant, request).await;
    };

    let gatherer = Gatherer::new(storage, grant, &export, addresses);
    loop {
        let open = work.progress.open_archive();
        if !advance(storage, grant, &export, &gatherer, &mut work, until).await? {
            break;
        }
        match storage.save_export_work(grant, &export.id, &mut work).await {
            Err(error @ StorageError::Conflict) => {
                // Nobody else knows of an archive that was opened just now.
                if let Some(opened) = work.progress.open_archive().filter(|_| open.is_none()) {
                    storage.abort_archive(grant, &export.id, opened.number, &opened.upload).await?;
                }
                return Err(error.into());
            }
            result => result?,
        }
        if storage.now() >= until {
            return Ok(storage.request_export(request).await?);
        }
    }
    Ok(storage.send_notice_of_export(grant, &export.id).await?)
}

/// Does the next step. Answers whether there is another: then how far it got has to be written down.
async fn advance(
    storage: &Storage,
    grant: &Grant<'_, PrepareExport>,
    export: &Export,
    gatherer: &Gatherer<'_>,
    work: &mut ExportWork<Progress>,
    until: Timestamp,
) -> Result<bool, Failure> {
    let progress = &mut work.progress;
    match progress.stage.clone() {
        Stage::Gather(step) => {
            let mut gathering = Gathering::new(export.created_at.unix_seconds());
            let next = gatherer.step(step, &mut gathering).await?;
            progress.done.files += gathering.files();
            let before = progress.last_gathered.take();
            progress.last_gathered = Some(gathering.keep(storage, grant, &export.id, before).await?);
            progress.stage = next.map_or(Stage::LayOut, Stage::Gather);
        }
        Stage::LayOut => {
            let gathered = read_all(storage, grant, &export.id, progress.last_gathered.clone()).await?;
            let Laid { plan, files, missing } =
                lay_out(storage, grant, export, &gathered, &progress.lost).await?;
            progress.done.files = files;
            progress.done.bytes = Some(plan.archives().iter().map(archive::Archive::size_bytes).sum());
            progress.done.bytes_done = 0;
            let plan = write_json(storage, grant, &export.id, &StoredPlan { plan, files, missing }).await?;
            progress.stage = Stage::Assemble { plan, archive: 1, upload: None };
        }
        Stage::Assemble { plan, archive: number, upload } => {
            let StoredPlan { plan: laid, .. } = read_json(storage, grant, &export.id, &plan).await?;
            let index = usize::try_from(number).map_err(poison)?.saturating_sub(1);
            let Some(archive) = laid.archives().get(index) else {
                progress.stage = Stage::CleanUp { plan };
                return Ok(true);
            };
            let Some(upload) = upload else {
                let upload = storage.start_archive(grant, &export.id, number).await?;
                progress.stage = Stage::Assemble { plan, archive: number, upload: Some(upload) };
                return Ok(true);
            };
            let assembly = Assembly { storage, grant, export, number, upload: &upload, archive };
            match assembly.go_on(until).await? {
                Assembled::Whole => {
                    progress.done.bytes_done += archive.size_bytes();
                    progress.stage = Stage::Assemble { plan, archive: number + 1, upload: None };
                }
                Assembled::Partly => {}
                Assembled::Forgotten => {
                    progress.stage = Stage::Assemble { plan, archive: number, upload: None };
                }
                Assembled::Lost(hash) => {
                    storage.abort_archive(grant, &export.id, number, &upload).await?;
                    progress.lost.push(hash);
                    progress.stage = Stage::LayOut;
                }
            }
        }
        Stage::CleanUp { plan } => {
            let StoredPlan { plan, files, missing } = read_json(storage, grant, &export.id, &plan).await?;
            let archives = plan
                .archives()
                .iter()
                .zip(1..)
                .map(|(archive, number)| ExportArchive { number, size_bytes: archive.size_bytes() });
            let mut ready = export.clone();
            ready.finish(archives.collect(), files, missing, storage.now());
            storage.finish_export(grant, &ready, work).await?;
            storage.delete_export_work(grant, &export.id).await?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is left to do for an export that has ended: nobody needs what its worker kept, and nothing at all of one that was cancelled.
async fn clean_up_after_end(
    storage: &Storage,
    grant: &Grant<'_, PrepareExport>,
    request: &ExportRequest,
) -> Result<(), Failure> {
    let Some(export) = storage.find_export(grant.context(), &request.export_id).await? else { return Ok(()) };
    match export.state {
        // Another worker is at it.
        ExportState::Preparing => return Ok(()),
        ExportState::Ready | ExportState::Expired => storage.delete_export_work(grant, &export.id).await?,
        ExportState::Cancelled | ExportState::Failed => {
            if let Some(open) = &export.given_up {
                storage.abort_archive(grant, &export.id, open.number, &open.upload).await?;
            }
            storage.delete_export_objects(grant, &export.id).await?;
        }
    }
    Ok(storage.send_notice_of_export(grant, &export.id).await?)
}

/// Ends an export of which nothing can come. Answers whether it went on until now: where it had ended, somebody else has cleaned up
/// what was looked for.
async fn give_up(
    storage: &Storage,
    grant: &Grant<'_, PrepareExport>,
    request: &ExportRequest,
) -> Result<bool, Failure> {
    const REASON: &str = "Something that is stored could not be read. An operator was told; export again when they have answered.";

    let Some(mut export) = storage.find_export(grant.context(), &request.export_id).await? else {
        return Ok(false);
    };
    let went_on = export.state == ExportState::Preparing;
    let work = storage.find_export_work::<Progress>(grant.context(), &export.id).await?;
    if let Some(work) = work.filter(|_| went_on) {
        export.fail(REASON, work.progress.open_archive(), storage.now());
        match storage.finish_export(grant, &export, &work).await {
            Ok(()) | Err(StorageError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    clean_up_after_end(storage, grant, request).await?;
    Ok(went_on)
}
