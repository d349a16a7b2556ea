//! What RFC 7692 demands of who receives, and the other tests of compression do not reach: the far end of the window, and
//! what a side may rely on where nothing was agreed on.
#![cfg(feature = "deflate")]

mod common;

use common::{config, describe, drain, feed, frame, frames, pair::ROLES};
use std::sync::Arc;
use timtow_core::{Config, Connection, Deflate, DeflateParameters, Role};

const WINDOW: usize = 32_768;

/// Bits, as RFC 1951 3.1.1 packs them.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    /// A number, its lowest bit first.
    fn number(mut self, value: usize, len: usize) -> Self {
        self.0.extend((0..len).map(|at| value >> at & 1 == 1));
        self
    }

    /// A Huffman code, its highest bit first.
    fn code(mut self, value: usize, len: usize) -> Self {
        self.0.extend((0..len).rev().map(|at| value >> at & 1 == 1));
        self
    }

    fn bytes(self) -> Vec<u8> {
        self.0.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect()
    }
}

/// One block without compression, and the beginning of the empty one whose tail is removed.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let len = bytes.len() as u16;
    [&[0], &len.to_le_bytes()[..], &(!len).to_le_bytes(), bytes, &[0]].concat()
}

/// Three bytes from the far end of the window: a block with static codes (RFC 1951 3.2.6).
fn three_from_the_far_end() -> Vec<u8> {
    let block = Bits::default().number(0, 1).number(1, 2);
    let copy = block.code(257 - 256, 7).code(29, 5).number(WINDOW - 24_577, 13);
    // The end of the block, and the empty block without its tail.
    copy.code(0, 7).number(0, 3).bytes()
}

/// RFC 7692 7.2.2: where no smaller window was agreed on, the receiver's has 32,768 bytes, and what the last message left in
/// it is there.
#[test]
fn section_7_2_2_a_receiver_looks_back_over_32_768_bytes() {
    let bytes: Vec<u8> = (0..WINDOW).map(|at| (at / 251 + at) as u8).collect();
    for role in ROLES {
        let config = Arc::new(Config { deflate: Some(Deflate::default()), ..config() });
        let mut ws = Connection::upgraded_with_deflate(role, config, DeflateParameters::default());
        let mut events = Vec::new();
        for payload in [stored(&bytes), three_from_the_far_end()] {
            feed(&mut ws, &frame(role, 0xc2, &payload), |_, event| events.push(describe(&event)));
        }
        assert_eq!(events.len(), 2, "{:?}", &events[1..]);
        assert_eq!(events[1], format!("binary {}", bytes[..3].escape_ascii()));
    }
}

/// RFC 7692 5 and 6.1: a client compresses nothing, and understands nothing compressed, where its offer was not accepted.
#[test]
fn section_5_an_offer_alone_compresses_nothing() {
    let eager = Config { deflate: Some(Deflate { threshold: 0, ..Deflate::default() }), ..config() };
    let mut ws = Connection::client(common::client_request(), Arc::new(eager)).unwrap();
    let mut server = Connection::server(Arc::new(config()));
    let request = drain(&mut ws);
    assert!(request.windows(18).any(|window| window == b"permessage-deflate"));
    feed(&mut server, &request, |server, event| {
        if let timtow_core::Event::Request(_) = event {
            server.accept(timtow_core::Response::default()).unwrap();
        }
    });
    feed(&mut ws, &drain(&mut server), |_, event| assert!(matches!(event, timtow_core::Event::Open(_))));
    ws.send("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").unwrap();
    assert_eq!(frames(&drain(&mut ws)), [(0x81, vec![b'a'; 40])]);
    feed(&mut ws, &frame(Role::Client, 0xc1, &[0x00]), |_, _| {});
    assert_eq!(frames(&drain(&mut ws)), [(0x88, common::close(1002))]);
}
