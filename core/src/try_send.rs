//! What becomes of a message to a peer that reads too slowly.

use crate::{Connection, Outgoing, SendError};
use core::fmt;

/// Why a message was not taken.
///
/// [`Full`](TrySendError::Full) is the outcome for a slow consumer, and what follows is the application's choice:
///
/// - *wait*: [`Handler::writable`](crate::app::Handler::writable) tells when there is room; a `send` that blocks or is
///   awaited waits by itself, that of a `WebSocket` as well as that of a [`Sender`](crate::app::Sender).
/// - *drop* the message that was given back.
/// - *close* the connection, with 1008: the peer breaks the application's policy, which is to keep up. 1013 would say that
///   the server is overloaded, and invite the peer to do the same again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TrySendError<M = crate::OwnedMessage> {
    /// The connection is over its bound: the peer reads more slowly than is sent. The message is given back.
    Full(M),
    /// The connection is closing or closed. The message is given back.
    Closed(M),
    /// It cannot be sent at all, or not here; the fault is the caller's.
    Refused(SendError),
}

impl Connection {
    /// As [`send`](Connection::send), unless more than [`Config::high_water`](crate::Config) bytes wait already: so the
    /// outbox is bounded by that and one message.
    ///
    /// ```
    /// # use timtow_core::{Config, Connection, Role, TrySendError};
    /// # let mut ws = Connection::upgraded(Role::Server, Config::default().into());
    /// let mut dropped = 0;
    /// for tick in 0..10_000 {
    ///     // A price of which a newer one follows: who reads too slowly misses some.
    ///     match ws.try_send(format!("the price is {tick}")) {
    ///         Ok(()) => {}
    ///         Err(TrySendError::Full(_)) => dropped += 1,
    ///         Err(_) => break,
    ///     }
    /// }
    /// assert!(dropped > 0 && ws.buffered() < ws.config().high_water + 100);
    /// ```
    ///
    /// # Errors
    /// [`TrySendError`].
    pub fn try_send<'m, M: Into<Outgoing<'m>>>(&mut self, message: M) -> Result<(), TrySendError<M>> {
        match self.may_send() {
            Err(SendError::Closing) => Err(TrySendError::Closed(message)),
            Err(error) => Err(TrySendError::Refused(error)),
            Ok(()) if !self.has_room() => Err(TrySendError::Full(message)),
            Ok(()) => self.send(message).map_err(TrySendError::Refused),
        }
    }
}

impl<M> fmt::Display for TrySendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrySendError::Full(_) => f.write_str("the peer reads too slowly"),
            TrySendError::Closed(_) => f.write_str("the connection is closed"),
            TrySendError::Refused(error) => error.fmt(f),
        }
    }
}

impl<M: fmt::Debug> core::error::Error for TrySendError<M> {}
