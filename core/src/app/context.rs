//! What a handler may do with its connection.

use super::Sender;
use crate::{Access, CloseCode, Outgoing, SendError, clock};
use std::{net::SocketAddr, time::Duration};

/// A handler's way to its connection, for the length of a callback.
#[derive(Debug)]
pub struct Context<'a> {
    pub(super) access: Access<'a>,
    pub(super) timer: &'a mut Option<Duration>,
    pub(super) peer: Option<SocketAddr>,
}

impl Context<'_> {
    /// Queues a message; it is written when the callback returns, together with all others of this turn.
    ///
    /// # Errors
    /// As [`Connection::send`](crate::Connection::send): the connection is closing.
    #[inline]
    pub fn send<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), SendError> {
        self.access.with(|endpoint| endpoint.connection.send(message))
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

    /// The address of the socket's other end, where there is one.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }
}
