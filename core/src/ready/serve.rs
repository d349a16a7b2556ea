//! Serving: the connections of one loop, and the turns that they get.

use super::{Readiness, Socket, Watched};
use crate::{
    Access, Buffers, Endpoint,
    app::{Accepted, App, Armed, Backoff, Deadlines, Hub, Registration, Server, Session},
    clock,
};
use slab::Slab;
use std::{
    io::{self, ErrorKind::WouldBlock},
    mem,
    sync::Arc,
    time::Duration,
};

/// What a loop adds to the driver of a server.
pub trait Watch {
    /// What a connection is made of.
    type Socket: Socket + Send + 'static;

    /// Accepts a connection. Asked again after [`Connections::listener_is_ready`], until it says `WouldBlock`.
    ///
    /// # Errors
    /// As `accept(2)`; [`Backoff`] says what they mean.
    fn accept(&mut self) -> io::Result<Accepted<Self::Socket>>;

    /// Accepts no more: drops the listener.
    fn stop_accepting(&mut self);

    /// Tells from now on when `socket` is ready, by `key`.
    ///
    /// # Errors
    /// The connection is lost then.
    fn watch(&mut self, socket: &mut Self::Socket, key: usize) -> io::Result<()>;

    /// Tells no more. The socket is dropped next.
    fn unwatch(&mut self, socket: &mut Self::Socket);
}

/// The connections of one loop of a server. The loop waits for [`timeout`](Connections::timeout) at most, says what became
/// ready, and lets [`catch_up`](Connections::catch_up), until [`is_over`](Connections::is_over).
pub struct Connections<A: App, W: Watch> {
    /// What the loop adds.
    pub watch: W,
    server: Arc<Server<A>>,
    hub: Arc<Hub<W::Socket>>,
    acceptor: Option<Acceptor<W::Socket>>,
    connections: Slab<Box<Connection<A, W::Socket>>>,
    deadlines: Deadlines<usize>,
    /// Who is to have a turn though nothing became ready.
    due: Vec<usize>,
    woken: bool,
    stopped: bool,
    draining: bool,
    _drain: Registration,
    buffers: Buffers,
}

struct Connection<A: App, S> {
    session: Session<A>,
    endpoint: Endpoint,
    socket: Watched<S>,
    armed: Armed,
}

/// Accepts for the loops of `hubs` in turn; the first is the one that accepts.
struct Acceptor<S> {
    hubs: Vec<Arc<Hub<S>>>,
    last: usize,
    backoff: Backoff,
    armed: Armed,
}

impl<A: App, W: Watch> Connections<A, W> {
    /// The loop that `hub` wakes. `accepts_for` names the hubs of all loops, its own first, if this one has the listener.
    pub fn new(
        server: &Arc<Server<A>>,
        watch: W,
        hub: Arc<Hub<W::Socket>>,
        accepts_for: Option<Vec<Arc<Hub<W::Socket>>>>,
    ) -> Self {
        let acceptor = |hubs| Acceptor { hubs, last: 0, backoff: Backoff::default(), armed: Armed::default() };
        Connections {
            watch,
            server: server.clone(),
            _drain: server.options.drain.register(&hub.waker(LISTENER)),
            hub,
            acceptor: accepts_for.map(acceptor),
            connections: Slab::new(),
            deadlines: Deadlines::default(),
            due: Vec::new(),
            woken: false,
            stopped: false,
            draining: false,
            buffers: Buffers::default(),
        }
    }

    /// How long to wait at most.
    pub fn timeout(&mut self) -> Option<Duration> {
        let next = self.deadlines.next();
        // Nobody reads a clock for nothing.
        let now = next.map_or(Duration::ZERO, |_| clock::now());
        self.deadlines.expire(now, &mut self.due);
        if self.due.is_empty() { next.map(|next| next.saturating_sub(now)) } else { Some(Duration::ZERO) }
    }

    /// A socket became ready. A key that nobody has any more does no harm.
    #[inline]
    pub fn socket_is_ready(&mut self, key: usize, readiness: Readiness) {
        self.turn(key, Some(readiness));
    }

    /// The listener became ready.
    pub fn listener_is_ready(&mut self) {
        self.due.push(LISTENER);
    }

    /// The hub's waker was called.
    pub fn woken(&mut self) {
        self.woken = true;
    }

    /// Does what is due, when everything was said that became ready: only now are connections added, so that none of that
    /// was meant for an earlier owner of a key.
    ///
    /// # Errors
    /// Where the listener is none.
    pub fn catch_up(&mut self) -> io::Result<()> {
        if mem::take(&mut self.woken) {
            let news = self.hub.take();
            self.stopped = news.stop;
            self.due.extend(news.woken);
            news.accepted.into_iter().for_each(|accepted| self.add(accepted));
        }
        if !self.draining && self.server.options.drain.is_draining() {
            self.draining = true;
            if self.acceptor.take().is_some() {
                self.watch.stop_accepting();
            }
            self.due.extend(self.connections.iter().map(|(key, _)| key));
        }
        for key in mem::take(&mut self.due) {
            match key {
                LISTENER => self.accept()?,
                key => self.turn(key, None),
            }
        }
        Ok(())
    }

    /// Whether the server has drained, or another of its loops has failed.
    pub fn is_over(&self) -> bool {
        self.stopped || (self.draining && self.connections.is_empty())
    }

    fn turn(&mut self, key: usize, seen: Option<Readiness>) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Connection { session, endpoint, socket, armed } = &mut **connection;
        if let Some(seen) = seen {
            socket.see(seen);
        }
        socket.drive(endpoint, &mut self.buffers, seen.is_none(), |endpoint, buffers, input, socket| {
            session.turn(Access::Direct(endpoint), buffers, input, socket);
        });
        if endpoint.is_closed() {
            self.deadlines.rearm(key, armed, None);
            self.watch.unwatch(&mut socket.socket);
            self.connections.remove(key);
            return;
        }
        let mut is_due = false;
        if endpoint.needs_waker() {
            endpoint.set_waker(&self.hub.waker(key));
            // It may have come before it could wake anybody.
            is_due = endpoint.has_mail();
        }
        let deadline = session.poll_timeout(&mut Access::Direct(endpoint));
        match seen {
            Some(_) => self.deadlines.arm(key, armed, deadline),
            None => self.deadlines.rearm(key, armed, deadline),
        }
        if is_due || socket.has_more(endpoint) || endpoint.wants_turn() {
            self.due.push(key);
        }
    }

    fn add(&mut self, (mut socket, peer): Accepted<W::Socket>) {
        let entry = self.connections.vacant_entry();
        let key = entry.key();
        // One that the loop cannot watch is lost already, or lost now.
        if self.watch.watch(&mut socket, key).is_ok() {
            let session = Session::new(&self.server, peer);
            let endpoint = Endpoint::server(&self.server.options);
            endpoint.set_peer(peer);
            let socket = Watched::new(socket);
            entry.insert(Box::new(Connection { session, endpoint, socket, armed: Armed::default() }));
            self.turn(key, None);
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        for _ in 0..ACCEPTS {
            let Some(acceptor) = &mut self.acceptor else { return Ok(()) };
            match self.watch.accept() {
                Ok(accepted) => {
                    acceptor.backoff.reset();
                    acceptor.last = (acceptor.last + 1) % acceptor.hubs.len();
                    match acceptor.last {
                        0 => self.add(accepted),
                        other => acceptor.hubs[other].give(accepted),
                    }
                }
                Err(error) if error.kind() == WouldBlock => return Ok(()),
                Err(error) => {
                    if let Some(delay) = acceptor.backoff.after(error)? {
                        self.deadlines.rearm(LISTENER, &mut acceptor.armed, Some(clock::now() + delay));
                        return Ok(());
                    }
                }
            }
        }
        self.due.push(LISTENER);
        Ok(())
    }
}

impl<A: App, W: Watch> std::fmt::Debug for Connections<A, W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connections").field("len", &self.connections.len()).finish_non_exhaustive()
    }
}

/// The key of no connection.
const LISTENER: usize = usize::MAX;
/// Connections that are accepted in a row before others get their turn.
const ACCEPTS: usize = 64;
