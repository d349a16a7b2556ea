//! The bytes on the book's protocol page are what the core reads and writes.
//!
//! A comment before a block says what it is: `<!-- frames to server: text Hello; answer: 8a 00 -->`.

use std::{fs, sync::Arc};
use timtow_core::{Cause, Config, Connection, Event, MaskSource, Message, Response, Role};

#[test]
fn frames_mean_what_the_page_says() {
    let mut checked = 0;
    for (comment, block) in blocks() {
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
    let blocks = blocks();
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

fn output(connection: &mut Connection) -> Vec<u8> {
    let mut output = Vec::new();
    while !connection.outbox().is_empty() {
        let chunk = connection.outbox().chunk().to_vec();
        connection.outbox().advance(chunk.len());
        output.extend(chunk);
    }
    output
}

/// Bytes in hex, up to two spaces: behind them stands what they mean.
fn hex(line: &str) -> Vec<u8> {
    let (bytes, _) = line.split_once("  ").unwrap_or((line, ""));
    bytes.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap_or_else(|_| panic!("{byte} in {line}"))).collect()
}

/// The blocks of the page that have a comment before them.
fn blocks() -> Vec<(String, Vec<String>)> {
    let page = fs::read_to_string("book/src/protocol.md").expect("the page");
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(comment) = line.strip_prefix("<!-- ").and_then(|line| line.strip_suffix(" -->")) {
            assert_eq!(lines.next(), Some("```text"), "behind {comment}");
            let block = lines.by_ref().take_while(|line| *line != "```").map(str::to_owned).collect();
            blocks.push((comment.to_owned(), block));
        }
    }
    blocks
}
