//! What a connection tells the application, and what the application sends.

use crate::{CloseCode, Fragment, HandshakeError, Opened, Refusal, Request, Text, Violation};
use alloc::{borrow::Cow, boxed::Box, string::String, vec::Vec};
use bytes::Bytes;
use core::fmt;

/// Which side of the connection this is. A server's frames are unmasked, a client's are masked (RFC 6455 5.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// The side that answers the opening handshake.
    Server,
    /// The side that sends it.
    Client,
}

/// What [`Connection::receive`](crate::Connection::receive) returns. Borrows the caller's bytes, never the connection.
#[derive(Clone, PartialEq, Debug)]
// ANCHOR: event
pub enum Event<'b> {
    /// Servers only: a valid opening handshake, to be answered with
    /// [`accept`](crate::Connection::accept) or [`reject`](crate::Connection::reject); or a plain `GET`, where
    /// [`Config::pages`](crate::Config) asks for these.
    Request(Box<Request>),
    /// The opening handshake is complete: messages may be sent.
    Open(Box<Opened>),
    /// A whole message.
    Message(Message<'b>),
    /// A piece of a message, in place of [`Event::Message`] where [`Config::fragments`](crate::Config) asks for pieces.
    Fragment(Fragment<'b>),
    /// A ping. The pong is already in the outbox.
    Ping(Cow<'b, [u8]>),
    /// A pong, solicited or not.
    Pong(Cow<'b, [u8]>),
    /// The end, exactly once. What is still in the outbox is to be sent.
    Closed(Closed),
}

/// A message as it was received.
///
/// `Cow::Borrowed`: it lay whole in the caller's buffer and was unmasked in place.
/// `Cow::Owned`: it was assembled, and is moved to the caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message<'b> {
    /// Text: valid UTF-8 (RFC 6455 8.1).
    Text(Cow<'b, str>),
    /// Anything.
    Binary(Cow<'b, [u8]>),
}
// ANCHOR_END: event

/// What a message is made of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Anything.
    Binary,
}

/// A message of its own: cheap to clone, and to send on without a copy. An [`Arc`](alloc::sync::Arc) of bytes or of text
/// becomes one without a copy, too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OwnedMessage {
    /// Text: valid UTF-8.
    Text(Text),
    /// Anything.
    Binary(Bytes),
}

/// A message to be sent: anything that is [`Into`] this.
///
/// What is owned or shared ([`Bytes`], [`Arc`](alloc::sync::Arc)) and has 4 KiB or more is not copied by a server. A client
/// must mask (RFC 6455 5.3): it does so in place where nobody else has the bytes, and copies once what is shared.
#[derive(Clone, Debug)]
pub struct Outgoing<'m> {
    pub(crate) kind: Kind,
    pub(crate) payload: Payload<'m>,
    /// What it is, where it was prepared. Not a kind of payload: every other message would pay for it.
    #[cfg(feature = "std")]
    pub(crate) prepared: Option<&'m crate::Prepared>,
}

/// The bytes of a message to be sent, in whatever form they are had.
#[derive(Clone, Debug)]
pub(crate) enum Payload<'m> {
    Borrowed(&'m [u8]),
    Owned(Vec<u8>),
    Shared(Bytes),
}

/// How a connection ended.
#[derive(Clone, PartialEq, Debug)]
pub struct Closed {
    /// The code that the peer's close frame carried: 1005 where it carried none, 1006 where no close frame
    /// came (RFC 6455 7.1.5).
    pub code: CloseCode,
    /// The reason that the peer's close frame carried.
    pub reason: String,
    /// Why it ended, and through whom.
    pub cause: Cause,
}

/// Why a connection ended, and through whom.
#[derive(Clone, PartialEq, Debug)]
pub enum Cause {
    /// The closing handshake was done: a normal end. So is the end of the transport between two messages on hixie-75, which
    /// has no closing handshake; the code is 1006 then.
    Handshake,
    /// The peer broke the protocol; it was sent [`Violation::close_code`].
    Violation(Violation),
    /// Servers: the opening handshake was refused with this status, by the protocol or by the application.
    Refused(Refusal),
    /// Clients: the opening handshake failed.
    Failed(Box<HandshakeError>),
    /// A deadline passed.
    Timeout(Timeout),
    /// The transport ended without a close frame.
    Lost,
}

/// The deadlines of a connection; their lengths are in [`Config`](crate::Config).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Timeout {
    /// The opening handshake was not complete.
    Handshake,
    /// The peer did not answer a close frame, or did not end the transport after it.
    Close,
    /// The peer did not answer a ping.
    Pong,
    /// The peer took no byte of what waits to be sent.
    Write,
}

impl Closed {
    /// An end without the peer's close frame (RFC 6455 7.1.5).
    pub(crate) fn lost(cause: Cause) -> Self {
        Closed { code: CloseCode::ABNORMAL, reason: String::new(), cause }
    }

    /// Whether the closing handshake was done.
    pub fn is_clean(&self) -> bool {
        self.cause == Cause::Handshake
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Handshake => write!(f, "closed with {}", self.code)?,
            Cause::Violation(violation) => return write!(f, "the peer broke the protocol: {violation}"),
            Cause::Refused(refusal) => return write!(f, "the opening handshake was refused: {refusal}"),
            Cause::Failed(error) => return error.fmt(f),
            Cause::Timeout(Timeout::Handshake) => return f.write_str("the opening handshake took too long"),
            Cause::Timeout(Timeout::Close) => return f.write_str("the closing handshake took too long"),
            Cause::Timeout(Timeout::Pong) => return f.write_str("no pong came in time"),
            Cause::Timeout(Timeout::Write) => return f.write_str("the peer stopped reading"),
            Cause::Lost => return f.write_str("the connection was lost without a close frame"),
        }
        match self.reason.as_str() {
            "" => Ok(()),
            reason => write!(f, ": {reason}"),
        }
    }
}

impl Event<'_> {
    /// The event with bytes of its own.
    pub fn into_owned(self) -> Event<'static> {
        match self {
            Event::Request(request) => Event::Request(request),
            Event::Open(opened) => Event::Open(opened),
            Event::Message(message) => Event::Message(message.into_owned()),
            Event::Fragment(fragment) => Event::Fragment(fragment.into_owned()),
            Event::Ping(payload) => Event::Ping(Cow::Owned(payload.into_owned())),
            Event::Pong(payload) => Event::Pong(Cow::Owned(payload.into_owned())),
            Event::Closed(closed) => Event::Closed(closed),
        }
    }
}

impl Message<'_> {
    /// The payload.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
        }
    }

    /// The message with bytes of its own.
    pub fn into_owned(self) -> Message<'static> {
        match self {
            Message::Text(text) => Message::Text(Cow::Owned(text.into_owned())),
            Message::Binary(bytes) => Message::Binary(Cow::Owned(bytes.into_owned())),
        }
    }
}

impl OwnedMessage {
    /// The payload.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            OwnedMessage::Text(text) => text.as_bytes(),
            OwnedMessage::Binary(bytes) => bytes,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            OwnedMessage::Text(text) => Some(text),
            OwnedMessage::Binary(_) => None,
        }
    }
}

impl From<Message<'_>> for OwnedMessage {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => OwnedMessage::Text(Text::from(text.into_owned())),
            Message::Binary(bytes) => OwnedMessage::Binary(Bytes::from(bytes.into_owned())),
        }
    }
}

macro_rules! message_from {
    ($($variant:ident: $($from:ty),*;)*) => {
        $($(impl From<$from> for OwnedMessage {
            fn from(payload: $from) -> Self {
                OwnedMessage::$variant(payload.into())
            }
        })*)*
    };
}

message_from! {
    Text: &'static str, String, Text;
    Binary: &'static [u8], Vec<u8>, Bytes;
}

impl<'m> Outgoing<'m> {
    #[inline]
    pub(crate) const fn new(kind: Kind, payload: Payload<'m>) -> Self {
        Outgoing {
            kind,
            payload,
            #[cfg(feature = "std")]
            prepared: None,
        }
    }

    /// The bytes to be sent.
    pub fn as_bytes(&self) -> &[u8] {
        self.payload.as_bytes()
    }
}

impl Payload<'_> {
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Payload::Borrowed(bytes) => bytes,
            Payload::Owned(bytes) => bytes,
            Payload::Shared(bytes) => bytes,
        }
    }

    /// Whether keeping it takes a copy.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn is_borrowed(&self) -> bool {
        matches!(self, Payload::Borrowed(_))
    }
}

impl<'m> From<Message<'m>> for Outgoing<'m> {
    #[inline]
    fn from(message: Message<'m>) -> Self {
        match message {
            Message::Text(Cow::Borrowed(text)) => text.into(),
            Message::Text(Cow::Owned(text)) => text.into(),
            Message::Binary(Cow::Borrowed(bytes)) => bytes.into(),
            Message::Binary(Cow::Owned(bytes)) => bytes.into(),
        }
    }
}

impl From<OwnedMessage> for Outgoing<'_> {
    fn from(message: OwnedMessage) -> Self {
        match message {
            OwnedMessage::Text(text) => Outgoing::new(Kind::Text, Payload::Shared(text.into_bytes())),
            OwnedMessage::Binary(bytes) => bytes.into(),
        }
    }
}

impl<'m> From<&'m str> for Outgoing<'m> {
    #[inline]
    fn from(text: &'m str) -> Self {
        Outgoing::new(Kind::Text, Payload::Borrowed(text.as_bytes()))
    }
}

impl From<String> for Outgoing<'_> {
    fn from(text: String) -> Self {
        Outgoing::new(Kind::Text, Payload::Owned(text.into_bytes()))
    }
}

impl<'m> From<&'m [u8]> for Outgoing<'m> {
    #[inline]
    fn from(bytes: &'m [u8]) -> Self {
        Outgoing::new(Kind::Binary, Payload::Borrowed(bytes))
    }
}

impl From<Vec<u8>> for Outgoing<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Outgoing::new(Kind::Binary, Payload::Owned(bytes))
    }
}

impl From<Bytes> for Outgoing<'_> {
    fn from(bytes: Bytes) -> Self {
        Outgoing::new(Kind::Binary, Payload::Shared(bytes))
    }
}
