//! The application answers the opening handshake.

use crate::{
    Host, Loop, Way,
    frame::{Frame, TEXT},
    http,
    script::{Script, Told},
};
use timtow_core::{
    Rejection, Response, SetCookie,
    app::{Echo, Options},
};

/// The application sees target, header fields, cookies, and the address of the other end.
pub fn the_request_is_seen<L: Loop>(_: Way) {
    let (mut script, _told) = Script::new();
    script.request = Box::new(|request, peer| {
        let cookies: Vec<_> = request.cookies().map(|(name, value)| format!("{name}={value}")).collect();
        let seen = [
            request.target.clone(),
            request.host().into(),
            request.origin().unwrap_or_default().into(),
            request.headers.first("X-Header").unwrap_or_default().into(),
            request.subprotocols().collect::<Vec<_>>().join("+"),
            request.extensions().collect::<Vec<_>>().join("+"),
            cookies.join("+"),
            peer.map(|peer| peer.to_string()).unwrap_or_default(),
        ];
        Ok(Response { headers: vec![("X-Seen".into(), seen.join(" "))], ..Response::default() })
    });
    let host = script.serve::<L>();
    let mut peer = host.peer();
    let lines = "Origin: http://example.com\r\nX-Header: y\r\nCookie: a=1; b=2\r\nSec-WebSocket-Protocol: p, q\r\n\
                 Sec-WebSocket-Extensions: x;y, z\r\n";
    peer.write(http::request("/chat?room=1", lines));
    let (head, _) = peer.response();
    let address = peer.stream().local_addr().expect("an address");
    let seen = format!("/chat?room=1 example.com http://example.com y p+q x;y+z a=1+b=2 {address}");
    assert_eq!(head.only("X-Seen"), seen);
    peer.close();
}

/// RFC 6455 4.2.2, item 5.5: the application may choose among the subprotocols that were offered, and set header fields of
/// its own, two cookies included.
pub fn the_answer_is_the_applications<L: Loop>(_: Way) {
    let (mut script, _told) = Script::new();
    script.request = Box::new(|request, _| {
        let subprotocol = request.subprotocols().last().map(str::to_owned);
        let cookie = |value: &str| ("Set-Cookie".to_owned(), value.to_owned());
        Ok(Response {
            subprotocol,
            headers: vec![cookie("a=1; HttpOnly"), ("X-Own".into(), "y".into()), cookie("b=2")],
        })
    });
    let host = script.serve::<L>();
    let mut peer = host.peer();
    peer.write(http::request("/", "Sec-WebSocket-Protocol: p, q\r\n"));
    let (head, _) = peer.response();
    assert_eq!(head.only("Sec-WebSocket-Protocol"), "q");
    assert_eq!(head.all("Set-Cookie"), ["a=1; HttpOnly", "b=2"]);
    assert_eq!(head.only("X-Own"), "y");
    peer.close();
}

/// A cookie that the client sends is seen, and one that the application sets is sent (RFC 6265 4), with an answer of either
/// kind; one that would split the head is never made.
pub fn cookies_go_both_ways<L: Loop>(_: Way) {
    let (mut script, _told) = Script::new();
    script.request = Box::new(|request, _| {
        let seen = request.cookies().find(|(name, _)| *name == "id").map(|(_, value)| value);
        let id = SetCookie { path: Some("/".into()), http_only: true, ..SetCookie::new("id", seen.unwrap_or("new")) };
        assert!(Response::default().cookie(&SetCookie::new("id", "7\r\nX: y")).is_err());
        match request.path() {
            "/in" => Ok(Response::default().cookie(&id).expect("a cookie")),
            _ => Err(Rejection::text(403, "out\n").cookie(&id).expect("a cookie")),
        }
    });
    let host = script.serve::<L>();
    for (lines, cookie) in [("", "id=new; Path=/; HttpOnly"), ("Cookie: a=b; id=7\r\n", "id=7; Path=/; HttpOnly")] {
        let mut peer = host.peer();
        peer.write(http::request("/in?x", lines));
        assert_eq!(peer.response().0.only("Set-Cookie"), cookie);
        peer.close();
        let mut peer = host.peer();
        peer.write(http::request("/out", lines));
        let (head, body) = peer.response();
        assert_eq!((head.status(), head.only("Set-Cookie"), body.as_str()), (403, cookie, "out\n"));
        assert_eq!(head.only("Content-Type"), "text/plain; charset=utf-8");
        peer.expect_end();
    }
}

/// The application may refuse, with a status, header fields and a body; the connection then ends, and has no handler.
pub fn a_rejection<L: Loop>(_: Way) {
    let (mut script, told) = Script::new();
    script.request = Box::new(|request, _| {
        let mut rejection = match request.target.as_str() {
            "/moved" => Rejection::new(308),
            "/broken" => Rejection::new(200),
            _ => Rejection::new(404),
        };
        rejection.headers.push(("Location".into(), "/elsewhere".into()));
        rejection.body = b"not here\n".to_vec();
        Err(rejection)
    });
    let host = script.serve::<L>();
    for (target, status, expected) in
        [("/moved", 308, "not here\n"), ("/lost", 404, "not here\n"), ("/broken", 500, "")]
    {
        let mut peer = host.peer();
        let glued = peer.encode(&Frame::new(TEXT, "nobody hears this"));
        peer.write([http::request(target, "").as_bytes(), &glued].concat());
        let (head, body) = peer.response();
        assert_eq!((head.status(), head.only("Connection"), body.as_str()), (status, "close", expected));
        if status != 500 {
            assert_eq!(head.only("Location"), "/elsewhere");
        }
        peer.expect_end();
    }
    host.drain();
    host.join();
    assert!(told.try_recv().is_err());
}

/// An answer that could not stand on the wire is the server's own fault, and splits nothing.
pub fn an_answer_that_cannot_be_sent<L: Loop>(_: Way) {
    let (mut script, told) = Script::new();
    script.request = Box::new(|request, _| {
        let headers = match request.target.as_str() {
            "/split" => vec![("X".into(), "y\r\nSet-Cookie: evil".into())],
            _ => vec![],
        };
        Ok(Response { headers, subprotocol: (request.target == "/unasked").then(|| "p".into()) })
    });
    let host = script.serve::<L>();
    for target in ["/split", "/unasked"] {
        let mut peer = host.peer();
        peer.write(http::request(target, ""));
        let (head, _) = peer.response();
        assert_eq!(head.status(), 500);
        assert!(head.all("Set-Cookie").is_empty());
        peer.expect_end();
    }
    host.drain();
    host.join();
    assert_eq!(told.try_iter().filter(|told| *told != Told::Dropped).count(), 0);
}

/// Over the limit of connections the answer is 503 with `Retry-After` (RFC 9110 15.6.4); when one has ended there is room.
pub fn too_many_connections<L: Loop>(_: Way) {
    let host = Host::<L>::serve(Options { max_connections: 2, ..Options::default() }, Echo);
    let mut peers = vec![host.open(), host.open()];
    for _ in 0..3 {
        let mut refused = host.peer();
        refused.write(http::request("/", ""));
        let (head, _) = refused.response();
        assert_eq!((head.status(), head.only("Connection")), (503, "close"));
        assert!(head.only("Retry-After").parse::<u32>().is_ok());
        refused.expect_end();
    }
    for peer in &mut peers {
        peer.echo("still served");
    }
    peers.remove(0).close();
    let mut third = host.open();
    third.echo("Hello");
    third.close();
    peers.remove(0).close();
}
