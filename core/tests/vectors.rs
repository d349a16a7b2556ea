//! The published wire vectors, each in every way (see `common::ways`): it must be what the vector says.

mod common;

use common::{
    client_request, close, config, frame, frames,
    vectors::{bytes, configured, expected, role, vectors},
    ways::{Drained, in_every_way, run},
};
use serde_json::Value;
use std::sync::Arc;
use timtow_core::{ClientRequest, Config, Connection, Event, MaskSource, Role};

const FRAMES: &str = include_str!("../../conformance/vectors/frames.json");
const HANDSHAKES: &str = include_str!("../../conformance/vectors/handshakes.json");
const RFC6455: &str = include_str!("../../conformance/vectors/rfc6455.json");

/// Either side after an opening handshake that was somebody else's.
fn upgraded(vector: &Value) -> Connection {
    let config = Arc::new(configured(vector));
    #[cfg(feature = "deflate")]
    if common::vectors::asks_for_deflate(vector) {
        return Connection::upgraded_with_deflate(role(vector), config, timtow_core::DeflateParameters::default());
    }
    Connection::upgraded(role(vector), config)
}

fn server(vector: &Value) -> Connection {
    Connection::server(Arc::new(configured(vector)))
}

/// The frames that were sent: what `expect` of `frames.json` means.
fn expected_frames(expect: &str, messages: &[Vec<u8>]) -> Vec<(u8, Vec<u8>)> {
    match expect {
        "close-empty" => vec![(0x88, vec![])],
        "ignore" | "wait" | "one-message" => vec![],
        _ if expect.starts_with("msg:") => vec![],
        code => {
            assert!(messages.is_empty());
            vec![(0x88, close(code.parse().unwrap()))]
        }
    }
}

#[test]
fn frame_vectors() {
    let vectors = vectors(FRAMES);
    for vector in &vectors {
        let (name, expect) = (vector["id"].as_str().unwrap(), vector["expect"].as_str().unwrap());
        let make = || upgraded(vector);
        let outcome = in_every_way(name, make, &bytes(&vector["hex"]));
        assert_eq!(frames(&outcome.output), expected_frames(expect, &outcome.messages), "{name}");
        match expect.strip_prefix("msg:") {
            Some(texts) => {
                let texts: Vec<&[u8]> = texts.split(',').map(str::as_bytes).collect();
                assert_eq!(outcome.messages, texts, "{name}");
            }
            None => assert_eq!(outcome.messages.len(), usize::from(expect == "one-message"), "{name}"),
        }
        let ends = expect == "close-empty" || expect.parse::<u16>().is_ok();
        assert_eq!(outcome.over.is_some(), ends, "{name}");
    }
    assert_eq!(vectors.len(), if cfg!(feature = "deflate") { 64 } else { 50 }, "none is skipped");
}

#[test]
fn handshake_vectors() {
    let mut seen = 0;
    for vector in vectors(HANDSHAKES) {
        let (name, expect) = (vector["id"].as_str().unwrap(), vector["expect"].as_str().unwrap());
        let mut input = bytes(&vector["hex"]);
        // Frames in the same read as the request are not lost.
        if expect.starts_with("101") {
            input.extend(frame(Role::Server, 0x81, b"glued"));
        }
        let outcome = in_every_way(name, || server(&vector), &input);
        let answer = String::from_utf8(outcome.output).unwrap();
        assert_eq!(answer[..12], format!("HTTP/1.1 {}", &expect[..3]), "{name}");
        if let Some((_, header)) = expect.split_once(" + ") {
            assert!(answer.contains(&format!("\r\n{header}\r\n")), "{name}: {answer}");
        }
        if expect.starts_with("101") {
            let extensions = match expect {
                "101 with 2nd offer" => Some("permessage-deflate"),
                "101 server_max_window_bits=10" => Some("permessage-deflate; server_max_window_bits=10"),
                _ => None,
            };
            let field = answer.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
            assert_eq!(field, extensions, "{name}");
            assert_eq!(outcome.messages, [b"glued"], "{name}");
        } else {
            assert_eq!(outcome.events.len(), 1, "{name}: {:?}", outcome.events);
            assert!(answer.contains("\r\nConnection: close") && answer.contains("\r\nContent-Length: "), "{name}");
        }
        seen += 1;
    }
    assert_eq!(seen, if cfg!(feature = "deflate") { 31 } else { 28 }, "none is skipped");
}

#[test]
fn rfc6455_vectors() {
    let mut seen = [0; 4];
    for vector in vectors(RFC6455) {
        let name = vector["name"].as_str().unwrap();
        let input = bytes(&vector["input"]);
        let kind = match vector["kind"].as_str() {
            Some("frames-in") => {
                rfc6455_frames(name, &vector, &input);
                0
            }
            Some("accept") => {
                let request = common::REQUEST.replace("dGhlIHNhbXBsZSBub25jZQ==", str::from_utf8(&input).unwrap());
                let outcome = in_every_way(name, || server(&vector), request.as_bytes());
                let accept = String::from_utf8(bytes(&vector["output"])).unwrap();
                let answer = String::from_utf8(outcome.output).unwrap();
                assert!(answer.contains(&format!("\r\nSec-WebSocket-Accept: {accept}\r\n")), "{name}: {answer}");
                1
            }
            None if vector["role"] == "client" => {
                rfc6455_client(name, &vector, &input);
                2
            }
            None => {
                rfc6455_server(name, &vector, &input);
                3
            }
            Some(other) => panic!("what is {other}?"),
        };
        seen[kind] += 1;
    }
    let (frames, requests) =
        (if cfg!(feature = "deflate") { 38 } else { 29 }, if cfg!(feature = "legacy") { 11 } else { 6 });
    assert_eq!(seen, [frames, 3, 5, requests], "none is skipped");
}

fn rfc6455_frames(name: &str, vector: &Value, input: &[u8]) {
    let outcome = in_every_way(name, || upgraded(vector), input);
    let (events, sent) = expected(vector);
    assert_eq!(frames(&outcome.output), sent, "{name}");
    if vector["expect"] == "fail" {
        assert!(outcome.over.is_some() && sent.len() == 1, "{name}");
        return;
    }
    assert_eq!(outcome.events, events, "{name}");
}

fn rfc6455_client(name: &str, vector: &Value, input: &[u8]) {
    // The key is "the sample nonce" in base64 (RFC 6455 1.3): four masks of four bytes.
    let make = || {
        let nonce = std::sync::atomic::AtomicUsize::new(0);
        let source = move || {
            let n = nonce.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 4;
            b"the sample nonce".as_chunks::<4>().0[n]
        };
        let config = Config { masks: MaskSource::Source(Arc::new(source)), ..configured(vector) };
        let request = ClientRequest { host: "server.example.com".into(), ..client_request() };
        Connection::client(request, Arc::new(config)).unwrap()
    };
    let mut input = input.to_vec();
    if vector["expect"] == "open" {
        input.extend(frame(Role::Client, 0x81, b"glued"));
        let outcome = in_every_way(name, make, &input);
        assert_eq!(outcome.events, ["open None", "text glued"], "{name}");
        return;
    }
    let outcome = in_every_way(name, make, &input);
    match vector["versions"].as_array() {
        None => {
            assert!(outcome.over.is_some() && outcome.events.len() == 1, "{name}: {:?}", outcome.events);
            assert!(outcome.output.is_empty());
        }
        // A response without a length ends with the transport.
        Some(versions) => {
            let mut ws = make();
            common::feed(&mut ws, &input, |_, event| panic!("{event:?}"));
            ws.receive_eof();
            let Some(Event::Closed(closed)) = ws.receive(&mut &mut [][..]) else { panic!("{name}") };
            let timtow_core::Cause::Failed(error) = closed.cause else { panic!("{name}: {closed:?}") };
            let versions: Vec<String> = versions.iter().map(Value::to_string).collect();
            assert_eq!(error.versions().collect::<Vec<_>>(), versions, "{name}");
            assert_eq!(error.status, 400);
        }
    }
}

fn rfc6455_server(name: &str, vector: &Value, input: &[u8]) {
    let outcome = in_every_way(name, || server(vector), input);
    let answer = String::from_utf8(outcome.output).unwrap();
    if vector["expect"] == "reject" {
        assert_eq!(answer[9..12], *vector["status"].as_str().unwrap(), "{name}");
        assert!(outcome.over.is_some());
    }
    let Some(compare) = vector["compare"].as_str() else { return assert!(vector["output"].is_null()) };
    // The whole head, its fields in any order; or the fields that are named, besides the status, of which `status` knows.
    let named = compare.strip_prefix("status+");
    assert!(named.is_some() || compare == "headers", "{name}: what is {compare}?");
    let fields = |head: &str| {
        let is_compared = |line: &&str| named.is_none_or(|named| line.starts_with(&format!("{named}: ")));
        let mut fields: Vec<String> = head.lines().filter(is_compared).map(String::from).collect();
        fields.sort();
        fields
    };
    let prescribed = fields(str::from_utf8(&bytes(&vector["output"])).unwrap());
    assert!(!prescribed.is_empty(), "{name}");
    assert_eq!(fields(&answer), prescribed, "{name}");
}

/// RFC 6455 5.2, for every first byte of a frame, between messages and inside of one.
#[test]
fn every_first_byte() {
    for role in [Role::Server, Role::Client] {
        for (inside, first) in
            [false, true].into_iter().flat_map(|inside| (0..=255u8).map(move |first| (inside, first)))
        {
            let begun = if inside { frame(role, 0x01, b"a") } else { vec![] };
            let (fin, rsv, opcode) = (first & 0x80 != 0, first & 0x70, first & 0x0f);
            let legal = rsv == 0
                && match opcode {
                    0x0 => inside,
                    0x1 | 0x2 => !inside,
                    0x8..=0xa => fin,
                    _ => false,
                };
            let make = || Connection::upgraded(role, Arc::new(config()));
            let alone = run(make(), [&begun[..], &[first]], Drained::AtOnce);
            assert_eq!(alone.over.is_some(), !legal, "{first:#x} alone proves it, or does not, inside: {inside}");
            if legal {
                let outcome = in_every_way(&format!("{first:#x}"), make, &[begun, frame(role, first, b"")].concat());
                assert_eq!(outcome.over.is_some(), opcode == 0x8);
                assert_eq!(outcome.messages.len(), usize::from(fin && opcode < 0x8));
            } else {
                let code = frames(&alone.output);
                assert_eq!(code, [(0x88, close(1002))]);
            }
        }
    }
}

#[test]
fn what_is_behind_the_first_byte_of_a_header_may_look_like_a_frame() {
    // Two bytes, masked with 81 01 02 03; behind the first byte, one byte that is masked with 01 02 03 and the first of them.
    let input = [0x82, 0x82, 0x81, 0x01, 0x02, 0x03, b'a' ^ 0x81, b'b' ^ 0x01];
    let outcome = in_every_way("looks like one", || Connection::upgraded(Role::Server, Arc::new(config())), &input);
    assert_eq!(outcome.messages, [b"ab"]);
}
