//! The same frames through the core and through tungstenite.

use crate::{
    common::{chance::Chance, naive::End, pair::ROLES},
    receive,
    streams::{self, LIMIT},
};
use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read, Write},
};
use timtow_core::Role;
use tungstenite::{Error, Message, WebSocket, protocol::WebSocketConfig};

/// Bytes that were all read, and then nothing.
struct Stream(Cursor<Vec<u8>>);

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            n => Ok(n),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What tungstenite makes of a stream, in the words of the naive decoder, and the error.
fn read(role: Role, stream: &[u8]) -> (Vec<(char, Vec<u8>)>, Option<End>, Option<Error>) {
    let side = match role {
        Role::Server => tungstenite::protocol::Role::Server,
        Role::Client => tungstenite::protocol::Role::Client,
    };
    let config = WebSocketConfig::default().max_message_size(Some(LIMIT)).max_frame_size(Some(LIMIT));
    let mut socket = WebSocket::from_raw_socket(Stream(Cursor::new(stream.to_vec())), side, Some(config));
    let mut events = Vec::new();
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => events.push(('t', text.as_bytes().to_vec())),
            Ok(Message::Binary(bytes)) => events.push(('b', bytes.to_vec())),
            Ok(Message::Ping(payload)) => events.push(('i', payload.to_vec())),
            Ok(Message::Pong(payload)) => events.push(('o', payload.to_vec())),
            Ok(Message::Close(frame)) => {
                let end = match frame {
                    None => End::Closed(None, vec![]),
                    // It answers a code that must not be sent with 1002, and calls that the peer's code.
                    Some(frame) if frame.reason.as_str() == "Protocol violation" => End::Violated(1002),
                    Some(frame) => End::Closed(Some(frame.code.into()), frame.reason.as_bytes().to_vec()),
                };
                return (events, Some(end), None);
            }
            Ok(Message::Frame(frame)) => panic!("{frame:?}"),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return (events, None, None),
            Err(error) => {
                let code = match &error {
                    Error::Protocol(_) => 1002,
                    Error::Utf8(_) => 1007,
                    Error::Capacity(_) => 1009,
                    error => panic!("{error}"),
                };
                return (events, Some(End::Violated(code)), Some(error));
            }
        }
    }
}

/// Why tungstenite says something else of a stream, where it does. Each is a choice that the RFC leaves, or a MUST that
/// tungstenite takes more lightly than the core does.
fn difference(ours: Option<&End>, theirs: Option<&End>) -> Option<&'static str> {
    use End::{Closed, Violated};
    Some(match (ours, theirs) {
        (Some(Violated(_)), None) => {
            "it looks at no frame before all of it has come, and at no text before its last byte"
        }
        (Some(Violated(1002)), Some(Violated(1009))) => "it looks at the length before anything else",
        (Some(Violated(1002)), Some(Violated(1007))) => {
            "it looks at text in a frame whose length is not in its shortest form"
        }
        (Some(Violated(1002)), Some(Closed(..) | Violated(1002))) => {
            "it takes lengths that are not in their shortest form (RFC 6455 5.2)"
        }
        (Some(Closed(Some(1014), _)), Some(Violated(1002))) => {
            "it does not know code 1014, which IANA has given out since"
        }
        _ => return None,
    })
}

#[test]
fn tungstenite_says_the_same_or_less() {
    let mut differences = BTreeMap::new();
    let mut same = 0;
    for seed in 0..1500 {
        for role in ROLES {
            let mut chance = Chance::new(seed);
            let stream = streams::stream(role, &mut chance, 8);
            let (ours, _) = receive(role, &stream, || usize::MAX);
            let (events, end, error) = read(role, &stream);
            if (&events, &end) == (&ours.events, &ours.end) {
                same += 1;
                continue;
            }
            let context = format!("seed {seed}, {role:?}: {:?}, and tungstenite {end:?} {error:?}", ours.end);
            let why = difference(ours.end.as_ref(), end.as_ref()).unwrap_or_else(|| panic!("{context}"));
            *differences.entry(why).or_insert(0) += 1;
            // It says more where it goes on behind what is wrong, and never less.
            assert!(events.starts_with(&ours.events), "{context}");
        }
    }
    println!("{same} the same, {differences:#?}");
    assert!(same > 1500);
}
