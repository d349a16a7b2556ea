//! A connection: what may be asked of it. How it reads is in `receive`, how it
//! sends in `send`, how it keeps time in `keep_time`.

use crate::{
    ClientRequest, CloseCode, Closed, Config, Event, Kind, Opened, Outbox, Refusal, Rejection, Response, Role,
    SendError, State,
    announce::Announced,
    control::Control,
    counters::Counting,
    deflate::Codec,
    event::Cause,
    frame::{MAX_HEADER, Opcode},
    handshake::{self, Asked, ClientOpening, NO_UPGRADE, ServerOpening},
    outbox::PONGS,
    stash::Stash,
    state::Step,
    text::Assembly,
    timers::Timers,
    trace::Trace,
    utf8::Utf8,
};
use alloc::{boxed::Box, string::String, sync::Arc};

/// One side of a WebSocket connection, without the socket.
///
/// Each turn, tell it the time ([`handle_timeout`](Connection::handle_timeout)) if it asks for it, feed it what you read
/// ([`receive`](Connection::receive)), drain its [`outbox`](Connection::outbox), then wait for readability, writability or
/// [`poll_timeout`](Connection::poll_timeout). The whole loop stands in the [crate's documentation](crate).
#[derive(Debug)]
pub struct Connection {
    pub(crate) config: Arc<Config>,
    pub(crate) role: Role,
    pub(crate) state: State,
    /// Open, between messages, with nothing set aside: whole messages need no state.
    pub(crate) fast: bool,
    /// Nothing is parsed until `release`.
    pub(crate) held: bool,
    /// Whoever sends waits for room: reading does not pause for what waits.
    pub(crate) sender_waits: bool,
    /// The peer sends no more.
    pub(crate) eof: bool,
    /// The closing handshake was done.
    pub(crate) ended_cleanly: bool,
    /// The message in reception: set from its first frame to its last.
    pub(crate) message: Option<Kind>,
    /// It is compressed.
    pub(crate) compressed: bool,
    /// Bytes of it that its headers announced so far.
    pub(crate) message_len: usize,
    pub(crate) fragments: usize,
    pub(crate) assembly: Assembly,
    /// The frame whose payload is not complete.
    pub(crate) frame: Option<Frame>,
    /// A header that came in pieces.
    pub(crate) header: [u8; MAX_HEADER],
    pub(crate) header_len: u8,
    /// The payload of a control frame that came in pieces.
    pub(crate) control: Option<Box<Control>>,
    /// Input that may not be parsed yet.
    pub(crate) stash: Stash,
    pub(crate) opening: Option<Box<Opening>>,
    /// `Event::Open` is due.
    pub(crate) opened: Option<Box<Opened>>,
    /// The terminal event is due.
    pub(crate) ending: Option<Box<Closed>>,
    /// What compresses and inflates, where that was agreed on.
    pub(crate) deflate: Option<Box<Codec>>,
    /// The fragmented message that is being sent, and the state of its text.
    pub(crate) sending: Option<(Kind, Utf8)>,
    /// It is one frame, of which the length was announced.
    pub(crate) announced: Option<Box<Announced>>,
    /// The framing of the hixie drafts, where one of them is spoken.
    #[cfg(feature = "legacy")]
    pub(crate) hixie: Option<Box<crate::hixie::Reader>>,
    /// The driver has seen an outbox in which as many pongs wait as may.
    pub(crate) offered: bool,
    pub(crate) timers: Timers,
    pub(crate) counting: Counting,
    pub(crate) outbox: Outbox,
    pub(crate) trace: Trace,
}

/// A frame whose payload is not complete.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) fin: bool,
    pub(crate) opcode: Opcode,
    pub(crate) mask: [u8; 4],
    pub(crate) left: usize,
}

/// How far the opening handshake is.
#[derive(Debug)]
pub(crate) enum Opening {
    Server(ServerOpening),
    Asked(Asked),
    /// A plain GET waits for its page.
    Get,
    Client(ClientOpening),
}

/// Input behind an unanswered request, before reading pauses.
const REQUEST_STASH: usize = 16 << 10;

impl Connection {
    /// A server's side: expects the opening handshake (RFC 6455 4.2).
    pub fn server(config: Arc<Config>) -> Self {
        let opening = Opening::Server(ServerOpening::new());
        Connection { opening: Some(Box::new(opening)), ..Self::new(Role::Server, State::Connecting, config) }
    }

    /// A client's side: its outbox already holds the opening handshake (RFC 6455 4.1).
    ///
    /// # Errors
    /// [`SendError::InvalidHeader`] where the request could not stand on the wire.
    pub fn client(request: ClientRequest, config: Arc<Config>) -> Result<Self, SendError> {
        let mut connection = Self::new(Role::Client, State::Connecting, config);
        connection.trace.request(&request.target);
        let (opening, head) = ClientOpening::new(request, &connection.config)?;
        connection.opening = Some(Box::new(Opening::Client(opening)));
        connection.outbox.push(&head, &[]);
        Ok(connection)
    }

    /// Either side, after somebody else has done the opening handshake. There is no [`Event::Open`].
    pub fn upgraded(role: Role, config: Arc<Config>) -> Self {
        Self::new(role, State::Open, config)
    }

    /// Says that TLS carries the bytes: in the opening handshake of the hixie drafts both sides name the URL, with its scheme.
    /// Call it before anything else; an `Endpoint` with a transport does.
    #[cfg(feature = "legacy")]
    #[must_use]
    pub fn over_tls(mut self) -> Self {
        match self.opening.as_deref_mut() {
            Some(Opening::Server(opening)) => opening.over_tls(),
            Some(Opening::Client(opening)) => opening.over_tls(),
            Some(Opening::Asked(_) | Opening::Get) | None => {}
        }
        self
    }

    fn new(role: Role, state: State, config: Arc<Config>) -> Self {
        Connection {
            role,
            state,
            fast: false,
            held: false,
            sender_waits: false,
            eof: false,
            ended_cleanly: false,
            message: None,
            compressed: false,
            message_len: 0,
            fragments: 0,
            assembly: Assembly::default(),
            frame: None,
            header: [0; MAX_HEADER],
            header_len: 0,
            control: None,
            stash: Stash::default(),
            opening: None,
            opened: None,
            ending: None,
            deflate: None,
            sending: None,
            announced: None,
            #[cfg(feature = "legacy")]
            hixie: None,
            offered: false,
            timers: Timers::new(),
            counting: Counting::new(),
            outbox: Outbox::default(),
            trace: Trace::new(role),
            config,
        }
    }

    /// Answers [`Event::Request`] with 101 (RFC 6455 4.2.2); [`Event::Open`] follows, and then the frames that came
    /// behind the request: go on calling [`receive`](Connection::receive). A plain `GET`, which only comes where
    /// [`Config::pages`] asks for it, is answered 426.
    ///
    /// # Errors
    /// [`SendError::NoRequest`] where none waits; [`SendError::InvalidAnswer`] or [`SendError::InvalidHeader`] where the
    /// answer could not stand on the wire. The request then waits on.
    pub fn accept(&mut self, response: Response) -> Result<(), SendError> {
        let asked = match self.opening.as_deref() {
            Some(Opening::Asked(asked)) => asked,
            Some(Opening::Get) => {
                let bytes = handshake::refusal_bytes(&NO_UPGRADE, &self.config, false);
                self.answer(&bytes, NO_UPGRADE);
                return Ok(());
            }
            _ => return Err(SendError::NoRequest),
        };
        let (head, opened) = asked.accept(&response, &self.config)?;
        self.outbox.push(&head, &[]);
        self.open(opened);
        Ok(())
    }

    /// Answers [`Event::Request`] with a status of its own, and ends the connection. A server may do so before the request is
    /// complete, whatever it will be. This is also how a plain `GET` gets its [`Page`](crate::Page).
    ///
    /// # Errors
    /// As [`accept`](Connection::accept).
    pub fn reject(&mut self, rejection: &Rejection) -> Result<(), SendError> {
        let is_upgrade = !matches!(self.opening.as_deref(), Some(Opening::Get));
        let response = match self.opening.as_deref() {
            Some(Opening::Asked(_) | Opening::Server(_)) => handshake::reject(rejection, &self.config)?,
            Some(Opening::Get) => handshake::page(rejection, &self.config)?,
            _ => return Err(SendError::NoRequest),
        };
        self.answer(&response, rejection.refusal(is_upgrade));
        Ok(())
    }

    /// The answer that ends the connection.
    fn answer(&mut self, response: &[u8], refusal: Refusal) {
        self.outbox.push(response, &[]);
        self.opening = None;
        self.end_soon(Cause::Refused(refusal));
    }

    /// What waits to be sent.
    #[inline]
    pub fn outbox(&mut self) -> &mut Outbox {
        self.offered = self.outbox.unsent_pongs() >= PONGS;
        &mut self.outbox
    }

    /// How many bytes wait to be sent.
    #[inline]
    pub fn buffered(&self) -> usize {
        self.outbox.len()
    }

    /// Whether the outbox is at most at its high-water mark. Above it whoever sends should wait, drop or close: nothing is
    /// refused here, and everything that is queued costs memory.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.outbox.retained() <= self.config.high_water
    }

    /// Sets everything aside that comes behind the last event, up to the high-water mark, until
    /// [`release`](Connection::release): for a driver whose events wait to be asked for. The application can then answer
    /// each message before the connection heeds what came behind it, a close frame or a violation.
    pub fn hold(&mut self) {
        self.held = true;
        self.fast = false;
    }

    /// Goes on after [`hold`](Connection::hold): call [`receive`](Connection::receive) where
    /// [`wants_receive`](Connection::wants_receive).
    pub fn release(&mut self) {
        self.held = false;
    }

    /// Whether to read from the socket. False above the high-water mark, while a request waits for its answer with
    /// much behind it, and after the peer's end.
    #[inline]
    pub fn wants_read(&self) -> bool {
        !self.eof
            && match self.state {
                State::Open | State::Closing if self.held => self.stash.len() < self.config.high_water,
                State::Open | State::Closing => self.stash.is_empty() && !self.is_paused(),
                State::Requested => self.stash.len() < REQUEST_STASH,
                State::Connecting | State::Lingering => true,
                State::Closed => false,
            }
    }

    /// Whether [`receive`](Connection::receive) has something to say without new input: call it with an empty one. Ask
    /// after the outbox was drained, as far as the socket took it.
    #[inline]
    pub fn wants_receive(&self) -> bool {
        if self.fast {
            return false;
        }
        self.opened.is_some()
            || self.ending.is_some()
            || match self.state {
                State::Open | State::Closing if self.stash.is_empty() => {
                    self.eof && !self.held || self.has_inflated() && !self.is_paused()
                }
                State::Open | State::Closing => !self.is_paused(),
                State::Connecting => self.eof,
                _ => false,
            }
    }

    /// Where the connection is in its life.
    pub fn state(&self) -> State {
        if self.is_closed() { State::Closed } else { self.state }
    }

    /// Whether nothing is left to do, and the socket may be dropped.
    #[inline]
    pub fn is_closed(&self) -> bool {
        match self.state {
            State::Closed => true,
            State::Lingering => self.eof && self.outbox.is_empty(),
            _ => false,
        }
    }

    /// How the connection ends, where that is decided and [`receive`](Connection::receive) has yet to say it.
    pub fn ending(&self) -> Option<&Closed> {
        self.ending.as_deref()
    }

    /// Which side this is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The limits and deadlines.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Whether what is sent now is a frame without a mask and without compression, and goes out as soon as the socket takes it.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn sends_plainly(&self) -> bool {
        self.fast
            && self.role == Role::Server
            && self.sending.is_none()
            && self.deflate.is_none()
            && self.outbox.has_only_front()
    }

    /// Whether the frames are those of the hixie drafts.
    #[inline]
    pub(crate) fn is_hixie(&self) -> bool {
        #[cfg(feature = "legacy")]
        return self.hixie.is_some();
        #[cfg(not(feature = "legacy"))]
        false
    }

    /// What the end of the transport means.
    #[cfg(not(feature = "legacy"))]
    pub(crate) fn ended_by_transport(&self) -> Closed {
        Closed::lost(Cause::Lost)
    }

    /// Whether what came must wait until more of the outbox is sent. Pongs beyond a few wait until the driver had a
    /// chance to send those; it is then known whether the peer reads.
    #[inline]
    pub(crate) fn is_paused(&self) -> bool {
        self.held
            || (self.outbox.retained() > self.config.high_water && !self.sender_waits)
            || (self.outbox.unsent_pongs() >= PONGS && !self.offered)
    }

    pub(crate) fn step(&mut self, step: Step) {
        self.fast = false;
        if let Some(state) = self.state.after(step) {
            self.state = state;
        }
    }

    pub(crate) fn open(&mut self, opened: Opened) {
        self.opening = None;
        self.trace.opened(&opened);
        #[cfg(feature = "legacy")]
        self.speak(opened.draft);
        self.deflate = Codec::agreed(&opened, self.role, &self.config);
        self.opened = Some(Box::new(opened));
        self.step(Step::Opened);
        self.timers.rearm();
    }

    /// The connection ends, and the next `receive` says so.
    pub(crate) fn end_soon(&mut self, cause: Cause) {
        self.fast = false;
        if !self.state.is_over() && self.ending.is_none() {
            self.ending = Some(Box::new(Closed { code: CloseCode::ABNORMAL, reason: String::new(), cause }));
        }
    }

    /// The connection ends now; returns the terminal event.
    #[cold]
    pub(crate) fn end(&mut self, closed: Closed) -> Event<'static> {
        self.trace.closed(&closed);
        if self.state != State::Closing {
            self.timers.rearm();
        }
        self.timers.stop_keep_alive();
        self.step(Step::Ended);
        self.ended_cleanly = closed.is_clean();
        self.opening = None;
        self.opened = None;
        self.ending = None;
        self.message = None;
        self.frame = None;
        self.assembly = Assembly::default();
        self.deflate = None;
        self.control = None;
        self.stash = Stash::default();
        #[cfg(feature = "legacy")]
        {
            self.hixie = None;
        }
        // What waits for the end of a frame can not be said any more.
        let is_mute = self.is_amid_frame();
        self.announced = None;
        // RFC 6455 7.1.1: after a clean close the server ends the transport, and the client waits for it.
        if self.role == Role::Server || !closed.is_clean() || self.eof || is_mute {
            self.outbox.finish();
        }
        Event::Closed(closed)
    }
}
