//! The published wire vectors.

use super::*;
use serde_json::Value;

const HANDSHAKES: &str = include_str!("../../../../conformance/vectors/handshakes.json");
const RFC6455: &str = include_str!("../../../../conformance/vectors/rfc6455.json");

#[test]
fn handshakes() {
    let vectors = vectors(HANDSHAKES);
    assert!(vectors.len() > 25);
    for vector in vectors {
        let expect = vector["expect"].as_str().unwrap();
        let (answer, _) = serve(&bytes(&vector["hex"]), &configured(&vector)).unwrap();
        assert_eq!(answer[9..12], expect[..3], "{vector}");
        if let Some((_, header)) = expect.split_once("+ ") {
            assert!(answer.contains(&alloc::format!("\r\n{header}\r\n")), "{vector}\n{answer}");
        }
        assert!(!answer.contains("Sec-WebSocket-Extensions"));
    }
}

#[test]
fn rfc6455_servers() {
    let mut seen = 0;
    for vector in vectors(RFC6455).iter().filter(|vector| vector["role"] == "server") {
        let input = bytes(&vector["input"]);
        if !input.starts_with(b"GET ") {
            continue;
        }
        seen += 1;
        let (answer, _) = serve(&input, &configured(vector)).unwrap();
        match vector["expect"].as_str() {
            Some("reject") => assert_eq!(answer[9..12], *vector["status"].as_str().unwrap(), "{vector}"),
            _ => {
                let expected = bytes(&vector["output"]);
                assert_eq!(fields(answer.as_bytes()), fields(&expected), "{vector}");
            }
        }
    }
    assert!(seen > 8);
}

#[test]
fn rfc6455_clients() {
    let mut seen = 0;
    for vector in vectors(RFC6455).iter().filter(|vector| vector["role"] == "client") {
        let input = bytes(&vector["input"]);
        if !input.starts_with(b"HTTP/") {
            continue;
        }
        seen += 1;
        let result = connect(&request(), &input, true).unwrap();
        assert_eq!(result.is_ok(), vector["expect"] == "open", "{vector}");
        if let (Err(error), Some(versions)) = (&result, vector["versions"].as_array()) {
            let versions: Vec<_> = versions.iter().map(|version| alloc::format!("{version}")).collect();
            assert_eq!(error.versions().collect::<Vec<_>>(), versions);
        }
    }
    assert!(seen > 3);
}

fn vectors(json: &str) -> Vec<Value> {
    serde_json::from_str(json).unwrap()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let digits = hex.as_str().unwrap().as_bytes().as_chunks::<2>().0;
    digits.iter().map(|digits| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap()).collect()
}

fn configured(vector: &Value) -> Config {
    let strings = |list: &Value| {
        list.as_array().map(|list| list.iter().map(|item| String::from(item.as_str().unwrap())).collect::<Vec<_>>())
    };
    Config {
        origins: strings(&vector["config"]["origins"]).map_or(Origins::Any, Origins::List),
        subprotocols: strings(&vector["subprotocols"]).unwrap_or_default(),
        ..config()
    }
}

/// Status line and fields, in any order.
fn fields(head: &[u8]) -> Vec<&[u8]> {
    let mut fields: Vec<&[u8]> = head.split(|&byte| byte == b'\n').collect();
    fields[1..].sort();
    fields
}
