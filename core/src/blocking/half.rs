//! The halves of a connection, for two threads.

use super::{Socket, WebSocket, shared::Owner};
use crate::{CloseCode, Closed, Endpoint, Error, Outgoing, OwnedMessage, SendError, lock, sync::MutexGuard};
use std::sync::Arc;

/// The half that receives. Keep it receiving: without it pings are not answered, and nobody sees the peer's close frame.
#[derive(Debug)]
pub struct RecvHalf<S: Socket>(pub(super) WebSocket<S>);

/// The half that sends. What it has sent is still written after both halves were dropped.
#[derive(Debug)]
pub struct SendHalf<S: Socket>(pub(super) Arc<Owner<S>>);

pub(super) fn split<S: Socket>(socket: WebSocket<S>) -> (RecvHalf<S>, SendHalf<S>) {
    let owner = socket.reader.owner.clone();
    if !owner.0.wake_writer() {
        socket.with(|endpoint| endpoint.connection.receive_error());
    }
    (RecvHalf(socket), SendHalf(owner))
}

impl<S: Socket> RecvHalf<S> {
    /// As [`WebSocket::recv`].
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub fn recv(&mut self) -> Result<Option<OwnedMessage>, Error> {
        self.0.recv()
    }

    /// What passed over the connection so far.
    #[cfg(feature = "counters")]
    pub fn counters(&self) -> crate::Counters {
        self.0.counters()
    }

    /// How the connection ended, if it has.
    pub fn closed(&self) -> Option<Closed> {
        self.0.closed().cloned()
    }
}

impl<S: Socket> SendHalf<S> {
    /// Sends a message: waits until the outbox is below its high-water mark, queues it, and has it written at once. It need
    /// not be written when this returns: see [`flush`](SendHalf::flush).
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub fn send<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        self.feed(message)?;
        self.0.0.wake_writer();
        Ok(())
    }

    /// Queues a message without having it written; [`send`](SendHalf::send), [`flush`](SendHalf::flush) and the other half's
    /// `recv` do that. Waits only while the outbox is above its high-water mark.
    ///
    /// # Errors
    /// As [`WebSocket::feed`].
    pub fn feed<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        let mut endpoint = self.until(|endpoint| endpoint.connection.has_room())?;
        Ok(endpoint.connection.send(message)?)
    }

    /// Sends a ping with up to 125 bytes (RFC 6455 5.5.2), also between the fragments of a message: waits until the outbox is
    /// below its high-water mark, queues it, and has it written at once. Nobody is told of the pong. Keep-alive needs no call:
    /// see [`Config::ping_interval`](crate::Config::ping_interval).
    ///
    /// # Errors
    /// [`Error::Closed`] or [`Error::Send`] where the connection is closing or closed; [`SendError::ControlTooLong`];
    /// [`SendError::NotInThisDraft`] on a hixie draft.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.until(|endpoint| endpoint.connection.has_room())?.connection.ping(payload)?;
        self.0.0.wake_writer();
        Ok(())
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// As [`WebSocket::flush`].
    pub fn flush(&mut self) -> Result<(), Error> {
        self.until(|endpoint| !endpoint.wants_write()).map(drop)
    }

    /// Sends the close frame. The other half receives what still comes, and the end.
    ///
    /// # Errors
    /// As [`WebSocket::close`].
    pub fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        let closing = lock(&self.0.0.endpoint).connection.close(code, reason);
        match closing {
            Ok(()) => match self.flush() {
                Err(Error::Closed(closed)) if closed.is_clean() => Ok(()),
                flushed => flushed,
            },
            Err(SendError::Closing) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The endpoint, when its outbox is as it should be.
    pub(super) fn until(&self, done: impl Fn(&Endpoint) -> bool) -> Result<MutexGuard<'_, Endpoint>, Error> {
        let shared = &self.0.0;
        let mut endpoint = lock(&shared.endpoint);
        loop {
            if let Some(closed) = endpoint.connection.ending().or(shared.closed.get()) {
                return Err(Error::Closed(closed.clone()));
            }
            // Where it is over, the other half is about to say how, and nobody can hurry it: the writer would wake us in turn.
            if !endpoint.connection.state().is_over() {
                if done(&endpoint) {
                    return Ok(endpoint);
                }
                shared.wake_writer();
            }
            endpoint = shared.until_changed(endpoint, None);
        }
    }
}
