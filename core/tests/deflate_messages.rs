//! Compressed messages (RFC 7692 6 and 7.2): what is sent is read by a naive inflater, and what is received was written by
//! hand, or by the other side.
#![cfg(feature = "deflate")]

mod common;

use common::{close, config, describe, drain, feed, frame, frames, inflate::Naive, pair::ROLES};
use std::sync::Arc;
use timtow_core::{Config, Connection, Deflate, DeflateParameters, Event, Fragment, Kind, Message, Role};

/// RFC 7692 7.2.3.1.
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
/// RFC 7692 7.2.3.2: "Hello" once more, by a look at the message before.
const HELLO_AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];

const NO_TAKEOVER: DeflateParameters = DeflateParameters {
    server_no_context_takeover: true,
    client_no_context_takeover: true,
    server_max_window_bits: 15,
    client_max_window_bits: 15,
};

fn eager() -> Config {
    Config { deflate: Some(Deflate { threshold: 0, ..Deflate::default() }), ..config() }
}

fn open(role: Role, agreed: DeflateParameters) -> Connection {
    Connection::upgraded_with_deflate(role, Arc::new(eager()), agreed)
}

/// What came of these frames: events, and the frames that were sent.
fn heard(ws: &mut Connection, input: &[(u8, &[u8])]) -> (Vec<String>, Vec<(u8, Vec<u8>)>) {
    let (role, mut events) = (ws.role(), Vec::new());
    for (first, payload) in input {
        feed(ws, &frame(role, *first, payload), |_, event| events.push(describe(&event)));
    }
    (events, frames(&drain(ws)))
}

/// The connection fails with this code, and no message is delivered.
fn fails(agreed: DeflateParameters, input: &[(u8, &[u8])], code: u16) {
    for role in ROLES {
        let (events, sent) = heard(&mut open(role, agreed), input);
        assert_eq!(sent, [(0x88, close(code))], "{role:?} {input:x?}: {events:?}");
        assert!(events.last().is_some_and(|event| event.starts_with("closed 1006")), "{role:?} {input:x?}: {events:?}");
    }
}

fn delivers(input: &[(u8, &[u8])], expected: &[&str]) {
    for role in ROLES {
        assert_eq!(heard(&mut open(role, DeflateParameters::default()), input).0, expected, "{role:?} {input:x?}");
    }
}

/// Text that compresses, different for each `n`.
fn text(n: usize, len: usize) -> String {
    (n..)
        .map(|n| format!("{{\"id\":{n},\"value\":{}}},", n.wrapping_mul(0x9e37_79b9) % 1000))
        .flat_map(|item| item.into_bytes())
        .take(len)
        .map(char::from)
        .collect()
}

/// Bytes that do not.
fn noise(seed: usize, len: usize) -> Vec<u8> {
    let mut state = seed as u64 + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

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

/// Two sides, one of which sends: what is sent comes, in every configuration, in whole messages and in fragments.
#[test]
fn section_7_2_whatever_was_agreed_on_messages_come_as_they_were_sent() {
    for (sender, bits, takeover) in ROLES
        .into_iter()
        .flat_map(|role| (9..=15).flat_map(move |bits| [true, false].map(move |takeover| (role, bits, takeover))))
    {
        let agreed = DeflateParameters {
            server_no_context_takeover: !takeover,
            client_no_context_takeover: !takeover,
            server_max_window_bits: bits,
            client_max_window_bits: bits,
        };
        let receiver = if sender == Role::Server { Role::Client } else { Role::Server };
        let (mut from, mut to) = (open(sender, agreed), open(receiver, agreed));
        let mut sent: Vec<Vec<u8>> = Vec::new();
        let mut received = Vec::new();
        for n in 0..12 {
            let message = match n % 4 {
                0 => text(n, [0, 1, 50, 400][n / 4 % 4]).into_bytes(),
                1 => noise(n, 3000),
                2 => text(n, 20_000).into_bytes(),
                _ => [noise(1, 600), text(n, 600).into_bytes()].concat(),
            };
            if n % 3 == 0 {
                let pieces: Vec<&[u8]> = message.chunks(n * 10 + 7).collect();
                for piece in &pieces {
                    from.send_fragment(Fragment::binary(*piece, false)).unwrap();
                }
                from.send_fragment(Fragment::binary(&[][..], true)).unwrap();
            } else {
                from.send(message.as_slice()).unwrap();
            }
            let bytes = drain(&mut from);
            for piece in bytes.chunks([bytes.len(), 1, 100][n % 3].max(1)) {
                feed(&mut to, piece, |_, event| match event {
                    Event::Message(message) => received.push(message.as_bytes().to_vec()),
                    other => panic!("{other:?}"),
                });
            }
            sent.push(message);
        }
        assert!(sent == received, "{sender:?} {bits} {takeover}");
    }
}

#[test]
fn section_7_2_1_every_fragment_is_flushed_and_only_the_end_of_the_message_loses_its_tail() {
    const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
    for role in ROLES {
        let mut ws = open(role, DeflateParameters::default());
        let mut naive = Naive::default();
        for parts in [&["one ", "two ", "three"][..], &["one ", "two ", ""], &["", ""], &["alone"]] {
            let mut compressed = Vec::new();
            for (n, part) in parts.iter().enumerate() {
                let fin = n + 1 == parts.len();
                ws.send_fragment(Fragment::text(*part, fin)).unwrap();
                let [(_, payload)] = &frames(&drain(&mut ws))[..] else { panic!("one frame") };
                compressed.extend(payload);
                if !fin && !part.is_empty() {
                    // So far it is whole blocks, and all that was sent can be read.
                    assert!(compressed.ends_with(&TAIL));
                    let mut so_far = Naive { said: naive.said.clone(), furthest: 0 };
                    let read = so_far.message(&compressed[..compressed.len() - 4]).unwrap();
                    assert_eq!(read, parts[..=n].concat().as_bytes());
                }
            }
            assert!(!compressed.ends_with(&TAIL), "{parts:?}: {compressed:x?}");
            assert_eq!(naive.message(&compressed).unwrap(), parts.concat().as_bytes(), "{parts:?}: {compressed:x?}");
        }
    }
}

#[test]
fn section_7_2_2_a_message_that_ends_too_soon_is_refused() {
    // One block with static codes, one without compression, one with dynamic codes, and two that are final.
    let dynamic = {
        let mut ws = open(Role::Server, NO_TAKEOVER);
        ws.send(text(1, 300)).unwrap();
        frames(&drain(&mut ws)).remove(0).1
    };
    assert_eq!(dynamic[0] >> 1 & 3, 2, "dynamic codes");
    let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, b'H', b'e', b'l', b'l', b'o', 0x00];
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    let stored_last = [0x01, 0x05, 0x00, 0xfa, 0xff, b'H', b'e', b'l', b'l', b'o'];
    for whole in [&HELLO[..], &stored, &dynamic, &last, &stored_last] {
        for cut in 1..=whole.len() {
            let expected = Naive::default().message(&whole[..cut]);
            // An empty block, and one that ends with a final block, are whole.
            let legal = cut == whole.len() || matches!(&whole[..cut], [0x00] | [0x01]) || whole[..cut] == last[..7];
            assert_eq!(expected.is_ok(), legal, "{whole:x?} {cut}");
            for role in ROLES {
                let mut ws = open(role, DeflateParameters::default());
                let (events, sent) = heard(&mut ws, &[(0xc2, &whole[..cut])]);
                match &expected {
                    Ok(message) => assert_eq!(events, [format!("binary {}", message.escape_ascii())]),
                    Err(why) => assert_eq!(sent, [(0x88, close(1007))], "{why}: {:x?}", &whole[..cut]),
                }
            }
        }
    }
}

#[test]
fn section_7_2_2_what_is_no_deflate_is_refused() {
    let default = DeflateParameters::default();
    // Block type 3; LEN and NLEN; a look back beyond the beginning; a code that is none; a tail that was not removed is legal.
    for garbage in [
        &[0x06][..],
        &[0x07],
        &[0x00, 0x05, 0x00, 0x00, 0x00, 1, 2, 3, 4, 5],
        &[0x02, 0x02, 0x00],
        &[0x04, 0xff, 0xff, 0xff, 0xff],
        &[0xff; 100],
        b"Hello",
        &[0x00, 0x00],
        &[0x00, 0x00, 0x00],
    ] {
        assert!(Naive::default().message(garbage).is_err(), "{garbage:x?}");
        fails(default, &[(0xc2, garbage)], 1007);
        fails(default, &[(0x42, garbage), (0x80, b"")], 1007);
    }
    let with_tail = [&HELLO[..], &[0x00, 0x00, 0xff, 0xff, 0x00]].concat();
    delivers(&[(0xc1, &with_tail)], &["text Hello"]);
}

/// Whatever the bytes, both read the same, or neither reads anything.
#[test]
fn section_7_2_2_the_naive_inflater_agrees_about_damaged_messages() {
    let mut whole = Vec::new();
    let mut ws = open(Role::Server, NO_TAKEOVER);
    for message in [text(1, 40), text(2, 400), String::from("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")] {
        ws.send(message.into_bytes()).unwrap();
        whole.push(frames(&drain(&mut ws)).remove(0).1);
    }
    let (mut valid, mut invalid) = (0, 0);
    for (seed, compressed) in whole.iter().flat_map(|compressed| (0..1500).map(move |seed| (seed, compressed))) {
        let mut damaged = compressed.clone();
        let random = noise(seed, 24);
        for at in random[..8].chunks(4).take(1 + usize::from(random[8] & 1)) {
            let place = (usize::from(at[0]) << 8 | usize::from(at[1])) % damaged.len();
            damaged[place] ^= 1 << (at[2] & 7);
        }
        let expected = Naive::default().message(&damaged);
        let (events, sent) = heard(&mut open(Role::Server, NO_TAKEOVER), &[(0xc2, &damaged)]);
        match expected {
            Ok(message) => {
                valid += 1;
                assert_eq!(events, [format!("binary {}", message.escape_ascii())], "{damaged:x?}");
            }
            Err(why) => {
                invalid += 1;
                assert_eq!(sent, [(0x88, close(1007))], "{why}: {damaged:x?} {events:?}");
            }
        }
    }
    assert!(valid > 50 && invalid > 500, "{valid} and {invalid}");
}

#[test]
fn section_7_2_3_4_a_final_block_ends_a_message_and_the_window_stays() {
    const LAST: [u8; 8] = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    // Looking back over it: in the next message, and in what is behind it in the same one.
    delivers(&[(0xc1, &LAST), (0xc1, &HELLO_AGAIN)], &["text Hello", "text Hello"]);
    delivers(&[(0xc1, &LAST[..7]), (0xc1, &HELLO_AGAIN)], &["text Hello", "text Hello"]);
    delivers(&[(0xc1, &[&LAST[..7], &HELLO_AGAIN].concat())], &["text HelloHello"]);
    delivers(&[(0xc1, &HELLO), (0xc1, &[&LAST[..7], &HELLO_AGAIN].concat())], &["text Hello", "text HelloHello"]);
    // In fragments, cut anywhere, and twice over.
    let twice = [&LAST[..7], &LAST[..7], &HELLO_AGAIN].concat();
    for cut in 0..=twice.len() {
        delivers(&[(0x41, &twice[..cut]), (0x80, &twice[cut..])], &["text HelloHelloHello"]);
    }
    // Where fragments are asked for, and where nothing is kept between messages.
    for agreed in [DeflateParameters::default(), NO_TAKEOVER] {
        for role in ROLES {
            let config = Arc::new(Config { fragments: true, ..eager() });
            let mut ws = Connection::upgraded_with_deflate(role, config, agreed);
            let (events, _) = heard(&mut ws, &[(0x41, &LAST[..7]), (0x00, b""), (0x80, &HELLO_AGAIN)]);
            assert_eq!(events, ["Text Hello false", "Text Hello true"]);
        }
    }
    let empty_last = [0x03, 0x00].repeat(10_000);
    delivers(&[(0xc1, &HELLO), (0xc2, &empty_last), (0xc1, &HELLO_AGAIN)], &["text Hello", "binary ", "text Hello"]);
}

#[test]
fn section_7_2_3_6_an_empty_message_is_one_byte_and_none_is_empty_too() {
    for role in ROLES {
        let mut ws = open(role, DeflateParameters::default());
        for _ in 0..3 {
            ws.send("").unwrap();
            assert_eq!(frames(&drain(&mut ws)), [(0xc1, vec![0x00])]);
            ws.send("not empty").unwrap();
            drain(&mut ws);
        }
    }
    // Without payload the inflater has not moved, also in fragments.
    let input: [(u8, &[u8]); 7] =
        [(0xc1, &HELLO), (0xc1, b""), (0x42, b""), (0x00, b""), (0x80, b""), (0xc1, &[0x00]), (0xc1, &HELLO_AGAIN)];
    delivers(&input, &["text Hello", "text ", "binary ", "text ", "text Hello"]);
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
