//! What holds for all inputs and operations, tried on a few hundred that are the same in every run.

mod common;

use common::{
    config, describe, frame, frames, open,
    pair::{Pair, ROLES},
};
use proptest::{
    prelude::*,
    test_runner::{Config as Runs, RngSeed},
};
use std::{sync::Arc, time::Duration};
use timtow_core::{Config, Connection, Event, Fragment, Kind, OwnedMessage, Response, Role, State};

fn runs(cases: u32) -> Runs {
    Runs { cases, rng_seed: RngSeed::Fixed(6455), failure_persistence: None, ..Runs::default() }
}

/// What may happen to a pair.
#[derive(Clone, Debug)]
enum Operation {
    Send(Role, OwnedMessage),
    Fragments(Role, Kind, Vec<String>),
    Ping(Role),
    Settle,
    Turn(Role),
    Pass(u16),
    Window(Role, usize),
    Reads(Role, Option<usize>),
    Close(Role, u16),
    Vanish(Role),
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Server), Just(Role::Client)]
}

fn message() -> impl Strategy<Value = OwnedMessage> {
    let text = prop_oneof![".{0,40}", ".{120,130}", Just("κ".repeat(2100))];
    let binary = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        (4090..4100usize).prop_map(|len| vec![5; len]),
        Just(vec![6; 5000])
    ];
    prop_oneof![text.prop_map(OwnedMessage::from), binary.prop_map(OwnedMessage::from)]
}

/// Those after which everything still arrives.
fn harmless() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (role(), message()).prop_map(|(role, message)| Operation::Send(role, message)),
        2 => (role(), prop_oneof![Just(Kind::Text), Just(Kind::Binary)], proptest::collection::vec(".{0,9}", 1..5))
            .prop_map(|(role, kind, pieces)| Operation::Fragments(role, kind, pieces)),
        1 => role().prop_map(Operation::Ping),
        2 => Just(Operation::Settle),
        4 => role().prop_map(Operation::Turn),
        1 => (0..60u16).prop_map(Operation::Pass),
        1 => (role(), 1..3000usize).prop_map(|(role, window)| Operation::Window(role, window)),
        1 => (role(), proptest::option::of(1..500usize)).prop_map(|(role, reads)| Operation::Reads(role, reads)),
    ]
}

fn anything() -> impl Strategy<Value = Operation> {
    prop_oneof![
        12 => harmless(),
        1 => (role(), prop_oneof![Just(1000u16), Just(1005), Just(4000)]).prop_map(|(role, code)| Operation::Close(role, code)),
        1 => role().prop_map(Operation::Vanish),
    ]
}

/// Does it; what was sent is appended to `sent`, by role.
fn apply(pair: &mut Pair, operation: Operation, sent: &mut [Vec<OwnedMessage>; 2]) {
    let now = pair.now;
    match operation {
        Operation::Send(role, message) => {
            if pair.sides(role).0.ws.send(message.clone()).is_ok() {
                sent[role as usize].push(message);
            }
        }
        Operation::Fragments(role, kind, pieces) => {
            let ws = &mut pair.sides(role).0.ws;
            let (last, mut all) = (pieces.len() - 1, true);
            for (n, piece) in pieces.iter().enumerate() {
                let fragment = Fragment { kind, payload: piece.as_bytes().into(), fin: n == last, message_len: None };
                all &= ws.send_fragment(fragment).is_ok();
            }
            if all {
                let whole = pieces.concat();
                sent[role as usize].push(match kind {
                    Kind::Text => whole.into(),
                    Kind::Binary => whole.into_bytes().into(),
                });
            }
        }
        Operation::Ping(role) => drop(pair.sides(role).0.ws.ping(b"?")),
        Operation::Settle => pair.settle(),
        Operation::Turn(role) => {
            let (side, other) = pair.sides(role);
            side.turn(other, now);
        }
        Operation::Pass(seconds) => pair.pass(Duration::from_secs(seconds.into())),
        Operation::Window(role, window) => pair.sides(role).0.window = window,
        Operation::Reads(role, reads) => pair.sides(role).0.reads = reads,
        Operation::Close(role, code) => drop(pair.sides(role).0.ws.close(code, "")),
        Operation::Vanish(role) => pair.sides(role).0.ws.receive_error(),
    }
}

fn untimed() -> Config {
    Config { ping_interval: None, write_timeout: None, ..config() }
}

proptest! {
    #![proptest_config(runs(200))]

    #[test]
    fn every_message_arrives_once_and_in_order(operations in proptest::collection::vec(harmless(), 1..40), closer in role()) {
        let mut pair = Pair::open_with(untimed(), untimed());
        pair.server.respond = |_, _| {};
        let mut sent = [vec![], vec![]];
        for operation in operations {
            apply(&mut pair, operation, &mut sent);
        }
        for side in [&mut pair.server, &mut pair.client] {
            side.reads = Some(usize::MAX);
            side.window = usize::MAX;
        }
        pair.settle();
        prop_assert!(pair.server.messages() == sent[Role::Client as usize]);
        prop_assert!(pair.client.messages() == sent[Role::Server as usize]);
        pair.sides(closer).0.ws.close(1000, "").unwrap();
        pair.settle();
        for side in [&pair.server, &pair.client] {
            prop_assert!(side.closed().unwrap().is_clean() && side.ws.is_closed());
        }
    }

    #[test]
    fn whatever_happens_each_side_ends_once_and_what_arrived_was_sent(operations in proptest::collection::vec(anything(), 1..40)) {
        let mut pair = Pair::new(config(), config());
        pair.server.respond = |_, _| {};
        let mut sent = [vec![], vec![]];
        for operation in operations {
            apply(&mut pair, operation, &mut sent);
        }
        // Long enough for the opening handshake, or for its deadline.
        pair.pass_seconds(10);
        for side in [&mut pair.server, &mut pair.client] {
            // `Side::turn` asserts that there is one end at most, and no busy loop.
            let _ = side.ws.close(1000, "");
        }
        pair.pass_seconds(200);
        for role in ROLES {
            let (side, other) = pair.sides(role);
            prop_assert!(side.closed().is_some() && side.ws.is_closed() && other.ws.is_closed(), "{:?}", side.ws);
            prop_assert!(sent[1 - role as usize].starts_with(&side.messages()));
        }
    }

    #[test]
    fn events_and_output_do_not_depend_on_how_the_bytes_are_cut(
        messages in proptest::collection::vec((0..8u8, message(), any::<bool>()), 1..12),
        garbage in proptest::collection::vec(any::<u8>(), 0..20),
        cuts in proptest::collection::vec(1..400usize, 1..50),
        receiver in role(),
        fragments in any::<bool>(),
    ) {
        let mut bytes = Vec::new();
        for (kind, message, fin) in &messages {
            let payload = message.as_bytes();
            match kind {
                0 => bytes.extend(frame(receiver, 0x89, &payload[..payload.len().min(125)])),
                1 => bytes.extend(frame(receiver, 0x8a, &payload[..payload.len().min(125)])),
                2..5 => {
                    let first = if message.as_text().is_some() { 0x01 } else { 0x02 };
                    let (head, tail) = payload.split_at(payload.len() / 2);
                    bytes.extend(frame(receiver, first, head));
                    bytes.extend(frame(receiver, 0x89, b"between"));
                    if *fin {
                        bytes.extend(frame(receiver, 0x80, tail));
                    } else {
                        bytes.extend(frame(receiver, 0x00, tail));
                        bytes.extend(frame(receiver, 0x80, b""));
                    }
                }
                _ => bytes.extend(frame(receiver, if message.as_text().is_some() { 0x81 } else { 0x82 }, payload)),
            }
        }
        bytes.extend(garbage);
        let run = |pieces: &mut dyn Iterator<Item = usize>| {
            let mut ws = open(receiver, &Arc::new(Config { fragments, high_water: 3000, ..config() }));
            let (mut events, mut out, mut rest) = (Vec::<String>::new(), Vec::new(), &bytes[..]);
            let mut pieced: Vec<u8> = Vec::new();
            while !rest.is_empty() || ws.wants_receive() {
                let n = if ws.wants_read() { pieces.next().unwrap_or(usize::MAX).min(rest.len()) } else { 0 };
                let (piece, behind) = rest.split_at(n);
                rest = behind;
                common::feed(&mut ws, piece, |ws, event| {
                    // How a fragment is cut depends on how it came; its bytes don't.
                    if let Event::Fragment(fragment) = &event {
                        pieced.extend(fragment.payload.iter());
                        pieced.extend(fragment.fin.then_some(0));
                    } else {
                        events.push(describe(&event));
                    }
                    common::echo(ws, event);
                });
                out.extend(common::drain(&mut ws));
                if ws.state().is_over() {
                    break;
                }
            }
            (events, pieced, out)
        };
        let whole = run(&mut std::iter::empty());
        frames(&whole.2);
        prop_assert!(run(&mut cuts.iter().copied().cycle()) == whole);
        prop_assert!(run(&mut std::iter::repeat(1)) == whole);
    }

    #[test]
    fn no_bytes_at_all_make_it_panic_or_say_more_than_one_end(
        start in 0..4u8,
        bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0x81), Just(0x80), Just(b'\r'), Just(b'\n')], 0..300),
        cuts in proptest::collection::vec(1..50usize, 1..10),
        seconds in 0..30u64,
    ) {
        let config = Arc::new(config());
        let (mut ws, prefix): (Connection, &[u8]) = match start {
            0 => (Connection::server(config), b"GET "),
            1 => (Connection::client(common::client_request(), config).unwrap(), b"HTTP/1.1 "),
            2 => (open(Role::Server, &config), b""),
            _ => (open(Role::Client, &config), b""),
        };
        let bytes = [prefix, &bytes].concat();
        let (mut rest, mut cuts, mut ends, mut now) = (&bytes[..], cuts.iter().cycle(), 0, Duration::from_secs(1));
        for _ in 0..400 {
            let (piece, behind) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
            rest = behind;
            common::feed(&mut ws, piece, |ws, event| {
                ends += usize::from(matches!(event, Event::Closed(_)));
                if let Event::Request(_) = event {
                    ws.accept(Response::default()).unwrap();
                }
            });
            common::drain(&mut ws);
            if rest.is_empty() {
                ws.receive_eof();
            } else if ws.poll_timeout().is_some_and(|deadline| deadline <= now) {
                ws.handle_timeout(now);
                now += Duration::from_secs(seconds) / 100;
            }
        }
        prop_assert_eq!((ends, ws.state()), (1, State::Closed));
    }
}
