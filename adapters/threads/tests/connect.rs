//! What the book shows of a client that says more than a URL, with tungstenite and a server made by hand as the peers.

#[allow(dead_code, reason = "each test file is a program of its own")]
mod common;

use common::{WATCHDOG, watched};
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener},
    thread,
};
use timtow_threads::{Connect, Error, Options, WebSocket, connect};
use tungstenite::handshake::server::{Request, Response};

// ANCHOR: connect
/// Says who we are and what we want, and goes where the server sends us.
fn enter(url: &str) -> Result<WebSocket, Error> {
    let to = Connect::to(url)?
        .header("X-Room", "1")
        .cookie("pass", "1")?
        .origin("https://example.com")
        .subprotocol("chat")
        .redirects(5);
    connect(to, &Options::default())
}
// ANCHOR_END: connect

// ANCHOR: explain
/// Why it did not open, in the server's words if it had any.
fn explain(error: &Error) -> String {
    match error.handshake() {
        Some(answer) => format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)),
        None => error.to_string(),
    }
}
// ANCHOR_END: explain

#[test]
fn a_client_says_more_than_a_url_and_follows_a_redirect() {
    watched(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://user:secret@{}/", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(WATCHDOG)).unwrap();
            let answer = "HTTP/1.1 307 Temporary Redirect\r\nLocation: /inside\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer.as_bytes()).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());

            let (stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(WATCHDOG)).unwrap();
            // What tungstenite's callback has to return.
            #[allow(clippy::result_large_err)]
            let check = |request: &Request, mut response: Response| {
                let field = |name: &str| request.headers()[name].to_str().unwrap();
                assert_eq!((request.uri().path(), field("Authorization")), ("/inside", "Basic dXNlcjpzZWNyZXQ="));
                assert_eq!((field("X-Room"), field("Cookie"), field("Origin")), ("1", "pass=1", "https://example.com"));
                response
                    .headers_mut()
                    .insert("Sec-WebSocket-Protocol", request.headers()["Sec-WebSocket-Protocol"].clone());
                Ok(response)
            };
            let mut socket = tungstenite::accept_hdr(stream, check).unwrap();
            let message = socket.read().unwrap();
            socket.send(message).unwrap();
            while socket.read().is_ok() {}
        });
        let mut socket = enter(&url).unwrap();
        socket.send("Hello").unwrap();
        assert_eq!(socket.recv().unwrap().unwrap().as_text(), Some("Hello"));
        socket.close(1000, "").unwrap();
        server.join().unwrap();
    });
}

#[test]
fn the_error_has_the_servers_words() {
    watched(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let answer = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\nclosed on Mondays";
            stream.write_all(answer.as_bytes()).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        });
        assert_eq!(explain(&enter(&url).unwrap_err()), "503: closed on Mondays");
        server.join().unwrap();
        let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(enter(&format!("ws://{nowhere}/")).unwrap_err().handshake().is_none());
        let split = Connect::to("ws://127.0.0.1:1/").unwrap().cookie("pass", "1\r\nX: y");
        assert!(split.is_err());
    });
}
