//! RFC 6455 4.1, item 1: "the client MAY follow redirects", and what RFC 9110 15.4 says of them. On request, not without;
//! credentials stay with their origin (RFC 6454 5).

use crate::{Host, Loop, Peer, Way, http};
use std::net::{SocketAddr, TcpListener};
use timtow_core::{Cause, Config, Connect, Error, HandshakeError, HandshakeFailure, UrlError};

/// Answers with a redirect, and sees the client go.
fn send_to(mut peer: Peer, status: u16, location: &str) {
    peer.write(format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 6\r\n\r\nmoved\n"));
    peer.expect_end();
    peer.shutdown();
}

/// A client on its way, with everything that may be of interest in its request.
fn start<L: Loop>(host: &Host<L>, redirects: u8) {
    let connect = Connect::to(&format!("ws://user:pass@{}/start", host.address()))
        .expect("a URL")
        .header("X-Own", "y")
        .subprotocol("p")
        .redirects(redirects);
    host.connect(connect.cookie("id", "7").expect("a cookie"));
}

/// The next connection to the host.
fn next<L: Loop>(host: &Host<L>) -> Peer {
    let mut peer = host.accept_peer();
    peer.greet();
    peer
}

fn failed<L: Loop>(host: &Host<L>) -> HandshakeError {
    let end = host.end();
    match end.cause() {
        Cause::Failed(error) => (**error).clone(),
        _ => panic!("{end:?}"),
    }
}

/// All five statuses are followed, relative or not, and everything is asked for again.
pub fn on_the_same_origin<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for (status, location, target) in [
        (301, "/b?c=d".to_owned(), "/b?c=d"),
        (302, "b".to_owned(), "/b"),
        (303, "?c".to_owned(), "/start?c"),
        (307, format!("http://{}/b", host.address()), "/b"),
        (308, format!("ws://{}", host.address()), "/"),
    ] {
        start(&host, 1);
        let mut peer = next(&host);
        let first = peer.head();
        send_to(peer, status, &location);
        let mut peer = next(&host);
        let second = peer.head();
        assert_eq!(second.start, format!("GET {target} HTTP/1.1"), "{location}");
        for name in ["Host", "Authorization", "Cookie", "X-Own", "Sec-WebSocket-Protocol", "Sec-WebSocket-Version"] {
            assert_eq!(second.only(name), first.only(name), "{name}");
        }
        assert_ne!(second.only("Sec-WebSocket-Key"), first.only("Sec-WebSocket-Key"));
        peer.write(http::switching(second.only("Sec-WebSocket-Key"), "Sec-WebSocket-Protocol: p\r\n"));
        peer.echo("Hello");
        peer.close();
        host.end().expect_clean(1000, "");
    }
}

/// Another port is another origin: no credentials go there, nor do they come back from there.
pub fn to_another_origin<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let elsewhere = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address: SocketAddr = elsewhere.local_addr().expect("its address");
    start(&host, 2);
    let mut peer = next(&host);
    assert_eq!(peer.head().all("Authorization").len(), 1);
    send_to(peer, 302, &format!("ws://other:secret@{address}/b"));

    let (stream, _) = elsewhere.accept().expect("the client");
    let mut peer = Peer::new(stream, timtow_core::Role::Server, way.transport);
    peer.greet();
    let check = |peer: &mut Peer, at: SocketAddr, target: &str| {
        let head = peer.head();
        assert_eq!((head.start.as_str(), head.only("Host")), (target, at.to_string().as_str()));
        assert!(head.all("Authorization").is_empty() && head.all("Cookie").is_empty(), "{head:?}");
        assert_eq!((head.only("X-Own"), head.only("Sec-WebSocket-Protocol")), ("y", "p"));
        head
    };
    check(&mut peer, address, "GET /b HTTP/1.1");
    send_to(peer, 302, &format!("http://{}/c", host.address()));

    let mut peer = next(&host);
    let head = check(&mut peer, host.address(), "GET /c HTTP/1.1");
    peer.write(http::switching(head.only("Sec-WebSocket-Key"), ""));
    peer.echo("Hello");
    peer.close();
    host.end().expect_clean(1000, "");
}

/// Who does not ask for it is not sent elsewhere, but told.
pub fn only_on_request<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for status in [301, 302, 303, 307, 308] {
        start(&host, 0);
        let mut peer = next(&host);
        peer.head();
        send_to(peer, status, "/b");
        let error = failed(&host);
        assert_eq!((error.kind, error.status), (HandshakeFailure::Status, status));
        assert_eq!((error.headers.first("Location"), &error.body[..]), (Some("/b"), &b"moved\n"[..]));
    }
}

/// A loop ends.
pub fn at_most_ten<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for (asked, followed) in [(2, 2), (u8::MAX, 10)] {
        start(&host, asked);
        for number in 0..=followed {
            let mut peer = next(&host);
            let target = if number == 0 { "/start".to_owned() } else { format!("/{number}") };
            assert_eq!(peer.head().start, format!("GET {target} HTTP/1.1"));
            send_to(peer, 307, &format!("/{}", number + 1));
        }
        let error = failed(&host);
        assert_eq!((error.kind, error.status), (HandshakeFailure::TooManyRedirects, 307));
    }
}

/// What is no WebSocket's URL is not gone to; nor is `wss://`, where there is no TLS.
pub fn to_where_must_not_be_gone<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for location in ["ftp://127.0.0.1/", "file:///etc/passwd", "http://", "/b#c"] {
        start(&host, 5);
        let mut peer = next(&host);
        peer.head();
        send_to(peer, 302, location);
        let error = failed(&host);
        assert_eq!((error.kind, error.status), (HandshakeFailure::Redirect, 302), "{location}");
        assert_eq!((error.headers.first("Location"), &error.body[..]), (Some(location), &b"moved\n"[..]));
    }
    if !way.transport {
        start(&host, 5);
        let mut peer = next(&host);
        peer.head();
        send_to(peer, 302, "https://127.0.0.1/");
        match host.end() {
            crate::End::Failed(Error::Url(UrlError::Secure)) => {}
            end => panic!("{end:?}"),
        }
    }
}

/// Where nobody listens behind a redirect there is an error, as anywhere.
pub fn to_where_nobody_listens<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    start(&host, 5);
    let mut peer = next(&host);
    peer.head();
    send_to(peer, 302, &format!("ws://{nobody}/"));
    match host.end() {
        crate::End::Failed(Error::Io(_)) => {}
        end => panic!("{end:?}"),
    }
}

/// The answer that counts is the last one.
pub fn what_fails_behind_one<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    start(&host, 5);
    let mut peer = next(&host);
    peer.head();
    send_to(peer, 302, "/b");
    let mut peer = next(&host);
    peer.head();
    peer.write("HTTP/1.1 403 Forbidden\r\nX-Why: because\r\nContent-Length: 4\r\n\r\nno!\n");
    peer.expect_end();
    peer.shutdown();
    let error = failed(&host);
    assert_eq!((error.kind, error.status, &error.body[..]), (HandshakeFailure::Status, 403, &b"no!\n"[..]));
    assert_eq!(error.headers.first("X-Why"), Some("because"));
}
