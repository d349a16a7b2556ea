//! The same streams through the core, through a naive decoder, and through another implementation: all must say the same,
//! but for what is listed.
#![allow(unreachable_pub)]

#[path = "../common/mod.rs"]
mod common;
mod messages;
mod streams;
mod tungstenite_frames;

use common::{
    chance::Chance,
    config, frames,
    naive::{self, Decoded, End, Limits},
    pair::ROLES,
};
use std::sync::Arc;
use streams::LIMIT;
use timtow_core::{Cause, Config, Connection, Event, Message, Role};

/// What the core makes of a stream that comes in pieces: the same as the naive decoder, and what it sends.
pub fn receive(role: Role, stream: &[u8], mut piece: impl FnMut() -> usize) -> (Decoded, Vec<u8>) {
    let config = Arc::new(Config { max_frame: LIMIT, max_message: LIMIT, ..config() });
    let mut ws = Connection::upgraded(role, config);
    let (mut decoded, mut output, mut rest) = (Decoded::default(), Vec::new(), stream);
    while !rest.is_empty() || ws.wants_receive() {
        let (come, behind) = rest.split_at(piece().min(rest.len()));
        rest = behind;
        common::feed(&mut ws, come, |_, event| match event {
            Event::Message(Message::Text(text)) => decoded.events.push(('t', text.as_bytes().to_vec())),
            Event::Message(Message::Binary(bytes)) => decoded.events.push(('b', bytes.to_vec())),
            Event::Ping(payload) => decoded.events.push(('i', payload.to_vec())),
            Event::Pong(payload) => decoded.events.push(('o', payload.to_vec())),
            Event::Closed(closed) => {
                assert!(decoded.end.is_none(), "two ends");
                decoded.end = Some(match closed.cause {
                    Cause::Violation(violation) => End::Violated(violation.close_code().0),
                    _ if closed.code.0 == 1005 => End::Closed(None, vec![]),
                    _ => End::Closed(Some(closed.code.0), closed.reason.into_bytes()),
                });
            }
            event => panic!("{event:?}"),
        });
        output.extend(common::drain(&mut ws));
    }
    (decoded, output)
}

/// What the endpoint accepts.
pub const LIMITS: Limits = Limits { frame: LIMIT as u64, message: LIMIT as u64 };

/// What is to be sent in answer: a pong to each ping, and one close frame.
fn answer(decoded: &Decoded) -> Vec<(u8, Vec<u8>)> {
    let pings = decoded.events.iter().filter(|(kind, _)| *kind == 'i');
    let mut answer: Vec<_> = pings.map(|(_, payload)| (0x8a, payload.clone())).collect();
    answer.extend(decoded.end.as_ref().map(|end| {
        let code = match end {
            End::Closed(code, _) => *code,
            End::Violated(code) => Some(*code),
        };
        (0x88, code.map_or(vec![], |code| code.to_be_bytes().to_vec()))
    }));
    answer
}

#[test]
fn the_naive_decoder_says_the_same() {
    let (mut events, mut closed, mut violated) = (0, 0, std::collections::BTreeMap::new());
    for seed in 0..1500 {
        for role in ROLES {
            let mut chance = Chance::new(seed);
            let stream = streams::stream(role, &mut chance, 8);
            let naive = naive::decode(role, &stream, LIMITS);
            let expected = answer(&naive);
            let few = chance.between(1, 40);
            for most in [usize::MAX, 1, few] {
                let (decoded, output) =
                    receive(role, &stream, || if most == few { chance.between(1, few) } else { most });
                assert_eq!(decoded, naive, "seed {seed}, {role:?}, pieces of {most}, {}", stream.len());
                assert_eq!(frames(&output), expected, "seed {seed}, {role:?}, pieces of {most}");
            }
            events += naive.events.len();
            match naive.end {
                Some(End::Closed(..)) => closed += 1,
                Some(End::Violated(code)) => *violated.entry(code).or_insert(0) += 1,
                None => {}
            }
        }
    }
    // Else it would prove little.
    assert!(events > 2000 && closed > 100, "{events} {closed}");
    assert!([1002, 1007, 1009].iter().all(|code| violated[code] > 20), "{violated:?}");
}

#[test]
fn the_naive_decoder_is_short() {
    let lines = include_str!("../common/naive.rs").lines().count();
    assert!(lines < 150, "{lines} lines are not seen to be right at a glance");
}
#[test]
fn seeds_that_are_neighbours_decide_differently() {
    let mut seen = std::collections::HashSet::new();
    for seed in 0..1500 {
        let mut chance = Chance::new(seed);
        assert!((0..100).all(|_| seen.insert(chance.next())), "seed {seed} decides what another one does");
    }
}
