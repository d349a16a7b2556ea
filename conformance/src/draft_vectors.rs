//! The published vectors of the drafts before RFC 6455, each whole, byte by byte, and at eight seeded cuts.

use crate::{
    Host, Idiom, Loop, Peer, Way,
    cuts::{cuts, write},
    hixie,
    http::Head,
    kinds::{Kind, bytes, configured},
    vectors::happens,
};
use serde_json::Value;
use timtow_core::{Cause, Draft};

fn draft(vector: &Value) -> Draft {
    let drafts: Vec<Draft> = configured(vector).drafts.iter().collect();
    assert_eq!(drafts.len(), 1, "{vector}");
    drafts[0]
}

/// `frames-in`, `encode` and `close`: what the endpoint makes of frames, and how it frames what it says.
pub fn frames_of_the_drafts<L: Loop>(way: Way) {
    for vector in Kind::DraftFrames.vectors(way.role()) {
        let draft = draft(&vector);
        let host = Host::<L>::new(way, configured(&vector));
        let encode = vector["kind"] == "encode";
        let mut input = bytes(&vector["input"]);
        if encode {
            // The message that the endpoint sends back.
            input = [&[0], &input[..], &[0xff]].concat();
        }
        for cuts in cuts(&input) {
            let mut peer = host.silent_peer(false);
            hixie::open(&mut peer, way, draft);
            // Between halves an echo may come too late for one who has closed: there the close is written behind the echo.
            let closing =
                if way.idiom == Idiom::Split && input.ends_with(&hixie::CLOSE) { hixie::CLOSE.len() } else { 0 };
            let (front, back) = input.split_at(input.len() - closing);
            let behind: Vec<_> = cuts.iter().filter_map(|cut| cut.checked_sub(front.len())).collect();
            write(&mut peer, front, &cuts);
            let mut closed = false;
            if let Some(events) = vector["events"].as_array() {
                for event in events {
                    closed |= event["type"] == "close";
                    if closed {
                        write(&mut peer, back, &behind);
                    }
                    meant(&mut peer, draft, event);
                }
            } else {
                write(&mut peer, back, &behind);
                let output = bytes(&vector["output"]);
                assert_eq!(peer.take(output.len()), output, "{vector}");
                closed = !encode;
                if closed {
                    peer.part();
                }
            }
            if !closed {
                hixie::echo(&mut peer, draft, "and nothing else");
                hixie::close(&mut peer, draft);
            }
            drop(peer);
            host.end();
        }
    }
}

/// The endpoint shows by its answer that it saw the event.
fn meant(peer: &mut Peer, draft: Draft, event: &Value) {
    match event["type"].as_str().expect("a type") {
        _ if !draft.is_hixie() => happens(peer, event),
        "text" => {
            let text = String::from_utf8(bytes(&event["payload"])).expect("text");
            hixie::expect_text(peer, draft, &text);
        }
        "close" => {
            assert_eq!(peer.take(2), hixie::CLOSE);
            peer.part();
        }
        other => panic!("{other} is not understood"),
    }
}

/// Requests, and the challenges of hixie-76: what a server answers.
pub fn requests_of_the_drafts<L: Loop>(way: Way) {
    for vector in Kind::DraftRequests.vectors(way.role()) {
        let host = Host::<L>::new(way, configured(&vector));
        let is_challenge = vector["kind"] == "challenge";
        let input = if is_challenge { challenge(&vector) } else { bytes(&vector["input"]) };
        for cuts in cuts(&input) {
            let mut peer = host.peer();
            write(&mut peer, &input, &cuts);
            if vector["expect"] == "reject" {
                assert_eq!(vector["status"], peer.response().0.status().to_string(), "{vector}");
                peer.expect_end();
                continue;
            }
            let mut head = peer.head();
            let output = bytes(&vector["output"]);
            let draft = draft(&vector);
            let body = if draft == Draft::Hixie76 { 16 } else { 0 };
            let (expected, answer) = output.split_at(output.len() - body);
            if !is_challenge {
                let expected = String::from_utf8(expected.to_vec()).expect("ASCII");
                // Whether it is `wss` the endpoint knows from what carries its bytes.
                let expected =
                    expected.replace(" ws://", " wss://").replace(" wss://", &format!(" {}://", hixie::scheme(way)));
                let mut expected = Head::parse(expected.strip_suffix("\r\n").expect("a head"));
                if draft == Draft::Hixie75 {
                    assert_eq!((&head.start, &head.fields[..2]), (&expected.start, &expected.fields[..2]), "{vector}");
                }
                expected.fields.sort();
                head.fields.sort();
                assert_eq!((head.start, head.fields), (expected.start, expected.fields), "{vector}");
            }
            assert_eq!(peer.take(body), answer, "{vector}");
            hixie::echo(&mut peer, draft, "Hello");
            hixie::close(&mut peer, draft);
        }
    }
}

/// The request that poses it. Where a vector gives numbers only, keys that hide them.
fn challenge(vector: &Value) -> Vec<u8> {
    let key = |n: &str| match vector[format!("key{n}")].as_str() {
        Some(key) => key.to_owned(),
        None => format!("{} x", vector[format!("number{n}")]),
    };
    let mut request = format!(
        "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key1: {}\r\nSec-WebSocket-Key2: {}\r\n\r\n",
        key("1"),
        key("2")
    )
    .into_bytes();
    request.extend(bytes(&vector["body"]));
    request
}

/// What a client asks, and whether it takes the answer.
pub fn responses_of_the_drafts<L: Loop>(way: Way) {
    for vector in Kind::DraftResponses.vectors(way.role()) {
        let draft = draft(&vector);
        let host = Host::<L>::new(way, configured(&vector));
        // The suite's client asks for `/` of its peer, from an origin there, and for no subprotocol.
        let own = |head: &str| {
            head.replace(" ws://example.com/demo", &format!(" {}://{}/", hixie::scheme(way), host.address()))
                .replace("example.com", &host.address().to_string())
                .replace("/demo", "/")
                .replace("Sec-WebSocket-Protocol: sample\r\n", "")
                .replace("WebSocket-Protocol: sample\r\n", "")
        };
        if vector["input"].is_null() {
            let expected = own(str::from_utf8(&bytes(&vector["output"])).expect("ASCII"));
            let mut peer = host.peer();
            let came = peer.take(expected.len());
            assert_eq!(String::from_utf8(came).expect("ASCII"), expected);
            peer.shutdown();
            peer.expect_end();
            host.end();
            continue;
        }
        let input = bytes(&vector["input"]);
        let end = input.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
        let (response, behind) = input.split_at(end);
        let response = own(str::from_utf8(response).expect("ASCII")).into_bytes();
        for cuts in cuts(&[&response[..], behind].concat()) {
            let mut peer = host.peer();
            let (head, body) = hixie::take_request(&mut peer, draft);
            let mut behind = behind.to_vec();
            if let (Some(key1), Some(key2)) = (vector["key1"].as_str(), vector["key2"].as_str()) {
                // The answer to the vector's keys, or what is wrong with it, as one to the client's.
                let theirs = hixie::answer(key1, key2, &bytes(&vector["body"]));
                let ours = hixie::answer(head.only("Sec-WebSocket-Key1"), head.only("Sec-WebSocket-Key2"), &body);
                behind
                    .iter_mut()
                    .zip(theirs.iter().zip(ours))
                    .for_each(|(byte, (theirs, ours))| *byte ^= theirs ^ ours);
            }
            write(&mut peer, &[&response[..], &behind].concat(), &cuts);
            match vector["expect"].as_str().expect("what to expect") {
                "fail" => {
                    peer.shutdown();
                    peer.expect_loss();
                    let end = host.end();
                    assert!(matches!(end.cause(), Cause::Failed(_)), "{vector}: {end:?}");
                    continue;
                }
                "open" => {}
                "open+message" => {
                    let text = String::from_utf8(bytes(&vector["output"])).expect("text");
                    hixie::expect_text(&mut peer, draft, &text);
                }
                other => panic!("{other} is not understood"),
            }
            hixie::echo(&mut peer, draft, "Hello");
            hixie::close(&mut peer, draft);
            host.end().expect_clean(hixie::code(draft), "");
        }
    }
}
