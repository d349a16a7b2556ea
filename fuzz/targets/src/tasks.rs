//! Two sockets of the poll-driven driver, whose futures are dropped wherever they wait: what `recv` and `send` say about
//! cancellation.

use crate::{
    drive::{client_request, config},
    pipe::{End, pipe},
};
use arbitrary::{Arbitrary, Unstructured};
use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};
use timtow_core::{Config, Connection, Error, OwnedMessage, app::Options, task::WebSocket};

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Operation {
    client: bool,
    what: What,
    /// A future is polled so many times, and dropped.
    polls: u8,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum What {
    Send { text: bool, len: u16 },
    Feed { text: bool, len: u16 },
    Recv,
    Flush,
    Ping,
}

struct Side {
    ws: WebSocket<End>,
    /// What was sent, and whether that was said to have succeeded: what was dropped was queued whole, or not at all.
    sent: Vec<(OwnedMessage, bool)>,
    received: Vec<OwnedMessage>,
}

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Polls so many times at most, and drops.
fn cancel<T>(future: impl Future<Output = T>, polls: u8) -> Option<T> {
    let mut future = pin!(future);
    (0..1 + polls % 4).find_map(|_| match future.as_mut().poll(&mut context()) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

impl Side {
    fn message(&self, text: bool, len: u16) -> OwnedMessage {
        let mut payload = self.sent.len().to_string().into_bytes();
        payload.resize(payload.len() + usize::from(len) % 6000, b'.');
        if text { String::from_utf8(payload).expect("ASCII").into() } else { payload.into() }
    }

    fn apply(&mut self, what: What, polls: u8) {
        match what {
            What::Send { text, len } => {
                let message = self.message(text, len);
                let sent = cancel(self.ws.send(message.clone()), polls);
                self.note(message, sent);
            }
            What::Feed { text, len } => {
                let message = self.message(text, len);
                let sent = cancel(self.ws.feed(message.clone()), polls);
                self.note(message, sent);
            }
            What::Recv => drop(self.recv(polls)),
            What::Flush => assert!(!matches!(cancel(self.ws.flush(), polls), Some(Err(_)))),
            What::Ping => assert!(!matches!(cancel(self.ws.ping(b"ping"), polls), Some(Err(_)))),
        }
    }

    fn note(&mut self, message: OwnedMessage, sent: Option<Result<(), Error>>) {
        match sent {
            Some(Err(error)) => panic!("{error}"),
            sent => self.sent.push((message, sent.is_some())),
        }
    }

    /// Whether there was a message.
    fn recv(&mut self, polls: u8) -> bool {
        match cancel(self.ws.recv(), polls) {
            Some(Ok(Some(message))) => self.received.push(message),
            Some(other) => panic!("{other:?}"),
            None => return false,
        }
        true
    }

    /// In order, nothing twice, nothing in part; and where `all` is true nothing that was sent is missing.
    fn received_from(&self, peer: &Side, all: bool) {
        let mut sent = peer.sent.iter();
        for message in &self.received {
            let found = sent.find(|(other, certain)| {
                assert!(other == message || !certain, "lost: {} bytes", other.as_bytes().len());
                other == message
            });
            assert!(found.is_some(), "never sent, or repeated: {} bytes", message.as_bytes().len());
        }
        assert!(!all || sent.all(|(_, certain)| !certain), "not all arrived");
    }
}

type Opening<'f> = Pin<Box<dyn Future<Output = Result<WebSocket<End>, Error>> + 'f>>;

fn open(options: &Options, window: usize, step: usize) -> [WebSocket<End>; 2] {
    let (server, client) = pipe(window, step);
    let connection = Connection::client(client_request(), options.config.clone()).expect("a valid request");
    let mut opening: [Opening<'_>; 2] = [
        Box::pin(WebSocket::accept(server, options)),
        Box::pin(async move { Ok(WebSocket::connect(client, connection, options).await?.0) }),
    ];
    let mut opened = [None, None];
    for _ in 0..10_000 {
        for (future, opened) in opening.iter_mut().zip(&mut opened) {
            if opened.is_none()
                && let Poll::Ready(socket) = future.as_mut().poll(&mut context())
            {
                *opened = Some(socket.expect("a valid handshake"));
            }
        }
        if let [Some(_), Some(_)] = opened {
            return opened.map(|socket| socket.expect("it is there"));
        }
    }
    panic!("it never opens");
}

/// Any operations, of which each may be given up.
pub fn tasks(data: &[u8]) {
    let mut data = Unstructured::new(data);
    let Ok((small, window, step)) = <(bool, u16, u8)>::arbitrary(&mut data) else { return };
    let high_water = if small { 500 } else { 64 << 10 };
    let options = Options { config: Arc::new(Config { high_water, ..config() }), ..Options::default() };
    // Bytes that wait to be read before writes block, and that one read or write takes.
    let (window, step) = (20 + usize::from(window), 10 + 16 * usize::from(step));
    let mut sides = open(&options, window, step).map(|ws| Side { ws, sent: Vec::new(), received: Vec::new() });
    for _ in 0..150 {
        let Ok(Operation { client, what, polls }) = Operation::arbitrary(&mut data) else { break };
        let side = &mut sides[usize::from(client)];
        side.apply(what, polls);
        let [server, client] = &sides;
        server.received_from(client, false);
        client.received_from(server, false);
        if data.is_empty() {
            break;
        }
    }
    // Both read, and write what waits meanwhile, until nothing moves any more.
    let mut quiet = 0;
    for round in 0.. {
        assert!(round < 1_000_000, "it never settles");
        let before: usize = sides.iter().map(|side| side.ws.unsent() + side.ws.socket().unread().len()).sum();
        let moved = sides.iter_mut().map(|side| side.recv(0)).fold(false, |a, b| a | b);
        let after: usize = sides.iter().map(|side| side.ws.unsent() + side.ws.socket().unread().len()).sum();
        quiet = if moved || after != before { 0 } else { quiet + 1 };
        if quiet > 3 {
            break;
        }
    }
    let [server, client] = &mut sides;
    server.received_from(client, true);
    client.received_from(server, true);
    let (mut closed, mut ended) = (None, false);
    for _ in 0..10_000 {
        if ended && closed.is_some() {
            break;
        }
        // Dropped and asked again, which does no harm.
        closed = closed.or_else(|| cancel(server.ws.close(1000, "done"), 0));
        match cancel(client.ws.recv(), 0) {
            None => {}
            Some(Ok(None)) => ended = true,
            Some(other) => panic!("{other:?}"),
        }
    }
    assert!(ended && closed.is_some_and(|closed| closed.expect("it may be sent").is_clean()), "it never closes");
}
