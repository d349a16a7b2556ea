//! What a connection costs, counted by the allocator (see "Memory" in `SECURITY.md`).

mod common;

use common::{
    alloc::{self, Counting},
    client_request, config, drain, echo, feed, frame, open,
    pair::ROLES,
};
use std::sync::Arc;
use timtow_core::{Config, Connection, Event, Response, Role};

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

#[test]
fn the_opening_handshake_costs_17_kib() {
    const LIMIT: isize = 17 << 10;
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
                assert!(!event && cost <= LIMIT && peak <= LIMIT, "{cost} and {peak}");
            }
            assert!(alloc::owned() - before <= LIMIT);
            feed(&mut ws, &request.as_bytes()[last..], |_, event| {
                assert!(matches!(event, Event::Request(_)));
                requests += 1;
            });
            assert_eq!(requests, 1);
            // The application has the request; what the connection keeps of it until the answer is its own.
            let cost = alloc::owned() - before;
            assert!(cost <= LIMIT, "{cost} bytes while the request waits for its answer");
        }
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
        for size in [1, 16, 1000, 60_000] {
            let mut ws = open(role, &config);
            let input = frame(role, 0x82, &vec![1; size]).repeat(4 * READ / size.max(6));
            let mut input = input.as_slice();
            let (mut most, before) = (0, alloc::owned());
            // The peer takes 100 bytes now and then, and sends whenever we read.
            for turn in 0..3000 {
                if ws.wants_read() && !input.is_empty() {
                    let (piece, rest) = input.split_at(READ.min(input.len()));
                    feed(&mut ws, piece, echo);
                    input = rest;
                }
                if turn % 3 == 0 {
                    let n = ws.outbox().chunk().len().min(100);
                    ws.outbox().advance(n);
                }
                while ws.wants_receive() {
                    feed(&mut ws, &[], echo);
                }
                most = most.max(alloc::owned() - before);
            }
            // And a quarter, since a buffer that were always exact would be copied for every frame.
            let limit = ((64 << 10) + size) * 5 / 4 + READ;
            assert!(most <= limit as isize, "{most} bytes with messages of {size}, not {limit}");
        }
    }
}
