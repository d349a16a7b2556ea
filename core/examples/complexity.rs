//! One input of a given size through the core, for `.ci/complexity.sh`, which counts the instructions.
//!
//! ```console
//! $ cargo run --release -p timtow-core --all-features --example complexity -- fragments 1000
//! ```

use std::{hint::black_box, sync::Arc};
#[cfg(feature = "legacy")]
use timtow_core::Draft::{Hixie75, Hixie76};
use timtow_core::{ClientRequest, Config, Connection, Event, MaskSource, Origins, Response, Role};

/// A scenario and the size that is doubled; each is large enough for its work to outweigh what a program costs anyway.
const SCENARIOS: &[(&str, usize, fn(usize))] = &[
    ("request-byte-by-byte", 6000, |n| request(&long(n), 1)),
    ("response-byte-by-byte", 6000, |n| response(&long(n), 1)),
    ("fields", 45, |n| request(&"Name: value\r\n".repeat(n), usize::MAX)),
    ("response-fields", 45, |n| response(&"Name: value\r\n".repeat(n), usize::MAX)),
    ("response-fields-byte-by-byte", 45, |n| response(&"Name: value\r\n".repeat(n), 1)),
    ("extensions", 900, |n| request(&format!("Sec-WebSocket-Extensions: {}x\r\n", "x;a,".repeat(n)), usize::MAX)),
    ("parameters", 700, |n| request(&format!("Sec-WebSocket-Extensions: x{}\r\n", "; a=b".repeat(n)), usize::MAX)),
    ("quoted-string", 3500, |n| {
        request(&format!("Sec-WebSocket-Extensions: x; a=\"{}\"\r\n", "a".repeat(n)), usize::MAX)
    }),
    ("escapes", 1800, |n| request(&format!("Sec-WebSocket-Extensions: x; a=\"{}\"\r\n", "\\a".repeat(n)), usize::MAX)),
    ("open-quotes", 1300, |n| request(&format!("Sec-WebSocket-Extensions: {}\r\n", "x;\"".repeat(n)), usize::MAX)),
    ("subprotocols", 700, |n| {
        let names: Vec<_> = (0..n).map(|n| format!("{n:04}")).collect();
        request(&format!("Sec-WebSocket-Protocol: {}\r\n", names.join(",")), usize::MAX);
    }),
    ("fragments", 20_000, |n| fragments(n, usize::MAX)),
    ("fragments-byte-by-byte", 4000, |n| fragments(n, 1)),
    ("text-byte-by-byte", 60_000, |n| frames(&frame(0x81, &"κ".repeat(n / 2).into_bytes()), 1)),
    ("binary-byte-by-byte", 60_000, |n| frames(&frame(0x82, &vec![1; n]), 1)),
    ("pings", 20_000, |n| frames(&frame(0x89, b"ping").repeat(n), usize::MAX)),
    ("pings-nobody-reads", 20_000, unread_pings),
    ("messages-set-aside", 20_000, |n| set_aside(&frame(0x82, b"0123456789").repeat(n))),
    #[cfg(feature = "legacy")]
    ("hixie-76-request-byte-by-byte", 6000, |n| hixie::request(&long(n))),
    #[cfg(feature = "legacy")]
    ("hixie-76-request-fields", 45, |n| hixie::request(&"Name: value\r\n".repeat(n))),
    #[cfg(feature = "legacy")]
    ("hixie-76-response-byte-by-byte", 6000, |n| hixie::response(&long(n))),
    #[cfg(feature = "legacy")]
    ("hixie-75-server-byte-by-byte", 60_000, |n| hixie::text(Hixie75, Role::Server, n)),
    #[cfg(feature = "legacy")]
    ("hixie-75-client-byte-by-byte", 60_000, |n| hixie::text(Hixie75, Role::Client, n)),
    #[cfg(feature = "legacy")]
    ("hixie-76-server-byte-by-byte", 60_000, |n| hixie::text(Hixie76, Role::Server, n)),
    #[cfg(feature = "legacy")]
    ("hixie-76-client-byte-by-byte", 60_000, |n| hixie::text(Hixie76, Role::Client, n)),
    #[cfg(feature = "legacy")]
    ("hixie-75-server-invalid-text", 60_000, |n| hixie::invalid(Hixie75, Role::Server, n)),
    #[cfg(feature = "legacy")]
    ("hixie-76-client-invalid-text", 60_000, |n| hixie::invalid(Hixie76, Role::Client, n)),
    #[cfg(feature = "legacy")]
    ("hixie-75-server-skipped", 60_000, |n| hixie::skipped(Hixie75, Role::Server, n)),
    #[cfg(feature = "legacy")]
    ("hixie-76-client-skipped", 60_000, |n| hixie::skipped(Hixie76, Role::Client, n)),
    #[cfg(feature = "legacy")]
    ("hixie-76-server-empty-frames", 30_000, |n| hixie::empty(Hixie76, Role::Server, n)),
    #[cfg(feature = "legacy")]
    ("hixie-76-client-empty-frames", 30_000, |n| hixie::empty(Hixie76, Role::Client, n)),
    #[cfg(feature = "deflate")]
    ("empty-deflate-blocks", 10_000, |n| deflate(&frame(0xc1, &EMPTY_BLOCK.repeat(n)), usize::MAX)),
    #[cfg(feature = "deflate")]
    ("empty-deflate-blocks-byte-by-byte", 3000, |n| deflate(&frame(0xc1, &EMPTY_BLOCK.repeat(n)), 1)),
    #[cfg(feature = "deflate")]
    ("empty-compressed-fragments", 20_000, |n| compressed_fragments(n, b"")),
    #[cfg(feature = "deflate")]
    ("compressed-fragments-of-empty-blocks", 10_000, |n| compressed_fragments(n, &EMPTY_BLOCK)),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next(), arguments.next()) {
        (Some(name), Some(size)) => {
            let scenario = SCENARIOS.iter().find(|(known, ..)| *known == name).expect("a scenario");
            (scenario.2)(size.parse().expect("a size"));
        }
        _ => SCENARIOS.iter().for_each(|(name, size, _)| println!("{name} {size}")),
    }
}

fn config() -> Arc<Config> {
    let masks = MaskSource::Source(Arc::new(|| *b"mask"));
    Arc::new(Config { origins: Origins::Any, ..Config::with_masks(masks) })
}

/// So many bytes in two fields: one alone may not have as many.
fn long(n: usize) -> String {
    format!("X: {}\r\nY: {}\r\n", "x".repeat(n / 2), "y".repeat(n / 2))
}

/// Feeds the bytes in pieces, and drains after each.
fn feed(ws: &mut Connection, bytes: &[u8], size: usize) {
    let mut bytes = bytes.to_vec();
    for piece in bytes.chunks_mut(size.min(64 << 10)) {
        let mut input = piece;
        loop {
            while let Some(event) = ws.receive(&mut input) {
                if let Event::Request(_) = event {
                    ws.accept(Response::default()).expect("an answer");
                }
                black_box(event);
            }
            let waits = ws.outbox().len();
            ws.outbox().advance(waits);
            if !ws.wants_receive() {
                break;
            }
        }
    }
}

fn request(lines: &str, size: usize) {
    let mut head = String::from("GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    head += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    feed(&mut Connection::server(config()), format!("{head}{lines}\r\n").as_bytes(), size);
}

fn response(lines: &str, size: usize) {
    let request = ClientRequest { host: "example.com".into(), target: "/".into(), ..ClientRequest::default() };
    let mut ws = Connection::client(request, config()).expect("a request");
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    feed(&mut ws, format!("{head}{lines}\r\n").as_bytes(), size);
}

/// A frame of a client whose mask changes nothing.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        0..126 => frame.push(0x80 | payload.len() as u8),
        126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend((payload.len() as u16).to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

fn frames(bytes: &[u8], size: usize) {
    feed(&mut Connection::upgraded(Role::Server, config()), bytes, size);
}

fn fragments(count: usize, size: usize) {
    let mut bytes = frame(0x01, b"0123456789");
    bytes.extend(frame(0x00, b"0123456789").repeat(count));
    bytes.extend(frame(0x80, b""));
    frames(&bytes, size);
}

/// Nobody takes the pongs, and somebody looks for them after each ping.
fn unread_pings(count: usize) {
    let mut ws = Connection::upgraded(Role::Server, config());
    for _ in 0..count {
        let mut ping = frame(0x89, b"ping");
        let mut input = &mut ping[..];
        while let Some(event) = ws.receive(&mut input) {
            black_box(event);
        }
        black_box(ws.outbox().chunk());
    }
}

/// Each is answered, and the answers are taken a few bytes at a time: the rest of the input is set aside.
fn set_aside(bytes: &[u8]) {
    let mut ws = Connection::upgraded(Role::Server, config());
    for piece in bytes.to_vec().chunks_mut(64 << 10) {
        let mut input = piece;
        loop {
            while let Some(event) = ws.receive(&mut input) {
                if let Event::Message(message) = event {
                    ws.send(message).expect("it is open");
                }
            }
            let n = ws.outbox().len().min(100);
            ws.outbox().advance(n);
            if n == 0 {
                break;
            }
        }
    }
}

/// The drafts, whose frames are alike in both directions.
#[cfg(feature = "legacy")]
mod hixie {
    use super::{config, feed};
    use std::sync::Arc;
    use timtow_core::{ClientRequest, Config, Connection, Draft, Event, Response, Role};

    fn speaking(draft: Draft) -> Arc<Config> {
        Arc::new(Config { drafts: [draft].into_iter().collect(), ..(*config()).clone() })
    }

    fn client(draft: Draft) -> Connection {
        let request = ClientRequest { host: "example.com".into(), target: "/".into(), ..ClientRequest::default() };
        Connection::client(ClientRequest { draft: Some(draft), ..request }, speaking(draft)).expect("a request")
    }

    fn taken(ws: &mut Connection) -> Vec<u8> {
        let mut bytes = Vec::new();
        ws.outbox().write_to(&mut bytes).expect("it writes to memory");
        bytes
    }

    fn open(draft: Draft, role: Role) -> Connection {
        let (mut server, mut client) = (Connection::server(speaking(draft)), client(draft));
        let mut asked = taken(&mut client);
        let Some(Event::Request(_)) = server.receive(&mut &mut asked[..]) else { panic!("no request") };
        server.accept(Response::default()).expect("an answer");
        let mut answer = taken(&mut server);
        let Some(Event::Open(_)) = client.receive(&mut &mut answer[..]) else { panic!("it does not open") };
        let Some(Event::Open(_)) = server.receive(&mut &mut [][..]) else { panic!("it does not open") };
        if role == Role::Server { server } else { client }
    }

    pub(super) fn request(lines: &str) {
        let mut head = String::from("GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: WebSocket\r\n");
        head += "Connection: Upgrade\r\nSec-WebSocket-Key1: 1 0\r\nSec-WebSocket-Key2: 2 0\r\n";
        feed(&mut Connection::server(speaking(Draft::Hixie76)), format!("{head}{lines}\r\n12345678").as_bytes(), 1);
    }

    /// Whose sixteen bytes are wrong, behind all the work.
    pub(super) fn response(lines: &str) {
        let mut head = String::from("HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\n");
        head += "Connection: Upgrade\r\nSec-WebSocket-Location: ws://example.com/\r\n";
        let mut ws = client(Draft::Hixie76);
        taken(&mut ws);
        feed(&mut ws, format!("{head}{lines}\r\n0123456789abcdef").as_bytes(), 1);
    }

    fn frames(draft: Draft, role: Role, bytes: &[u8], size: usize) {
        feed(&mut open(draft, role), bytes, size);
    }

    pub(super) fn text(draft: Draft, role: Role, n: usize) {
        frames(draft, role, &[&[0], "κ".repeat(n / 2).as_bytes(), &[0xff]].concat(), 1);
    }

    pub(super) fn invalid(draft: Draft, role: Role, n: usize) {
        frames(draft, role, &[&[0][..], &vec![0x80; n], &[0xff]].concat(), usize::MAX);
    }

    /// By its end, and by its length.
    pub(super) fn skipped(draft: Draft, role: Role, n: usize) {
        let half = n / 2;
        let length = [0x80 | (half >> 14) as u8, 0x80 | (half >> 7) as u8, half as u8 & 0x7f];
        let payload = vec![b'a'; half];
        frames(draft, role, &[&[0x10][..], &payload, &[0xff, 0x80], &length, &payload].concat(), 1);
    }

    /// Some are skipped, and some say nothing.
    pub(super) fn empty(draft: Draft, role: Role, n: usize) {
        frames(draft, role, &[0x80, 0x00, 0x01, 0xff, 0x00, 0xff].repeat(n), usize::MAX);
    }
}

#[cfg(feature = "deflate")]
fn deflate(bytes: &[u8], size: usize) {
    let agreed = timtow_core::DeflateParameters::default();
    let config = Arc::new(Config { deflate: Some(timtow_core::Deflate::default()), ..(*config()).clone() });
    feed(&mut Connection::upgraded_with_deflate(Role::Server, config, agreed), bytes, size);
}

/// Fragments of one message, each with this payload, and the end.
#[cfg(feature = "deflate")]
fn compressed_fragments(count: usize, payload: &[u8]) {
    deflate(&[frame(0x41, payload), frame(0x00, payload).repeat(count), frame(0x80, &[0])].concat(), usize::MAX);
}

/// Without compression, and without a byte.
#[cfg(feature = "deflate")]
const EMPTY_BLOCK: [u8; 5] = [0x00, 0x00, 0x00, 0xff, 0xff];
