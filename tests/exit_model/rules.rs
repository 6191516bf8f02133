//! The transitions of `domain`, and copies of them that are broken in one place each.

use std::time::Duration;

use domain::{
    Count, Decider, Deletion, DeletionStep, DoomedKey, Due, FailedItem, LegalHold, Order, Refusal,
    WRITES_SETTLE_AFTER,
};
use tenant_context::{MemberId, Timestamp};

use crate::world::owner;

/// What is broken, if anything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// Nothing: what ships.
    Nothing,
    /// Items are destroyed whether they are held or not.
    ForgetsHolds,
    /// A worker asks once, and not before each item.
    AsksOnce,
    /// A hold does not survive another pass.
    LosesHoldsWithAPass,
    /// A hold is taken after KMS was about to be told.
    HoldsTooLate,
    /// An order of any generation is as good as the present one's.
    SkipsGeneration,
    /// An order of any pass is as good as the present one's.
    SkipsPass,
    /// The key goes when the stores were gone through, before they are counted.
    KeyBeforeCount,
    /// Nothing is counted, and zero reported.
    ReportsWithoutCounting,
    /// What was counted before a hold counts after it.
    CountsOnceForGood,
    /// Stores are counted while what was allowed may still write.
    CountsTooEarly,
    /// Whoever cancels is told that it is cancelled, and it is not.
    IgnoresCancel,
    /// The owner who asked approves.
    ApprovesOwnRequest,
    /// Work is ordered once; what the queue loses is lost.
    OrdersOnce,
}

impl Broken {
    pub fn approve(self, exit: &mut Deletion, by: &MemberId, now: Timestamp) -> Result<(), Refusal> {
        let other = owner(9);
        let member = if self == Self::ApprovesOwnRequest { &other } else { by };
        exit.approve(Decider { member, mfa_at: Some(now) }, now)?;
        exit.approved_by = Some(by.clone());
        Ok(())
    }

    pub fn cancel(self, exit: &mut Deletion, by: &MemberId, now: Timestamp) -> Result<(), Refusal> {
        if self == Self::IgnoresCancel { exit.clone().cancel(by, now) } else { exit.cancel(by, now) }
    }

    pub fn advance(self, exit: &mut Deletion, now: Timestamp) -> Vec<Order> {
        let before = exit.step;
        let dues = self.settling(exit, |exit| exit.advance(now));
        let is_new = before != exit.step;
        let order = |due| match due {
            Due::Work(order) if self != Self::OrdersOnce || is_new => Some(order),
            _ => None,
        };
        dues.into_iter().filter_map(order).collect()
    }

    pub fn hold(self, exit: &mut Deletion, hold: LegalHold) -> Result<(), Refusal> {
        if self != Self::HoldsTooLate {
            return exit.hold(hold);
        }
        let begun_at = exit.key_begun_at.take();
        let answer = exit.hold(hold);
        exit.key_begun_at = begun_at;
        answer
    }

    pub fn release(self, exit: &mut Deletion, hold: &LegalHold, now: Timestamp) -> Result<(), Refusal> {
        let before = exit.clone();
        exit.release(&hold.subject, now)?;
        if self == Self::CountsOnceForGood {
            (exit.step, exit.pass, exit.verified_at) = (before.step, before.pass, before.verified_at);
        }
        Ok(())
    }

    pub fn may_destroy(self, exit: &Deletion, order: &Order) -> Result<(), Refusal> {
        let mut exit = exit.clone();
        if self == Self::ForgetsHolds {
            exit.holds.clear();
        }
        exit.may_destroy(&self.forged(&exit, order))
    }

    pub fn sealed(self, exit: &mut Deletion, order: &Order, now: Timestamp) -> Result<(), Refusal> {
        exit.sealed(&self.forged(exit, order), now)
    }

    pub fn erased(
        self,
        exit: &mut Deletion,
        order: &Order,
        failed: &[FailedItem],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        exit.erased(&self.forged(exit, order), Default::default(), failed, now)?;
        if self == Self::KeyBeforeCount && exit.step == Some(DeletionStep::Verify) {
            (exit.step, exit.verified_at) = (Some(DeletionStep::ScheduleKey), Some(now));
        }
        Ok(())
    }

    pub fn verified(
        self,
        exit: &mut Deletion,
        order: &Order,
        counts: &[Count],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let nothing = |count: &Count| Count { remaining: 0, ..count.clone() };
        let counts = match self {
            Self::ReportsWithoutCounting => counts.iter().map(nothing).collect(),
            _ => counts.to_vec(),
        };
        let order = self.forged(exit, order);
        let pass = exit.pass;
        self.settling(exit, |exit| exit.verified(&order, &counts, now))?;
        if self == Self::LosesHoldsWithAPass && exit.pass > pass {
            exit.holds.clear();
        }
        Ok(())
    }

    pub fn begin_key(self, exit: &mut Deletion, order: &Order, now: Timestamp) -> Result<(), Refusal> {
        exit.begin_key(&self.forged(exit, order), now)
    }

    pub fn key_scheduled(self, exit: &mut Deletion, order: &Order, now: Timestamp) -> Result<(), Refusal> {
        let key = DoomedKey { key_id: "key".to_owned(), destroyed_at: Timestamp::EPOCH };
        exit.key_scheduled(&self.forged(exit, order), key, now)
    }

    pub fn certified(self, exit: &mut Deletion, order: &Order, now: Timestamp) -> Result<(), Refusal> {
        exit.certified(&self.forged(exit, order), now)
    }

    /// The order as a copy that skips a check sees it.
    fn forged(self, exit: &Deletion, order: &Order) -> Order {
        let mut order = order.clone();
        match self {
            Self::SkipsGeneration => {
                (order.deletion_id, order.generation) = (exit.id.clone(), exit.generation);
            }
            Self::SkipsPass => order.pass = exit.pass,
            _ => {}
        }
        order
    }

    /// Does `work` on an exit that takes all writes for settled, where that is what is broken.
    fn settling<T>(self, exit: &mut Deletion, work: impl FnOnce(&mut Deletion) -> T) -> T {
        if self != Self::CountsTooEarly {
            return work(exit);
        }
        let stopped_at = exit.writes_stopped_at;
        let earlier = |at: Timestamp| {
            let less = Duration::from_secs(at.unix_seconds()).saturating_sub(WRITES_SETTLE_AFTER);
            Timestamp::EPOCH.plus(less)
        };
        exit.writes_stopped_at = stopped_at.map(earlier);
        let answer = work(exit);
        if exit.writes_stopped_at == stopped_at.map(earlier) {
            exit.writes_stopped_at = stopped_at;
        }
        answer
    }
}
