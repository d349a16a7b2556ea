//! Redirects, followed and refused.

use super::*;
use crate::{Config, Connection, Event};
use alloc::{string::ToString, vec::Vec};
use std::sync::Arc;

/// An answer with this status and these header lines.
fn answer(status: u16, lines: &str) -> HandshakeError {
    let headers = {
        let mut client = Connection::client(
            ClientRequest { host: "h".into(), ..ClientRequest::default() },
            Arc::new(Config::default()),
        )
        .unwrap();
        let mut bytes = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n{lines}\r\n").into_bytes();
        match client.receive(&mut &mut bytes[..]) {
            Some(Event::Closed(Closed { cause: Cause::Failed(error), .. })) => error.headers,
            event => panic!("{event:?}"),
        }
    };
    HandshakeError { kind: HandshakeFailure::Status, status, headers, body: Vec::new() }
}

fn moved(location: &str) -> HandshakeError {
    answer(302, &format!("Location: {location}\r\n"))
}

/// Where the redirect leads: scheme, host, port and target.
fn follow(url: &str, location: &str) -> Result<String, HandshakeFailure> {
    let next = Connect::to(url).unwrap().redirects(1).redirect(moved(location)).map_err(|error| error.kind)?;
    let Target { host, port, secure } = next.target;
    Ok(format!("{} {host} {port} {} {}", if secure { "wss" } else { "ws" }, next.request.host, next.request.target))
}

#[test]
fn locations_are_resolved() {
    for (url, location, expected) in [
        ("ws://a.example/b/c?d", "ws://e.example:81/f?g", "ws e.example 81 e.example:81 /f?g"),
        ("ws://a.example/b/c?d", "http://e.example", "ws e.example 80 e.example /"),
        ("ws://a.example/b/c?d", "HTTPS://e.example/", "wss e.example 443 e.example /"),
        ("ws://a.example/b/c?d", "wss://e.example/", "wss e.example 443 e.example /"),
        ("wss://a.example/", "https://e.example:80/", "wss e.example 80 e.example:80 /"),
        ("ws://a.example:81/b/c?d", "e", "ws a.example 81 a.example:81 /b/e"),
        ("ws://a.example:81/b/c?d", "/e", "ws a.example 81 a.example:81 /e"),
        ("ws://a.example:81/b/c?d", "?e", "ws a.example 81 a.example:81 /b/c?e"),
        ("ws://a.example/b/c", "../../e", "ws a.example 80 a.example /e"),
        ("wss://a.example/b", "//e.example/f", "wss e.example 443 e.example /f"),
        ("ws://[::1]:81/b", "/c", "ws ::1 81 [::1]:81 /c"),
        ("wss://a.example/b", "/c", "wss a.example 443 a.example /c"),
    ] {
        assert_eq!(follow(url, location).as_deref(), Ok(expected), "{url} {location}");
    }
}

#[test]
fn what_must_not_be_followed_is_not() {
    use HandshakeFailure::{Downgrade, Redirect};
    for (url, location, expected) in [
        ("ws://a.example/", "ftp://a.example/", Redirect),
        ("ws://a.example/", "file:///etc/passwd", Redirect),
        ("ws://a.example/", "javascript:alert(1)", Redirect),
        ("ws://a.example/", "ws://", Redirect),
        ("ws://a.example/", "ws://a.example:99999/", Redirect),
        ("ws://a.example/", "/b#c", Redirect),
        ("ws://a.example/", "ws://b.example/#", Redirect),
        ("wss://a.example/", "ws://a.example/", Downgrade),
        ("wss://a.example/", "http://b.example/", Downgrade),
    ] {
        assert_eq!(follow(url, location), Err(expected), "{url} {location}");
    }
    let connect = Connect::to("ws://a.example/").unwrap().redirects(1);
    for lines in ["", "Location: /b\r\nLocation: /b\r\n", "Location: /\u{fc}\r\nLocation: /c\r\n"] {
        let error = connect.redirect(answer(302, lines)).unwrap_err();
        assert_eq!(error.kind, Redirect, "{lines}");
        assert!(error.to_string().contains("302"), "{error}");
    }
}

#[test]
fn only_some_statuses_are_redirects_and_only_on_request() {
    let connect = Connect::to("ws://a.example/").unwrap();
    for status in 200..=599 {
        let answer = answer(status, "Location: /b\r\n");
        assert_eq!(connect.redirect(answer.clone()), Err(answer.clone()), "{status} unasked");
        let is_redirect = [301, 302, 303, 307, 308].contains(&status);
        assert_eq!(connect.clone().redirects(1).redirect(answer).is_ok(), is_redirect, "{status}");
    }
    // Whatever else is wrong with an answer, it is no redirect.
    let broken = HandshakeError { kind: HandshakeFailure::Malformed, ..moved("/b") };
    assert_eq!(connect.redirects(1).redirect(broken.clone()), Err(broken));
}

#[test]
fn redirects_are_counted() {
    for (asked, allowed) in [(1, 1), (3, 3), (10, 10), (11, 10), (u8::MAX, 10)] {
        let mut connect = Connect::to("ws://a.example/").unwrap().redirects(asked);
        for _ in 0..allowed {
            connect = connect.redirect(moved("/")).unwrap();
        }
        let error = connect.redirect(moved("/")).unwrap_err();
        assert_eq!((error.kind, error.status), (HandshakeFailure::TooManyRedirects, 302));
        assert!(error.to_string().contains("302"), "{error}");
    }
}

fn names(connect: &Connect) -> Vec<&str> {
    connect.request.headers.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn credentials_stay_with_their_origin() {
    let connect = Connect::to("ws://user:pass@a.example/")
        .unwrap()
        .header("cookie", "a=b")
        .header("PROXY-authorization", "Basic x")
        .header("X-Own", "y")
        .origin("http://o.example")
        .subprotocol("chat")
        .redirects(10);
    let all = ["Authorization", "cookie", "PROXY-authorization", "X-Own", "Origin"];
    for location in ["/b", "ws://a.example/b", "http://A.example:80/b"] {
        let next = connect.redirect(moved(location)).unwrap();
        assert_eq!((names(&next), &next.request.subprotocols), (all.to_vec(), &connect.request.subprotocols));
        assert_eq!(next.request.headers, connect.request.headers, "{location}");
    }
    for location in [
        "ws://a.example:81/b",
        "wss://a.example/b",
        "ws://b.example/b",
        "ws://a.example.b.example/",
        "ws://other:secret@b.example/",
    ] {
        let away = connect.redirect(moved(location)).unwrap();
        assert_eq!(names(&away), ["X-Own", "Origin"], "{location}");
    }
    // What is dropped is gone for good.
    let away = connect.redirect(moved("ws://b.example/")).unwrap();
    assert_eq!(names(&away.redirect(moved("ws://a.example/")).unwrap()), ["X-Own", "Origin"]);
    // The credentials of a URL on the same origin go before those of the last one.
    let other = connect.redirect(moved("ws://other:secret@a.example/")).unwrap();
    assert_eq!(names(&other), ["cookie", "PROXY-authorization", "X-Own", "Origin", "Authorization"]);
    assert_eq!(other.request.headers[4].1, "Basic b3RoZXI6c2VjcmV0");
}

#[cfg(feature = "legacy")]
#[test]
fn the_draft_stays() {
    let mut connect = Connect::to("ws://a.example/").unwrap().redirects(1);
    connect.request.draft = Some(crate::Draft::Hybi08);
    assert_eq!(connect.redirect(moved("ws://b.example/")).unwrap().request.draft, connect.request.draft);
}

#[test]
fn a_host_of_the_callers_own_stays_with_its_origin() {
    let mut connect = Connect::to("ws://127.0.0.1:81/").unwrap().redirects(1);
    connect.request.host = "virtual.example".into();
    assert_eq!(connect.redirect(moved("/b")).unwrap().request.host, "virtual.example");
    assert_eq!(connect.redirect(moved("ws://127.0.0.1/")).unwrap().request.host, "127.0.0.1");
}

#[test]
fn cookies_are_one_field_and_checked() {
    let connect = Connect::to("ws://a.example/").unwrap().cookie("a", "1").unwrap().cookie("b", "\"2\"").unwrap();
    assert_eq!(connect.request.headers, [("Cookie".into(), "a=1; b=\"2\"".into())]);
    for (name, value) in [("a", "b;c=d"), ("a", "b\r\nX: y"), ("a b", "c"), ("", "c"), ("a", "b c"), ("a=b", "c")] {
        assert_eq!(connect.clone().cookie(name, value), Err(SendError::InvalidHeader), "{name}={value}");
    }
}

#[test]
fn what_would_end_its_line_is_not_sent() {
    let connect = || Connect::to("ws://a.example/").unwrap();
    for injected in ["a\r\nX: y", "a\nX: y", "a\rX", "a\0"] {
        for connect in [
            connect().header("X-Own", injected),
            connect().header(injected, "a"),
            connect().origin(injected),
            connect().subprotocol(injected),
            connect().header("Cookie", injected),
        ] {
            let made = Connection::client(connect.request, Arc::new(Config::default()));
            assert_eq!(made.err(), Some(SendError::InvalidHeader), "{injected:?}");
        }
    }
}

#[test]
fn urls_become_one() {
    let url = "ws://a.example/b".to_string();
    let expected = Ok(Connect::to(&url).unwrap());
    assert_eq!(Connect::try_from(&url), expected);
    assert_eq!(Connect::try_from(url.as_str()), expected);
    assert_eq!(Connect::try_from(url), expected);
    assert_eq!(Connect::try_from("http://a.example/"), Err(UrlError::Scheme));
}
