//! `--deflate`, on every runtime: what a server answers to an offer, and what a client offers.

mod common;

use common::timtow;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

const RUNTIMES: [&str; 7] = ["threads", "mio", "tokio", "tokio-current", "tokio-reuseport", "smol", "async-std"];

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Up to the empty line.
fn head(stream: &mut TcpStream) -> String {
    let mut head = String::new();
    let mut reader = BufReader::new(stream);
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    head
}

#[test]
fn serve_answers_an_offer_and_compresses() {
    for (runtime, deflate) in RUNTIMES.into_iter().flat_map(|runtime| [(runtime, true), (runtime, false)]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_timtow"));
        command.args(["serve", runtime, "--listen", "127.0.0.1:0"]).args(deflate.then_some("--deflate"));
        let mut server = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
        let mut line = String::new();
        BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on ws://").and_then(|rest| rest.split('/').next()).unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let request = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let answer = head(&mut stream);
        assert_eq!(answer.contains("\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"), deflate, "{answer}");
        // 200 times "a", as the one and as the other.
        let mut frame = vec![0x81, 0xfe, 0, 200, 0, 0, 0, 0];
        frame.resize(frame.len() + 200, b'a');
        stream.write_all(&frame).unwrap();
        let mut echo = [0; 2];
        stream.read_exact(&mut echo).unwrap();
        assert_eq!(echo[0], if deflate { 0xc1 } else { 0x81 }, "{runtime}");
        assert_eq!(echo[1] < 20, deflate, "{runtime}");
    }
}

#[test]
fn connect_offers_compression() {
    for (runtime, deflate) in RUNTIMES.into_iter().flat_map(|runtime| [(runtime, true), (runtime, false)]) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let request = head(&mut stream);
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").unwrap();
            request
        });
        let arguments = ["connect", &url, "--runtime", runtime, "--deflate"];
        let output = timtow(if deflate { &arguments } else { &arguments[..4] });
        assert_eq!(output.status.code(), Some(1));
        let request = server.join().unwrap();
        let offer = "\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
        assert_eq!(request.contains(offer), deflate, "{runtime}: {request}");
    }
}
