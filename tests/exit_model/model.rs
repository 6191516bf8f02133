//! What stateright explores: every order in which things can happen.

use domain::DeletionState;
use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::{
    rules::Broken,
    world::{Chances, Event, World, Wrong},
};

/// All worlds that come of one.
pub struct Exit {
    pub world: World,
    pub rules: Broken,
}

const HOLDS: &str = "what is held is not destroyed";
const KEY: &str = "the key goes after everything was counted and nothing was left";
const CANCELLED: &str = "what was cancelled is not destroyed";
const STALE: &str = "what an older generation or pass says changes nothing";
const OWNERS: &str = "two owners agreed to what is destroyed";
const ERASED: &str = "erased means that nothing is left, and that the key goes";
const ENDS: &str = "an exit ends";

impl Model for Exit {
    type State = World;
    type Action = Event;

    fn init_states(&self) -> Vec<World> {
        vec![self.world.clone()]
    }

    fn actions(&self, world: &World, events: &mut Vec<Event>) {
        if world.wrong.is_none() {
            events.extend(world.events());
        }
    }

    fn next_state(&self, world: &World, event: Event) -> Option<World> {
        world.after(&event, self.rules)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(HOLDS, |_, world: &World| world.wrong != Some(Wrong::HoldBroken)),
            Property::always(KEY, |_, world: &World| world.wrong != Some(Wrong::KeyTooEarly)),
            Property::always(CANCELLED, |_, world: &World| world.wrong != Some(Wrong::CancelledDestroyed)),
            Property::always(STALE, |_, world: &World| world.wrong != Some(Wrong::StaleHeard)),
            Property::always(OWNERS, |_, world: &World| {
                let exit = &world.exit;
                let is_agreed = exit.approved_by.as_ref().is_some_and(|by| *by != exit.requested_by);
                is_agreed || exit.due_at.is_none()
            }),
            Property::always(ERASED, |_, world: &World| {
                let is_nothing_left = world.items.iter().all(|items| *items == 0);
                world.exit.state != DeletionState::Erased || is_nothing_left && world.is_key_doomed
            }),
            Property::sometimes(ENDS, |_, world: &World| {
                matches!(world.exit.state, DeletionState::Erased | DeletionState::Partial)
            }),
        ]
    }
}

/// The worlds that are explored to their ends: in each, something else goes wrong.
pub fn worlds() -> [World; 4] {
    let some = Chances { duplicates: 1, kills: 1, ..Chances::default() };
    let queue = Chances { losses: 1, late_writes: 1, ..some };
    let owners = Chances { killed_ticks: 1, cancels: 2, ..some };
    let holds = Chances { holds: 1, late_writes: 1, ..some };
    let stuck = Chances { holds: 1, losses: 1, ..some };
    [World::new(0, queue), World::new(0, owners), World::new(0, holds), World::new(1, stuck)]
}

/// Whether a broken copy breaks this property in any of the worlds.
fn is_found(rules: Broken, property: &'static str) -> bool {
    worlds().into_iter().any(|world| {
        let model = Exit { world, rules };
        let checker =
            model.checker().finish_when(HasDiscoveries::AnyOf([property].into())).spawn_bfs().join();
        checker.discovery(property).is_some()
    })
}

#[test]
fn nothing_that_must_not_be_is_in_any_world() {
    for (number, world) in worlds().into_iter().enumerate() {
        let checker = Exit { world, rules: Broken::Nothing }.checker().spawn_bfs().join();
        println!("world {number}: {} states, {} deep", checker.unique_state_count(), checker.max_depth());
        checker.assert_properties();
    }
}

#[test]
fn a_copy_that_forgets_holds_is_found() {
    assert!(is_found(Broken::ForgetsHolds, HOLDS));
}

#[test]
fn a_copy_that_asks_once_and_not_before_each_item_is_found() {
    assert!(is_found(Broken::AsksOnce, HOLDS));
}

#[test]
fn a_copy_that_loses_holds_with_a_pass_is_found() {
    assert!(is_found(Broken::LosesHoldsWithAPass, HOLDS));
}

#[test]
fn a_copy_that_takes_a_hold_when_kms_may_know_is_found() {
    assert!(is_found(Broken::HoldsTooLate, HOLDS));
}

#[test]
fn a_copy_that_skips_the_generation_is_found() {
    assert!(is_found(Broken::SkipsGeneration, STALE));
}

#[test]
fn a_copy_that_skips_the_pass_is_found() {
    assert!(is_found(Broken::SkipsPass, STALE));
}

#[test]
fn a_copy_that_lets_the_key_go_before_anything_is_counted_is_found() {
    assert!(is_found(Broken::KeyBeforeCount, KEY));
}

#[test]
fn a_copy_that_reports_without_counting_is_found() {
    assert!(is_found(Broken::ReportsWithoutCounting, KEY));
}

#[test]
fn a_copy_that_does_not_count_again_after_a_hold_is_found() {
    assert!(is_found(Broken::CountsOnceForGood, KEY));
}

#[test]
fn a_copy_that_counts_while_something_may_be_written_is_found() {
    assert!(is_found(Broken::CountsTooEarly, KEY));
}

#[test]
fn a_copy_that_ignores_cancelling_is_found() {
    assert!(is_found(Broken::IgnoresCancel, CANCELLED));
}

#[test]
fn a_copy_where_an_owner_approves_alone_is_found() {
    assert!(is_found(Broken::ApprovesOwnRequest, OWNERS));
}
