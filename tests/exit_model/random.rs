//! Long random runs of an exit, with all its stores, beside a reference that was written apart from it.
//!
//! [`Reference`] knows no [`Deletion`]: it says in its own words what must come of each [`Deed`]. [`Rules`] does the deeds with the
//! transitions that ship, and another system under test may do them with the worker that ships.

use std::collections::BTreeMap;

use domain::{
    Count, Decider, Deletion, DeletionState, DeletionStep, DoomedKey, Due, MOST_PASSES, MOST_TRIES, Order,
    Reminder, Store,
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use tenant_context::Timestamp;

use crate::world::{hold, owner, request, tenancy};

const START: u64 = 1_800_000_000;
const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

/// Something that is done.
#[derive(Debug, Clone)]
pub enum Deed {
    /// So many seconds pass.
    Wait(u64),
    /// The schedule ticks.
    Tick,
    /// An owner approves, with a second factor that is so many seconds old.
    Approve(u8, u64),
    /// An owner takes it back.
    Cancel,
    /// An owner asks again.
    AskAgain,
    /// A hold is placed.
    Hold,
    /// It is released.
    Release,
    /// A worker does what was ordered; which of all orders there ever were is counted from the last.
    Work(usize),
    /// It is killed when it has destroyed so many items, or before it says that KMS was told.
    WorkKilled(usize, u64),
    /// It says that it could not, so many times.
    Fail(u32),
    /// Who was let in before writes to a store.
    LateWrite(usize),
    /// From now on nobody can destroy the last item of the first store; or again.
    Stick(bool),
    /// People have looked into it.
    Resume,
}

/// What is to be done, in the reference's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Seal,
    Empty(usize),
    Count,
    Key,
    Certify,
}

/// What an exit must be.
#[derive(Debug, Clone)]
pub struct Reference {
    now: u64,
    state: DeletionState,
    asked_at: u64,
    approved_at: u64,
    reminders: Vec<u64>,
    is_held: bool,
    task: Task,
    generation: u64,
    pass: u64,
    futile: u32,
    tries: u32,
    heard_at: u64,
    settles_at: Option<u64>,
    orders: Vec<(u64, u64, Task)>,
    items: [u64; 7],
    is_stuck: bool,
    is_key_begun: bool,
    is_key_told: bool,
    /// Whether the last deed was done, and not refused.
    is_done: bool,
}

impl Reference {
    fn is_at_work(&self) -> bool {
        use DeletionState::*;
        matches!(self.state, Sealed | Erasing | Verifying)
    }

    fn due_at(&self) -> u64 {
        self.approved_at + 30 * DAY
    }

    fn is_settled(&self) -> bool {
        self.settles_at.is_some_and(|at| at <= self.now)
    }

    fn destructible(&self, store: usize) -> u64 {
        let stuck = u64::from(self.is_stuck && store == 0);
        self.items[store].saturating_sub(stuck)
    }

    fn is_ordered(&self) -> bool {
        let may = match self.task {
            Task::Seal | Task::Certify => true,
            Task::Count => !self.is_held && self.is_settled(),
            Task::Empty(_) | Task::Key => !self.is_held,
        };
        self.is_at_work() && may
    }

    fn begin(&mut self, task: Task) {
        (self.task, self.tries, self.heard_at) = (task, 0, self.now);
    }

    fn begin_pass(&mut self) {
        self.pass += 1;
        self.state = DeletionState::Erasing;
        self.begin(Task::Empty(0));
    }

    fn count_failure(&mut self) {
        (self.tries, self.heard_at) = (self.tries + 1, self.now);
        if self.tries == MOST_TRIES {
            self.state = DeletionState::Partial;
        }
    }

    fn tick(&mut self) {
        if self.state == DeletionState::Requested && self.now >= self.asked_at + 7 * DAY {
            self.state = DeletionState::Lapsed;
        }
        if self.state == DeletionState::Closing && self.now >= self.due_at() {
            self.state = DeletionState::Sealed;
            self.begin(Task::Seal);
        }
        if self.state == DeletionState::Closing {
            let left = self.due_at() - self.now;
            let reminder = [1, 7, 30].into_iter().find(|days| left <= days * DAY);
            let is_news = |days: &u64| self.reminders.last().is_none_or(|last| days < last);
            self.reminders.extend(reminder.filter(is_news));
        }
        if self.is_ordered() && self.now >= self.heard_at + DAY {
            self.count_failure();
        }
        if self.is_ordered() {
            self.orders.push((self.generation, self.pass, self.task));
        }
    }

    fn work(&mut self, from_last: usize, killed_after: Option<u64>) -> bool {
        let Some(place) = self.orders.len().checked_sub(1 + from_last) else { return false };
        let (generation, pass, task) = self.orders[place];
        let is_due = (generation, pass, task) == (self.generation, self.pass, self.task) && self.is_at_work();
        if !is_due {
            return false;
        }
        match task {
            Task::Empty(store) => {
                let destructible = self.destructible(store);
                if self.is_held && destructible > 0 {
                    return false;
                }
                self.items[store] -= destructible.min(killed_after.unwrap_or(u64::MAX));
                if killed_after.is_some() {
                    return false;
                }
                if store == 6 {
                    self.state = DeletionState::Verifying;
                    self.begin(Task::Count);
                } else {
                    self.begin(Task::Empty(store + 1));
                }
            }
            Task::Key => {
                if self.is_held {
                    return false;
                }
                (self.is_key_begun, self.is_key_told, self.heard_at) = (true, true, self.now);
                if killed_after.is_some() {
                    return false;
                }
                self.begin(Task::Certify);
            }
            _ if killed_after.is_some() => return false,
            Task::Seal => {
                self.settles_at = Some(self.now + HOUR);
                self.begin_pass();
            }
            Task::Count => {
                if !self.is_settled() {
                    return false;
                }
                if self.items == [0; 7] {
                    self.begin(Task::Key);
                } else {
                    self.futile += 1;
                    if self.futile == MOST_PASSES {
                        self.state = DeletionState::Partial;
                    } else {
                        self.begin_pass();
                    }
                }
            }
            Task::Certify => self.state = DeletionState::Erased,
        }
        true
    }
}

impl ReferenceStateMachine for Reference {
    type State = Self;
    type Transition = Deed;

    fn init_state() -> BoxedStrategy<Self> {
        // As if it had been futile before: fewer passes, the same rules.
        let futile = 0..MOST_PASSES;
        futile
            .prop_map(|futile| Self {
                now: START,
                state: DeletionState::Requested,
                asked_at: START,
                approved_at: 0,
                reminders: Vec::new(),
                is_held: false,
                task: Task::Seal,
                generation: 1,
                pass: 0,
                futile,
                tries: 0,
                heard_at: START,
                settles_at: None,
                orders: Vec::new(),
                items: [2; 7],
                is_stuck: false,
                is_key_begun: false,
                is_key_told: false,
                is_done: false,
            })
            .boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Deed> {
        let people = prop_oneof![
            4 => (1..=2_u8, prop::sample::select(vec![0, 299, 300])).prop_map(|(by, age)| Deed::Approve(by, age)),
            1 => Just(Deed::Cancel),
            2 => Just(Deed::AskAgain),
            2 => Just(Deed::Resume),
        ];
        let to_day = state.due_at().saturating_sub(state.now).max(1);
        let waits = vec![
            1,
            HOUR - 1,
            HOUR,
            DAY - 1,
            DAY,
            3 * DAY,
            7 * DAY - 1,
            7 * DAY,
            to_day,
            to_day - 1,
            to_day + 1,
        ];
        let work = prop_oneof![
            12 => Just(0),
            1 => 1..40_usize,
        ];
        // Where there is something to do, most often it is done.
        let (at_work, else_) = if state.is_at_work() { (20, 1) } else { (1, 8) };
        prop_oneof![
            else_ * 2 => people,
            3 => prop_oneof![Just(Deed::Hold), Just(Deed::Release)],
            3 => prop::sample::select(waits).prop_map(Deed::Wait),
            6 + at_work => Just(Deed::Tick),
            at_work => work.prop_map(Deed::Work),
            2 => (0..3_usize, 0..3_u64).prop_map(|(order, items)| Deed::WorkKilled(order, items)),
            2 => (1..=MOST_TRIES).prop_map(Deed::Fail),
            1 => (0..7_usize).prop_map(Deed::LateWrite),
            1 => any::<bool>().prop_map(Deed::Stick),
        ]
        .boxed()
    }

    fn apply(mut state: Self, deed: &Deed) -> Self {
        use DeletionState::*;
        let is_done = match deed {
            Deed::Wait(seconds) => {
                state.now += seconds;
                true
            }
            Deed::Tick => {
                state.tick();
                true
            }
            Deed::Approve(by, age) => {
                let is_in_time = state.now < state.asked_at + 7 * DAY;
                let is_approved = state.state == Requested && is_in_time && *by == 2 && *age < 300;
                if is_approved {
                    (state.state, state.approved_at) = (Closing, state.now);
                }
                is_approved
            }
            Deed::Cancel => {
                let is_in_time =
                    state.state == Requested || state.state == Closing && state.now < state.due_at();
                if is_in_time {
                    state.state = Cancelled;
                }
                is_in_time
            }
            Deed::AskAgain => {
                let may = matches!(state.state, Cancelled | Lapsed);
                if may {
                    (state.state, state.asked_at) = (Requested, state.now);
                    (state.generation, state.futile) = (state.generation + 1, 0);
                    state.reminders.clear();
                }
                may
            }
            Deed::Hold => {
                let may = !matches!(state.state, Lapsed | Cancelled | Erased) && !state.is_key_begun;
                state.is_held |= may;
                may
            }
            Deed::Release => {
                let was_held = std::mem::take(&mut state.is_held);
                if was_held {
                    state.heard_at = state.now;
                    if state.is_at_work() && matches!(state.task, Task::Count | Task::Key) {
                        state.pass += 1;
                        state.begin(Task::Count);
                    }
                }
                was_held
            }
            Deed::Work(from_last) => state.work(*from_last, None),
            Deed::WorkKilled(from_last, items) => {
                state.work(*from_last, Some(*items));
                true
            }
            Deed::Fail(times) => (0..*times).fold(false, |_, _| {
                let is_due = state.is_at_work()
                    && state.orders.last() == Some(&(state.generation, state.pass, state.task));
                if is_due {
                    state.count_failure();
                }
                is_due
            }),
            Deed::LateWrite(store) => {
                let may = !state.is_settled();
                state.items[*store] += u64::from(may);
                true
            }
            Deed::Stick(is_stuck) => {
                state.is_stuck = *is_stuck;
                true
            }
            Deed::Resume => {
                let may = state.state == Partial;
                if may {
                    state.futile = 0;
                    match state.task {
                        Task::Seal => {
                            state.state = Sealed;
                            state.begin(Task::Seal);
                        }
                        task @ (Task::Key | Task::Certify) if state.is_key_begun => {
                            state.state = Verifying;
                            state.begin(task);
                        }
                        _ => state.begin_pass(),
                    }
                }
                may
            }
        };
        state.is_done = is_done;
        state
    }
}

/// The rules that ship, and stores that are numbers.
pub struct Rules {
    now: Timestamp,
    exit: Deletion,
    orders: Vec<Order>,
    reminders: Vec<u64>,
    items: [u64; 7],
    is_stuck: bool,
    is_key_told: bool,
}

impl Rules {
    fn again(&self) -> Deletion {
        Deletion { stores: Store::ALL.to_vec(), ..request(Some(&self.exit), self.now) }
    }

    fn destructible(&self, store: usize) -> u64 {
        self.items[store].saturating_sub(u64::from(self.is_stuck && store == 0))
    }

    fn tick(&mut self) {
        for due in self.exit.advance(self.now) {
            match due {
                Due::Remind(reminder) => {
                    self.exit.reminded(reminder);
                    self.reminders.push(match reminder {
                        Reminder::ThirtyDays => 30,
                        Reminder::SevenDays => 7,
                        Reminder::OneDay => 1,
                    });
                }
                Due::Work(order) => self.orders.push(order),
                Due::Incident => {
                    self.exit.incident_opened("inc_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap());
                }
            }
        }
    }

    fn work(&mut self, from_last: usize, killed_after: Option<u64>) -> bool {
        let Some(place) = self.orders.len().checked_sub(1 + from_last) else { return false };
        let (order, now) = (self.orders[place].clone(), self.now);
        match order.step {
            DeletionStep::Erase(store) => {
                let place = Store::ALL.iter().position(|other| *other == store).unwrap();
                for _ in 0..self.destructible(place).min(killed_after.unwrap_or(u64::MAX)) {
                    if self.exit.may_destroy(&order).is_err() {
                        return false;
                    }
                    self.items[place] -= 1;
                }
                killed_after.is_none() && self.exit.erased(&order, Default::default(), &[], now).is_ok()
            }
            DeletionStep::ScheduleKey => {
                if self.exit.begin_key(&order, now).is_err() {
                    return false;
                }
                self.is_key_told = true;
                let key = DoomedKey { key_id: "key".to_owned(), destroyed_at: now };
                killed_after.is_none() && self.exit.key_scheduled(&order, key, now).is_ok()
            }
            _ if killed_after.is_some() => false,
            DeletionStep::Seal => self.exit.sealed(&order, now).is_ok(),
            DeletionStep::Verify => {
                let count = |(store, remaining): (&Store, &u64)| Count {
                    store: *store,
                    remaining: *remaining,
                    counted_by: String::new(),
                };
                let counts: Vec<Count> = Store::ALL.iter().zip(&self.items).map(count).collect();
                self.exit.verified(&order, &counts, now).is_ok()
            }
            DeletionStep::Certify => self.exit.certified(&order, now).is_ok(),
        }
    }
}

impl StateMachineTest for Rules {
    type SystemUnderTest = Self;
    type Reference = Reference;

    fn init_test(reference: &Reference) -> Self {
        let now = Timestamp::from_unix_seconds(reference.now);
        Self {
            now,
            exit: Deletion {
                stores: Store::ALL.to_vec(),
                futile_passes: reference.futile,
                ..request(None, now)
            },
            orders: Vec::new(),
            reminders: Vec::new(),
            items: reference.items,
            is_stuck: false,
            is_key_told: false,
        }
    }

    fn apply(mut system: Self, reference: &Reference, deed: Deed) -> Self {
        let now = system.now;
        let is_done = match deed {
            Deed::Wait(_) => {
                system.now = Timestamp::from_unix_seconds(reference.now);
                true
            }
            Deed::Tick => {
                system.tick();
                true
            }
            Deed::Approve(by, age) => {
                let member = owner(by);
                let mfa_at = Some(Timestamp::from_unix_seconds(now.unix_seconds() - age));
                system.exit.approve(Decider { member: &member, mfa_at }, now).is_ok()
            }
            Deed::Cancel => system.exit.cancel(&owner(2), now).is_ok(),
            Deed::AskAgain => {
                let may = matches!(system.exit.state, DeletionState::Cancelled | DeletionState::Lapsed);
                if may {
                    let holds = system.exit.holds.clone();
                    system.exit = Deletion { holds, ..system.again() };
                    system.reminders.clear();
                }
                may
            }
            Deed::Hold => system.exit.hold(hold()).is_ok(),
            Deed::Release => system.exit.release(&tenancy(), now).is_ok(),
            Deed::Work(from_last) => system.work(from_last, None),
            Deed::WorkKilled(from_last, items) => {
                system.work(from_last, Some(items));
                true
            }
            Deed::Fail(times) => (0..times).fold(false, |_, _| {
                let last = system.orders.last().cloned();
                last.is_some_and(|order| system.exit.failed(&order, "No.", now).is_ok())
            }),
            Deed::LateWrite(store) => {
                system.items[store] = reference.items[store];
                true
            }
            Deed::Stick(is_stuck) => {
                system.is_stuck = is_stuck;
                true
            }
            Deed::Resume => system.exit.resume(now).is_ok(),
        };
        assert_eq!(is_done, reference.is_done, "whether it was done");
        system
    }

    fn check_invariants(system: &Self, reference: &Reference) {
        assert_eq!(system.exit.state, reference.state);
        assert_eq!(system.items, reference.items);
        assert_eq!(system.is_key_told, reference.is_key_told);
        assert_eq!(system.exit.is_held(), reference.is_held && !reference.state.is_final());
        assert_eq!(system.reminders, reference.reminders);
        assert_eq!(system.orders.len(), reference.orders.len());
        assert!(!system.is_key_told || system.items == [0; 7], "the key went and something is left");
    }
}

prop_state_machine! {
    #![proptest_config(Config { cases: 400, failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_run_of_an_exit_is_as_the_reference_says(sequential 1..150 => Rules);
}

#[test]
fn random_runs_get_into_every_state_of_an_exit() {
    let mut runner = TestRunner::deterministic();
    let strategy = Reference::sequential_strategy(1..150);
    let mut ends = BTreeMap::new();
    for _ in 0..400 {
        let (mut state, deeds, _) = strategy.new_tree(&mut runner).unwrap().current();
        for deed in &deeds {
            state = <Reference as ReferenceStateMachine>::apply(state, deed);
            *ends.entry(state.state.as_str()).or_insert(0) += 1;
        }
    }
    let missing =
        DeletionState::ALL.map(DeletionState::as_str).into_iter().filter(|state| !ends.contains_key(state));
    // The one that an exit cannot be in.
    assert_eq!(missing.collect::<Vec<_>>(), ["soft_deleted"], "{ends:?}");
    println!("{ends:?}");
}
