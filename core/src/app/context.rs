//! What a handler may do with its connection.

use super::Sender;
use crate::{Access, CloseCode, Outgoing, OutgoingFragment, SendError, TrySendError, clock, endpoint::Front, lock};
use std::{net::SocketAddr, time::Duration};

/// A handler's way to its connection, for the length of a callback.
#[derive(Debug)]
pub struct Context<'a> {
    pub(super) access: Access<'a>,
    /// Where replies may go.
    pub(super) front: Front<'a>,
    pub(super) timer: &'a mut Option<Duration>,
    /// The handler waits for room.
    pub(super) full: &'a mut bool,
    pub(super) peer: &'a Option<SocketAddr>,
}

impl Context<'_> {
    /// Queues a message; it is written when the callback returns, together with all others of this turn. It is never refused
    /// for want of room, which answers need not ask for, since nothing is read while much waits; whoever sends more than
    /// answers asks with [`try_send`](Context::try_send).
    ///
    /// # Errors
    /// As [`Connection::send`](crate::Connection::send): the connection is closing.
    #[inline(always)]
    pub fn send<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), SendError> {
        match &mut self.access {
            Access::Direct(endpoint) => endpoint.send(&mut self.front, message.into()),
            // Nothing lies in front of what others write.
            Access::Shared(endpoint) => lock(endpoint).connection.send(message.into()),
        }
    }

    /// As [`send`](Context::send), unless more than [`Config::high_water`](crate::Config) bytes wait already. The message
    /// is then given back, to wait for [`Handler::writable`](super::Handler::writable), to be dropped, or to be a reason to
    /// [`close`](Context::close): see [`TrySendError`].
    ///
    /// # Errors
    /// [`TrySendError`].
    pub fn try_send<'m, M: Into<Outgoing<'m>>>(&mut self, message: M) -> Result<(), TrySendError<M>> {
        let sent = self.access.with(|endpoint| endpoint.connection.try_send(message));
        *self.full |= matches!(sent, Err(TrySendError::Full(_)));
        sent
    }

    /// Queues a piece of a message; see [`Connection::send_fragment`](crate::Connection::send_fragment). It is not refused
    /// for want of room; whoever does not just send on what came asks [`has_room`](Context::has_room) before each.
    ///
    /// # Errors
    /// As [`Connection::send_fragment`](crate::Connection::send_fragment).
    pub fn send_fragment<'m>(&mut self, fragment: impl Into<OutgoingFragment<'m>>) -> Result<(), SendError> {
        self.access.with(|endpoint| endpoint.connection.send_fragment(fragment))
    }

    /// Whether there is room for a message or a piece of one: at most [`Config::high_water`](crate::Config) bytes wait. If
    /// not, [`Handler::writable`](super::Handler::writable) is called once there is.
    pub fn has_room(&mut self) -> bool {
        let has_room = self.access.with(|endpoint| endpoint.connection.has_room());
        *self.full |= !has_room;
        has_room
    }

    /// Queues a ping.
    ///
    /// # Errors
    /// As [`Connection::ping`](crate::Connection::ping).
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.access.with(|endpoint| endpoint.connection.ping(payload))
    }

    /// Begins the closing handshake.
    ///
    /// # Errors
    /// As [`Connection::close`](crate::Connection::close).
    pub fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), SendError> {
        self.access.with(|endpoint| endpoint.connection.close(code, reason))
    }

    /// How many bytes wait to be sent: the measure of a slow peer.
    pub fn buffered(&mut self) -> usize {
        self.access.with(|endpoint| endpoint.connection.buffered())
    }

    /// Calls [`Handler::timer`](super::Handler::timer) once, so much later. A second call moves it.
    pub fn set_timer(&mut self, delay: Duration) {
        *self.timer = clock::now().checked_add(delay);
    }

    /// No call of [`Handler::timer`](super::Handler::timer) any more.
    pub fn clear_timer(&mut self) {
        *self.timer = None;
    }

    /// A sender that works from other threads.
    pub fn sender(&mut self) -> Sender {
        self.access.with(|endpoint| endpoint.sender())
    }

    /// The connection's span; see [`Connection::span`](crate::Connection::span).
    #[cfg(feature = "tracing")]
    pub fn span(&mut self) -> tracing::Span {
        self.access.with(|endpoint| endpoint.connection.span().clone())
    }

    /// What passed over the connection so far.
    #[cfg(feature = "counters")]
    pub fn counters(&mut self) -> crate::Counters {
        self.access.with(|endpoint| endpoint.connection.counters())
    }

    /// The address of the socket's other end, where there is one.
    pub fn peer(&self) -> Option<SocketAddr> {
        *self.peer
    }
}
