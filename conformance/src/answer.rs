//! Whoever accepts one connection answers its request.

use crate::{
    End, Host, Loop, Way,
    app_page::{assert_upgrade_required, plain},
    frame::{Frame, TEXT},
    http,
};
use timtow_core::{Cause, Config, Page, Rejection, Response, SendError, SetCookie};

fn pages(pages: bool) -> Config {
    Config { pages, ..Config::default() }
}

/// The end of a connection whose request was answered with something else than 101.
fn expect_refused<L: Loop>(host: &Host<L>, status: u16) {
    match host.end().cause() {
        Cause::Refused(refusal) => assert_eq!(refusal.status, status),
        cause => panic!("{cause:?}"),
    }
}

/// The request is seen, and subprotocol, header fields and cookies are sent with the answer.
pub fn an_answer_with_a_cookie<L: Loop>(way: Way) {
    let host = Host::<L>::idle(way);
    let mut peer = host.accept_with(|request| {
        let seen: Vec<_> = request.cookies().map(|(_, value)| value).collect();
        let response = Response::default().subprotocol("q").header("X-Seen", seen.join("+"));
        Ok(response.cookie(&SetCookie::new("id", "7")).expect("a cookie"))
    });
    peer.write(http::request("/", "Cookie: a=1; b=2\r\nSec-WebSocket-Protocol: p, q\r\n"));
    let (head, _) = peer.response();
    assert_eq!((head.status(), head.only("Sec-WebSocket-Protocol")), (101, "q"));
    assert_eq!((head.only("X-Seen"), head.only("Set-Cookie")), ("1+2", "id=7"));
    peer.echo("Hello");
    peer.close();
    host.end().expect_clean(1000, "");
}

/// Status, header fields and body of a rejection are sent, the connection ends, and whoever accepts is told.
pub fn a_rejection_with_a_body<L: Loop>(way: Way) {
    let host = Host::<L>::idle(way);
    let mut peer = host.accept_with(|_| Err(Rejection::text(401, "who?\n").header("WWW-Authenticate", "Basic")));
    let glued = peer.encode(&Frame::new(TEXT, "nobody hears this"));
    peer.write([http::request("/", "").as_bytes(), &glued].concat());
    let (head, body) = peer.response();
    assert_eq!((head.status(), head.only("Connection"), body.as_str()), (401, "close", "who?\n"));
    assert_eq!(head.only("WWW-Authenticate"), "Basic");
    assert_eq!(head.only("Content-Type"), "text/plain; charset=utf-8");
    peer.expect_end();
    peer.shutdown();
    expect_refused(&host, 401);
}

/// An answer that could not stand on the wire is an error of whoever gives it, and nothing of it is sent.
pub fn an_answer_that_cannot_be_sent<L: Loop>(way: Way) {
    let host = Host::<L>::idle(way);
    let injected = "y\r\nSet-Cookie: evil";
    let answers = [
        Ok(Response::default().header("X", injected)),
        Ok(Response::default().subprotocol("unasked")),
        Err(Rejection::text(403, "").header("X", injected)),
        Err(Rejection::body(403, injected, "")),
        // A page is no answer to whoever asks for a WebSocket.
        Err(Page::text("page").into()),
    ];
    for answer in answers {
        let mut peer = host.accept_with(move |_| answer);
        peer.write(http::request("/", ""));
        match host.end() {
            End::Failed(timtow_core::Error::Send(SendError::InvalidAnswer)) => {}
            end => panic!("{end:?}"),
        }
        peer.expect_loss();
    }
}

/// Who asks for plain GETs may answer them with a page; who accepts one is of no help to it, and it gets its 426.
pub fn a_page_on_request<L: Loop>(way: Way) {
    let host = Host::<L>::idle_with(way, pages(true));
    let mut peer = host.accept_with(|request| {
        assert!(!request.is_upgrade());
        Err(Page::html(format!("<p>{}", request.path())).into())
    });
    peer.write([plain("GET", "/a"), plain("GET", "/b")].concat());
    let (head, body) = peer.response();
    assert_eq!((head.start.as_str(), head.only("Connection")), ("HTTP/1.1 200 OK", "close"));
    assert_eq!((head.only("Content-Type"), body.as_str()), ("text/html; charset=utf-8", "<p>/a"));
    peer.expect_end();
    peer.shutdown();
    expect_refused(&host, 200);

    let mut peer = host.accept_with(|_| Ok(Response::default()));
    peer.write(plain("GET", "/"));
    assert_upgrade_required(&peer.response().0);
    peer.expect_end();
    peer.shutdown();
    expect_refused(&host, 426);

    let mut peer = host.accept_with(|request| {
        assert!(request.is_upgrade());
        Ok(Response::default())
    });
    peer.shake_hands();
    peer.close();
    host.end().expect_clean(1000, "");
}

/// Who does not ask for them is not asked.
pub fn no_page_without_a_request_for_it<L: Loop>(way: Way) {
    let host = Host::<L>::idle_with(way, pages(false));
    let mut peer = host.accept_with(|request| panic!("asked for {request:?}"));
    peer.write(plain("GET", "/"));
    assert_upgrade_required(&peer.response().0);
    peer.expect_end();
    peer.shutdown();
    expect_refused(&host, 426);
}
