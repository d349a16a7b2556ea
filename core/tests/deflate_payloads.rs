//! Compressed payloads (RFC 7692 7.2): what is sent is read by a naive inflater, and what is received was written by hand, or
//! by the other side.
#![cfg(feature = "deflate")]

mod common;

use common::{
    close,
    deflate::{HELLO, HELLO_AGAIN, NO_TAKEOVER, delivers, eager, fails, heard, noise, open, text},
    drain, feed, frames,
    inflate::Naive,
    pair::ROLES,
};
use std::sync::Arc;
use timtow_core::{Config, Connection, DeflateParameters, Event, Fragment, Role};

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
