//! The published vectors whose configuration asks for no legacy draft, each whole, byte by byte, and at eight seeded cuts.

use crate::{
    Host, Idiom, Loop, Peer, Way,
    cuts::{cuts, write},
    frame::{BINARY, CLOSE, Frame, PING, PONG, TEXT},
    http::Head,
    inflate::Naive,
    rfc7692,
};
use serde_json::Value;
use timtow_core::{Cause, Config, Error, Origins, Role, app::Options};

const FRAMES: &str = include_str!("../vectors/frames.json");
const HANDSHAKES: &str = include_str!("../vectors/handshakes.json");
const RFC6455: &str = include_str!("../vectors/rfc6455.json");

fn vectors(json: &str) -> Vec<Value> {
    let vectors: Vec<Value> = serde_json::from_str(json).expect("JSON");
    let asks_for_no_more = |vector: &Value| {
        let drafts = vector["config"]["drafts"].as_array();
        drafts.is_none_or(|drafts| drafts.iter().all(|draft| draft == "13"))
    };
    vectors.into_iter().filter(asks_for_no_more).collect()
}

fn asks_for_deflate(vector: &Value) -> bool {
    vector["config"]["deflate"] == true
}

/// A host for the vector's configuration, and a connection to it.
fn open<L: Loop>(way: Way, vector: &Value) -> (Host<L>, Peer) {
    let max = vector["config"]["max_message"].as_u64().map_or(1 << 20, |max| max as usize);
    let limits = Config { max_message: max, max_frame: max, ..configured(vector) };
    let host = Host::<L>::new(way, limits);
    let peer = if asks_for_deflate(vector) { rfc7692::open(&host, "") } else { host.open() };
    (host, peer)
}

pub(crate) fn bytes(hex: &Value) -> Vec<u8> {
    let digits = hex.as_str().unwrap_or_else(|| panic!("{hex} is not hex")).as_bytes().as_chunks::<2>().0;
    let byte = |digits: &[u8; 2]| u8::from_str_radix(str::from_utf8(digits).expect("ASCII"), 16).expect("hex");
    digits.iter().map(byte).collect()
}

/// `frames.json`: what a frame of this role's peer must lead to.
pub fn frames<L: Loop>(way: Way) {
    let mut ran = 0;
    for vector in vectors(FRAMES) {
        let role = if vector["role"] == "client" { Role::Client } else { Role::Server };
        if role != way.role() {
            continue;
        }
        ran += 1;
        let input = bytes(&vector["hex"]);
        for cuts in cuts(&input) {
            let (host, mut peer) = open::<L>(way, &vector);
            write(&mut peer, &input, &cuts);
            expect(&mut peer, vector["expect"].as_str().expect("what to expect"), &vector);
            drop(peer);
            host.end();
        }
    }
    assert_eq!(ran, if way.role() == Role::Server { 63 } else { 1 });
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
    let mut ran = 0;
    for vector in vectors(RFC6455) {
        let role = if vector["role"] == "client" { Role::Client } else { Role::Server };
        if vector["kind"] != "frames-in" || role != way.role() {
            continue;
        }
        ran += 1;
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
    assert_eq!(ran, 19);
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
    let vectors = vectors(HANDSHAKES);
    assert_eq!(vectors.len(), 31);
    for vector in &vectors {
        let expect = vector["expect"].as_str().expect("what to expect");
        let host = Host::<L>::new(way, configured(vector));
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

pub(crate) fn strings(list: &Value) -> Option<Vec<String>> {
    Some(list.as_array()?.iter().map(|item| item.as_str().expect("a string").to_owned()).collect())
}

fn configured(vector: &Value) -> Config {
    Config {
        origins: strings(&vector["config"]["origins"]).map_or(Origins::Any, Origins::List),
        subprotocols: strings(&vector["subprotocols"]).unwrap_or_default(),
        deflate: rfc7692::config().deflate.filter(|_| asks_for_deflate(vector)),
        ..Config::default()
    }
}

/// `rfc6455.json`, requests: the answer, as status line and fields.
pub fn requests<L: Loop>(way: Way) {
    let mut ran = 0;
    for vector in vectors(RFC6455) {
        let input = bytes(&vector["input"]);
        if vector["role"] != "server" || !input.starts_with(b"GET ") {
            continue;
        }
        ran += 1;
        let host = Host::<L>::new(way, configured(&vector));
        for cuts in cuts(&input) {
            let mut peer = host.peer();
            write(&mut peer, &input, &cuts);
            let (mut head, _) = peer.response();
            if vector["expect"] == "reject" {
                assert_eq!(vector["status"], head.status().to_string(), "{vector}");
                continue;
            }
            let expected = String::from_utf8(bytes(&vector["output"])).expect("ASCII");
            let mut expected = Head::parse(expected.strip_suffix("\r\n").expect("a head"));
            expected.fields.sort();
            head.fields.sort();
            assert_eq!((head.start, head.fields), (expected.start, expected.fields), "{vector}");
            peer.close();
        }
    }
    assert_eq!(ran, 6);
}

/// `rfc6455.json`, responses: whether the client takes them.
pub fn responses<L: Loop>(way: Way) {
    assert_eq!(way.idiom, Idiom::Connect);
    let mut ran = 0;
    for vector in vectors(RFC6455) {
        let input = String::from_utf8_lossy(&bytes(&vector["input"])).into_owned();
        if vector["role"] != "client" || !input.starts_with("HTTP/") {
            continue;
        }
        ran += 1;
        let host = Host::<L>::with_options(way, Options::default());
        for cuts in cuts(input.as_bytes()) {
            let mut peer = host.peer();
            let key = peer.head().only("Sec-WebSocket-Key").to_owned();
            // The vector's answer is one to the vector's key.
            let accept = crate::http::accept(vector["key"].as_str().unwrap_or_default());
            let input = input.replace(&accept, &crate::http::accept(&key));
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
    assert_eq!(ran, 5);
}
