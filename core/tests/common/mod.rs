//! What the tests of the core share. Each test file uses a part of it.
#![allow(dead_code, unreachable_pub)]

pub mod alloc;
pub mod chance;
#[cfg(feature = "deflate")]
pub mod deflate;
#[cfg(feature = "legacy")]
pub mod drafts;
#[path = "../../../conformance/src/inflate.rs"]
pub mod inflate;
pub mod naive;
pub mod pair;
pub mod pipe;
pub mod transport;
pub mod vectors;
pub mod ways;

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use timtow_core::{ClientRequest, Closed, Config, Connection, Event, MaskSource, Message, Origins, Role};

/// A configuration whose masks are the same in every run, and no two of a connection's alike.
pub fn config() -> Config {
    let counter = AtomicU32::new(0);
    let masks = move || counter.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9).to_be_bytes();
    Config { origins: Origins::Any, ..Config::with_masks(MaskSource::Source(Arc::new(masks))) }
}

/// The mask of every frame that the tests write by hand: the RFC's own (5.7).
pub const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame as a peer of `role` would receive it: masked for a server (RFC 6455 5.1). `first` is the whole first byte.
pub fn frame(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let masked = if role == Role::Server { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        0..126 => frame.push(masked | payload.len() as u8),
        126..0x1_0000 => {
            frame.push(masked | 126);
            frame.extend((payload.len() as u16).to_be_bytes());
        }
        _ => {
            frame.push(masked | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    if role == Role::Server {
        frame.extend(MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    } else {
        frame.extend(payload);
    }
    frame
}

/// The frames in `bytes`, unmasked: first byte and payload. An independent reader, as simple as it can be.
///
/// # Panics
/// If the bytes end inside a frame.
pub fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = bytes {
        let (len, rest) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(rest[..2].try_into().unwrap())), &rest[2..]),
            127 => (u64::from_be_bytes(rest[..8].try_into().unwrap()), &rest[8..]),
            len => (u64::from(len), rest),
        };
        let (mask, rest) = if second & 0x80 != 0 { rest.split_at(4) } else { (&[0; 4][..], rest) };
        let (payload, rest) = rest.split_at(len as usize);
        frames.push((*first, payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()));
        bytes = rest;
    }
    assert!(bytes.is_empty(), "the output ends inside a frame");
    frames
}

/// A close frame's payload.
pub fn close(code: u16) -> Vec<u8> {
    code.to_be_bytes().to_vec()
}

/// A valid request (RFC 6455 1.2).
pub const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// What a client asks for.
pub fn client_request() -> ClientRequest {
    ClientRequest { host: "example.com".into(), target: "/chat".into(), ..ClientRequest::default() }
}

/// Either side, open.
pub fn open(role: Role, config: &Arc<Config>) -> Connection {
    Connection::upgraded(role, config.clone())
}

/// Feeds `bytes`, gives every event to `on_event`.
pub fn feed(ws: &mut Connection, bytes: &[u8], mut on_event: impl FnMut(&mut Connection, Event<'_>)) {
    let mut bytes = bytes.to_vec();
    let mut input = &mut bytes[..];
    while let Some(event) = ws.receive(&mut input) {
        on_event(ws, event);
    }
    assert!(input.is_empty(), "receive consumes everything");
}

/// Drains the outbox.
pub fn drain(ws: &mut Connection) -> Vec<u8> {
    let mut out = Vec::new();
    ws.outbox().write_to(&mut out).unwrap();
    out
}

/// Sends messages back.
pub fn echo(ws: &mut Connection, event: Event<'_>) {
    if let Event::Message(message) = event {
        // Fails after a close frame only, when nobody waits for it.
        let _ = ws.send(message);
    }
}

/// An event in words, to be compared.
pub fn describe(event: &Event<'_>) -> String {
    match event {
        Event::Message(Message::Text(text)) => format!("text {text}"),
        Event::Message(Message::Binary(bytes)) => format!("binary {}", bytes.escape_ascii()),
        Event::Fragment(fragment) => {
            format!("{:?} {} {}", fragment.kind, fragment.payload.escape_ascii(), fragment.fin)
        }
        Event::Ping(payload) => format!("ping {}", payload.escape_ascii()),
        Event::Pong(payload) => format!("pong {}", payload.escape_ascii()),
        Event::Request(request) => format!("request {} {:?}", request.target, request.headers),
        Event::Open(opened) => format!("open {:?}", opened.subprotocol),
        Event::Closed(Closed { code, reason, cause }) => format!("closed {} {reason} {cause:?}", code.0),
    }
}
