//! How a connection sends: what is queued is framed, masked where it must be, and waits in the outbox.

use crate::{
    CloseCode, Connection, Kind, Outbox, Outgoing, OutgoingFragment, Role, SendError, State,
    announce::Place,
    event::Payload,
    frame::{self, MAX_CONTROL, Opcode},
    mask,
    outbox::{LARGE, PONGS},
    state::Step,
    utf8::Utf8,
};
use core::mem;

impl Connection {
    /// Queues a whole message (RFC 6455 6.1).
    ///
    /// # Errors
    /// [`SendError::NotOpen`], [`SendError::Closing`], or [`SendError::InsideMessage`] between the fragments of another;
    /// [`SendError::NotInThisDraft`] for a binary message on a hixie draft.
    #[inline]
    pub fn send<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), SendError> {
        self.may_send()?;
        if self.sending.is_some() {
            return Err(SendError::InsideMessage);
        }
        #[cfg(feature = "legacy")]
        if self.is_hixie() {
            return self.send_hixie(message.into());
        }
        let message = message.into();
        self.counting.message_sent(true);
        #[cfg(feature = "std")]
        if let Some(prepared) = message.prepared {
            self.push_prepared(prepared);
            return Ok(());
        }
        let Outgoing { kind, payload, .. } = message;
        if self.deflate.is_some() {
            self.push_message(kind, payload);
        } else {
            self.push_frame(true, kind.into(), payload);
        }
        Ok(())
    }

    /// Queues a piece of a message, for messages that are larger than memory: as a frame of its own (RFC 6455 5.4), or, where
    /// the first piece [announces](crate::Fragment::announcing) the message's length, all pieces as one frame. The first piece
    /// decides whether the message is text. What was received as [`Event::Fragment`](crate::Event) can be sent on as it is.
    ///
    /// Between the pieces of one frame nothing else can be sent: pongs and a close frame wait for its end, and there are no
    /// pings that would find a dead peer. If the end does not come, the close deadline ends the connection, once it is
    /// closed. An announced message is not compressed, unless its first piece is all of it.
    ///
    /// ```
    /// # use timtow_core::{Config, Connection, Fragment, Role, SendError};
    /// # let mut ws = Connection::upgraded(Role::Server, Config::default().into());
    /// // One message of two frames.
    /// ws.send_fragment(Fragment::text("There is more ", false))?;
    /// ws.send_fragment(Fragment::text("than one way", true))?;
    /// // One message of one frame, in two pieces.
    /// ws.send_fragment(Fragment::text("There is more ", false).announcing(26))?;
    /// assert_eq!(ws.send_fragment(Fragment::text("than one way to do it", true)), Err(SendError::WrongLength));
    /// ws.send_fragment(Fragment::text("than one way", true))?;
    /// # Ok::<(), SendError>(())
    /// ```
    ///
    /// # Errors
    /// As [`send`](Connection::send), but that the pieces of one frame may be sent to its end while the connection closes;
    /// [`SendError::InsideMessage`] where a fragment is not of the message's kind, or announces a length in its middle;
    /// [`SendError::TextNotUtf8`] where the fragments are not UTF-8 together; [`SendError::WrongLength`] where there are more
    /// bytes than announced, or fewer at the end, or more announced than a header can say (2 to the power of 63, or more);
    /// [`SendError::NotInThisDraft`] on a hixie draft. Nothing was queued then.
    pub fn send_fragment<'m>(&mut self, fragment: impl Into<OutgoingFragment<'m>>) -> Result<(), SendError> {
        if !(self.state == State::Closing && self.is_amid_frame() && self.ending.is_none()) {
            self.may_send_frames()?;
        }
        let OutgoingFragment { kind, payload, fin, message_len } = fragment.into();
        let (opcode, mut utf8) = match self.sending {
            None => (kind.into(), Utf8::default()),
            Some((begun, utf8)) if begun == kind && message_len.is_none() => (Opcode::Continuation, utf8),
            Some(_) => return Err(SendError::InsideMessage),
        };
        let bytes = payload.as_bytes();
        let place = self.place(message_len, bytes.len(), fin)?;
        if kind == Kind::Text && !(utf8.push(bytes) && (utf8.is_complete() || !fin)) {
            return Err(SendError::TextNotUtf8);
        }
        self.sending = (!fin).then_some((kind, utf8));
        self.counting.message_sent(fin);
        match place {
            Place::Apart => self.push_fragment(fin, opcode, payload),
            Place::First(len) => {
                self.announce(opcode, len);
                self.push_piece(payload, fin);
            }
            Place::Inside => self.push_piece(payload, fin),
        }
        Ok(())
    }

    /// Queues a ping with up to 125 bytes (RFC 6455 5.5.2). Keep-alive needs no call: see
    /// [`Config::ping_interval`](crate::Config::ping_interval).
    ///
    /// # Errors
    /// As [`send`](Connection::send); [`SendError::ControlTooLong`]; [`SendError::NotInThisDraft`] on a hixie draft.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.may_send_frames()?;
        if payload.len() > MAX_CONTROL {
            return Err(SendError::ControlTooLong);
        }
        self.between_frames(|this| this.push_frame(true, Opcode::Ping, Payload::Borrowed(payload)));
        Ok(())
    }

    /// Begins the closing handshake (RFC 6455 7.1.2). Messages may still come until the peer's close frame does. Code
    /// 1005 stands for a close frame without a code. On hixie-76 the close frame carries neither code nor reason; on hixie-75
    /// there is none, and the transport is half-closed.
    ///
    /// # Errors
    /// [`SendError::NotOpen`]; [`SendError::Closing`] where it has begun already; [`SendError::CloseCodeNotAllowed`];
    /// [`SendError::ControlTooLong`] for a reason over 123 bytes.
    pub fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), SendError> {
        self.may_send()?;
        let code = code.into().to_send(reason)?;
        self.push_close(code, reason);
        self.step(Step::CloseQueued);
        self.timers.stop_keep_alive();
        self.timers.rearm();
        Ok(())
    }

    #[inline]
    pub(crate) fn may_send(&self) -> Result<(), SendError> {
        match self.state {
            State::Open if self.ending.is_none() => Ok(()),
            State::Connecting | State::Requested => Err(SendError::NotOpen),
            _ => Err(SendError::Closing),
        }
    }

    /// The same, for what only the frames of the RFC can say.
    fn may_send_frames(&self) -> Result<(), SendError> {
        self.may_send()?;
        if self.is_hixie() { Err(SendError::NotInThisDraft) } else { Ok(()) }
    }

    /// Queues a pong, unless so many wait that a peer who does not read gets the newest only (RFC 6455 5.5.3).
    pub(crate) fn push_pong(&mut self, payload: &[u8]) {
        self.between_frames(|this| this.queue_pong(payload));
    }

    fn queue_pong(&mut self, payload: &[u8]) {
        if self.outbox.unsent_pongs() < PONGS {
            self.offered = false;
            self.push_frame(true, Opcode::Pong, Payload::Borrowed(payload));
            return self.outbox.note_pong();
        }
        let mut pong = Outbox::default();
        mem::swap(&mut pong, &mut self.outbox);
        self.push_frame(true, Opcode::Pong, Payload::Borrowed(payload));
        mem::swap(&mut pong, &mut self.outbox);
        self.outbox.set_late_pong(pong.chunk());
    }

    pub(crate) fn push_close(&mut self, code: Option<CloseCode>, reason: &str) {
        #[cfg(feature = "legacy")]
        if self.is_hixie() {
            return self.push_hixie_close();
        }
        let mut payload = [0; MAX_CONTROL];
        let mut len = 0;
        if let Some(code) = code {
            payload[..2].copy_from_slice(&code.0.to_be_bytes());
            len = 2 + reason.len();
            payload[2..len].copy_from_slice(reason.as_bytes());
        }
        self.between_frames(|this| {
            this.outbox.flush_late_pong();
            this.push_frame(true, Opcode::Close, Payload::Borrowed(&payload[..len]));
        });
    }

    #[inline]
    pub(crate) fn push_frame(&mut self, fin: bool, opcode: Opcode, payload: Payload<'_>) {
        self.push_first(frame::first(fin, opcode), payload);
    }

    /// Queues a frame that begins with this byte.
    #[inline]
    pub(crate) fn push_first(&mut self, first: u8, payload: Payload<'_>) {
        if self.role == Role::Client {
            let mask = self.config.masks.mask();
            let header = frame::encode(first, payload.as_bytes().len(), Some(mask));
            self.push_masked(&header.bytes()[..header.size], payload, mask);
            return;
        }
        let len = payload.as_bytes().len();
        let header = frame::encode(first, len, None);
        if len < LARGE {
            self.outbox.push_small(header, payload.as_bytes());
            return self.outbox.recycle(payload);
        }
        self.outbox.push_payload(&header.bytes()[..header.size], payload);
    }

    /// Returns the mask as it is due behind the payload.
    pub(crate) fn push_masked(&mut self, header: &[u8], payload: Payload<'_>, mask: [u8; 4]) -> [u8; 4] {
        let payload = match payload {
            // Nobody else sees what is masked.
            Payload::Shared(bytes) if bytes.len() >= LARGE && bytes.is_unique() => Payload::Owned(bytes.into()),
            payload => payload,
        };
        match payload {
            Payload::Owned(mut bytes) if bytes.len() >= LARGE => {
                let mask = mask::apply(&mut bytes, mask);
                self.outbox.push_payload(header, Payload::Owned(bytes));
                mask
            }
            payload => {
                let bytes = payload.as_bytes();
                let mask = mask::apply(self.outbox.push(header, bytes), mask);
                self.outbox.recycle(payload);
                mask
            }
        }
    }
}

impl From<Kind> for Opcode {
    #[inline]
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => Opcode::Text,
            Kind::Binary => Opcode::Binary,
        }
    }
}
