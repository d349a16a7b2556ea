//! What all connections of a server share.

use super::Drain;
use crate::{
    Config, MakeTransport, lock,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use std::{
    fmt,
    num::NonZeroUsize,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// How to serve, accept and connect; the same on every loop.
///
/// ```
/// use timtow_core::{Config, app::{Drain, Options}};
/// let drain = Drain::new();
/// let options = Options {
///     config: Config { max_message: 16 << 20, max_frame: 16 << 20, ..Config::default() }.into(),
///     max_connections: 10_000,
///     drain: drain.clone(),
///     ..Options::default()
/// };
/// ```
#[derive(Clone)]
pub struct Options {
    /// Limits and deadlines of each connection.
    pub config: Arc<Config>,
    /// What stands between the socket and the connection. Nothing.
    pub transport: Option<MakeTransport>,
    /// Loops that share the work, where the loop can be had more than once. One.
    pub threads: NonZeroUsize,
    /// Open connections; a further one is answered 503. No limit.
    pub max_connections: usize,
    /// Ends the server.
    pub drain: Drain,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            config: Arc::new(Config::default()),
            transport: None,
            threads: NonZeroUsize::MIN,
            max_connections: usize::MAX,
            drain: Drain::new(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("config", &self.config)
            .field("transport", &self.transport.is_some())
            .field("threads", &self.threads)
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

/// What all connections of a server share: the application, the options, and how many there are.
#[derive(Debug)]
pub struct Server<A> {
    /// The application.
    pub app: A,
    /// The options.
    pub options: Options,
    /// Connections that are open.
    open: AtomicUsize,
    /// Connections that exist, whatever their state.
    live: AtomicUsize,
    /// Who waits for the last connection of a drain to end.
    waiting: Mutex<Vec<Waker>>,
}

/// Seconds after which a client that was answered 503 may come back.
pub(crate) const RETRY_AFTER: u32 = 1;

impl<A> Server<A> {
    /// A server without connections.
    pub fn new(app: A, mut options: Options) -> Arc<Self> {
        // What a plain GET is answered is the application's to say.
        Arc::make_mut(&mut options.config).pages = true;
        let (open, live) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Server { app, options, open, live, waiting: Mutex::new(Vec::new()) })
    }

    /// Ready when the server drains and its last connection has ended. Ask after the drain has begun: its beginning wakes
    /// nobody here.
    pub fn poll_drained(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut waiting = lock(&self.waiting);
        if !waiting.iter().any(|known| known.will_wake(context.waker())) {
            waiting.push(context.waker().clone());
        }
        drop(waiting);
        if self.options.drain.is_draining() && self.live.load(Ordering::Acquire) == 0 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

/// Counts one connection for as long as it exists.
#[derive(Debug)]
pub(super) struct Seat<A> {
    pub(super) server: Arc<Server<A>>,
    open: bool,
}

impl<A> Seat<A> {
    pub(super) fn new(server: Arc<Server<A>>) -> Self {
        server.live.fetch_add(1, Ordering::AcqRel);
        Seat { server, open: false }
    }

    /// Counts it among the open ones, if there is room and the server does not drain.
    pub(super) fn open(&mut self) -> bool {
        let options = &self.server.options;
        if options.drain.is_draining() {
            return false;
        }
        let before = self.server.open.fetch_add(1, Ordering::AcqRel);
        self.open = before < options.max_connections;
        if !self.open {
            self.server.open.fetch_sub(1, Ordering::AcqRel);
        }
        self.open
    }

    pub(super) fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            self.server.open.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl<A> Drop for Seat<A> {
    fn drop(&mut self) {
        self.close();
        if self.server.live.fetch_sub(1, Ordering::AcqRel) == 1 && self.server.options.drain.is_draining() {
            let waiting = std::mem::take(&mut *lock(&self.server.waiting));
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}
