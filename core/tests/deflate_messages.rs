//! Compressed messages (RFC 7692 6 and 7.1): which are, and what they look back to. What is sent is read by a naive inflater,
//! and what is received was written by hand, or by the other side.
#![cfg(feature = "deflate")]

mod common;

use common::{
    close, config,
    deflate::{HELLO, HELLO_AGAIN, NO_TAKEOVER, delivers, eager, fails, heard, noise, open, text},
    describe, drain, feed, frame, frames,
    inflate::Naive,
    pair::ROLES,
};
use std::sync::Arc;
use timtow_core::{Config, Connection, Deflate, DeflateParameters, Event, Fragment, Kind, Message, Role};

#[test]
fn section_6_1_the_bit_stands_on_the_first_frame_and_on_nothing_else() {
    for role in ROLES {
        let mut ws = open(role, DeflateParameters::default());
        ws.send("a whole message").unwrap();
        for (part, fin) in [("three ", false), ("parts ", false), ("of one", true)] {
            ws.send_fragment(Fragment::text(part, fin)).unwrap();
            ws.ping(b"between").unwrap();
        }
        ws.close(1000, "").unwrap();
        let first_bytes: Vec<u8> = frames(&drain(&mut ws)).iter().map(|(first, _)| *first).collect();
        assert_eq!(first_bytes, [0xc1, 0x41, 0x89, 0x00, 0x89, 0x80, 0x89, 0x88], "{role:?}");
    }
}

#[test]
fn section_6_1_the_bit_on_another_frame_fails_the_connection() {
    let default = DeflateParameters::default();
    for control in [0xc8, 0xc9, 0xca] {
        fails(default, &[(control, b"")], 1002);
        fails(default, &[(0x41, &HELLO[..3]), (control, b"")], 1002);
    }
    for continuation in [0x40, 0xc0] {
        fails(default, &[(0x41, &HELLO[..3]), (continuation, &HELLO[3..])], 1002);
        fails(default, &[(0x01, b"a"), (continuation, b"b")], 1002);
    }
    for other in [0xa1, 0x91, 0xe1, 0xd1, 0xf2] {
        fails(default, &[(other, &HELLO)], 1002);
    }
}

#[test]
fn section_6_1_the_bit_without_negotiation_fails_the_connection() {
    for role in ROLES {
        let mut ws = Connection::upgraded(role, Arc::new(eager()));
        assert_eq!(heard(&mut ws, &[(0xc1, &HELLO)]).1, [(0x88, close(1002))]);
    }
}

#[test]
fn section_6_2_messages_with_the_bit_are_inflated_and_those_without_are_not() {
    delivers(&[(0xc1, &HELLO), (0x81, &HELLO[1..2]), (0xc2, &HELLO_AGAIN)], &["text Hello", "text H", "binary Hello"]);
    delivers(&[(0x81, b"a"), (0x01, b"b"), (0x80, b"c"), (0xc1, &HELLO)], &["text a", "text bc", "text Hello"]);
}

#[test]
fn section_5_4_control_frames_come_between_compressed_fragments() {
    let input: [(u8, &[u8]); 5] =
        [(0x41, &HELLO[..3]), (0x89, b"one"), (0x00, b""), (0x8a, b"two"), (0x80, &HELLO[3..])];
    delivers(&input, &["ping one", "pong two", "text Hello"]);
    // Byte by byte, so that the payload of a control frame comes in pieces, too.
    for role in ROLES {
        let mut ws = open(role, DeflateParameters::default());
        let bytes: Vec<u8> = input.iter().flat_map(|(first, payload)| frame(role, *first, payload)).collect();
        let mut events = Vec::new();
        bytes.chunks(1).for_each(|byte| feed(&mut ws, byte, |_, event| events.push(describe(&event))));
        assert_eq!(events, ["ping one", "pong two", "text Hello"]);
    }
}

#[test]
fn section_7_1_1_without_takeover_each_message_stands_by_itself() {
    for (role, payload) in ROLES.into_iter().flat_map(|role| [(role, text(1, 500)), (role, text(1, 50_000))]) {
        let mut ws = open(role, NO_TAKEOVER);
        for _ in 0..3 {
            ws.send(payload.as_str()).unwrap();
            for (n, piece) in payload.as_bytes().chunks(300).enumerate() {
                let fin = (n + 1) * 300 >= payload.len();
                ws.send_fragment(Fragment { kind: Kind::Text, payload: piece.into(), fin, message_len: None }).unwrap();
            }
        }
        let mut compressed = Vec::new();
        for (first, part) in frames(&drain(&mut ws)) {
            compressed.extend(part);
            if first & 0x80 != 0 {
                assert_eq!(Naive::default().message(&compressed).unwrap(), payload.as_bytes());
                compressed.clear();
            }
        }
    }
    // What the peer must not do, it cannot: the window is gone.
    fails(NO_TAKEOVER, &[(0xc1, &HELLO_AGAIN)], 1007);
    for role in ROLES {
        let (events, sent) = heard(&mut open(role, NO_TAKEOVER), &[(0xc1, &HELLO), (0xc1, &HELLO_AGAIN)]);
        assert_eq!((events[0].as_str(), sent), ("text Hello", vec![(0x88, close(1007))]));
    }
}

#[test]
fn section_7_1_2_nothing_looks_back_further_than_the_window() {
    for (role, bits) in ROLES.into_iter().flat_map(|role| (9..=15).map(move |bits| (role, bits))) {
        // The other side's window is another one, and not ours.
        let mut agreed =
            DeflateParameters { server_max_window_bits: 9, client_max_window_bits: 9, ..DeflateParameters::default() };
        match role {
            Role::Server => agreed.server_max_window_bits = bits,
            Role::Client => agreed.client_max_window_bits = bits,
        }
        for level in [1, 6, 9] {
            let deflate = Some(Deflate { level, threshold: 0, ..Deflate::default() });
            let mut ws = Connection::upgraded_with_deflate(role, Arc::new(Config { deflate, ..eager() }), agreed);
            let mut naive = Naive::default();
            // Noise that comes again while the window holds it, and when it does so no more.
            let window = 1 << bits;
            for turn in 0..3 {
                for len in [window * 3 / 8, window * 3 / 8, window + 100, window + 100] {
                    let message = noise(len, len);
                    ws.send(message.as_slice()).unwrap();
                    let sent = frames(&drain(&mut ws));
                    assert_eq!(sent[0].0, 0xc2);
                    assert_eq!(naive.message(&sent[0].1).unwrap(), message, "{bits} {level} {turn}");
                }
                let message = text(turn, 5000);
                ws.send(message.as_str()).unwrap();
                assert_eq!(naive.message(&frames(&drain(&mut ws))[0].1).unwrap(), message.as_bytes());
            }
            assert!(naive.furthest <= window, "{} of {bits}", naive.furthest);
            assert!(naive.furthest >= window * 3 / 8, "the window is used: {} of {bits}", naive.furthest);
        }
    }
}

#[test]
fn short_messages_are_sent_as_they_are_and_so_are_those_that_would_grow() {
    for (role, agreed) in ROLES.into_iter().flat_map(|role| [(role, DeflateParameters::default()), (role, NO_TAKEOVER)])
    {
        let deflate = Some(Deflate { threshold: 100, ..Deflate::default() });
        let mut ws = Connection::upgraded_with_deflate(role, Arc::new(Config { deflate, ..config() }), agreed);
        let mut first_byte = |message: Vec<u8>| {
            ws.send(message).unwrap();
            frames(&drain(&mut ws)).remove(0)
        };
        assert_eq!(first_byte(vec![b'a'; 99]), (0x82, vec![b'a'; 99]));
        assert_eq!(first_byte(vec![b'a'; 100]).0, 0xc2);
        let (first, payload) = first_byte(noise(1, 10_000));
        if agreed == NO_TAKEOVER {
            assert_eq!((first, payload), (0x82, noise(1, 10_000)));
        } else {
            // The peer has to see what later messages look back to.
            assert_eq!(first, 0xc2);
            assert!(payload.len() < 10_000 + 50, "it grows by little: {}", payload.len());
            assert!(first_byte(noise(1, 10_000)).1.len() < 100);
        }
        // A message of one fragment is known to be short; of the first of several nobody knows.
        for (parts, marked) in [(&["short"][..], 0x81), (&["short", ""][..], 0x41)] {
            for (n, part) in parts.iter().enumerate() {
                ws.send_fragment(Fragment::text(*part, n + 1 == parts.len())).unwrap();
            }
            assert_eq!(frames(&drain(&mut ws))[0].0, marked);
        }
    }
}

#[test]
fn text_is_validated_as_it_is_inflated() {
    let compressed = |bytes: &[u8]| {
        let mut ws = open(Role::Server, NO_TAKEOVER);
        // As binary fragments, so that each is flushed.
        ws.send_fragment(Fragment::binary(bytes, false)).unwrap();
        frames(&drain(&mut ws)).remove(0).1
    };
    // The bad byte is known before the message, even the frame, is complete.
    for role in ROLES {
        let payload = compressed(b"valid so far \xff");
        let whole = frame(role, 0xc1, &[payload.as_slice(), &[0; 100]].concat());
        let mut ws = open(role, DeflateParameters::default());
        let mut events = Vec::new();
        feed(&mut ws, &whole[..whole.len() - 100], |_, event| events.push(describe(&event)));
        assert_eq!((events.len(), frames(&drain(&mut ws))), (1, vec![(0x88, close(1007))]));
    }
    let default = DeflateParameters::default();
    fails(default, &[(0x41, &compressed(b"\xce")), (0x80, &compressed(b"\xba\xff"))], 1007);
    fails(default, &[(0xc1, &[&compressed("κ".as_bytes()[..1].as_ref())[..], &[0x00]].concat())], 1007);
    for role in ROLES {
        // A character that two fragments share, which is whole at the end, or not.
        for (bytes, valid) in [("κόσμε".as_bytes(), true), (b"\xce", false)] {
            for cut in 0..=bytes.len() {
                let mut from = open(role, default);
                let receiver = if role == Role::Server { Role::Client } else { Role::Server };
                let mut to = open(receiver, default);
                let mut wire = Vec::new();
                for (part, fin) in [(&bytes[..cut], false), (&bytes[cut..], true)] {
                    from.send_fragment(Fragment::binary(part, fin)).unwrap();
                }
                let mut sent = drain(&mut from);
                sent[0] = 0x41;
                feed(&mut to, &sent, |_, event| wire.push(describe(&event)));
                assert_eq!(wire == ["text κόσμε"], valid, "{wire:?}");
                assert_eq!(frames(&drain(&mut to)).is_empty(), valid);
            }
        }
    }
}

#[test]
fn a_peer_that_sends_on_after_the_end_of_the_connection_is_ignored() {
    for role in ROLES {
        let mut ws = open(role, DeflateParameters::default());
        let (events, sent) = heard(&mut ws, &[(0x41, &HELLO[..3]), (0x88, &close(1000)), (0x80, &HELLO[3..])]);
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(sent, [(0x88, close(1000))]);
        assert!(ws.send("late").is_err());
    }
}

#[test]
fn an_echo_is_compressed_again() {
    for role in ROLES {
        let mut ws = open(role, DeflateParameters::default());
        feed(&mut ws, &frame(role, 0xc1, &HELLO), |ws, event| match event {
            Event::Message(message) => {
                assert!(matches!(message, Message::Text(_)));
                ws.send(message).unwrap();
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(frames(&drain(&mut ws)), [(0xc1, HELLO.to_vec())], "RFC 7692 7.2.3.1, to the byte");
    }
}
