//! Whether the rules of an exit hold in every world that a model checker can think of, and in random ones.
//!
//! The transitions are those of `domain::Deletion`, the code that ships. Around them is a small world: two stores with few items, a
//! queue that loses, repeats and reorders, two workers that may be killed between any two steps, a schedule that runs ahead of the API's
//! clock, owners who cancel and come again, holds that come and go, and writes that come late. `world` is that world, `rules` the
//! transitions and what becomes of them in a broken copy, `model` what stateright explores, `ends` whether it always comes to an end,
//! and `random` long runs against a reference.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests are tests")]

mod ends;
mod model;
mod random;
mod rules;
mod world;
