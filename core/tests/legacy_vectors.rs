//! The published vectors of the drafts before RFC 6455, each fed whole, byte by byte and at every cut (those of up to 200 bytes
//! at every two), and drained byte by byte, through connections that
//! have found their draft in the opening handshake. Events and output must not differ, and must be what the vector says.
#![cfg(feature = "legacy")]

mod common;

use common::{
    config,
    drafts::{answer, field, fields, in_every_way, open, run, speaking},
    drain,
};
use serde_json::Value;
use std::sync::Arc;
use timtow_core::{ClientRequest, Config, Connection, Draft, Role};

const LEGACY: &str = include_str!("../../conformance/vectors/legacy.json");

fn bytes(hex: &Value) -> Vec<u8> {
    let digits = hex.as_str().unwrap_or_default().as_bytes();
    digits.chunks(2).map(|digits| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap()).collect()
}

fn draft(vector: &Value) -> Draft {
    let drafts = vector["config"]["drafts"].as_array().unwrap();
    assert_eq!(drafts.len(), 1);
    drafts[0].as_str().unwrap().parse().unwrap()
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().map(|list| list.iter().map(|item| item.as_str().unwrap().into()).collect()).unwrap_or_default()
}

fn configured(vector: &Value) -> Arc<Config> {
    assert_eq!(vector["config"]["origins"], "any");
    speaking(Config { subprotocols: strings(&vector["subprotocols"]), ..config() }, draft(vector))
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
            None if vector["role"] == "server" => server(name, vector),
            None => client(name, vector),
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
    let events: Vec<String> = vector["events"].as_array().unwrap().iter().map(expected).collect();
    for role in roles(vector) {
        let make = || open(*role, draft(vector), config());
        let (seen, output) = in_every_way(name, make, &bytes(&vector["input"]));
        assert_eq!(seen, events, "{name}");
        let closes = draft(vector).is_hixie() && events.iter().any(|event| event.starts_with("closed"));
        assert_eq!(output == [0xff, 0], closes, "{name}");
        // And in the pieces that the vector names.
        if let Some(chunks) = vector["chunks"].as_array() {
            let mut rest = &bytes(&vector["input"])[..];
            let pieces = chunks.iter().map(|len| rest.split_off(..len.as_u64().unwrap() as usize).unwrap());
            assert_eq!(run(make(), pieces).0, events, "{name}");
            assert!(rest.is_empty());
        }
    }
    0
}

fn expected(event: &Value) -> String {
    let payload = bytes(&event["payload"]);
    match event["type"].as_str().unwrap() {
        "text" => format!("text {}", str::from_utf8(&payload).unwrap()),
        "close" => {
            let (code, reason) = (event["code"].as_u64().unwrap_or(1005), event["reason"].as_str().unwrap_or_default());
            format!("closed {code} {reason} Handshake")
        }
        kind => format!("{kind} {}", payload.escape_ascii()),
    }
}

fn encode(name: &str, vector: &Value) -> usize {
    for role in roles(vector) {
        let text = String::from_utf8(bytes(&vector["input"])).unwrap();
        let mut ws = open(*role, draft(vector), config());
        ws.send(text.as_str()).unwrap();
        ws.send(text).unwrap();
        assert_eq!(drain(&mut ws), bytes(&vector["output"]).repeat(2), "{name}");
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
    let (_, output) = in_every_way(name, || Connection::server(configured(vector)), &request);
    assert_eq!(output[output.len() - 16..], bytes(&vector["output"]), "{name}");
    2
}

fn close(name: &str, vector: &Value) -> usize {
    for role in [Role::Server, Role::Client] {
        let input = bytes(&vector["input"]);
        let (events, output) = in_every_way(name, || open(role, draft(vector), config()), &input);
        assert_eq!(events, ["closed 1005  Handshake"]);
        assert_eq!(output, bytes(&vector["output"]), "{name}");
    }
    3
}

fn server(name: &str, vector: &Value) -> usize {
    let make = || {
        let ws = Connection::server(configured(vector));
        if vector["secure"] == true { ws.over_tls() } else { ws }
    };
    let input = bytes(&vector["input"]);
    if vector["expect"] == "reject" {
        let (events, output) = in_every_way(name, make, &input);
        assert_eq!(str::from_utf8(&output[9..12]), Ok(vector["status"].as_str().unwrap()), "{name}");
        assert!(events.len() == 1 && events[0].starts_with("closed 1006"), "{name}: {events:?}");
        return 4;
    }
    // A message in the same read is not lost.
    let message: &[u8] = match draft(vector) {
        draft if draft.is_hixie() => b"\0glued\xff",
        _ => b"\x81\x85\0\0\0\0glued",
    };
    let (events, output) = in_every_way(name, make, &[&input, message].concat());
    assert_eq!(events.last().map(String::as_str), Some("text glued"), "{name}");
    let whole = bytes(&vector["output"]);
    assert_eq!(fields(&output), fields(&whole), "{name}");
    if draft(vector) == Draft::Hixie75 {
        assert_eq!(output[..85], whole[..85], "{name}: a strict client compares so much");
    }
    4
}

fn client(name: &str, vector: &Value) -> usize {
    let (mut request, target) = ClientRequest::from_url(vector["url"].as_str().unwrap()).unwrap();
    assert!(!target.secure);
    request.subprotocols = strings(&vector["subprotocols"]);
    request.headers.push(("Origin".into(), vector["origin"].as_str().unwrap().into()));
    // Each has the same masks, and so the same keys.
    let make = || Connection::client(request.clone(), configured(vector)).unwrap();
    let sent = drain(&mut make());
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
    let (events, _) = in_every_way(name, make, &input);
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
