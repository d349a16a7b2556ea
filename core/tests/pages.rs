//! Plain GETs, and what they are answered: whole, byte by byte, and cut anywhere.

mod common;

use common::{config, drain, feed};
use std::sync::Arc;
use timtow_core::{Cause, Closed, Config, Connection, Event, Page, Rejection, Request, Response, SendError, State};

const GET: &str = "GET /index?a=b HTTP/1.1\r\nHost: example.com\r\nConnection: keep-alive\r\n\r\n";

fn server(pages: bool) -> Connection {
    Connection::server(Arc::new(Config { pages, ..config() }))
}

/// What comes of `pieces`; the application answers each request by `answer`. The output, and the events.
fn serve(pages: bool, pieces: &[&[u8]], answer: impl Fn(&mut Connection, &Request)) -> (String, usize, Option<Closed>) {
    let (mut ws, mut requests, mut closed) = (server(pages), 0, None);
    let mut on_event = |ws: &mut Connection, event: Event<'_>| match event {
        Event::Request(request) => {
            requests += 1;
            answer(ws, &request);
        }
        Event::Closed(end) => assert!(closed.replace(end).is_none(), "the end comes once"),
        event => panic!("{event:?}"),
    };
    for piece in pieces {
        feed(&mut ws, piece, &mut on_event);
    }
    feed(&mut ws, b"", &mut on_event);
    let output = String::from_utf8(drain(&mut ws)).unwrap();
    // The driver half-closes now, and drains until the peer's end.
    assert!(ws.state() == State::Lingering && ws.outbox().is_finished() && ws.wants_read());
    (output, requests, closed)
}

fn page(ws: &mut Connection, _: &Request) {
    ws.reject(&Page::text("page").into()).unwrap();
}

fn status(closed: Option<Closed>) -> u16 {
    match closed.map(|closed| closed.cause) {
        Some(Cause::Refused(refusal)) => refusal.status,
        cause => panic!("{cause:?}"),
    }
}

#[test]
fn a_page_however_the_request_is_cut() {
    let bytes = [GET, GET, "garbage"].concat().into_bytes();
    let expected = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\
                    Content-Type: text/plain; charset=utf-8\r\n\r\npage";
    let check = |pieces: &[&[u8]]| {
        let (output, requests, closed) = serve(true, pieces, page);
        assert_eq!((output.as_str(), requests, status(closed)), (expected, 1, 200));
    };
    check(&bytes.chunks(1).collect::<Vec<_>>());
    for cut in 0..=bytes.len() {
        let (first, second) = bytes.split_at(cut);
        check(&[first, second]);
    }
}

#[test]
fn without_a_request_for_them_no_page_is_asked_for() {
    let (output, requests, closed) = serve(false, &[GET.as_bytes()], page);
    assert!(output.starts_with("HTTP/1.1 426 "), "{output}");
    assert_eq!((requests, status(closed)), (0, 426));
    // Accepting what cannot be accepted says the same.
    let accepted = serve(true, &[GET.as_bytes()], |ws, request| {
        assert!(!request.is_upgrade());
        ws.accept(Response::default()).unwrap();
        assert_eq!(ws.accept(Response::default()), Err(SendError::NoRequest));
    });
    assert_eq!((accepted.0, accepted.1, status(accepted.2)), (output, 1, 426));
}

#[test]
fn the_statuses_of_a_page_and_of_a_rejection() {
    let answered = |request: &'static str, rejection: Rejection| {
        let mut answered = Ok(());
        let mut ws = server(true);
        feed(&mut ws, request.as_bytes(), |ws, event| {
            if let Event::Request(_) = event {
                answered = ws.reject(&rejection);
            }
        });
        answered.map(|()| String::from_utf8(drain(&mut ws)).unwrap())
    };
    let with = |status| Rejection { status, ..Rejection::new(0) };
    for status in [0, 100, 101, 199, 200, 201, 204, 206, 299, 300, 304, 404, 426, 599, 600] {
        let get = answered(GET, with(status));
        let upgrade = answered(common::REQUEST, with(status));
        assert_eq!(get.is_ok(), (200..=599).contains(&status), "{status}");
        assert_eq!(upgrade.is_ok(), (300..=599).contains(&status), "{status}");
        if let Ok(answer) = get {
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            // RFC 9110 8.6.
            assert_eq!(answer.contains("Content-Length: 0\r\n"), ![204, 304].contains(&status), "{answer}");
        }
    }
    for status in [204, 304] {
        assert_eq!(answered(GET, Rejection::text(status, "body")), Err(SendError::InvalidAnswer), "{status}");
    }
    for name in ["Content-Length", "connection", "Transfer-Encoding", "Upgrade", "Sec-WebSocket-Accept", "a b", ""] {
        assert_eq!(answered(GET, with(200).header(name, "1")), Err(SendError::InvalidAnswer), "{name}");
    }
}

#[test]
fn a_request_without_an_answer_is_over_with_its_deadline() {
    let mut ws = server(true);
    ws.handle_timeout(std::time::Duration::ZERO);
    feed(&mut ws, GET.as_bytes(), |_, event| assert!(matches!(event, Event::Request(_))));
    assert_eq!(ws.state(), State::Requested);
    let deadline = ws.poll_timeout().unwrap();
    ws.handle_timeout(deadline);
    let mut closed = false;
    feed(&mut ws, b"", |_, event| closed = matches!(event, Event::Closed(_)));
    assert!(closed && drain(&mut ws).starts_with(b"HTTP/1.1 408 "));
}

#[test]
fn what_else_is_wrong_is_answered_first() {
    for (found, replacement, expected) in [
        ("GET", "HEAD", 405),
        ("GET", "POST", 405),
        ("Host: example.com\r\n", "", 400),
        ("keep-alive", "x\r\nContent-Length: 1", 400),
        ("keep-alive", "x\r\nTransfer-Encoding: chunked", 400),
        ("HTTP/1.1", "HTTP/1.0", 505),
        ("/index", "*", 400),
        ("keep-alive", "x\r\nUpgrade: websocket", 426),
        ("keep-alive", "upgrade\r\nUpgrade: websocket", 426),
    ] {
        let (output, requests, closed) = serve(true, &[GET.replace(found, replacement).as_bytes()], page);
        assert_eq!((requests, status(closed)), (0, expected), "{replacement}");
        assert!(output.starts_with(&format!("HTTP/1.1 {expected} ")), "{output}");
    }
}
