//! The bytes of the book's chapter on history are what the core sends and understands in each draft.
//!
//! A comment before a block says what it is: `<!-- hixie-75 to server: text Hello -->`.
#![cfg(feature = "legacy")]

#[path = "common/page.rs"]
mod page;

use page::{blocks, hex, output};
use std::sync::Arc;
use timtow_core::{ClientRequest, Config, Connection, Draft, Event, MaskSource, Message, Origins, Response, Role};

const PAGE: &str = "book/src/history.md";

#[test]
fn messages_are_what_the_chapter_says() {
    let mut checked = 0;
    for (comment, block) in blocks(PAGE) {
        let Some((who, meaning)) = comment.split_once(": ") else { continue };
        let (draft, direction) = who.split_once(" to ").expect("a direction");
        let draft: Draft = draft.parse().expect("a draft");
        let (mut client, mut server) = open(draft);
        let (from, to) = if direction == "server" { (&mut client, &mut server) } else { (&mut server, &mut client) };
        match meaning.split_once(' ').expect("a word and a payload") {
            ("text", text) => from.send(text).expect("it is open"),
            ("close", code) => from.close(code.parse::<u16>().expect("a code"), "").expect("it is open"),
            (other, _) => panic!("{other} is not understood"),
        }
        let mut sent = output(from);
        assert_eq!(sent, block.iter().flat_map(|line| hex(line)).collect::<Vec<_>>(), "{comment}");
        let event = to.receive(&mut &mut sent[..]).expect("an event");
        let understood = match event {
            Event::Message(Message::Text(text)) => format!("text {text}"),
            Event::Closed(closed) => format!("close {}", closed.code.0),
            other => panic!("{other:?}"),
        };
        assert_eq!(understood, meaning, "{comment}");
        checked += 1;
    }
    assert_eq!(checked, 9, "the chapter has lost its messages");
}

#[test]
fn the_two_keys_are_worked_through() {
    let blocks = blocks(PAGE);
    let named =
        |name: &str| blocks.iter().filter(|(comment, _)| comment == name).map(|(_, block)| block).collect::<Vec<_>>();
    let only = |name: &str| named(name)[0].clone();
    let request = only("hixie-76 request");
    let mut bytes = request.join("\r\n").into_bytes();
    let mut server = Connection::server(config(Draft::Hixie76));
    let Some(Event::Request(asked)) = server.receive(&mut &mut bytes[..]) else { panic!("it is not understood") };
    server.accept(Response::default()).expect("a request waits");
    let response = output(&mut server);
    assert_eq!(String::from_utf8_lossy(&response), only("hixie-76 response").join("\r\n"));

    let mut challenge = Vec::new();
    for (key, name) in named("hixie-76 key").into_iter().zip(["Sec-WebSocket-Key1", "Sec-WebSocket-Key2"]) {
        assert_eq!(asked.headers.first(name), Some(key[0].as_str()));
        let value = |n: usize, label: &str| key[n].strip_prefix(label).expect(label).trim().to_owned();
        let digits: String = key[0].chars().filter(char::is_ascii_digit).collect();
        let spaces = key[0].matches(' ').count();
        let number = u32::try_from(digits.parse::<u64>().unwrap() / spaces as u64).unwrap();
        assert_eq!((value(1, "digits"), value(2, "spaces")), (digits, spaces.to_string()));
        assert_eq!((value(3, "number"), hex(&value(4, "hex"))), (number.to_string(), number.to_be_bytes().to_vec()));
        challenge.extend(number.to_be_bytes());
    }
    challenge.extend(request.last().expect("eight bytes").bytes());
    assert_eq!(only("hixie-76 challenge").iter().flat_map(|line| hex(line)).collect::<Vec<_>>(), challenge);
    // The MD5 itself is the core's; its own tests compare it with the drafts' examples.
    assert_eq!(hex(&only("hixie-76 answer")[0]), response[response.len() - 16..]);
}

fn config(draft: Draft) -> Arc<Config> {
    let masks = MaskSource::Source(Arc::new(|| [0x37, 0xfa, 0x21, 0x3d]));
    Arc::new(Config { origins: Origins::Any, drafts: [draft].into_iter().collect(), ..Config::with_masks(masks) })
}

/// A client and a server that have done the opening handshake of this draft.
fn open(draft: Draft) -> (Connection, Connection) {
    let request = ClientRequest { host: "example.com".into(), ..ClientRequest::default() };
    let mut client = Connection::client(request, config(draft)).expect("a request");
    let mut server = Connection::server(config(draft));
    let mut bytes = output(&mut client);
    assert!(matches!(server.receive(&mut &mut bytes[..]), Some(Event::Request(_))));
    server.accept(Response::default()).expect("a request waits");
    assert!(matches!(server.receive(&mut &mut [][..]), Some(Event::Open(_))));
    let mut bytes = output(&mut server);
    assert!(matches!(client.receive(&mut &mut bytes[..]), Some(Event::Open(opened)) if opened.draft == draft));
    assert_eq!((client.role(), server.role()), (Role::Client, Role::Server));
    (client, server)
}
