//! Connections in the drafts before RFC 6455, and their handshakes made by hand.

use super::{drain, feed};
use md5::{Digest, Md5};
use std::sync::Arc;
use timtow_core::{ClientRequest, Config, Connection, Draft, Event, Response, Role};

pub fn speaking(config: Config, draft: Draft) -> Arc<Config> {
    Arc::new(Config { drafts: [draft].into_iter().collect(), ..config })
}

/// What a server answers to two keys and eight bytes, read a second time from the draft.
pub fn answer(key1: &str, key2: &str, body: &[u8]) -> [u8; 16] {
    let number = |key: &str| {
        let digits: String = key.chars().filter(char::is_ascii_digit).collect();
        (digits.parse::<u64>().unwrap() / key.matches(' ').count() as u64) as u32
    };
    Md5::digest([&number(key1).to_be_bytes()[..], &number(key2).to_be_bytes(), body].concat()).into()
}

/// A client's request, cut into its fields.
pub fn fields(head: &[u8]) -> (String, Vec<String>, Vec<u8>) {
    let end = head.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    let lines = String::from_utf8(head[..end - 4].to_vec()).unwrap();
    let mut lines = lines.split("\r\n").map(String::from);
    let start = lines.next().unwrap();
    let mut fields: Vec<_> = lines.collect();
    fields.sort();
    (start, fields, head[end..].to_vec())
}

pub fn field<'f>(fields: &'f [String], name: &str) -> &'f str {
    fields.iter().find_map(|field| field.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_else(|| panic!("no {name}"))
}

/// A valid request or response in this draft, to a connection of `role`; returns it open.
pub fn open(role: Role, draft: Draft, config: Config) -> Connection {
    let config = speaking(config, draft);
    match role {
        Role::Server => {
            let mut ws = Connection::server(config);
            let keys = match draft {
                Draft::Hixie76 => "Sec-WebSocket-Key1: 1 0\r\nSec-WebSocket-Key2: 2 0\r\n\r\n12345678".into(),
                Draft::Hixie75 => "\r\n".into(),
                draft => {
                    format!("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: {draft}\r\n\r\n")
                }
            };
            let request =
                format!("GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n{keys}");
            feed(&mut ws, request.as_bytes(), |ws, event| match event {
                Event::Request(_) => ws.accept(Response::default()).unwrap(),
                Event::Open(opened) => assert_eq!(opened.draft, draft),
                other => panic!("{other:?}"),
            });
            assert!(drain(&mut ws).starts_with(b"HTTP/1.1 101 "));
            ws
        }
        Role::Client => {
            let request = ClientRequest { host: "example.com".into(), target: "/".into(), ..ClientRequest::default() };
            let mut ws = Connection::client(request, config).unwrap();
            let response = response(draft, &drain(&mut ws), "");
            feed(&mut ws, &response, |_, event| match event {
                Event::Open(opened) => assert_eq!(opened.draft, draft),
                other => panic!("{other:?}"),
            });
            ws
        }
    }
}

/// The answer to a client's request.
pub fn response(draft: Draft, request: &[u8], lines: &str) -> Vec<u8> {
    let (start, fields, body) = fields(request);
    let path = start.split(' ').nth(1).unwrap();
    if !draft.is_hixie() {
        assert_eq!(field(&fields, "Sec-WebSocket-Version"), draft.name());
        let accept = {
            use base64::{Engine, prelude::BASE64_STANDARD};
            let key = format!("{}258EAFA5-E914-47DA-95CA-C5AB0DC85B11", field(&fields, "Sec-WebSocket-Key"));
            BASE64_STANDARD.encode(sha1::Sha1::digest(key))
        };
        return format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{lines}\r\n"
        )
        .into_bytes();
    }
    let (phrase, sec) = if draft == Draft::Hixie75 { ("Web Socket", "") } else { ("WebSocket", "Sec-") };
    let (origin, host) = (field(&fields, "Origin"), field(&fields, "Host"));
    let mut response = format!(
        "HTTP/1.1 101 {phrase} Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
         {sec}WebSocket-Origin: {origin}\r\n{sec}WebSocket-Location: ws://{host}{path}\r\n{lines}\r\n"
    )
    .into_bytes();
    if draft == Draft::Hixie76 {
        assert_eq!(body.len(), 8);
        response.extend(answer(field(&fields, "Sec-WebSocket-Key1"), field(&fields, "Sec-WebSocket-Key2"), &body));
    }
    response
}
