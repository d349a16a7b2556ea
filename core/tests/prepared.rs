//! Messages for many connections: each variant is made once, is right on the wire, and harms nothing that is sent beside it.

mod common;

use common::{
    alloc::{self, Counting},
    config, describe, drain, feed, frames, open,
    pair::ROLES,
};
use std::sync::Arc;
use timtow_core::{Config, Connection, Fragment, Prepared, Role, SendError, TrySendError};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What the peer hears, and the first bytes of the frames.
fn hear(ws: &mut Connection, peer: &mut Connection) -> (Vec<u8>, Vec<String>) {
    let (bytes, mut heard) = (drain(ws), Vec::new());
    feed(peer, &bytes, |_, event| heard.push(describe(&event)));
    (frames(&bytes).iter().map(|(first, _)| *first).collect(), heard)
}

fn other(role: Role) -> Role {
    if role == Role::Server { Role::Client } else { Role::Server }
}

/// Sends it on all of them: they share one frame, and no more is allocated than to make it once.
fn share(mut room: Vec<Connection>, message: &str, len: usize) {
    let prepared = Prepared::new(message.to_string());
    let before = alloc::total();
    for ws in &mut room {
        ws.send(&prepared).unwrap();
    }
    let allocated = alloc::total() - before;
    let frame = room[0].outbox().chunk().as_ptr();
    for ws in &mut room {
        assert_eq!((ws.outbox().chunk().as_ptr(), ws.outbox().chunk().len()), (frame, len));
        assert_eq!(ws.buffered(), len);
    }
    // What was compressed grows a few times until it is whole.
    let most = (5 * len).min(2 * message.len()) + 512 * room.len();
    assert!(allocated as usize <= most, "{allocated} bytes for a frame of {len}, at most {most}");
}

// ANCHOR: broadcast
fn broadcast(room: &mut [Connection], news: String) -> Result<(), SendError> {
    let news = Prepared::new(news);
    room.iter_mut().try_for_each(|guest| guest.send(&news))
}
// ANCHOR_END: broadcast

#[test]
fn a_room_is_told() {
    let config = Arc::new(config());
    let mut room = [open(Role::Server, &config), open(Role::Server, &config)];
    broadcast(&mut room, "Hello".into()).unwrap();
    assert_eq!(room.map(|mut guest| drain(&mut guest)), [b"\x81\x05Hello"; 2]);
}

#[test]
fn a_hundred_connections_share_one_frame() {
    let (config, message) = (Arc::new(config()), "x".repeat(64 << 10));
    share((0..100).map(|_| open(Role::Server, &config)).collect(), &message, message.len() + 10);
}

#[test]
fn small_ones_gather_in_one_chunk() {
    let config = Arc::new(config());
    for role in ROLES {
        let (mut ws, mut peer) = (open(role, &config), open(other(role), &config));
        let (text, binary) = (Prepared::new("Hello"), Prepared::new(vec![b'b'; 4000]));
        ws.send("a").unwrap();
        ws.send(&text).unwrap();
        ws.send(&binary).unwrap();
        assert_eq!(ws.outbox().chunk().len(), ws.buffered());
        let (first, heard) = hear(&mut ws, &mut peer);
        assert_eq!(first, [0x81, 0x81, 0x82]);
        assert_eq!(heard, ["text a".into(), "text Hello".into(), format!("binary {}", "b".repeat(4000))]);
    }
}

#[test]
fn every_length_has_its_header() {
    let config = Arc::new(config());
    for (role, len) in
        ROLES.into_iter().flat_map(|role| [0, 125, 126, 4095, 4096, 65_535, 65_536].map(|len| (role, len)))
    {
        let (mut ws, mut peer) = (open(role, &config), open(other(role), &config));
        let prepared = Prepared::new("a".repeat(len));
        ws.send(&prepared).unwrap();
        ws.send(&prepared.clone()).unwrap();
        let expected = format!("text {}", "a".repeat(len));
        assert_eq!(hear(&mut ws, &mut peer), (vec![0x81; 2], vec![expected; 2]), "{role:?} {len}");
    }
}

#[test]
fn a_client_masks_a_copy() {
    let config = Arc::new(config());
    let (mut ws, prepared) = (open(Role::Client, &config), Prepared::new(vec![0; 5000]));
    ws.send(&prepared).unwrap();
    ws.send(&prepared).unwrap();
    let wire = drain(&mut ws);
    let (one, two) = wire.split_at(wire.len() / 2);
    assert_ne!(one[4..8], two[4..8], "each frame has a mask of its own");
    assert_eq!(prepared.message().as_bytes(), [0; 5000]);
}

#[test]
fn it_is_refused_where_any_message_is() {
    let prepared = Prepared::new("Hello");
    let mut ws = Connection::server(Arc::new(config()));
    assert_eq!(ws.send(&prepared), Err(SendError::NotOpen));
    let mut ws = open(Role::Server, &Arc::new(Config { high_water: 10, ..config() }));
    ws.send_fragment(Fragment::text("begun, ", false)).unwrap();
    assert_eq!(ws.send(&prepared), Err(SendError::InsideMessage));
    ws.send_fragment(Fragment::text("ended", true)).unwrap();
    assert!(matches!(ws.try_send(&prepared), Err(TrySendError::Full(back)) if back.message() == prepared.message()));
    drain(&mut ws);
    assert_eq!(ws.try_send(&prepared).map_err(drop), Ok(()));
    ws.close(1000, "").unwrap();
    assert_eq!(ws.send(&prepared), Err(SendError::Closing));
}

#[cfg(feature = "legacy")]
mod legacy {
    use super::*;
    use timtow_core::Draft;

    #[test]
    fn the_hixie_drafts_have_a_frame_of_their_own() {
        for draft in [Draft::Hixie76, Draft::Hixie75] {
            for role in ROLES {
                let mut ws = common::drafts::open(role, draft, config());
                assert_eq!(ws.send(&Prepared::new(&b"binary"[..])), Err(SendError::NotInThisDraft));
                ws.send("before").unwrap();
                ws.send(&Prepared::new("Grüße")).unwrap();
                ws.send("behind").unwrap();
                assert_eq!(drain(&mut ws), b"\0before\xff\0Gr\xc3\xbc\xc3\x9fe\xff\0behind\xff");
            }
            let message = "x".repeat(64 << 10);
            let room = (0..100).map(|_| common::drafts::open(Role::Server, draft, config())).collect();
            share(room, &message, message.len() + 2);
        }
    }

    #[test]
    fn one_message_for_all_drafts() {
        let prepared = Prepared::new("Hello");
        for draft in Draft::ALL {
            let mut ws = common::drafts::open(Role::Server, draft, config());
            ws.send(&prepared).unwrap();
            let expected = if draft.is_hixie() { &b"\0Hello\xff"[..] } else { b"\x81\x05Hello" };
            assert_eq!(drain(&mut ws), expected, "{draft}");
        }
    }
}

#[cfg(feature = "deflate")]
mod deflate {
    use super::*;
    use common::{
        deflate::{NO_TAKEOVER, eager, noise, open, text},
        inflate::Naive,
    };
    use timtow_core::{Deflate, DeflateParameters};

    fn agreed(bits: u8, takeover: bool) -> DeflateParameters {
        DeflateParameters {
            server_no_context_takeover: !takeover,
            client_no_context_takeover: !takeover,
            server_max_window_bits: bits,
            client_max_window_bits: bits,
        }
    }

    #[test]
    fn a_hundred_connections_share_what_was_compressed_once() {
        let message = text(1, 64 << 10);
        for bits in 9..=15 {
            // What compresses is the thread's, and is there already.
            let mut first = open(Role::Server, agreed(bits, false));
            first.send(&message[..]).unwrap();
            let len = first.outbox().len();
            assert!(len > 8192 && len < message.len() / 2, "{len}");
            let room = (0..100).map(|n| open(Role::Server, agreed(bits, n % 2 == 0))).collect();
            share(room, &message, len);
        }
    }

    /// Whichever messages are prepared, and whatever was agreed on: a naive inflater and the peer's connection read all.
    #[test]
    fn every_window_reads_it_between_messages_that_are_not_prepared() {
        let plain = [text(1, 3000), text(3, 40_000), text(5, 200)];
        let prepared = [text(2, 40_000), text(7, 2000)].map(Prepared::new);
        for (role, bits, takeover) in
            ROLES.into_iter().flat_map(|role| (8..=15).flat_map(move |bits| [(role, bits, false), (role, bits, true)]))
        {
            let (mut ws, mut peer) = (open(role, agreed(bits, takeover)), open(other(role), agreed(bits, takeover)));
            let (mut naive, mut furthest) = (Naive::default(), 0);
            // Each follows on each, and on itself.
            for n in [0, 3, 0, 0, 3, 3, 0, 4, 1, 4, 2, 3, 2, 1, 3, 1, 4, 0] {
                let expected = match n {
                    0..3 => {
                        ws.send(&plain[n][..]).unwrap();
                        &plain[n]
                    }
                    _ => {
                        ws.send(&prepared[n - 3]).unwrap();
                        prepared[n - 3].message().as_text().unwrap()
                    }
                };
                let bytes = drain(&mut ws);
                let [(first, payload)] = &frames(&bytes)[..] else { panic!("one frame") };
                assert_eq!(*first, if bits == 8 { 0x81 } else { 0xc1 }, "{role:?} {bits} {takeover} {n}");
                if *first == 0xc1 {
                    assert_eq!(naive.message(payload).unwrap(), expected.as_bytes(), "{role:?} {bits} {takeover} {n}");
                }
                furthest = furthest.max(naive.furthest);
                if !takeover {
                    naive = Naive::default();
                }
                let mut heard = Vec::new();
                feed(&mut peer, &bytes, |_, event| heard.push(describe(&event)));
                assert_eq!(heard, [format!("text {expected}")], "{role:?} {bits} {takeover} {n}");
            }
            assert!(furthest <= 1 << bits && (bits == 8 || furthest > 1 << (bits - 2)), "{furthest} of {bits} bits");
        }
    }

    /// Of what is sent as it is the window knows nothing (RFC 7692 7.2.1), so nothing need be forgotten.
    #[test]
    fn what_is_not_compressed_disturbs_no_window() {
        let (message, noise) = (text(1, 3000), Prepared::new(noise(1, 3000)));
        for role in ROLES {
            let (mut ws, mut peer) = (open(role, agreed(15, true)), open(other(role), agreed(15, true)));
            ws.send(&message[..]).unwrap();
            let once = ws.buffered();
            assert_eq!(hear(&mut ws, &mut peer).0, [0xc1]);
            ws.send(&noise).unwrap();
            assert_eq!(hear(&mut ws, &mut peer).0, [0x82], "it would not be smaller");
            ws.send(&message[..]).unwrap();
            assert!(ws.buffered() < once / 10, "it looks back to the first");
            assert_eq!(hear(&mut ws, &mut peer), (vec![0xc1], vec![format!("text {message}")]));
        }
    }

    /// Nothing that is sent later looks back, so nothing is kept for it: not even what a message before had left.
    #[test]
    fn it_leaves_no_window_behind() {
        let message = text(1, 20_000);
        let mut ws = open(Role::Server, agreed(15, true));
        // What compresses is the thread's at first.
        ws.send(&Prepared::new(message.clone())).unwrap();
        drain(&mut ws);
        let before = alloc::owned();
        for _ in 0..3 {
            ws.send(&message[..]).unwrap();
            drain(&mut ws);
            ws.send(&Prepared::new(message.clone())).unwrap();
            drain(&mut ws);
            assert_eq!(alloc::owned(), before);
        }
    }

    #[test]
    fn the_threshold_is_that_of_the_connection() {
        let (message, mut firsts) = (Prepared::new(text(1, 1000)), vec![]);
        for threshold in [1001, 1000, 0, 1001] {
            let config = Config { deflate: Some(Deflate { threshold, ..Deflate::default() }), ..eager() };
            let mut ws = Connection::upgraded_with_deflate(Role::Server, Arc::new(config), NO_TAKEOVER);
            ws.send(&message).unwrap();
            firsts.push(frames(&drain(&mut ws))[0].0);
        }
        assert_eq!(firsts, [0x81, 0xc1, 0xc1, 0x81]);
    }

    #[test]
    fn one_message_for_connections_that_agreed_on_different_things() {
        let message = text(1, 5000).repeat(4);
        let prepared = Prepared::new(message.clone());
        let mut lens = Vec::new();
        for bits in [15, 9, 12, 15] {
            let mut ws = open(Role::Server, agreed(bits, true));
            ws.send(&prepared).unwrap();
            let [(0xc1, payload)] = &frames(&drain(&mut ws))[..] else { panic!("one frame") };
            let mut naive = Naive::default();
            assert_eq!(naive.message(payload).unwrap(), message.as_bytes());
            assert!(naive.furthest <= 1 << bits);
            lens.push(payload.len());
        }
        assert!(lens[0] < lens[1] && lens[0] < lens[2] && lens[1] != lens[2] && lens[0] == lens[3], "{lens:?}");
        let mut ws = common::open(Role::Server, &Arc::new(config()));
        ws.send(&prepared).unwrap();
        assert_eq!(frames(&drain(&mut ws)), [(0x81, message.into_bytes())]);
    }

    /// Many threads ask for the same variant at once; one makes it.
    #[test]
    fn threads_share_it_too() {
        let prepared = Prepared::new(text(1, 64 << 10));
        let send = || {
            let mut ws = open(Role::Server, agreed(15, true));
            ws.send(&prepared).unwrap();
            (ws.outbox().chunk().as_ptr().addr(), ws)
        };
        let frames: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(send)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(frames.iter().all(|(frame, _)| *frame == frames[0].0));
    }
}
