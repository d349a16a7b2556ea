//! The published vectors of the drafts before RFC 6455, each in every way (see `common::ways`), through connections that have
//! found their draft in the opening handshake: it must be what the vector says.
#![cfg(feature = "legacy")]

mod common;

use common::{
    drafts::{answer, field, fields, open},
    vectors::{bytes, configured, expected, strings},
    ways::{Drained, in_every_way, run, said},
};
use serde_json::Value;
use std::sync::Arc;
use timtow_core::{ClientRequest, Connection, Draft, Role};

const LEGACY: &str = include_str!("../../conformance/vectors/legacy.json");

fn draft(vector: &Value) -> Draft {
    let drafts = vector["config"]["drafts"].as_array().unwrap();
    assert_eq!(drafts.len(), 1);
    drafts[0].as_str().unwrap().parse().unwrap()
}

#[test]
fn vectors() {
    let vectors: Vec<Value> = serde_json::from_str(LEGACY).unwrap();
    let mut seen = [0; 6];
    for vector in &vectors {
        let name = vector["name"].as_str().unwrap();
        let kind = match vector["kind"].as_str() {
            Some("frames-in") => frames(name, vector),
            Some("encode") => encode(name, vector),
            Some("challenge") => challenge(name, vector),
            Some("close") => close(name, vector),
            None if vector["role"] == "server" => request(name, vector),
            None => response(name, vector),
            Some(other) => panic!("what is {other}?"),
        };
        seen[kind] += 1;
    }
    assert_eq!(seen, [44, 6, 5, 1, 25, 7], "none is skipped");
    assert_eq!(seen.iter().sum::<usize>(), 88);
}

fn roles(vector: &Value) -> &'static [Role] {
    match vector["role"].as_str() {
        Some("server") => &[Role::Server],
        Some("client") => &[Role::Client],
        Some("both") => &[Role::Server, Role::Client],
        other => panic!("{other:?} is no role"),
    }
}

fn frames(name: &str, vector: &Value) -> usize {
    let (events, sent) = expected(vector);
    for role in roles(vector) {
        let make = || open(*role, draft(vector), configured(vector));
        let outcome = in_every_way(name, make, &bytes(&vector["input"]));
        assert_eq!(outcome.events, events, "{name}");
        if draft(vector).is_hixie() {
            let closes = events.iter().any(|event| event.starts_with("closed"));
            assert_eq!(outcome.output, if closes { &[0xff, 0][..] } else { &[] }, "{name}");
        } else {
            assert_eq!(common::frames(&outcome.output), sent, "{name}");
        }
        // And in the pieces that the vector names.
        if let Some(chunks) = vector["chunks"].as_array() {
            let mut rest = &bytes(&vector["input"])[..];
            let pieces = chunks.iter().map(|len| rest.split_off(..len.as_u64().unwrap() as usize).unwrap());
            assert_eq!(run(make(), pieces, Drained::AtOnce).events, events, "{name}");
            assert!(rest.is_empty());
        }
    }
    0
}

fn encode(name: &str, vector: &Value) -> usize {
    let text = String::from_utf8(bytes(&vector["input"])).unwrap();
    for role in roles(vector) {
        let sent = said(name, || {
            let mut ws = open(*role, draft(vector), configured(vector));
            ws.send(text.as_str()).unwrap();
            ws.send(text.clone()).unwrap();
            ws
        });
        assert_eq!(sent, bytes(&vector["output"]).repeat(2), "{name}");
    }
    1
}

fn challenge(name: &str, vector: &Value) -> usize {
    // Where a vector gives numbers only, keys that hide them.
    let key = |n: &str| match vector[format!("key{n}")].as_str() {
        Some(key) => key.to_owned(),
        None => format!("{} x", vector[format!("number{n}")]),
    };
    let mut request = format!(
        "GET /demo HTTP/1.1\r\nHost: example.com\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key1: {}\r\nSec-WebSocket-Key2: {}\r\n\r\n",
        key("1"),
        key("2")
    )
    .into_bytes();
    request.extend(bytes(&vector["body"]));
    let output = in_every_way(name, || server(vector), &request).output;
    assert_eq!(output[output.len() - 16..], bytes(&vector["output"]), "{name}");
    2
}

fn close(name: &str, vector: &Value) -> usize {
    for role in [Role::Server, Role::Client] {
        let input = bytes(&vector["input"]);
        let outcome = in_every_way(name, || open(role, draft(vector), configured(vector)), &input);
        assert_eq!(outcome.events, ["closed 1005  Handshake"]);
        assert_eq!(outcome.output, bytes(&vector["output"]), "{name}");
    }
    3
}

fn server(vector: &Value) -> Connection {
    let ws = Connection::server(Arc::new(configured(vector)));
    if vector["secure"] == true { ws.over_tls() } else { ws }
}

fn request(name: &str, vector: &Value) -> usize {
    let input = bytes(&vector["input"]);
    if vector["expect"] == "reject" {
        let outcome = in_every_way(name, || server(vector), &input);
        assert_eq!(str::from_utf8(&outcome.output[9..12]), Ok(vector["status"].as_str().unwrap()), "{name}");
        let events = outcome.events;
        assert!(events.len() == 1 && events[0].starts_with("closed 1006"), "{name}: {events:?}");
        return 4;
    }
    // A message in the same read is not lost.
    let message: &[u8] = match draft(vector) {
        draft if draft.is_hixie() => b"\0glued\xff",
        _ => b"\x81\x85\0\0\0\0glued",
    };
    let outcome = in_every_way(name, || server(vector), &[&input, message].concat());
    assert_eq!(outcome.events.last().map(String::as_str), Some("text glued"), "{name}");
    let (output, whole) = (outcome.output, bytes(&vector["output"]));
    assert_eq!(fields(&output), fields(&whole), "{name}");
    if draft(vector) == Draft::Hixie75 {
        assert_eq!(output[..85], whole[..85], "{name}: a strict client compares so much");
    }
    4
}

fn response(name: &str, vector: &Value) -> usize {
    let (mut request, target) = ClientRequest::from_url(vector["url"].as_str().unwrap()).unwrap();
    assert!(!target.secure);
    request.subprotocols = strings(&vector["subprotocols"]).unwrap_or_default();
    request.headers.push(("Origin".into(), vector["origin"].as_str().unwrap().into()));
    // Each has the same masks, and so the same keys.
    let make = || Connection::client(request.clone(), Arc::new(configured(vector))).unwrap();
    let sent = said(name, make);
    if vector["input"].is_null() {
        assert_eq!(String::from_utf8(sent).unwrap().into_bytes(), bytes(&vector["output"]), "{name}");
        return 5;
    }
    let mut input = bytes(&vector["input"]);
    if let (Some(key1), Some(key2)) = (vector["key1"].as_str(), vector["key2"].as_str()) {
        // The answer to the keys of the vector, or what is wrong with it, as one to ours.
        let (_, fields, body) = fields(&sent);
        let theirs = answer(key1, key2, &bytes(&vector["body"]));
        let ours = answer(field(&fields, "Sec-WebSocket-Key1"), field(&fields, "Sec-WebSocket-Key2"), &body);
        let at = input.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        for (byte, (theirs, ours)) in input[at..].iter_mut().zip(theirs.iter().zip(ours)) {
            *byte ^= theirs ^ ours;
        }
    }
    let events = in_every_way(name, make, &input).events;
    match vector["expect"].as_str().unwrap() {
        "open" => assert!(events.len() == 1 && events[0].starts_with("open"), "{name}: {events:?}"),
        "open+message" => {
            let message = String::from_utf8(bytes(&vector["output"])).unwrap();
            assert_eq!(events, ["open None".into(), format!("text {message}")], "{name}");
        }
        "fail" => assert!(events.len() == 1 && events[0].contains("Failed"), "{name}: {events:?}"),
        other => panic!("what is {other}?"),
    }
    5
}
