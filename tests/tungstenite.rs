//! What the chapter "Coming from tungstenite" says of both sides is true: the same bytes, sent to each.
#![cfg(feature = "threads")]

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::Path,
    thread,
    time::Duration,
};
use timtow::{
    Closed, Config, Options,
    core::{Cause, Refusal, Violation},
};
use tungstenite::{
    HandshakeError, Message,
    error::{Error, ProtocolError},
    protocol::WebSocketConfig,
};

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Nothing takes so long unless it hangs.
const WATCHDOG: Duration = Duration::from_secs(60);

/// A client's socket and a server's.
fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    for socket in [&client, &server] {
        socket.set_read_timeout(Some(WATCHDOG)).unwrap();
    }
    (client, server)
}

/// Sends all of it at once, and half-closes; what came back behind the head of the answer, and the head.
fn ask(mut client: TcpStream, bytes: &[u8]) -> (String, Vec<u8>) {
    client.write_all(bytes).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    // A server that drops a socket with bytes unread ends it with an error.
    let _ = client.read_to_end(&mut answer);
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |at| at + 4);
    let behind = answer.split_off(head);
    (String::from_utf8(answer).unwrap(), behind)
}

/// A masked frame; the mask is zero, which changes nothing.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}

fn timtow_accept(stream: TcpStream) -> Result<timtow::threads::WebSocket, timtow::Error> {
    timtow::threads::accept(stream, &Options::default())
}

#[test]
fn a_close_is_a_message_and_an_error_there_and_an_end_here() {
    let bytes = [masked(0x81, b"last"), masked(0x88, b"\x0f\xa0bye")].concat();
    let (mut client, server) = sockets();
    let theirs = thread::spawn(move || {
        let mut socket = tungstenite::accept(server).unwrap();
        assert_eq!(socket.read().unwrap(), Message::text("last"));
        assert!(matches!(socket.read(), Ok(Message::Close(Some(frame))) if u16::from(frame.code) == 4000));
        assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
        assert!(matches!(socket.read(), Err(Error::AlreadyClosed)));
    });
    client.write_all(REQUEST.as_bytes()).unwrap();
    let mut head = [0; 12];
    client.read_exact(&mut head).unwrap();
    ask(client, &bytes);
    theirs.join().unwrap();

    let (client, server) = sockets();
    let ours = thread::spawn(move || {
        let mut socket = timtow_accept(server).unwrap();
        assert_eq!(socket.recv().unwrap(), Some("last".into()));
        assert_eq!(socket.recv().unwrap(), None);
        assert_eq!(socket.recv().unwrap(), None);
        socket.closed().cloned()
    });
    ask(client, &[REQUEST.as_bytes(), &bytes].concat());
    let closed = ours.join().unwrap().unwrap();
    assert_eq!((closed.code.0, closed.reason.as_str(), closed.is_clean()), (4000, "bye", true));
}

#[test]
fn a_frame_behind_the_request_is_an_error_there_and_a_message_here() {
    let bytes = [REQUEST.as_bytes(), &masked(0x81, b"early")].concat();
    let (client, server) = sockets();
    let theirs = thread::spawn(move || match tungstenite::accept(server) {
        Err(HandshakeError::Failure(error)) => error,
        other => panic!("{other:?}"),
    });
    assert_eq!(ask(client, &bytes).0, "");
    assert!(matches!(theirs.join().unwrap(), Error::Protocol(ProtocolError::JunkAfterRequest)));

    let (client, server) = sockets();
    let ours = thread::spawn(move || timtow_accept(server).unwrap().recv().unwrap());
    ask(client, &bytes);
    assert_eq!(ours.join().unwrap(), Some("early".into()));
}

#[test]
fn a_violation_is_told_to_the_program_there_and_to_the_peer_as_well_here() {
    let unmasked = b"\x81\x01a";
    let (mut client, server) = sockets();
    let theirs = thread::spawn(move || tungstenite::accept(server).unwrap().read().unwrap_err());
    client.write_all(REQUEST.as_bytes()).unwrap();
    let mut head = [0; 12];
    client.read_exact(&mut head).unwrap();
    let (head, behind) = ask(client, unmasked);
    assert!(head.ends_with("\r\n\r\n") && behind.is_empty(), "{behind:?}");
    assert!(matches!(theirs.join().unwrap(), Error::Protocol(ProtocolError::UnmaskedFrameFromClient)));

    let (client, server) = sockets();
    let ours = thread::spawn(move || timtow_accept(server).unwrap().recv().unwrap_err());
    let (head, behind) = ask(client, &[REQUEST.as_bytes(), unmasked].concat());
    assert!(head.starts_with("HTTP/1.1 101 "));
    assert_eq!(behind, b"\x88\x02\x03\xea");
    let timtow::Error::Closed(Closed { cause, .. }) = ours.join().unwrap() else { panic!("it ended") };
    assert_eq!(cause, Cause::Violation(Violation::Unmasked));
}

#[test]
fn a_ping_is_a_message_there_and_answered_by_the_next_call() {
    let (mut client, server) = sockets();
    let theirs = thread::spawn(move || {
        let mut socket = tungstenite::accept(server).unwrap();
        assert_eq!(socket.read().unwrap(), Message::Ping("?".into()));
        // What goes past tungstenite goes before the answer.
        socket.get_mut().write_all(b"past it").unwrap();
        socket.flush().unwrap();
    });
    client.write_all(REQUEST.as_bytes()).unwrap();
    let mut head = [0; 12];
    client.read_exact(&mut head).unwrap();
    let (_, behind) = ask(client, &masked(0x89, b"?"));
    assert_eq!(behind, b"past it\x8a\x01?");
    theirs.join().unwrap();

    let (client, server) = sockets();
    let ours = thread::spawn(move || timtow_accept(server).unwrap().recv().unwrap());
    let bytes = [REQUEST.as_bytes(), &masked(0x89, b"?"), &masked(0x82, b"!")].concat();
    assert_eq!(ask(client, &bytes).1, b"\x8a\x01?");
    assert_eq!(ours.join().unwrap(), Some(b"!"[..].into()), "no ping comes before it");
}

#[test]
fn pages_of_other_origins_may_connect_there_and_not_here() {
    let request = REQUEST.replace("Host:", "Origin: http://evil.example\r\nHost:");
    let (client, server) = sockets();
    let theirs = thread::spawn(move || tungstenite::accept(server).map(drop).map_err(|error| error.to_string()));
    assert!(ask(client, request.as_bytes()).0.starts_with("HTTP/1.1 101 "));
    theirs.join().unwrap().unwrap();

    let (client, server) = sockets();
    let ours = thread::spawn(move || timtow_accept(server).map(drop).unwrap_err());
    assert!(ask(client, request.as_bytes()).0.starts_with("HTTP/1.1 403 "));
    let timtow::Error::Closed(Closed { cause, .. }) = ours.join().unwrap() else { panic!("it was refused") };
    assert!(matches!(cause, Cause::Refused(Refusal { status: 403, .. })));
}

#[test]
fn the_limits_are_those_of_the_table() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("book/src/tungstenite.md")).unwrap();
    let size = |bytes: usize| match bytes {
        usize::MAX => "none".to_owned(),
        bytes if bytes >= 1 << 20 => format!("{} MiB", bytes >> 20),
        bytes => format!("{} KiB", bytes >> 10),
    };
    let seconds = |time: Option<Duration>| format!("{} s", time.unwrap().as_secs());
    let (theirs, ours) = (WebSocketConfig::default(), Config::default());
    for (name, default, our_name, our_default) in [
        ("max_message_size", size(theirs.max_message_size.unwrap()), "`max_message`", size(ours.max_message)),
        ("max_frame_size", size(theirs.max_frame_size.unwrap()), "`max_frame`", size(ours.max_frame)),
        ("max_write_buffer_size", size(theirs.max_write_buffer_size), "`high_water`", size(ours.high_water)),
    ] {
        let row = format!("| `{name}` | {default} | {our_name} | {our_default} |");
        assert!(page.contains(&row), "{row}");
    }
    for (name, default) in
        [("read_buffer_size", theirs.read_buffer_size), ("write_buffer_size", theirs.write_buffer_size)]
    {
        let row = format!("| `{name}` | {}", size(default));
        assert!(page.contains(&row), "{row}");
    }
    let keep_alive = format!("{}, {}", seconds(ours.ping_interval), seconds(ours.pong_timeout));
    for (name, default) in [
        ("`handshake_timeout`", seconds(ours.handshake_timeout)),
        ("`close_timeout`", seconds(ours.close_timeout)),
        ("`ping_interval`, `pong_timeout`", keep_alive),
        ("`write_timeout`", seconds(ours.write_timeout)),
    ] {
        let row = format!("| none | | {name} | {default} |");
        assert!(page.contains(&row), "{row}");
    }
    assert!(!theirs.accept_unmasked_frames && page.contains("| `accept_unmasked_frames` | off | "));
}

#[test]
fn larger_messages_are_a_setting() {
    // ANCHOR: limits
    let config = Config { max_message: 64 << 20, max_frame: 16 << 20, ..Config::default() };
    let options = Options { config: config.into(), ..Options::default() };
    // ANCHOR_END: limits
    let theirs = WebSocketConfig::default();
    assert_eq!(Some(options.config.max_message), theirs.max_message_size);
    assert_eq!(Some(options.config.max_frame), theirs.max_frame_size);
}
