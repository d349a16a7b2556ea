//! The request, and every rule for its response.

use super::super::HandshakeFailure;
use super::*;
use crate::SendError;
use alloc::format;

const VALID: [&str; 3] =
    ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="];

fn response(line: &str, fields: &[&str]) -> String {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    format!("{line}\r\n{fields}\r\n")
}

fn with(fields: &[&str]) -> String {
    response("HTTP/1.1 101 Switching Protocols", &[&VALID[..], fields].concat())
}

fn replaced(name: &str, fields: &[&str]) -> String {
    let rest: Vec<&str> = VALID.into_iter().filter(|field| !field.starts_with(name)).collect();
    assert_eq!(rest.len(), VALID.len() - 1);
    response("HTTP/1.1 101 Switching Protocols", &[&rest[..], fields].concat())
}

/// The subprotocol, or what was wrong; `None` while it waits for more.
fn outcome(response: &str) -> Option<Result<Option<String>, HandshakeFailure>> {
    let request = ClientRequest { subprotocols: ["a".into(), "b".into()].into(), ..request() };
    let result = connect(&request, response.as_bytes(), false)?;
    Some(result.map(|(opened, _)| opened.subprotocol).map_err(|error| error.kind))
}

#[test]
fn the_request_is_as_rfc_6455_4_1_says() {
    let request = ClientRequest {
        host: "server.example.com:81".into(),
        target: "".into(),
        subprotocols: ["chat".into(), "superchat".into()].into(),
        headers: [("Origin".into(), "http://example.com".into())].into(),
        ..request()
    };
    let (_, bytes) = ClientOpening::new(request, &config()).unwrap();
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        "GET / HTTP/1.1\r\nHost: server.example.com:81\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: chat, superchat\r\nOrigin: http://example.com\r\n\r\n"
    );
}

#[test]
fn requests_that_would_inject_something_are_not_sent() {
    let host = |host: &str| ClientRequest { host: host.into(), ..request() };
    let target = |target: &str| ClientRequest { target: target.into(), ..request() };
    let header = |name: &str, value: &str| ClientRequest { headers: [(name.into(), value.into())].into(), ..request() };
    let subprotocols =
        |names: &[&str]| ClientRequest { subprotocols: names.iter().map(|&name| name.into()).collect(), ..request() };
    for request in [
        host(""),
        host("a\r\nX: y"),
        host("a b"),
        host("a/b"),
        target("x"),
        target("/ HTTP/1.1\r\nX: y\r\n"),
        target("/a b"),
        target("/ü"),
        target("/#a"),
        header("X", "a\r\nY: b"),
        header("X", "a\n"),
        header("X\r\n", "a"),
        header("", "a"),
        header("Host", "a"),
        header("connection", "close"),
        header("Content-Length", "5"),
        header("Sec-WebSocket-Extensions", "permessage-deflate"),
        subprotocols(&["a", "a"]),
        subprotocols(&["a, b"]),
        subprotocols(&[""]),
        subprotocols(&["a\r\n"]),
    ] {
        assert_eq!(ClientOpening::new(request.clone(), &config()).err(), Some(SendError::InvalidHeader), "{request:?}");
    }
}

#[test]
fn rules_for_a_101() {
    use HandshakeFailure::*;
    for (response, expected) in [
        (with(&[]), Ok(None)),
        (with(&["Sec-WebSocket-Protocol: b"]), Ok(Some("b".into()))),
        (with(&["Content-Length: 0", "Server: x"]), Ok(None)),
        (response("HTTP/1.1 101", &VALID), Ok(None)),
        (response("HTTP/1.1 101 ", &VALID), Ok(None)),
        (replaced("Upgrade", &["upgrade: WebSocket"]), Ok(None)),
        (replaced("Connection", &["Connection: keep-alive, UPGRADE"]), Ok(None)),
        (replaced("Upgrade", &[]), Err(Upgrade)),
        (replaced("Upgrade", &["Upgrade: h2c"]), Err(Upgrade)),
        (replaced("Upgrade", &["Upgrade: websocket, h2c"]), Err(Upgrade)),
        (replaced("Connection", &[]), Err(Connection)),
        (replaced("Connection", &["Connection: close"]), Err(Connection)),
        (replaced("Connection", &["Connection: upgraded"]), Err(Connection)),
        (replaced("Sec-WebSocket-Accept", &[]), Err(Accept)),
        (replaced("Sec-WebSocket-Accept", &["Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo="]), Err(Accept)),
        (with(&["Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]), Err(Accept)),
        (with(&["Sec-WebSocket-Extensions: permessage-deflate"]), Err(Extension)),
        (with(&["Sec-WebSocket-Extensions:"]), Err(Extension)),
        (with(&["Sec-WebSocket-Protocol: c"]), Err(Subprotocol)),
        (with(&["Sec-WebSocket-Protocol: A"]), Err(Subprotocol)),
        (with(&["Sec-WebSocket-Protocol:"]), Err(Subprotocol)),
        (with(&["Sec-WebSocket-Protocol: a, b"]), Err(Subprotocol)),
        (with(&["Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: a"]), Err(Subprotocol)),
        (with(&["Transfer-Encoding: chunked"]), Err(TransferEncoding)),
        (with(&["X: a\r\n b"]), Err(Malformed)),
        (with(&["X : a"]), Err(Malformed)),
        (response("HTTP/1.0 101 X", &VALID), Err(Malformed)),
        (response("HTTP/2.0 101 X", &VALID), Err(Malformed)),
        (response("HTTP/1.1 1010 X", &VALID), Err(Malformed)),
        (response("HTTP/1.1  101 X", &VALID), Err(Malformed)),
        (response("HTTP/1.1", &VALID), Err(Malformed)),
        ("\x16".into(), Err(Malformed)),
        ("HTTP/1.1 101 X\n".into(), Err(Malformed)),
        ("a".repeat(8193), Err(TooBig)),
        (response("HTTP/1.1 101 X", &["X: y"; 101]), Err(TooBig)),
    ] {
        assert_eq!(outcome(&response), Some(expected), "{response}");
    }
    assert_eq!(outcome(with(&[]).strip_suffix("\n").unwrap()), None);
}

#[test]
fn frames_behind_the_head_are_left() {
    let (opened, rest) = connect(&request(), format!("{}frames", with(&["X: y"])).as_bytes(), false).unwrap().unwrap();
    assert_eq!(opened.headers.first("x"), Some("y"));
    assert_eq!(rest, b"frames");
}

#[test]
fn other_1xx_responses_are_skipped_up_to_16() {
    let skipped = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    assert_eq!(outcome(&(skipped.repeat(16) + &with(&[]))), Some(Ok(None)));
    assert_eq!(outcome(&skipped.repeat(17)), Some(Err(HandshakeFailure::TooManyInformational)));
}

#[test]
fn other_statuses_are_reported_with_their_body() {
    let error = |response: &str, eof| connect(&request(), response.as_bytes(), eof).map(Result::unwrap_err);
    let complete = error("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnonemore", false).unwrap();
    assert_eq!((complete.kind, complete.status), (HandshakeFailure::Status, 404));
    assert_eq!(complete.body, b"none");
    assert_eq!(complete.headers.first("content-length"), Some("4"));
    assert!(format!("{complete}").contains("404"));

    assert_eq!(error("HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n", false).unwrap().status, 404);
    assert_eq!(error("HTTP/1.0 403 X\r\n\r\nno", false), None);
    assert_eq!(error("HTTP/1.0 403 X\r\n\r\nno", true).unwrap().body, b"no");
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    assert_eq!(error(chunked, false).unwrap().body, b"abc");
}

#[test]
fn an_end_or_a_deadline_reports_what_came() {
    let config = config();
    let (mut opening, _) = ClientOpening::new(request(), &config).unwrap();
    assert_eq!(opening.receive(&mut &mut b"HTTP/1.1 101".to_vec()[..], &config), Ok(None));
    assert_eq!(opening.timed_out(), None);
    let (mut opening, _) = ClientOpening::new(request(), &config).unwrap();
    assert_eq!(opening.receive_eof().kind, HandshakeFailure::Lost);
    let (mut opening, _) = ClientOpening::new(request(), &config).unwrap();
    assert_eq!(opening.receive(&mut &mut b"HTTP/1.1 500 X\r\n\r\nsor".to_vec()[..], &config), Ok(None));
    assert_eq!(opening.receive(&mut &mut b"ry".to_vec()[..], &config), Ok(None));
    let error = opening.timed_out().unwrap();
    assert_eq!((error.status, &error.body[..]), (500, &b"sorry"[..]));
}
