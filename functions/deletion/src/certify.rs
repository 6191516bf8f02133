//! The end of an exit: the certificate, and the lists of leaves from which its trees can be computed again.

use certificate::{
    Certificate, Decision, FORMAT, Kept, KeyDestruction, Moment, Outcome, PublicKey, StoreDestruction,
    Technique, Tree, Unsigned, Verification,
};
use domain::{Deletion, DoomedKey, GoneDates, Store};
use lambda_kit::Failure;
use storage::{Storage, StoreLeaves, Work, certificate_object};
use tenant_context::Timestamp;

const SECONDS_A_DAY: u64 = 24 * 60 * 60;
/// How long the bucket of anchors keeps each.
const ANCHORS_KEPT_DAYS: u64 = 401;

/// Writes all of it. May be killed anywhere and run again: what was written first counts.
///
/// # Errors
/// [`Failure`] when a store does not do its part, or what was done does not go together.
pub(crate) async fn certify(storage: &Storage, operator: &str, work: &Work<'_>) -> Result<(), Failure> {
    let exit = work.deletion;
    let leaves = storage.leaves_of_exit(work).await?;
    let certificate = write(exit, &leaves, operator, work.as_of)?;
    let key = PublicKey::from_public_key_info(&storage.certificate_key().await?).map_err(failed)?;
    let unsigned = Unsigned::new(certificate, key.id()).map_err(failed)?;
    let signature = storage.sign_certificate(work.grant, unsigned.digest()).await?;
    let signed = unsigned.sign_with(&signature).map_err(failed)?.to_json().map_err(failed)?;

    for of_store in &leaves {
        let lines: Vec<String> = of_store.hashes.iter().map(ToString::to_string).collect();
        let name = format!("leaves/{}/{}.txt", exit.id, name_of(of_store.store));
        storage.keep_for_good(work, &name, "text/plain", lines.join("\n").into_bytes()).await?;
    }
    let name = certificate_object(&exit.id);
    storage.keep_for_good(work, &name, "application/json", signed.into_bytes()).await?;
    end(storage, work).await
}

/// What is left to do where the certificate is there already: the tables were restored since, and emptied anew.
///
/// # Errors
/// [`Failure`] when a store does not do its part.
pub(crate) async fn end(storage: &Storage, work: &Work<'_>) -> Result<(), Failure> {
    storage.mark_erased(work).await?;
    storage.forget_notes(work).await?;
    Ok(())
}

fn write(
    exit: &Deletion,
    leaves: &[StoreLeaves],
    operator: &str,
    issued_at: Timestamp,
) -> Result<Certificate, Failure> {
    let lacks = |what: &str| Failure::Poison(format!("an exit that is to be certified has no {what}"));
    let verified_at = exit.verified_at.ok_or_else(|| lacks("count"))?;
    let DoomedKey { key_id, destroyed_at } = exit.key.clone().ok_or_else(|| lacks("key"))?;
    let scheduled_at = exit.key_begun_at.ok_or_else(|| lacks("key"))?;
    let due_at = exit.due_at.ok_or_else(|| lacks("day"))?;
    let approved_by = exit.approved_by.as_ref().ok_or_else(|| lacks("approval"))?;
    let approved_at = exit.approved_at.ok_or_else(|| lacks("approval"))?;
    let backups_gone_at = GoneDates::actual(verified_at, Some(destroyed_at)).backups_gone_at;
    let tenancy = exit.subject.id().to_owned();

    Ok(Certificate {
        format: FORMAT.to_owned(),
        deletion_id: exit.id.to_string(),
        generation: exit.generation,
        tenancy_id: tenancy.clone(),
        scope: "tenancy".to_owned(),
        subject_id: tenancy,
        outcome: Outcome::Erased,
        requested: Decision { by: exit.requested_by.to_string(), at: moment(exit.requested_at)? },
        approved: Some(Decision { by: approved_by.to_string(), at: moment(approved_at)? }),
        retention_days: u64::from(exit.retention.days()),
        due_at: moment(due_at)?,
        stores: exit
            .report
            .iter()
            .map(|report| {
                let mut tree = Tree::new();
                let of_store = leaves.iter().filter(|leaves| leaves.store == report.store);
                of_store.flat_map(|leaves| &leaves.hashes).for_each(|leaf| tree.append_hash(*leaf));
                let count = report.count.as_ref();
                StoreDestruction {
                    store: name_of(report.store).to_owned(),
                    items: report.destroyed.items,
                    versions: report.destroyed.versions,
                    bytes: report.destroyed.bytes,
                    leaves: tree.leaves(),
                    root: tree.root(),
                    technique: technique(report.store),
                    method: method(report.store).to_owned(),
                    verification: Verification {
                        remaining: report.remaining(),
                        counted_by: count.map(|count| count.counted_by.clone()).unwrap_or_default(),
                    },
                }
            })
            .collect(),
        not_destroyed: Vec::new(),
        kept: kept(issued_at)?,
        verified_at: moment(verified_at)?,
        passes: u64::from(exit.pass),
        key: Some(KeyDestruction {
            key_id,
            scheduled_at: moment(scheduled_at)?,
            destroyed_at: moment(destroyed_at)?,
        }),
        backups_gone_at: moment(backups_gone_at)?,
        software: format!("Castkeep deletion-worker {}", env!("CARGO_PKG_VERSION")),
        operator: operator.to_owned(),
        issued_at: moment(issued_at)?,
    })
}

/// What is left on purpose, and for how long.
fn kept(issued_at: Timestamp) -> Result<Vec<Kept>, Failure> {
    let kept = |what: &str, why: &str, until: Option<Timestamp>| -> Result<Kept, Failure> {
        let until = until.map(moment).transpose()?;
        Ok(Kept { what: what.to_owned(), why: why.to_owned(), until })
    };
    let in_days = |days: u64| issued_at.plus(std::time::Duration::from_secs(days * SECONDS_A_DAY));
    Ok(vec![
        kept(
            "tombstones: ids, dates, counts and who decided, by id",
            "so that what was erased stays erased when a table is restored",
            None,
        )?,
        kept(
            "the slugs of public shows, with ids and where the feed is now",
            "so that apps are told where to go or to stop asking, and nobody else takes the address over",
            None,
        )?,
        kept(
            "anchors of the audit log: hashes and counts, no personal data",
            "they are locked against everybody, and encrypted under the key that is destroyed",
            Some(in_days(ANCHORS_KEPT_DAYS)),
        )?,
        kept(
            "ended sessions: ids, no names",
            "they ended with the exit, and the table takes them away by itself",
            Some(in_days(2)),
        )?,
    ])
}

fn technique(store: Store) -> Technique {
    match store {
        Store::UploadBucket | Store::MediaBucket | Store::FeedBucket | Store::ExportBucket => {
            Technique::CryptographicErase
        }
        Store::TenantTable | Store::DirectoryTable | Store::UserPool => Technique::Clear,
    }
}

fn method(store: Store) -> &'static str {
    match store {
        Store::UploadBucket | Store::MediaBucket | Store::FeedBucket | Store::ExportBucket => {
            "Every version and delete marker was deleted by its id, and the key that encrypted them is destroyed."
        }
        Store::UserPool => {
            "Every account that belonged to no other tenancy was deleted, and the tenancy's provider."
        }
        Store::TenantTable => {
            "Every item was deleted; names and addresses were sealed under the key that is destroyed."
        }
        Store::DirectoryTable => {
            "Every entry that let somebody in, and all access and activity, was deleted."
        }
    }
}

fn name_of(store: Store) -> &'static str {
    match store {
        Store::UploadBucket => "upload_bucket",
        Store::MediaBucket => "media_bucket",
        Store::FeedBucket => "feed_bucket",
        Store::ExportBucket => "export_bucket",
        Store::UserPool => "user_pool",
        Store::TenantTable => "tenant_table",
        Store::DirectoryTable => "directory_table",
    }
}

fn moment(at: Timestamp) -> Result<Moment, Failure> {
    at.to_string().parse().map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Poison(error.to_string())
}
