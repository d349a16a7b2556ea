//! A deterministic simulation: a server and a client over a hostile byte pipe, on a virtual clock. A seed decides everything,
//! and replays it.
//!
//! ```console
//! $ cargo test -p timtow-core --test simulation
//! $ TIMTOW_SEEDS=1000000 cargo test --release -p timtow-core --test simulation
//! $ TIMTOW_FIRST_SEED=4711 TIMTOW_SEEDS=1 cargo test -p timtow-core --test simulation
//! ```

#![allow(unreachable_pub)]

#[path = "../common/mod.rs"]
mod common;
mod content;
mod judge;
mod pipe;
mod plan;
mod side;
mod wire;
mod world;

#[global_allocator]
static ALLOCATOR: common::alloc::Counting = common::alloc::Counting;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
}

#[test]
fn whatever_the_transport_does() {
    let (first, count) = (number("TIMTOW_FIRST_SEED", 0), number("TIMTOW_SEEDS", 1000));
    content::prepare();
    let (mut steps, mut messages) = (0, 0);
    for seed in first..first + count {
        let played = std::panic::catch_unwind(|| world::play(seed));
        let Ok(summary) = played else { panic!("replay it with TIMTOW_FIRST_SEED={seed} TIMTOW_SEEDS=1") };
        steps += summary.steps;
        messages += summary.messages;
    }
    println!("{count} seeds, {steps} steps, {messages} events");
}
