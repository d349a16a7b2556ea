//! RFC 6455 4.1: a client asks for the opening handshake, and checks what it is answered.

use crate::{
    Host, Loop, Peer, Way,
    frame::{Frame, PING, PONG, TEXT},
    http,
};
use std::net::TcpListener;
use timtow_core::{Cause, Config, Connect, Error, HandshakeError, HandshakeFailure, SendError, UrlError, app::Options};

/// RFC 6455 4.1, "the following requirements": GET, HTTP/1.1, Host with the port, Upgrade, Connection, a key of 16 random
/// bytes, version 13. No extension is offered that is not spoken.
pub fn the_request<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut keys = std::collections::HashSet::new();
    for _ in 0..3 {
        let mut peer = host.peer();
        let head = peer.head();
        assert_eq!(head.start, "GET / HTTP/1.1");
        assert_eq!(head.only("Host"), host.address().to_string());
        assert!(head.only("Upgrade").eq_ignore_ascii_case("websocket"));
        assert!(head.only("Connection").eq_ignore_ascii_case("upgrade"));
        assert_eq!(head.only("Sec-WebSocket-Version"), "13");
        assert!(head.all("Sec-WebSocket-Extensions").is_empty());
        let key = head.only("Sec-WebSocket-Key");
        assert_eq!(http::decoded_len(key), Some(16), "{key}");
        peer.write(http::switching(key, ""));
        keys.insert(key.to_owned());
        peer.close();
    }
    // "The nonce MUST be selected randomly for each connection."
    assert_eq!(keys.len(), 3);
}

/// The frames that come in one segment with the answer are not lost, however many.
pub fn frames_behind_the_answer<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for count in [1, 1_000] {
        let (mut peer, key) = asked(&host);
        let frames: Vec<Frame> = (0..count).map(|number| Frame::new(TEXT, format!("glued {number}"))).collect();
        let mut bytes = http::switching(&key, "").into_bytes();
        bytes.extend(peer.encode_all(&frames));
        bytes.extend(peer.encode(&Frame::new(PING, "glued")));
        let cut = bytes.len() - 3;
        peer.write(&bytes[..cut]);
        for frame in &frames {
            peer.expect(frame);
        }
        peer.write(&bytes[cut..]);
        peer.expect(&Frame::new(PONG, "glued"));
        peer.close();
        host.end().expect_clean(1000, "");
    }
}

/// A whole connection in one segment: answer, ping, close frame, and the end of the transport.
pub fn a_connection_in_one_segment<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let (mut peer, key) = asked(&host);
    let mut bytes = http::switching(&key, "").into_bytes();
    bytes.extend(peer.encode_all(&[Frame::new(PING, "glued"), Frame::close(1000, "bye")]));
    peer.write(bytes);
    peer.shutdown();
    peer.expect(&Frame::new(PONG, "glued"));
    assert_eq!(peer.close_frame().0, Some(1000));
    peer.expect_end();
    host.end().expect_clean(1000, "bye");
}

/// A slow server is heard as any other is.
pub fn an_answer_byte_by_byte<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let (mut peer, key) = asked(&host);
    let mut bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".to_vec();
    bytes.extend(http::switching(&key, "X-Other: y\r\n").bytes());
    bytes.extend(peer.encode(&Frame::new(TEXT, "slow")));
    peer.write_slowly(bytes);
    peer.expect(&Frame::new(TEXT, "slow"));
    peer.close();
}

/// RFC 6455 4.1, items 2 to 6: "then the client MUST _Fail the WebSocket Connection_".
pub fn answers_that_must_fail<L: Loop>(way: Way) {
    use HandshakeFailure::{Accept, Connection, Extension, Malformed, Subprotocol, TransferEncoding, Upgrade};
    let host = Host::<L>::new(way, Config::default());
    type Change = fn(String) -> String;
    let cases: [(Change, HandshakeFailure); 13] = [
        (|answer| answer.replace("Upgrade: websocket\r\n", ""), Upgrade),
        (|answer| answer.replace("Upgrade: websocket", "Upgrade: h2c"), Upgrade),
        (|answer| answer.replace("Upgrade: websocket", "Upgrade: h2c, websocket"), Upgrade),
        (|answer| answer.replace("Connection: Upgrade\r\n", ""), Connection),
        (|answer| answer.replace("Connection: Upgrade", "Connection: close"), Connection),
        (|answer| answer.replace("Connection: Upgrade", "Connection: NoUpgrade"), Connection),
        (|answer| answer.replace("Sec-WebSocket-Accept: ", "X-Accept: "), Accept),
        (|answer| answer.replace("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x"), Accept),
        (|answer| with_line(answer, "Sec-WebSocket-Extensions: permessage-deflate"), Extension),
        (|answer| with_line(answer, "Sec-WebSocket-Protocol: chat"), Subprotocol),
        (|answer| with_line(answer, "Transfer-Encoding: chunked"), TransferEncoding),
        (|answer| answer.replace("HTTP/1.1", "HTTP/1.0"), Malformed),
        (|answer| answer.replace("HTTP/1.1 101", "ICY 101"), Malformed),
    ];
    for (change, kind) in cases {
        for slowly in [false, true] {
            let (mut peer, key) = asked(&host);
            let answer = change(http::switching(&key, ""));
            if slowly {
                peer.write_slowly(&answer);
            } else {
                peer.write(&answer);
            }
            assert_eq!(failed(&host, peer).kind, kind, "{answer}");
        }
    }
}

fn with_line(answer: String, line: &str) -> String {
    answer.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"))
}

/// RFC 6455 4.1, item 1: "If the status code received from the server is not 101, the client handles the response per HTTP
/// procedures": the application is told all of it.
pub fn another_status<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let (mut peer, _) = asked(&host);
    peer.write("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 5\r\n\r\n");
    peer.write("go");
    peer.write("ne!");
    let error = failed(&host, peer);
    assert_eq!((error.kind, error.status, &error.body[..]), (HandshakeFailure::Status, 401, &b"gone!"[..]));
    assert_eq!(error.headers.first("WWW-Authenticate"), Some("Basic"));

    let (mut peer, _) = asked(&host);
    peer.write("HTTP/1.1 302 Found\r\nLocation: ws://elsewhere.example/\r\n\r\nuntil the end");
    peer.shutdown();
    let error = failed(&host, peer);
    assert_eq!((error.status, &error.body[..]), (302, &b"until the end"[..]));
    assert_eq!(error.headers.first("Location"), Some("ws://elsewhere.example/"));
}

/// A server that ends the transport instead of an answer, or inside it.
pub fn no_answer<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for answer in ["", "H", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"] {
        let (mut peer, _) = asked(&host);
        peer.write(answer);
        peer.shutdown();
        assert_eq!(failed(&host, peer).kind, HandshakeFailure::Lost);
    }
}

/// RFC 6455 3: "Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT be used on these URIs";
/// and other schemes are not WebSocket's.
pub fn other_urls<L: Loop>(way: Way) {
    for (url, expected) in [
        ("ws://127.0.0.1:1/#fragment", Some(UrlError::Fragment)),
        ("http://127.0.0.1:1/", Some(UrlError::Scheme)),
        ("no url", None),
    ] {
        match (L::connect(url, Options::default()), expected) {
            (Err(Error::Url(error)), Some(expected)) => assert_eq!(error, expected),
            (Err(Error::Url(_)), None) => {}
            (Err(error), _) => panic!("{way:?} {url}: {error:?}"),
            (Ok(_), _) => panic!("{way:?} {url} is connected to"),
        }
    }
}

/// Where nobody listens there is an error, and no panic.
pub fn nobody_listens<L: Loop>(way: Way) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("its address");
    drop(listener);
    match L::connect(format!("ws://{address}/"), Options::default()) {
        Err(Error::Io(_)) => {}
        Err(error) => panic!("{way:?}: {error:?}"),
        Ok(_) => panic!("{way:?}: it is connected"),
    }
}

/// RFC 6455 4.1: "the resource name" is the path and the query of the URL.
pub fn the_target_of_a_url<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let url = format!("{}chat/%C3%BC?room=1&x=y", host.url());
    let options = host.options().clone();
    let client = crate::Task::spawn(move || {
        let mut socket = L::connect(&url, options).expect("a connection");
        while crate::WebSocket::recv(&mut socket).expect("a clean end").is_some() {}
    });
    let mut peer = host.accept_peer();
    assert_eq!(peer.open().start, "GET /chat/%C3%BC?room=1&x=y HTTP/1.1");
    peer.close();
    client.join();
}

/// RFC 6455 4.1, items 10 and 12: subprotocols, and "any other header fields, for example, cookies […] and/or
/// authentication-related header fields"; a user and a password of the URL among them (RFC 7617 2), decoded.
pub fn what_the_caller_adds<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let url = format!("ws://us%65r:p%3Ass@{}/chat", host.address());
    let connect = Connect::to(&url)
        .expect("a URL")
        .header("X-Own", "y\tz")
        .origin("http://o.example")
        .cookie("a", "1")
        .and_then(|connect| connect.cookie("b", "2"))
        .expect("cookies");
    host.connect(connect.subprotocol("p").subprotocol("q"));
    let mut peer = host.accept_peer();
    peer.greet();
    let head = peer.head();
    assert_eq!((head.start.as_str(), head.only("Host")), ("GET /chat HTTP/1.1", host.address().to_string().as_str()));
    // `user:p:ss`.
    assert_eq!(head.only("Authorization"), "Basic dXNlcjpwOnNz");
    assert_eq!((head.only("X-Own"), head.only("Origin")), ("y\tz", "http://o.example"));
    assert_eq!((head.only("Cookie"), head.only("Sec-WebSocket-Protocol")), ("a=1; b=2", "p, q"));
    peer.write(http::switching(head.only("Sec-WebSocket-Key"), "Sec-WebSocket-Protocol: q\r\n"));
    peer.echo("Hello");
    peer.close();
    host.end().expect_clean(1000, "");
}

/// What would split the request's head is never sent.
pub fn what_cannot_be_asked_for<L: Loop>(way: Way) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let url = format!("ws://{}/", listener.local_addr().expect("its address"));
    let connect = || Connect::to(&url).expect("a URL");
    for connect in [
        connect().header("X", "a\r\nY: b"),
        connect().header("X: a\r\nY", "b"),
        connect().header("Host", "b.example"),
        connect().header("Sec-WebSocket-Key", http::KEY),
        connect().origin("http://o.example\r\n\r\nGET / HTTP/1.1"),
        connect().subprotocol("a, b"),
        connect().subprotocol("a").subprotocol("a"),
    ] {
        match L::connect(connect.clone(), Options::default()) {
            Err(Error::Send(SendError::InvalidHeader)) => {}
            Err(error) => panic!("{way:?} {connect:?}: {error:?}"),
            Ok(_) => panic!("{way:?}: {connect:?} is connected to"),
        }
    }
}

/// A connection whose request came; its key.
fn asked<L: Loop>(host: &Host<L>) -> (Peer, String) {
    let mut peer = host.peer();
    let key = peer.head().only("Sec-WebSocket-Key").to_owned();
    (peer, key)
}

/// The client ends the connection, and says why the handshake failed.
pub(crate) fn failed<L: Loop>(host: &Host<L>, mut peer: Peer) -> HandshakeError {
    peer.expect_end();
    peer.shutdown();
    let end = host.end();
    match end.cause() {
        Cause::Failed(error) => (**error).clone(),
        _ => panic!("{end:?}"),
    }
}
