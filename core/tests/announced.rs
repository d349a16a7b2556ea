//! Messages that are sent as one frame before all of it is there.

mod common;

use common::{
    config, drain, feed, frame, frames, open,
    pair::{Pair, ROLES},
};
use std::{sync::Arc, time::Duration};
use timtow_core::{
    Cause, CloseCode, Closed, Config, Connection, Event, Fragment, Kind, OwnedFragment, OwnedMessage, Role, SendError,
    State, Timeout,
};

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// What a connection that is open sends after `f`.
fn sent(role: Role, f: impl FnOnce(&mut Connection)) -> Vec<(u8, Vec<u8>)> {
    let mut ws = open(role, &Arc::new(config()));
    f(&mut ws);
    frames(&drain(&mut ws))
}

fn piece(len: usize, fin: bool) -> Fragment<'static> {
    Fragment::binary(vec![7; len], fin)
}

#[test]
fn pieces_become_one_frame() {
    for role in ROLES {
        let text = "There is more than one way to do it: κόσμε";
        for cut in 0..=text.len() {
            let (start, end) = text.as_bytes().split_at(cut);
            let part = |bytes: &'static [u8], fin| Fragment { kind: Kind::Text, ..Fragment::binary(bytes, fin) };
            let found = sent(role, |ws| {
                ws.send_fragment(part(start, false).announcing(text.len())).unwrap();
                assert_eq!(ws.send("between"), Err(SendError::InsideMessage));
                ws.send_fragment(part(b"", false)).unwrap();
                ws.send_fragment(part(end, false)).unwrap();
                // The frame is complete, the message is not before `fin`.
                assert_eq!(ws.send("between"), Err(SendError::InsideMessage));
                ws.send_fragment(part(b"", true)).unwrap();
                ws.send("behind").unwrap();
            });
            assert_eq!(found, [(TEXT, text.into()), (TEXT, b"behind".to_vec())], "{role:?} {cut}");
        }
        // All at once, none at all, and large ones, which are moved, and masked wherever they begin.
        let found = sent(role, |ws| {
            ws.send_fragment(piece(3, true).announcing(3)).unwrap();
            ws.send_fragment(piece(0, true).announcing(0)).unwrap();
            ws.send_fragment(piece(0, false).announcing(0)).unwrap();
            ws.send_fragment(piece(0, true)).unwrap();
            ws.send_fragment(piece(1, false).announcing(60_004)).unwrap();
            ws.send_fragment(piece(50_001, false)).unwrap();
            ws.send_fragment(OwnedFragment::binary(vec![7; 10_000], false)).unwrap();
            let shared = OwnedFragment::binary(vec![7; 2], true);
            ws.send_fragment(shared.clone()).unwrap();
            assert_eq!(&shared.payload[..], [7; 2]);
        });
        let expected = [3, 0, 0, 60_004].map(|len| (BINARY, vec![7; len]));
        assert!(found == expected, "{role:?}");
    }
}

#[test]
fn what_is_shared_is_not_masked_for_others() {
    let bytes = bytes::Bytes::from(vec![7; 10_000]);
    let found = sent(Role::Client, |ws| {
        ws.send(bytes.clone()).unwrap();
        ws.send(bytes::Bytes::from(vec![7; 10_000])).unwrap();
        ws.send(bytes.slice(1..9_000)).unwrap();
    });
    assert!(found == [10_000, 10_000, 8_999].map(|len| (BINARY, vec![7; len])));
    assert!(bytes == vec![7; 10_000]);
}

#[test]
fn the_length_must_be_right() {
    for role in ROLES {
        let found = sent(role, |ws| {
            let mut send = |len, fin, announced: Option<usize>| {
                ws.send_fragment(Fragment { message_len: announced, ..piece(len, fin) })
            };
            for (len, fin) in [(11, false), (11, true), (9, true)] {
                assert_eq!(send(len, fin, Some(10)), Err(SendError::WrongLength));
            }
            // No header can say so much (RFC 6455 5.2).
            #[cfg(target_pointer_width = "64")]
            assert_eq!(send(1, false, Some(1 << 63)), Err(SendError::WrongLength));
            send(4, false, Some(10)).unwrap();
            for (len, fin) in [(7, false), (7, true), (5, true)] {
                assert_eq!(send(len, fin, None), Err(SendError::WrongLength));
            }
            assert_eq!(send(6, true, Some(6)), Err(SendError::InsideMessage));
            send(6, false, None).unwrap();
            assert_eq!(send(1, true, None), Err(SendError::WrongLength));
            send(0, true, None).unwrap();
            // In the middle of a message of many frames nothing can be announced.
            send(1, false, None).unwrap();
            assert_eq!(send(6, true, Some(6)), Err(SendError::InsideMessage));
            send(1, true, None).unwrap();
        });
        assert_eq!(found, [(BINARY, vec![7; 10]), (0x02, vec![7]), (0x80, vec![7])]);
    }
}

#[test]
fn control_frames_wait_for_the_end_of_the_frame() {
    for role in ROLES {
        let found = sent(role, |ws| {
            ws.send_fragment(piece(4, false).announcing(10)).unwrap();
            feed(ws, &frame(role, PING, b"1"), |_, _| {});
            ws.ping(b"2").unwrap();
            feed(ws, &frame(role, PING, b"3"), |_, _| {});
            ws.send_fragment(piece(5, false)).unwrap();
            ws.send_fragment(piece(1, false)).unwrap();
            feed(ws, &frame(role, PING, b"4"), |_, _| {});
            ws.send_fragment(piece(0, true)).unwrap();
        });
        let control = [(PONG, "1"), (PING, "2"), (PONG, "3"), (PONG, "4")].map(|(first, text)| (first, text.into()));
        assert_eq!(found, [&[(BINARY, vec![7; 10])][..], &control].concat());
    }
}

#[test]
fn a_flood_of_pings_inside_a_frame_costs_what_any_other_does() {
    for role in ROLES {
        let number = |first, n: u32| (first, n.to_be_bytes().to_vec());
        let pings = |range: std::ops::Range<u32>| -> Vec<u8> {
            range.flat_map(|n| frame(role, PING, &n.to_be_bytes())).collect()
        };
        // Before the frame, where 32 wait and the newest; and inside of it, likewise.
        let mut ws = open(role, &Arc::new(config()));
        ws.outbox();
        for n in 0..100 {
            feed(&mut ws, &pings(n..n + 1), |_, _| {});
            ws.outbox();
        }
        ws.send_fragment(piece(1, false).announcing(2)).unwrap();
        for n in 100..200 {
            feed(&mut ws, &pings(n..n + 1), |_, _| {});
            ws.outbox();
        }
        // Whatever the peer takes now, nothing comes into the frame.
        let mut out = drain(&mut ws);
        ws.send_fragment(piece(1, true)).unwrap();
        out.extend(drain(&mut ws));
        let mut expected: Vec<_> = (0..32).chain([99]).map(|n| number(PONG, n)).collect();
        expected.push((BINARY, vec![7; 2]));
        expected.extend((100..132).chain([199]).map(|n| number(PONG, n)));
        assert_eq!(frames(&out), expected);
        assert_eq!(ws.buffered(), 0);
    }
}

#[test]
fn a_close_frame_waits_and_so_does_the_rest_of_the_frame() {
    for role in ROLES {
        let mut pair = Pair::open();
        pair.server.respond = |_, _| {};
        let (closer, _) = pair.sides(role);
        closer.ws.send_fragment(piece(4, false).announcing(10)).unwrap();
        closer.ws.close(1000, "done").unwrap();
        assert_eq!(closer.ws.state(), State::Closing);
        pair.settle();
        let (closer, peer) = pair.sides(role);
        assert!(peer.events.is_empty() && closer.closed().is_none());
        closer.ws.send_fragment(piece(6, true)).unwrap();
        assert_eq!(closer.ws.send_fragment(piece(1, true)), Err(SendError::Closing));
        pair.settle();
        let (closer, peer) = pair.sides(role);
        assert_eq!(peer.messages(), [OwnedMessage::from(vec![7; 10])]);
        assert_eq!(peer.closed().map(|closed| (closed.code, closed.reason.as_str())), Some((CloseCode(1000), "done")));
        assert!(closer.closed().is_some_and(Closed::is_clean));
        assert!(pair.server.ws.is_closed() && pair.client.ws.is_closed());
    }
}

#[test]
fn a_frame_that_is_not_finished_ends_the_connection_at_the_close_deadline() {
    for role in ROLES {
        let mut pair = Pair::open();
        let (closer, _) = pair.sides(role);
        closer.ws.send_fragment(piece(4, false).announcing(10)).unwrap();
        closer.ws.close(1000, "done").unwrap();
        pair.pass(Duration::from_millis(9_999));
        assert!(pair.sides(role).0.closed().is_none());
        pair.pass(Duration::from_millis(1));
        let (closer, peer) = pair.sides(role);
        assert_eq!(closer.closed().map(|closed| &closed.cause), Some(&Cause::Timeout(Timeout::Close)));
        assert!(closer.ws.is_closed());
        assert_eq!(peer.closed().map(|closed| &closed.cause), Some(&Cause::Lost));
        assert!(closer.ws.send_fragment(piece(6, true)).is_err());
    }
}

#[test]
fn whoever_is_closed_inside_a_frame_ends_the_transport() {
    for role in ROLES {
        for (bytes, cause) in [
            (frame(role, CLOSE, &common::close(1001)), Cause::Handshake),
            (frame(role, 0x83, b""), Cause::Violation(timtow_core::Violation::ReservedOpcode)),
        ] {
            let mut ws = open(role, &Arc::new(config()));
            ws.send_fragment(piece(4, false).announcing(10)).unwrap();
            let before = ws.buffered();
            let mut end = None;
            feed(&mut ws, &bytes, |_, event| {
                if let Event::Closed(closed) = event {
                    end = Some(closed.cause);
                }
            });
            assert_eq!(end, Some(cause));
            assert_eq!(ws.send_fragment(piece(6, true)), Err(SendError::Closing));
            // No close frame can stand there, so the end says it all.
            assert_eq!(drain(&mut ws).len(), before);
            assert!(ws.outbox().is_finished());
        }
    }
}

#[test]
fn no_keep_alive_comes_inside_a_frame_and_none_is_missed() {
    for role in ROLES {
        let mut pair = Pair::open();
        pair.server.respond = |_, _| {};
        let (sender, _) = pair.sides(role);
        sender.ws.send_fragment(piece(4, false).announcing(35)).unwrap();
        // A peer that hears of the frame now and then does not take its sender for dead.
        for _ in 0..30 {
            pair.pass_seconds(10);
            pair.sides(role).0.ws.send_fragment(piece(1, false)).unwrap();
        }
        pair.settle();
        let (sender, peer) = pair.sides(role);
        assert!(sender.closed().is_none() && peer.closed().is_none());
        // The peer's pings came all the time, and the answers wait.
        assert!(sender.pings() > 0);
        assert_eq!((peer.pings(), peer.pongs(), peer.messages().len()), (0, 0, 0));
        sender.ws.send_fragment(piece(1, true)).unwrap();
        pair.pass_seconds(60);
        let (sender, peer) = pair.sides(role);
        assert_eq!(peer.messages(), [OwnedMessage::from(vec![7; 35])]);
        assert!(peer.pongs() > 0 && peer.pings() > 0 && sender.pongs() > 0);
    }
}

#[test]
fn what_comes_as_one_frame_is_sent_on_as_one_frame_and_many_as_many() {
    for role in ROLES {
        for cut in [1, 3, 1000] {
            let config = Arc::new(Config { fragments: true, ..config() });
            let mut ws = open(role, &config);
            let bytes: Vec<u8> = [
                frame(role, TEXT, "aκóσμε€😀".repeat(40).as_bytes()),
                frame(role, 0x02, b"first"),
                frame(role, 0x00, b"second"),
                frame(role, PING, b"?"),
                frame(role, 0x80, b""),
                frame(role, BINARY, b""),
            ]
            .concat();
            for bytes in bytes.chunks(cut) {
                feed(&mut ws, bytes, |ws, event| {
                    if let Event::Fragment(fragment) = event {
                        ws.send_fragment(fragment).unwrap();
                    }
                });
            }
            let found = frames(&drain(&mut ws));
            assert_eq!(found[0], (TEXT, "aκóσμε€😀".repeat(40).into()));
            assert_eq!(found.iter().filter(|(first, _)| *first == PONG).count(), 1);
            let rest: Vec<_> = found[1..].iter().filter(|(first, _)| *first != PONG).collect();
            assert_eq!(rest.iter().filter(|(first, _)| first & 0x80 != 0).count(), 2, "two messages are complete");
            assert_eq!(rest.last(), Some(&&(BINARY, vec![])));
            let parts: Vec<u8> = rest[..rest.len() - 1].iter().flat_map(|(_, payload)| payload.clone()).collect();
            assert_eq!(parts, b"firstsecond");
        }
    }
}

#[test]
fn pieces_wait_to_be_asked_for_while_the_connection_is_held() {
    for role in ROLES {
        let mut ws = open(role, &Arc::new(Config { fragments: true, high_water: 50, ..config() }));
        let bytes = frame(role, BINARY, &[7; 100]);
        let count = |ws: &mut Connection, bytes: &[u8]| {
            let mut count = 0;
            feed(ws, bytes, |ws, event| {
                let Event::Fragment(fragment) = event else { panic!("{event:?}") };
                count += fragment.payload.len();
                ws.hold();
            });
            count
        };
        assert_eq!(count(&mut ws, &bytes[..20]), bytes[..20].len() - (bytes.len() - 100));
        assert_eq!(count(&mut ws, &bytes[20..60]), 0);
        assert!(ws.wants_read());
        assert_eq!(count(&mut ws, &bytes[60..80]), 0);
        assert!(!ws.wants_read(), "what is set aside is bounded");
        ws.release();
        assert!(ws.wants_receive());
        assert_eq!(count(&mut ws, b""), 60);
        ws.release();
        assert_eq!(count(&mut ws, &bytes[80..]), bytes.len() - 80);
    }
}
