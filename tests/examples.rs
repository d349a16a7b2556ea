//! The programs of `examples/` do what they say, seen by an independent client.

mod common;

use common::{Listening, check_echo};
use std::{
    env, fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};
use tungstenite::{HandshakeError, Message, client::IntoClientRequest};

/// Cargo builds the examples beside the tests.
fn example(name: &str) -> Command {
    let tests = env::current_exe().unwrap();
    let profile: PathBuf = tests.ancestors().nth(2).unwrap().into();
    Command::new(profile.join("examples").join(name))
}

fn sources() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_string(), fs::read_to_string(path).unwrap()))
        .collect()
}

#[test]
fn every_echo_server_echoes() {
    let echoes: Vec<String> =
        sources().into_iter().map(|(name, _)| name).filter(|name| name.starts_with("echo_")).collect();
    assert_eq!(echoes.len(), 5, "{echoes:?}");
    for name in echoes {
        check_echo(&Listening::start(example(&name)));
    }
}

#[test]
fn the_loop_of_the_books_worked_example_echoes() {
    check_echo(&Listening::start(example("own_loop")));
}

/// What a plain GET is answered: status line and header lines, and the body.
fn get(address: &str, target: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(common::WATCHDOG)).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_string(), body.to_string())
}

#[test]
fn the_front_door_has_a_page_a_cookie_and_a_no() {
    let server = Listening::start(example("front_door"));
    let address = server.url.split('/').nth(2).unwrap();
    let (head, body) = get(address, "/");
    assert!(head.starts_with("HTTP/1.1 200 OK") && body.starts_with("<!doctype html>"), "{head} {body}");
    let cookie = head.lines().find_map(|line| line.strip_prefix("Set-Cookie: ")).unwrap().split(';').next().unwrap();
    assert!(get(address, "/elsewhere").0.starts_with("HTTP/1.1 426 "));
    // The status and the body of a refusal.
    let knock = |target: &str, cookie: &str| {
        let mut request = format!("ws://{address}{target}").into_client_request().unwrap();
        request.headers_mut().insert("Cookie", cookie.parse().unwrap());
        tungstenite::client(request, TcpStream::connect(address).unwrap()).map_err(|error| match error {
            HandshakeError::Failure(tungstenite::Error::Http(answer)) => (answer.status(), answer.into_body()),
            other => panic!("{target}: {other:?}"),
        })
    };
    for (target, with, status) in [("/echo", "none=1", 401), ("/other", cookie, 404)] {
        let (answered, body) = knock(target, with).unwrap_err();
        assert_eq!(answered, status);
        assert!(body.is_some_and(|body| body.ends_with(b"\n")));
    }
    let (mut socket, answer) = knock("/echo", cookie).unwrap();
    assert_eq!(answer.headers()["X-Served-By"], "timtow");
    socket.send(Message::text("in")).unwrap();
    assert_eq!(socket.read().unwrap(), Message::text("in"));
}

/// What the book holds beside each other.
#[test]
fn the_echo_servers_that_are_compared_echo_as_well() {
    for name in ["tungstenite_echo", "tokio_tungstenite_echo", "accept_tokio"] {
        check_echo(&Listening::start(example(name)));
    }
}

#[test]
fn each_is_short_and_says_how_to_run_it() {
    for (name, source) in sources() {
        let command = source.lines().next().unwrap();
        assert!(command.starts_with(&format!("//! cargo run --example {name}")), "{name} begins with {command:?}");
        if name != "own_loop" {
            assert!(source.lines().count() <= 45, "{name} has {} lines", source.lines().count());
        }
    }
}

#[test]
fn the_blocking_clients_talk_to_a_server_of_another_kind() {
    for name in ["client_threads", "connect_threads", "tungstenite_client"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let mut socket = tungstenite::accept(listener.accept().unwrap().0).unwrap();
            let message = socket.read().unwrap();
            socket.send(message.clone()).unwrap();
            // Its close frame arrives, masked, and the answer makes the close clean.
            let close = socket.read().unwrap();
            while socket.read().is_ok() {}
            (message, close)
        });
        let mut client =
            example(name).arg(format!("ws://{address}/")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        client.stdin.take().unwrap().write_all(b"hello\n").unwrap();
        let output = client.wait_with_output().unwrap();
        let (message, close) = server.join().unwrap();
        assert_eq!(message, Message::text("hello"), "{name}");
        assert!(matches!(close, Message::Close(Some(frame)) if u16::from(frame.code) == 1000), "{name}");
        assert!(output.status.success(), "{name}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "hello\n", "{name}");
    }
}

#[test]
fn the_chat_tells_everybody() {
    let server = Listening::start(example("chat_tokio"));
    let mut clients = [server.client(), server.client(), server.client()];
    // Whoever hears an own message back has joined.
    for client in &mut clients {
        client.send(Message::text("joined")).unwrap();
        while client.read().unwrap() != Message::text("joined") {}
    }
    clients[0].send(Message::text("hello, all")).unwrap();
    for client in &mut clients {
        while client.read().unwrap() != Message::text("hello, all") {}
    }
}

#[test]
fn the_chat_sends_away_who_reads_too_slowly() {
    let server = Listening::start(example("chat_tokio"));
    let (mut slow, mut quick) = (server.client(), server.client());
    for client in [&mut slow, &mut quick] {
        client.send(Message::text("joined")).unwrap();
        while client.read().unwrap() != Message::text("joined") {}
    }
    // More than fits between the two.
    for number in 0..100 {
        let message = Message::binary(vec![number; 500_000]);
        quick.send(message.clone()).unwrap();
        while quick.read().unwrap() != message {}
    }
    let mut heard = 0;
    let close = loop {
        match slow.read().unwrap() {
            Message::Close(close) => break close,
            _ => heard += 1,
        }
    };
    assert!(heard < 100, "nothing was dropped");
    assert_eq!(close.map(|frame| u16::from(frame.code)), Some(1008));
    quick.send(Message::text("still here")).unwrap();
    while quick.read().unwrap() != Message::text("still here") {}
}
