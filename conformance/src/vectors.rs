//! The published vectors whose configuration asks for no legacy draft alone, each whole, byte by byte, and at eight seeded cuts.

use crate::{
    Host, Idiom, Loop, Peer, Way,
    cuts::{cuts, write},
    frame::{BINARY, CLOSE, Frame, PING, PONG, TEXT},
    http::{self, Head},
    inflate::Naive,
    kinds::{Kind, bytes, configured},
    rfc7692,
};
use serde_json::Value;
use timtow_core::{Cause, Error};

/// A host for the vector's configuration, and a connection to it.
fn open<L: Loop>(way: Way, vector: &Value) -> (Host<L>, Peer) {
    let config = configured(vector);
    let compresses = config.deflate.is_some();
    let host = Host::<L>::new(way, config);
    let peer = if compresses { rfc7692::open(&host, "") } else { host.open() };
    (host, peer)
}

/// `frames.json`: what a frame of this role's peer must lead to.
pub fn frames<L: Loop>(way: Way) {
    for vector in Kind::Frames.vectors(way.role()) {
        let input = bytes(&vector["hex"]);
        for cuts in cuts(&input) {
            let (host, mut peer) = open::<L>(way, &vector);
            write(&mut peer, &input, &cuts);
            expect(&mut peer, vector["expect"].as_str().expect("what to expect"), &vector);
            drop(peer);
            host.end();
        }
    }
}

fn expect(peer: &mut Peer, expect: &str, vector: &Value) {
    if let Ok(code) = expect.parse::<u16>() {
        assert_eq!(peer.close_frame().0, Some(code), "{vector}");
        return peer.part();
    }
    match expect {
        "close-empty" => {
            assert_eq!(peer.close_frame().0, None, "{vector}");
            peer.part();
        }
        "ignore" => peer.echo("and nothing else"),
        "one-message" => {
            let frame = peer.frame();
            assert!([TEXT, BINARY].contains(&frame.opcode), "{vector} got {frame:?}");
            peer.echo("and nothing else");
        }
        _ => {
            let messages = expect.strip_prefix("msg:").unwrap_or_else(|| panic!("{vector} is not understood"));
            for message in messages.split(',') {
                peer.expect(&Frame::new(TEXT, message));
            }
            peer.echo("and nothing else");
        }
    }
}

/// `rfc6455.json`, `frames-in`: the events that frames of this role's peer mean, or the close code.
pub fn events<L: Loop>(way: Way) {
    for vector in Kind::Events.vectors(way.role()) {
        let input = bytes(&vector["input"]);
        for cuts in cuts(&input) {
            let (host, mut peer) = open::<L>(way, &vector);
            write(&mut peer, &input, &cuts);
            match vector["close_code"].as_u64() {
                Some(code) => {
                    assert_eq!(peer.close_frame().0.map(u64::from), Some(code), "{vector}");
                    peer.part();
                }
                None => vector["events"].as_array().expect("events").iter().for_each(|event| happens(&mut peer, event)),
            }
            drop(peer);
            host.end();
        }
    }
}

/// The endpoint shows by its answer that it saw the event.
pub(crate) fn happens(peer: &mut Peer, event: &Value) {
    match event["type"].as_str().expect("a type") {
        "text" => peer.expect(&Frame::new(TEXT, bytes(&event["payload"]))),
        "binary" => peer.expect(&Frame::new(BINARY, bytes(&event["payload"]))),
        "ping" => peer.expect(&Frame::new(PONG, bytes(&event["payload"]))),
        "pong" => {
            peer.send(&Frame::new(PING, "and nothing else"));
            peer.expect(&Frame::new(PONG, "and nothing else"));
        }
        "close" => {
            let frame = peer.frame();
            assert_eq!(frame.opcode, CLOSE);
            let code = frame.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
            assert_eq!(event["code"], code);
            peer.part();
        }
        other => panic!("{other} is not understood"),
    }
}

/// `handshakes.json`: what a request is answered.
pub fn handshakes<L: Loop>(way: Way) {
    for vector in Kind::Handshakes.vectors(way.role()) {
        let expect = vector["expect"].as_str().expect("what to expect");
        let host = Host::<L>::new(way, configured(&vector));
        let input = bytes(&vector["hex"]);
        for cuts in cuts(&input) {
            let mut peer = host.peer();
            write(&mut peer, &input, &cuts);
            let (head, _) = peer.response();
            assert_eq!(head.status().to_string(), expect[..3], "{vector}");
            if let Some((_, field)) = expect.split_once("+ ") {
                let (name, value) = field.split_once(": ").expect("a field");
                assert_eq!(head.only(name), value, "{vector}");
            }
            let extension = match expect {
                "101 with 2nd offer" => Some("permessage-deflate"),
                "101 server_max_window_bits=10" => Some("permessage-deflate; server_max_window_bits=10"),
                _ => None,
            };
            assert_eq!(head.all("Sec-WebSocket-Extensions"), extension.into_iter().collect::<Vec<_>>(), "{vector}");
            if head.status() == 101 {
                peer.deflate = extension.map(|_| Naive::default());
                peer.echo("Hello");
                peer.close();
            } else {
                peer.expect_end();
            }
        }
    }
}

/// `rfc6455.json`, requests: what a vector says of the answer.
pub fn requests<L: Loop>(way: Way) {
    for vector in Kind::Requests.vectors(way.role()) {
        let (host, input) = (Host::<L>::new(way, configured(&vector)), bytes(&vector["input"]));
        for cuts in cuts(&input) {
            let mut peer = host.peer();
            write(&mut peer, &input, &cuts);
            let (head, _) = peer.response();
            let status = head.status();
            compare(head, &vector);
            if status == 101 {
                peer.close();
            } else {
                peer.expect_end();
            }
        }
    }
}

/// The status, and the whole head, its fields in any order, or the field that is named.
fn compare(mut head: Head, vector: &Value) {
    let refused = vector["expect"] == "reject";
    assert_eq!(head.status().to_string(), if refused { vector["status"].as_str().expect("a status") } else { "101" });
    let Some(compare) = vector["compare"].as_str() else { return assert!(vector["output"].is_null()) };
    let output = String::from_utf8(bytes(&vector["output"])).expect("ASCII");
    let mut prescribed = Head::parse(output.strip_suffix("\r\n").expect("a head"));
    if let Some(name) = compare.strip_prefix("status+") {
        return assert_eq!(head.only(name), prescribed.only(name), "{vector}");
    }
    assert_eq!(compare, "headers", "{vector}");
    prescribed.fields.sort();
    head.fields.sort();
    assert_eq!((head.start, head.fields), (prescribed.start, prescribed.fields), "{vector}");
}

/// `rfc6455.json`, `accept`: what answers a key.
pub fn accepts<L: Loop>(way: Way) {
    for vector in Kind::Accepts.vectors(way.role()) {
        let host = Host::<L>::new(way, configured(&vector));
        let key = String::from_utf8(bytes(&vector["input"])).expect("base64");
        let request = http::request("/", "").replace(http::KEY, &key);
        for cuts in cuts(request.as_bytes()) {
            let mut peer = host.peer();
            write(&mut peer, request.as_bytes(), &cuts);
            let (head, _) = peer.response();
            assert_eq!(head.only("Sec-WebSocket-Accept").as_bytes(), bytes(&vector["output"]), "{vector}");
            peer.close();
        }
    }
}

/// `rfc6455.json`, responses: whether the client takes them.
pub fn responses<L: Loop>(way: Way) {
    assert_eq!(way.idiom, Idiom::Connect);
    for vector in Kind::Responses.vectors(way.role()) {
        let input = String::from_utf8_lossy(&bytes(&vector["input"])).into_owned();
        let host = Host::<L>::new(way, configured(&vector));
        for cuts in cuts(input.as_bytes()) {
            let mut peer = host.peer();
            let key = peer.head().only("Sec-WebSocket-Key").to_owned();
            // The vector's answer is one to the vector's key.
            let accept = http::accept(vector["key"].as_str().unwrap_or_default());
            let input = input.replace(&accept, &http::accept(&key));
            write(&mut peer, input.as_bytes(), &cuts);
            if vector["expect"] == "open" {
                peer.echo("Hello");
                peer.close();
                host.end().expect_clean(1000, "");
                continue;
            }
            peer.shutdown();
            peer.expect_end();
            let end = host.end();
            let Cause::Failed(error) = end.cause() else { panic!("{vector} got {end:?}") };
            if let Some(versions) = vector["versions"].as_array() {
                let versions: Vec<_> = versions.iter().map(Value::to_string).collect();
                assert_eq!(
                    error.versions().collect::<Vec<_>>(),
                    versions,
                    "{}",
                    Error::Closed(timtow_core::Closed {
                        code: timtow_core::CloseCode::ABNORMAL,
                        reason: String::new(),
                        cause: end.cause().clone(),
                    })
                );
            }
        }
    }
}
