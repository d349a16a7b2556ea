//! RFC 6455 4.2: a server answers the opening handshake, or refuses it.

use crate::{
    Host, Loop, Way,
    frame::{Frame, PING, PONG, TEXT},
    http,
};
use timtow_core::Config;

/// RFC 6455 4.2.2, item 5: "A Status-Line with a 101 response code", "An |Upgrade| header field with value 'websocket'", "A
/// |Connection| header field with value 'Upgrade'", "A |Sec-WebSocket-Accept| header field"; and no extension that is not
/// spoken (9.1).
pub fn a_request_is_answered<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.peer();
    peer.write(http::request("/chat?room=1", "Sec-WebSocket-Extensions: permessage-deflate, x-unknown; a=\"b\"\r\n"));
    let (head, _) = peer.response();
    assert_eq!(head.start, "HTTP/1.1 101 Switching Protocols");
    assert!(head.only("Upgrade").eq_ignore_ascii_case("websocket"));
    assert!(head.only("Connection").eq_ignore_ascii_case("upgrade"));
    assert_eq!(head.only("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert!(head.all("Sec-WebSocket-Extensions").is_empty());
    assert!(head.all("Sec-WebSocket-Protocol").is_empty());
    peer.echo("Hello");
    peer.close();
    host.end().expect_clean(1000, "");
}

/// The frames that come in one segment with the request are not lost, however many.
pub fn frames_behind_the_request<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for count in [1, 1_000] {
        let mut peer = host.peer();
        let mut bytes = http::request("/", "").into_bytes();
        let frames: Vec<Frame> = (0..count).map(|number| Frame::new(TEXT, format!("glued {number}"))).collect();
        bytes.extend(peer.encode_all(&frames));
        bytes.extend(peer.encode(&Frame::new(PING, "glued")));
        let cut = bytes.len() - 3;
        peer.write(&bytes[..cut]);
        assert_eq!(peer.response().0.status(), 101);
        for frame in &frames {
            peer.expect(frame);
        }
        peer.write(&bytes[cut..]);
        peer.expect(&Frame::new(PONG, "glued"));
        peer.close();
    }
}

/// A whole connection in one segment: request, message, close frame.
pub fn a_connection_in_one_segment<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.peer();
    let mut bytes = http::request("/", "").into_bytes();
    bytes.extend(peer.encode_all(&[Frame::new(PING, "glued"), Frame::close(1000, "")]));
    peer.write(bytes);
    assert_eq!(peer.response().0.status(), 101);
    peer.expect(&Frame::new(PONG, "glued"));
    assert_eq!(peer.close_frame().0, Some(1000));
    peer.part();
    host.end().expect_clean(1000, "");
}

/// A slow client is served as any other is.
pub fn a_request_byte_by_byte<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.peer();
    let mut bytes = http::request("/", "").into_bytes();
    bytes.extend(peer.encode(&Frame::new(TEXT, "slow")));
    peer.write_slowly(bytes);
    assert_eq!(peer.response().0.status(), 101);
    peer.expect(&Frame::new(TEXT, "slow"));
    peer.close();
}

/// A head over the limits is refused as soon as it is over: the rest is not waited for (RFC 6585 5, RFC 9110 15.5.15).
pub fn heads_over_the_limits<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let line = |name: &str, len: usize| format!("{name}: {}\r\n", "x".repeat(len));
    for (request, status) in [
        (format!("GET /{}", "x".repeat(8 << 10)), 414),
        (format!("GET / HTTP/1.1\r\nHost: {}", "x".repeat(8 << 10)), 431),
        (format!("GET / HTTP/1.1\r\n{}{}", line("A", 8_000), line("B", 9_000)), 431),
        (format!("GET / HTTP/1.1\r\n{}{}{}", line("A", 6_000), line("B", 6_000), line("C", 6_000)), 431),
        (format!("GET / HTTP/1.1\r\n{}", line("A", 1).repeat(101)), 431),
    ] {
        let mut peer = host.peer();
        peer.write(&request);
        let (head, _) = peer.response();
        assert_eq!(head.status(), status, "{}", &request[..40]);
        peer.expect_end();
    }
}

/// What begins as no HTTP request does, such as a TLS handshake, is refused at its first byte.
pub fn the_first_byte_is_no_request<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for byte in [0x16, 0x00, 0x80, b' '] {
        let mut peer = host.peer();
        peer.write([byte]);
        assert_eq!(peer.response().0.status(), 400);
        peer.expect_end();
    }
}

/// RFC 6455 4.2.2, item 4: "the server […] MUST […] abort the WebSocket handshake […] an appropriate HTTP error code". The
/// answer says that the connection ends and how long it is, and the connection ends.
pub fn a_refusal_ends_the_connection<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.peer();
    peer.write(http::request("/", "").replace("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 12"));
    let (head, _) = peer.response();
    assert_eq!(head.status(), 426);
    assert_eq!(head.only("Connection"), "close, upgrade");
    assert_eq!(head.only("Upgrade"), "websocket");
    assert_eq!(head.only("Sec-WebSocket-Version"), "13");
    peer.expect_end();

    let mut peer = host.peer();
    peer.write(http::request("/", "").replace("GET", "POST"));
    let (head, _) = peer.response();
    assert_eq!((head.status(), head.only("Allow"), head.only("Connection")), (405, "GET", "close"));
    peer.expect_end();
}

/// A second request on a refused connection is never answered, wherever it comes: that is how requests are smuggled.
pub fn a_second_request_is_not_answered<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let refused = http::request("/", "").replace("Upgrade: websocket\r\n", "");
    let valid = http::request("/", "");
    for behind in [true, false] {
        let mut peer = host.peer();
        peer.write(if behind { [refused.as_str(), &valid].concat() } else { refused.clone() });
        assert_eq!(peer.response().0.status(), 426);
        peer.expect_end();
        // The socket is still drained: TCP does not answer this with RST.
        peer.write(valid.repeat(1_000));
        peer.shutdown();
        peer.expect_end();
    }
}

/// The refusal reaches a client that is still sending: what it sends is read and dropped.
pub fn a_refusal_reaches_a_client_that_sends<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.peer();
    peer.write(http::request("/", "Content-Length: 2000000\r\n"));
    peer.write(vec![b'x'; 2_000_000]);
    assert_eq!(peer.response().0.status(), 400);
    peer.expect_end();
}

/// RFC 6455 4.2.2, item 5.5: "A |Sec-WebSocket-Protocol| header field, with a value […] which is […] selected from the
/// client's handshake": the server's preference decides, and where nothing fits there is none.
pub fn the_subprotocol_is_the_servers_choice<L: Loop>(way: Way) {
    let config = Config { subprotocols: vec!["best".into(), "good".into()], ..Config::default() };
    let host = Host::<L>::new(way, config);
    for (offers, chosen) in [
        ("Sec-WebSocket-Protocol: good, best\r\n", &["best"][..]),
        ("Sec-WebSocket-Protocol: other\r\nSec-WebSocket-Protocol: good\r\n", &["good"]),
        ("Sec-WebSocket-Protocol: other\r\n", &[]),
        ("", &[]),
    ] {
        let mut peer = host.peer();
        peer.write(http::request("/", offers));
        let (head, _) = peer.response();
        assert_eq!((head.status(), &head.all("Sec-WebSocket-Protocol")[..]), (101, chosen), "{offers}");
        peer.close();
    }
}

/// RFC 6455 10.2: "Servers that are not intended to process input from any web page but only for certain sites SHOULD verify
/// the |Origin| field". The default compares it with the host, and lets programs pass, which send none.
pub fn the_origin_is_checked<L: Loop>(way: Way) {
    use timtow_core::Origins;
    let list = || Origins::List(vec!["https://good.example".into()]);
    for (origins, lines, status) in [
        (Origins::SameHost, "", 101),
        (Origins::SameHost, "Origin: http://example.com\r\n", 101),
        (Origins::SameHost, "Origin: http://evil.example\r\n", 403),
        (Origins::SameHost, "Origin: null\r\n", 403),
        (list(), "Origin: https://good.example\r\n", 101),
        (list(), "Origin: http://example.com\r\n", 403),
        (list(), "Origin: https://good.example\r\nOrigin: https://good.example\r\n", 403),
        (Origins::Any, "Origin: http://evil.example\r\n", 101),
    ] {
        let host = Host::<L>::new(way, Config { origins: origins.clone(), ..Config::default() });
        let mut peer = host.peer();
        peer.write(http::request("/", lines));
        assert_eq!(peer.response().0.status(), status, "{origins:?} {lines}");
        if status == 101 {
            peer.close();
        } else {
            peer.expect_end();
        }
    }
}
