//! One connection in the blocking idiom: `recv()`, `send(message)`.

use super::{RecvHalf, SendHalf, Socket, reader::Reader};
use crate::{
    Buffers, CloseCode, Closed, Connection, Endpoint, Error, Inbox, Opened, Outgoing, OwnedMessage, Rejection, Request,
    Response, SendError, app::Options, endpoint, lock,
};

/// One WebSocket connection, whose calls block.
///
/// Time passes for it only in a call: pings are sent and answered, and deadlines kept, while it receives or sends. While it
/// waits for a peer that does not read, it does not read either: [`split`](WebSocket::split) it where both sides send much.
#[derive(Debug)]
pub struct WebSocket<S: Socket> {
    pub(super) reader: Reader<S>,
    pub(super) inbox: Inbox,
}

impl<S: Socket> WebSocket<S> {
    /// Answers the opening handshake on `socket`: accepts whatever is valid.
    ///
    /// # Errors
    /// [`Error::Closed`], with the reason for which the handshake failed.
    pub fn accept(socket: S, options: &Options) -> Result<Self, Error> {
        Self::accept_with(socket, options, |_| Ok(Response::default()))
    }

    /// Answers the opening handshake on `socket` as `answer` says.
    ///
    /// # Errors
    /// [`Error::Closed`], with the reason for which the handshake failed; [`Error::Send`] where the answer could not stand
    /// on the wire.
    pub fn accept_with(
        socket: S,
        options: &Options,
        answer: impl FnOnce(&Request) -> Result<Response, Rejection>,
    ) -> Result<Self, Error> {
        let mut this = WebSocket::new(socket, Endpoint::server(options));
        let request = this.until(|inbox| inbox.request.take())?;
        let answer = answer(&request);
        this.with(|endpoint| match answer {
            Ok(response) => endpoint.connection.accept(response),
            Err(rejection) => endpoint.connection.reject(&rejection),
        })?;
        this.until(|inbox| inbox.opened.take())?;
        match this.flush() {
            // What came before the end, and the end itself, are for `recv` to tell.
            Ok(()) | Err(Error::Closed(_)) => Ok(this),
            Err(error) => Err(error),
        }
    }

    /// Does the opening handshake of `connection`, a client's, on `socket`.
    ///
    /// # Errors
    /// [`Error::Closed`], with the response that was refused.
    pub fn connect(socket: S, connection: Connection, options: &Options) -> Result<(Self, Opened), Error> {
        let mut this = WebSocket::new(socket, Endpoint::new(connection, options));
        let opened = this.until(|inbox| inbox.opened.take())?;
        Ok((this, *opened))
    }

    /// Connects as `connect` says, by a socket that `open` makes: by one more after each redirect that is followed. Also
    /// returns what the server answered.
    ///
    /// # Errors
    /// [`Error::Url`] and [`Error::Send`] for what cannot be asked for; those of `open`; [`Error::Closed`], with the response,
    /// where the handshake failed.
    #[cfg(feature = "url")]
    pub fn connect_to(
        mut connect: crate::Connect,
        options: &Options,
        mut open: impl FnMut(&crate::Target) -> std::io::Result<S>,
    ) -> Result<(Self, Opened), Error> {
        loop {
            options.check(&connect.target)?;
            let connection = Connection::client(connect.request.clone(), options.config.clone())?;
            match Self::connect(open(&connect.target)?, connection, options) {
                Err(error) => connect = connect.after(error)?,
                opened => return opened,
            }
        }
    }

    fn new(socket: S, mut endpoint: Endpoint) -> Self {
        endpoint.connection.sender_waits = true;
        WebSocket { reader: Reader::new(socket, endpoint, None), inbox: Inbox::default() }
    }

    /// The next message; `None` after a clean close. Writes what is queued before it waits. For one that is larger than memory
    /// there is [`recv_fragment`](WebSocket::recv_fragment).
    ///
    /// # Errors
    /// [`Error::Closed`] where the connection ended in any other way.
    pub fn recv(&mut self) -> Result<Option<OwnedMessage>, Error> {
        self.next_of(Inbox::take)
    }

    /// What `take` finds in the inbox; `None` after a clean close.
    pub(super) fn next_of<T>(&mut self, take: impl FnMut(&mut Inbox) -> Option<T>) -> Result<Option<T>, Error> {
        match self.until(take) {
            Ok(message) => Ok(Some(message)),
            Err(Error::Closed(closed)) if closed.is_clean() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a message: queues it, and writes everything.
    ///
    /// # Errors
    /// [`Error::Closed`] or [`Error::Send`] where the connection is closing or closed.
    pub fn send<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        self.feed(message)?;
        self.flush()
    }

    /// Queues a message without writing it; [`recv`](WebSocket::recv) and [`flush`](WebSocket::flush) write it, together
    /// with others. Writes first where the outbox is above its high-water mark.
    ///
    /// # Errors
    /// As [`send`](WebSocket::send).
    pub fn feed<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        self.until_output(|endpoint| endpoint.connection.has_room())?;
        Ok(self.with(|endpoint| endpoint.connection.send(message))?)
    }

    /// Writes everything that is queued.
    ///
    /// # Errors
    /// [`Error::Closed`] where the connection ended first.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.until_output(|endpoint| !endpoint.wants_write())
    }

    /// Sends a ping.
    ///
    /// # Errors
    /// As [`send`](WebSocket::send), and for more than 125 bytes.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.with(|endpoint| endpoint.connection.ping(payload))?;
        self.flush()
    }

    /// Does the closing handshake, and waits for the end of the transport. Messages that still come are dropped. Returns how
    /// the connection ended. Does no harm where it has ended already.
    ///
    /// # Errors
    /// [`Error::Send`] for a code or a reason that must not be sent.
    pub fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<Closed, Error> {
        match self.with(|endpoint| endpoint.connection.close(code, reason)) {
            Ok(()) | Err(SendError::Closing) => {}
            Err(error) => return Err(error.into()),
        }
        loop {
            self.inbox.clear();
            self.refill();
            if self.inbox.has_messages() {
                continue;
            }
            if let Some(closed) = &self.inbox.closed
                && self.with(|endpoint| endpoint.is_closed())
            {
                return Ok(closed.clone());
            }
            self.step();
        }
    }

    /// How the connection ended, if it has.
    pub fn closed(&self) -> Option<&Closed> {
        self.inbox.closed.as_ref()
    }

    /// How many bytes wait to be written.
    pub fn unsent(&self) -> usize {
        self.with(|endpoint| endpoint.connection.buffered())
    }

    /// What passed over the connection so far.
    #[cfg(feature = "counters")]
    pub fn counters(&self) -> crate::Counters {
        self.with(|endpoint| endpoint.connection.counters())
    }

    /// The stream.
    pub fn socket(&self) -> &S {
        &self.reader.owner.0.socket
    }

    /// Two halves, for two threads. A third is started, which writes.
    pub fn split(self) -> (RecvHalf<S>, SendHalf<S>) {
        super::half::split(self)
    }

    pub(super) fn with<T>(&self, f: impl FnOnce(&mut Endpoint) -> T) -> T {
        f(&mut lock(&self.reader.owner.0.endpoint))
    }

    /// Turns until `take` finds something in the inbox.
    fn until<T>(&mut self, mut take: impl FnMut(&mut Inbox) -> Option<T>) -> Result<T, Error> {
        loop {
            if let Some(found) = take(&mut self.inbox) {
                return Ok(found);
            }
            let before = self.inbox.len();
            self.refill();
            if self.inbox.len() != before {
                continue;
            }
            if let Some(closed) = &self.inbox.closed
                && self.with(|endpoint| endpoint.may_be_dropped())
            {
                return Err(Error::Closed(closed.clone()));
            }
            self.step();
        }
    }

    /// Turns until the outbox is as it should be.
    pub(super) fn until_output(&mut self, done: impl Fn(&Endpoint) -> bool) -> Result<(), Error> {
        loop {
            if let Some(closed) = &self.inbox.closed {
                return Err(Error::Closed(closed.clone()));
            }
            if self.with(|endpoint| done(endpoint)) {
                return Ok(());
            }
            self.step();
        }
    }

    /// Takes what was set aside behind the message that was asked for last.
    fn refill(&mut self) {
        let shared = &self.reader.owner.0;
        let mut endpoint = lock(&shared.endpoint);
        self.inbox.refill(&mut endpoint.connection);
        shared.tell(&self.inbox.closed);
        shared.settle(&endpoint);
    }

    /// Writes what waits; otherwise reads, or waits for the next deadline.
    fn step(&mut self) {
        let WebSocket { reader, inbox } = self;
        Buffers::with(|buffers| {
            let Some(input) = reader.wait(buffers, |endpoint| endpoint.poll_timeout()) else { return };
            let shared = reader.owner.0.clone();
            reader.turn(|mut access, output| {
                endpoint::turn(&mut access, buffers, input, output, |access, event| {
                    access.with(|endpoint| inbox.put(&mut endpoint.connection, event));
                });
                shared.tell(&inbox.closed);
            });
        });
    }
}
