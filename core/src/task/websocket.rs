//! One connection in the async idiom: `recv().await`, `send(message).await`.

use super::{Polled, RecvHalf, SendHalf, Socket};
use crate::{
    Access, Buffers, CloseCode, Closed, Connection, Endpoint, Error, Inbox, Input, Opened, Outgoing, OwnedMessage,
    Rejection, Request, Response, app::Options, endpoint, timers::Reads,
};
use std::{
    future::poll_fn,
    task::{Context, Poll, ready},
};

/// One WebSocket connection on an async loop.
///
/// It owns no buffer while nothing waits. All methods are cancel-safe: a dropped `recv` loses nothing, a dropped
/// `send` has queued its message whole or not at all. What is queued is written by whichever method is polled next.
#[derive(Debug)]
pub struct WebSocket<S> {
    pub(super) socket: S,
    pub(super) endpoint: Endpoint,
    pub(super) inbox: Inbox,
    /// The stream of messages has said that it is over.
    #[cfg(feature = "async")]
    ended: bool,
}

impl<S: Socket> WebSocket<S> {
    /// Answers the opening handshake on `socket`: accepts whatever is valid.
    ///
    /// # Errors
    /// [`Error::Closed`], with the reason for which the handshake failed.
    pub async fn accept(socket: S, options: &Options) -> Result<Self, Error> {
        Self::accept_with(socket, options, |_| Ok(Response::default())).await
    }

    /// Answers the opening handshake on `socket` as `answer` says.
    ///
    /// # Errors
    /// [`Error::Closed`], with the reason for which the handshake failed; [`Error::Send`] where the answer could not stand
    /// on the wire.
    pub async fn accept_with(
        socket: S,
        options: &Options,
        answer: impl FnOnce(&Request) -> Result<Response, Rejection>,
    ) -> Result<Self, Error> {
        let mut this = WebSocket::new(socket, Endpoint::server(options));
        let request = poll_fn(|context| this.poll_inbox(context, |inbox| inbox.request.take())).await?;
        match answer(&request) {
            Ok(response) => this.endpoint.connection.accept(response)?,
            Err(rejection) => this.endpoint.connection.reject(&rejection)?,
        }
        poll_fn(|context| this.poll_inbox(context, |inbox| inbox.opened.take())).await?;
        match this.flush().await {
            // What came before the end, and the end itself, are for `recv` to tell.
            Ok(()) | Err(Error::Closed(_)) => Ok(this),
            Err(error) => Err(error),
        }
    }

    /// Does the opening handshake of `connection`, a client's, on `socket`.
    ///
    /// # Errors
    /// [`Error::Closed`], with the response that was refused.
    pub async fn connect(socket: S, connection: Connection, options: &Options) -> Result<(Self, Opened), Error> {
        let mut this = WebSocket::new(socket, Endpoint::new(connection, options));
        let opened = poll_fn(|context| this.poll_inbox(context, |inbox| inbox.opened.take())).await?;
        Ok((this, *opened))
    }

    /// Connects as `connect` says, by a socket that `open` makes: by one more after each redirect that is followed. Also
    /// returns what the server answered.
    ///
    /// # Errors
    /// [`Error::Url`] and [`Error::Send`] for what cannot be asked for; those of `open`; [`Error::Closed`], with the response,
    /// where the handshake failed.
    #[cfg(feature = "url")]
    pub async fn connect_to<O: Future<Output = std::io::Result<S>>>(
        mut connect: crate::Connect,
        options: &Options,
        mut open: impl FnMut(crate::Target) -> O,
    ) -> Result<(Self, Opened), Error> {
        loop {
            options.check(&connect.target)?;
            let connection = Connection::client(connect.request.clone(), options.config.clone())?;
            let socket = open(connect.target.clone()).await?;
            match Self::connect(socket, connection, options).await {
                Err(error) => connect = connect.after(error)?,
                opened => return opened,
            }
        }
    }

    fn new(socket: S, mut endpoint: Endpoint) -> Self {
        endpoint.connection.sender_waits = true;
        endpoint.set_peer(socket.peer());
        WebSocket {
            socket,
            endpoint,
            inbox: Inbox::default(),
            #[cfg(feature = "async")]
            ended: false,
        }
    }

    /// The next message; `None` after a clean close. Flushes before it waits. Cancel-safe. For one that is larger than memory
    /// there is [`recv_fragment`](WebSocket::recv_fragment).
    ///
    /// # Errors
    /// [`Error::Closed`] where the connection ended in any other way.
    pub async fn recv(&mut self) -> Result<Option<OwnedMessage>, Error> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// Sends a message: waits until the outbox is below its high-water mark, queues it, and writes everything. Cancel-safe:
    /// the message is queued whole, or not at all.
    ///
    /// # Errors
    /// [`Error::Closed`] or [`Error::Send`] where the connection is closing or closed.
    pub async fn send(&mut self, message: impl Into<Outgoing<'_>>) -> Result<(), Error> {
        self.feed(message).await?;
        self.flush().await
    }

    /// Queues a message without writing it; [`recv`](WebSocket::recv) and [`flush`](WebSocket::flush) write it, together
    /// with others. Waits only while the outbox is above its high-water mark.
    ///
    /// # Errors
    /// As [`send`](WebSocket::send).
    pub async fn feed(&mut self, message: impl Into<Outgoing<'_>>) -> Result<(), Error> {
        poll_fn(|context| self.poll_ready(context)).await?;
        Ok(self.endpoint.connection.send(message)?)
    }

    /// Writes everything that is queued.
    ///
    /// # Errors
    /// [`Error::Closed`] where the connection ended first.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|context| self.poll_flush(context)).await
    }

    /// Sends a ping.
    ///
    /// # Errors
    /// As [`send`](WebSocket::send), and for more than 125 bytes.
    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        poll_fn(|context| self.poll_ready(context)).await?;
        self.endpoint.connection.ping(payload)?;
        self.flush().await
    }

    /// Does the closing handshake, and waits for the end of the transport. Messages that still come are dropped. Returns how
    /// the connection ended. Does no harm where it has ended already.
    ///
    /// # Errors
    /// [`Error::Send`] for a code or a reason that must not be sent.
    pub async fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<Closed, Error> {
        match self.endpoint.connection.close(code, reason) {
            Ok(()) | Err(crate::SendError::Closing) => {}
            Err(error) => return Err(error.into()),
        }
        poll_fn(|context| self.poll_end(context)).await
    }

    /// How the connection ended, if it has.
    pub fn closed(&self) -> Option<&Closed> {
        self.inbox.closed.as_ref()
    }

    /// How many bytes wait to be written. (`buffered` is a method of every stream with `StreamExt`.)
    pub fn unsent(&self) -> usize {
        self.endpoint.connection.buffered()
    }

    /// What passed over the connection so far.
    #[cfg(feature = "counters")]
    pub fn counters(&self) -> crate::Counters {
        self.endpoint.connection.counters()
    }

    /// The stream.
    pub fn socket(&self) -> &S {
        &self.socket
    }

    /// Two halves, for two tasks.
    pub fn split(self) -> (RecvHalf<S>, SendHalf<S>) {
        super::half::split(self)
    }

    /// The next message, in the form of a poll; see [`recv`](WebSocket::recv).
    ///
    /// # Errors
    /// As [`recv`](WebSocket::recv).
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<OwnedMessage>, Error>> {
        self.poll_next_of(context, Inbox::take)
    }

    /// What `take` finds in the inbox; `None` after a clean close.
    pub(super) fn poll_next_of<T>(
        &mut self,
        context: &mut Context<'_>,
        take: impl FnMut(&mut Inbox) -> Option<T>,
    ) -> Poll<Result<Option<T>, Error>> {
        match ready!(self.poll_inbox(context, take)) {
            Ok(message) => Poll::Ready(Ok(Some(message))),
            Err(Error::Closed(closed)) if closed.is_clean() => Poll::Ready(Ok(None)),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Ready when there is room for another message.
    ///
    /// # Errors
    /// [`Error::Closed`] where the connection has ended.
    pub fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_output(context, |endpoint| endpoint.connection.has_room())
    }

    /// Ready when everything is written.
    ///
    /// # Errors
    /// [`Error::Closed`] where the connection has ended.
    pub fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_output(context, |endpoint| !endpoint.wants_write())
    }

    /// Ready when the transport has ended; the closing handshake must have begun.
    pub(super) fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<Result<Closed, Error>> {
        loop {
            self.inbox.clear();
            self.inbox.refill(&mut self.endpoint.connection);
            if self.inbox.has_messages() {
                continue;
            }
            if self.endpoint.is_closed()
                && let Some(closed) = &self.inbox.closed
            {
                return Poll::Ready(Ok(closed.clone()));
            }
            ready!(self.poll_turn(context));
        }
    }

    /// Turns until `take` finds something in the inbox.
    fn poll_inbox<T>(
        &mut self,
        context: &mut Context<'_>,
        mut take: impl FnMut(&mut Inbox) -> Option<T>,
    ) -> Poll<Result<T, Error>> {
        loop {
            if let Some(found) = take(&mut self.inbox) {
                return Poll::Ready(Ok(found));
            }
            let before = self.inbox.len();
            self.inbox.refill(&mut self.endpoint.connection);
            if self.inbox.len() != before {
                continue;
            }
            if let Some(closed) = &self.inbox.closed
                && self.endpoint.may_be_dropped()
            {
                return Poll::Ready(Err(Error::Closed(closed.clone())));
            }
            ready!(self.poll_turn(context));
        }
    }

    /// Turns until the outbox is as it should be.
    fn poll_output(
        &mut self,
        context: &mut Context<'_>,
        mut done: impl FnMut(&Endpoint) -> bool,
    ) -> Poll<Result<(), Error>> {
        loop {
            if let Some(closed) = &self.inbox.closed {
                return Poll::Ready(Err(Error::Closed(closed.clone())));
            }
            if done(&self.endpoint) {
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_turn(context));
        }
    }

    /// One turn: writes, reads what there is room for, keeps time. Pending: nothing could be done.
    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.endpoint.is_closed() {
            return Poll::Ready(());
        }
        self.endpoint.set_waker(context.waker());
        Buffers::with(|buffers| {
            let mut moved = false;
            if self.endpoint.wants_write() || self.endpoint.connection.wants_receive() || self.endpoint.has_mail() {
                let (events, waiting) = (self.inbox.len(), self.endpoint.connection.buffered());
                // Whoever only sends may not have let the loop look for pongs.
                self.endpoint.connection.timers.reads = Reads::Will;
                self.turn(context, buffers, Input::Nothing);
                self.endpoint.connection.timers.reads = Reads::Has;
                moved = self.inbox.len() != events
                    || self.endpoint.wants_turn()
                    || self.endpoint.connection.buffered() < waiting
                    || self.endpoint.is_closed();
            }
            if self.read(context, buffers) || moved {
                return Poll::Ready(());
            }
            let deadline = self.endpoint.poll_timeout();
            ready!(self.socket.poll_deadline(context, deadline));
            self.turn(context, buffers, Input::Nothing);
            Poll::Ready(())
        })
    }

    /// Reads once, if there is room for more messages. Whether anything came.
    fn read(&mut self, context: &mut Context<'_>, buffers: &mut Buffers) -> bool {
        let room = self.inbox.bytes() <= self.endpoint.connection.config().high_water;
        if !room || !self.endpoint.wants_read() {
            return false;
        }
        match self.socket.poll_read(context, self.endpoint.room(buffers)) {
            Poll::Pending => {
                buffers.end_stride();
                false
            }
            Poll::Ready(result) => {
                self.turn(context, buffers, result.map_or(Input::Failed, Input::Read));
                true
            }
        }
    }

    fn turn(&mut self, context: &mut Context<'_>, buffers: &mut Buffers, input: Input) {
        let WebSocket { socket, endpoint, inbox, .. } = self;
        let mut output = Polled { socket, context };
        endpoint::turn(&mut Access::Direct(endpoint), buffers, input, &mut output, |access, event| {
            access.with(|endpoint| inbox.put(&mut endpoint.connection, event));
        });
    }
}

#[cfg(feature = "async")]
impl<S: Socket> futures_core::Stream for WebSocket<S> {
    type Item = Result<OwnedMessage, Error>;

    /// Ends after a clean close, and after an error.
    fn poll_next(mut self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let item = ready!(self.poll_recv(context)).transpose();
        self.ended = !matches!(item, Some(Ok(_)));
        Poll::Ready(item)
    }
}

#[cfg(feature = "async")]
impl<S: Socket> futures_sink::Sink<OwnedMessage> for WebSocket<S> {
    type Error = Error;

    fn poll_ready(mut self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        WebSocket::poll_ready(&mut self, context)
    }

    fn start_send(mut self: std::pin::Pin<&mut Self>, message: OwnedMessage) -> Result<(), Error> {
        Ok(self.endpoint.connection.send(message)?)
    }

    fn poll_flush(mut self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        WebSocket::poll_flush(&mut self, context)
    }

    /// Does the closing handshake, with 1000.
    fn poll_close(mut self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // It has begun already where this was polled before, or where the peer began it.
        let _ = self.endpoint.connection.close(CloseCode::NORMAL, "");
        self.poll_end(context).map(|end| end.map(|_| ()))
    }
}
