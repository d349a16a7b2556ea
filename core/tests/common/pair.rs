//! Two endpoints and a virtual clock: time, latency and a peer that does not read, without a socket.

use super::{client_request, config, echo};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use timtow_core::{Closed, Config, Connection, Event, OwnedMessage, Response, Role};

/// A server and a client that are connected with each other.
pub struct Pair {
    pub server: Side,
    pub client: Side,
    pub now: Duration,
}

/// One endpoint, and its socket.
pub struct Side {
    pub ws: Connection,
    /// What the peer sent, and this side did not read.
    pub inbound: VecDeque<u8>,
    /// So much fits into `inbound` before the peer's writes would block.
    pub window: usize,
    /// Whether it reads, and how many bytes at a time.
    pub reads: Option<usize>,
    /// The peer has half-closed, and this side has seen it.
    pub half_closed: (bool, bool),
    /// What it does about an event.
    pub respond: fn(&mut Connection, Event<'_>),
    pub events: Vec<Event<'static>>,
}

impl Side {
    pub fn new(ws: Connection) -> Self {
        Side {
            ws,
            inbound: VecDeque::new(),
            window: usize::MAX,
            reads: Some(usize::MAX),
            half_closed: (false, false),
            respond: |_, _| {},
            events: Vec::new(),
        }
    }

    /// One turn of a driver, which asserts what a driver may rely on. Whether anything moved.
    pub fn turn(&mut self, peer: &mut Side, now: Duration) -> bool {
        let mut moved = false;
        if self.ws.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.ws.handle_timeout(now);
            moved = true;
        }
        let mut read = Vec::new();
        if let Some(most) = self.reads
            && self.ws.wants_read()
        {
            read.extend(self.inbound.drain(..self.inbound.len().min(most)));
            if read.is_empty() && self.half_closed == (true, false) {
                self.half_closed.1 = true;
                self.ws.receive_eof();
                moved = true;
            }
        }
        moved |= !read.is_empty();
        let mut input = &mut read[..];
        loop {
            while let Some(event) = self.ws.receive(&mut input) {
                moved = true;
                self.events.push(event.clone().into_owned());
                if let Event::Request(_) = event {
                    self.ws.accept(Response::default()).unwrap();
                }
                (self.respond)(&mut self.ws, event);
            }
            assert!(input.is_empty(), "receive consumes everything");
            moved |= self.write(peer);
            if !self.ws.wants_receive() {
                break;
            }
        }
        if self.ws.poll_timeout() == Some(Duration::ZERO) {
            self.ws.handle_timeout(now);
        }
        let asks = self.ws.poll_timeout();
        assert!(
            asks.is_none_or(|deadline| deadline > now),
            "a busy loop: {asks:?} at {now:?} in {:?}",
            self.ws.state()
        );
        assert!(self.closed_events() <= 1, "one terminal event");
        moved
    }

    fn write(&mut self, peer: &mut Side) -> bool {
        let mut moved = false;
        loop {
            let chunk = self.ws.outbox().chunk();
            let n = chunk.len().min(peer.window.saturating_sub(peer.inbound.len()));
            if n == 0 {
                break;
            }
            peer.inbound.extend(&chunk[..n]);
            self.ws.outbox().advance(n);
            moved = true;
        }
        // A closed socket ends for the peer, too.
        if (self.ws.outbox().is_finished() || self.ws.is_closed()) && !peer.half_closed.0 {
            peer.half_closed.0 = true;
            moved = true;
        }
        moved
    }

    fn closed_events(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Closed(_))).count()
    }

    /// How it ended, if it has.
    pub fn closed(&self) -> Option<&Closed> {
        self.events.iter().find_map(|event| match event {
            Event::Closed(closed) => Some(closed),
            _ => None,
        })
    }

    /// The messages that came.
    pub fn messages(&self) -> Vec<OwnedMessage> {
        let messages = self.events.iter().filter_map(|event| match event {
            Event::Message(message) => Some(message.clone().into()),
            _ => None,
        });
        messages.collect()
    }

    pub fn pings(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Ping(_))).count()
    }

    pub fn pongs(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Pong(_))).count()
    }
}

impl Pair {
    /// Two that have not done the opening handshake. The server echoes.
    pub fn new(server: Config, client: Config) -> Self {
        let client = Connection::client(client_request(), Arc::new(client)).unwrap();
        Pair::of(Connection::server(Arc::new(server)), client)
    }

    pub fn of(server: Connection, client: Connection) -> Self {
        let (server, client) = (Side { respond: echo, ..Side::new(server) }, Side::new(client));
        Pair { server, client, now: Duration::from_secs(1000) }
    }

    /// Two that have, and the server echoes.
    pub fn open() -> Self {
        Pair::open_with(config(), config())
    }

    pub fn open_with(server: Config, client: Config) -> Self {
        let mut pair = Pair::new(server, client);
        pair.settle();
        assert!(matches!(pair.client.events[..], [Event::Open(_)]));
        assert!(matches!(pair.server.events[..], [Event::Request(_), Event::Open(_)]));
        pair.client.events.clear();
        pair.server.events.clear();
        pair
    }

    /// Turns until nothing moves.
    pub fn settle(&mut self) {
        for _ in 0..1_000_000 {
            let server = self.server.turn(&mut self.client, self.now);
            let client = self.client.turn(&mut self.server, self.now);
            if !server && !client {
                return;
            }
        }
        panic!("it never settles");
    }

    /// Lets so much time pass, from deadline to deadline.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            let next = [&self.server, &self.client].into_iter().filter_map(|side| side.ws.poll_timeout()).min();
            match next {
                Some(next) if next <= end => self.now = next,
                _ => break,
            }
        }
        self.now = end;
        self.settle();
    }

    pub fn pass_seconds(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    /// The side of a role, and the other.
    pub fn sides(&mut self, role: Role) -> (&mut Side, &mut Side) {
        match role {
            Role::Server => (&mut self.server, &mut self.client),
            Role::Client => (&mut self.client, &mut self.server),
        }
    }
}

pub const ROLES: [Role; 2] = [Role::Server, Role::Client];
