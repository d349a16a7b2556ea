//! Every row of what is refused, and the answers.

use super::super::{Asked, Refusal, Request};
use super::*;
use crate::SendError;
use alloc::format;

fn reject(rejection: &Rejection) -> Result<Vec<u8>, SendError> {
    answer::reject(rejection, &config())
}

/// A valid request, its fields one by one: each test spoils one.
const VALID: [&str; 5] = [
    "Host: example.com",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

fn get(line: &str, fields: &[&str]) -> String {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    format!("{line}\r\n{fields}\r\n")
}

/// A valid request with these fields besides.
fn with(fields: &[&str]) -> String {
    get("GET / HTTP/1.1", &[&VALID[..], fields].concat())
}

/// A valid request with the field of this name replaced, or left out where nothing replaces it.
fn replaced(name: &str, fields: &[&str]) -> String {
    let rest: Vec<&str> = VALID.into_iter().filter(|field| !field.starts_with(name)).collect();
    assert_eq!(rest.len(), VALID.len() - 1);
    get("GET / HTTP/1.1", &[&rest[..], fields].concat())
}

fn answered(request: &str) -> u16 {
    status(request.as_bytes(), &config())
}

fn ask(request: &str, config: &Config) -> Result<(Request, Asked), Refusal> {
    ServerOpening::new().receive(&mut &mut request.as_bytes().to_vec()[..], config).map(Option::unwrap)
}

#[test]
fn request_lines() {
    for (line, status) in [
        ("GET / HTTP/1.1", 101),
        ("GET / HTTP/1.9", 101),
        ("GET /?a=b%20c HTTP/1.1", 101),
        ("GET http://example.com/ HTTP/1.1", 101),
        ("GET ws://example.com HTTP/1.1", 101),
        ("GET / HTTP/1.0", 505),
        ("GET / HTTP/2.0", 505),
        ("GET / HTTP/0.9", 505),
        ("PRI * HTTP/2.0", 505),
        ("GET", 400),
        ("GET /", 400),
        ("GET / ", 400),
        ("GET  / HTTP/1.1", 400),
        ("GET /  HTTP/1.1", 400),
        ("GET / HTTP/1.1 ", 400),
        ("GET / x HTTP/1.1", 400),
        ("GET\t/ HTTP/1.1", 400),
        ("GET / http/1.1", 400),
        ("GET / HTTP/1.10", 400),
        ("GET / HTTP/1", 400),
        ("GET / HTTP/x.y", 400),
        ("G(T / HTTP/1.1", 400),
        ("GET /ü HTTP/1.1", 400),
        ("GET /\x7f HTTP/1.1", 400),
        ("GET /# HTTP/1.1", 400),
        ("GET * HTTP/1.1", 400),
        ("GET chat HTTP/1.1", 400),
        ("GET http://a@example.com/ HTTP/1.1", 400),
        ("POST / HTTP/1.1", 405),
        ("get / HTTP/1.1", 405),
        ("OPTIONS * HTTP/1.1", 405),
        ("CONNECT example.com:80 HTTP/1.1", 405),
    ] {
        assert_eq!(answered(&get(line, &VALID)), status, "{line}");
    }
    assert_eq!(answered("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
    assert_eq!(answered("\r\n\r\nGET /x HTTP/1.1\r\n\r\n"), 400);
}

#[test]
fn malformed_heads() {
    for request in [
        "\x16\x03\x01",
        " GET",
        "\n",
        "GET / HTTP/1.1\n",
        "GET / HTTP/1.1\r\nHost: a\n",
        "GET / HTTP/1.1\r\nHost: a\rb",
        "GET / HTTP/1.1\r\nHost: a\0",
    ] {
        assert_eq!(answered(request), 400, "{request:?}");
    }
    for field in ["X: a\r\n b", " X: a", "X : a", ": a", "X", "X\u{fc}: a", "X: a\u{1}b"] {
        assert_eq!(answered(&with(&[field])), 400, "{field:?}");
    }
    // What was wrong with the request line goes before.
    assert_eq!(answered("GET / HTTP/1.0\r\nHost: a\n"), 505);
    // Values may be any text.
    assert_eq!(answered(&with(&["X: \u{fc}", "Y:", "Z:\t z \t"])), 101);
}

#[test]
fn limits_are_known_before_the_head_is_complete() {
    let long = "a".repeat(8 << 10);
    let of = |target: usize| format!("GET /{} HTTP/1.1", &long[..target - "GET / HTTP/1.1".len()]);
    assert_eq!(answered(&get(&of(8 << 10), &VALID)), 101);
    assert_eq!(answered(&of((8 << 10) + 1)), 414);
    assert_eq!(answered(&with(&[&format!("X:{}", &long[2..])])), 101);
    assert_eq!(answered(&format!("GET / HTTP/1.1\r\nX:{}", &long[1..])), 431);
    assert_eq!(answered(&with(&["X: a"; 95])), 101);
    assert_eq!(answered(&with(&["X: a"; 96])), 431);
    let missing = (16 << 10) - with(&[&format!("X:{}", &long[2..]), "Y:"]).len();
    let of = |missing| with(&[&format!("X:{}", &long[2..]), &format!("Y:{}", &long[..missing])]);
    assert_eq!(of(missing).len(), 16 << 10);
    assert_eq!(answered(&of(missing)), 101);
    assert_eq!(answered(&of(missing + 1)), 431);
}

#[test]
fn hosts() {
    assert_eq!(answered(&replaced("Host", &["HOST: [::1]:80"])), 101);
    for fields in [&[][..], &["Host: a", "Host: a"], &["Host:"], &["Host: a b"], &["Host: a/b"], &["Host: a, b"]] {
        assert_eq!(answered(&replaced("Host", fields)), 400, "{fields:?}");
    }
}

#[test]
fn bodies() {
    for field in ["Content-Length: 0", "Content-Length: 00"] {
        assert_eq!(answered(&with(&[field])), 101, "{field}");
    }
    for fields in [
        &["Content-Length: 5"][..],
        &["Content-Length:"],
        &["Content-Length: -1"],
        &["Content-Length: 0", "Content-Length: 5"],
        &["Content-Length: 0, 5"],
        &["Transfer-Encoding: chunked"],
        &["Transfer-Encoding: identity"],
        &["transfer-encoding:"],
    ] {
        assert_eq!(answered(&with(fields)), 400, "{fields:?}");
    }
    // The method goes before the body, and the body before the upgrade.
    assert_eq!(answered(&get("POST / HTTP/1.1", &["Host: a", "Content-Length: 5"])), 405);
    assert_eq!(answered(&get("GET / HTTP/1.1", &["Host: a", "Content-Length: 5"])), 400);
}

#[test]
fn upgrades() {
    for (name, fields, status) in [
        ("Upgrade", &[][..], 426),
        ("Upgrade", &["Upgrade: WEBSOCKET"], 101),
        ("Upgrade", &["Upgrade: h2c,, websocket"], 101),
        ("Upgrade", &["Upgrade: h2c", "Upgrade: websocket"], 101),
        ("Upgrade", &["Upgrade: h2c"], 426),
        ("Upgrade", &["Upgrade: websockets"], 426),
        ("Connection", &[], 426),
        ("Connection", &["Connection: keep-alive, , UPGRADE,"], 101),
        ("Connection", &["Connection: keep-alive", "Connection: upgrade"], 101),
        ("Connection", &["Connection: keep-alive"], 426),
        ("Connection", &["Connection: NoUpgradePlease"], 426),
    ] {
        assert_eq!(answered(&replaced(name, fields)), status, "{fields:?}");
    }
}

#[test]
fn versions_and_keys() {
    for fields in [
        &[][..],
        &["Sec-WebSocket-Version: 8"],
        &["Sec-WebSocket-Version: 013"],
        &["Sec-WebSocket-Version: 13, 8"],
        &["Sec-WebSocket-Version:"],
        &["Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13"],
    ] {
        assert_eq!(answered(&replaced("Sec-WebSocket-Version", fields)), 426, "{fields:?}");
    }
    for fields in [
        &[][..],
        &["Sec-WebSocket-Key:"],
        &["Sec-WebSocket-Key: YWFhYWFhYWFhYWFhYWFh"],
        &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR=="],
        &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="],
    ] {
        assert_eq!(answered(&replaced("Sec-WebSocket-Key", fields)), 400, "{fields:?}");
    }
}

#[test]
fn offers_and_origins() {
    for (field, status) in [
        ("Sec-WebSocket-Protocol: a, b", 101),
        ("Sec-WebSocket-Protocol: a, a", 400),
        ("Sec-WebSocket-Protocol:", 400),
        ("Sec-WebSocket-Protocol: a b", 400),
        ("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits", 101),
        ("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\"10\", x", 101),
        ("Sec-WebSocket-Extensions:", 400),
        ("Sec-WebSocket-Extensions: a;", 400),
        ("Origin: http://evil.example", 101),
    ] {
        assert_eq!(answered(&with(&[field])), status, "{field}");
    }
    let config = Config { origins: Origins::SameHost, ..config() };
    assert_eq!(status(with(&["Origin: http://example.com"]).as_bytes(), &config), 101);
    assert_eq!(status(with(&["Origin: http://evil.example"]).as_bytes(), &config), 403);
    // The host of the URL is the one that counts (RFC 9112 3.2.2).
    let absolute = get("GET http://b.example/ HTTP/1.1", &[&VALID[..], &["Origin: http://b.example"]].concat());
    assert_eq!(status(absolute.as_bytes(), &config), 101);
}

#[test]
fn refusals_end_the_connection_and_say_what_to_do() {
    for (request, fields) in [
        (get("POST / HTTP/1.1", &VALID), &["Connection: close", "Allow: GET"][..]),
        (replaced("Upgrade", &[]), &["Connection: close, upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]),
        (replaced("Host", &[]), &["Connection: close"]),
    ] {
        let (answer, rest) = serve(format!("{request}{request}").as_bytes(), &config()).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let length = format!("Content-Length: {}", body.len());
        for field in fields.iter().copied().chain([length.as_str()]) {
            assert!(head.split("\r\n").any(|line| line == field), "{field} is not in\n{head}");
        }
        assert!(rest.is_empty(), "what is behind a refused request is not parsed");
    }
    // RFC 9110 9.3.2: whoever asks with HEAD does not expect a body, whatever is wrong.
    for (request, status) in [
        (get("HEAD / HTTP/1.1", &VALID), 405),
        (get("HEAD / HTTP/1.1", &[]), 400),
        (get("HEAD / HTTP/1.0", &VALID), 505),
        (get("HEAD / HTTP/1.1", &["a: b\nc"]), 400),
    ] {
        let (answer, _) = serve(request.as_bytes(), &config()).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.ends_with("\r\n\r\n"), "{answer}");
        assert!(answer.contains("\r\nContent-Length: 0\r\n"), "{answer}");
    }
    let timeout = answer::refusal_bytes(&Refusal::timeout(), &config(), false);
    assert!(timeout.starts_with(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"));
}

#[test]
fn frames_behind_the_head_are_left() {
    let (answer, rest) = serve(format!("{}frames", with(&[])).as_bytes(), &config()).unwrap();
    assert_eq!(
        answer,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    );
    assert_eq!(rest, b"frames");
    assert_eq!(serve(with(&[]).strip_suffix("\n").unwrap().as_bytes(), &config()), None);
}

#[test]
fn subprotocols_are_chosen_by_the_application_or_else_in_the_servers_order() {
    let config = Config { subprotocols: ["x".into(), "b".into(), "a".into()].into(), ..config() };
    let offers = with(&["Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: b, c"]);
    for (request, named, chosen) in [
        (&offers, None, Ok(Some("b"))),
        (&offers, Some("c"), Ok(Some("c"))),
        (&offers, Some("x"), Err(SendError::InvalidAnswer)),
        (&offers, Some("A"), Err(SendError::InvalidAnswer)),
        (&with(&[]), None, Ok(None)),
        (&with(&[]), Some("a"), Err(SendError::InvalidAnswer)),
    ] {
        let (_, asked) = ask(request, &config).unwrap();
        let response = Response { subprotocol: named.map(String::from), ..Response::default() };
        let accepted = asked.accept(&response, &config);
        let answer = accepted.as_ref().map_or(String::new(), |(answer, _)| String::from_utf8(answer.clone()).unwrap());
        assert_eq!(accepted.map(|(_, opened)| opened.subprotocol), chosen.map(|name| name.map(String::from)));
        let field = answer.split("\r\n").find_map(|line| line.strip_prefix("Sec-WebSocket-Protocol: "));
        assert_eq!(field, chosen.ok().flatten());
    }
}

#[test]
fn applications_add_fields_but_not_the_protocols() {
    let (_, asked) = ask(&with(&[]), &config()).unwrap();
    let field = |name: &str, value: &str| Vec::from([(String::from(name), String::from(value))]);
    let accept = |headers| asked.accept(&Response { headers, ..Response::default() }, &config());
    let (answer, _) = accept(field("Set-Cookie", "a=b")).unwrap();
    assert!(answer.ends_with(b"\r\nSet-Cookie: a=b\r\n\r\n"));
    for headers in [field("X", "a\r\nY: b"), field("Upgrade", "x"), field("sec-websocket-accept", "x")] {
        assert_eq!(accept(headers.clone()).err(), Some(SendError::InvalidAnswer));
        assert_eq!(reject(&Rejection { headers, ..Rejection::new(404) }), Err(SendError::InvalidAnswer));
    }
}

#[test]
fn rejections_have_a_status_from_300_to_599() {
    for status in [0, 101, 200, 299, 600] {
        assert_eq!(reject(&Rejection::new(status)), Err(SendError::InvalidAnswer), "{status}");
    }
    let expected = "HTTP/1.1 300 Multiple Choices\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(reject(&Rejection::new(300)).as_deref(), Ok(expected.as_bytes()));
    assert!(reject(&Rejection::new(599)).unwrap().starts_with(b"HTTP/1.1 599 \r\n"));
    let answer = reject(&Rejection::unavailable(5)).unwrap();
    assert!(String::from_utf8(answer).unwrap().contains("\r\nRetry-After: 5\r\n"));
    assert_eq!(Rejection::new(404).refusal(true).status, 404);
}
