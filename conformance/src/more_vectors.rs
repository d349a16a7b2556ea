//! The vectors of our own, each whole, byte by byte, and at eight seeded cuts.

use crate::{
    Host, Idiom, Loop, Peer, Way,
    cuts::{cuts, write},
    frame::CLOSE,
    http,
    kinds::{Kind, bytes, configured},
    vectors::happens,
};
use serde_json::Value;
use timtow_core::Cause;

/// What frames lead to: their answers, and the close frame of a violation. A pong has no answer.
fn answers(way: Way, peer: &mut Peer, vector: &Value) {
    let events = vector["events"].as_array().map_or(&[][..], Vec::as_slice);
    let closed = events.last().is_some_and(|event| event["type"] == "close");
    let violation = vector["close_code"].as_u64().filter(|_| !closed);
    // Halves may hear of the end before what one has received is sent by the other.
    let is_heard = |event: &&Value| {
        let is_message = event["type"] == "text" || event["type"] == "binary";
        event["type"] != "pong" && !(is_message && way.idiom == Idiom::Split && (closed || violation.is_some()))
    };
    events.iter().filter(is_heard).for_each(|event| happens(peer, event));
    if let Some(code) = violation {
        let close =
            std::iter::from_fn(|| Some(peer.frame())).find(|frame| frame.opcode == CLOSE || way.idiom != Idiom::Split);
        let close = close.expect("frames without end");
        assert_eq!((close.opcode, close.payload.get(..2)), (CLOSE, Some(&(code as u16).to_be_bytes()[..])), "{vector}");
        peer.part();
    }
}

/// Frames, once the connection is open.
pub fn frames_of_our_own<L: Loop>(way: Way) {
    for vector in Kind::OwnFrames.vectors(way.role()) {
        let (host, input) = (Host::<L>::new(way, configured(&vector)), bytes(&vector["input"]));
        for cuts in cuts(&input) {
            let mut peer = host.open();
            write(&mut peer, &input, &cuts);
            answers(way, &mut peer, &vector);
            drop(peer);
            host.end();
        }
    }
}

/// Requests, and frames behind them.
pub fn requests_of_our_own<L: Loop>(way: Way) {
    for vector in Kind::OwnRequests.vectors(way.role()) {
        let (host, input) = (Host::<L>::new(way, configured(&vector)), bytes(&vector["input"]));
        for cuts in cuts(&input) {
            let mut peer = host.peer();
            write(&mut peer, &input, &cuts);
            let (head, _) = peer.response();
            assert_eq!(vector["status"], head.status(), "{vector}");
            if let Some((name, value)) = vector["header"].as_str().and_then(|header| header.split_once(": ")) {
                assert_eq!(head.only(name), value, "{vector}");
            }
            if head.status() != 101 {
                peer.expect_end();
            } else if vector["events"].is_null() {
                peer.echo("Hello");
                peer.close();
            } else {
                answers(way, &mut peer, &vector);
            }
        }
    }
}

/// Responses, and frames behind them.
pub fn responses_of_our_own<L: Loop>(way: Way) {
    assert_eq!(way.idiom, Idiom::Connect);
    for vector in Kind::OwnResponses.vectors(way.role()) {
        let host = Host::<L>::new(way, configured(&vector));
        let whole = bytes(&vector["input"]);
        let end = whole.windows(4).rposition(|bytes| bytes == b"\r\n\r\n").map_or(0, |at| at + 4);
        for cuts in cuts(&whole) {
            let mut peer = host.peer();
            let key = peer.head().only("Sec-WebSocket-Key").to_owned();
            // The vector's answer is one to the vector's key.
            let accept = http::accept(vector["key"].as_str().unwrap_or_default());
            let head = String::from_utf8_lossy(&whole[..end]).replace(&accept, &http::accept(&key));
            write(&mut peer, &[head.as_bytes(), &whole[end..]].concat(), &cuts);
            if vector["expect"] == "fail" {
                peer.shutdown();
                peer.expect_end();
                let end = host.end();
                assert!(matches!(end.cause(), Cause::Failed(_)), "{vector} got {end:?}");
            } else if vector["events"].is_null() {
                peer.echo("Hello");
                peer.close();
                host.end().expect_clean(1000, "");
            } else {
                answers(way, &mut peer, &vector);
                drop(peer);
                host.end();
            }
        }
    }
}
