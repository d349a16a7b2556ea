//! The ways in which input may come and output may go. Events and output must not depend on them.

use super::describe;
use timtow_core::{Connection, Event, Response};

/// How the outbox is drained after each piece of input.
#[derive(Clone, Copy, Debug)]
pub enum Drained {
    AtOnce,
    /// As completion-based drivers do it, half of each piece at a time.
    Taken,
    ByteByByte,
    /// So many bytes, and the others not before the end.
    Blocked(usize),
}

/// What a connection made of its input.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Outcome {
    pub events: Vec<String>,
    pub messages: Vec<Vec<u8>>,
    pub output: Vec<u8>,
    /// After how many pieces there was a terminal event.
    pub over: Option<usize>,
}

fn drain(ws: &mut Connection, drained: Drained, out: &mut Vec<u8>) {
    let outbox = ws.outbox();
    match drained {
        Drained::AtOnce => outbox.write_to(out).unwrap(),
        Drained::Taken => {
            while let Some(piece) = outbox.take() {
                let n = piece.len().div_ceil(2);
                out.extend_from_slice(&piece[..n]);
                outbox.restore(piece, n);
            }
        }
        Drained::ByteByByte => {
            while let Some(byte) = outbox.chunk().first() {
                out.push(*byte);
                outbox.advance(1);
            }
        }
        Drained::Blocked(at) => {
            while !outbox.chunk().is_empty() && out.len() < at {
                out.push(outbox.chunk()[0]);
                outbox.advance(1);
            }
        }
    }
}

/// Feeds the pieces one after the other.
pub fn run<'p>(mut ws: Connection, pieces: impl IntoIterator<Item = &'p [u8]>, drained: Drained) -> Outcome {
    let mut outcome = Outcome::default();
    // What is sent before anything comes is a client's request, and no part of the outcome.
    super::drain(&mut ws);
    for (n, piece) in pieces.into_iter().enumerate() {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        loop {
            while let Some(event) = ws.receive(&mut input) {
                outcome.events.push(describe(&event));
                match event {
                    Event::Request(_) => ws.accept(Response::default()).unwrap(),
                    Event::Message(message) => outcome.messages.push(message.as_bytes().to_vec()),
                    Event::Closed(_) => {
                        assert_eq!(outcome.over, None, "one terminal event");
                        outcome.over = Some(n);
                    }
                    _ => {}
                }
            }
            assert!(input.is_empty(), "receive consumes everything");
            drain(&mut ws, drained, &mut outcome.output);
            if !ws.wants_receive() {
                break;
            }
        }
    }
    // What is left, once the sink takes it.
    drain(&mut ws, Drained::AtOnce, &mut outcome.output);
    outcome
}

/// Runs `input` in every way; returns what it came to. `make` makes the connection, each time the same.
pub fn in_every_way(name: &str, make: impl Fn() -> Connection, input: &[u8]) -> Outcome {
    let whole = run(make(), [input], Drained::AtOnce);
    let ends = whole.over.is_some();
    // What is behind the end is ignored; what is behind a vector that goes on must not change what came before.
    let trailing = [0xff, 0x00, b'G', 0x81, 0x85, b'\r', b'\n'];
    let longer = [input, &trailing].concat();
    for drained in [Drained::AtOnce, Drained::Taken, Drained::ByteByByte, Drained::Blocked(0)] {
        let case = |cut: &str| format!("{name}, {cut}, drained {drained:?}");
        let same = |mut outcome: Outcome, cut: &str| {
            outcome.over = outcome.over.map(|_| 0);
            assert_eq!(outcome, whole, "{}", case(cut));
        };
        same(run(make(), [input], drained), "whole");
        same(run(make(), input.chunks(1), drained), "byte by byte");
        // Every cut of a short vector; of a long one, those around its headers and a sample of the others.
        let cuts = (0..=input.len()).filter(|cut| input.len() < 1000 || *cut < 20 || cut % 4999 == 0);
        for cut in cuts {
            let (head, tail) = input.split_at(cut);
            same(run(make(), [head, tail], drained), &format!("cut at {cut}"));
        }
        for pieces in [1, 3, longer.len()] {
            let outcome = run(make(), longer.chunks(pieces), drained);
            if ends {
                same(outcome, &format!("with bytes behind it, {pieces} at a time"));
            } else {
                assert_eq!(outcome.events[..whole.events.len()], whole.events, "{}", case("with bytes behind it"));
                assert!(outcome.output.starts_with(&whole.output), "{}", case("with bytes behind it"));
            }
        }
    }
    // Every two cuts of a short one.
    for first in 0..if input.len() <= 200 { input.len() } else { 0 } {
        for second in first..input.len() {
            let pieces = [&input[..first], &input[first..second], &input[second..]];
            let mut outcome = run(make(), pieces, Drained::AtOnce);
            outcome.over = outcome.over.map(|_| 0);
            assert_eq!(outcome, whole, "{name}, cut at {first} and {second}");
        }
    }
    // A sink that blocks at each byte of the output, which is never long.
    for at in 0..=whole.output.len() {
        for pieces in [input.len().max(1), input.len() / 7 + 1] {
            let mut outcome = run(make(), input.chunks(pieces), Drained::Blocked(at));
            outcome.over = outcome.over.map(|_| 0);
            assert_eq!(outcome, whole, "{name}, in pieces of {pieces}, blocked at {at}");
        }
    }
    whole
}

/// What a connection says of itself, in every way. `make` makes it, each time the same, with all of that in its outbox.
pub fn said(name: &str, make: impl Fn() -> Connection) -> Vec<u8> {
    let said = |drained| {
        let (mut ws, mut out) = (make(), vec![]);
        drain(&mut ws, drained, &mut out);
        drain(&mut ws, Drained::AtOnce, &mut out);
        out
    };
    let whole = said(Drained::AtOnce);
    let blocked = (0..=whole.len()).map(Drained::Blocked);
    for drained in [Drained::Taken, Drained::ByteByByte].into_iter().chain(blocked) {
        assert_eq!(said(drained), whole, "{name}, drained {drained:?}");
    }
    whole
}
