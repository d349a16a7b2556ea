//! A deterministic simulation: a server and a client over a hostile byte pipe, on a virtual clock. A seed decides everything,
//! and replays it.
//!
//! ```console
//! $ cargo test -p timtow-core --all-features --test simulation
//! $ TIMTOW_SEEDS=1000000 cargo test --release -p timtow-core --all-features --test simulation
//! $ TIMTOW_FIRST_SEED=4711 TIMTOW_SEEDS=1 cargo test -p timtow-core --all-features --test simulation
//! ```
//!
//! Without the feature `deflate` a run in four, which compresses with it, goes another way.

#![allow(unreachable_pub)]

#[path = "../common/mod.rs"]
mod common;
mod content;
mod judge;
mod memory;
mod pipe;
mod plan;
mod side;
mod turn;
mod wire;
mod world;

use std::collections::BTreeSet;

#[global_allocator]
static ALLOCATOR: common::alloc::Counting = common::alloc::Counting;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
}

#[test]
fn whatever_the_transport_does() {
    let (first, count) = (number("TIMTOW_FIRST_SEED", 0), number("TIMTOW_SEEDS", 1000));
    content::prepare();
    let (mut steps, mut events) = (0, 0);
    for seed in first..first + count {
        let Ok(summary) = world::play(seed) else { panic!("replay it with {}", command(seed)) };
        steps += summary.steps;
        events += summary.events;
    }
    println!("{count} seeds, {steps} steps, {events} events");
}

/// What plays this seed alone, with the features of this build.
fn command(seed: u64) -> String {
    let features = if cfg!(feature = "deflate") { "--all-features " } else { "" };
    format!("TIMTOW_FIRST_SEED={seed} TIMTOW_SEEDS=1 cargo test -p timtow-core {features}--test simulation")
}

#[test]
fn a_seed_plays_the_same_again() {
    content::prepare();
    let round = || (0..24).map(|seed| world::play(seed).expect("it plays"));
    let first: Vec<_> = round().collect();
    for (seed, (a, b)) in first.iter().zip(round()).enumerate() {
        assert_eq!(*a, b, "seed {seed}");
    }
    assert_eq!(first.iter().any(|summary| summary.compresses), cfg!(feature = "deflate"));
    let different: BTreeSet<u64> = first.iter().map(|summary| summary.digest).collect();
    assert_eq!(different.len(), first.len(), "no two runs are the same");
}
