//! The same messages through the core and tungstenite, in both roles, from the opening to the closing handshake.

use crate::common::{self, chance::Chance, client_request, config, pair::ROLES};
use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, Read, Write},
    rc::Rc,
    sync::Arc,
};
use timtow_core::{Cause, Connection, Event, Kind, OwnedMessage, Response, Role};
use tungstenite::{Error, HandshakeError, Message, WebSocket, protocol::frame::CloseFrame};

/// Tungstenite's socket: what came, and what is to go.
#[derive(Clone, Default)]
struct Socket {
    inbound: Rc<RefCell<VecDeque<u8>>>,
    outbound: Rc<RefCell<Vec<u8>>>,
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inbound.borrow_mut().read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            n => Ok(n),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outbound.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The core's side.
struct Ours {
    ws: Connection,
    heard: Vec<OwnedMessage>,
    opened: bool,
    end: Option<(u16, bool)>,
}

impl Ours {
    /// Hears what tungstenite sent, in pieces, and answers it.
    fn hear(&mut self, socket: &Socket, chance: &mut Chance) {
        let mut bytes = std::mem::take(&mut *socket.outbound.borrow_mut());
        let mut rest = &mut bytes[..];
        loop {
            let n = chance.between(1, 3000).min(rest.len());
            let (mut piece, behind) = rest.split_at_mut(n);
            rest = behind;
            while let Some(event) = self.ws.receive(&mut piece) {
                match event {
                    Event::Request(_) => self.ws.accept(Response::default()).unwrap(),
                    Event::Open(_) => self.opened = true,
                    Event::Message(message) => self.heard.push(message.into()),
                    Event::Closed(closed) => self.end = Some((closed.code.0, closed.cause == Cause::Handshake)),
                    _ => {}
                }
            }
            socket.inbound.borrow_mut().extend(common::drain(&mut self.ws));
            if rest.is_empty() && !self.ws.wants_receive() {
                return;
            }
        }
    }
}

/// Both open.
fn open(role: Role, socket: &Socket, chance: &mut Chance) -> (Ours, WebSocket<Socket>) {
    let config = Arc::new(config());
    let ws = match role {
        Role::Server => Connection::server(config),
        Role::Client => Connection::client(client_request(), config).unwrap(),
    };
    let mut ours = Ours { ws, heard: vec![], opened: false, end: None };
    ours.hear(socket, chance);
    let theirs = match role {
        Role::Client => tungstenite::accept(socket.clone()).unwrap_or_else(|_| panic!("the request is whole")),
        Role::Server => {
            let Err(HandshakeError::Interrupted(waits)) = tungstenite::client("ws://example.com/chat", socket.clone())
            else {
                panic!("it waits for the answer")
            };
            ours.hear(socket, chance);
            waits.handshake().unwrap_or_else(|_| panic!("the answer is whole")).0
        }
    };
    ours.hear(socket, chance);
    assert!(ours.opened);
    (ours, theirs)
}

fn message(chance: &mut Chance) -> (Kind, Vec<u8>) {
    let len = chance.pick(&[0, 1, 2, 125, 126, 127, 1000, 65_535, 65_536]);
    match chance.percent(50) {
        true => (Kind::Text, "aßκ語𝄞".chars().cycle().take(len / 3).collect::<String>().into_bytes()),
        false => (Kind::Binary, (0..len).map(|_| chance.next() as u8).collect()),
    }
}

fn ours(message: &(Kind, Vec<u8>)) -> OwnedMessage {
    match message.0 {
        Kind::Text => String::from_utf8(message.1.clone()).unwrap().into(),
        Kind::Binary => message.1.clone().into(),
    }
}

#[test]
fn messages_go_both_ways_between_the_core_and_tungstenite() {
    for seed in 0..60 {
        for role in ROLES {
            let (mut chance, socket) = (Chance::new(seed), Socket::default());
            let (mut side, mut other) = open(role, &socket, &mut chance);
            let (mut sent, mut due, mut heard) = (vec![], vec![], vec![]);
            for _ in 0..chance.between(1, 20) {
                let message = message(&mut chance);
                match chance.below(3) {
                    0 => {
                        side.ws.send(ours(&message)).unwrap();
                        due.push(message);
                    }
                    1 => {
                        let ping = chance.below(2) == 0;
                        let message = match &message {
                            _ if ping => Message::Ping(vec![1, 2, 3].into()),
                            (Kind::Text, text) => Message::text(str::from_utf8(text).unwrap()),
                            (Kind::Binary, bytes) => Message::binary(bytes.clone()),
                        };
                        other.send(message.clone()).unwrap();
                        if !ping {
                            sent.push(message);
                        }
                    }
                    _ => side.ws.ping(b"are you there?").unwrap(),
                }
                side.hear(&socket, &mut chance);
                loop {
                    match other.read() {
                        Ok(Message::Ping(_) | Message::Pong(_)) => {}
                        Ok(message) => heard.push(message),
                        Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => break,
                        Err(error) => panic!("seed {seed}, {role:?}: {error}"),
                    }
                }
            }
            side.hear(&socket, &mut chance);
            let due: Vec<_> = due.iter().map(|(kind, bytes)| (*kind == Kind::Text, bytes.clone())).collect();
            let heard: Vec<_> =
                heard.iter().map(|heard| (heard.is_text(), heard.clone().into_data().to_vec())).collect();
            assert_eq!(heard, due, "seed {seed}, {role:?}");
            let sent: Vec<_> = sent.iter().map(|sent| (sent.is_text(), sent.clone().into_data().to_vec())).collect();
            let got: Vec<_> = side.heard.iter().map(|got| (got.as_text().is_some(), got.as_bytes().to_vec())).collect();
            assert_eq!(got, sent, "seed {seed}, {role:?}");
            closes(side, other, &socket, &mut chance);
        }
    }
}

/// Either of them closes; both are told the code.
fn closes(mut side: Ours, mut other: WebSocket<Socket>, socket: &Socket, chance: &mut Chance) {
    if chance.percent(50) {
        side.ws.close(1001, "away").unwrap();
        side.hear(socket, chance);
        let Ok(Message::Close(Some(frame))) = other.read() else { panic!("a close frame") };
        assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1001, "away"));
        let _ = other.flush();
    } else {
        other.close(Some(CloseFrame { code: 1001.into(), reason: "".into() })).unwrap();
    }
    side.hear(socket, chance);
    assert_eq!(side.end, Some((1001, true)));
    let mut end = other.read();
    while end.is_ok() {
        end = other.read();
    }
    // A server has ended the connection by then, a client waits for the transport.
    let error = end.unwrap_err();
    assert!(matches!(error, Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_)), "{error}");
}
