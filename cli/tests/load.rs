//! The load generator against echo servers of another crate: the numbers are consistent, and wrong echoes are found.

mod common;

use common::{sentence, serve, timtow};
use tungstenite::{Bytes, Message};

fn load(url: &str, arguments: &[&str]) -> serde_json::Value {
    let mut all = [&["load", url], arguments].concat();
    for (option, value) in [("--connections", "3"), ("--seconds", "0.05")] {
        if !arguments.contains(&option) {
            all.extend([option, value]);
        }
    }
    let output = timtow(&all);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn closed_loops_of_every_size_are_counted_and_checked() {
    let url = serve(|_, message| vec![message]);
    for (size, depth) in
        [("0", "1"), ("1", "4"), ("125", "16"), ("126", "3"), ("65535", "2"), ("65536", "1"), ("1048576", "2")]
    {
        for text in [&[][..], &["--text"]] {
            let outcome = load(&url, &[&["--size", size, "--depth", depth], text].concat());
            assert_eq!(outcome["size"].to_string(), size);
            assert_eq!(outcome["depth"].to_string(), depth);
            assert_eq!(outcome["text"], !text.is_empty());
            assert_eq!(outcome["connections"], 3);
            assert!(outcome["rate"].is_null());
            assert_eq!(outcome["checked"]["missing"], 0);
            assert_eq!(outcome["checked"]["messages"], outcome["messages"]);
            assert!(outcome["checked"]["contents"].as_u64() >= Some(3), "{outcome}");
        }
    }
}

#[test]
fn open_loops_send_at_their_rate() {
    let url = serve(|_, message| vec![message]);
    let outcome = load(&url, &["--rate", "1000", "--seconds", "0.2"]);
    assert_eq!(outcome["rate"], 1000.0);
    assert!(outcome["depth"].is_null());
    // What comes back within the time was to be sent within it, or before it by no more than the longest latency.
    let seconds = outcome["seconds"].as_f64().unwrap() + outcome["latency_ns"]["max"].as_f64().unwrap() / 1e9;
    assert!(outcome["messages"].as_f64().unwrap() <= 1000.0 * seconds + 3.0, "{outcome}");
    assert!(outcome["generator"]["late_ns"].is_object());
}

#[test]
fn pings_are_answered_and_pongs_ignored() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut socket = tungstenite::accept(listener.accept().unwrap().0).unwrap();
        let ping = Bytes::from_static(b"still there?");
        // No echo before the pong has come.
        let mut held = Vec::new();
        let mut answered = false;
        socket.send(Message::Pong(Bytes::new())).unwrap();
        socket.send(Message::Ping(ping.clone())).unwrap();
        while let Ok(message) = socket.read() {
            match message {
                Message::Pong(payload) => answered |= payload == ping,
                message => held.push(message),
            }
            if answered {
                held.drain(..).filter(Message::is_binary).for_each(|message| socket.send(message).unwrap());
            }
        }
    });
    let outcome = load(&url, &["--connections", "1", "--depth", "4", "--seconds", "1"]);
    assert!(outcome["messages"].as_u64() > Some(0));
}

#[test]
fn wrong_echoes_are_found() {
    type Answer = fn(usize, Message) -> Vec<Message>;
    let cases: [(&str, Answer); 6] = [
        ("longer than 16 bytes", |_, message| vec![Message::binary([&message.into_data()[..], b"!"].concat())]),
        ("15 bytes instead of 16", |_, message| vec![Message::binary(message.into_data().slice(..15))]),
        ("as text", |_, _| vec![Message::text("0123456789abcdef")]),
        ("message 1 came back with another content", |_, _| vec![Message::binary(vec![7; 16])]),
        // Within the sample, not the first.
        ("with another content", |number, message| {
            vec![if number == 0 { message } else { Message::binary(vec![7; 16]) }]
        }),
        // More came back, or, where they came one by one, the second is taken for the echo of the next message.
        ("came back", |_, message| vec![message.clone(), message.clone(), message]),
    ];
    for (wrong, answer) in cases {
        let output = timtow(&["load", &serve(answer), "--connections", "2", "--depth", "2", "--seconds", "30"]);
        assert_eq!(output.status.code(), Some(1), "{wrong}");
        let sentence = sentence(&output);
        assert!(sentence.contains(wrong), "{sentence:?} instead of {wrong:?}");
    }
}

#[test]
fn a_server_that_leaves_is_an_error() {
    let url = serve(|number, message| vec![if number < 5 { message } else { Message::Close(None) }]);
    let output = timtow(&["load", &url, "--connections", "1", "--seconds", "30"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(sentence(&output).contains("sent a close frame after 5 messages"), "{output:?}");
}

#[test]
fn another_protocol_is_an_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").unwrap();
        // Open until the client has seen it.
        let _ = stream.read(&mut [0; 16]);
    });
    let output = timtow(&["load", &url, "--connections", "1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(sentence(&output).contains("404 Not Found"), "{output:?}");
}
