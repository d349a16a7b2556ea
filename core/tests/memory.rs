//! What a connection costs, counted by the allocator (see "Memory" in `SECURITY.md`).

mod common;

use common::{
    alloc::{self, Counting},
    client_request, config, drain, echo, feed, frame, open,
    pair::ROLES,
};
use std::sync::Arc;
use timtow_core::{Config, Connection, Event, Response, Role, State};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Something that a connection does and comes to rest after.
type Activity<'a> = &'a dyn Fn(&mut Connection);

#[test]
fn an_idle_connection_owns_nothing_on_the_heap() {
    println!("a connection is {} bytes", size_of::<Connection>());
    assert!(size_of::<Connection>() <= 512);
    let config = Arc::new(config());
    for role in ROLES {
        let before = alloc::owned();
        let mut ws = match role {
            Role::Server => Connection::server(config.clone()),
            Role::Client => Connection::client(client_request(), config.clone()).unwrap(),
        };
        match role {
            Role::Server => feed(&mut ws, common::REQUEST.as_bytes(), |ws, event| {
                if let Event::Request(_) = event {
                    ws.accept(Response::default()).unwrap();
                }
            }),
            Role::Client => {
                let mut server = Connection::server(config.clone());
                feed(&mut server, &drain(&mut ws), |server, event| {
                    if let Event::Request(_) = event {
                        server.accept(Response::default()).unwrap();
                    }
                });
                feed(&mut ws, &drain(&mut server), |_, event| assert!(matches!(event, Event::Open(_))));
            }
        }
        drain(&mut ws);
        assert_eq!(alloc::owned() - before, 0, "after the opening handshake");
        let activities: [(&str, Activity<'_>); 8] = [
            ("a message", &|ws| feed(ws, &frame(role, 0x81, b"text"), echo)),
            ("a large one, moved to the outbox", &|ws| {
                let large = frame(role, 0x82, &[1; 50_000]);
                feed(ws, &large[..1000], echo);
                feed(ws, &large[1000..], echo);
            }),
            ("fragments", &|ws| {
                for (first, payload) in [(0x01, "a"), (0x00, "b"), (0x80, "c")] {
                    feed(ws, &frame(role, first, payload.as_bytes()), echo);
                }
            }),
            ("control frames in pieces", &|ws| {
                for piece in [frame(role, 0x89, b"ping"), frame(role, 0x8a, b"pong")].concat().chunks(1) {
                    feed(ws, piece, echo);
                }
            }),
            ("more than may be queued", &|ws| {
                feed(ws, &frame(role, 0x82, &[1; 100]).repeat(2000), echo);
                while ws.wants_receive() || ws.buffered() > 0 {
                    drain(ws);
                    feed(ws, &[], echo);
                }
            }),
            ("partial writes", &|ws| {
                ws.send(vec![1; 10_000]).unwrap();
                ws.send("small").unwrap();
                while ws.buffered() > 0 {
                    let n = ws.outbox().chunk().len().min(999);
                    ws.outbox().advance(n);
                }
            }),
            ("writes by value", &|ws| {
                ws.send(vec![1; 10_000]).unwrap();
                ws.send("small").unwrap();
                while let Some(piece) = ws.outbox().take() {
                    let n = piece.len().min(999);
                    ws.outbox().restore(piece, n);
                }
            }),
            ("a lent buffer", &|ws| {
                let mut scratch = Vec::new();
                ws.outbox().lend(&mut scratch);
                ws.send(vec![1; 10_000]).unwrap();
                ws.send("small").unwrap();
                ws.outbox().advance(7);
                ws.outbox().reclaim(&mut scratch);
            }),
        ];
        for (name, activity) in activities {
            activity(&mut ws);
            drain(&mut ws);
            assert_eq!(alloc::owned() - before, 0, "after {name}");
        }
    }
}

/// What the opening handshake may cost.
const HANDSHAKE: isize = 17 << 10;

#[test]
fn the_opening_handshake_costs_17_kib() {
    let head = |line: &str| {
        let (first, rest) = common::REQUEST.split_once("\r\n").unwrap();
        format!("{first}\r\n{line}{rest}")
    };
    let long = head(&format!("X: {}\r\nY: {}\r\n", "x".repeat(8000), "y".repeat(8000)));
    let many = head(&"a:\r\n".repeat(90));
    let mut tokens = String::from("Sec-WebSocket-Protocol: a");
    for n in 0..2000 {
        tokens += &format!(",{n}");
    }
    let tokens = head(&format!("{}\r\n", &tokens[..8000].trim_end_matches(',')));
    let config = Arc::new(config());
    for request in [long, many, tokens] {
        for size in [1, 10, 1000, 20_000] {
            let (mut ws, before) = (Connection::server(config.clone()), alloc::owned());
            let mut requests = 0;
            let last = request.len() - 1;
            for mut piece in request.as_bytes()[..last].to_vec().chunks_mut(size) {
                let (event, cost, peak) = alloc::cost(|| ws.receive(&mut piece).is_some());
                assert!(!event && cost <= HANDSHAKE && peak <= HANDSHAKE, "{cost} and {peak}");
            }
            assert!(alloc::owned() - before <= HANDSHAKE);
            feed(&mut ws, &request.as_bytes()[last..], |_, event| {
                assert!(matches!(event, Event::Request(_)));
                requests += 1;
            });
            assert_eq!(requests, 1);
            // The application has the request; what the connection keeps of it until the answer is its own.
            let cost = alloc::owned() - before;
            assert!(cost <= HANDSHAKE, "{cost} bytes while the request waits for its answer");
        }
    }
}

/// What `ws` costs at most, beyond `before`, while it takes `input` in pieces of `size` bytes. With the last byte, and not before,
/// there is an event.
fn most(ws: &mut Connection, before: isize, input: &[u8], size: usize) -> isize {
    let mut most = alloc::owned() - before;
    let (first, last) = input.split_at(input.len() - 1);
    for (piece, is_last) in first.chunks(size).map(|piece| (piece, false)).chain([(last, true)]) {
        let mut piece = piece.to_vec();
        let base = alloc::owned() - before - piece.capacity() as isize;
        let (event, _, peak) = alloc::cost(|| ws.receive(&mut &mut piece[..]).is_some());
        assert_eq!(event, is_last);
        most = most.max(base + peak);
    }
    most
}

/// Lines of almost 16 KiB, and almost as many as there may be.
fn lines() -> [String; 2] {
    let half = "x".repeat(7_850);
    [format!("X: {half}\r\nY: {half}\r\n"), "a:\r\n".repeat(90)]
}

#[test]
fn a_clients_opening_handshake_costs_17_kib_and_the_body_of_an_error_its_bytes_and_an_eighth() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use sha1::{Digest, Sha1};
    let config = Arc::new(config());
    for (lines, size) in lines().iter().flat_map(|lines| [1, 10, 1000, 20_000].map(|size| (lines, size))) {
        for (early, body) in [(0, None), (16, None), (0, Some(100)), (0, Some(64 << 10)), (3, Some(30_000))] {
            let before = alloc::owned();
            let mut ws = Connection::client(client_request(), config.clone()).unwrap();
            let request = String::from_utf8(drain(&mut ws)).unwrap();
            let key = request.split("Sec-WebSocket-Key: ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap();
            let accept = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
            let mut input = format!("HTTP/1.1 103 Early Hints\r\n{lines}\r\n").repeat(early);
            input += &match body {
                None => format!(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Accept: {}\r\n{lines}\r\n",
                    BASE64_STANDARD.encode(accept)
                ),
                Some(body) => {
                    format!("HTTP/1.1 404 Not Found\r\nContent-Length: {body}\r\n{lines}\r\n{}", "b".repeat(body))
                }
            };
            let own = (request.capacity() + input.capacity()) as isize;
            let most = most(&mut ws, before + own, input.as_bytes(), size);
            let limit = HANDSHAKE + (body.unwrap_or(0) * 9 / 8) as isize;
            assert!(most <= limit, "{most} bytes, not {limit}, with a body of {body:?}, {size} at a time");
            assert_eq!(alloc::owned() - before - own, 0, "what is over is not kept");
            assert_eq!(ws.state() == State::Open, body.is_none());
        }
    }
}

#[cfg(feature = "legacy")]
#[test]
fn the_opening_handshake_of_hixie_76_costs_17_kib() {
    use common::drafts::{response, speaking};
    let config = speaking(config(), timtow_core::Draft::Hixie76);
    for (lines, size) in lines().iter().flat_map(|lines| [1, 10, 1000, 20_000].map(|size| (lines, size))) {
        let input = format!(
            "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key1: 1 0\r\nSec-WebSocket-Key2: 2 0\r\n{lines}\r\n12345678"
        );
        let before = alloc::owned();
        let mut server = Connection::server(config.clone());
        let cost = most(&mut server, before, input.as_bytes(), size);
        assert!(cost <= HANDSHAKE, "{cost} bytes of a server, {size} at a time");
        let waits = alloc::owned() - before;
        assert!(waits <= 512, "{waits} bytes while the request waits for its answer");
        drop(server);
        // The answer follows from the request.
        let before = alloc::owned();
        let mut client = Connection::client(client_request(), config.clone()).unwrap();
        let answer = response(timtow_core::Draft::Hixie76, &drain(&mut client), lines);
        let own = answer.capacity() as isize;
        let cost = most(&mut client, before + own, &answer, size);
        assert!(cost <= HANDSHAKE, "{cost} bytes of a client, {size} at a time");
        assert_eq!(client.state(), State::Open);
        let kept = alloc::owned() - before - own;
        assert!(kept <= 80, "{kept} bytes: the reader of its frames, and nothing of its head");
    }
}

#[test]
fn a_header_that_declares_the_limit_costs_16_kib() {
    let config = Arc::new(config());
    for role in ROLES {
        for first in [0x01, 0x02, 0x81, 0x82] {
            let mut ws = open(role, &config);
            let whole = frame(role, first, &[b'a'; 1 << 20]);
            let header = whole.len() - (1 << 20);
            for end in [header, header + 1, header + 100] {
                let before = alloc::owned();
                let mut piece = whole[..end].to_vec();
                let ws = &mut open(role, &config);
                assert!(ws.receive(&mut &mut piece[..]).is_none());
                drop(piece);
                let cost = alloc::owned() - before;
                assert!(cost <= 16 << 10, "{cost} bytes for {end} of the frame");
            }
            let mut header = whole[..header].to_vec();
            let (_, cost, peak) = alloc::cost(|| ws.receive(&mut &mut header[..]).is_none());
            assert_eq!((cost, peak), (0, 0), "nothing before there is something to keep");
        }
    }
}

#[test]
fn what_is_announced_beyond_all_memory_costs_a_mib_more_than_has_come() {
    let config = Arc::new(Config { max_message: usize::MAX, max_frame: usize::MAX, ..config() });
    for role in ROLES {
        for first in [0x01, 0x02, 0x81, 0x82] {
            let (mut ws, before) = (open(role, &config), alloc::owned());
            let mut come = 0;
            // The header says so much; a mask of zero changes nothing.
            let mut piece = [&[first, 0x7f][..], &(1_u64 << 62).to_be_bytes()].concat();
            if role == Role::Server {
                piece[1] |= 0x80;
                piece.extend([0; 4]);
            }
            for _ in 0..100 {
                let of_piece = piece.capacity() as isize;
                assert!(ws.receive(&mut &mut piece[..]).is_none());
                let cost = alloc::owned() - before - of_piece;
                assert!(cost <= come + come.max(1 << 20), "{cost} bytes for {come} of a frame");
                piece = vec![b'a'; 40_000];
                come += piece.len() as isize;
            }
        }
    }
}

#[test]
fn fragments_cost_their_bytes_and_a_quarter() {
    let config = Arc::new(config());
    for role in ROLES {
        for (first, size, count) in [(0x01, 1, 65_536), (0x02, 16, 65_536), (0x02, 0, 65_536), (0x01, 4096, 250)] {
            let mut ws = open(role, &config);
            let before = alloc::owned();
            for n in 0..count {
                let first = if n == 0 { first } else { 0x00 };
                let mut piece = frame(role, first, &vec![b'a'; size]);
                let of_piece = piece.capacity() as isize;
                assert!(ws.receive(&mut &mut piece[..]).is_none());
                let cost = alloc::owned() - before - of_piece;
                let payload = ((n + 1) * size) as isize;
                assert!(cost <= payload * 5 / 4 + 4096, "{cost} bytes for {payload}");
            }
            let mut messages = 0;
            feed(&mut ws, &frame(role, 0x80, b""), |_, event| match event {
                Event::Message(message) => {
                    assert_eq!(message.as_bytes().len(), count * size);
                    messages += 1;
                }
                event => panic!("{event:?}"),
            });
            assert_eq!((messages, alloc::owned() - before), (1, 0));
        }
    }
}

#[test]
fn a_slow_reader_costs_the_mark_a_message_and_the_rest_of_one_read() {
    const READ: usize = 64 << 10;
    let config = Arc::new(config());
    for role in ROLES {
        for (size, takes) in
            [1, 16, 1000, 4000, 20_000, 60_000].into_iter().flat_map(|size| [(size, 100), (size, 9000)])
        {
            let mut ws = open(role, &config);
            let input = frame(role, 0x82, &vec![1; size]).repeat(4 * READ / size.max(6));
            let mut input = input.as_slice();
            let (mut most, before) = (0, alloc::owned());
            // The peer takes some bytes now and then, and sends whenever we read.
            for turn in 0..3000 {
                if ws.wants_read() && !input.is_empty() {
                    let (piece, rest) = input.split_at(READ.min(input.len()));
                    feed(&mut ws, piece, echo);
                    input = rest;
                }
                if turn % 3 == 0 {
                    let n = ws.outbox().chunk().len().min(takes);
                    ws.outbox().advance(n);
                }
                while ws.wants_receive() {
                    feed(&mut ws, &[], echo);
                }
                most = most.max(alloc::owned() - before);
            }
            // A quarter of the mark, since a buffer that were always exact would be copied for every frame.
            let limit = (64 << 10) * 5 / 4 + size + READ;
            assert!(most <= limit as isize, "{most} bytes with messages of {size}, not {limit}");
        }
    }
}
