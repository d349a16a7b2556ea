//! The halves of a connection, for two tasks.

use super::{Socket, WebSocket};
use crate::{CloseCode, Closed, Connection, Error, Outgoing, OwnedMessage, SendError, lock, sync::Mutex};
use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Wake, Waker, ready},
};

/// The half that receives. Keep it receiving: pings are answered, and the peer's close frame is seen, by whichever half is
/// polled, but not what came behind a message that nobody has asked for yet.
#[derive(Debug)]
pub struct RecvHalf<S>(pub(super) Half<S>);

/// The half that sends.
#[derive(Debug)]
pub struct SendHalf<S>(pub(super) Half<S>);

#[derive(Debug)]
pub(super) struct Half<S> {
    shared: Arc<Mutex<WebSocket<S>>>,
    wakers: Arc<Wakers>,
    index: usize,
}

/// The socket knows one waker per direction, but both halves may wait for either: it wakes both.
#[derive(Debug, Default)]
struct Wakers([Mutex<Option<Waker>>; 2]);

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.0.iter().for_each(wake_one);
    }
}

fn wake_one(waker: &Mutex<Option<Waker>>) {
    let waker = lock(waker).take();
    if let Some(waker) = waker {
        waker.wake();
    }
}

pub(super) fn split<S: Socket>(socket: WebSocket<S>) -> (RecvHalf<S>, SendHalf<S>) {
    let (shared, wakers) = (Arc::new(Mutex::new(socket)), Arc::new(Wakers::default()));
    let half = |index| Half { shared: shared.clone(), wakers: wakers.clone(), index };
    (RecvHalf(half(0)), SendHalf(half(1)))
}

impl<S: Socket> Half<S> {
    /// Polls the whole; wakes the other half if that changed anything for it.
    pub(super) fn poll<T>(
        &self,
        context: &mut Context<'_>,
        f: impl FnOnce(&mut WebSocket<S>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        *lock(&self.wakers.0[self.index]) = Some(context.waker().clone());
        let waker = Waker::from(self.wakers.clone());
        let mut socket = lock(&self.shared);
        let before = (socket.inbox.len(), socket.unsent());
        let poll = f(&mut socket, &mut Context::from_waker(&waker));
        let changed = before != (socket.inbox.len(), socket.unsent());
        drop(socket);
        if changed {
            wake_one(&self.wakers.0[1 - self.index]);
        }
        poll
    }
}

impl<S> Half<S> {
    /// Does something with the whole, and has the other half look after it.
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut WebSocket<S>) -> T) -> T {
        let result = f(&mut lock(&self.shared));
        wake_one(&self.wakers.0[1 - self.index]);
        result
    }
}

impl<S: Socket> RecvHalf<S> {
    /// As [`WebSocket::recv`]. Cancel-safe.
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub async fn recv(&mut self) -> Result<Option<OwnedMessage>, Error> {
        poll_fn(|context| self.0.poll(context, WebSocket::poll_recv)).await
    }

    /// What passed over the connection so far.
    #[cfg(feature = "counters")]
    pub fn counters(&self) -> crate::Counters {
        lock(&self.0.shared).counters()
    }

    /// How the connection ended, if it has.
    pub fn closed(&self) -> Option<Closed> {
        lock(&self.0.shared).closed().cloned()
    }
}

impl<S: Socket> SendHalf<S> {
    /// As [`WebSocket::send`]. Cancel-safe: the message is queued whole, or not at all.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn send(&mut self, message: impl Into<Outgoing<'_>>) -> Result<(), Error> {
        self.feed(message).await?;
        self.flush().await
    }

    /// As [`WebSocket::feed`].
    ///
    /// # Errors
    /// As [`WebSocket::feed`].
    pub async fn feed(&mut self, message: impl Into<Outgoing<'_>>) -> Result<(), Error> {
        let message = message.into();
        self.queue(|connection| connection.send(message)).await
    }

    /// Sends a ping with up to 125 bytes (RFC 6455 5.5.2), also between the fragments of a message: waits until the outbox is
    /// below its high-water mark, queues it, and writes everything. Cancel-safe: the ping is queued whole, or not at all.
    /// Nobody is told of the pong. Keep-alive needs no call: see [`Config::ping_interval`](crate::Config::ping_interval).
    ///
    /// # Errors
    /// [`Error::Closed`] or [`Error::Send`] where the connection is closing or closed; [`SendError::ControlTooLong`];
    /// [`SendError::NotInThisDraft`] on a hixie draft.
    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.queue(|connection| connection.ping(payload)).await?;
        self.flush().await
    }

    /// As [`WebSocket::flush`].
    ///
    /// # Errors
    /// As [`WebSocket::flush`].
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|context| self.0.poll(context, WebSocket::poll_flush)).await
    }

    /// Sends the close frame. The other half receives what still comes, and the end.
    ///
    /// # Errors
    /// As [`WebSocket::close`].
    pub async fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        // The other half has a deadline to wait for now, whatever becomes of this one.
        let closing = self.0.with(|socket| socket.endpoint.connection.close(code, reason));
        match closing {
            Ok(()) => match self.flush().await {
                Err(Error::Closed(closed)) if closed.is_clean() => Ok(()),
                flushed => flushed,
            },
            Err(SendError::Closing) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Calls `f`, which queues something, when the outbox is below its high-water mark: once, or not at all.
    pub(super) async fn queue(
        &mut self,
        f: impl FnOnce(&mut Connection) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        let mut f = Some(f);
        poll_fn(|context| {
            self.0.poll(context, |socket, context| {
                ready!(socket.poll_ready(context))?;
                Poll::Ready(match f.take() {
                    Some(f) => Ok(f(&mut socket.endpoint.connection)?),
                    None => Ok(()),
                })
            })
        })
        .await
    }
}

#[cfg(feature = "async")]
impl<S: Socket> futures_core::Stream for RecvHalf<S> {
    type Item = Result<OwnedMessage, Error>;

    fn poll_next(self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll(context, |socket, context| std::pin::Pin::new(socket).poll_next(context))
    }
}

#[cfg(feature = "async")]
impl<S: Socket> futures_sink::Sink<OwnedMessage> for SendHalf<S> {
    type Error = Error;

    fn poll_ready(self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll(context, WebSocket::poll_ready)
    }

    fn start_send(self: std::pin::Pin<&mut Self>, message: OwnedMessage) -> Result<(), Error> {
        Ok(lock(&self.0.shared).endpoint.connection.send(message)?)
    }

    fn poll_flush(self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll(context, WebSocket::poll_flush)
    }

    /// Sends the close frame, with 1000.
    fn poll_close(self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let _ = lock(&self.0.shared).endpoint.connection.close(CloseCode::NORMAL, "");
        self.0.poll(context, WebSocket::poll_flush).map(|flushed| match flushed {
            Err(Error::Closed(closed)) if closed.is_clean() => Ok(()),
            flushed => flushed,
        })
    }
}
