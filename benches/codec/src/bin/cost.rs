//! The hot paths of the core, each done a given number of times, for `.ci/cost.sh`: it counts the instructions, and the
//! program itself counts the allocations.
//!
//! ```console
//! $ cargo run --release -p timtow-benches --bin cost                                # the scenarios
//! $ cargo run --release -p timtow-benches --bin cost -- allocations                 # of one time each
//! $ cargo run --release -p timtow-benches --bin cost -- server-binary-16 1000       # do it
//! ```
#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    env,
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};
use timtow_benches::{Turns, accept, echo, messages, open, open_deflate, opening, receive, text, wire};
use timtow_core::{Config, Connection, Fragment, Kind, Prepared, Role};

/// Counts what is asked for; the system allocates.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to `System` as it came; the counter allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: likewise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: likewise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often each is done, to count the allocations of one time.
const TIMES: usize = 256;

type Scenario = (String, Box<dyn Fn(usize)>);

fn scenarios() -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    let mut add = |name: &str, run: Box<dyn Fn(usize)>| scenarios.push((name.into(), run));
    for (role, role_name) in [(Role::Server, "server"), (Role::Client, "client")] {
        let peer = if role == Role::Server { Role::Client } else { Role::Server };
        for (kind, kind_name) in [(Kind::Binary, "binary"), (Kind::Text, "text")] {
            for (size, size_name) in [(16, "16"), (125, "125"), (1024, "1k"), (16 << 10, "16k"), (64 << 10, "64k")] {
                let name = format!("{role_name}-{kind_name}-{size_name}");
                add(&name, Box::new(move |n| echoes(role, messages(peer, kind, size, 1), n)));
            }
        }
        add(
            &format!("{role_name}-batch-16"),
            Box::new(move |n| {
                echoes(role, messages(peer, Kind::Binary, 16, 16), n);
            }),
        );
        add(&format!("{role_name}-fragments"), Box::new(move |n| echoes(role, fragments(peer), n)));
        add(&format!("{role_name}-ping"), Box::new(move |n| echoes(role, ping(peer), n)));
        add(&format!("{role_name}-creation"), Box::new(move |n| creation(role, n)));
    }
    for (size, count) in [(16, 16), (1024, 1), (16 << 10, 1)] {
        add(
            &format!("turn-{count}x{size}"),
            Box::new(move |n| turns(&messages(Role::Client, Kind::Binary, size, count), n)),
        );
    }
    add("pieces", Box::new(pieces));
    add("handshake", Box::new(handshake));
    add("deflate", Box::new(deflate));
    add("broadcast", Box::new(broadcast));
    scenarios
}

fn main() {
    let scenarios = scenarios();
    let mut arguments = env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("allocations"), _) => {
            for (name, run) in scenarios {
                // What is done once is in both.
                let [once, twice] = [TIMES, 2 * TIMES].map(|times| {
                    let before = ALLOCATIONS.load(Relaxed);
                    run(times);
                    ALLOCATIONS.load(Relaxed) - before
                });
                println!("{name} {}", (twice as f64 - once as f64) / TIMES as f64);
            }
        }
        (Some(name), Some(times)) => {
            let (_, run) = scenarios.iter().find(|(known, _)| known == name).expect("a scenario");
            run(times.parse().expect("a number"));
        }
        _ => scenarios.iter().for_each(|(name, _)| println!("{name}")),
    }
}

/// The same bytes again and again; what comes of them is sent back.
fn echoes(role: Role, mut wire: Vec<u8>, times: usize) {
    let (mut connection, mut scratch) = (open(role), Vec::new());
    for _ in 0..times {
        assert!(echo(&mut connection, black_box(&mut wire), &mut scratch) > 0);
    }
}

/// The same bytes read again and again, and sent back, as every driver of a server does it.
fn turns(wire: &[u8], times: usize) {
    let mut turns = Turns::open();
    for _ in 0..times {
        assert!(turns.echo(black_box(wire)) > 0);
    }
}

/// One message in three fragments of 100 bytes.
fn fragments(role: Role) -> Vec<u8> {
    let mut sender = open(role);
    for n in 0..3 {
        sender.send_fragment(Fragment::binary(&[n; 100], n == 2)).expect("the connection is open");
    }
    wire(&mut sender)
}

fn ping(role: Role) -> Vec<u8> {
    let mut sender = open(role);
    sender.ping(b"are you there?").expect("the connection is open");
    wire(&mut sender)
}

fn creation(role: Role, times: usize) {
    let config = Arc::new(Config::default());
    for _ in 0..times {
        black_box(Connection::upgraded(black_box(role), config.clone()));
    }
}

/// A text of 16 KiB that comes in reads of 1000 bytes, which end inside of characters, too.
fn pieces(times: usize) {
    let (mut connection, mut wire) = (open(Role::Server), messages(Role::Client, Kind::Text, 16 << 10, 1));
    for _ in 0..times {
        assert_eq!(wire.chunks_mut(1000).map(|piece| receive(&mut connection, piece)).sum::<usize>(), 1);
    }
}

fn handshake(times: usize) {
    let (config, request) = (Arc::new(Config::default()), opening());
    let mut buffer = request.clone();
    for _ in 0..times {
        buffer.copy_from_slice(&request);
        assert!(accept(&config, black_box(&mut buffer)) > 0);
    }
}

/// A text of 1 KiB, compressed, inflated, and back.
fn deflate(times: usize) {
    let (mut client, mut server) = (open_deflate(Role::Client), open_deflate(Role::Server));
    let (text, mut scratch, mut bytes) = (text(1024), Vec::new(), Vec::new());
    for _ in 0..times {
        client.outbox().lend(&mut scratch);
        client.send(black_box(text.as_str())).expect("the connection is open");
        bytes.clear();
        client.outbox().write_to(&mut bytes).expect("memory takes everything");
        client.outbox().reclaim(&mut scratch);
        server.outbox().lend(&mut scratch);
        let mut input = &mut bytes[..];
        while let Some(event) = server.receive(&mut input) {
            if let timtow_core::Event::Message(message) = event {
                server.send(message).expect("the connection is open");
            }
        }
        bytes.clear();
        server.outbox().write_to(&mut bytes).expect("memory takes everything");
        server.outbox().reclaim(&mut scratch);
        assert_eq!(receive(&mut client, &mut bytes), 1);
    }
}

/// One message for 64 connections, prepared once.
fn broadcast(times: usize) {
    let mut room: Vec<Connection> = (0..64).map(|_| open(Role::Server)).collect();
    let (text, mut scratch) = (text(1024), Vec::new());
    for _ in 0..times {
        let news = Prepared::new(black_box(text.clone()));
        for guest in &mut room {
            guest.outbox().lend(&mut scratch);
            guest.send(&news).expect("the connection is open");
            let sent = guest.outbox().len();
            guest.outbox().advance(sent);
            guest.outbox().reclaim(&mut scratch);
        }
    }
}
