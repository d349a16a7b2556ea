//! Vectors of our own, each in every way. What they expect is what the protocol says, not what the code does.

mod common;

use common::{
    client_request, frames,
    vectors::{bytes, configured, expected, name, role},
    ways::{Outcome, in_every_way},
};
use serde_json::Value;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use timtow_core::{Config, Connection, MaskSource};

const MORE: &str = include_str!("../../conformance/vectors/more.json");

/// What is behind the opening handshake, or is all there is.
fn check_frames(name: &str, vector: &Value, events: &[String], output: &[u8]) {
    let (expected, sent) = expected(vector);
    assert_eq!(frames(output), sent, "{name}");
    let violated = sent.last().is_some_and(|(first, _)| *first == 0x88)
        && !expected.last().is_some_and(|event| event.starts_with("closed"));
    let (last, before) = if violated { events.split_last().unwrap() } else { (&String::new(), events) };
    assert_eq!(before, expected, "{name}");
    assert!(!violated || last.starts_with("closed 1006  Violation"), "{name}: {last}");
}

fn check_request(name: &str, vector: &Value, outcome: &Outcome) {
    let end = outcome.output.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head") + 4;
    let head = str::from_utf8(&outcome.output[..end]).unwrap();
    let status = vector["status"].as_u64().unwrap();
    assert_eq!(head[..12], format!("HTTP/1.1 {status}"), "{name}: {head}");
    if let Some(header) = vector["header"].as_str() {
        assert!(head.contains(&format!("\r\n{header}\r\n")), "{name}: {head}");
    } else {
        assert!(!head.contains("Sec-WebSocket-Protocol"), "{name}");
    }
    if status == 101 {
        assert!(!head.contains("Sec-WebSocket-Extensions"), "{name}");
        assert!(outcome.events[0].starts_with("request ") && outcome.events[1].starts_with("open "), "{name}");
        check_frames(name, vector, &outcome.events[2..], &outcome.output[end..]);
    } else {
        assert_eq!(outcome.events.len(), 1, "{name}: {:?}", outcome.events);
        assert!(head.contains("\r\nConnection: close") && head.contains("\r\nContent-Length: "), "{name}");
    }
}

fn client(config: Config) -> Connection {
    // The key is "the sample nonce" in base64 (RFC 6455 1.3): four masks of four bytes.
    let nonce = AtomicUsize::new(0);
    let source = move || b"the sample nonce".as_chunks::<4>().0[nonce.fetch_add(1, Ordering::Relaxed) % 4];
    let config = Config { masks: MaskSource::Source(Arc::new(source)), ..config };
    Connection::client(client_request(), Arc::new(config)).unwrap()
}

fn check_response(name: &str, vector: &Value, outcome: &Outcome) {
    if vector["expect"] == "fail" {
        assert!(outcome.events.len() == 1 && outcome.events[0].contains("Failed"), "{name}: {:?}", outcome.events);
        assert!(outcome.output.is_empty(), "{name}");
        return;
    }
    assert_eq!(outcome.events[0], "open None", "{name}");
    check_frames(name, vector, &outcome.events[1..], &outcome.output);
}

/// Each kind is a test of its own, so that they run at the same time; a share of them each.
fn check(kind: &str, share: usize, of: usize) {
    let vectors: Vec<Value> = serde_json::from_str(MORE).unwrap();
    let vectors: Vec<_> = vectors.iter().filter(|vector| vector["kind"] == kind).collect();
    for vector in vectors.iter().skip(share).step_by(of) {
        let (name, input) = (vector["name"].as_str().unwrap(), bytes(&vector["input"]));
        assert!(vector["ref"].as_str().is_some_and(|section| section.contains(' ')), "{name} names no section");
        match kind {
            "request" => {
                let make = || Connection::server(Arc::new(configured(vector)));
                check_request(name, vector, &in_every_way(name, make, &input));
            }
            "response" => {
                let make = || client(configured(vector));
                check_response(name, vector, &in_every_way(name, make, &input));
            }
            _ => {
                let make = || Connection::upgraded(role(vector), Arc::new(configured(vector)));
                let outcome = in_every_way(name, make, &input);
                check_frames(name, vector, &outcome.events, &outcome.output);
            }
        }
    }
}

#[test]
fn frames_of_our_own() {
    check("frames-in", 0, 1);
}

#[test]
fn requests_of_our_own() {
    check("request", 0, 2);
}

#[test]
fn more_requests_of_our_own() {
    check("request", 1, 2);
}

#[test]
fn responses_of_our_own() {
    check("response", 0, 1);
}

#[test]
fn there_are_more_than_three_hundred() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/vectors");
    let mut names = std::collections::HashSet::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let vectors: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for vector in vectors {
            let name = name(&vector);
            assert!(names.insert(name.to_owned()), "{name} stands twice, and in {}", path.display());
        }
    }
    assert_eq!(names.len(), 450);
}
