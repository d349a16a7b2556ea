//! Messages that are larger than memory, and messages to peers that read too slowly, in the async idiom.

use super::{RecvHalf, SendHalf, Socket, WebSocket};
use crate::{Error, Inbox, Outgoing, OutgoingFragment, OwnedFragment, TrySendError};
use std::{
    future::poll_fn,
    task::{Context, Poll},
};

impl<S: Socket> WebSocket<S> {
    /// The next piece of a message; `None` after a clean close. Where [`Config::fragments`](crate::Config) is off, each
    /// message is one piece. Nothing more is read than that and a little, until it is asked for. Cancel-safe.
    ///
    /// # Errors
    /// As [`recv`](WebSocket::recv).
    pub async fn recv_fragment(&mut self) -> Result<Option<OwnedFragment>, Error> {
        poll_fn(|context| self.poll_recv_fragment(context)).await
    }

    /// Sends a piece of a message, as [`Connection::send_fragment`](crate::Connection::send_fragment) says: waits until the
    /// outbox is below its high-water mark, queues it, and writes everything. Cancel-safe: the piece is queued whole, or not
    /// at all.
    ///
    /// # Errors
    /// As [`send`](WebSocket::send), and as [`Connection::send_fragment`](crate::Connection::send_fragment).
    pub async fn send_fragment(&mut self, fragment: impl Into<OutgoingFragment<'_>>) -> Result<(), Error> {
        self.feed_fragment(fragment).await?;
        self.flush().await
    }

    /// As [`send_fragment`](WebSocket::send_fragment), without writing it: see [`feed`](WebSocket::feed).
    ///
    /// # Errors
    /// As [`send_fragment`](WebSocket::send_fragment).
    pub async fn feed_fragment(&mut self, fragment: impl Into<OutgoingFragment<'_>>) -> Result<(), Error> {
        poll_fn(|context| self.poll_ready(context)).await?;
        Ok(self.endpoint.connection.send_fragment(fragment)?)
    }

    /// Queues a message, unless the outbox is above its high-water mark: for who will not wait for a peer that reads too
    /// slowly. [`recv`](WebSocket::recv) and [`flush`](WebSocket::flush) write it.
    ///
    /// # Errors
    /// [`TrySendError`].
    pub fn try_send<'m, M: Into<Outgoing<'m>>>(&mut self, message: M) -> Result<(), TrySendError<M>> {
        self.endpoint.connection.try_send(message)
    }

    /// The next piece of a message, in the form of a poll; see [`recv_fragment`](WebSocket::recv_fragment).
    ///
    /// # Errors
    /// As [`recv`](WebSocket::recv).
    pub fn poll_recv_fragment(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<OwnedFragment>, Error>> {
        self.poll_next_of(context, Inbox::take_fragment)
    }
}

impl<S: Socket> RecvHalf<S> {
    /// As [`WebSocket::recv_fragment`]. Cancel-safe.
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub async fn recv_fragment(&mut self) -> Result<Option<OwnedFragment>, Error> {
        poll_fn(|context| self.0.poll(context, WebSocket::poll_recv_fragment)).await
    }
}

impl<S: Socket> SendHalf<S> {
    /// As [`WebSocket::send_fragment`]. Cancel-safe: the piece is queued whole, or not at all.
    ///
    /// # Errors
    /// As [`WebSocket::send_fragment`].
    pub async fn send_fragment(&mut self, fragment: impl Into<OutgoingFragment<'_>>) -> Result<(), Error> {
        let fragment = fragment.into();
        self.queue(|connection| connection.send_fragment(fragment)).await?;
        self.flush().await
    }

    /// As [`WebSocket::try_send`]: [`flush`](SendHalf::flush) and the other half's `recv` write it.
    ///
    /// # Errors
    /// [`TrySendError`].
    pub fn try_send<'m, M: Into<Outgoing<'m>>>(&mut self, message: M) -> Result<(), TrySendError<M>> {
        self.0.with(|socket| socket.try_send(message))
    }
}
