//! What drivers share: a connection with its transport and its mailbox, and the turn that every one of them makes.

use crate::{
    CloseCode, Connection, Rejection, Role, SendError, State, Transport,
    app::{Mailbox, Options, RETRY_AFTER, Sender},
    event::Cause,
    frame::MAX_HEADER,
    sync::{Mutex, MutexGuard},
};
use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    sync::{Arc, PoisonError},
    task::Waker,
    time::Duration,
};

mod buffers;
mod front;
mod output;
mod stride;
mod turn;

pub use buffers::Buffers;
use buffers::FRONT;
pub(crate) use front::Front;
use output::Layer;
use stride::{Begun, Stride};
use turn::Left;
pub use turn::turn;
pub(crate) use turn::{Hearer, Share, begin, go_on};
#[cfg(test)]
pub(crate) use turn::{MESSAGES, READS};

/// A connection behind its transport: what a driver drives.
#[derive(Debug)]
pub struct Endpoint {
    /// The connection.
    pub connection: Connection,
    layer: Option<Box<Layer>>,
    mailbox: Option<Arc<Mailbox>>,
    waker: Option<Waker>,
}

/// The write side of a socket.
pub trait Output {
    /// Writes some of `slices`; returns how many bytes it took.
    ///
    /// # Errors
    /// `WouldBlock`: later. `TimedOut`: the peer took nothing for as long as [`Config::write_timeout`](crate::Config) allows.
    /// Any other but `Interrupted`: the connection is lost.
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Half-closes: nothing follows.
    ///
    /// # Errors
    /// As [`write`](Output::write).
    fn shutdown(&mut self) -> io::Result<()>;

    /// Passes on what [`write`](Output::write) took, for a stream that keeps bytes itself.
    ///
    /// # Errors
    /// As [`write`](Output::write).
    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a turn is about.
#[derive(Debug)]
pub enum Input {
    /// So many bytes were read into [`Buffers::input`]; none means that the peer sends no more.
    Read(usize),
    /// Reading or writing failed: the connection is lost.
    Failed,
    /// Nothing was read: the socket is writable, a deadline has come, or somebody woke the loop.
    Nothing,
}

/// A way to an endpoint: its owner's, or one that several threads share. No lock is held longer than one call.
#[derive(Debug)]
pub enum Access<'e> {
    /// Nobody else has it.
    Direct(&'e mut Endpoint),
    /// Others have it too.
    Shared(&'e Mutex<Endpoint>),
}

impl Endpoint {
    /// A connection as `options` want it.
    pub fn new(connection: Connection, options: &Options) -> Self {
        let layer = options.transport.as_ref().map(|make| Box::new(Layer::new(make(connection.role()))));
        #[cfg(feature = "legacy")]
        let connection = if layer.is_some() { connection.over_tls() } else { connection };
        Endpoint { connection, layer, mailbox: None, waker: None }
    }

    /// A server's side.
    pub fn server(options: &Options) -> Self {
        Endpoint::new(Connection::server(options.config.clone()), options)
    }

    /// Has the connection's span name the socket's other end.
    pub(crate) fn set_peer(&self, peer: Option<SocketAddr>) {
        if let Some(peer) = peer {
            self.connection.trace.peer(peer);
        }
    }

    /// How other threads wake the loop for this connection; set it before the first turn, and when it changes. Returns
    /// whether it has changed.
    pub fn set_waker(&mut self, waker: &Waker) -> bool {
        let changed = !self.waker.as_ref().is_some_and(|known| known.will_wake(waker));
        if changed {
            self.waker = Some(waker.clone());
            if let Some(mailbox) = &self.mailbox {
                mailbox.set_waker(waker.clone());
            }
        }
        changed
    }

    /// Whether there is a [`sender`](Endpoint::sender), and no waker yet: for loops on which a waker costs memory, and few
    /// connections need one. Where there is mail after it was set, a turn is due.
    #[inline]
    pub fn needs_waker(&self) -> bool {
        self.mailbox.is_some() && self.waker.is_none()
    }

    /// A sender that works from other threads.
    pub fn sender(&mut self) -> Sender {
        let (config, waker) = (self.connection.config(), &self.waker);
        let mailbox = self.mailbox.get_or_insert_with(|| Arc::new(Mailbox::new(config.high_water, waker.clone())));
        Sender::new(mailbox.clone())
    }

    /// Where to read to, and at most how much: what may have to be set aside when the peer stops reading is bounded, but the
    /// payload of a large frame is not set aside, and is read in larger pieces, and to where its message is put together.
    #[inline]
    pub fn room<'b>(&'b mut self, buffers: &'b mut Buffers) -> &'b mut [u8] {
        let begun = self.begun();
        let frame = match self.connection.frame {
            // Pieces may have to be set aside, and are what the application copies.
            Some(frame) if !self.connection.config.fragments => frame.left,
            _ => 0,
        };
        if frame > 0
            && self.layer.is_none()
            && let Some(room) = self.connection.room()
        {
            buffers.is_there = true;
            return room;
        }
        buffers.room(begun, SET_ASIDE.saturating_add(frame))
    }

    /// What is missing of the frame that has begun, or how much came of its header.
    #[inline]
    pub(crate) fn begun(&self) -> Begun {
        match self.connection.frame {
            _ if self.layer.is_some() => Begun::Unknown,
            Some(frame) => Begun::Payload(frame.left),
            None => Begun::Header(self.connection.header_len.into()),
        }
    }

    /// Whether to read from the socket.
    #[inline]
    pub fn wants_read(&self) -> bool {
        self.connection.wants_read()
    }

    /// Whether output waits for the socket to be writable.
    #[inline]
    pub fn wants_write(&self) -> bool {
        let outbox = &self.connection.outbox;
        let waits = if self.layer.is_none() { !outbox.is_empty() } else { self.layer_waits() };
        waits || outbox.unflushed || outbox.owes_end()
    }

    fn layer_waits(&self) -> bool {
        let is_open = self.layer.as_ref().is_some_and(|layer| layer.transport.is_open());
        (!self.connection.outbox.is_empty() && is_open) || self.has_wire()
    }

    /// Whether the last turn ended so that others have theirs, and another one with [`Input::Nothing`] goes on: much was
    /// inflated in it.
    #[inline]
    pub fn wants_turn(&self) -> bool {
        self.connection.wants_receive()
    }

    /// Whether the socket may be dropped.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.connection.is_closed() && (!self.owes_wire() || self.connection.state == State::Closed)
    }

    /// Whether the socket has failed or was given up: nothing comes or goes any more. A driver that has a thread in a call
    /// that blocks, or an operation with the kernel, then shuts the socket down both ways.
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        self.connection.outbox.is_abandoned()
    }

    /// Whether the end is settled for this side, and dropping the socket harms nobody: a client waits for the server's end,
    /// whoever refused or failed the connection until the peer has read why (RFC 6455 7.1.1).
    pub fn may_be_dropped(&self) -> bool {
        self.is_closed() || (self.connection.outbox.shut && self.connection.ended_cleanly)
    }

    /// Whether other threads have sent something that was not taken yet.
    #[inline]
    pub fn has_mail(&self) -> bool {
        self.mailbox.as_ref().is_some_and(|mailbox| mailbox.is_filled())
    }

    /// When the next turn is due even if nothing else happens.
    #[inline]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let Some(layer) = &self.layer else { return self.connection.poll_timeout() };
        // What the transport says last has a deadline, too.
        let own = if self.has_wire() { self.connection.next_deadline() } else { self.connection.poll_timeout() };
        match (own, layer.poll_timeout()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Whether [`poll_timeout`](Endpoint::poll_timeout) is zero.
    #[inline]
    pub(crate) fn wants_time(&self) -> bool {
        match &self.layer {
            None => self.connection.wants_time(),
            Some(_) => self.poll_timeout() == Some(Duration::ZERO),
        }
    }

    /// The server drains: says goodbye with 1001 (RFC 6455 7.4.1), or, before the connection is open, with 503.
    pub fn drain(&mut self) {
        if self.connection.close(CloseCode::GOING_AWAY, "") != Err(SendError::NotOpen) {
            return;
        }
        let is_mute = self.layer.as_ref().is_some_and(|layer| !layer.transport.is_open());
        if is_mute || self.connection.reject(&Rejection::unavailable(RETRY_AFTER)).is_err() {
            self.connection.receive_error();
        }
    }

    /// Tells the time, as [`Connection::handle_timeout`] does. [`turn`] does so by itself.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.connection.handle_timeout(now);
        if let Some(layer) = &mut self.layer
            && !layer.failed
            && layer.transport.handle_timeout(now).is_err()
        {
            self.fail_transport();
        }
    }

    /// The transport cannot go on: nothing can be said through it any more, but why.
    fn fail_transport(&mut self) {
        if let Some(layer) = &mut self.layer {
            layer.failed = true;
        }
        self.connection.end_soon(Cause::Lost);
        self.connection.outbox.clear();
    }

    /// What the bytes mean that came from the socket behind the first [`FRONT`]. `plain` is lent for it.
    #[inline]
    fn open(&mut self, wire: &mut [u8], plain: &mut Vec<u8>, left: &mut Left) {
        if wire.len() == FRONT {
            self.connection.receive_eof();
        }
        if self.layer.is_none() {
            (left.at, left.end, left.is_plain) = (FRONT, wire.len(), false);
        } else {
            self.open_layer(&mut wire[FRONT..], plain);
            (left.at, left.end, left.is_plain) = (0, plain.len(), true);
        }
    }

    #[inline(never)]
    fn open_layer(&mut self, wire: &mut [u8], plain: &mut Vec<u8>) {
        plain.clear();
        if let Some(layer) = &mut self.layer
            && !wire.is_empty()
            && !layer.failed
            && layer.transport.receive(wire, plain).is_err()
        {
            self.fail_transport();
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.close_mailbox();
    }
}

impl<'e> Access<'e> {
    /// Does something with the endpoint.
    #[inline(always)]
    pub fn with<R>(&mut self, f: impl FnOnce(&mut Endpoint) -> R) -> R {
        let mut guard;
        let endpoint: &mut Endpoint = match self {
            Access::Direct(endpoint) => endpoint,
            Access::Shared(endpoint) => {
                guard = lock(endpoint);
                &mut guard
            }
        };
        // Called from one place, so that it can become part of the loop around it.
        f(endpoint)
    }

    /// The same way, for a shorter time.
    #[inline]
    pub fn reborrow(&mut self) -> Access<'_> {
        match self {
            Access::Direct(endpoint) => Access::Direct(endpoint),
            Access::Shared(endpoint) => Access::Shared(endpoint),
        }
    }
}

/// A lock that another thread's panic does not poison: what it guards is left whole by every call.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What of one read may have to be set aside: payloads, and their headers. A frame that is as large does not quite fill the
/// room, or a read would follow that finds nothing.
pub(crate) const SET_ASIDE: usize = (64 << 10) + 16 * MAX_HEADER;

/// Makes the transport of a new connection.
pub type MakeTransport = Arc<dyn Fn(Role) -> Box<dyn Transport> + Send + Sync>;
