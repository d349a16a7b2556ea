//! What the threads of a connection share, and the one that writes.

use super::{
    Socket,
    patience::{Patience, SHORTEST},
};
use crate::{
    Closed, Endpoint, Output, Piece,
    app::Drain,
    clock, lock,
    sync::{
        Condvar, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        thread::{self, Thread},
    },
    timers::Reads,
};
use std::{
    io::{self, IoSlice},
    net::Shutdown,
    sync::{Arc, PoisonError, Weak},
    task::{Wake, Waker},
    time::Duration,
};

/// What the threads of a connection share.
#[derive(Debug)]
pub(crate) struct Shared<S> {
    /// Nobody holds it while it is in a call that blocks.
    pub(crate) endpoint: Mutex<Endpoint>,
    /// How the connection ended, as the reader has learnt.
    pub(crate) closed: OnceLock<Closed>,
    pub(crate) socket: S,
    /// Of a write without the endpoint.
    patience: Mutex<Patience>,
    /// A write may block for so long: no time for a write with the endpoint.
    patient: AtomicBool,
    drain: Option<Drain>,
    /// The writer; none inside where it could not be started.
    writer: OnceLock<Option<Thread>>,
    /// Writing is up to it; true before it runs, so that never two take themselves for the one who writes.
    has_writer: AtomicBool,
    /// Wakes those who wait for the endpoint to change, and how many they are.
    changed: Condvar,
    waiting: AtomicUsize,
    /// No reader and no sender is left.
    released: AtomicBool,
}

/// Those who use the connection: what they leave behind is written, and then the writer ends.
#[derive(Debug)]
pub(crate) struct Owner<S: Socket>(pub(crate) Arc<Shared<S>>);

impl<S: Socket> Shared<S> {
    pub(crate) fn new(socket: S, endpoint: Endpoint, drain: Option<Drain>) -> Self {
        Shared {
            endpoint: Mutex::new(endpoint),
            closed: OnceLock::new(),
            socket,
            patience: Mutex::new(Patience::new(Duration::MAX)),
            patient: AtomicBool::new(true),
            drain,
            writer: OnceLock::new(),
            has_writer: AtomicBool::new(false),
            changed: Condvar::new(),
            waiting: AtomicUsize::new(0),
            released: AtomicBool::new(false),
        }
    }

    /// How other threads wake the connection.
    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        let waker = Waker::from(Arc::new(Alarm(Arc::downgrade(self))));
        lock(&self.endpoint).set_waker(&waker);
        waker
    }

    /// The write side for one turn of a reader that is alone: takes what the socket takes at once.
    pub(crate) fn output(&self) -> Direct<'_, S> {
        if self.patient.swap(false, Ordering::Relaxed) {
            // It fails for zero only.
            let _ = self.socket.set_write_timeout(Some(SHORTEST));
        }
        Direct { socket: &self.socket, writes: true }
    }

    /// The write side for one turn of who leaves writing to others.
    pub(crate) fn no_output(&self) -> Direct<'_, S> {
        Direct { socket: &self.socket, writes: false }
    }

    pub(crate) fn has_writer(&self) -> bool {
        self.has_writer.load(Ordering::Acquire)
    }

    /// What was queued since the last turn is for the reader to write; or it is up to the writer.
    pub(crate) fn must_write(self: &Arc<Self>, endpoint: &Endpoint) -> bool {
        let waits = endpoint.wants_write();
        if waits && self.has_writer() {
            self.wake_writer();
            return false;
        }
        waits
    }

    /// Writes whatever waits, for a reader that is alone, as far as the peer takes it before the next deadline; no more than
    /// it has begun to once there is a writer.
    pub(crate) fn write_all<'g>(&'g self, mut endpoint: MutexGuard<'g, Endpoint>) -> MutexGuard<'g, Endpoint> {
        while !self.has_writer()
            && let Some(piece) = endpoint.take()
        {
            let progress;
            (endpoint, progress) = self.write_piece(endpoint, piece, Duration::MAX);
            if !progress {
                break;
            }
        }
        endpoint
    }

    /// Keeps the time for a connection that this thread does not read from. The next deadline.
    fn keep_time(endpoint: &mut Endpoint) -> Option<Duration> {
        endpoint.connection.timers.reads = Reads::Never;
        endpoint.handle_timeout(clock::now());
        let deadline = endpoint.poll_timeout();
        endpoint.connection.timers.reads = Reads::Has;
        deadline
    }

    /// Writes some of a piece without the endpoint, and waits no longer than `most`. Whether the peer took anything.
    fn write_piece<'g>(
        &'g self,
        mut endpoint: MutexGuard<'g, Endpoint>,
        piece: Piece,
        most: Duration,
    ) -> (MutexGuard<'g, Endpoint>, bool) {
        let left = Self::keep_time(&mut endpoint).map_or(Duration::MAX, clock::until);
        if endpoint.is_abandoned() {
            // The peer had its time: nobody waits for it any longer.
            endpoint.restore(piece, Err(io::ErrorKind::WouldBlock.into()));
            self.settle(&endpoint);
            return (endpoint, false);
        }
        drop(endpoint);
        let mut patience = lock(&self.patience);
        if !self.patient.swap(true, Ordering::Relaxed) {
            *patience = Patience::new(SHORTEST);
            patience.idle = true;
        }
        if let Some(timeout) = patience.within(left.min(most)) {
            let _ = self.socket.set_write_timeout((timeout != Duration::MAX).then_some(timeout));
        }
        drop(patience);
        let written = self.socket.write(&[IoSlice::new(&piece[..piece.len().min(PIECE)])]).map_err(later);
        lock(&self.patience).idle = written.is_err();
        let progress = written.is_ok();
        let mut endpoint = lock(&self.endpoint);
        endpoint.restore(piece, written);
        self.settle(&endpoint);
        (endpoint, progress)
    }

    /// Waits until another thread has changed something, or the deadline has come.
    pub(crate) fn until_changed<'g>(
        &self,
        endpoint: MutexGuard<'g, Endpoint>,
        deadline: Option<Duration>,
    ) -> MutexGuard<'g, Endpoint> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let left = deadline.map_or(Duration::MAX, clock::until);
        let (endpoint, _) = self.changed.wait_timeout(endpoint, left).unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        endpoint
    }

    /// Lets the sending half know how the connection ended.
    pub(crate) fn tell(&self, closed: &Option<Closed>) {
        if let Some(closed) = closed
            && self.closed.get().is_none()
        {
            let _ = self.closed.set(closed.clone());
        }
    }

    /// Tells those who wait that something has changed, and ends calls that block on a socket that is of no use any more.
    pub(crate) fn settle(&self, endpoint: &Endpoint) {
        if endpoint.is_abandoned() {
            let _ = self.socket.shutdown(Shutdown::Both);
        }
        // Whoever waits has counted itself with the lock that is held now.
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.changed.notify_all();
        }
    }

    /// Wakes the writer; starts it where there is none. Whether that could be done: without one the connection is lost.
    pub(crate) fn wake_writer(self: &Arc<Self>) -> bool {
        let writer = self.writer.get_or_init(|| {
            self.has_writer.store(true, Ordering::Release);
            let shared = self.clone();
            let thread = thread::Builder::new().name("timtow writer".into()).stack_size(STACK);
            match thread.spawn(move || shared.write()) {
                Ok(writer) => Some(writer.thread().clone()),
                Err(_) => {
                    self.has_writer.store(false, Ordering::Release);
                    let _ = self.socket.shutdown(Shutdown::Both);
                    None
                }
            }
        });
        writer.as_ref().inspect(|writer| writer.unpark()).is_some()
    }

    /// The writer: writes whatever waits, and keeps the time for a reader that is blocked.
    fn write(&self) {
        let mut endpoint = lock(&self.endpoint);
        loop {
            if self.drain.as_ref().is_some_and(Drain::is_draining) {
                endpoint.drain();
            }
            let deadline = Self::keep_time(&mut endpoint);
            endpoint.flush(&mut self.no_output());
            let piece = endpoint.take();
            self.settle(&endpoint);
            if let Some(piece) = piece {
                (endpoint, _) = self.write_piece(endpoint, piece, BLIND);
                continue;
            }
            if endpoint.is_closed() || self.released.load(Ordering::Acquire) {
                return;
            }
            drop(endpoint);
            thread::park_timeout(deadline.map_or(Duration::MAX, clock::until));
            endpoint = lock(&self.endpoint);
        }
    }
}

impl<S: Socket> Drop for Owner<S> {
    fn drop(&mut self) {
        self.0.released.store(true, Ordering::Release);
        if self.0.has_writer() {
            self.0.wake_writer();
        }
    }
}

/// Wakes a connection. Weak: the connection itself holds it.
struct Alarm<S>(Weak<Shared<S>>);

impl<S: Socket> Wake for Alarm<S> {
    fn wake(self: Arc<Self>) {
        if let Some(shared) = self.0.upgrade() {
            shared.wake_writer();
        }
    }
}

/// The write side, for one turn.
pub(crate) struct Direct<'s, S> {
    socket: &'s S,
    /// Writing is up to this thread, and the socket has room.
    writes: bool,
}

impl<S: Socket> Output for Direct<'_, S> {
    #[inline]
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        if !self.writes {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let written = self.socket.write(slices).map_err(later)?;
        // What is left is written without the endpoint.
        self.writes = written == slices.iter().map(|slice| slice.len()).sum::<usize>();
        Ok(written)
    }

    fn shutdown(&mut self) -> io::Result<()> {
        self.socket.shutdown(Shutdown::Write)
    }
}

/// The time-out of a write is no deadline: the endpoint keeps those.
fn later(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::TimedOut { io::ErrorKind::WouldBlock.into() } else { error }
}

/// Stack of a thread. It is there for handlers; memory that they do not use is not taken.
pub const STACK: usize = 256 << 10;
/// Written at a time without the endpoint, so that it sees the progress of a slow peer.
const PIECE: usize = 64 << 10;
/// How long the writer may be blocked before it looks whether another thread has set an earlier deadline: nothing tells it.
const BLIND: Duration = Duration::from_secs(1);
