//! Legal holds: what must not be destroyed, whoever asks for it and whatever day it is.
//!
//! Whatever destroys asks [`Storage::clear`] right before, and what it writes is on the condition that no hold was placed or released
//! since. Holds have a partition of their own, whose first item counts their changes; the partition is read from that item on, so a
//! hold that is placed while it is read changes what was read first.

use domain::{Deletion, DeletionSubject, LegalHold, Order, Refusal};
use serde::Deserialize;
use tenant_context::{
    Grant, TenancyId, TenantContext, Timestamp,
    permission::{CarryOutDeletion, ManageLegalHolds},
};

use crate::{
    DeletionRecord, Page, PageRequest, Storage, StorageError,
    deletions::home,
    keys::{Collection, HOLDS_VERSION},
    transaction::Change,
};

/// What is in the partition of holds.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Hold(LegalHold),
    Version { version: u64 },
}

/// The holds of a tenancy, as they were at one moment.
#[derive(Default)]
pub(crate) struct Holds {
    all: Vec<LegalHold>,
    version: u64,
}

/// Says that nothing held a deletion's next item a moment ago, and what must not have changed since.
#[derive(Debug)]
pub(crate) struct Clearance {
    pub(crate) deletion: DeletionRecord,
    pub(crate) holds_version: u64,
}

/// How often a tenancy's holds had changed when they were read.
pub(crate) struct HoldsVersion(u64);

impl Holds {
    /// Brings what `deletion` says of holds up to now.
    fn tell(self, deletion: &mut Deletion, now: Timestamp) -> Result<(), Refusal> {
        let stops: Vec<_> = self.all.into_iter().filter(|hold| hold.stops(&deletion.subject)).collect();
        let known: Vec<DeletionSubject> = deletion.holds.iter().map(|hold| hold.subject.clone()).collect();
        for subject in known.iter().filter(|subject| stops.iter().all(|hold| hold.subject != **subject)) {
            deletion.release(subject, now)?;
        }
        let is_new = |hold: &LegalHold| !deletion.holds.contains(hold);
        for hold in stops.into_iter().filter(is_new).collect::<Vec<_>>() {
            deletion.hold(hold)?;
        }
        Ok(())
    }
}

impl Change<'_> {
    /// On the condition that no hold was placed or released since.
    pub(crate) fn while_not_held(&mut self, holds: &HoldsVersion) -> Result<&mut Self, StorageError> {
        self.check_version(Collection::LegalHolds, HOLDS_VERSION, holds.0)
    }

    /// On the condition that the deletion goes on as it was, and that no hold was placed or released since.
    pub(crate) fn while_clear(&mut self, clearance: &Clearance) -> Result<&mut Self, StorageError> {
        let deletion = &clearance.deletion;
        self.check_version(home(&deletion.deletion.subject), deletion.deletion.id.as_str(), deletion.version)?
            .check_version(Collection::LegalHolds, HOLDS_VERSION, clearance.holds_version)
    }
}

impl Storage {
    /// Places a hold. One of the same subject takes the place of the one before.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn place_hold(
        &self,
        grant: &Grant<'_, ManageLegalHolds>,
        hold: &LegalHold,
    ) -> Result<(), StorageError> {
        let id = hold.subject.id();
        let mut change = Change::new(self, grant, id)?;
        change.detail("hold", &"placed")?.put(Collection::LegalHolds, id, hold)?.holds_changed()?;
        change.commit().await
    }

    /// Releases the hold of what has this id. Answers whether there was one.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody else does the same at this moment.
    pub async fn release_hold(
        &self,
        grant: &Grant<'_, ManageLegalHolds>,
        id: &str,
    ) -> Result<bool, StorageError> {
        let is_another_tenancy = id.parse::<TenancyId>().is_ok_and(|id| id != *grant.context().tenancy());
        if is_another_tenancy {
            return Ok(false);
        }
        let found: Option<LegalHold> = self.find(grant.context(), Collection::LegalHolds, id).await?;
        if found.is_none() {
            return Ok(false);
        }
        let mut change = Change::new(self, grant, id)?;
        change.detail("hold", &"released")?.delete(Collection::LegalHolds, id)?.holds_changed()?;
        change.commit().await.map(|()| true)
    }

    /// Lists what is held.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_holds(
        &self,
        context: &TenantContext,
        request: &PageRequest,
    ) -> Result<Page<LegalHold>, StorageError> {
        let after = request.after.clone().or_else(|| Some(HOLDS_VERSION.to_owned()));
        self.list(context, Collection::LegalHolds, &PageRequest { after, ..*request }).await
    }

    /// The deletion with the holds that stop it by now.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn with_holds(
        &self,
        context: &TenantContext,
        mut record: DeletionRecord,
        now: Timestamp,
    ) -> Result<DeletionRecord, StorageError> {
        let is_beyond = record.deletion.state.is_final() || record.deletion.key_begun_at.is_some();
        if !is_beyond {
            let told = self.read_holds(context).await?.tell(&mut record.deletion, now);
            told.map_err(StorageError::corrupt)?;
        }
        Ok(record)
    }

    /// All holds of the tenancy.
    ///
    /// # Errors
    /// [`StorageError`] when the store does not answer.
    pub async fn list_all_holds(&self, context: &TenantContext) -> Result<Vec<LegalHold>, StorageError> {
        Ok(self.read_holds(context).await?.all)
    }

    /// Whether the next item of `order` may be destroyed: to be asked before each. Everything is read anew.
    ///
    /// # Errors
    /// [`StorageError::Held`] when a hold stops it, [`StorageError::Conflict`] when the order is not what is due any more.
    pub(crate) async fn clear(
        &self,
        grant: &Grant<'_, CarryOutDeletion>,
        order: &Order,
    ) -> Result<Clearance, StorageError> {
        let context = grant.context();
        let record = self.find_deletion(context, &order.deletion_id).await?.ok_or(StorageError::Conflict)?;
        let holds = self.read_holds(context).await?;
        let holds_version = holds.version;
        let mut as_held = record.deletion.clone();
        let refused = holds.tell(&mut as_held, self.now()).and_then(|()| as_held.may_destroy(order));
        match refused {
            Ok(()) => Ok(Clearance { deletion: record, holds_version }),
            Err(Refusal::Held { subject, .. }) => Err(StorageError::Held(subject.to_string())),
            Err(_) => Err(StorageError::Conflict),
        }
    }

    /// Whether `subject` may be destroyed by whoever does so without a deletion. The change is on the condition of what this answers.
    ///
    /// # Errors
    /// [`StorageError::Held`] when a hold stops it.
    pub(crate) async fn check_not_held(
        &self,
        context: &TenantContext,
        subject: &DeletionSubject,
    ) -> Result<HoldsVersion, StorageError> {
        let holds = self.read_holds(context).await?;
        match holds.all.iter().find(|hold| hold.stops(subject)) {
            Some(hold) => Err(StorageError::Held(hold.subject.to_string())),
            None => Ok(HoldsVersion(holds.version)),
        }
    }

    async fn read_holds(&self, context: &TenantContext) -> Result<Holds, StorageError> {
        let mut holds = Holds::default();
        for stored in self.list_all(context, Collection::LegalHolds).await? {
            match stored {
                Stored::Hold(hold) => holds.all.push(hold),
                Stored::Version { version } => holds.version = version,
            }
        }
        Ok(holds)
    }
}
