//! The bytes on the book's protocol page are what the core reads and writes.
//!
//! A comment before a block says what it is: `<!-- frames to server: text Hello; answer: 8a 00 -->`.

#[path = "common/page.rs"]
mod page;

use page::{blocks, hex, output};
use std::sync::Arc;
use timtow_core::{Cause, Config, Connection, Event, MaskSource, Message, Response, Role};

const PAGE: &str = "book/src/protocol.md";

#[test]
fn frames_mean_what_the_page_says() {
    let mut checked = 0;
    for (comment, block) in blocks(PAGE) {
        let Some((direction, meaning)) = comment.strip_prefix("frames to ").and_then(|rest| rest.split_once(": "))
        else {
            continue;
        };
        let role = match direction {
            "server" => Role::Server,
            "client" => Role::Client,
            other => panic!("{other} is no role"),
        };
        let (meaning, answer) = match meaning.split_once("; answer: ") {
            Some((meaning, answer)) => (meaning, Some(answer)),
            None => (meaning, None),
        };
        let mut bytes: Vec<u8> = block.iter().flat_map(|line| hex(line)).collect();
        let (events, output) = received(role, &mut bytes);
        assert_eq!(events, meaning, "{block:#?}");
        if let Some(answer) = answer {
            assert_eq!(output, hex(answer), "the answer to {block:#?}");
        }
        checked += 1;
    }
    assert!(checked >= 10, "the page has lost its frames");
}

#[test]
fn the_opening_handshake_is_what_we_send() {
    let blocks = blocks(PAGE);
    let text = |name: &str| {
        let (_, lines) = blocks.iter().find(|(comment, _)| comment == name).expect(name);
        lines.iter().map(|line| format!("{line}\r\n")).collect::<String>() + "\r\n"
    };
    let mut server = Connection::server(Arc::new(Config::default()));
    let mut input = text("opening request").into_bytes();
    let mut input = input.as_mut_slice();
    assert!(matches!(server.receive(&mut input), Some(Event::Request(_))));
    server.accept(Response::default()).expect("a request waits");
    assert_eq!(String::from_utf8_lossy(&output(&mut server)), text("opening response"));
}

/// The events of some input, in the words of the page, and what was sent because of it.
fn received(role: Role, mut input: &mut [u8]) -> (String, Vec<u8>) {
    let config = Config::with_masks(MaskSource::Source(Arc::new(|| [0; 4])));
    let mut connection = Connection::upgraded(role, Arc::new(config));
    let mut events = Vec::new();
    while let Some(event) = connection.receive(&mut input) {
        events.push(match event {
            Event::Message(Message::Text(text)) => format!("text {text}"),
            Event::Message(Message::Binary(bytes)) => format!("binary {}", bytes.len()),
            Event::Ping(payload) => format!("ping {}", String::from_utf8_lossy(&payload)),
            Event::Pong(payload) => format!("pong {}", String::from_utf8_lossy(&payload)),
            Event::Closed(closed) => match closed.cause {
                Cause::Violation(violation) => format!("violation {}", violation.close_code().0),
                _ => format!("close {} {}", closed.code.0, closed.reason),
            },
            other => panic!("{other:?} is on no page"),
        });
    }
    let events: Vec<_> = events.iter().map(|event| event.trim_end()).collect();
    let events = if events.is_empty() { "nothing".into() } else { events.join(", ") };
    (events, output(&mut connection))
}
