//! The suite that every adapter must pass. A callback loop has neither `recv` nor halves: here a `recv` turns the loop until
//! a message has come, and what stands for the halves echoes in the callback.

use mio::{Events, Interest, Poll, Token};
use std::{
    io,
    net::{TcpListener, TcpStream},
    time::Duration,
};
use timtow_conformance::{Loop, Order, suite};
use timtow_core::Inbox;
use timtow_mio::{
    App, Buffers, Closed, Connect, Connection, Error, Event, Options, OwnedFragment, OwnedMessage, Prepared, Rejection,
    Request, Response, SendError, TrySendError, WebSocket, accept, connect, serve,
};

enum Mio {}

suite!(Mio);

impl Loop for Mio {
    type WebSocket = Turned;

    fn serve(listener: TcpListener, options: Options, app: impl App<Handler: Send>) -> io::Result<()> {
        serve(listener, options, app)
    }

    fn accept(stream: TcpStream, options: Options) -> Result<Turned, Error> {
        stream.set_nonblocking(true)?;
        Turned::new(accept(mio::net::TcpStream::from_std(stream), &options)?)?.open(Inbox::put)
    }

    fn accept_with(
        stream: TcpStream,
        options: Options,
        answer: impl FnOnce(&Request) -> Result<Response, Rejection>,
    ) -> Result<Turned, Error> {
        stream.set_nonblocking(true)?;
        let mut answer = Some(answer);
        let mut refused = None;
        let socket = Turned::new(accept(mio::net::TcpStream::from_std(stream), &options)?)?;
        let open = socket.open(|inbox, connection, event| match (event, answer.take()) {
            (Event::Request(request), Some(answer)) => {
                let answered = match answer(&request) {
                    Ok(response) => connection.accept(response),
                    Err(rejection) => connection.reject(&rejection),
                };
                if let Err(error) = answered {
                    // As `accept_with` elsewhere: the socket is dropped.
                    refused = Some(error);
                    connection.receive_error();
                }
            }
            (event, unused) => {
                answer = unused;
                inbox.put(connection, event);
            }
        });
        refused.map_or(open, |error| Err(error.into()))
    }

    fn connect(to: impl TryInto<Connect, Error: Into<Error>>, options: Options) -> Result<Turned, Error> {
        Turned::new(connect(to, &options)?)?.open(Inbox::put)
    }
}

/// A connection with a loop of its own.
struct Turned {
    poll: Poll,
    events: Events,
    buffers: Buffers,
    socket: WebSocket,
    inbox: Inbox,
}

impl Turned {
    fn new(mut socket: WebSocket) -> Result<Self, Error> {
        let (poll, events, buffers) = (Poll::new()?, Events::with_capacity(16), Buffers::default());
        poll.registry().register(&mut socket, Token(0), Interest::READABLE | Interest::WRITABLE)?;
        Ok(Turned { poll, events, buffers, socket, inbox: Inbox::default() })
    }

    /// Does the opening handshake.
    fn open(mut self, on_event: impl FnMut(&mut Inbox, &mut Connection, Event<'_>)) -> Result<Self, Error> {
        self.until_event(on_event, |this| this.inbox.opened.take())?;
        Ok(self)
    }

    /// Turns the loop until there is something, or the end.
    fn until<T>(&mut self, found: impl FnMut(&mut Self) -> Option<T>) -> Result<T, Error> {
        self.until_event(Inbox::put, found)
    }

    fn until_event<T>(
        &mut self,
        mut on_event: impl FnMut(&mut Inbox, &mut Connection, Event<'_>),
        mut found: impl FnMut(&mut Self) -> Option<T>,
    ) -> Result<T, Error> {
        loop {
            if let Some(found) = found(self) {
                return Ok(found);
            }
            if self.socket.is_closed() {
                return Err(match (self.socket.error(), &self.inbox.closed) {
                    (None, Some(closed)) => Error::Closed(closed.clone()),
                    (Some(Error::Io(error)), _) => Error::Io(error.kind().into()),
                    (Some(Error::Url(error)), _) => Error::Url(*error),
                    (error, _) => panic!("{error:?}"),
                });
            }
            self.turn(self.socket.poll_timeout(), &mut on_event)?;
        }
    }

    /// Takes what was set aside behind the message that was asked for last; it may have been the end, to which something is
    /// said.
    fn refill(&mut self) {
        self.inbox.refill(self.socket.connection());
        self.socket.flush();
    }

    /// What `take` finds, now or later.
    fn next<T>(&mut self, take: fn(&mut Inbox) -> Option<T>) -> Result<Option<T>, Error> {
        let next = |this: &mut Turned| {
            loop {
                if let Some(found) = take(&mut this.inbox) {
                    return Some(found);
                }
                this.refill();
                if !this.inbox.has_messages() {
                    return None;
                }
            }
        };
        match self.until(next) {
            Ok(next) => Ok(Some(next)),
            Err(Error::Closed(closed)) if closed.is_clean() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Turns the loop until everything is written.
    fn drain(&mut self) -> Result<(), Error> {
        self.until(|this| (this.socket.connection().buffered() == 0).then_some(()))?;
        // Whoever sends all the time hears of time and of the peer here.
        Ok(self.turn(Some(Duration::ZERO), Inbox::put)?)
    }

    fn turn(
        &mut self,
        timeout: Option<Duration>,
        mut on_event: impl FnMut(&mut Inbox, &mut Connection, Event<'_>),
    ) -> io::Result<()> {
        let Turned { poll, events, buffers, socket, inbox } = self;
        poll.poll(events, timeout)?;
        for event in &*events {
            socket.handle(event, buffers, |connection, event| on_event(inbox, connection, event));
        }
        if socket.poll_timeout() == Some(Duration::ZERO) {
            socket.handle_timeout(buffers, |connection, event| on_event(inbox, connection, event));
        }
        Ok(())
    }
}

impl timtow_conformance::WebSocket for Turned {
    fn recv(&mut self) -> Result<Option<OwnedMessage>, Error> {
        self.next(Inbox::take)
    }

    fn recv_fragment(&mut self) -> Result<Option<OwnedFragment>, Error> {
        self.next(Inbox::take_fragment)
    }

    fn send_fragment(&mut self, fragment: OwnedFragment) -> Result<(), Error> {
        self.socket.send_fragment(fragment)?;
        self.drain()
    }

    fn offer(&mut self, message: OwnedMessage) -> Result<(), TrySendError<OwnedMessage>> {
        self.socket.try_send(message)
    }

    fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        self.socket.send(prepared)?;
        self.drain()
    }

    fn offer_prepared<'p>(&mut self, prepared: &'p Prepared) -> Result<(), TrySendError<&'p Prepared>> {
        self.socket.try_send(prepared)
    }

    fn send(&mut self, message: OwnedMessage) -> Result<(), Error> {
        self.socket.send(message)?;
        self.drain()
    }

    fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.socket.connection().ping(payload)?;
        self.socket.flush();
        self.drain()
    }

    fn close(&mut self, code: u16, reason: &str) -> Result<Closed, Error> {
        match self.socket.close(code, reason) {
            Ok(()) | Err(SendError::Closing) => {}
            Err(error) => return Err(error.into()),
        }
        let dropped = |this: &mut Turned| {
            this.inbox.clear();
            this.refill();
            None::<Closed>
        };
        match self.until(dropped) {
            Ok(closed) | Err(Error::Closed(closed)) => Ok(closed),
            Err(error) => Err(error),
        }
    }

    fn closed(&self) -> Option<Closed> {
        self.inbox.closed.clone()
    }

    fn echo_split_fragments(mut self) -> Result<Option<Closed>, Error> {
        while let Some(fragment) = self.inbox.take_fragment() {
            let _ = self.socket.send_fragment(fragment);
            self.refill();
        }
        while !self.socket.is_closed() {
            self.turn(self.socket.poll_timeout(), |inbox, connection, event| match event {
                Event::Fragment(fragment) => drop(connection.send_fragment(fragment)),
                event => inbox.put(connection, event),
            })?;
        }
        Ok(self.closed())
    }

    fn echo_split(mut self) -> Result<Option<Closed>, Error> {
        // What came with the opening handshake.
        while let Some(message) = self.inbox.take() {
            echo(self.socket.connection(), message);
            self.refill();
        }
        while !self.socket.is_closed() {
            self.turn(self.socket.poll_timeout(), |inbox, connection, event| match event {
                Event::Message(message) => echo(connection, message.into()),
                event => inbox.put(connection, event),
            })?;
        }
        Ok(self.closed())
    }
}

fn echo(connection: &mut Connection, message: OwnedMessage) {
    // It fails where the connection closes.
    let _ = match Order::of(message.as_bytes()) {
        Order::Close(code, reason) => connection.close(code, reason),
        Order::Ping(payload) => connection.ping(payload).or_else(|error| connection.send(error.to_string())),
        Order::Echo => connection.send(message),
    };
}
