//! One connection on a loop of the user's own.

use super::{Readiness, Socket, Watched};
use crate::{
    Access, Buffers, CloseCode, Connection, Endpoint, Error, Event, Input, Outgoing, OutgoingFragment, Response,
    SendError, State, TrySendError, app::Sender, clock, turn,
};
use std::{task::Waker, time::Duration};

/// One WebSocket connection on a loop of the user's own, which says when the socket is ready.
///
/// It owns no buffer while nothing waits: one [`Buffers`] serves all connections of a loop.
///
/// It has no halves: the loop's thread never blocks, so that reading and writing do not hold each other up. Other threads
/// send through a [`Sender`].
#[derive(Debug)]
pub struct WebSocket<S> {
    endpoint: Endpoint,
    watched: Watched<S>,
    #[cfg(feature = "url")]
    pub(super) client: Option<Box<super::client::Client>>,
    error: Option<Error>,
}

impl<S: Socket> WebSocket<S> {
    /// A connection that is not registered with a loop yet.
    pub fn new(endpoint: Endpoint, socket: S) -> Self {
        WebSocket {
            endpoint,
            watched: Watched::new(socket),
            #[cfg(feature = "url")]
            client: None,
            error: None,
        }
    }

    /// Does what the socket is ready for, and calls back with what came. What the callback sends on the connection that it
    /// is given is written before this returns, as far as the socket takes it. A request that the callback leaves
    /// unanswered is accepted.
    pub fn handle(
        &mut self,
        readiness: Readiness,
        buffers: &mut Buffers,
        on_event: impl FnMut(&mut Connection, Event<'_>),
    ) {
        self.watched.see(readiness);
        self.drive(buffers, false, on_event);
    }

    /// Does what is due: after [`poll_timeout`](WebSocket::poll_timeout), and when the waker of a [`Sender`] was called.
    pub fn handle_timeout(&mut self, buffers: &mut Buffers, on_event: impl FnMut(&mut Connection, Event<'_>)) {
        self.drive(buffers, true, on_event);
    }

    /// Where connecting failed, that is the end of the connection.
    pub fn see(
        &mut self,
        connected: Result<(), Error>,
        buffers: &mut Buffers,
        mut on_event: impl FnMut(&mut Connection, Event<'_>),
    ) {
        if let Err(error) = connected {
            self.error = Some(error);
            feed(&mut self.endpoint, buffers, Input::Failed, &mut self.watched, &mut on_event);
        }
    }

    /// Why connecting failed, if it did.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// How long to wait for the socket at most; zero: call [`handle_timeout`](WebSocket::handle_timeout) now. Ask again
    /// after every other call.
    pub fn poll_timeout(&self) -> Option<Duration> {
        if self.watched.has_more(&self.endpoint) || self.endpoint.connection.wants_receive() {
            return Some(Duration::ZERO);
        }
        self.endpoint.poll_timeout().map(clock::until)
    }

    /// Sends a message, from outside of a callback. What the socket does not take at once is written when it is ready.
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub fn send<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), SendError> {
        self.endpoint.connection.send(message)?;
        self.flush();
        Ok(())
    }

    /// As [`send`](WebSocket::send), unless the outbox is above its high-water mark: for who does not wait for a peer that
    /// reads too slowly. Where it was, [`Connection::has_room`] tells after each [`handle`](WebSocket::handle) whether there is
    /// room again.
    ///
    /// # Errors
    /// [`TrySendError`].
    pub fn try_send<'m, M: Into<Outgoing<'m>>>(&mut self, message: M) -> Result<(), TrySendError<M>> {
        self.endpoint.connection.try_send(message)?;
        self.flush();
        Ok(())
    }

    /// Sends a piece of a message, from outside of a callback; the pieces that come are [`Event::Fragment`]. Ask
    /// [`Connection::has_room`] before each: nothing is refused.
    ///
    /// # Errors
    /// As [`Connection::send_fragment`].
    pub fn send_fragment<'m>(&mut self, fragment: impl Into<OutgoingFragment<'m>>) -> Result<(), SendError> {
        self.endpoint.connection.send_fragment(fragment)?;
        self.flush();
        Ok(())
    }

    /// Begins the closing handshake, from outside of a callback. [`Event::Closed`] tells when it is done.
    ///
    /// # Errors
    /// As [`Connection::close`].
    pub fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), SendError> {
        self.endpoint.connection.close(code, reason)?;
        self.flush();
        Ok(())
    }

    /// The connection itself, for all that it can do. [`flush`](WebSocket::flush) afterwards.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.endpoint.connection
    }

    /// Writes what waits, as far as the socket takes it.
    pub fn flush(&mut self) {
        self.endpoint.flush(&mut self.watched);
    }

    /// A sender that works from other threads. It calls `waker` when [`handle_timeout`](WebSocket::handle_timeout) is to
    /// be called: have it wake your loop.
    pub fn sender(&mut self, waker: &Waker) -> Sender {
        self.endpoint.set_waker(waker);
        self.endpoint.sender()
    }

    /// Whether nothing is left to do: drop it.
    pub fn is_closed(&self) -> bool {
        self.endpoint.is_closed()
    }

    /// The socket.
    pub fn socket(&mut self) -> &mut S {
        &mut self.watched.socket
    }

    /// Goes on with another socket, before anything went over the first.
    pub fn replace_socket(&mut self, socket: S) {
        self.watched = Watched::new(socket);
    }

    fn drive(&mut self, buffers: &mut Buffers, due: bool, mut on_event: impl FnMut(&mut Connection, Event<'_>)) {
        #[cfg(feature = "url")]
        let client = &mut self.client;
        #[cfg(feature = "url")]
        let mut on_event = |connection: &mut Connection, event: Event<'_>| {
            if let Some(event) = super::client::Client::see(client, event) {
                on_event(connection, event);
            }
        };
        let WebSocket { endpoint, watched, .. } = self;
        watched.drive(endpoint, buffers, due, |endpoint, buffers, input, watched| {
            feed(endpoint, buffers, input, watched, &mut on_event);
        });
    }
}

fn feed<S: Socket>(
    endpoint: &mut Endpoint,
    buffers: &mut Buffers,
    input: Input,
    watched: &mut Watched<S>,
    on_event: &mut impl FnMut(&mut Connection, Event<'_>),
) {
    turn(&mut Access::Direct(endpoint), buffers, input, watched, |access, event| {
        access.with(|Endpoint { connection, .. }| {
            let asked = matches!(event, Event::Request(_));
            on_event(connection, event);
            if asked && connection.state() == State::Requested {
                // The plain answer can always stand on the wire.
                let _ = connection.accept(Response::default());
            }
        });
    });
}
