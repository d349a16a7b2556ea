//! Two endpoints that talk with each other, without a socket.

mod common;

use common::{
    config,
    pair::{Pair, ROLES, Side},
};
use std::sync::Arc;
use timtow_core::{Cause, CloseCode, Config, Connection, Event, Fragment, Kind, OwnedMessage, Role, SendError, State};

#[test]
fn the_opening_handshake_and_an_echo() {
    let mut pair = Pair::open();
    pair.client.ws.send("Grüße").unwrap();
    pair.client.ws.send(vec![0; 70_000]).unwrap();
    pair.client.ws.send("").unwrap();
    pair.settle();
    let expected = [OwnedMessage::from("Grüße"), OwnedMessage::from(vec![0; 70_000]), OwnedMessage::from("")];
    assert_eq!(pair.server.messages(), expected);
    assert_eq!(pair.client.messages(), expected);
}

#[test]
fn what_is_sent_in_fragments_comes_as_one_message_or_as_pieces() {
    for role in ROLES {
        for fragments in [false, true] {
            let mut pair = Pair::open_with(Config { fragments, ..config() }, Config { fragments, ..config() });
            pair.server.respond = |_, _| {};
            let (sender, _) = pair.sides(role);
            // The middle fragment begins and ends inside a character.
            for (payload, fin) in [(&"aκ".as_bytes()[..2], false), (&[0xba, 0xcf], false), (&[0x83, b'z'], true)] {
                sender
                    .ws
                    .send_fragment(Fragment { kind: Kind::Text, payload: payload.into(), fin, message_len: None })
                    .unwrap();
                assert_eq!(sender.ws.send("between"), if fin { Ok(()) } else { Err(SendError::InsideMessage) });
                sender.ws.ping(b"between").unwrap();
            }
            pair.settle();
            let (sender, receiver) = pair.sides(role);
            assert_eq!((receiver.pings(), sender.pongs()), (3, 3));
            let pieces = receiver.events.iter().filter_map(|event| match event {
                Event::Fragment(fragment) => Some((fragment.payload.to_vec(), fragment.fin)),
                _ => None,
            });
            let pieces: Vec<_> = pieces.collect();
            if fragments {
                let expected = [(&b"a\xce"[..], false), (b"\xba\xcf", false), (b"\x83z", true), (b"between", true)];
                assert_eq!(pieces, expected.map(|(bytes, fin)| (bytes.to_vec(), fin)));
                assert!(receiver.messages().is_empty());
            } else {
                assert_eq!(receiver.messages(), ["aκσz", "between"].map(OwnedMessage::from));
                assert!(pieces.is_empty());
            }
        }
    }
}

#[test]
fn fragments_that_are_passed_on_as_they_come_make_the_same_message() {
    let mut pair = Pair::open_with(Config { fragments: true, ..config() }, config());
    pair.server.respond = |ws, event| {
        if let Event::Fragment(fragment) = event {
            ws.send_fragment(fragment).unwrap();
        }
    };
    // Cut anywhere, inside of characters too.
    for size in [1, 2, 3, 7, 1000] {
        pair.server.reads = Some(size);
        let text = "aκóσμε€😀".repeat(20);
        pair.client.ws.send(text.as_str()).unwrap();
        pair.client.ws.send(vec![7; 300]).unwrap();
        pair.client.ws.send("").unwrap();
        pair.settle();
        let messages = pair.client.messages();
        assert_eq!(messages, [OwnedMessage::from(text), vec![7; 300].into(), "".into()]);
        pair.client.events.clear();
    }
}

#[test]
fn fragments_of_text_must_be_text_and_of_one_kind() {
    let mut pair = Pair::open();
    let ws = &mut pair.client.ws;
    let text =
        |payload: &'static [u8], fin| Fragment { kind: Kind::Text, payload: payload.into(), fin, message_len: None };
    assert_eq!(ws.send_fragment(text(b"\xff", false)), Err(SendError::TextNotUtf8));
    assert_eq!(ws.send_fragment(text(b"a\xce", true)), Err(SendError::TextNotUtf8));
    ws.send_fragment(text(b"a\xce", false)).unwrap();
    assert_eq!(ws.send_fragment(text(b"b", true)), Err(SendError::TextNotUtf8));
    assert_eq!(ws.send_fragment(Fragment::binary(&b""[..], true)), Err(SendError::InsideMessage));
    ws.send_fragment(text(b"\xba", true)).unwrap();
    pair.settle();
    assert_eq!(pair.client.messages(), [OwnedMessage::from("aκ")]);
}

#[test]
fn either_side_closes() {
    for role in ROLES {
        for (code, reason) in [(1000, "done"), (1001, ""), (4999, "κ"), (1005, "")] {
            let mut pair = Pair::open();
            let (closer, _) = pair.sides(role);
            closer.ws.send("last").unwrap();
            closer.ws.close(code, reason).unwrap();
            assert_eq!(closer.ws.state(), State::Closing);
            assert_eq!(closer.ws.send("later"), Err(SendError::Closing));
            assert_eq!(closer.ws.ping(b""), Err(SendError::Closing));
            assert_eq!(closer.ws.close(code, reason), Err(SendError::Closing));
            pair.settle();
            let (closer, other) = pair.sides(role);
            assert_eq!(other.messages(), [OwnedMessage::from("last")]);
            let closed = other.closed().unwrap();
            assert_eq!((closed.code, closed.reason.as_str(), &closed.cause), (code.into(), reason, &Cause::Handshake));
            // The same code comes back, without the reason.
            let closed = closer.closed().unwrap();
            assert_eq!((closed.code, closed.reason.as_str(), &closed.cause), (code.into(), "", &Cause::Handshake));
            // The server has ended the transport, and the client after it: nobody waits.
            assert!(closer.ws.is_closed() && other.ws.is_closed());
            assert_eq!(other.ws.send("later"), Err(SendError::Closing));
            assert_eq!(other.ws.poll_timeout(), None);
        }
    }
}

#[test]
fn both_sides_close_at_once() {
    let mut pair = Pair::open();
    pair.server.ws.close(1001, "server").unwrap();
    pair.client.ws.close(1000, "client").unwrap();
    pair.settle();
    for (side, code, reason) in [(&pair.server, 1000, "client"), (&pair.client, 1001, "server")] {
        let closed = side.closed().unwrap();
        assert_eq!((closed.code, closed.reason.as_str()), (CloseCode(code), reason));
        assert!(closed.is_clean() && side.ws.is_closed());
    }
}

#[test]
fn messages_still_come_after_our_close_frame_until_the_peers() {
    let mut pair = Pair::open();
    pair.client.ws.send("on the way").unwrap();
    pair.client.ws.ping(b"not answered any more").unwrap();
    pair.server.ws.close(1000, "").unwrap();
    pair.settle();
    assert_eq!(pair.server.messages(), [OwnedMessage::from("on the way")]);
    assert!(pair.client.messages().is_empty(), "its echo could not be sent");
    assert_eq!(pair.client.pongs(), 0);
    assert!(pair.server.closed().unwrap().is_clean() && pair.client.closed().unwrap().is_clean());
}

#[test]
fn the_server_ends_the_transport_first() {
    for closer in ROLES {
        let mut pair = Pair::open();
        pair.sides(closer).0.ws.close(1000, "").unwrap();
        for _ in 0..30 {
            // A byte at a time, so that every state between is seen.
            for role in ROLES {
                let now = pair.now;
                let (side, other) = pair.sides(role);
                side.reads = Some(1);
                side.turn(other, now);
                let (by_client, by_server) = (pair.server.half_closed.0, pair.client.half_closed.0);
                assert!(by_server || !by_client, "the client waits (RFC 6455 7.1.1)");
            }
        }
        assert!(pair.server.ws.is_closed() && pair.client.ws.is_closed());
    }
}

#[test]
fn a_peer_that_half_closes_gets_its_replies() {
    let mut pair = Pair::open();
    pair.client.ws.send("one").unwrap();
    pair.client.ws.send("two").unwrap();
    pair.client.turn(&mut pair.server, pair.now);
    pair.server.half_closed.0 = true;
    pair.settle();
    assert_eq!(pair.client.messages(), ["one", "two"].map(OwnedMessage::from));
    let closed = pair.server.closed().unwrap();
    assert_eq!((closed.code, &closed.cause), (CloseCode::ABNORMAL, &Cause::Lost));
    assert!(pair.server.ws.is_closed());
}

#[test]
fn the_end_comes_once_in_every_state() {
    let config = Arc::new(config());
    let server = || Connection::server(config.clone());
    let client = || Connection::client(common::client_request(), config.clone()).unwrap();
    let requested = || {
        let mut ws = server();
        let mut request = common::REQUEST.as_bytes().to_vec();
        assert!(matches!(ws.receive(&mut &mut request[..]), Some(Event::Request(_))));
        ws
    };
    let open = || Connection::upgraded(Role::Server, config.clone());
    let closing = || {
        let mut ws = open();
        ws.close(1000, "").unwrap();
        ws
    };
    let over = || {
        let mut ws = open();
        let mut close = common::frame(Role::Server, 0x88, b"");
        assert!(matches!(ws.receive(&mut &mut close[..]), Some(Event::Closed(_))));
        ws
    };
    let states: [(&dyn Fn() -> Connection, usize); 6] =
        [(&server, 1), (&client, 1), (&requested, 1), (&open, 1), (&closing, 1), (&over, 0)];
    for (make, expected) in states {
        let endings: [&dyn Fn(&mut Connection); 3] = [
            &|ws| ws.receive_error(),
            &|ws| {
                ws.receive_eof();
                // An end of the input alone does not end a request that the application has not answered.
                if ws.state() == State::Requested {
                    ws.reject(&timtow_core::Rejection::new(404)).unwrap();
                }
            },
            &|ws| {
                ws.receive_eof();
                ws.receive_error();
                ws.receive_error();
            },
        ];
        for end in endings {
            let mut ws = make();
            end(&mut ws);
            let mut events = 0;
            for round in 0..3 {
                // What comes behind the end is ignored.
                let mut more = if round == 0 { vec![] } else { common::frame(Role::Server, 0x81, b"more") };
                let mut input = &mut more[..];
                while let Some(event) = ws.receive(&mut input) {
                    assert!(matches!(event, Event::Closed(_)), "{event:?}");
                    events += 1;
                }
            }
            assert_eq!(events, expected, "{ws:?}");
            assert!(!ws.wants_read() && !ws.wants_receive());
            common::drain(&mut ws);
            assert!(ws.outbox().is_finished() && ws.is_closed(), "{ws:?}");
            assert_eq!(ws.poll_timeout(), None);
        }
    }
}

#[test]
fn frames_behind_the_handshake_are_not_lost_in_either_direction() {
    let mut pair = Pair::new(config(), config());
    // The server speaks first, in the same bytes as its answer.
    pair.server.respond = |ws, event| {
        if let Event::Open(_) = event {
            ws.send("welcome").unwrap();
        }
        common::echo(ws, event);
    };
    pair.settle();
    assert_eq!(pair.client.messages(), [OwnedMessage::from("welcome")]);
    // A client's frames in the same read as its request, which is answered late.
    let mut server = Side::new(Connection::server(Arc::new(config())));
    let mut input = common::REQUEST.as_bytes().to_vec();
    input.extend(common::frame(Role::Server, 0x81, b"one"));
    let mut bytes = &mut input[..];
    assert!(matches!(server.ws.receive(&mut bytes), Some(Event::Request(_))));
    assert!(server.ws.receive(&mut bytes).is_none() && bytes.is_empty());
    common::feed(&mut server.ws, &common::frame(Role::Server, 0x81, b"two"), |_, event| panic!("{event:?}"));
    server.ws.receive_eof();
    assert!(!server.ws.wants_receive());
    server.ws.accept(timtow_core::Response::default()).unwrap();
    let mut events = Vec::new();
    while let Some(event) = server.ws.receive(&mut &mut [][..]) {
        events.push(common::describe(&event));
    }
    assert_eq!(events, ["open None", "text one", "text two", "closed 1006  Lost"]);
}

#[test]
fn a_server_that_drains_answers_before_the_request_is_complete() {
    for begun in ["", "GET / HTTP/1.1\r\nHost: exa"] {
        let mut server = timtow_core::Endpoint::server(&timtow_core::app::Options::default());
        assert!(server.connection.receive(&mut &mut begun.as_bytes().to_vec()[..]).is_none());
        server.drain();
        let Some(Event::Closed(closed)) = server.connection.receive(&mut &mut [][..]) else { panic!("it ends") };
        assert!(matches!(closed.cause, Cause::Refused(refusal) if refusal.status == 503));
        let answer = String::from_utf8(server.connection.outbox().chunk().to_vec()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nRetry-After: 1\r\n"), "{answer}");
    }
}

#[test]
fn fragments_are_counted_only_where_there_is_a_limit() {
    for role in ROLES {
        for (max_fragments, fails) in [(None, false), (Some(3), false), (Some(2), true)] {
            let mut ws = common::open(role, &Arc::new(Config { max_fragments, ..config() }));
            let frames = [(0x02, "a"), (0x89, ""), (0x00, "b"), (0x80, "c")];
            let input = frames.map(|(first, payload)| common::frame(role, first, payload.as_bytes())).concat();
            let mut events = Vec::new();
            // Twice: the count begins anew with each message.
            common::feed(&mut ws, &input.repeat(2), |_, event| events.push(common::describe(&event)));
            let expected: &[&str] = match fails {
                true => &["ping ", "closed 1006  Violation(TooManyFragments)"],
                false => &["ping ", "binary abc", "ping ", "binary abc"],
            };
            assert_eq!(events, expected);
            let sent = common::frames(&common::drain(&mut ws));
            assert_eq!(sent.contains(&(0x88, common::close(1008))), fails);
        }
    }
}
