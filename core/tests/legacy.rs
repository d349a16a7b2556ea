//! What holds in the drafts before RFC 6455, and what they cannot do.
#![cfg(feature = "legacy")]

mod common;

use common::{
    config, describe,
    drafts::{field, fields, open, response, speaking},
    drain, feed,
    ways::in_every_way,
};
use std::sync::Arc;
use timtow_core::{
    Cause, ClientRequest, CloseCode, Config, Connection, Draft, Event, Fragment, HandshakeFailure, Response, Role,
    SendError, State, Violation,
};

const HIXIE: [Draft; 2] = [Draft::Hixie76, Draft::Hixie75];

#[test]
fn what_the_hixie_drafts_cannot_say_is_not_sent() {
    for (draft, role) in HIXIE.into_iter().flat_map(|draft| [(draft, Role::Server), (draft, Role::Client)]) {
        let mut ws = open(role, draft, config());
        assert_eq!(ws.send(&b"binary"[..]), Err(SendError::NotInThisDraft));
        assert_eq!(ws.ping(b""), Err(SendError::NotInThisDraft));
        assert_eq!(ws.send_fragment(Fragment::text("a", false)), Err(SendError::NotInThisDraft));
        assert_eq!(ws.close(1005, "why"), Err(SendError::CloseCodeNotAllowed));
        assert!(drain(&mut ws).is_empty());
        // A large payload is not copied; its marks stand around it.
        let large = "a".repeat(100_000);
        ws.send(large.clone()).unwrap();
        ws.send("b").unwrap();
        assert_eq!(
            drain(&mut ws),
            format!("\0{large}\u{1}\0b\u{1}").replace('\u{1}', "\u{ff}").chars().map(|c| c as u8).collect::<Vec<_>>()
        );
        ws.close(1000, "bye").unwrap();
        assert_eq!(ws.send("too late"), Err(SendError::Closing));
        assert_eq!(ws.ping(b""), Err(SendError::Closing));
    }
}

#[test]
fn hixie_76_closes_with_ff_00() {
    for role in [Role::Server, Role::Client] {
        let mut ws = open(role, Draft::Hixie76, config());
        ws.close(4000, "nobody will hear it").unwrap();
        assert_eq!(drain(&mut ws), [0xff, 0]);
        assert_eq!(ws.state(), State::Closing);
        assert!(!ws.outbox().is_finished(), "the peer's answer comes first");
        // What was on its way still comes.
        let mut heard = vec![];
        feed(&mut ws, b"\0late\xff\xff\0\0after the end\xff", |_, event| heard.push(describe(&event)));
        assert_eq!(heard, ["text late", "closed 1005  Handshake"]);
        assert!(drain(&mut ws).is_empty(), "it is not answered twice");
        // RFC 6455 7.1.1 has it from here: the server ends the transport, the client waits.
        assert_eq!(ws.outbox().is_finished(), role == Role::Server);
        ws.receive_eof();
        assert!(ws.is_closed());
    }
}

#[test]
fn an_end_without_ff_00_is_a_loss_on_hixie_76() {
    for role in [Role::Server, Role::Client] {
        for begun in [&b""[..], b"\0a", b"\xff"] {
            let mut ws = open(role, Draft::Hixie76, config());
            feed(&mut ws, begun, |_, event| panic!("{event:?}"));
            ws.receive_eof();
            let Some(Event::Closed(closed)) = ws.receive(&mut &mut [][..]) else { panic!("no end") };
            assert_eq!((closed.code, closed.cause), (CloseCode::ABNORMAL, Cause::Lost));
        }
    }
}

#[test]
fn hixie_75_closes_with_the_transport() {
    for role in [Role::Server, Role::Client] {
        // The peer ends: between messages that is how one closes, inside of one it is a loss.
        for (begun, cause) in [
            (&b""[..], Cause::Handshake),
            (b"\0a\xff", Cause::Handshake),
            (b"\0a", Cause::Lost),
            (b"\x80", Cause::Lost),
        ] {
            let mut ws = open(role, Draft::Hixie75, config());
            feed(&mut ws, begun, |_, _| {});
            ws.send("a last word").unwrap();
            ws.receive_eof();
            let Some(Event::Closed(closed)) = ws.receive(&mut &mut [][..]) else { panic!("no end") };
            assert_eq!((closed.code, closed.cause), (CloseCode::ABNORMAL, cause));
            assert_eq!(drain(&mut ws), b"\0a last word\xff");
            assert!(ws.outbox().is_finished() && ws.is_closed());
        }
        // We end: nothing is sent for it, and what was on its way still comes.
        let mut ws = open(role, Draft::Hixie75, config());
        ws.send("a last word").unwrap();
        ws.close(1000, "").unwrap();
        assert!(!ws.outbox().is_finished());
        assert_eq!(drain(&mut ws), b"\0a last word\xff");
        assert!(ws.outbox().is_finished() && !ws.is_closed() && ws.wants_read());
        feed(&mut ws, b"\0late\xff", |_, event| assert_eq!(describe(&event), "text late"));
        ws.receive_eof();
        let Some(Event::Closed(closed)) = ws.receive(&mut &mut [][..]) else { panic!("no end") };
        assert!(closed.is_clean() && closed.code == CloseCode::ABNORMAL);
        assert!(ws.is_closed());
    }
}

#[test]
fn what_is_over_the_limit_closes() {
    let limited = || Config { max_message: 10, max_frame: 10, ..config() };
    for (draft, role) in HIXIE.into_iter().flat_map(|draft| [(draft, Role::Server), (draft, Role::Client)]) {
        for (input, violation) in [
            (&b"\0Hello World\xff"[..], Violation::FrameTooBig),
            (b"\0\x80\x80\x80\x80\xff", Violation::MessageTooBig),
            (b"\x01Hello World", Violation::FrameTooBig),
            (b"\x80\x0b", Violation::FrameTooBig),
            (b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", Violation::FrameTooBig),
        ] {
            let outcome = in_every_way("over the limit", || open(role, draft, limited()), input);
            assert_eq!(outcome.events, [format!("closed 1006  Violation({violation:?})")]);
            assert_eq!(outcome.output, if draft == Draft::Hixie76 { &[0xff, 0][..] } else { &[] });
            let mut ws = open(role, draft, limited());
            feed(&mut ws, input, |_, _| {});
            drain(&mut ws);
            assert!(ws.outbox().is_finished(), "the transport is half-closed");
        }
        let input = b"\0HelloWorld\xff\x80\x0aHelloWorld";
        let outcome = in_every_way("at the limit", || open(role, draft, limited()), input);
        assert_eq!(outcome.events, ["text HelloWorld"]);
    }
}

#[test]
fn there_are_no_keep_alive_pings() {
    use std::time::Duration;
    for (draft, role) in HIXIE.into_iter().flat_map(|draft| [(draft, Role::Server), (draft, Role::Client)]) {
        let mut ws = open(role, draft, config());
        for second in [0, 20, 40, 1000] {
            ws.handle_timeout(Duration::from_secs(second));
            assert_eq!(ws.receive(&mut &mut [][..]), None);
            assert!(ws.outbox().is_empty());
            assert_eq!(ws.poll_timeout(), None, "nothing to wait for");
        }
        // The deadline of the close holds.
        ws.close(1000, "").unwrap();
        drain(&mut ws);
        ws.handle_timeout(Duration::from_secs(1001));
        ws.handle_timeout(Duration::from_secs(1011));
        let Some(Event::Closed(closed)) = ws.receive(&mut &mut [][..]) else { panic!("no end") };
        assert_eq!(closed.cause, Cause::Timeout(timtow_core::Timeout::Close));
    }
}

#[test]
fn reading_pauses_above_the_high_water_mark() {
    for draft in HIXIE {
        let mut ws = open(Role::Server, draft, Config { high_water: 10, ..config() });
        let mut heard = 0;
        feed(&mut ws, b"\0a long message\xff\0b\xff\0c", |ws, event| {
            heard += 1;
            common::echo(ws, event);
        });
        assert!(heard == 1 && !ws.wants_read() && !ws.wants_receive());
        assert_eq!(drain(&mut ws), b"\0a long message\xff");
        assert!(ws.wants_receive());
        feed(&mut ws, b"\xff", |ws, event| {
            heard += 1;
            common::echo(ws, event);
        });
        assert_eq!((heard, drain(&mut ws)), (3, b"\0b\xff\0c\xff".to_vec()));
        // Held, as by a driver whose events wait to be asked for.
        ws.hold();
        feed(&mut ws, b"\0d\xff\xff\0", |_, event| panic!("{event:?}"));
        ws.release();
        assert_eq!(describe(&ws.receive(&mut &mut [][..]).unwrap()), "text d");
    }
}

#[test]
fn whole_messages_are_delivered_where_fragments_are_asked_for() {
    for draft in HIXIE {
        let make = || open(Role::Server, draft, Config { fragments: true, ..config() });
        assert_eq!(in_every_way("fragments", make, b"\0Hello\xff").events, ["text Hello"]);
    }
}

#[test]
fn a_client_asks_for_what_it_is_told_to() {
    let request = |draft, origin: Option<&str>| ClientRequest {
        host: "example.com:81".into(),
        target: "/a?b".into(),
        subprotocols: vec!["chat".into()],
        headers: origin
            .into_iter()
            .map(|origin| ("Origin", origin))
            .chain([("Cookie", "a=b")])
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        draft,
    };
    let sent = |request, drafts: &[Draft]| {
        let config = Config { drafts: drafts.iter().copied().collect(), ..config() };
        fields(&drain(&mut Connection::client(request, Arc::new(config)).unwrap()))
    };
    for draft in Draft::ALL {
        let (start, fields, body) = sent(request(Some(draft), Some("http://me")), &[Draft::Rfc6455]);
        assert_eq!(start, "GET /a?b HTTP/1.1");
        assert_eq!((field(&fields, "Host"), field(&fields, "Cookie")), ("example.com:81", "a=b"));
        let (origin, protocol) = match draft {
            Draft::Rfc6455 | Draft::Hixie76 => ("Origin", "Sec-WebSocket-Protocol"),
            Draft::Hybi08 | Draft::Hybi07 => ("Sec-WebSocket-Origin", "Sec-WebSocket-Protocol"),
            Draft::Hixie75 => ("Origin", "WebSocket-Protocol"),
        };
        assert_eq!((field(&fields, origin), field(&fields, protocol)), ("http://me", "chat"));
        assert_eq!(fields.iter().filter(|field| field.contains("rigin: ")).count(), 1);
        assert_eq!(fields.iter().any(|field| field.starts_with("Sec-WebSocket-Version")), !draft.is_hixie());
        assert_eq!(body.len(), if draft == Draft::Hixie76 { 8 } else { 0 });
        // The newest that is spoken, where the request does not say.
        assert_eq!(sent(request(None, Some("http://me")), &[draft]), (start, fields, body));
        let (_, fields, _) = sent(request(None, None), &[draft]);
        assert_eq!(fields.iter().any(|field| field == "Origin: http://example.com:81"), draft.is_hixie());
    }
    let (_, newest, _) = sent(request(None, None), &[Draft::Hixie75, Draft::Hybi07, Draft::Hybi08]);
    assert_eq!(field(&newest, "Sec-WebSocket-Version"), "8");
    let two = ClientRequest { subprotocols: vec!["a".into(), "b".into()], ..request(Some(Draft::Hixie76), None) };
    assert_eq!(Connection::client(two, Arc::new(config())).err(), Some(SendError::InvalidHeader));
}

/// What a client makes of the answer with these changes.
fn judged(
    draft: Draft,
    offered: &[&str],
    change: impl Fn(String) -> String,
) -> Result<Option<String>, HandshakeFailure> {
    let request = ClientRequest {
        host: "example.com".into(),
        subprotocols: offered.iter().map(|name| (*name).into()).collect(),
        ..ClientRequest::default()
    };
    let mut ws = Connection::client(request, speaking(config(), draft)).unwrap();
    let answer = response(draft, &drain(&mut ws), "");
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 2;
    let head = change(String::from_utf8(answer[..end].to_vec()).unwrap());
    let mut outcome = None;
    feed(&mut ws, &[head.as_bytes(), &answer[end..]].concat(), |_, event| {
        outcome = Some(match event {
            Event::Open(opened) => Ok(opened.subprotocol),
            Event::Closed(closed) => match closed.cause {
                Cause::Failed(error) => Err(error.kind),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        });
    });
    outcome.expect("an outcome")
}

#[test]
fn a_client_checks_the_answer() {
    use HandshakeFailure as F;
    for draft in HIXIE {
        let sec = if draft == Draft::Hixie75 { "" } else { "Sec-" };
        let add = |line: &str| {
            let line = line.replace("SEC-", sec);
            move |head: String| head + &line + "\r\n"
        };
        let cut = |name: &str| {
            let name = name.replace("SEC-", sec);
            move |head: String| {
                let (front, rest) = head.split_once(&format!("\r\n{name}: ")).expect("the field");
                format!("{front}\r\n{}", rest.split_once("\r\n").expect("its end").1)
            }
        };
        assert_eq!(judged(draft, &[], |head| head), Ok(None));
        assert_eq!(judged(draft, &["a"], add("SEC-WebSocket-Protocol: a")), Ok(Some("a".into())));
        assert_eq!(judged(draft, &["a"], |head| head), Err(F::Subprotocol), "hixie-76 4.1 wants it repeated");
        assert_eq!(judged(draft, &["a"], add("SEC-WebSocket-Protocol: b")), Err(F::Subprotocol));
        assert_eq!(judged(draft, &[], add("SEC-WebSocket-Protocol: b")), Err(F::Subprotocol));
        assert_eq!(judged(draft, &[], cut("SEC-WebSocket-Origin")), Err(F::Origin));
        assert_eq!(judged(draft, &[], add("SEC-WebSocket-Origin: http://example.com")), Err(F::Origin));
        assert_eq!(judged(draft, &[], cut("SEC-WebSocket-Location")), Err(F::Location));
        assert_eq!(judged(draft, &[], |head| head.replace("ws://", "wss://")), Err(F::Location));
        assert_eq!(judged(draft, &[], cut("Upgrade")), Err(F::Upgrade));
        assert_eq!(judged(draft, &[], cut("Connection")), Err(F::Connection));
        assert_eq!(judged(draft, &[], add("Transfer-Encoding: chunked")), Err(F::TransferEncoding));
        assert_eq!(judged(draft, &[], |head| head.replace("101", "200") + "Content-Length: 0\r\n"), Err(F::Status));
    }
}

#[test]
fn an_answer_that_does_not_come_whole_is_lost() {
    let request = ClientRequest { host: "example.com".into(), ..ClientRequest::default() };
    let mut ws = Connection::client(request, speaking(config(), Draft::Hixie76)).unwrap();
    let answer = response(Draft::Hixie76, &drain(&mut ws), "");
    feed(&mut ws, &answer[..answer.len() - 1], |_, event| panic!("{event:?}"));
    ws.receive_eof();
    let Some(Event::Closed(closed)) = ws.receive(&mut &mut [][..]) else { panic!("no end") };
    assert!(matches!(closed.cause, Cause::Failed(error) if error.kind == HandshakeFailure::Lost));
}

#[test]
fn a_request_without_its_eight_bytes_is_none() {
    let mut ws = Connection::server(speaking(config(), Draft::Hixie76));
    let head = "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key1: 1 0\r\nSec-WebSocket-Key2: 2 0\r\n\r\n1234567";
    feed(&mut ws, head.as_bytes(), |_, event| panic!("{event:?}"));
    assert!(ws.wants_read());
    ws.handle_timeout(std::time::Duration::ZERO);
    ws.handle_timeout(std::time::Duration::from_secs(10));
    let Some(Event::Closed(closed)) = ws.receive(&mut &mut [][..]) else { panic!("no end") };
    assert!(matches!(closed.cause, Cause::Timeout(_)));
    assert!(drain(&mut ws).starts_with(b"HTTP/1.1 408 "));
}

/// Both sides of the core, in each draft; where compression is on as well, the hixie drafts know nothing of it.
#[test]
fn a_client_and_a_server_talk() {
    for (draft, secure) in Draft::ALL.into_iter().flat_map(|draft| [(draft, false), (draft, true)]) {
        let config = Config {
            #[cfg(feature = "deflate")]
            deflate: Some(timtow_core::Deflate::default()),
            ..config()
        };
        let config = speaking(config, draft);
        let long = "There is more than one way. ".repeat(20);
        let request = ClientRequest { host: "example.com".into(), ..ClientRequest::default() };
        let over = |ws: Connection| if secure { ws.over_tls() } else { ws };
        let mut client = over(Connection::client(request, config.clone()).unwrap());
        let mut server = over(Connection::server(config));
        let mut heard = vec![];
        let mut rounds = 0..10;
        while !(client.is_closed() && server.is_closed()) {
            let (to_server, to_client) = (drain(&mut client), drain(&mut server));
            if rounds.next().expect("an end") == 2 {
                client.send(long.as_str()).unwrap();
                client.close(1000, "").unwrap();
            }
            if draft.is_hixie() && to_server.starts_with(b"\0") {
                assert_eq!(to_server[1..=long.len()], *long.as_bytes());
            }
            for (ws, bytes) in [(&mut server, to_server), (&mut client, to_client)] {
                feed(ws, &bytes, |ws, event| match event {
                    Event::Request(_) => ws.accept(Response::default()).unwrap(),
                    Event::Open(opened) => assert_eq!(opened.draft, draft),
                    event => heard.push(describe(&event)),
                });
                feed(ws, b"", |_, event| assert!(matches!(event, Event::Open(_))));
            }
            if server.outbox().is_finished() {
                client.receive_eof();
            }
            if client.outbox().is_finished() {
                server.receive_eof();
            }
            for ws in [&mut server, &mut client] {
                feed(ws, b"", |_, event| heard.push(describe(&event)));
            }
        }
        let code = match draft {
            Draft::Hixie75 => 1006,
            Draft::Hixie76 => 1005,
            _ => 1000,
        };
        let closed = format!("closed {code}  Handshake");
        assert_eq!(heard, [format!("text {long}"), closed.clone(), closed], "{draft}");
    }
}
