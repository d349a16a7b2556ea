//! What compressed messages may cost: counted by the allocator, each case on a thread of its own, so that what a thread
//! shares among its connections is counted too.
#![cfg(feature = "deflate")]

mod common;

use common::{
    alloc::{self, Counting},
    close, config, drain, feed, frame, frames,
    pair::ROLES,
};
use std::{sync::Arc, thread};
use timtow_core::{Cause, Config, Connection, Deflate, DeflateParameters, Event, Fragment, Message, Role, Violation};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

const NO_TAKEOVER: DeflateParameters = DeflateParameters {
    server_no_context_takeover: true,
    client_no_context_takeover: true,
    server_max_window_bits: 15,
    client_max_window_bits: 15,
};

fn apart<R: Send>(case: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(case).join().unwrap())
}

fn eager() -> Config {
    Config { deflate: Some(Deflate { threshold: 0, ..Deflate::default() }), ..config() }
}

fn limited(limit: usize) -> Arc<Config> {
    Arc::new(Config { max_message: limit, max_frame: limit, ..eager() })
}

/// A whole message, compressed by another connection, on another thread.
fn compressed(message: &[u8]) -> Vec<u8> {
    apart(|| {
        let mut ws = Connection::upgraded_with_deflate(Role::Server, Arc::new(eager()), NO_TAKEOVER);
        ws.send(message).unwrap();
        frames(&drain(&mut ws)).remove(0).1
    })
}

/// Fragments, of which each can be inflated as it comes.
fn compressed_fragments(parts: &[&[u8]]) -> Vec<(u8, Vec<u8>)> {
    apart(|| {
        let mut ws = Connection::upgraded_with_deflate(Role::Server, Arc::new(eager()), NO_TAKEOVER);
        for (n, part) in parts.iter().enumerate() {
            ws.send_fragment(Fragment::binary(*part, n + 1 == parts.len())).unwrap();
        }
        frames(&drain(&mut ws))
    })
}

/// Feeds `input` in pieces; the violation that it ends with, or how long the messages are; and what it cost at most,
/// beyond what was there before and the pieces themselves.
fn peak(ws: &mut Connection, input: &[u8], pieces: usize) -> (Result<Vec<usize>, Violation>, usize) {
    let mut result = Ok(Vec::new());
    let before = alloc::owned();
    let mut most = 0;
    for piece in input.chunks(pieces) {
        let mut piece = piece.to_vec();
        let base = alloc::owned() - before - piece.len() as isize;
        let ((), _, peak) = alloc::cost(|| {
            let mut input = &mut piece[..];
            while let Some(event) = ws.receive(&mut input) {
                match event {
                    Event::Message(message) => match &mut result {
                        Ok(lens) if lens.capacity() == 0 => result = Ok(vec![message.as_bytes().len()]),
                        Ok(lens) => lens.push(message.as_bytes().len()),
                        Err(_) => panic!("a message after the end"),
                    },
                    Event::Closed(closed) => match closed.cause {
                        Cause::Violation(violation) => result = Err(violation),
                        other => panic!("{other:?}"),
                    },
                    other => panic!("{other:?}"),
                }
            }
        });
        most = most.max(base + peak);
    }
    (result, most as usize)
}

#[test]
fn a_bomb_costs_the_limit_and_64_kib() {
    let bomb = compressed(&vec![b'a'; 16 * MIB]);
    assert!(bomb.len() < 20 * KIB);
    for (role, limit) in ROLES.into_iter().flat_map(|role| [KIB, 16 * KIB, MIB].map(|limit| (role, limit))) {
        for agreed in [DeflateParameters::default(), NO_TAKEOVER] {
            for (first, pieces) in [(0xc1, usize::MAX), (0xc2, 1), (0xc1, 1000)] {
                let config = Arc::new(Config { max_frame: MIB, max_message: MIB, ..eager() });
                let config = Arc::new(Config { max_message: limit.max(bomb.len()), ..Config::clone(&config) });
                let limit = config.max_message;
                let (result, most) = apart(|| {
                    let mut ws = Connection::upgraded_with_deflate(role, config, agreed);
                    let (result, most) = peak(&mut ws, &frame(role, first, &bomb), pieces);
                    assert_eq!(frames(&drain(&mut ws)), [(0x88, close(1009))]);
                    (result, most)
                });
                assert!(matches!(result, Err(Violation::MessageTooBig | Violation::FrameTooBig)), "{result:?}");
                assert!(
                    most <= limit + 64 * KIB,
                    "{most} bytes where {limit} are allowed, {role:?} {agreed:?} {pieces}"
                );
            }
        }
    }
}

#[test]
fn a_message_of_the_limit_costs_no_more_and_one_byte_above_is_refused() {
    for (role, limit) in ROLES.into_iter().flat_map(|role| [KIB, 63 * KIB, MIB].map(|limit| (role, limit))) {
        let (legal, too_big) = (compressed(&vec![b'a'; limit]), compressed(&vec![b'a'; limit + 1]));
        for (agreed, pieces) in [DeflateParameters::default(), NO_TAKEOVER]
            .into_iter()
            .flat_map(|agreed| [(agreed, usize::MAX), (agreed, 3)])
        {
            apart(|| {
                let mut ws = Connection::upgraded_with_deflate(role, limited(limit), agreed);
                for _ in 0..3 {
                    let (result, most) = peak(&mut ws, &frame(role, 0xc2, &legal), pieces);
                    assert_eq!(result.unwrap(), [limit]);
                    assert!(most <= limit + 64 * KIB + 512, "{most} bytes where {limit} are allowed, {agreed:?}");
                }
                let (result, most) = peak(&mut ws, &frame(role, 0xc2, &too_big), pieces);
                assert_eq!(result, Err(Violation::MessageTooBig));
                assert!(most <= limit + 64 * KIB, "{most} bytes where {limit} are allowed, {agreed:?}");
            });
        }
    }
}

#[test]
fn the_limits_hold_over_all_fragments_on_the_wire_and_inflated() {
    let agreed = DeflateParameters::default();
    let half = vec![b'a'; 8 * KIB];
    for role in ROLES {
        let run = |config: &Arc<Config>, sent: &[(u8, Vec<u8>)]| {
            let input: Vec<u8> = sent.iter().flat_map(|(first, payload)| frame(role, *first, payload)).collect();
            peak(&mut Connection::upgraded_with_deflate(role, config.clone(), agreed), &input, usize::MAX).0
        };
        let config = limited(16 * KIB);
        assert_eq!(run(&config, &compressed_fragments(&[&half, &half])), Ok(vec![16 * KIB]));
        assert_eq!(run(&config, &compressed_fragments(&[&half, &half, b"a"])), Err(Violation::MessageTooBig));
        // A frame is limited by itself, too.
        let config = Arc::new(Config { max_message: MIB, max_frame: 8 * KIB, ..eager() });
        assert_eq!(run(&config, &compressed_fragments(&[&half, &half, &half])), Ok(vec![24 * KIB]));
        let longer = [&half[..], b"a"].concat();
        assert_eq!(run(&config, &compressed_fragments(&[&half, &longer])), Err(Violation::FrameTooBig));
        // What is smaller when it is inflated, or nothing at all, counts as it comes: by its header.
        let config = limited(1000);
        let blocks = [0x00, 0x00, 0x00, 0xff, 0xff].repeat(199);
        assert_eq!(run(&config, &[(0xc2, [&blocks[..], &[0x00]].concat())]), Ok(vec![0]));
        assert_eq!(run(&config, &[(0xc2, [&blocks[..], &blocks[..10]].concat())]), Err(Violation::FrameTooBig));
        let fragments = [(0x42, blocks[..500].to_vec()), (0x00, blocks[..500].to_vec()), (0x80, vec![0x00])];
        assert_eq!(run(&config, &fragments), Err(Violation::MessageTooBig));
    }
}

#[test]
fn floods_of_blocks_and_fragments_that_say_nothing_are_read_and_cost_nothing() {
    // Empty blocks without compression, with static codes, and final ones; then a megabyte of fragments of one byte.
    let stored = [0x00, 0x00, 0x00, 0xff, 0xff].repeat(MIB / 5 - 1);
    let fixed = [0x02, 0x08, 0x20, 0x80, 0x00].repeat(MIB / 5 - 1);
    let last = [0x03, 0x00].repeat(50_000);
    for (role, blocks) in ROLES.into_iter().flat_map(|role| [&stored, &fixed, &last].map(|blocks| (role, blocks))) {
        let whole = [&blocks[..], &[0x00]].concat();
        let (result, most) = apart(|| {
            let mut ws = Connection::upgraded_with_deflate(role, limited(MIB), DeflateParameters::default());
            peak(&mut ws, &frame(role, 0xc2, &whole), 64 * KIB)
        });
        assert_eq!(result, Ok(vec![0]));
        assert!(most <= 64 * KIB, "{most}");
    }
    let message = compressed(&vec![b'a'; MIB]);
    for role in ROLES {
        let bytes = message.iter().enumerate();
        let input = bytes.flat_map(|(n, byte)| frame(role, if n == 0 { 0x42 } else { 0x00 }, &[*byte]));
        let input: Vec<u8> = input.chain(frame(role, 0x00, b"").repeat(65_536)).chain(frame(role, 0x80, b"")).collect();
        let (result, most) = apart(|| {
            let mut ws = Connection::upgraded_with_deflate(role, limited(MIB), DeflateParameters::default());
            peak(&mut ws, &input, 64 * KIB)
        });
        assert_eq!(result, Ok(vec![MIB]));
        assert!(most <= MIB + 64 * KIB + 512, "{most}");
    }
}

/// What a connection costs while nothing is on its way, after so many bytes went each way; and its thread beside it.
fn at_rest(role: Role, agreed: DeflateParameters, bytes: usize) -> (usize, usize) {
    let (one, two) = apart(|| {
        let config = Arc::new(eager());
        let message: Vec<u8> = (0..bytes).map(|n| (n * n / 7) as u8).collect();
        let peer = if role == Role::Server { Role::Client } else { Role::Server };
        let incoming: Vec<u8> = apart(|| {
            let mut peer = Connection::upgraded_with_deflate(peer, config.clone(), agreed);
            peer.send(message.as_slice()).unwrap();
            drain(&mut peer)
        });
        let before = alloc::owned();
        let mut ws = Vec::with_capacity(2);
        let mut costs = [0; 2];
        let places = alloc::owned() - before;
        for cost in &mut costs {
            let mut connection = Connection::upgraded_with_deflate(role, config.clone(), agreed);
            connection.send(message.as_slice()).unwrap();
            drop(drain(&mut connection));
            feed(&mut connection, &incoming, |_, event| assert!(matches!(event, Event::Message(Message::Binary(_)))));
            ws.push(connection);
            *cost = (alloc::owned() - before - places) as usize;
        }
        (costs[0], costs[1])
    });
    (two - one, one - (two - one))
}

/// The figures in the documentation of `Deflate`, and in the book.
#[test]
fn what_a_connection_keeps_between_messages() {
    println!("| window bits | received | sent |");
    println!("| --- | --- | --- |");
    let figure = |bytes: usize| format!("{:.1} KiB", bytes as f64 / KIB as f64);
    let bits = |bits| DeflateParameters { server_max_window_bits: bits, client_max_window_bits: bits, ..NO_TAKEOVER };
    for role in ROLES {
        let (nothing, _) = at_rest(role, NO_TAKEOVER, 100_000);
        assert!(nothing <= 256, "{nothing} bytes without takeover");
        for size in 9..=15 {
            let (mut receives, mut sends) = (bits(size), bits(size));
            match role {
                Role::Server => {
                    (receives.client_no_context_takeover, sends.server_no_context_takeover) = (false, false)
                }
                Role::Client => {
                    (receives.server_no_context_takeover, sends.client_no_context_takeover) = (false, false)
                }
            }
            let (received, _) = at_rest(role, receives, 100_000);
            let (sent, _) = at_rest(role, sends, 100_000);
            println!("| {size} | {} | {} |", figure(received - nothing), figure(sent - nothing));
            assert_eq!(received - nothing, 1 << size, "the window and nothing else");
            assert!(sent - nothing <= 152 * KIB + (4 << size), "{sent} bytes");
            // It grows with what came.
            assert!(at_rest(role, receives, 100).0 - nothing <= 128);
        }
    }
    // A message that compresses, so that one comes compressed, too.
    let (connection, of_thread) = at_rest(Role::Server, NO_TAKEOVER, 100_000);
    println!("without takeover: {connection} bytes, and for all connections of a thread {}", figure(of_thread));
    assert!((320 * KIB..=336 * KIB).contains(&of_thread), "{of_thread}");
    let idle = apart(|| {
        let (config, before) = (Arc::new(eager()), alloc::owned());
        let ws = Connection::upgraded_with_deflate(Role::Server, config.clone(), DeflateParameters::default());
        let cost = alloc::owned() - before;
        drop(ws);
        cost
    });
    println!("before the first message: {idle} bytes");
    assert!(idle <= 256, "{idle}: nothing is allocated before it is needed");
}

#[test]
fn whoever_closes_gives_everything_back() {
    for role in ROLES {
        apart(|| {
            let config = Arc::new(eager());
            let mut ws = Connection::upgraded_with_deflate(role, config, DeflateParameters::default());
            let before = alloc::owned();
            ws.send(vec![b'a'; 1000]).unwrap();
            drop(drain(&mut ws));
            assert!(alloc::owned() > before);
            feed(&mut ws, &frame(role, 0x88, &close(1000)), |_, event| assert!(matches!(event, Event::Closed(_))));
            drop(drain(&mut ws));
            assert!(alloc::owned() <= before, "a connection that lingers has no use for it");
        });
    }
}

/// Fragments as they are inflated, from a message that is far larger than memory may be.
#[test]
fn fragments_are_delivered_in_bounds_whatever_they_inflate_to() {
    let message = vec![b'a'; 16 * MIB];
    let bomb = compressed(&message);
    for (role, agreed) in ROLES.into_iter().flat_map(|role| [(role, DeflateParameters::default()), (role, NO_TAKEOVER)])
    {
        let config = Config { fragments: true, max_message: usize::MAX, max_frame: usize::MAX, ..eager() };
        let input = frame(role, 0xc1, &bomb);
        apart(|| {
            let mut ws = Connection::upgraded_with_deflate(role, Arc::new(config), agreed);
            let before = alloc::owned();
            let (mut delivered, mut most, mut fins) = (0, 0, 0);
            // Echoed: the outbox fills, and input waits until there is room.
            for piece in input.chunks(16 * KIB) {
                let mut piece = piece.to_vec();
                let of_piece = piece.len() as isize;
                let mut input = &mut piece[..];
                loop {
                    while let Some(event) = ws.receive(&mut input) {
                        let Event::Fragment(Fragment { payload, fin, .. }) = event else { panic!("{event:?}") };
                        assert!(payload.iter().all(|byte| *byte == b'a'));
                        assert!(payload.len() <= 24 * KIB, "{}", payload.len());
                        delivered += payload.len();
                        fins += usize::from(fin);
                        ws.send_fragment(Fragment::binary(payload, fin)).unwrap();
                        most = most.max(alloc::owned() - before - of_piece);
                    }
                    let waiting = ws.buffered();
                    assert!(waiting <= 64 * KIB + 24 * KIB, "{waiting}");
                    ws.outbox().advance(waiting);
                    if !ws.wants_receive() {
                        break;
                    }
                }
            }
            assert_eq!((delivered, fins), (message.len(), 1));
            // The two directions of zlib, the outbox, a fragment, and what was set aside.
            assert!(most as usize <= (280 + 64 + 64 + 24 + 32 + 32) * KIB, "{most}");
        });
    }
}

#[test]
fn fragments_are_the_message_wherever_it_is_cut() {
    let text = "κόσμε, and the same again: κόσμε, κόσμε. ".repeat(40);
    let large: Vec<u8> = (0..100_000usize).map(|n| (n / 64) as u8).collect();
    for (role, agreed) in ROLES.into_iter().flat_map(|role| [(role, DeflateParameters::default()), (role, NO_TAKEOVER)])
    {
        for (first, message) in [(0xc1, text.as_bytes()), (0xc2, &large)] {
            let payload = compressed(message);
            let config = Arc::new(Config { fragments: true, ..eager() });
            let wire =
                [frame(role, first, &payload), frame(role, 0x89, b"between"), frame(role, first, &payload)].concat();
            let fragmented = payload
                .chunks(7)
                .enumerate()
                .flat_map(|(n, part)| frame(role, if n == 0 { first & 0x7f } else { 0x00 }, part));
            let fragmented: Vec<u8> = fragmented.chain(frame(role, 0x80, b"")).collect();
            for (wire, messages) in [(&wire, 2), (&fragmented, 1)] {
                for pieces in [1, 2, 3, 5, 16, 100, wire.len()] {
                    let mut ws = Connection::upgraded_with_deflate(role, config.clone(), agreed);
                    let (mut received, mut fins) = (Vec::new(), 0);
                    for piece in wire.chunks(pieces) {
                        feed(&mut ws, piece, |_, event| match event {
                            Event::Fragment(fragment) => {
                                received.extend_from_slice(&fragment.payload);
                                fins += usize::from(fragment.fin);
                            }
                            Event::Ping(_) => assert_eq!((fins, received.len()), (1, message.len())),
                            other => panic!("{other:?}"),
                        });
                    }
                    assert_eq!(fins, messages, "{pieces} at a time");
                    assert!(received == message.repeat(messages), "{pieces} at a time");
                }
            }
        }
    }
}

#[test]
fn a_fragment_that_waits_for_room_is_not_lost_with_the_transport() {
    let bomb = compressed(&vec![b'a'; MIB]);
    let config = Config { fragments: true, high_water: KIB, ..eager() };
    for role in ROLES {
        let mut ws = Connection::upgraded_with_deflate(role, Arc::new(config.clone()), NO_TAKEOVER);
        let mut delivered = 0;
        let mut on_event = |ws: &mut Connection, event: Event<'_>| match event {
            Event::Fragment(fragment) => {
                delivered += fragment.payload.len();
                // Something that does not compress, so that the outbox fills.
                ws.ping(&[1; 125]).unwrap();
            }
            Event::Closed(closed) => assert_eq!(delivered, MIB, "{closed:?}"),
            other => panic!("{other:?}"),
        };
        feed(&mut ws, &frame(role, 0xc2, &bomb), &mut on_event);
        assert!(ws.buffered() > KIB && ws.buffered() < 2 * KIB, "it paused");
        ws.receive_eof();
        let mut turns = 0;
        while ws.wants_receive() || ws.buffered() > 0 {
            drain(&mut ws);
            feed(&mut ws, &[], &mut on_event);
            turns += 1;
        }
        assert!(turns > 2 && ws.is_closed());
    }
}
