//! The application answers a plain GET, on the port of the WebSocket.

use crate::{Host, Loop, Way, http, http::Head, script::Script};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use timtow_core::{
    Page,
    app::{Echo, Options},
};

/// A request that asks for no WebSocket.
pub(crate) fn plain(method: &str, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: example.com\r\nConnection: keep-alive\r\n\r\n")
}

/// The answer is 426, as RFC 9110 15.5.22 wants it.
pub(crate) fn assert_upgrade_required(head: &Head) {
    assert_eq!((head.status(), head.only("Connection"), head.only("Upgrade")), (426, "close, upgrade", "websocket"));
    assert_eq!(head.only("Sec-WebSocket-Version"), "13");
}

/// The page comes, and the end of the connection, as it says (RFC 9112 9.6); WebSockets open beside it.
pub fn a_page_on_the_same_port<L: Loop>(_: Way) {
    let (mut script, _told) = Script::new();
    script.page = Box::new(|request, peer| {
        assert!(!request.is_upgrade());
        let seen = format!("{} {:?} {peer:?}", request.path(), request.query());
        Some(Page::html(seen).header("X-Own", "y"))
    });
    let host = script.serve::<L>();
    let requests = [
        plain("GET", "/index?a=b"),
        plain("GET", "http://example.com/index?a=b"),
        // Another protocol that nobody has to speak (RFC 9110 7.8); and a page may be asked for from anywhere.
        plain("GET", "/index?a=b").replace("keep-alive", "Upgrade\r\nUpgrade: h2c\r\nOrigin: http://o.example"),
    ];
    for request in requests {
        let mut peer = host.peer();
        peer.write_slowly(request);
        let (head, body) = peer.response();
        assert_eq!((head.start.as_str(), head.only("Connection")), ("HTTP/1.1 200 OK", "close"));
        assert_eq!((head.only("Content-Type"), head.only("X-Own")), ("text/html; charset=utf-8", "y"));
        let address = peer.stream().local_addr().expect("an address");
        assert_eq!(body, format!("/index Some(\"a=b\") {:?}", Some(address)));
        peer.expect_end();
    }
    let mut peer = host.open();
    peer.close();
}

/// Where the application has no page the answer is 426, and so it is where it has none at all; a handshake that is only
/// half of one gets it in any case.
pub fn a_plain_get_without_a_page<L: Loop>(_: Way) {
    let (mut script, _told) = Script::new();
    script.page = Box::new(|request, _| (request.path() == "/here").then(|| Page::text("here")));
    let some = script.serve::<L>();
    let none = Host::<L>::serve(Options::default(), Echo);
    let half = http::request("/here", "").replace("Connection: Upgrade", "Connection: close");
    for (host, request) in
        [(&some, plain("GET", "/there")), (&some, half.clone()), (&none, plain("GET", "/here")), (&none, half)]
    {
        let mut peer = host.peer();
        peer.write(request);
        assert_upgrade_required(&peer.response().0);
        peer.expect_end();
    }
}

/// Only GET has a page; and what is wrong with a request is wrong with one for a page, too.
pub fn other_methods<L: Loop>(_: Way) {
    let (mut script, _told) = Script::new();
    script.page = Box::new(|request, _| panic!("asked for {request:?}"));
    let host = script.serve::<L>();
    for method in ["HEAD", "POST", "PUT", "OPTIONS", "get"] {
        let mut peer = host.peer();
        peer.write(plain(method, "/"));
        let (head, _) = peer.response();
        assert_eq!((head.status(), head.only("Allow"), head.only("Connection")), (405, "GET", "close"), "{method}");
        peer.expect_end();
    }
    for (found, replacement, status) in [
        ("Host: example.com\r\n", "", 400),
        ("keep-alive", "keep-alive\r\nContent-Length: 5", 400),
        ("keep-alive", "keep-alive\r\nTransfer-Encoding: chunked", 400),
        ("HTTP/1.1", "HTTP/1.0", 505),
        ("GET /", "GET *", 400),
    ] {
        let mut peer = host.peer();
        peer.write(plain("GET", "/").replace(found, replacement));
        assert_eq!(peer.response().0.status(), status, "{replacement}");
        peer.expect_end();
    }
}

/// A second request on the connection is not read, in the same segment or behind the answer: the connection ends, which
/// the answer has said.
pub fn a_second_request_is_not_read<L: Loop>(_: Way) {
    let (mut script, _told) = Script::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    script.page = Box::new(move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
        Some(Page::text("once"))
    });
    let host = script.serve::<L>();
    let mut peer = host.peer();
    peer.write([plain("GET", "/a"), plain("GET", "/b"), http::request("/c", "")].concat());
    assert_eq!(peer.response().1, "once");
    // It may be gone, which is no concern of whoever writes now.
    let _ = peer.try_write(plain("GET", "/d"));
    peer.expect_end();
    drop(peer);
    host.drain();
    host.join();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

/// A page that is larger than any buffer comes whole, also to a client that sends all the time.
pub fn a_large_page<L: Loop>(_: Way) {
    let (mut script, _told) = Script::new();
    let body: String = (0..1 << 20).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
    let page = Page::text(body.clone()).status(404);
    script.page = Box::new(move |_, _| Some(page.clone()));
    let host = script.serve::<L>();
    let mut peer = host.peer();
    peer.write([plain("GET", "/").as_bytes(), &[b'x'; 100_000]].concat());
    let (head, received) = peer.response();
    assert_eq!((head.status(), head.only("Content-Type")), (404, "text/plain; charset=utf-8"));
    assert!(received == body, "{} bytes", received.len());
    peer.expect_end();
}

/// A page that could not stand on the wire is the server's own fault, and splits nothing.
pub fn a_page_that_cannot_be_sent<L: Loop>(_: Way) {
    let (mut script, _told) = Script::new();
    script.page = Box::new(|request, _| {
        let page = Page::text("page");
        Some(match request.path() {
            "/split" => page.header("X", "y\r\nSet-Cookie: evil"),
            "/type" => Page::new("text/plain\r\nSet-Cookie: evil", "page"),
            "/frames" => page.header("Transfer-Encoding", "chunked"),
            "/switched" => page.status(101),
            "/early" => page.status(199),
            "/late" => page.status(600),
            _ => page.status(204),
        })
    });
    let host = script.serve::<L>();
    for target in ["/split", "/type", "/frames", "/switched", "/early", "/late", "/empty"] {
        let mut peer = host.peer();
        peer.write(plain("GET", target));
        let (head, body) = peer.response();
        assert_eq!((head.status(), body.as_str()), (500, ""), "{target}");
        assert!(head.all("Set-Cookie").is_empty());
        peer.expect_end();
    }
}
