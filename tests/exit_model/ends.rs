//! Whether an exit that destroys always comes to an end: `erased`, or `partial`, where people look.
//!
//! Every world is gone through, and backwards from the ends along what is sure to happen: the schedule ticks, messages come, workers
//! work, holds are released in the end. What goes wrong does so a limited number of times. So wherever the way back reaches, every run
//! ends; a world that it does not reach is one in which something waits for ever.

use std::collections::{HashMap, VecDeque};

use domain::DeletionState;

use crate::{model::worlds, rules::Broken, world::World};

/// A world in which an exit destroys and never ends, if there is one; and how many worlds there are.
fn endless(start: World, rules: Broken) -> (Option<World>, usize) {
    let mut places = HashMap::from([(start.clone(), 0)]);
    let mut all = vec![start];
    let mut before: Vec<Vec<usize>> = vec![Vec::new()];
    let mut next = 0;
    while let Some(world) = all.get(next).cloned() {
        for event in world.events() {
            let Some(after) = world.after(&event, rules) else { continue };
            let place = *places.entry(after).or_insert_with_key(|after| {
                all.push(after.clone());
                before.push(Vec::new());
                all.len() - 1
            });
            if event.is_sure() {
                before[place].push(next);
            }
        }
        next += 1;
    }

    let has_ended =
        |world: &World| matches!(world.exit.state, DeletionState::Erased | DeletionState::Partial);
    let mut ends: Vec<bool> = all.iter().map(has_ended).collect();
    let mut reached: VecDeque<usize> = (0..all.len()).filter(|place| ends[*place]).collect();
    while let Some(place) = reached.pop_front() {
        for earlier in &before[place] {
            if !std::mem::replace(&mut ends[*earlier], true) {
                reached.push_back(*earlier);
            }
        }
    }
    let is_endless = |(world, ends): &(&World, &bool)| world.exit.state.is_at_work() && !**ends;
    (all.iter().zip(&ends).find(is_endless).map(|(world, _)| world.clone()), all.len())
}

#[test]
fn an_exit_that_destroys_always_ends_erased_or_partial() {
    for world in worlds() {
        let is_stuck = world.stuck > 0;
        let (endless, worlds) = endless(world, Broken::Nothing);
        assert!(worlds > 1000, "{worlds}");
        assert_eq!(endless, None, "{is_stuck}");
    }
}

#[test]
fn a_copy_that_orders_work_once_is_found() {
    assert!(worlds().into_iter().any(|world| endless(world, Broken::OrdersOnce).0.is_some()));
}
