//! The drafts before RFC 6455: in each of them the endpoint does the opening handshake, echoes, and closes.

use crate::{Host, Loop, Way, frame::Frame, hixie, http};
use timtow_core::{Cause, Config, Draft, HandshakeFailure, Origins, Role, Violation};

/// Any origin, and this draft alone.
pub(crate) fn config(draft: Draft) -> Config {
    Config { origins: Origins::Any, drafts: [draft].into_iter().collect(), ..Config::default() }
}

const HIXIE: [Draft; 2] = [Draft::Hixie76, Draft::Hixie75];

/// Messages of all lengths go there and back, and the connection ends as the draft has it.
pub fn every_draft_echoes<L: Loop>(way: Way) {
    for draft in Draft::ALL {
        let host = Host::<L>::new(way, config(draft));
        let mut peer = host.silent_peer(false);
        hixie::open(&mut peer, way, draft);
        for len in [0, 1, 125, 126, 4095, 4096, 65_535, 200_000] {
            hixie::echo(&mut peer, draft, &"ü".repeat(len / 2));
            hixie::echo(&mut peer, draft, &"\0".repeat(len));
        }
        hixie::close(&mut peer, draft);
        host.end().expect_clean(hixie::code(draft), "");
    }
}

/// Every pair of keys of the drafts' examples is answered; one connection does not disturb another.
pub fn keys_are_answered<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, config(Draft::Hixie76));
    let mut peers = Vec::new();
    for n in 0..hixie::KEYS.len() {
        let mut peer = host.peer();
        peer.write(hixie::request(Draft::Hixie76, n));
        peers.push(peer);
    }
    for (n, peer) in peers.iter_mut().enumerate() {
        hixie::expect_answer(peer, way, Draft::Hixie76, n);
        hixie::echo(peer, Draft::Hixie76, "Hello");
    }
    peers.iter_mut().for_each(|peer| hixie::close(peer, Draft::Hixie76));
}

/// The handshake and what follows, each byte by itself, and all in one segment.
pub fn however_the_bytes_are_cut<L: Loop>(way: Way) {
    for draft in Draft::ALL {
        let host = Host::<L>::new(way, config(draft));
        for slowly in [true, false] {
            let mut peer = host.peer();
            let mut bytes = match way.role() {
                Role::Server => hixie::request(draft, 0),
                Role::Client => {
                    let request = hixie::take_request(&mut peer, draft);
                    hixie::response(way, draft, &request, "")
                }
            };
            for message in ["glued", "", "Grüße"] {
                bytes.extend(hixie::text(&mut peer, draft, message));
            }
            if slowly {
                peer.write_slowly(bytes);
            } else {
                peer.write(bytes);
            }
            if way.role() == Role::Server {
                hixie::expect_answer(&mut peer, way, draft, 0);
            }
            for message in ["glued", "", "Grüße"] {
                hixie::expect_text(&mut peer, draft, message);
            }
            hixie::close(&mut peer, draft);
            host.end().expect_clean(hixie::code(draft), "");
        }
    }
}

/// The endpoint closes: hixie-76 with `ff 00`, which is answered; hixie-75 ends the transport, and there is no more to say.
pub fn the_endpoint_closes_a_draft<L: Loop>(way: Way) {
    for draft in Draft::ALL {
        let host = Host::<L>::new(way, config(draft));
        let mut peer = host.silent_peer(false);
        hixie::open(&mut peer, way, draft);
        let order = hixie::text(&mut peer, draft, "close 1000 bye");
        peer.write(order);
        match draft {
            Draft::Hixie75 => {
                peer.expect_end();
                peer.shutdown();
            }
            Draft::Hixie76 => {
                assert_eq!(peer.take(2), hixie::CLOSE);
                peer.write(hixie::CLOSE);
                peer.part();
            }
            _ => {
                assert_eq!(peer.close_frame(), (Some(1000), "bye".into()));
                peer.send(&Frame::close(1000, ""));
                peer.part();
            }
        }
        host.end().expect_clean(hixie::code(draft), "");
    }
}

/// hixie-76 has a closing handshake, so an end without it is a loss; on hixie-75 only an end inside of a frame is.
pub fn an_end_inside_of_a_frame<L: Loop>(way: Way) {
    for (draft, begun) in [(Draft::Hixie76, &b""[..]), (Draft::Hixie76, b"\0a"), (Draft::Hixie75, b"\0a")] {
        let host = Host::<L>::new(way, config(draft));
        let mut peer = host.silent_peer(false);
        hixie::open(&mut peer, way, draft);
        hixie::echo(&mut peer, draft, "Hello");
        peer.write(begun);
        peer.shutdown();
        peer.expect_end();
        host.end().expect_cause(&Cause::Lost);
    }
}

/// A frame over the limit, and a length that never ends, close the connection: hixie-76 says so.
pub fn the_limits_hold<L: Loop>(way: Way) {
    for draft in HIXIE {
        let host = Host::<L>::new(way, Config { max_message: 1000, max_frame: 1000, ..config(draft) });
        for input in [
            [&[0][..], &[b'a'; 1001]].concat(),
            [&[1][..], &[b'a'; 1001]].concat(),
            b"\x80\x87\x69".to_vec(),
            vec![0x80; 20],
        ] {
            let mut peer = host.silent_peer(false);
            hixie::open(&mut peer, way, draft);
            hixie::echo(&mut peer, draft, &"a".repeat(1000));
            peer.write(&input);
            if draft == Draft::Hixie76 {
                assert_eq!(peer.take(2), hixie::CLOSE);
            }
            peer.expect_end();
            peer.shutdown();
            host.end().expect_cause(&Cause::Violation(Violation::FrameTooBig));
        }
    }
}

/// RFC 6455 4.4: a version that is not spoken is answered with those that are; drafts without a number are not listed.
pub fn a_draft_that_is_off<L: Loop>(way: Way) {
    let sets: [(&[Draft], Option<&str>); 4] = [
        (&[Draft::Rfc6455], Some("13")),
        (&[Draft::Hybi08, Draft::Hybi07, Draft::Hixie75], Some("8, 7")),
        (&[Draft::Hixie76], None),
        (&Draft::ALL, Some("13, 8, 7")),
    ];
    for (spoken, listed) in sets {
        let drafts = spoken.iter().copied().collect();
        let host = Host::<L>::new(way, Config { drafts, origins: Origins::Any, ..Config::default() });
        for draft in Draft::ALL {
            let mut peer = host.peer();
            peer.write(hixie::request(draft, 0));
            if spoken.contains(&draft) {
                hixie::expect_answer(&mut peer, way, draft, 0);
                hixie::echo(&mut peer, draft, "Hello");
                hixie::close(&mut peer, draft);
                continue;
            }
            let (head, _) = peer.response();
            assert_eq!((head.status(), head.all("Sec-WebSocket-Version")), (426, Vec::from_iter(listed)), "{draft}");
            peer.expect_end();
        }
        let mut peer = host.peer();
        peer.write(http::request("/", "").replace("Version: 13", "Version: 14"));
        assert_eq!(peer.response().0.all("Sec-WebSocket-Version"), Vec::from_iter(listed));
    }
}

/// hixie-76 5.2: keys that hide no number are refused, where 2010's servers divided by nothing and fell over.
pub fn keys_without_a_number<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config { drafts: Draft::ALL.into_iter().collect(), ..config(Draft::Hixie76) });
    let (good, _, body) = hixie::KEYS[0];
    let long = format!("1 {}", "x".repeat(8000));
    for bad in ["", "x y", "12345", "1 x 1", "4294967296 x", "99999999999999999999 x", &long] {
        for (key1, key2) in [(good, bad), (bad, good)] {
            let mut peer = host.peer();
            let fields = format!("Sec-WebSocket-Key1: {key1}\r\nSec-WebSocket-Key2: {key2}\r\n");
            peer.write([begin(&fields).as_bytes(), body].concat());
            assert_eq!(peer.response().0.status(), 400, "{key1:.20} {key2:.20}");
            peer.expect_end();
        }
    }
    for fields in [
        format!("Sec-WebSocket-Key1: {good}\r\n"),
        format!("Sec-WebSocket-Key2: {good}\r\n"),
        format!("Sec-WebSocket-Key1: {good}\r\nSec-WebSocket-Key1: {good}\r\nSec-WebSocket-Key2: {good}\r\n"),
        format!("Sec-WebSocket-Key1: {good}\r\nSec-WebSocket-Key2: {good}\r\nContent-Length: 9\r\n"),
        format!("Sec-WebSocket-Key1: {good}\r\nSec-WebSocket-Key2: {good}\r\nSec-WebSocket-Version: 13\r\n"),
    ] {
        let mut peer = host.peer();
        peer.write([begin(&fields).as_bytes(), body].concat());
        assert_eq!(peer.response().0.status(), 400, "{fields}");
        peer.expect_end();
    }
    // Whoever names version 13 gets it, whatever keys there are besides.
    let mut peer = host.peer();
    peer.write(http::request("/", &format!("Sec-WebSocket-Key1: {good}\r\nSec-WebSocket-Key2: {good}\r\n")));
    assert_eq!(peer.response().0.status(), 101);
    peer.echo("Hello");
    peer.close();
}

fn begin(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n{fields}\r\n")
}

/// RFC 6455 10.2 holds for them as well; versions 7 and 8 have another name for the origin.
pub fn the_origin_of_a_draft<L: Loop>(way: Way) {
    for draft in Draft::ALL {
        let host = Host::<L>::new(way, Config { origins: Origins::SameHost, ..config(draft) });
        let evil =
            String::from_utf8_lossy(&hixie::request(draft, 0)).replace("http://example.com", "http://evil.example");
        let field = if draft == Draft::Rfc6455 { "\r\nOrigin" } else { "\r\nSec-WebSocket-Origin" };
        let evil = if draft.is_hixie() { evil } else { evil.replace("\r\nSec-WebSocket-Origin", field) };
        let mut peer = host.peer();
        peer.write(evil);
        assert_eq!(peer.response().0.status(), 403, "{draft}");
        peer.expect_end();
        let mut peer = host.peer();
        peer.write(hixie::request(draft, 0));
        hixie::expect_answer(&mut peer, way, draft, 0);
        hixie::close(&mut peer, draft);
    }
}

/// hixie-76 4.1: the answer must repeat origin and URL, and answer the keys.
pub fn answers_of_a_draft_that_must_fail<L: Loop>(way: Way) {
    for draft in HIXIE {
        let changes: [(&[u8], &[u8], HandshakeFailure); 6] = [
            (b"-Origin: http", b"-Origin: https", HandshakeFailure::Origin),
            (b"-Origin", b"-Origins", HandshakeFailure::Origin),
            (b"-Location: w", b"-Location: http", HandshakeFailure::Location),
            (b"-Location", b"-Locations", HandshakeFailure::Location),
            (b"Upgrade: WebSocket", b"Upgrade: Web", HandshakeFailure::Upgrade),
            (b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n", HandshakeFailure::TransferEncoding),
        ];
        for (old, new, kind) in changes {
            expect_failure::<L>(way, draft, kind, |response| {
                let at = response.windows(old.len()).position(|window| window == old).expect("it is there");
                response.splice(at..at + old.len(), new.iter().copied());
            });
        }
    }
    for byte in [1, 16] {
        expect_failure::<L>(way, Draft::Hixie76, HandshakeFailure::Answer, |response| {
            let at = response.len() - byte;
            response[at] ^= 1;
        });
    }
    expect_failure::<L>(way, Draft::Hixie76, HandshakeFailure::Lost, |response| response.truncate(response.len() - 1));
    for draft in [Draft::Hybi07, Draft::Hybi08] {
        expect_failure::<L>(way, draft, HandshakeFailure::Accept, |response| {
            let at = response.windows(2).position(|window| window == b"=\r").expect("an accept");
            response[at - 2] ^= 1;
        });
    }
}

fn expect_failure<L: Loop>(way: Way, draft: Draft, kind: HandshakeFailure, change: impl Fn(&mut Vec<u8>)) {
    let host = Host::<L>::new(way, config(draft));
    let mut peer = host.peer();
    let request = hixie::take_request(&mut peer, draft);
    let mut response = hixie::response(way, draft, &request, "");
    change(&mut response);
    peer.write(response);
    peer.shutdown();
    peer.expect_loss();
    match host.end().cause() {
        Cause::Failed(error) => assert_eq!(error.kind, kind, "{draft}"),
        other => panic!("{draft}: {other:?} is not {kind:?}"),
    }
}
