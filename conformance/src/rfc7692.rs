//! RFC 7692: compressed messages, on the wire and in both roles.

use crate::{
    Host, Loop, Peer, Way,
    frame::{BINARY, CONTINUATION, Frame, PING, PONG, RSV1, TEXT},
    http,
    inflate::Naive,
    section_5_framing::expect_violation,
};
use timtow_core::{Config, Deflate, HandshakeFailure, Role, Violation};

/// RFC 7692 7.2.3.1: "Hello".
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
/// RFC 7692 7.2.3.2: "Hello" once more.
const AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];

/// Everything is compressed.
pub(crate) fn config() -> Config {
    Config { deflate: Some(Deflate { threshold: 0, ..Deflate::default() }), ..Config::default() }
}

/// A connection with compression; `parameters` are those of the client's offer, or of the server's answer.
pub(crate) fn open<L: Loop>(host: &Host<L>, parameters: &str) -> Peer {
    let mut peer = host.peer();
    negotiate(&mut peer, parameters);
    peer
}

/// The opening handshake of [`open`].
pub(crate) fn negotiate(peer: &mut Peer, parameters: &str) {
    let line = format!("Sec-WebSocket-Extensions: permessage-deflate{parameters}\r\n");
    match peer.role() {
        Role::Client => {
            peer.write(http::request("/", &line));
            let (head, _) = peer.response();
            assert_eq!(head.status(), 101, "{head:?}");
            assert!(head.only("Sec-WebSocket-Extensions").starts_with("permessage-deflate"), "{head:?}");
        }
        Role::Server => {
            let head = peer.head();
            assert_eq!(head.only("Sec-WebSocket-Extensions"), "permessage-deflate; client_max_window_bits");
            peer.write(http::switching(head.only("Sec-WebSocket-Key"), &line));
        }
    }
    peer.deflate = Some(Naive::default());
}

/// RFC 7692 7.2.3: the examples, and what comes back is compressed, too.
pub fn messages_are_inflated_and_compressed<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, config());
    for slowly in [false, true] {
        let mut peer = open(&host, "");
        let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, b'H', b'e', b'l', b'l', b'o', 0x00];
        let two_blocks = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
        for payload in [&HELLO[..], &AGAIN, &stored, &last, &AGAIN, &two_blocks, &AGAIN] {
            let bytes = peer.encode(&Frame::compressed(TEXT, payload));
            if slowly {
                peer.write_slowly(bytes);
            } else {
                peer.write(bytes);
            }
            peer.expect(&Frame::new(TEXT, "Hello"));
        }
        peer.send(&Frame::compressed(BINARY, [0x00]));
        peer.expect(&Frame::new(BINARY, ""));
        peer.send(&Frame::compressed(BINARY, ""));
        peer.expect(&Frame::new(BINARY, ""));
        assert_eq!(peer.compressed, 9, "all were compressed");
        // RFC 7692 6: whether a message is compressed is said of each.
        peer.text("Hello");
        peer.expect(&Frame::new(TEXT, "Hello"));
        peer.close();
        host.end().expect_clean(1000, "");
    }
}

/// RFC 7692 6.1: only the first fragment has the bit; control frames come between them (RFC 6455 5.4).
pub fn compressed_fragments<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, config());
    for cut in 0..=HELLO.len() {
        let mut peer = open(&host, "");
        peer.send(&Frame { rsv: RSV1, ..Frame::fragment(TEXT, &HELLO[..cut], false) });
        peer.send(&Frame::new(PING, "between"));
        peer.send(&Frame::fragment(CONTINUATION, "", false));
        peer.send(&Frame::fragment(CONTINUATION, &HELLO[cut..], true));
        peer.expect(&Frame::new(PONG, "between"));
        peer.expect(&Frame::new(TEXT, "Hello"));
        peer.close();
        host.end().expect_clean(1000, "");
    }
}

/// RFC 7692 7.1.1: without context takeover each message is compressed by itself, and may look back no further.
pub fn without_takeover<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, config());
    let mut peer = open(&host, "; server_no_context_takeover; client_no_context_takeover");
    for _ in 0..3 {
        peer.send(&Frame::compressed(TEXT, HELLO));
        peer.deflate = Some(Naive::default());
        peer.expect(&Frame::new(TEXT, "Hello"));
    }
    peer.send(&Frame::compressed(TEXT, AGAIN));
    expect_violation(&host, peer, Violation::Undecodable);
}

/// RFC 7692 7.1.2: nothing looks back further than was agreed on.
pub fn small_windows<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, config());
    let mut peer = open(&host, "; server_max_window_bits=9; client_max_window_bits=9");
    let noise: String = (0..10_000u32).map(|n| char::from(b'!' + (n.wrapping_mul(n) / 7 % 90) as u8)).collect();
    for text in [&noise[..], &noise[..200], &noise[..200], &noise] {
        peer.text(text);
        peer.expect(&Frame::new(TEXT, text));
    }
    let furthest = peer.deflate.as_ref().map(|naive| naive.furthest);
    assert!(furthest.is_some_and(|furthest| furthest > 0 && furthest <= 512), "{furthest:?}");
    peer.close();
    host.end().expect_clean(1000, "");
}

/// RFC 7692 6.1: "An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames and non-first fragments of a
/// data message. An endpoint receiving such a frame MUST _Fail the WebSocket Connection_." Without the extension no frame
/// may have it (RFC 6455 5.2).
pub fn the_bit_where_it_does_not_belong<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, config());
    for before in [&[][..], &[Frame { rsv: RSV1, ..Frame::fragment(TEXT, &HELLO[..2], false) }]] {
        for opcode in [CONTINUATION, PING, PONG] {
            if opcode == CONTINUATION && before.is_empty() {
                continue;
            }
            let mut peer = open(&host, "");
            let bytes = peer.encode_all(&[before, &[Frame::compressed(opcode, "")]].concat());
            peer.write(bytes);
            expect_violation(&host, peer, Violation::ReservedBits);
        }
    }
    let mut peer = host.open();
    peer.send(&Frame::compressed(TEXT, HELLO));
    expect_violation(&host, peer, Violation::ReservedBits);
}

/// RFC 7692 7.2.2: what cannot be inflated, or ends too soon, fails the connection.
pub fn data_that_cannot_be_inflated<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, config());
    for payload in [&[0x06][..], &[0x00, 0x05, 0x00, 0x00, 0x00], &AGAIN, &HELLO[..4], b"Hello, this is text"] {
        let mut peer = open(&host, "");
        peer.send(&Frame::compressed(TEXT, payload));
        expect_violation(&host, peer, Violation::Undecodable);
    }
    // Text is UTF-8 once it is inflated (RFC 6455 8.1).
    let mut peer = open(&host, "");
    peer.send(&Frame::compressed(TEXT, [0x00, 0x01, 0x00, 0xfe, 0xff, 0xff, 0x00]));
    expect_violation(&host, peer, Violation::TextNotUtf8);
}

/// RFC 6455 10.4: limits hold for what a message inflates to, in one frame and over all fragments.
pub fn a_bomb<L: Loop>(way: Way) {
    let limit = 100 * 1024;
    let host = Host::<L>::new(way, Config { max_message: limit, max_frame: limit, ..config() });
    // "a", and then as often as need be: 258 more of it, by a look one byte back, in 13 bits each. 16 of them are 26 bytes.
    let bomb = bomb(1 + 258 * 16 * 100);
    let mut peer = open(&host, "");
    peer.send(&Frame::compressed(BINARY, &bomb));
    expect_violation(&host, peer, Violation::MessageTooBig);
    let mut peer = open(&host, "");
    for (n, part) in bomb.chunks(100).enumerate() {
        let opcode = if n == 0 { BINARY } else { CONTINUATION };
        let rsv = if n == 0 { RSV1 } else { 0 };
        let frame = peer.encode(&Frame { rsv, ..Frame::fragment(opcode, part, false) });
        let _ = peer.try_write(frame);
    }
    expect_violation(&host, peer, Violation::MessageTooBig);
    // Up to the limit it is a message like any other.
    let mut peer = open(&host, "");
    let len = 1 + 258 * 16 * 24;
    peer.send(&Frame::compressed(BINARY, self::bomb(len)));
    peer.expect(&Frame::new(BINARY, vec![b'a'; len]));
    peer.close();
    host.end().expect_clean(1000, "");
}

/// So many times "a": a block with static codes (RFC 1951 3.2.6).
fn bomb(len: usize) -> Vec<u8> {
    assert_eq!((len - 1) % 258, 0);
    let mut bits = Vec::new();
    // Huffman codes begin with their highest bit, everything else with its lowest.
    let mut push = |code: u32, n: u32| bits.extend((0..n).rev().map(|bit| code >> bit & 1 == 1));
    push(0b010, 3);
    push(0x30 + u32::from(b'a'), 8);
    for _ in 0..(len - 1) / 258 {
        push(0b1100_0101, 8);
        push(0, 5);
    }
    push(0, 7);
    // The header of the block that the tail belongs to.
    push(0, 3);
    bits.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect()
}

/// RFC 7692 7.1: offers are walked in their order, and what cannot be accepted is declined.
pub fn offers_are_answered<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, config());
    for (offer, answer) in [
        ("permessage-deflate", Some("permessage-deflate")),
        ("permessage-deflate; client_max_window_bits", Some("permessage-deflate")),
        ("permessage-deflate; foo, permessage-deflate", Some("permessage-deflate")),
        (
            "permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=\"10\"",
            Some("permessage-deflate; server_max_window_bits=10"),
        ),
        ("permessage-deflate; server_max_window_bits=8", None),
        ("permessage-deflate; server_no_context_takeover; server_no_context_takeover", None),
        ("permessage-deflate; client_max_window_bits=16", None),
    ] {
        let mut peer = host.peer();
        peer.write(http::request("/", &format!("Sec-WebSocket-Extensions: {offer}\r\n")));
        let (head, _) = peer.response();
        assert_eq!(head.status(), 101, "{head:?}");
        assert_eq!(head.all("Sec-WebSocket-Extensions"), answer.into_iter().collect::<Vec<_>>(), "{offer}");
        peer.deflate = answer.map(|_| Naive::default());
        peer.echo("Hello");
        assert_eq!(peer.compressed, usize::from(answer.is_some()));
        peer.close();
        host.end();
    }
}

/// RFC 7692 7.1: a client fails the connection where the answer is none to its offer.
pub fn answers_to_the_offer<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, config());
    for (answer, valid) in [
        ("permessage-deflate", true),
        ("permessage-deflate; server_no_context_takeover; client_max_window_bits=9", true),
        ("permessage-deflate; server_max_window_bits=8", true),
        ("permessage-deflate; foo", false),
        ("permessage-deflate; client_max_window_bits", false),
        ("permessage-deflate; server_max_window_bits=16", false),
        ("permessage-deflate, permessage-deflate", false),
        ("x-webkit-deflate-frame", false),
    ] {
        let mut peer = host.peer();
        let head = peer.head();
        let line = format!("Sec-WebSocket-Extensions: {answer}\r\n");
        peer.write(http::switching(head.only("Sec-WebSocket-Key"), &line));
        if valid {
            peer.deflate = Some(Naive::default());
            peer.echo("Hello");
            assert_eq!(peer.compressed, 1, "{answer}");
            peer.close();
            host.end().expect_clean(1000, "");
        } else {
            let error = crate::section_4_1_client_handshake::failed(&host, peer);
            assert_eq!(error.kind, HandshakeFailure::Extension, "{answer}");
        }
    }
}
