//! A peer that does not read pauses what it may make us queue, and nothing is lost by it.

mod common;

use common::{
    alloc::{self, Counting},
    config, drain, echo, feed, frame, frames, open,
    pair::{Pair, ROLES},
};
use std::sync::Arc;
use timtow_core::{Cause, Connection, Event, Message, OwnedMessage, Response, Role, State};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// `n` numbered messages of so many bytes, as one read.
fn numbered(role: Role, n: u32, size: usize) -> Vec<u8> {
    let message = |n: u32| frame(role, 0x82, &n.to_be_bytes().repeat(size / 4));
    (0..n).flat_map(message).collect()
}

fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes(*payload.first_chunk().unwrap())
}

#[test]
fn one_read_of_tiny_frames_cannot_queue_replies_without_bound() {
    for role in ROLES {
        let (mut ws, high_water, mut seen, mut out) = (open(role, &Arc::new(config())), 64 << 10, 0, Vec::new());
        let mut input = numbered(role, 50_000, 4);
        let mut input = &mut input[..];
        let mut turns = 0;
        loop {
            while let Some(event) = ws.receive(&mut input) {
                assert!(ws.buffered() <= high_water, "what is above the mark waits to be parsed");
                if let Event::Message(message) = &event {
                    assert_eq!(number(message.as_bytes()), seen);
                    seen += 1;
                }
                echo(&mut ws, event);
            }
            assert!(input.is_empty(), "receive consumes everything");
            if seen < 50_000 {
                assert!(ws.buffered() > high_water && !ws.wants_read() && !ws.wants_receive());
            }
            // A socket that takes a little at a time.
            while ws.buffered() > high_water / 2 {
                let n = ws.outbox().chunk().len().min(10_000);
                out.extend_from_slice(&ws.outbox().chunk()[..n]);
                ws.outbox().advance(n);
            }
            turns += 1;
            if !ws.wants_receive() {
                break;
            }
            assert!(!ws.wants_read(), "what was set aside goes first");
        }
        assert_eq!(seen, 50_000);
        assert!(turns > 5 && ws.wants_read());
        out.extend(drain(&mut ws));
        let replies: Vec<u32> = frames(&out).iter().map(|(_, payload)| number(payload)).collect();
        assert!(replies.into_iter().eq(0..50_000));
    }
}

#[test]
fn a_frame_that_has_begun_is_not_paused() {
    let mut ws = open(Role::Server, &Arc::new(config()));
    let long = frame(Role::Server, 0x82, &[7; 300_000]);
    feed(&mut ws, &long[..1000], |_, event| panic!("{event:?}"));
    ws.send(vec![0; 70_000]).unwrap();
    assert!(!ws.wants_read());
    let (mut rest, mut messages) = (long[1000..].to_vec(), 0);
    rest.extend(frame(Role::Server, 0x82, b"next"));
    feed(&mut ws, &rest, |_, event| {
        assert!(matches!(event, Event::Message(Message::Binary(bytes)) if bytes.len() == 300_000));
        messages += 1;
    });
    assert_eq!(messages, 1, "and the next waits");
    drain(&mut ws);
    assert!(ws.wants_receive());
    feed(&mut ws, &[], |_, event| assert_eq!(event, Event::Message(Message::Binary(b"next"[..].into()))));
    assert!(ws.wants_read() && !ws.wants_receive());
}

#[test]
fn a_thousand_pings_in_one_read_are_all_answered_when_the_peer_reads() {
    for role in ROLES {
        for takes in [1, 100, 4096, usize::MAX] {
            let (mut ws, mut out, mut pings) = (open(role, &Arc::new(config())), Vec::new(), 0);
            let mut input: Vec<u8> = (0..1000u32).flat_map(|n| frame(role, 0x89, &n.to_be_bytes())).collect();
            let mut input = &mut input[..];
            loop {
                while let Some(event) = ws.receive(&mut input) {
                    assert!(matches!(event, Event::Ping(_)));
                    pings += 1;
                }
                while let n @ 1.. = ws.outbox().chunk().len().min(takes) {
                    out.extend_from_slice(&ws.outbox().chunk()[..n]);
                    ws.outbox().advance(n);
                }
                if !ws.wants_receive() {
                    break;
                }
            }
            assert_eq!(pings, 1000);
            let pongs: Vec<_> = frames(&out).into_iter().map(|(first, payload)| (first, number(&payload))).collect();
            assert!(pongs.into_iter().eq((0..1000).map(|n| (0x8a, n))));
        }
    }
}

#[test]
fn a_ping_flood_of_a_peer_that_does_not_read_costs_5_kib_and_the_newest_is_answered() {
    for role in ROLES {
        // The second makes a buffer that doubles overshoot.
        for sizes in [[125, 125], [124, 125], [0, 125], [4, 4]] {
            let mut ws = open(role, &Arc::new(config()));
            let payload = |n: u32| n.to_be_bytes().repeat(32)[..sizes[usize::from(n > 0)]].to_vec();
            let (mut n, before) = (0, alloc::owned());
            for _ in 0..50 {
                let input: Vec<u8> = (n..n + 500).flat_map(|n| frame(role, 0x89, &payload(n))).collect();
                n += 500;
                let (_, cost, _) = alloc::cost(|| {
                    feed(&mut ws, &input, |_, _| {});
                    // The driver tries, and the socket takes nothing.
                    while ws.outbox().chunk().is_empty() || ws.wants_receive() {
                        feed(&mut ws, &[], |_, _| {});
                    }
                    drop(input);
                });
                assert!(cost <= 0 || n == 500, "it stays so");
                assert!(ws.wants_read(), "pings alone do not pause it");
            }
            let cost = alloc::owned() - before;
            assert!(cost <= 5 << 10, "{cost} bytes for {sizes:?} of {role:?}");
            // The peer reads: the first, in order, and the newest; and what comes later is answered as ever.
            let pongs: Vec<_> = frames(&drain(&mut ws)).into_iter().map(|(_, payload)| payload).collect();
            let expected: Vec<_> = (0..32).chain([n - 1]).map(payload).collect();
            assert_eq!(pongs, expected);
            drop((pongs, expected));
            for n in 0..100 {
                feed(&mut ws, &frame(role, 0x89, &payload(n)), |_, _| {});
                assert_eq!(frames(&drain(&mut ws)), [(0x8a, payload(n))]);
            }
            assert_eq!(alloc::owned() - before, 0, "it owns nothing afterwards");
        }
    }
}

#[test]
fn pings_are_answered_on_a_connection_whose_outbox_is_never_empty() {
    let mut ws = open(Role::Server, &Arc::new(config()));
    let (mut out, mut pongs) = (Vec::new(), Vec::new());
    ws.send(vec![0; 50_000]).unwrap();
    for n in 0..200u32 {
        feed(&mut ws, &frame(Role::Server, 0x89, &n.to_be_bytes()), |_, _| {});
        ws.send(&[0; 30_000][..]).unwrap();
        while ws.buffered() > 40_000 {
            let len = ws.outbox().chunk().len().min(1000);
            out.extend_from_slice(&ws.outbox().chunk()[..len]);
            ws.outbox().advance(len);
        }
    }
    out.extend(drain(&mut ws));
    pongs.extend(frames(&out).iter().filter(|(first, _)| *first == 0x8a).map(|(_, payload)| number(payload)));
    assert!(pongs.into_iter().eq(0..200));
}

#[test]
fn pongs_are_coalesced_only_while_more_than_32_of_them_wait() {
    // A peer that reads slowly: one pong for every ping that it sends. Another is in the way in front of the first 30.
    let (mut ws, mut out, mut expected) = (open(Role::Server, &Arc::new(config())), Vec::new(), Vec::new());
    for n in 0..500u32 {
        feed(&mut ws, &frame(Role::Server, 0x89, &n.to_be_bytes()), |_, _| {});
        expected.push(n);
        if n >= 30 {
            out.extend_from_slice(&ws.outbox().chunk()[..6]);
            ws.outbox().advance(6);
        }
    }
    out.extend(drain(&mut ws));
    let pongs: Vec<u32> = frames(&out).iter().map(|(_, payload)| number(payload)).collect();
    assert_eq!(pongs, expected);
}

#[test]
fn what_was_set_aside_is_parsed_in_linear_work() {
    let mut ws = open(Role::Server, &Arc::new(config()));
    let input = numbered(Role::Server, 100_000, 4);
    ws.send(vec![0; 70_000]).unwrap();
    feed(&mut ws, &input, |_, event| panic!("{event:?}"));
    drain(&mut ws);
    // One message is parsed, its echo is above the mark, and is written: the worst for what is behind it.
    let (before, mut seen) = (alloc::total(), 0);
    while ws.wants_receive() {
        let mut nothing: &mut [u8] = &mut [];
        while let Some(event) = ws.receive(&mut nothing) {
            echo(&mut ws, event);
            seen += 1;
            ws.outbox().advance(6);
        }
    }
    assert_eq!(seen, 100_000);
    // An owned payload and an outbox of 512 bytes each.
    let total = alloc::total() - before;
    assert!(total <= 100_000 * 600, "{total} bytes were asked for");
}

#[test]
fn a_request_that_is_answered_late_keeps_what_is_behind_it() {
    for cut in [0, 1, 5, 100] {
        let mut ws = Connection::server(Arc::new(config()));
        let mut input = common::REQUEST.as_bytes().to_vec();
        let behind = numbered(Role::Server, 3000, 4);
        input.extend(&behind[..cut]);
        feed(&mut ws, &input, |_, event| assert!(matches!(event, Event::Request(_))));
        let mut at = cut;
        while ws.wants_read() {
            let end = behind.len().min(at + 1000);
            feed(&mut ws, &behind[at..end], |_, event| panic!("{event:?}"));
            at = end;
        }
        assert!((16_384..=17_384).contains(&at), "reading pauses when {at} bytes are behind the request");
        assert_eq!(ws.state(), State::Requested);
        ws.accept(Response::default()).unwrap();
        assert!(ws.wants_receive());
        let mut events = Vec::new();
        feed(&mut ws, &[], |ws, event| {
            events.push(event.clone().into_owned());
            echo(ws, event);
        });
        assert!(ws.wants_read() && !ws.wants_receive());
        feed(&mut ws, &behind[at..], |_, event| events.push(event.into_owned()));
        assert!(matches!(events[0], Event::Open(_)));
        let numbers: Vec<u32> = events[1..]
            .iter()
            .map(|event| match event {
                Event::Message(message) => number(message.as_bytes()),
                event => panic!("{event:?}"),
            })
            .collect();
        assert!(numbers.into_iter().eq(0..3000));
    }
}

#[test]
fn an_end_of_the_input_loses_nothing_of_what_was_set_aside() {
    let mut ws = open(Role::Server, &Arc::new(config()));
    let mut events = Vec::new();
    let mut record = |ws: &mut Connection, event: Event<'_>| {
        events.push(event.clone().into_owned());
        echo(ws, event);
    };
    feed(&mut ws, &numbered(Role::Server, 40_000, 4), &mut record);
    ws.receive_eof();
    let mut out = Vec::new();
    loop {
        feed(&mut ws, &[], &mut record);
        assert!(!ws.wants_read());
        out.extend(drain(&mut ws));
        if !ws.wants_receive() {
            break;
        }
    }
    let Some(Event::Closed(closed)) = events.pop() else { panic!() };
    assert_eq!(closed.cause, Cause::Lost);
    let numbers = events.iter().map(|event| match event {
        Event::Message(message) => number(message.as_bytes()),
        event => panic!("{event:?}"),
    });
    assert!(numbers.eq(0..40_000));
    assert!(frames(&out).iter().map(|(_, payload)| number(payload)).eq(0..40_000), "and every reply goes out");
    assert!(ws.outbox().is_finished() && ws.is_closed());
}

#[test]
fn slow_readers_on_both_sides_get_everything_in_order() {
    let mut pair = Pair::open();
    for side in [&mut pair.server, &mut pair.client] {
        side.window = 3000;
        side.reads = Some(700);
    }
    let mut sent = Vec::new();
    for n in 0..300u32 {
        let message = n.to_be_bytes().repeat(1 + n as usize * 7 % 900);
        sent.push(OwnedMessage::from(message.clone()));
        // Two that send without reading wait for each other: a sender minds the mark.
        while pair.client.ws.buffered() > 60_000 {
            let now = pair.now;
            pair.client.turn(&mut pair.server, now);
            pair.server.turn(&mut pair.client, now);
        }
        pair.client.ws.send(message).unwrap();
        if n % 10 == 0 {
            pair.client.ws.ping(&n.to_be_bytes()).unwrap();
        }
    }
    pair.settle();
    assert!(pair.server.messages() == sent);
    assert!(pair.client.messages() == sent);
    assert_eq!(pair.client.pongs(), 30);
}
