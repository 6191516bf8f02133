//! The import worker: an archive or a feed → shows with all that belongs to them.
//!
//! It reads everything before it makes anything, then brings one thing after another. After each step it writes down how far it is;
//! what it makes has an id that is drawn the same each time, and the word of it is written in the same transaction. Killed anywhere and
//! run again, it makes nothing twice. Where it must wait, for a scan or for its time to begin anew, it sends a message to itself.

use std::{collections::BTreeMap, time::Duration};

use domain::{Import, ImportCounts, ImportItemKind, ImportState, OpenUpload};
use fetch::Fetcher;
use lambda_kit::Failure;
use storage::{ImportRequest, ImportWork, Storage, StorageError};
use tenant_context::{Grant, TenantContext, Timestamp, Worker, permission::CarryOutImport};

use crate::{
    gathered::poison,
    import::{
        bring::Bringer,
        plan::{NotRead, Plan},
        progress::{Progress, Stage},
        read_archive::read_archive,
        read_feed::read_feed,
    },
};

/// How long it waits for scans, and before it asks another server again.
const PAUSE: Duration = Duration::from_secs(5);
/// How often another server is asked for a feed.
const MOST_TRIES: u32 = 4;
/// As many things are brought between two notes of how far it is.
const BETWEEN_NOTES: usize = 25;

/// What comes next.
pub(crate) enum Next {
    /// The next step, at once.
    Step,
    /// The same, after a while.
    Wait,
    /// Nothing: it is finished.
    Nothing,
    /// Nothing can come of it, for this reason.
    Fail(String),
}

/// Goes on with the import that `request` names, for about as long as `slice`. One that somebody has ended is cleaned up.
///
/// # Errors
/// [`Failure`] when a store does not do its part; running again goes on from there.
pub async fn carry_out_import(
    storage: &Storage,
    fetcher: &Fetcher,
    request: &ImportRequest,
    slice: Duration,
) -> Result<(), Failure> {
    let context = TenantContext::from_queue(request.tenancy_id.clone(), Worker::Import);
    let grant = context.grant::<CarryOutImport>().map_err(poison)?;
    let until = storage.now().plus(slice);
    // On the heap: it is deep.
    match Box::pin(go_on(storage, &grant, fetcher, request, until)).await {
        // It was ended in the meantime, or another worker is ahead: what the import says now tells which.
        Err(Failure::Storage(StorageError::Conflict)) => clean_up_after_end(storage, &grant, request).await,
        Err(failure @ (Failure::Poison(_) | Failure::Storage(StorageError::Corrupt(_)))) => {
            give_up(storage, &grant, request).await?;
            Err(failure)
        }
        result => result,
    }
}

async fn go_on(
    storage: &Storage,
    grant: &Grant<'_, CarryOutImport>,
    fetcher: &Fetcher,
    request: &ImportRequest,
    until: Timestamp,
) -> Result<(), Failure> {
    let context = grant.context();
    let Some(import) = storage.find_import(context, &request.import_id).await? else { return Ok(()) };
    let work = storage.find_import_work::<Progress>(context, &import.id).await?;
    let Some(mut work) = work.filter(|_| import.state == ImportState::Importing) else {
        return clean_up_after_end(storage, grant, request).await;
    };

    let draws = storage.draws_of_import(grant, &import.id).await?;
    let bringer = Bringer::new(storage, grant, fetcher, &import, draws);
    loop {
        let open = work.progress.open_upload();
        let next = Box::pin(advance(&bringer, &import, &mut work, until)).await?;
        match next {
            Next::Nothing => break,
            Next::Fail(reason) => {
                let mut failed = import.clone();
                failed.fail(&reason, open, storage.now());
                storage.finish_import(grant, &failed).await?;
                break;
            }
            Next::Wait => {
                write_down(storage, grant, &import, &mut work, open).await?;
                return Ok(storage.request_import(request, PAUSE).await?);
            }
            Next::Step => {
                write_down(storage, grant, &import, &mut work, open).await?;
                if storage.now() >= until {
                    return Ok(storage.request_import(request, Duration::ZERO).await?);
                }
            }
        }
    }
    clean_up_after_end(storage, grant, request).await
}

/// Writes down how far it is. `open` was so before the step.
async fn write_down(
    storage: &Storage,
    grant: &Grant<'_, CarryOutImport>,
    import: &Import,
    work: &mut ImportWork<Progress>,
    open: Option<OpenUpload>,
) -> Result<(), Failure> {
    match storage.save_import_work(grant, &import.id, work).await {
        Err(error @ StorageError::Conflict) => {
            // Nobody else knows of an upload that was opened just now.
            if let Some(opened) = work.progress.open_upload().filter(|opened| open.as_ref() != Some(opened)) {
                storage.abort_import_upload(grant, &opened.upload, &opened.multipart).await?;
            }
            Err(error.into())
        }
        result => Ok(result?),
    }
}

/// Does the next step.
async fn advance(
    bringer: &Bringer<'_>,
    import: &Import,
    work: &mut ImportWork<Progress>,
    until: Timestamp,
) -> Result<Next, Failure> {
    if work.progress.stage == Stage::Read {
        return read(bringer, import, &mut work.progress).await;
    }
    let plan = bringer.plan(work.progress.plan.as_ref()).await?;
    match work.progress.stage.clone() {
        Stage::Read => Ok(Next::Step),
        Stage::Media { .. } => bringer.bring_media(plan, work, until).await,
        Stage::Groups { next } => {
            let next =
                some(bringer, next, &plan.groups, until, async |group| bringer.bring_group(group).await);
            work.progress.turn_to(next.await?, |next| Stage::Groups { next }, Stage::Shows { next: 0 })
        }
        Stage::Shows { next } => {
            let next = some(bringer, next, &plan.shows, until, async |show| bringer.bring_show(show).await);
            work.progress.turn_to(next.await?, |next| Stage::Shows { next }, Stage::Episodes { next: 0 })
        }
        Stage::Episodes { next } => {
            let next = some(bringer, next, &plan.episodes, until, async |episode| {
                bringer.bring_episode(episode).await
            });
            work.progress.turn_to(next.await?, |next| Stage::Episodes { next }, Stage::Listeners { next: 0 })
        }
        Stage::Listeners { next } => {
            let next =
                some(bringer, next, &plan.listeners, until, async |one| bringer.bring_listener(one).await);
            work.progress.turn_to(next.await?, |next| Stage::Listeners { next }, Stage::Finish)
        }
        Stage::Finish => finish(bringer, import, plan).await,
    }
}

async fn read(bringer: &Bringer<'_>, import: &Import, progress: &mut Progress) -> Result<Next, Failure> {
    let read = match import.source.feed() {
        None => read_archive(bringer, import).await,
        Some(options) => read_feed(bringer, import, options).await,
    };
    let plan = match read {
        Ok(plan) => plan,
        Err(NotRead::Refused(reason)) => return Ok(Next::Fail(reason)),
        Err(NotRead::Later(reason)) => {
            progress.tries += 1;
            return Ok(if progress.tries < MOST_TRIES { Next::Wait } else { Next::Fail(reason) });
        }
        Err(NotRead::Failed(failure)) => return Err(failure),
    };
    progress.done.things = Some(plan.things());
    progress.plan = Some(bringer.keep(plan).await?);
    progress.stage = Stage::Media { next: 0, underway: Vec::new() };
    Ok(Next::Step)
}

/// Brings the next of `all`. Answers how many are done.
async fn some<T>(
    bringer: &Bringer<'_>,
    from: usize,
    all: &[T],
    until: Timestamp,
    bring: impl AsyncFn(&T) -> Result<(), Failure>,
) -> Result<Brought, Failure> {
    let mut next = from;
    for one in all.iter().skip(from).take(BETWEEN_NOTES) {
        if bringer.storage.now() >= until {
            break;
        }
        bring(one).await?;
        next += 1;
    }
    Ok(Brought { from, next, is_last: next >= all.len() })
}

/// What was brought in one step.
struct Brought {
    from: usize,
    next: usize,
    is_last: bool,
}

impl Progress {
    fn turn_to(
        &mut self,
        some: Brought,
        same: impl FnOnce(usize) -> Stage,
        after: Stage,
    ) -> Result<Next, Failure> {
        let brought = u64::try_from(some.next.saturating_sub(some.from)).unwrap_or_default();
        self.done.things_done = self.done.things_done.saturating_add(brought);
        self.stage = if some.is_last { after } else { same(some.next) };
        Ok(Next::Step)
    }
}

/// Counts what came.
async fn finish(bringer: &Bringer<'_>, import: &Import, plan: &Plan) -> Result<Next, Failure> {
    let (storage, grant) = (bringer.storage, bringer.grant);
    for item in &plan.left_out {
        storage.note_import_item(grant, &import.id, item).await?;
    }
    let items = storage.list_all_import_items(grant, &import.id).await?;
    let mut counts: BTreeMap<ImportItemKind, ImportCounts> = BTreeMap::new();
    for item in &items {
        counts.entry(item.kind).or_default().add(item.outcome);
    }
    bringer.have_feeds_rendered().await?;
    let mut finished = import.clone();
    finished.finish(counts, plan.notes.clone(), storage.now());
    storage.finish_import(grant, &finished).await?;
    Ok(Next::Nothing)
}

/// What is left to do for an import that has ended: nobody needs what was sent and kept for it.
async fn clean_up_after_end(
    storage: &Storage,
    grant: &Grant<'_, CarryOutImport>,
    request: &ImportRequest,
) -> Result<(), Failure> {
    let Some(import) = storage.find_import(grant.context(), &request.import_id).await? else { return Ok(()) };
    // Another worker is at it.
    if import.goes_on() {
        return Ok(());
    }
    if let Some(open) = &import.given_up {
        give_up_upload(storage, grant, open).await?;
    }
    storage.delete_import_objects(grant, &import).await?;
    Ok(storage.send_notice_of_import(grant, &import.id).await?)
}

/// Has S3 forget what was sent of an upload. One that was made has all its bytes, and goes on without the import.
async fn give_up_upload(
    storage: &Storage,
    grant: &Grant<'_, CarryOutImport>,
    open: &OpenUpload,
) -> Result<(), StorageError> {
    match storage.find_upload(grant.context(), &open.upload).await? {
        Some(_) => storage.finish_import_upload(grant, &open.upload, &open.multipart).await,
        None => storage.abort_import_upload(grant, &open.upload, &open.multipart).await,
    }
}

/// Ends an import of which nothing more can come.
async fn give_up(
    storage: &Storage,
    grant: &Grant<'_, CarryOutImport>,
    request: &ImportRequest,
) -> Result<(), Failure> {
    const REASON: &str =
        "Something that is stored could not be read. An operator was told; what had come by then stays.";

    let Some(mut import) = storage.find_import(grant.context(), &request.import_id).await? else {
        return Ok(());
    };
    if import.goes_on() {
        let work = match storage.find_import_work::<Progress>(grant.context(), &import.id).await {
            // Of what cannot be read, S3 forgets the parts after a week.
            Err(StorageError::Corrupt(_)) => None,
            work => work?,
        };
        import.fail(REASON, work.and_then(|work| work.progress.open_upload()), storage.now());
        match storage.finish_import(grant, &import).await {
            Ok(()) | Err(StorageError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    clean_up_after_end(storage, grant, request).await
}
