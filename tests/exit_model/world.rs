//! A small world with one tenancy that leaves.

use std::collections::BTreeSet;

use domain::{
    Count, Decider, Deletion, DeletionState, DeletionStep, DeletionSubject, FailedItem, LegalHold,
    MOST_PASSES, NewDeletion, Order, Retention, Store, WRITES_SETTLE_AFTER,
};
use tenant_context::{DeletionId, MemberId, Timestamp};

use crate::rules::Broken;

/// The stores of this world.
pub const STORES: [Store; 2] = [Store::MediaBucket, Store::TenantTable];

const WORKERS: usize = 2;

/// All there is at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// The time of the schedule.
    pub now: Timestamp,
    /// The tenancy's exit: one place, which a second exit takes over.
    pub exit: Deletion,
    /// Orders on their way.
    pub queue: BTreeSet<Order>,
    /// Who works on what.
    pub workers: [Option<Job>; WORKERS],
    /// How many items are in each store.
    pub items: [u8; STORES.len()],
    /// How many of those in the first store nobody can destroy.
    pub stuck: u8,
    /// KMS was told to destroy the key.
    pub is_key_doomed: bool,
    /// A hold was placed, and not released: what whoever placed it believes.
    pub is_held: bool,
    /// The generations whose owners were told that they are cancelled.
    pub cancelled: BTreeSet<u64>,
    /// Each store was counted and had nothing, in the pass that is under way.
    pub is_counted: bool,
    /// What may still go wrong.
    pub chances: Chances,
    /// What must never be, and was.
    pub wrong: Option<Wrong>,
}

/// How often something may still go wrong, or be done by people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Chances {
    /// A message comes again.
    pub duplicates: u8,
    /// A message is lost.
    pub losses: u8,
    /// A worker is killed.
    pub kills: u8,
    /// A tick queues what is due, and is killed before it stores it.
    pub killed_ticks: u8,
    /// Something is written late.
    pub late_writes: u8,
    /// A hold is placed.
    pub holds: u8,
    /// Somebody cancels.
    pub cancels: u8,
}

/// An order in a worker's hands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Job {
    /// What it was told to do.
    pub order: Order,
    /// How far it is.
    pub stage: Stage,
    /// It was allowed to destroy the item in its hands before a hold was placed.
    pub had_leave: bool,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// It is about to read the exit.
    Started,
    /// The next item may be destroyed.
    Permitted,
    /// So much was counted in the first stores.
    Counting(Vec<u8>),
    /// KMS is about to be told.
    KeyBegun,
    /// KMS was told.
    KeyTold,
}

/// What must never be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wrong {
    /// Something was destroyed that was held.
    HoldBroken,
    /// The key went before everything was counted and nothing was left.
    KeyTooEarly,
    /// Something was destroyed of a tenancy that stays.
    CancelledDestroyed,
    /// What an older generation or pass said was heard.
    StaleHeard,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// The next moment comes at which something is due.
    TimePasses,
    /// The schedule ticks.
    Tick,
    /// The schedule ticks, queues what is due, and is killed.
    TickKilled,
    /// An owner approves.
    Approve(u8),
    /// An owner cancels. The API's clock still shows an earlier time than the schedule's.
    Cancel,
    /// After that an owner asks again.
    AskAgain,
    /// A hold is placed.
    Hold,
    /// It is released.
    Release,
    /// Who was let in before writes to a store.
    LateWrite(usize),
    /// A message comes.
    Deliver(Order, usize),
    /// A message comes, and will come again.
    DeliverAndKeep(Order, usize),
    /// A message is lost.
    Lose(Order),
    /// A worker does the next thing.
    Work(usize),
    /// A worker is killed. Its message will come again.
    Kill(usize),
}

impl Event {
    /// Whether it happens again and again, as long as it can: no chance, and nobody's whim.
    pub fn is_sure(&self) -> bool {
        matches!(self, Self::TimePasses | Self::Tick | Self::Release | Self::Deliver(..) | Self::Work(_))
    }
}

pub fn owner(number: u8) -> MemberId {
    format!("usr_{number:026}").parse().unwrap()
}

pub fn tenancy() -> DeletionSubject {
    DeletionSubject::Tenancy { tenancy_id: "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap() }
}

pub fn hold() -> LegalHold {
    LegalHold {
        subject: tenancy(),
        reason: "Case 12".parse().unwrap(),
        placed_by: "operator".to_owned(),
        placed_at: Timestamp::EPOCH,
    }
}

/// An exit that the first owner asks for.
pub fn request(previous: Option<&Deletion>, now: Timestamp) -> Deletion {
    let generation = previous.map_or(1, |previous| previous.generation + 1);
    let id: DeletionId = format!("del_{generation:026}").parse().unwrap();
    let new = NewDeletion { id, subject: tenancy(), retention: Retention::DEFAULT, holds: Vec::new() };
    let by = owner(1);
    let mut exit = Deletion::request(new, Decider { member: &by, mfa_at: Some(now) }, previous, now).unwrap();
    exit.stores = STORES.to_vec();
    exit.report.retain(|report| STORES.contains(&report.store));
    exit
}

impl World {
    /// Somebody has just asked for an exit. `stuck` items of the first store cannot be destroyed.
    pub fn new(stuck: u8, chances: Chances) -> Self {
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        let mut world = Self {
            now,
            exit: request(None, now),
            queue: BTreeSet::new(),
            workers: [None, None],
            items: [2, 1],
            stuck,
            is_key_doomed: false,
            is_held: false,
            cancelled: BTreeSet::new(),
            is_counted: false,
            chances,
            wrong: None,
        };
        // As if it had been futile before: fewer passes, the same rules.
        world.exit.futile_passes = MOST_PASSES - 2;
        world.forget_what_no_rule_reads();
        world
    }

    /// All that can happen.
    pub fn events(&self) -> Vec<Event> {
        let chances = &self.chances;
        let mut events = vec![Event::TimePasses, Event::Tick];
        let mut may = |is_possible: bool, event: Event| events.extend(is_possible.then_some(event));
        may(chances.killed_ticks > 0, Event::TickKilled);
        may(self.exit.state == DeletionState::Requested, Event::Approve(1));
        may(self.exit.state == DeletionState::Requested, Event::Approve(2));
        may(chances.cancels > 0, Event::Cancel);
        may(self.exit.state == DeletionState::Cancelled && self.exit.generation == 1, Event::AskAgain);
        may(chances.holds > 0, Event::Hold);
        may(self.is_held, Event::Release);
        for store in 0..STORES.len() {
            may(chances.late_writes > 0 && !self.is_settled(), Event::LateWrite(store));
        }
        // One free worker is as good as the other.
        if let Some(free) = self.workers.iter().position(Option::is_none) {
            for order in &self.queue {
                may(true, Event::Deliver(order.clone(), free));
                may(chances.duplicates > 0, Event::DeliverAndKeep(order.clone(), free));
            }
        }
        for order in &self.queue {
            may(chances.losses > 0, Event::Lose(order.clone()));
        }
        for (worker, job) in self.workers.iter().enumerate() {
            may(job.is_some(), Event::Work(worker));
            may(job.is_some() && chances.kills > 0, Event::Kill(worker));
        }
        events
    }

    /// What the world is after an event; `None` where it is the same.
    pub fn after(&self, event: &Event, rules: Broken) -> Option<Self> {
        let mut world = self.clone();
        world.happen(event, rules);
        world.forget_what_no_rule_reads();
        (world != *self).then_some(world)
    }

    fn happen(&mut self, event: &Event, rules: Broken) {
        match event {
            Event::TimePasses => self.now = self.next_moment().unwrap_or(self.now),
            // What is under way is ordered again, too. That is what `duplicates` stand for.
            Event::Tick => {
                let orders = rules.advance(&mut self.exit, self.now);
                self.queue.extend(
                    orders
                        .into_iter()
                        .filter(|order| !self.workers.iter().flatten().any(|job| job.order == *order)),
                );
            }
            Event::TickKilled => {
                self.chances.killed_ticks -= 1;
                self.queue.extend(rules.advance(&mut self.exit.clone(), self.now));
            }
            Event::Approve(by) => {
                let asked_at = self.exit.requested_at;
                rules.approve(&mut self.exit, &owner(*by), asked_at).ok();
            }
            Event::Cancel => {
                let asked_at = self.exit.requested_at;
                if rules.cancel(&mut self.exit, &owner(2), asked_at).is_ok() {
                    self.chances.cancels -= 1;
                    self.cancelled.insert(self.exit.generation);
                }
            }
            Event::AskAgain => {
                let holds = self.exit.holds.clone();
                self.exit = Deletion {
                    holds,
                    futile_passes: MOST_PASSES - 2,
                    ..request(Some(&self.exit), self.exit.requested_at)
                };
            }
            Event::Hold => {
                if rules.hold(&mut self.exit, hold()).is_ok() {
                    self.chances.holds -= 1;
                    self.is_held = true;
                    for job in self.workers.iter_mut().flatten() {
                        job.had_leave = job.stage == Stage::Permitted;
                    }
                }
            }
            Event::Release => {
                self.is_held = false;
                // Nobody knows what was done while it was held.
                self.is_counted = false;
                rules.release(&mut self.exit, &hold(), self.now).ok();
            }
            Event::LateWrite(store) => {
                self.chances.late_writes -= 1;
                self.items[*store] += 1;
            }
            Event::Deliver(order, worker) => {
                self.queue.remove(order);
                self.workers[*worker] = Some(Job::new(order));
            }
            Event::DeliverAndKeep(order, worker) => {
                self.chances.duplicates -= 1;
                self.workers[*worker] = Some(Job::new(order));
            }
            Event::Lose(order) => {
                self.chances.losses -= 1;
                self.queue.remove(order);
            }
            Event::Work(worker) => {
                if let Some(job) = self.workers[*worker].take() {
                    self.workers[*worker] = self.work(job, rules);
                }
            }
            Event::Kill(worker) => {
                self.chances.kills -= 1;
                self.queue.extend(self.workers[*worker].take().map(|job| job.order));
            }
        }
    }

    /// A worker does the next thing, and answers what is left of its job.
    fn work(&mut self, job: Job, rules: Broken) -> Option<Job> {
        let before = self.exit.clone();
        let (order, now) = (&job.order, self.now);
        let next = match (order.step, &job.stage) {
            (DeletionStep::Seal, _) => {
                rules.sealed(&mut self.exit, order, now).ok();
                None
            }
            (DeletionStep::Erase(store), Stage::Permitted) => {
                self.destroy(&job, store);
                let asks_again = rules != Broken::AsksOnce || self.destructible(store) == 0;
                let stage = if asks_again { Stage::Started } else { Stage::Permitted };
                Some(Job { stage, had_leave: false, ..job.clone() })
            }
            (DeletionStep::Erase(store), _) if self.destructible(store) == 0 => {
                let failed = FailedItem { key: "stuck".to_owned(), reason: "It is locked.".to_owned() };
                let failed = vec![failed; usize::from(self.items[place(store)])];
                rules.erased(&mut self.exit, order, &failed, now).ok();
                None
            }
            (DeletionStep::Erase(_), _) => {
                let is_allowed = rules.may_destroy(&self.exit, order).is_ok();
                is_allowed.then(|| Job { stage: Stage::Permitted, ..job.clone() })
            }
            (DeletionStep::Verify, stage) => self.count(&job, stage, rules),
            (DeletionStep::ScheduleKey, Stage::KeyBegun) => {
                self.doom_key();
                Some(Job { stage: Stage::KeyTold, ..job.clone() })
            }
            (DeletionStep::ScheduleKey, Stage::KeyTold) => {
                rules.key_scheduled(&mut self.exit, order, now).ok();
                None
            }
            (DeletionStep::ScheduleKey, _) => {
                let is_begun = rules.begin_key(&mut self.exit, order, now).is_ok();
                is_begun.then(|| Job { stage: Stage::KeyBegun, ..job.clone() })
            }
            (DeletionStep::Certify, _) => {
                rules.certified(&mut self.exit, order, now).ok();
                None
            }
        };
        let is_stale = (order.generation, order.pass) < (before.generation, before.pass);
        if is_stale
            && (self.exit != before || next.as_ref().is_some_and(|next| next.stage == Stage::Permitted))
        {
            self.wrong = self.wrong.or(Some(Wrong::StaleHeard));
        }
        if self.exit.pass != before.pass {
            self.is_counted = false;
        }
        next
    }

    fn destroy(&mut self, job: &Job, store: Store) {
        let items = &mut self.items[place(store)];
        *items = items.saturating_sub(1);
        if self.is_held && !job.had_leave {
            self.wrong = self.wrong.or(Some(Wrong::HoldBroken));
        }
        if self.cancelled.contains(&job.order.generation) {
            self.wrong = self.wrong.or(Some(Wrong::CancelledDestroyed));
        }
    }

    /// Counts one more store, and reports after the last.
    fn count(&mut self, job: &Job, stage: &Stage, rules: Broken) -> Option<Job> {
        let mut counted = if let Stage::Counting(counted) = stage { counted.clone() } else { Vec::new() };
        if let Some(items) = self.items.get(counted.len()) {
            counted.push(*items);
            return Some(Job { stage: Stage::Counting(counted), ..job.clone() });
        }
        let count = |(store, remaining): (&Store, &u8)| Count {
            store: *store,
            remaining: u64::from(*remaining),
            counted_by: String::new(),
        };
        let counts: Vec<Count> = STORES.iter().zip(&counted).map(count).collect();
        if rules.verified(&mut self.exit, &job.order, &counts, self.now).is_ok() {
            self.is_counted = counted.iter().all(|items| *items == 0);
        }
        None
    }

    fn doom_key(&mut self) {
        self.is_key_doomed = true;
        if self.is_held {
            self.wrong = self.wrong.or(Some(Wrong::HoldBroken));
        }
        if !self.is_counted || self.items.iter().any(|items| *items > 0) {
            self.wrong = self.wrong.or(Some(Wrong::KeyTooEarly));
        }
    }

    /// The next moment at which something is due.
    fn next_moment(&self) -> Option<Timestamp> {
        let settles_at = self.exit.writes_stopped_at.map(|at| at.plus(WRITES_SETTLE_AFTER));
        let lapses_at = (self.exit.state == DeletionState::Requested).then(|| self.exit.lapses_at());
        let moments = [lapses_at, self.exit.due_at, settles_at];
        moments.into_iter().flatten().filter(|at| *at > self.now).min()
    }

    /// Whether nobody is left who was let in before.
    fn is_settled(&self) -> bool {
        let stopped_at = self.exit.writes_stopped_at;
        stopped_at.is_some_and(|at| at.plus(WRITES_SETTLE_AFTER) <= self.now)
    }

    /// How many items of a store can be destroyed.
    fn destructible(&self, store: Store) -> u8 {
        let place = place(store);
        self.items[place].saturating_sub(if place == 0 { self.stuck } else { 0 })
    }

    /// Worlds that differ in nothing that a rule reads are one.
    fn forget_what_no_rule_reads(&mut self) {
        self.workers.sort();
        self.exit.history.clear();
        self.exit.state_changed_at = self.exit.requested_at;
        self.exit.heard_at = self.now;
        self.exit.report.clear();
        self.exit.verified_at = self.exit.verified_at.map(|_| self.exit.requested_at);
        self.exit.key_begun_at = self.exit.key_begun_at.map(|_| self.exit.requested_at);
    }
}

impl Job {
    fn new(order: &Order) -> Self {
        Self { order: order.clone(), stage: Stage::Started, had_leave: false }
    }
}

fn place(store: Store) -> usize {
    STORES.iter().position(|other| *other == store).unwrap()
}
