//! What the tests of compression share.

use super::{close, config, describe, drain, feed, frame, frames, pair::ROLES};
use std::sync::Arc;
use timtow_core::{Config, Connection, Deflate, DeflateParameters, Role};

/// RFC 7692 7.2.3.1.
pub const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
/// RFC 7692 7.2.3.2: "Hello" once more, by a look at the message before.
pub const HELLO_AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];

pub const NO_TAKEOVER: DeflateParameters = DeflateParameters {
    server_no_context_takeover: true,
    client_no_context_takeover: true,
    server_max_window_bits: 15,
    client_max_window_bits: 15,
};

pub fn eager() -> Config {
    Config { deflate: Some(Deflate { threshold: 0, ..Deflate::default() }), ..config() }
}

pub fn open(role: Role, agreed: DeflateParameters) -> Connection {
    Connection::upgraded_with_deflate(role, Arc::new(eager()), agreed)
}

/// What came of these frames: events, and the frames that were sent.
pub fn heard(ws: &mut Connection, input: &[(u8, &[u8])]) -> (Vec<String>, Vec<(u8, Vec<u8>)>) {
    let (role, mut events) = (ws.role(), Vec::new());
    for (first, payload) in input {
        feed(ws, &frame(role, *first, payload), |_, event| events.push(describe(&event)));
    }
    (events, frames(&drain(ws)))
}

/// The connection fails with this code, and no message is delivered.
pub fn fails(agreed: DeflateParameters, input: &[(u8, &[u8])], code: u16) {
    for role in ROLES {
        let (events, sent) = heard(&mut open(role, agreed), input);
        assert_eq!(sent, [(0x88, close(code))], "{role:?} {input:x?}: {events:?}");
        assert!(events.last().is_some_and(|event| event.starts_with("closed 1006")), "{role:?} {input:x?}: {events:?}");
    }
}

pub fn delivers(input: &[(u8, &[u8])], expected: &[&str]) {
    for role in ROLES {
        assert_eq!(heard(&mut open(role, DeflateParameters::default()), input).0, expected, "{role:?} {input:x?}");
    }
}

/// Text that compresses, different for each `n`.
pub fn text(n: usize, len: usize) -> String {
    (n..)
        .map(|n| format!("{{\"id\":{n},\"value\":{}}},", n.wrapping_mul(0x9e37_79b9) % 1000))
        .flat_map(|item| item.into_bytes())
        .take(len)
        .map(char::from)
        .collect()
}

/// Bytes that do not.
pub fn noise(seed: usize, len: usize) -> Vec<u8> {
    let mut state = seed as u64 + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}
