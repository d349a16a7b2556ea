//! Every byte passes the transport seam: a transport that changes lengths, needs a handshake, has deadlines, fails and closes.

mod common;

use common::{
    config,
    pipe::{End, pipe},
    transport::Scrambler,
};
use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};
use timtow_core::{
    Access, Buffers, Cause, Closed, Connection, Endpoint, Event, Input, Output, OwnedMessage, Response, app::Options,
    clock, task::WebSocket, turn,
};

fn options() -> Options {
    Options { config: Arc::new(config()), transport: Some(Scrambler::make()), ..Options::default() }
}

fn client() -> Connection {
    Connection::client(common::client_request(), Arc::new(config())).unwrap()
}

/// An endpoint, its socket, and what it said.
struct Driven {
    endpoint: Endpoint,
    socket: End,
    events: Vec<Event<'static>>,
    echoes: bool,
    /// The socket's end was read.
    ended: bool,
}

impl Driven {
    fn new(endpoint: Endpoint, socket: End, echoes: bool) -> Self {
        Driven { endpoint, socket, events: Vec::new(), echoes, ended: false }
    }

    fn turn(&mut self, buffers: &mut Buffers) -> bool {
        let mut input = Input::Nothing;
        if self.endpoint.wants_read() && !self.ended {
            match self.socket.read(buffers.input()) {
                Ok(n) => {
                    self.ended = n == 0;
                    input = Input::Read(n);
                }
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
            }
        }
        let moved = matches!(input, Input::Read(_));
        let before = (self.events.len(), self.endpoint.wants_write());
        let (events, echoes) = (&mut self.events, self.echoes);
        turn(&mut Access::Direct(&mut self.endpoint), buffers, input, &mut self.socket, |access, event| {
            events.push(event.clone().into_owned());
            access.with(|endpoint| match event {
                Event::Request(_) => endpoint.connection.accept(Response::default()).unwrap(),
                Event::Message(message) if echoes => endpoint.connection.send(message).unwrap(),
                _ => {}
            });
        });
        let asks = self.endpoint.poll_timeout();
        assert!(asks.is_none_or(|asks| asks > Duration::ZERO), "a busy loop");
        moved || before != (self.events.len(), self.endpoint.wants_write())
    }

    fn closed(&self) -> Option<&Closed> {
        self.events.iter().find_map(|event| match event {
            Event::Closed(closed) => Some(closed),
            _ => None,
        })
    }
}

fn settle(a: &mut Driven, b: &mut Driven) {
    let mut buffers = Buffers::default();
    let mut quiet = 0;
    while quiet < 3 {
        let moved = a.turn(&mut buffers) | b.turn(&mut buffers);
        quiet = if moved { 0 } else { quiet + 1 };
    }
}

#[test]
fn messages_pass_through_it_however_little_the_socket_takes() {
    for (window, step) in [(1, 1), (10, 7), (1000, 1000), (1 << 20, 1 << 20)] {
        let (a, b) = pipe(window, step);
        let mut server = Driven::new(Endpoint::server(&options()), a, true);
        let mut client = Driven::new(Endpoint::new(client(), &options()), b, false);
        settle(&mut server, &mut client);
        assert!(matches!(client.events[..], [Event::Open(_)]), "{:?}", client.events);
        let messages: Vec<Vec<u8>> = [0, 1, 125, 999, 1000, 1001, 5000, 20_000].map(|len| vec![7; len]).into();
        for message in &messages {
            client.endpoint.connection.send(message.clone()).unwrap();
        }
        settle(&mut server, &mut client);
        let echoed: Vec<&[u8]> = client
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Message(message) => Some(message.as_bytes()),
                _ => None,
            })
            .collect();
        assert!(echoed == messages, "through a window of {window}");
        client.endpoint.connection.close(1000, "done").unwrap();
        settle(&mut server, &mut client);
        for side in [&server, &client] {
            assert!(side.closed().unwrap().is_clean() && side.endpoint.is_closed(), "{:?}", side.endpoint);
            assert!(side.socket.is_ended() && side.socket.unread().is_empty());
        }
    }
}

#[test]
fn what_is_not_its_protocol_ends_the_connection_and_the_peer_is_told() {
    let (socket, mut peer) = pipe(1 << 20, 1 << 20);
    let mut server = Driven::new(Endpoint::server(&options()), socket, true);
    peer.write_some(common::REQUEST.as_bytes()).unwrap();
    let mut buffers = Buffers::default();
    while server.turn(&mut buffers) {}
    assert_eq!(server.closed().unwrap().cause, Cause::Lost);
    assert_eq!(peer.unread()[0], 0x14, "an alert");
    assert!(peer.is_ended() && !server.endpoint.is_closed(), "the peer may read it in peace");
    drop(peer);
    while server.turn(&mut buffers) {}
    assert!(server.endpoint.is_closed());
}

#[test]
fn a_failed_client_does_not_wait_for_its_request_to_be_sent() {
    let (socket, mut peer) = pipe(1 << 20, 1 << 20);
    let mut client = Driven::new(Endpoint::new(client(), &options()), socket, false);
    let mut buffers = Buffers::default();
    while client.turn(&mut buffers) {}
    assert!(client.endpoint.connection.buffered() > 0, "the request waits for the transport");
    assert!(!client.endpoint.wants_write(), "and not for the socket");
    peer.write_some(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    while client.turn(&mut buffers) {}
    assert_eq!(client.closed().unwrap().cause, Cause::Lost);
    assert!(peer.is_ended());
}

#[test]
fn its_deadline_ends_the_connection() {
    let patient = Options {
        transport: Some(Arc::new(|role| Box::new(Scrambler::with_patience(role, Duration::from_secs(5))))),
        ..options()
    };
    for make in [Endpoint::server, |options: &Options| Endpoint::new(client(), options)] {
        let (socket, peer) = pipe(1 << 20, 1 << 20);
        let mut side = Driven::new(make(&patient), socket, false);
        let mut buffers = Buffers::default();
        while side.turn(&mut buffers) {}
        // Its own comes before the opening handshake's.
        let deadline = side.endpoint.poll_timeout().unwrap();
        assert!(deadline <= clock::now() + Duration::from_secs(5));
        side.endpoint.handle_timeout(deadline);
        assert!(side.endpoint.connection.wants_receive());
        while side.turn(&mut buffers) {}
        assert_eq!(side.closed().unwrap().cause, Cause::Lost);
        assert!(peer.is_ended() && peer.unread().contains(&0x14));
        // It has no say any more; what is left is the time for the peer to end.
        assert!(side.endpoint.poll_timeout().unwrap() > deadline);
    }
}

#[test]
fn what_it_says_last_has_a_deadline() {
    let (socket, mut peer) = pipe(1 << 20, 1 << 20);
    let mut server = Driven::new(Endpoint::server(&options()), socket, true);
    server.socket.window = 5;
    peer.write_some(b"no record at all").unwrap();
    peer.shutdown().unwrap();
    let mut buffers = Buffers::default();
    while server.turn(&mut buffers) {}
    assert_eq!(server.closed().unwrap().cause, Cause::Lost);
    assert!(!server.endpoint.is_closed() && server.endpoint.wants_write(), "the alert is stuck");
    let deadline = server.endpoint.poll_timeout().expect("it is not stuck for ever");
    server.endpoint.handle_timeout(deadline);
    assert!(server.endpoint.is_closed());
}

/// Polls both until both are done.
fn both<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut of_a, mut of_b) = (None, None);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..10_000_000 {
        if of_a.is_none()
            && let Poll::Ready(result) = a.as_mut().poll(&mut context)
        {
            of_a = Some(result);
        }
        if of_b.is_none()
            && let Poll::Ready(result) = b.as_mut().poll(&mut context)
        {
            of_b = Some(result);
        }
        match (of_a.take(), of_b.take()) {
            (Some(a), Some(b)) => return (a, b),
            others => (of_a, of_b) = others,
        }
    }
    panic!("it never ends");
}

#[test]
fn the_poll_driven_web_socket_goes_through_it() {
    for (window, step) in [(1, 1), (100, 30), (1 << 20, 1 << 20)] {
        let (a, b) = pipe(window, step);
        let options = options();
        let server = async {
            let mut ws = WebSocket::accept(a, &options).await.unwrap();
            while let Some(message) = ws.recv().await.unwrap() {
                ws.send(message).await.unwrap();
            }
        };
        let client = async {
            let (mut ws, _) = WebSocket::connect(b, client(), &options).await.unwrap();
            let mut echoed = Vec::new();
            for message in [OwnedMessage::from("Grüße"), vec![1; 3000].into(), "".into()] {
                ws.send(message).await.unwrap();
                echoed.push(ws.recv().await.unwrap().unwrap());
            }
            assert!(ws.close(1000, "").await.unwrap().is_clean());
            echoed
        };
        let ((), echoed) = both(server, client);
        assert!(echoed == [OwnedMessage::from("Grüße"), vec![1; 3000].into(), "".into()]);
    }
}
