//! `timtow connect` and `timtow serve`, on every runtime: header fields, redirects, what a server says that refuses, and the
//! page on the WebSocket's port.

mod common;

use common::{sentence, timtow};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
};
use tungstenite::handshake::derive_accept_key;

const RUNTIMES: [&str; 7] = ["threads", "mio", "tokio", "tokio-current", "tokio-reuseport", "smol", "async-std"];

/// The header lines of a request.
fn head(stream: &TcpStream) -> Vec<String> {
    let lines = BufReader::new(stream).lines().map(|line| line.expect("a request"));
    lines.take_while(|line| !line.is_empty()).collect()
}

fn value<'h>(head: &'h [String], name: &str) -> Option<&'h str> {
    head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// Answers connections, one after the other, each with what is given: `None` opens, and closes. The heads that came.
fn answers(answers: Vec<Option<String>>) -> (String, JoinHandle<Vec<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("ws://{}/start", listener.local_addr().expect("it is bound"));
    let server = thread::spawn(move || {
        let answer = |answer: Option<String>| {
            let (mut stream, _) = listener.accept().expect("a connection");
            let head = head(&stream);
            let bytes = answer.map_or_else(
                || {
                    let accept = derive_accept_key(value(&head, "Sec-WebSocket-Key").expect("a key").as_bytes());
                    let switching = format!(
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                         Sec-WebSocket-Accept: {accept}\r\n\r\n"
                    );
                    [switching.as_bytes(), b"\x81\x05hello\x88\x02\x03\xe8"].concat()
                },
                String::into_bytes,
            );
            stream.write_all(&bytes).expect("the client reads");
            stream.shutdown(std::net::Shutdown::Write).expect("a half-close");
            let _ = stream.read_to_end(&mut Vec::new());
            head
        };
        answers.into_iter().map(answer).collect()
    });
    (url, server)
}

fn moved(location: &str) -> Option<String> {
    Some(format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 5\r\n\r\nmoved"))
}

#[test]
fn header_fields_and_redirects_on_every_runtime() {
    for runtime in RUNTIMES {
        let (url, server) = answers(vec![moved("/a"), moved("b?c"), None]);
        let url = url.replace("ws://", "ws://user:pass@");
        let output = timtow(&["connect", &url, "--runtime", runtime, "--header", "X-Own: y", "--redirects", "2"]);
        assert!(output.status.success(), "{runtime}: {output:?}");
        assert_eq!(output.stdout, b"hello\n", "{runtime}");
        let heads = server.join().unwrap();
        let targets: Vec<_> = heads.iter().map(|head| head[0].as_str()).collect();
        assert_eq!(targets, ["GET /start HTTP/1.1", "GET /a HTTP/1.1", "GET /b?c HTTP/1.1"], "{runtime}");
        for head in &heads {
            assert_eq!(value(head, "X-Own"), Some("y"), "{runtime}");
            assert_eq!(value(head, "Authorization"), Some("Basic dXNlcjpwYXNz"), "{runtime}");
        }
    }
}

#[test]
fn what_the_server_says_that_refuses_is_shown_and_steers_no_terminal() {
    let long = "x".repeat(60_000);
    let body = format!("no \u{1b}[2Jway\u{7}\r\n\u{202e}\"really\"\n{long}");
    for runtime in RUNTIMES {
        let answer =
            format!("HTTP/1.1 401 Unauthorized\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        let (url, server) = answers(vec![Some(answer)]);
        let output = timtow(&["connect", &url, "--runtime", runtime, "--redirects", "5"]);
        assert_eq!(output.status.code(), Some(1), "{runtime}: {output:?}");
        let sentence = sentence(&output);
        assert!(sentence.contains("status 401"), "{runtime}: {sentence}");
        assert!(sentence.contains(r#"no \u{1b}[2Jway\u{7}\r\n\u{202e}"really"\nxxx"#), "{runtime}: {sentence}");
        assert!(sentence.len() < 1_000 && sentence.ends_with("x…"), "{runtime}: {} bytes", sentence.len());
        assert!(!sentence.contains(char::is_control));
        server.join().unwrap();
    }
}

#[test]
fn redirects_that_are_not_followed_are_told() {
    for (redirects, answered, location, words) in [
        ("0", 1, "/a", "status 302; the server says: moved"),
        ("2", 3, "/a", "more often than is to be followed"),
        ("10", 1, "ftp://127.0.0.1/", "where no WebSocket can be"),
        ("10", 1, "https://127.0.0.1/", "no TLS"),
    ] {
        let (url, server) = answers(vec![moved(location); answered]);
        let output = timtow(&["connect", &url, "--redirects", redirects]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.lines().last().unwrap().contains(words), "{stderr}");
        assert_eq!(stderr.lines().count(), answered, "{stderr}");
        server.join().unwrap();
    }
    assert_eq!(timtow(&["connect", "ws://127.0.0.1:1/", "--redirects", "11"]).status.code(), Some(2));
}

/// A server that ends with the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn whoever_comes_with_a_browser_is_told_what_it_is() {
    for runtime in RUNTIMES {
        let mut command = Command::new(env!("CARGO_BIN_EXE_timtow"));
        command.args(["serve", runtime, "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut serving = Serving(command.spawn().expect("the program starts"));
        let mut line = String::new();
        BufReader::new(serving.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split('/').nth(2).unwrap();
        for (target, status) in [("/", 200), ("/other", 426)] {
            let mut stream = TcpStream::connect(address).unwrap();
            write!(stream, "GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{runtime}: {answer}");
            assert_eq!(answer.contains("This is a WebSocket server"), status == 200, "{runtime}: {answer}");
        }
    }
}
