//! What is offered and answered (RFC 7692 5 and 7.1), in one table for each side.
#![cfg(feature = "deflate")]

mod common;

use common::{client_request, config, drain, feed, frame, frames};
use std::sync::Arc;
use timtow_core::{
    Cause, Config, Connection, Deflate, DeflateParameters, Event, HandshakeFailure, Opened, Response, Role,
};

const DEFAULT: Deflate = Deflate {
    server_no_context_takeover: false,
    client_no_context_takeover: false,
    server_max_window_bits: 15,
    client_max_window_bits: 15,
    fallback: false,
    level: 6,
    threshold: 0,
};

/// What the server answers to these offers, and what it says was agreed on.
fn answer(deflate: Option<Deflate>, offers: &[&str]) -> (Option<String>, Option<DeflateParameters>, Connection) {
    let config = Arc::new(Config { deflate, ..config() });
    let mut ws = Connection::server(config);
    let fields: String = offers.iter().map(|offer| format!("Sec-WebSocket-Extensions: {offer}\r\n")).collect();
    let request = common::REQUEST.replace("\r\n\r\n", &format!("\r\n{fields}\r\n"));
    let mut agreed = None;
    feed(&mut ws, request.as_bytes(), |ws, event| match event {
        Event::Request(_) => ws.accept(Response::default()).unwrap(),
        Event::Open(opened) => agreed = Some(opened.deflate),
        other => panic!("{offers:?}: {other:?}"),
    });
    let head = String::from_utf8(drain(&mut ws)).unwrap();
    let mut fields = head.lines().filter_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    let field = fields.next().map(String::from);
    assert_eq!(fields.next(), None);
    (field, agreed.expect("it is open"), ws)
}

const LIMITED: Deflate = Deflate {
    server_no_context_takeover: true,
    client_no_context_takeover: true,
    server_max_window_bits: 10,
    client_max_window_bits: 11,
    ..DEFAULT
};

#[test]
fn section_7_1_a_server_answers_the_first_offer_that_it_can_accept() {
    const PLAIN: &str = "permessage-deflate";
    let absurd = Deflate { server_max_window_bits: 0, client_max_window_bits: 99, ..DEFAULT };
    let all_of_limited = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
        server_max_window_bits=10";
    let all_and_the_client = format!("{all_of_limited}; client_max_window_bits=11");
    let table: &[(Deflate, &[&str], Option<&str>)] = &[
        (DEFAULT, &[PLAIN], Some(PLAIN)),
        (DEFAULT, &["permessage-deflate; client_max_window_bits"], Some(PLAIN)),
        (DEFAULT, &["permessage-deflate; client_max_window_bits=15"], Some(PLAIN)),
        (
            DEFAULT,
            &["permessage-deflate; client_max_window_bits=12"],
            Some("permessage-deflate; client_max_window_bits=12"),
        ),
        (
            DEFAULT,
            &["permessage-deflate; client_max_window_bits=8"],
            Some("permessage-deflate; client_max_window_bits=8"),
        ),
        // 7.1.2.1: the parameter is in the answer wherever it was in the offer.
        (
            DEFAULT,
            &["permessage-deflate; server_max_window_bits=15"],
            Some("permessage-deflate; server_max_window_bits=15"),
        ),
        (
            DEFAULT,
            &["permessage-deflate; server_max_window_bits=9"],
            Some("permessage-deflate; server_max_window_bits=9"),
        ),
        (
            DEFAULT,
            &["permessage-deflate; server_max_window_bits=\"10\""],
            Some("permessage-deflate; server_max_window_bits=10"),
        ),
        (
            DEFAULT,
            &["permessage-deflate; server_max_window_bits=\"1\\0\""],
            Some("permessage-deflate; server_max_window_bits=10"),
        ),
        (
            DEFAULT,
            &["permessage-deflate;server_no_context_takeover"],
            Some("permessage-deflate; server_no_context_takeover"),
        ),
        (
            DEFAULT,
            &["permessage-deflate ; client_no_context_takeover"],
            Some("permessage-deflate; client_no_context_takeover"),
        ),
        // Declined, one by one: an unknown name, a value that is none, one that must not be, the same name twice.
        (DEFAULT, &["permessage-deflate; foo"], None),
        (DEFAULT, &["permessage-deflate; foo=1"], None),
        (DEFAULT, &["permessage-deflate; Server_no_context_takeover"], None),
        (DEFAULT, &["permessage-deflate; server_no_context_takeover=1"], None),
        (DEFAULT, &["permessage-deflate; client_no_context_takeover=\"true\""], None),
        (DEFAULT, &["permessage-deflate; server_max_window_bits"], None),
        (DEFAULT, &["permessage-deflate; server_max_window_bits=8"], None),
        (DEFAULT, &["permessage-deflate; server_max_window_bits=7"], None),
        (DEFAULT, &["permessage-deflate; server_max_window_bits=16"], None),
        (DEFAULT, &["permessage-deflate; server_max_window_bits=010"], None),
        (DEFAULT, &["permessage-deflate; server_max_window_bits=09"], None),
        (DEFAULT, &["permessage-deflate; server_max_window_bits=+9"], None),
        (DEFAULT, &["permessage-deflate; server_max_window_bits=1"], None),
        (DEFAULT, &["permessage-deflate; server_max_window_bits=100"], None),
        (DEFAULT, &["permessage-deflate; server_max_window_bits=ten"], None),
        (DEFAULT, &["permessage-deflate; client_max_window_bits=7"], None),
        (DEFAULT, &["permessage-deflate; client_max_window_bits=16"], None),
        (DEFAULT, &["permessage-deflate; client_max_window_bits=0"], None),
        (DEFAULT, &["permessage-deflate; server_no_context_takeover; server_no_context_takeover"], None),
        (DEFAULT, &["permessage-deflate; client_no_context_takeover; client_no_context_takeover"], None),
        (DEFAULT, &["permessage-deflate; server_max_window_bits=10; server_max_window_bits=10"], None),
        (DEFAULT, &["permessage-deflate; client_max_window_bits; client_max_window_bits=10"], None),
        // Another extension, and one that only looks like it.
        (DEFAULT, &["x-webkit-deflate-frame"], None),
        (DEFAULT, &["permessage-deflated, permessage-bzip2"], None),
        // 7.1.3: the next offer is looked at, in the same field and in the next.
        (DEFAULT, &["permessage-deflate; foo, permessage-deflate"], Some(PLAIN)),
        (DEFAULT, &["x, permessage-deflate; server_max_window_bits=8", PLAIN], Some(PLAIN)),
        (
            DEFAULT,
            &["permessage-deflate; server_max_window_bits=9, permessage-deflate"],
            Some("permessage-deflate; server_max_window_bits=9"),
        ),
        // What the server wants itself: 7.1.1.1, 7.1.1.2 and 7.1.2.1 allow it unasked, 7.1.2.2 does not.
        (LIMITED, &[PLAIN], Some(all_of_limited)),
        (LIMITED, &["permessage-deflate; client_max_window_bits"], Some(&all_and_the_client)),
        (
            LIMITED,
            &["permessage-deflate; client_max_window_bits=14; server_max_window_bits=12"],
            Some(&all_and_the_client),
        ),
        (absurd, &["permessage-deflate; client_max_window_bits"], Some("permessage-deflate; server_max_window_bits=9")),
    ];
    for (deflate, offers, expected) in table {
        let (field, agreed, mut ws) = answer(Some(*deflate), offers);
        assert_eq!(field.as_deref(), *expected, "{offers:?}");
        assert_eq!(agreed.is_some(), expected.is_some(), "{offers:?}");
        // RSV1 means something, or fails the connection (RFC 6455 5.2).
        let mut events = Vec::new();
        feed(&mut ws, &frame(Role::Server, 0xc1, &[0x00]), |_, event| events.push(common::describe(&event)));
        assert_eq!(events == ["text "], expected.is_some(), "{offers:?}: {events:?}");
    }
    assert_eq!(answer(None, &[PLAIN]).0, None, "compression is off");
}

#[test]
fn what_was_agreed_on_is_told() {
    let limited = Deflate { client_max_window_bits: 11, server_no_context_takeover: true, ..DEFAULT };
    let (_, agreed, _) =
        answer(Some(limited), &["permessage-deflate; client_max_window_bits; server_max_window_bits=9"]);
    let expected = DeflateParameters {
        server_no_context_takeover: true,
        client_no_context_takeover: false,
        server_max_window_bits: 9,
        client_max_window_bits: 11,
    };
    assert_eq!(agreed, Some(expected));
    let (_, agreed, _) = answer(Some(limited), &["permessage-deflate"]);
    let unasked = DeflateParameters { server_no_context_takeover: true, ..DeflateParameters::default() };
    assert_eq!(agreed, Some(unasked), "a client that does not say that it can is not asked to");
}

/// permessage-deflate was made for RFC 6455, and not for the drafts before it.
#[cfg(feature = "legacy")]
#[test]
fn the_drafts_before_rfc_6455_are_not_compressed() {
    use timtow_core::{ClientRequest, Draft};
    for draft in [Draft::Hybi08, Draft::Hybi07] {
        let config = Arc::new(Config { deflate: Some(DEFAULT), drafts: [draft].into_iter().collect(), ..config() });
        let request = ClientRequest { draft: Some(draft), ..client_request() };
        let mut client = Connection::client(request, config.clone()).unwrap();
        let head = String::from_utf8(drain(&mut client)).unwrap();
        assert!(!head.contains("Sec-WebSocket-Extensions"), "{head}");
        let mut server = Connection::server(config);
        let head = head.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
        feed(&mut server, head.as_bytes(), |server, event| match event {
            Event::Request(_) => server.accept(Response::default()).unwrap(),
            Event::Open(opened) => assert_eq!(opened.deflate, None),
            other => panic!("{other:?}"),
        });
        let answer = String::from_utf8(drain(&mut server)).unwrap();
        assert!(!answer.contains("Sec-WebSocket-Extensions"), "{answer}");
        let answer = answer.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
        let mut ends = Vec::new();
        feed(&mut client, answer.as_bytes(), |_, event| ends.push(common::describe(&event)));
        assert!(ends.len() == 1 && ends[0].contains("Extension"), "{ends:?}");
    }
}

/// What a client offers.
fn offered(deflate: Option<Deflate>) -> Option<String> {
    let config = Arc::new(Config { deflate, ..config() });
    let head = String::from_utf8(drain(&mut Connection::client(client_request(), config).unwrap())).unwrap();
    head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: ")).map(String::from)
}

#[test]
fn section_7_1_a_client_offers_what_it_wants() {
    assert_eq!(offered(None), None);
    assert_eq!(offered(Some(DEFAULT)).unwrap(), "permessage-deflate; client_max_window_bits");
    let first = "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; \
        client_no_context_takeover; client_max_window_bits=11";
    assert_eq!(offered(Some(LIMITED)).unwrap(), first);
    let second = "permessage-deflate; client_no_context_takeover; client_max_window_bits=11";
    assert_eq!(offered(Some(Deflate { fallback: true, ..LIMITED })).unwrap(), format!("{first}, {second}"));
    let unlimited = Deflate { fallback: true, ..DEFAULT };
    assert_eq!(offered(Some(unlimited)).unwrap(), "permessage-deflate; client_max_window_bits", "it is the same twice");
}

/// What a client makes of this answer.
fn verdict(deflate: Option<Deflate>, fields: &[&str]) -> (Result<Box<Opened>, HandshakeFailure>, Connection) {
    let config = Arc::new(Config { deflate, ..config() });
    let mut ws = Connection::client(client_request(), config.clone()).unwrap();
    let mut server = Connection::server(Arc::new(Config { deflate: None, ..Config::clone(&config) }));
    feed(&mut server, &drain(&mut ws), |server, event| {
        if let Event::Request(_) = event {
            server.accept(Response::default()).unwrap();
        }
    });
    let fields: String = fields.iter().map(|field| format!("\r\nSec-WebSocket-Extensions: {field}")).collect();
    let head = String::from_utf8(drain(&mut server)).unwrap().replace("\r\n\r\n", &format!("{fields}\r\n\r\n"));
    let mut result = None;
    feed(&mut ws, head.as_bytes(), |_, event| match event {
        Event::Open(opened) => result = Some(Ok(opened)),
        Event::Closed(closed) => match closed.cause {
            Cause::Failed(error) => result = Some(Err(error.kind)),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    });
    (result.expect("an end or a beginning"), ws)
}

#[test]
fn section_7_1_a_client_fails_where_the_answer_is_none_to_its_offer() {
    let off = None;
    let on = Some(DEFAULT);
    let small = Some(Deflate { server_max_window_bits: 10, server_no_context_takeover: true, ..DEFAULT });
    let small_or_not = small.map(|small| Deflate { fallback: true, ..small });
    let own = Some(Deflate { client_max_window_bits: 11, ..DEFAULT });
    let table: &[(Option<Deflate>, &[&str], bool)] = &[
        (off, &[], true),
        (on, &[], true),
        (on, &["permessage-deflate"], true),
        (on, &["permessage-deflate; server_no_context_takeover; client_no_context_takeover"], true),
        (on, &["permessage-deflate; server_max_window_bits=10; client_max_window_bits=\"9\""], true),
        (on, &["permessage-deflate; server_max_window_bits=15; client_max_window_bits=15"], true),
        (on, &["permessage-deflate; client_max_window_bits=8"], true),
        (on, &["permessage-deflate; server_max_window_bits=8"], true),
        (off, &["permessage-deflate"], false),
        (on, &[""], false),
        (on, &["permessage-deflate;"], false),
        (on, &["x-webkit-deflate-frame"], false),
        (on, &["permessage-deflate, x"], false),
        // Section 5: one answer to one offer.
        (on, &["permessage-deflate, permessage-deflate"], false),
        (on, &["permessage-deflate", "permessage-deflate"], false),
        (on, &["permessage-deflate; foo"], false),
        (on, &["permessage-deflate; server_no_context_takeover; server_no_context_takeover"], false),
        (on, &["permessage-deflate; client_no_context_takeover; client_no_context_takeover"], false),
        (on, &["permessage-deflate; server_max_window_bits=10; server_max_window_bits=10"], false),
        (on, &["permessage-deflate; client_max_window_bits=10; client_max_window_bits=10"], false),
        (on, &["permessage-deflate; server_no_context_takeover=1"], false),
        (on, &["permessage-deflate; client_no_context_takeover=0"], false),
        (on, &["permessage-deflate; server_max_window_bits"], false),
        (on, &["permessage-deflate; client_max_window_bits"], false),
        (on, &["permessage-deflate; server_max_window_bits=7"], false),
        (on, &["permessage-deflate; server_max_window_bits=16"], false),
        (on, &["permessage-deflate; client_max_window_bits=16"], false),
        (on, &["permessage-deflate; client_max_window_bits=08"], false),
        // 7.1.1.1 and 7.1.2.1: an offer with limits for the server is accepted with them, or not at all.
        (small, &["permessage-deflate; server_no_context_takeover; server_max_window_bits=10"], true),
        (small, &["permessage-deflate; server_no_context_takeover; server_max_window_bits=9"], true),
        (small, &["permessage-deflate; server_no_context_takeover; server_max_window_bits=11"], false),
        (small, &["permessage-deflate; server_no_context_takeover"], false),
        (small, &["permessage-deflate; server_max_window_bits=10"], false),
        (small, &[], true),
        (small_or_not, &["permessage-deflate"], true),
        (small_or_not, &["permessage-deflate; server_max_window_bits=12"], true),
        // 7.1.2.2: not above what was offered.
        (own, &["permessage-deflate; client_max_window_bits=11"], true),
        (own, &["permessage-deflate; client_max_window_bits=9"], true),
        (own, &["permessage-deflate; client_max_window_bits=12"], false),
    ];
    for (deflate, fields, opens) in table {
        match (verdict(*deflate, fields).0, opens) {
            (Ok(opened), true) => assert_eq!(opened.deflate.is_some(), !fields.is_empty(), "{fields:?}"),
            (Err(HandshakeFailure::Extension), false) => {}
            (other, _) => panic!("{deflate:?} with {fields:?}: {other:?}"),
        }
    }
}

#[test]
fn section_7_1_2_a_window_of_256_bytes_is_accepted_and_not_used() {
    let (opened, mut ws) =
        verdict(Some(DEFAULT), &["permessage-deflate; client_max_window_bits=8; server_max_window_bits=8"]);
    let agreed = opened.unwrap().deflate.unwrap();
    assert_eq!((agreed.server_max_window_bits, agreed.client_max_window_bits), (8, 8));
    ws.send("a".repeat(1000)).unwrap();
    ws.send_fragment(timtow_core::Fragment::text("b".repeat(1000), false)).unwrap();
    ws.send_fragment(timtow_core::Fragment::text("", true)).unwrap();
    let sent = frames(&drain(&mut ws));
    let first_bytes: Vec<u8> = sent.iter().map(|(first, _)| *first).collect();
    assert_eq!(first_bytes, [0x81, 0x01, 0x80], "it sends uncompressed");
    // RFC 7692 7.2.3.2, with the second message looking back into the first.
    let mut messages = Vec::new();
    for payload in [&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..], &[0xf2, 0x00, 0x11, 0x00, 0x00]] {
        feed(&mut ws, &frame(Role::Client, 0xc1, payload), |_, event| messages.push(common::describe(&event)));
    }
    assert_eq!(messages, ["text Hello", "text Hello"]);
}
