//! From the wish to delete something to the proof that nothing of it is left.
//!
//! ```text
//! a tenancy:          requested ─→ closing ─→ sealed ─→ erasing ⇄ verifying ─→ erased
//! a show, an episode: soft_deleted ──────────────────↗      ↘  ↙
//! a person:           ──────────────────────────────↗      partial
//! ```
//!
//! `requested` may end as `lapsed`; it, `closing` and `soft_deleted` as `cancelled`. Who works on a deletion is given an [`Order`],
//! asks [`Deletion::may_destroy`] before each item, and says what came of it. An order is of one generation and one pass: what an
//! older one says changes nothing. Nothing here depends on an order or an answer arriving: [`Deletion::advance`], called by each
//! tick of the schedule, says anew what is due.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::{DeletionId, IncidentId, MemberId, Timestamp};

use crate::{
    Count, DeletionScope, DeletionSubject, Destroyed, FailedItem, GoneDates, LegalHold, MOST_FAILED_NAMED,
    Reminder, Retention, Store, StoreReport,
};

/// A request for an exit that no second owner has approved by then has lapsed.
pub const APPROVED_WITHIN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// An owner who asks for an exit, or approves it, showed a second factor more recently than this.
pub const SECOND_FACTOR_WITHIN: Duration = Duration::from_secs(5 * 60);

/// What was allowed before the writing stopped may go on for this long: credentials and links that were given out. What is counted
/// earlier proves nothing.
pub const WRITES_SETTLE_AFTER: Duration = Duration::from_secs(60 * 60);

/// A step without a word for this long has failed.
pub const STALLED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// How often a step may fail, before people must look.
pub const MOST_TRIES: u32 = 5;

/// After how many passes that leave something behind people must look.
pub const MOST_PASSES: u32 = 5;

/// A deletion, from the request to the proof.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Deletion {
    /// Its name inside the tenancy.
    pub id: DeletionId,
    /// What is deleted.
    pub subject: DeletionSubject,
    /// Counts the deletions of the same subject, from 1.
    pub generation: u64,
    /// How far it got.
    pub state: DeletionState,
    /// When it got there.
    pub state_changed_at: Timestamp,
    /// Every state that it was in, in order; the last is the present one.
    pub history: Vec<DeletionStage>,
    /// Who asked for it.
    pub requested_by: MemberId,
    /// When.
    pub requested_at: Timestamp,
    /// The second owner, where one must agree.
    pub approved_by: Option<MemberId>,
    /// When they agreed.
    pub approved_at: Option<Timestamp>,
    /// Who took it back.
    pub cancelled_by: Option<MemberId>,
    /// How long can be taken back what was asked for.
    pub retention: Retention,
    /// The day: until then it can be taken back, and from then on it is destroyed. None before it is approved.
    pub due_at: Option<Timestamp>,
    /// The most urgent reminder that was sent.
    pub reminded: Option<Reminder>,
    /// What keeps it from destroying anything.
    pub holds: Vec<LegalHold>,
    /// Since when nothing new is allowed to be written.
    pub writes_stopped_at: Option<Timestamp>,
    /// The stores where something of the subject may be, in the order in which they are emptied.
    pub stores: Vec<Store>,
    /// What is to be done next, once destruction has begun.
    pub step: Option<Step>,
    /// Counts how often the work was begun anew; orders of an earlier pass are void.
    pub pass: u32,
    /// How many passes left something behind.
    pub futile_passes: u32,
    /// How often the present step failed.
    pub tries: u32,
    /// When somebody who works on it was last heard of.
    pub heard_at: Timestamp,
    /// What became of each store.
    pub report: Vec<StoreReport>,
    /// When every store was counted and nothing was left.
    pub verified_at: Option<Timestamp>,
    /// When KMS was about to be told to destroy the key. From then on nothing can be held.
    pub key_begun_at: Option<Timestamp>,
    /// The key, once KMS will destroy it.
    pub key: Option<DoomedKey>,
    /// Why it is `partial`, in one plain sentence.
    pub problem: Option<String>,
    /// The incident that was opened when it became `partial`.
    pub incident_id: Option<IncidentId>,
}

/// How far a deletion got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeletionState {
    /// Waits for a second owner.
    Requested,
    /// No second owner agreed in time.
    Lapsed,
    /// A tenancy that leaves: feeds are up, exports work, nothing new is written.
    Closing,
    /// Out of sight, and can be restored.
    SoftDeleted,
    /// Taken back, and everything is as it was.
    Cancelled,
    /// A tenancy whose day has come: API and media are gone.
    Sealed,
    /// Store by store is emptied.
    Erasing,
    /// Every store is counted; then the key goes and the certificate is written.
    Verifying,
    /// Nothing is left, and that was counted.
    Erased,
    /// Something could not be done. People look into it.
    Partial,
}

/// A state that a deletion was in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct DeletionStage {
    /// The state.
    pub state: DeletionState,
    /// When it got there.
    pub at: Timestamp,
}

/// What an owner asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeletion {
    /// The deletion's id.
    pub id: DeletionId,
    /// What is to be deleted.
    pub subject: DeletionSubject,
    /// How long it can be taken back.
    pub retention: Retention,
    /// All holds there are in the tenancy. Those that stop this deletion are kept with it.
    pub holds: Vec<LegalHold>,
}

/// Somebody who decides, and when they showed a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decider<'a> {
    /// Who.
    pub member: &'a MemberId,
    /// When they showed a second factor, if they did.
    pub mfa_at: Option<Timestamp>,
}

/// A thing to do. Each can be done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Take API and media away; feeds answer that they are gone, or where they are now.
    Seal,
    /// Empty a store.
    Erase(Store),
    /// Count what is left in every store.
    Verify,
    /// Have KMS destroy the key.
    ScheduleKey,
    /// Write the tombstone and the certificate.
    Certify,
}

/// Work to be done, as a queue message carries it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Order {
    /// Of which deletion.
    pub deletion_id: DeletionId,
    /// In its generation.
    pub generation: u64,
    /// In its pass.
    pub pass: u32,
    /// What is to be done.
    pub step: Step,
}

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Remind the owners, then say so with [`Deletion::reminded`].
    Remind(Reminder),
    /// Queue this.
    Work(Order),
    /// Open an incident, then say so with [`Deletion::incident_opened`].
    Incident,
}

/// A key that KMS will destroy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct DoomedKey {
    /// Its id.
    pub key_id: String,
    /// When it is destroyed, as KMS says.
    pub destroyed_at: Timestamp,
}

/// Why something is not done. Reads as one plain sentence. To a worker each of them says: leave this order, what is due is ordered
/// anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum Refusal {
    #[error("it is being deleted already, by {0}")]
    UnderWay(DeletionId),
    #[error("it was deleted already, by {0}")]
    Gone(DeletionId),
    #[error("show your second factor again: it must not be older than five minutes")]
    SecondFactor,
    #[error("another owner than the one who asked for it must approve")]
    SameOwner,
    #[error("it does not wait for approval")]
    NotAwaitingApproval,
    #[error("it was not approved within seven days; ask for it again")]
    Lapsed,
    #[error("the day has come: it cannot be taken back any more")]
    TooLate,
    #[error("it has ended")]
    Over,
    #[error("the order is of an earlier generation or pass")]
    Stale,
    #[error("the order is not for what is due")]
    OutOfOrder,
    #[error("{subject} is held: {reason}")]
    Held { subject: DeletionSubject, reason: String },
    #[error("it is not held")]
    NotHeld,
    #[error("the hold is on something else")]
    HeldElsewhere,
    #[error("the key is being destroyed: there is nothing left to hold")]
    NothingLeftToHold,
    #[error("what was allowed before may still be writing")]
    Unsettled,
    #[error("not every store was counted")]
    Uncounted,
    #[error("there is nothing to take up again")]
    NotPartial,
}

impl Deletion {
    /// Somebody asks for a deletion. `previous` is the last one of the same subject.
    ///
    /// An exit then waits for a second owner, a show or an episode is out of sight, and of a person everything goes at once.
    ///
    /// # Errors
    /// [`Refusal::UnderWay`], [`Refusal::Gone`], and for an exit [`Refusal::SecondFactor`].
    pub fn request(
        new: NewDeletion,
        by: Decider<'_>,
        previous: Option<&Self>,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let scope = new.subject.scope();
        match previous {
            Some(previous) if previous.state == DeletionState::Erased => {
                return Err(Refusal::Gone(previous.id.clone()));
            }
            Some(previous) if !previous.state.is_final() => {
                return Err(Refusal::UnderWay(previous.id.clone()));
            }
            _ => {}
        }
        if scope == DeletionScope::Tenancy {
            by.check_second_factor(now)?;
        }

        let stores = Store::of(scope);
        let holds = new.holds.into_iter().filter(|hold| hold.stops(&new.subject)).collect();
        let (state, due_at) = match scope {
            DeletionScope::Tenancy => (DeletionState::Requested, None),
            DeletionScope::Show | DeletionScope::Episode => {
                (DeletionState::SoftDeleted, Some(new.retention.end(now)))
            }
            DeletionScope::Person => (DeletionState::Erasing, Some(now)),
        };
        let mut deletion = Self {
            id: new.id,
            subject: new.subject,
            generation: previous.map_or(0, |previous| previous.generation).saturating_add(1),
            state,
            state_changed_at: now,
            history: vec![DeletionStage { state, at: now }],
            requested_by: by.member.clone(),
            requested_at: now,
            approved_by: None,
            approved_at: None,
            cancelled_by: None,
            retention: new.retention,
            due_at,
            reminded: None,
            holds,
            writes_stopped_at: due_at.map(|_| now),
            report: stores.iter().copied().map(StoreReport::new).collect(),
            stores,
            step: None,
            pass: 0,
            futile_passes: 0,
            tries: 0,
            heard_at: now,
            verified_at: None,
            key_begun_at: None,
            key: None,
            problem: None,
            incident_id: None,
        };
        if state == DeletionState::Erasing {
            deletion.begin_pass(now);
        }
        Ok(deletion)
    }

    /// A second owner agrees to an exit: the tenancy closes.
    ///
    /// # Errors
    /// [`Refusal::NotAwaitingApproval`], [`Refusal::Lapsed`], [`Refusal::SameOwner`] or [`Refusal::SecondFactor`].
    pub fn approve(&mut self, by: Decider<'_>, now: Timestamp) -> Result<(), Refusal> {
        match self.state {
            DeletionState::Requested if self.lapses_at() <= now => return Err(Refusal::Lapsed),
            DeletionState::Requested => {}
            DeletionState::Lapsed => return Err(Refusal::Lapsed),
            _ => return Err(Refusal::NotAwaitingApproval),
        }
        if *by.member == self.requested_by {
            return Err(Refusal::SameOwner);
        }
        by.check_second_factor(now)?;

        self.approved_by = Some(by.member.clone());
        self.approved_at = Some(now);
        self.due_at = Some(self.retention.end(now));
        self.enter(DeletionState::Closing, now);
        Ok(())
    }

    /// Somebody takes it back. A show or an episode is restored by this.
    ///
    /// # Errors
    /// [`Refusal::TooLate`] from the day on, [`Refusal::Over`] when there is nothing to take back.
    pub fn cancel(&mut self, by: &MemberId, now: Timestamp) -> Result<(), Refusal> {
        match self.state {
            DeletionState::Requested => {}
            DeletionState::Closing | DeletionState::SoftDeleted => {
                if self.due_at.is_some_and(|due_at| due_at <= now) {
                    return Err(Refusal::TooLate);
                }
            }
            DeletionState::Lapsed | DeletionState::Cancelled | DeletionState::Erased => {
                return Err(Refusal::Over);
            }
            _ => return Err(Refusal::TooLate),
        }

        self.cancelled_by = Some(by.clone());
        self.enter(DeletionState::Cancelled, now);
        Ok(())
    }

    /// Does what the time asks for, and answers what is due. May be called as often as one likes, and late.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Due> {
        let is_due = self.due_at.is_some_and(|due_at| due_at <= now);
        match self.state {
            DeletionState::Requested if self.lapses_at() <= now => self.enter(DeletionState::Lapsed, now),
            DeletionState::Closing if is_due => {
                self.enter(DeletionState::Sealed, now);
                self.begin(Step::Seal, now);
            }
            DeletionState::SoftDeleted if is_due && self.holds.is_empty() => self.begin_pass(now),
            _ => {}
        }
        if self.is_stalled(now) {
            self.count_failure("Nothing was heard of it for a day.", now);
        }

        let reminder = self.reminder(now).map(Due::Remind);
        let is_untold = self.state == DeletionState::Partial && self.incident_id.is_none();
        let work = self.order(now).map(Due::Work);
        reminder.into_iter().chain(is_untold.then_some(Due::Incident)).chain(work).collect()
    }

    /// The reminder was sent. Those that are less urgent are not sent any more.
    pub fn reminded(&mut self, reminder: Reminder) {
        self.reminded = self.reminded.max(Some(reminder));
    }

    /// The incident was opened.
    pub fn incident_opened(&mut self, incident: IncidentId) {
        if self.state == DeletionState::Partial {
            self.incident_id = Some(incident);
        }
    }

    /// The work that is due, unless it is held or must wait.
    pub fn order(&self, now: Timestamp) -> Option<Order> {
        let step = self.step.filter(|_| self.state.is_at_work())?;
        let must_wait = match step {
            Step::Seal | Step::Certify => false,
            Step::Verify => !self.holds.is_empty() || !self.is_settled(now),
            Step::Erase(_) | Step::ScheduleKey => !self.holds.is_empty(),
        };
        let order =
            Order { deletion_id: self.id.clone(), generation: self.generation, pass: self.pass, step };
        (!must_wait).then_some(order)
    }

    /// Whether the next item of this order may be destroyed. To be asked of the record as it is stored then, before each item.
    ///
    /// # Errors
    /// [`Refusal::Stale`], [`Refusal::OutOfOrder`] or [`Refusal::Held`].
    pub fn may_destroy(&self, order: &Order) -> Result<(), Refusal> {
        self.check(order, |step| matches!(step, Step::Erase(_)))?;
        self.check_holds()
    }

    /// Somebody is still at it.
    ///
    /// # Errors
    /// [`Refusal::Stale`] or [`Refusal::OutOfOrder`].
    pub fn progressed(&mut self, order: &Order, now: Timestamp) -> Result<(), Refusal> {
        self.check(order, |_| true)?;
        self.heard_at = now.max(self.heard_at);
        Ok(())
    }

    /// API and media are gone, and with them whatever could write.
    ///
    /// # Errors
    /// [`Refusal::Stale`] or [`Refusal::OutOfOrder`].
    pub fn sealed(&mut self, order: &Order, now: Timestamp) -> Result<(), Refusal> {
        self.check(order, |step| step == Step::Seal)?;
        self.writes_stopped_at = Some(now);
        self.begin_pass(now);
        Ok(())
    }

    /// A store was gone through to its end. `destroyed` is of all passes together; `failed` of this one.
    ///
    /// # Errors
    /// [`Refusal::Stale`] or [`Refusal::OutOfOrder`].
    pub fn erased(
        &mut self,
        order: &Order,
        destroyed: Destroyed,
        failed: &[FailedItem],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.check(order, |step| matches!(step, Step::Erase(_)))?;
        let Step::Erase(store) = order.step else { return Err(Refusal::OutOfOrder) };

        if let Some(report) = self.report.iter_mut().find(|report| report.store == store) {
            report.destroyed = destroyed;
            report.failures = u64::try_from(failed.len()).unwrap_or(u64::MAX);
            report.failed = failed.iter().take(MOST_FAILED_NAMED).cloned().collect();
        }
        let next = self.stores.iter().skip_while(|other| **other != store).nth(1).copied();
        match next {
            Some(next) => self.begin(Step::Erase(next), now),
            None => {
                self.enter(DeletionState::Verifying, now);
                self.begin(Step::Verify, now);
            }
        }
        Ok(())
    }

    /// What is left was counted, in every store. Nothing must be; else another pass goes for it, until that has been futile
    /// too often.
    ///
    /// # Errors
    /// [`Refusal::Stale`], [`Refusal::OutOfOrder`], [`Refusal::Unsettled`] or [`Refusal::Uncounted`].
    pub fn verified(&mut self, order: &Order, counts: &[Count], now: Timestamp) -> Result<(), Refusal> {
        self.check(order, |step| step == Step::Verify)?;
        if !self.is_settled(now) {
            return Err(Refusal::Unsettled);
        }
        let count = |store: &Store| counts.iter().find(|count| count.store == *store).cloned();
        let counts: Option<Vec<Count>> = self.stores.iter().map(count).collect();
        let counts = counts.ok_or(Refusal::Uncounted)?;

        let is_nothing_left = counts.iter().all(|count| count.remaining == 0);
        for report in &mut self.report {
            report.count = counts.iter().find(|count| count.store == report.store).cloned();
            if is_nothing_left {
                report.failures = 0;
                report.failed.clear();
            }
        }
        if !is_nothing_left {
            self.futile_passes = self.futile_passes.saturating_add(1);
            if self.futile_passes < MOST_PASSES {
                self.begin_pass(now);
            } else {
                self.give_up("Something is left that could not be destroyed.", now);
            }
        } else {
            self.verified_at = Some(now);
            match self.subject.scope() {
                DeletionScope::Tenancy if self.key.is_none() => self.begin(Step::ScheduleKey, now),
                _ => self.begin(Step::Certify, now),
            }
        }
        Ok(())
    }

    /// KMS is about to be told to destroy the key. To be stored before it is told: from then on nothing can be held.
    ///
    /// # Errors
    /// [`Refusal::Stale`], [`Refusal::OutOfOrder`], [`Refusal::Uncounted`] or [`Refusal::Held`].
    pub fn begin_key(&mut self, order: &Order, now: Timestamp) -> Result<(), Refusal> {
        self.check(order, |step| step == Step::ScheduleKey)?;
        self.check_holds()?;
        if self.verified_at.is_none() {
            return Err(Refusal::Uncounted);
        }
        self.key_begun_at = self.key_begun_at.or(Some(now));
        self.heard_at = now.max(self.heard_at);
        Ok(())
    }

    /// KMS will destroy the key.
    ///
    /// # Errors
    /// [`Refusal::Stale`], or [`Refusal::OutOfOrder`] unless [`Deletion::begin_key`] came before.
    pub fn key_scheduled(&mut self, order: &Order, key: DoomedKey, now: Timestamp) -> Result<(), Refusal> {
        self.check(order, |step| step == Step::ScheduleKey)?;
        if self.key_begun_at.is_none() {
            return Err(Refusal::OutOfOrder);
        }
        self.key = Some(key);
        self.begin(Step::Certify, now);
        Ok(())
    }

    /// Tombstone and certificate are written. That is the end.
    ///
    /// # Errors
    /// [`Refusal::Stale`] or [`Refusal::OutOfOrder`].
    pub fn certified(&mut self, order: &Order, now: Timestamp) -> Result<(), Refusal> {
        self.check(order, |step| step == Step::Certify)?;
        self.step = None;
        self.enter(DeletionState::Erased, now);
        Ok(())
    }

    /// A step came to nothing, for this reason. It is ordered again, until it has failed too often.
    ///
    /// # Errors
    /// [`Refusal::Stale`] or [`Refusal::OutOfOrder`].
    pub fn failed(&mut self, order: &Order, reason: &str, now: Timestamp) -> Result<(), Refusal> {
        self.check(order, |_| true)?;
        self.count_failure(reason, now);
        Ok(())
    }

    /// People have looked into a `partial` deletion: it is taken up again, and counted anew.
    ///
    /// # Errors
    /// [`Refusal::NotPartial`].
    pub fn resume(&mut self, now: Timestamp) -> Result<(), Refusal> {
        if self.state != DeletionState::Partial {
            return Err(Refusal::NotPartial);
        }
        self.problem = None;
        self.incident_id = None;
        self.futile_passes = 0;
        if self.writes_stopped_at.is_none() {
            self.enter(DeletionState::Sealed, now);
            self.begin(Step::Seal, now);
        } else if self.key_begun_at.is_some() {
            // KMS may know already, and nothing was left before it did.
            self.enter(DeletionState::Verifying, now);
            let step = if self.key.is_some() { Step::Certify } else { Step::ScheduleKey };
            self.begin(step, now);
        } else {
            self.begin_pass(now);
        }
        Ok(())
    }

    /// It begins anew, from its tombstone: a store that was restored may have again what was destroyed.
    pub(crate) fn begin_anew(&self, now: Timestamp) -> Self {
        let mut anew = Self { futile_passes: 0, incident_id: None, ..self.clone() };
        match self.subject.scope() {
            DeletionScope::Tenancy => {
                anew.pass = anew.pass.saturating_add(1);
                anew.verified_at = None;
                anew.enter(DeletionState::Sealed, now);
                anew.begin(Step::Seal, now);
            }
            _ => {
                anew.writes_stopped_at = Some(now);
                anew.begin_pass(now);
            }
        }
        anew
    }

    /// Nothing of it is destroyed from now on. A hold of the same subject takes the place of the one before.
    ///
    /// # Errors
    /// [`Refusal::Over`], [`Refusal::NothingLeftToHold`] or [`Refusal::HeldElsewhere`].
    pub fn hold(&mut self, hold: LegalHold) -> Result<(), Refusal> {
        if self.state.is_final() {
            return Err(Refusal::Over);
        }
        if self.key_begun_at.is_some() {
            return Err(Refusal::NothingLeftToHold);
        }
        if !hold.stops(&self.subject) {
            return Err(Refusal::HeldElsewhere);
        }
        self.holds.retain(|other| other.subject != hold.subject);
        self.holds.push(hold);
        Ok(())
    }

    /// The hold on `subject` is taken away. With the last one it goes on from where it was; what was counted, is counted anew.
    ///
    /// # Errors
    /// [`Refusal::NotHeld`].
    pub fn release(&mut self, subject: &DeletionSubject, now: Timestamp) -> Result<(), Refusal> {
        let before = self.holds.len();
        self.holds.retain(|hold| hold.subject != *subject);
        if self.holds.len() == before {
            return Err(Refusal::NotHeld);
        }
        if self.holds.is_empty() {
            self.heard_at = now.max(self.heard_at);
            if matches!(self.step, Some(Step::Verify | Step::ScheduleKey)) && self.state.is_at_work() {
                self.pass = self.pass.saturating_add(1);
                self.verified_at = None;
                self.begin(Step::Verify, now);
            }
        }
        Ok(())
    }

    /// Whether it had come to its end once, before a restore had it begin anew.
    pub fn was_erased(&self) -> bool {
        self.history.iter().any(|stage| stage.state == DeletionState::Erased)
    }

    /// Whether a hold keeps it from what would be due.
    pub fn is_held(&self) -> bool {
        !self.holds.is_empty() && !self.state.is_final()
    }

    /// Until when a second owner can agree.
    pub fn lapses_at(&self) -> Timestamp {
        self.requested_at.plus(APPROVED_WITHIN)
    }

    /// When it is gone from where: as it is planned, or as it was. None before it is approved.
    pub fn gone_dates(&self) -> Option<GoneDates> {
        let has_key = self.subject.scope() == DeletionScope::Tenancy;
        match (self.verified_at, &self.key) {
            (Some(verified_at), Some(key)) => Some(GoneDates::actual(verified_at, Some(key.destroyed_at))),
            (Some(verified_at), None) => Some(GoneDates::planned(verified_at, has_key)),
            (None, _) => self.due_at.map(|due_at| GoneDates::planned(due_at, has_key)),
        }
    }

    /// The most urgent reminder that is due and was not sent.
    fn reminder(&self, now: Timestamp) -> Option<Reminder> {
        let (approved_at, due_at) = (self.approved_at?, self.due_at?);
        Reminder::due(approved_at, due_at, now)
            .filter(|reminder| self.state == DeletionState::Closing && Some(*reminder) > self.reminded)
    }

    fn is_settled(&self, now: Timestamp) -> bool {
        self.writes_stopped_at.is_some_and(|stopped_at| stopped_at.plus(WRITES_SETTLE_AFTER) <= now)
    }

    fn is_stalled(&self, now: Timestamp) -> bool {
        self.order(now).is_some() && self.heard_at.plus(STALLED_AFTER) <= now
    }

    /// Whether this order is the one that is due.
    fn check(&self, order: &Order, is_expected: impl FnOnce(Step) -> bool) -> Result<(), Refusal> {
        let is_of_now = order.deletion_id == self.id
            && order.generation == self.generation
            && order.pass == self.pass
            && self.state.is_at_work();
        if !is_of_now {
            return Err(Refusal::Stale);
        }
        if self.step != Some(order.step) || !is_expected(order.step) {
            return Err(Refusal::OutOfOrder);
        }
        Ok(())
    }

    fn check_holds(&self) -> Result<(), Refusal> {
        self.holds.first().map_or(Ok(()), |hold| {
            Err(Refusal::Held { subject: hold.subject.clone(), reason: hold.reason.to_string() })
        })
    }

    /// All stores are emptied, from the first one on. What an earlier pass says now comes too late.
    fn begin_pass(&mut self, now: Timestamp) {
        self.pass = self.pass.saturating_add(1);
        self.verified_at = None;
        if self.state != DeletionState::Erasing {
            self.enter(DeletionState::Erasing, now);
        }
        self.begin(self.stores.first().map_or(Step::Verify, |store| Step::Erase(*store)), now);
    }

    fn begin(&mut self, step: Step, now: Timestamp) {
        self.step = Some(step);
        self.tries = 0;
        self.heard_at = now.max(self.heard_at);
    }

    fn count_failure(&mut self, reason: &str, now: Timestamp) {
        self.tries = self.tries.saturating_add(1);
        self.heard_at = now.max(self.heard_at);
        if self.tries >= MOST_TRIES {
            self.give_up(reason, now);
        }
    }

    fn give_up(&mut self, problem: &str, now: Timestamp) {
        self.problem = Some(problem.to_owned());
        self.enter(DeletionState::Partial, now);
    }

    /// Clocks differ; one state never begins before the one that it follows.
    fn enter(&mut self, next: DeletionState, now: Timestamp) {
        let at = now.max(self.state_changed_at);
        self.state = next;
        self.state_changed_at = at;
        self.history.push(DeletionStage { state: next, at });
    }
}

impl DeletionState {
    /// Every state there is, in their order.
    pub const ALL: [Self; 10] = [
        Self::Requested,
        Self::Lapsed,
        Self::Closing,
        Self::SoftDeleted,
        Self::Cancelled,
        Self::Sealed,
        Self::Erasing,
        Self::Verifying,
        Self::Erased,
        Self::Partial,
    ];

    /// Whether nothing comes after this state.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Lapsed | Self::Cancelled | Self::Erased)
    }

    /// Whether there is a step to be done.
    pub fn is_at_work(self) -> bool {
        matches!(self, Self::Sealed | Self::Erasing | Self::Verifying)
    }

    /// The state's public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Lapsed => "lapsed",
            Self::Closing => "closing",
            Self::SoftDeleted => "soft_deleted",
            Self::Cancelled => "cancelled",
            Self::Sealed => "sealed",
            Self::Erasing => "erasing",
            Self::Verifying => "verifying",
            Self::Erased => "erased",
            Self::Partial => "partial",
        }
    }
}

impl Decider<'_> {
    fn check_second_factor(&self, now: Timestamp) -> Result<(), Refusal> {
        let is_recent = self.mfa_at.is_some_and(|mfa_at| now < mfa_at.plus(SECOND_FACTOR_WITHIN));
        if is_recent { Ok(()) } else { Err(Refusal::SecondFactor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deletion_subject::tests::{episode, show, tenancy, user};

    const START: &str = "2028-02-10T08:00:00Z";
    /// Thirty times 24 hours later, with a leap day between.
    const DAY: &str = "2028-03-11T08:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn later(than: &str, seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(at(than).unix_seconds().checked_add_signed(seconds).unwrap())
    }

    fn owner(number: u8) -> MemberId {
        format!("usr_{number:026}").parse().unwrap()
    }

    fn decider(member: &MemberId, mfa_at: Timestamp) -> Decider<'_> {
        Decider { member, mfa_at: Some(mfa_at) }
    }

    fn new(subject: DeletionSubject) -> NewDeletion {
        let id = "del_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        NewDeletion { id, subject, retention: Retention::DEFAULT, holds: Vec::new() }
    }

    fn request(subject: DeletionSubject, now: Timestamp) -> Deletion {
        Deletion::request(new(subject), decider(&owner(1), now), None, now).unwrap()
    }

    fn closing() -> Deletion {
        let mut exit = request(tenancy(), at(START));
        exit.approve(decider(&owner(2), at(START)), at(START)).unwrap();
        exit
    }

    fn erasing() -> Deletion {
        let mut exit = closing();
        exit.advance(at(DAY));
        exit.sealed(&order(&exit, at(DAY)), at(DAY)).unwrap();
        exit
    }

    /// Every store gone through, and an hour passed.
    fn verifying() -> Deletion {
        let mut exit = erasing();
        empty_stores(&mut exit, at(DAY));
        exit
    }

    fn order(deletion: &Deletion, now: Timestamp) -> Order {
        deletion.order(now).unwrap()
    }

    fn empty_stores(deletion: &mut Deletion, now: Timestamp) {
        while let Some(order @ Order { step: Step::Erase(_), .. }) = deletion.order(now) {
            deletion.erased(&order, Destroyed { items: 2, versions: 3, bytes: 500 }, &[], now).unwrap();
        }
    }

    fn counts(deletion: &Deletion, remaining: u64) -> Vec<Count> {
        let counted_by = "a listing of versions".to_owned();
        let count = |store: &Store| Count { store: *store, remaining, counted_by: counted_by.clone() };
        deletion.stores.iter().map(count).collect()
    }

    fn hold(subject: DeletionSubject) -> LegalHold {
        LegalHold {
            subject,
            reason: "Case 12".parse().unwrap(),
            placed_by: "operator".to_owned(),
            placed_at: at(START),
        }
    }

    fn key() -> DoomedKey {
        DoomedKey { key_id: "key-1".to_owned(), destroyed_at: at("2028-03-18T09:00:00Z") }
    }

    fn states(deletion: &Deletion) -> Vec<DeletionState> {
        deletion.history.iter().map(|stage| stage.state).collect()
    }

    fn settled() -> Timestamp {
        at(DAY).plus(WRITES_SETTLE_AFTER)
    }

    #[test]
    fn an_exit_goes_step_by_step_to_a_proof() {
        use DeletionState::*;
        let mut exit = verifying();

        let verify = order(&exit, settled());
        exit.verified(&verify, &counts(&exit, 0), settled()).unwrap();
        let schedule_key = order(&exit, settled());
        assert_eq!(schedule_key.step, Step::ScheduleKey);
        exit.begin_key(&schedule_key, settled()).unwrap();
        exit.key_scheduled(&schedule_key, key(), settled()).unwrap();
        exit.certified(&order(&exit, settled()), settled()).unwrap();

        assert_eq!(states(&exit), [Requested, Closing, Sealed, Erasing, Verifying, Erased]);
        assert_eq!((exit.order(settled()), exit.advance(at("2030-01-01T00:00:00Z"))), (None, vec![]));
        let gone = exit.gone_dates().unwrap();
        assert_eq!((gone.data_gone_at, gone.key_gone_at), (settled(), Some(key().destroyed_at)));
        assert!(exit.report.iter().all(|report| report.remaining() == 0 && report.destroyed.versions == 3));
        assert_eq!((exit.requested_by, exit.approved_by), (owner(1), Some(owner(2))));
    }

    #[test]
    fn an_episode_is_restorable_for_thirty_days_to_the_second() {
        for (seconds, outcome) in [(-1, Ok(())), (0, Err(Refusal::TooLate)), (1, Err(Refusal::TooLate))] {
            let mut deletion = request(episode(1), at(START));
            assert_eq!(deletion.cancel(&owner(3), later(DAY, seconds)), outcome, "{seconds}");
        }
        let mut deletion = request(show(1), at(START));
        assert_eq!(deletion.advance(later(DAY, -1)), []);
        assert_eq!(deletion.state, DeletionState::SoftDeleted);
        assert!(matches!(deletion.advance(at(DAY))[..], [Due::Work(_)]));
        assert_eq!(deletion.state, DeletionState::Erasing);
    }

    #[test]
    fn what_is_smaller_than_a_tenancy_ends_without_a_key() {
        for (subject, due_at) in [(episode(1), DAY), (show(1), DAY), (user(), START)] {
            let mut deletion = request(subject, at(START));
            deletion.advance(at(due_at));
            empty_stores(&mut deletion, at(due_at));
            let settled = later(due_at, 3600);
            deletion.verified(&order(&deletion, settled), &counts(&deletion, 0), settled).unwrap();
            assert_eq!(order(&deletion, settled).step, Step::Certify);
            deletion.certified(&order(&deletion, settled), settled).unwrap();
            assert_eq!(deletion.state, DeletionState::Erased);
            assert_eq!(deletion.gone_dates().unwrap().key_gone_at, None);
        }
    }

    #[test]
    fn an_exit_is_asked_for_with_a_fresh_second_factor() {
        for (age, is_asked) in [(299, true), (300, false), (301, false)] {
            let (by, now) = (owner(1), later(START, age));
            let asked = Deletion::request(new(tenancy()), decider(&by, at(START)), None, now);
            assert_eq!(asked.is_ok(), is_asked, "{age}");
            let mut exit = request(tenancy(), at(START));
            let approved = exit.approve(decider(&owner(2), at(START)), now);
            assert_eq!(approved.is_ok(), is_asked, "{age}");
        }
        let without = Decider { member: &owner(1), mfa_at: None };
        let asked = Deletion::request(new(tenancy()), without, None, at(START));
        assert_eq!(asked.unwrap_err(), Refusal::SecondFactor);
        assert!(Deletion::request(new(user()), without, None, at(START)).is_ok());
    }

    #[test]
    fn who_asked_does_not_approve() {
        let mut exit = request(tenancy(), at(START));
        let before = exit.clone();
        assert_eq!(exit.approve(decider(&owner(1), at(START)), at(START)), Err(Refusal::SameOwner));
        assert_eq!(exit, before);
    }

    #[test]
    fn approval_comes_within_seven_days_to_the_second() {
        const LAPSES: &str = "2028-02-17T08:00:00Z";
        for (seconds, outcome) in [(-1, Ok(())), (0, Err(Refusal::Lapsed)), (1, Err(Refusal::Lapsed))] {
            let mut exit = request(tenancy(), at(START));
            let now = later(LAPSES, seconds);
            assert_eq!(exit.approve(decider(&owner(2), now), now), outcome, "{seconds}");
        }
        let mut exit = request(tenancy(), at(START));
        assert_eq!((exit.advance(later(LAPSES, -1)), exit.state), (vec![], DeletionState::Requested));
        assert_eq!((exit.advance(at(LAPSES)), exit.state), (vec![], DeletionState::Lapsed));
        assert_eq!(exit.approve(decider(&owner(2), at(LAPSES)), at(LAPSES)), Err(Refusal::Lapsed));
        assert_eq!(exit.cancel(&owner(1), at(LAPSES)), Err(Refusal::Over));
    }

    #[test]
    fn an_exit_is_cancelled_until_the_day_to_the_second() {
        for (seconds, outcome) in [(-1, Ok(())), (0, Err(Refusal::TooLate)), (1, Err(Refusal::TooLate))] {
            let mut exit = closing();
            assert_eq!(exit.cancel(&owner(2), later(DAY, seconds)), outcome, "{seconds}");
        }
        let mut exit = closing();
        exit.cancel(&owner(2), at(START)).unwrap();
        assert_eq!((exit.advance(at(DAY)), exit.state), (vec![], DeletionState::Cancelled));
    }

    #[test]
    fn a_second_exit_is_of_a_later_generation() {
        let by = owner(1);
        let again = |previous: &Deletion| {
            Deletion::request(new(tenancy()), decider(&by, at(DAY)), Some(previous), at(DAY))
        };
        let mut exit = closing();
        assert_eq!(again(&exit), Err(Refusal::UnderWay(exit.id.clone())));
        exit.cancel(&owner(2), at(START)).unwrap();
        assert_eq!(again(&exit).unwrap().generation, 2);
        exit.state = DeletionState::Erased;
        assert_eq!(again(&exit), Err(Refusal::Gone(exit.id.clone())));
        exit.state = DeletionState::Partial;
        assert_eq!(again(&exit), Err(Refusal::UnderWay(exit.id.clone())));
    }

    #[test]
    fn an_order_of_an_earlier_generation_or_pass_changes_nothing() {
        let mut exit = erasing();
        let due = order(&exit, at(DAY));
        let other_id = "del_01ARZ3NDEKTSV4RRFFQ69G5FAW".parse().unwrap();
        for stale in [
            Order { generation: due.generation - 1, ..due.clone() },
            Order { pass: due.pass - 1, ..due.clone() },
            Order { deletion_id: other_id, ..due.clone() },
        ] {
            let before = exit.clone();
            assert_eq!(exit.may_destroy(&stale), Err(Refusal::Stale));
            assert_eq!(exit.erased(&stale, Destroyed::default(), &[], at(DAY)), Err(Refusal::Stale));
            assert_eq!(exit.failed(&stale, "late", at(DAY)), Err(Refusal::Stale));
            assert_eq!(exit.progressed(&stale, at(DAY)), Err(Refusal::Stale));
            assert_eq!(exit, before);
        }
    }

    #[test]
    fn a_count_of_an_earlier_pass_proves_nothing() {
        let mut exit = verifying();
        let first = order(&exit, settled());
        exit.verified(&first, &counts(&exit, 1), settled()).unwrap();
        empty_stores(&mut exit, settled());

        assert_eq!(exit.verified(&first, &counts(&exit, 0), settled()), Err(Refusal::Stale));
        assert_eq!(exit.verified_at, None);
    }

    #[test]
    fn no_step_can_be_left_out_or_done_before_its_time() {
        let mut exit = erasing();
        let due = order(&exit, at(DAY));
        let as_if = |step| Order { step, ..due.clone() };
        assert_eq!(exit.may_destroy(&as_if(Step::Erase(Store::TenantTable))), Err(Refusal::OutOfOrder));
        assert_eq!(exit.verified(&as_if(Step::Verify), &[], settled()), Err(Refusal::OutOfOrder));
        assert_eq!(exit.begin_key(&as_if(Step::ScheduleKey), settled()), Err(Refusal::OutOfOrder));
        assert_eq!(exit.certified(&as_if(Step::Certify), settled()), Err(Refusal::OutOfOrder));
        assert_eq!(exit.sealed(&due, at(DAY)), Err(Refusal::OutOfOrder));

        let mut exit = verifying();
        assert_eq!(exit.order(later(DAY, 3599)), None, "what was allowed may still write");
        let verify = order(&exit, settled());
        assert_eq!(exit.verified(&verify, &counts(&exit, 0), later(DAY, 3599)), Err(Refusal::Unsettled));
        let all_but_one = counts(&exit, 0).split_off(1);
        assert_eq!(exit.verified(&verify, &all_but_one, settled()), Err(Refusal::Uncounted));
        exit.verified(&verify, &counts(&exit, 0), settled()).unwrap();
        let schedule_key = order(&exit, settled());
        assert_eq!(exit.key_scheduled(&schedule_key, key(), settled()), Err(Refusal::OutOfOrder));
    }

    #[test]
    fn what_is_left_is_gone_for_again_and_in_the_end_reported() {
        let mut exit = verifying();
        let failed = FailedItem { key: "k".to_owned(), reason: "It is locked.".to_owned() };
        for pass in 1..=MOST_PASSES {
            assert_eq!((exit.state, exit.pass), (DeletionState::Verifying, pass));
            exit.verified(&order(&exit, settled()), &counts(&exit, 1), settled()).unwrap();
            while let Some(due @ Order { step: Step::Erase(_), .. }) = exit.order(settled()) {
                exit.erased(&due, Destroyed::default(), &vec![failed.clone(); 30], settled()).unwrap();
            }
        }

        assert_eq!((exit.state, exit.order(settled())), (DeletionState::Partial, None));
        assert!(exit.report.iter().all(|report| {
            (report.remaining(), report.failures, report.failed.len()) == (1, 30, MOST_FAILED_NAMED)
        }));
        assert_eq!(exit.advance(settled()), [Due::Incident]);
        exit.incident_opened("inc_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap());
        assert_eq!(exit.advance(settled()), []);
        exit.resume(settled()).unwrap();
        assert_eq!((exit.state, exit.pass), (DeletionState::Erasing, MOST_PASSES + 1));
        assert_eq!((&exit.incident_id, &exit.problem, exit.futile_passes), (&None, &None, 0));
    }

    #[test]
    fn a_step_that_fails_or_says_nothing_is_reported_in_the_end() {
        let mut exit = erasing();
        let due = order(&exit, at(DAY));
        for _ in 1..MOST_TRIES {
            exit.failed(&due, "The store does not answer.", at(DAY)).unwrap();
            assert_eq!(exit.order(at(DAY)), Some(due.clone()));
        }
        exit.failed(&due, "The store does not answer.", at(DAY)).unwrap();
        assert_eq!(exit.state, DeletionState::Partial);
        assert_eq!(exit.problem.as_deref(), Some("The store does not answer."));

        let mut silent = erasing();
        for days in 1..=u64::from(MOST_TRIES) {
            assert_eq!(silent.state, DeletionState::Erasing, "{days}");
            silent.advance(Timestamp::from_unix_seconds(at(DAY).unix_seconds() + days * 24 * 60 * 60));
        }
        assert_eq!(silent.state, DeletionState::Partial);

        let mut busy = erasing();
        for hours in 1..200 {
            let now = Timestamp::from_unix_seconds(at(DAY).unix_seconds() + hours * 60 * 60);
            busy.progressed(&order(&busy, now), now).unwrap();
            busy.advance(now);
        }
        assert_eq!(busy.state, DeletionState::Erasing);
    }

    #[test]
    fn a_partial_exit_is_taken_up_where_that_is_safe() {
        let give_up = |exit: &mut Deletion, now| {
            let due = order(exit, now);
            (0..MOST_TRIES).for_each(|_| exit.failed(&due, "No.", now).unwrap());
            exit.resume(now).unwrap();
            order(exit, now).step
        };
        let mut sealing = closing();
        sealing.advance(at(DAY));
        assert_eq!(give_up(&mut sealing, at(DAY)), Step::Seal);

        let mut exit = verifying();
        assert_eq!(give_up(&mut exit, settled()), Step::Erase(Store::UploadBucket));
        empty_stores(&mut exit, settled());
        exit.verified(&order(&exit, settled()), &counts(&exit, 0), settled()).unwrap();
        exit.begin_key(&order(&exit, settled()), settled()).unwrap();
        assert_eq!(give_up(&mut exit, settled()), Step::ScheduleKey, "KMS may know already");
        exit.key_scheduled(&order(&exit, settled()), key(), settled()).unwrap();
        assert_eq!(give_up(&mut exit, settled()), Step::Certify);
        assert_eq!(exit.resume(settled()), Err(Refusal::NotPartial));
    }

    #[test]
    fn a_hold_stops_the_next_item_says_why_and_release_goes_on_from_there() {
        let mut exit = erasing();
        let due = order(&exit, at(DAY));
        exit.may_destroy(&due).unwrap();

        exit.hold(hold(episode(1))).unwrap();

        assert_eq!(
            exit.may_destroy(&due).unwrap_err().to_string(),
            "epi_00000000000000000000000001 is held: Case 12"
        );
        assert_eq!(exit.advance(at("2028-12-01T00:00:00Z")), [], "a held exit does not stall");
        assert_eq!((exit.state, exit.is_held()), (DeletionState::Erasing, true));
        assert_eq!(exit.release(&show(1), at(DAY)), Err(Refusal::NotHeld));
        exit.release(&episode(1), at("2028-12-02T00:00:00Z")).unwrap();
        assert_eq!(exit.advance(at("2028-12-02T00:00:00Z")), [Due::Work(due.clone())]);
        exit.may_destroy(&due).unwrap();
    }

    #[test]
    fn a_hold_survives_passes_and_being_taken_up_again() {
        let mut exit = verifying();
        let verify = order(&exit, settled());
        exit.hold(hold(user())).unwrap();
        exit.verified(&verify, &counts(&exit, 1), settled()).unwrap();
        assert_eq!(exit.order(settled()), None);
        for _ in 0..MOST_TRIES {
            let due = Order { pass: exit.pass, step: exit.step.unwrap(), ..verify.clone() };
            exit.failed(&due, "No.", settled()).unwrap();
        }
        exit.resume(settled()).unwrap();
        assert_eq!((exit.order(settled()), exit.is_held()), (None, true));
    }

    #[test]
    fn a_hold_stops_the_key_and_what_was_counted_before_is_counted_again() {
        let mut exit = verifying();
        let verify = order(&exit, settled());
        exit.verified(&verify, &counts(&exit, 0), settled()).unwrap();
        let schedule_key = order(&exit, settled());

        exit.hold(hold(tenancy())).unwrap();
        assert!(matches!(exit.begin_key(&schedule_key, settled()), Err(Refusal::Held { .. })));
        exit.release(&tenancy(), settled()).unwrap();

        assert_eq!(exit.begin_key(&schedule_key, settled()), Err(Refusal::Stale));
        assert_eq!(order(&exit, settled()).step, Step::Verify);
        assert_eq!(exit.verified(&verify, &counts(&exit, 0), settled()), Err(Refusal::Stale));
    }

    #[test]
    fn once_kms_may_know_there_is_nothing_left_to_hold() {
        let mut exit = verifying();
        exit.verified(&order(&exit, settled()), &counts(&exit, 0), settled()).unwrap();
        exit.begin_key(&order(&exit, settled()), settled()).unwrap();
        assert_eq!(exit.hold(hold(tenancy())), Err(Refusal::NothingLeftToHold));
    }

    #[test]
    fn a_hold_that_is_there_before_is_kept_with_the_deletion() {
        let holds = vec![hold(show(1)), hold(show(2))];
        let asked = NewDeletion { holds, ..new(episode(1)) };
        let mut deletion = Deletion::request(asked, decider(&owner(1), at(START)), None, at(START)).unwrap();

        assert_eq!(deletion.holds, [hold(show(1))]);
        assert_eq!((deletion.advance(at(DAY)), deletion.state), (vec![], DeletionState::SoftDeleted));
        assert_eq!(deletion.hold(hold(show(2))), Err(Refusal::HeldElsewhere));
        deletion.hold(hold(show(1))).unwrap();
        assert_eq!(deletion.holds.len(), 1);
        deletion.release(&show(1), later(DAY, 60)).unwrap();
        deletion.advance(later(DAY, 60));
        assert_eq!(deletion.state, DeletionState::Erasing);
    }

    #[test]
    fn a_held_exit_is_sealed_and_nothing_of_it_is_destroyed() {
        let mut exit = closing();
        exit.hold(hold(tenancy())).unwrap();
        exit.advance(at(DAY));
        exit.sealed(&order(&exit, at(DAY)), at(DAY)).unwrap();
        assert_eq!((exit.state, exit.order(at(DAY))), (DeletionState::Erasing, None));
    }

    #[test]
    fn a_schedule_that_slept_sends_the_most_urgent_reminder_alone() {
        let mut exit = closing();
        assert_eq!(exit.advance(at(START)), [Due::Remind(Reminder::ThirtyDays)]);
        assert_eq!(
            exit.advance(at(START)),
            [Due::Remind(Reminder::ThirtyDays)],
            "until somebody says that it was sent"
        );
        exit.reminded(Reminder::ThirtyDays);
        assert_eq!(exit.advance(later(DAY, -7 * 86_400 - 1)), []);

        assert_eq!(exit.advance(later(DAY, -3600)), [Due::Remind(Reminder::OneDay)]);
        exit.reminded(Reminder::OneDay);
        exit.reminded(Reminder::SevenDays);
        assert_eq!(exit.advance(later(DAY, -1)), []);
    }

    #[test]
    fn a_schedule_that_slept_for_three_days_does_one_thing_after_the_other() {
        let mut exit = closing();
        exit.advance(later(DAY, -3 * 86_400));
        let now = later(DAY, 2 * 86_400);

        let dues = exit.advance(now);
        let [Due::Work(seal)] = &dues[..] else { panic!("{dues:?}") };
        assert_eq!((exit.state, seal.step), (DeletionState::Sealed, Step::Seal));
        assert_eq!(exit.advance(now), dues, "and says it again until it is done");
        exit.sealed(seal, now).unwrap();
        assert_eq!(order(&exit, now).step, Step::Erase(Store::UploadBucket));
        assert_eq!(exit.sealed(seal, now), Err(Refusal::Stale), "once");

        empty_stores(&mut exit, now);
        assert_eq!(exit.advance(now), [], "what could still write is waited for from then on");
        assert!(matches!(exit.advance(now.plus(WRITES_SETTLE_AFTER))[..], [Due::Work(_)]));
    }

    #[test]
    fn a_retention_that_was_agreed_moves_the_day() {
        for days in [7, 90] {
            let retention = Retention::of_days(days).unwrap();
            let asked = NewDeletion { retention, ..new(tenancy()) };
            let mut exit = Deletion::request(asked, decider(&owner(1), at(START)), None, at(START)).unwrap();
            exit.approve(decider(&owner(2), at(START)), at(START)).unwrap();
            assert_eq!(exit.due_at, Some(later(START, i64::from(days) * 86_400)));
        }
    }

    #[test]
    fn no_state_begins_before_the_one_that_it_follows() {
        let mut exit = closing();
        exit.cancel(&owner(2), later(START, -60)).unwrap();
        assert_eq!(exit.state_changed_at, at(START));
    }

    #[test]
    fn a_deletion_survives_json_and_states_are_named_as_in_it() {
        let exit = verifying();
        let json = serde_json::to_string(&exit).unwrap();
        assert_eq!(serde_json::from_str::<Deletion>(&json).unwrap(), exit);
        let due = order(&erasing(), at(DAY));
        assert_eq!(
            serde_json::to_string(&due).unwrap(),
            r#"{"deletion_id":"del_01ARZ3NDEKTSV4RRFFQ69G5FAV","generation":1,"pass":1,"step":{"erase":"upload_bucket"}}"#
        );
        for state in DeletionState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }
}
