//! Messages that are larger than memory, and messages to peers that read too slowly, in the blocking idiom.

use super::{RecvHalf, SendHalf, Socket, WebSocket};
use crate::{Error, Inbox, Outgoing, OutgoingFragment, OwnedFragment, TrySendError, lock};

impl<S: Socket> WebSocket<S> {
    /// The next piece of a message; `None` after a clean close. Where [`Config::fragments`](crate::Config) is off, each
    /// message is one piece. Nothing more is read than that and a little, until it is asked for.
    ///
    /// # Errors
    /// As [`recv`](WebSocket::recv).
    pub fn recv_fragment(&mut self) -> Result<Option<OwnedFragment>, Error> {
        self.next_of(Inbox::take_fragment)
    }

    /// Sends a piece of a message, as [`Connection::send_fragment`](crate::Connection::send_fragment) says: queues it, and
    /// writes everything.
    ///
    /// # Errors
    /// As [`send`](WebSocket::send), and as [`Connection::send_fragment`](crate::Connection::send_fragment).
    pub fn send_fragment<'m>(&mut self, fragment: impl Into<OutgoingFragment<'m>>) -> Result<(), Error> {
        self.feed_fragment(fragment)?;
        self.flush()
    }

    /// As [`send_fragment`](WebSocket::send_fragment), without writing it: see [`feed`](WebSocket::feed).
    ///
    /// # Errors
    /// As [`send_fragment`](WebSocket::send_fragment).
    pub fn feed_fragment<'m>(&mut self, fragment: impl Into<OutgoingFragment<'m>>) -> Result<(), Error> {
        self.until_output(|endpoint| endpoint.connection.has_room())?;
        Ok(self.with(|endpoint| endpoint.connection.send_fragment(fragment))?)
    }

    /// Queues a message, unless the outbox is above its high-water mark: for who will not wait for a peer that reads too
    /// slowly. [`recv`](WebSocket::recv) and [`flush`](WebSocket::flush) write it.
    ///
    /// # Errors
    /// [`TrySendError`].
    pub fn try_send<'m, M: Into<Outgoing<'m>>>(&mut self, message: M) -> Result<(), TrySendError<M>> {
        self.with(|endpoint| endpoint.connection.try_send(message))
    }
}

impl<S: Socket> RecvHalf<S> {
    /// As [`WebSocket::recv_fragment`].
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub fn recv_fragment(&mut self) -> Result<Option<OwnedFragment>, Error> {
        self.0.recv_fragment()
    }
}

impl<S: Socket> SendHalf<S> {
    /// Sends a piece of a message, as [`Connection::send_fragment`](crate::Connection::send_fragment) says: waits until the
    /// outbox is below its high-water mark, queues it, and has it written at once.
    ///
    /// # Errors
    /// As [`WebSocket::send_fragment`].
    pub fn send_fragment<'m>(&mut self, fragment: impl Into<OutgoingFragment<'m>>) -> Result<(), Error> {
        self.until(|endpoint| endpoint.connection.has_room())?.connection.send_fragment(fragment)?;
        self.0.0.wake_writer();
        Ok(())
    }

    /// Sends a message, unless the outbox is above its high-water mark: for who will not wait for a peer that reads too
    /// slowly.
    ///
    /// # Errors
    /// [`TrySendError`].
    pub fn try_send<'m, M: Into<Outgoing<'m>>>(&mut self, message: M) -> Result<(), TrySendError<M>> {
        let sent = lock(&self.0.0.endpoint).connection.try_send(message);
        self.0.0.wake_writer();
        sent
    }
}
