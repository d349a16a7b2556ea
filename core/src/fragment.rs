//! Pieces of messages, for messages that are larger than memory.

use crate::{Connection, Event, Kind, Violation, event::Payload, receive::Received};
use alloc::{borrow::Cow, string::String};
use bytes::Bytes;

/// A piece of a message. The pieces of one text message are valid UTF-8 together; one piece may end inside a character.
///
/// A piece is what came at once: less than a frame (RFC 6455 5.2) where the frame is large, never more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fragment<'b> {
    /// What the whole message is.
    pub kind: Kind,
    /// The bytes of this piece.
    pub payload: Cow<'b, [u8]>,
    /// Whether this is the last piece of its message.
    pub fin: bool,
    /// The bytes of the whole message, where this is its first piece, and the message is one frame, whose header tells. To
    /// send it makes the message one frame again: [`announcing`](Fragment::announcing).
    pub message_len: Option<usize>,
}

/// A piece of a message, with bytes of its own: cheap to clone, and to send on without a copy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnedFragment {
    /// What the whole message is.
    pub kind: Kind,
    /// The bytes of this piece.
    pub payload: Bytes,
    /// Whether this is the last piece of its message.
    pub fin: bool,
    /// As [`Fragment::message_len`].
    pub message_len: Option<usize>,
}

/// A piece of a message to be sent: a [`Fragment`] or an [`OwnedFragment`].
#[derive(Clone, Debug)]
pub struct OutgoingFragment<'m> {
    pub(crate) kind: Kind,
    pub(crate) payload: Payload<'m>,
    pub(crate) fin: bool,
    pub(crate) message_len: Option<usize>,
}

impl<'b> Fragment<'b> {
    /// A piece of a text message.
    pub fn text(text: impl Into<Cow<'b, str>>, fin: bool) -> Self {
        let payload = match text.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        Fragment { kind: Kind::Text, payload, fin, message_len: None }
    }

    /// A piece of a binary message.
    pub fn binary(bytes: impl Into<Cow<'b, [u8]>>, fin: bool) -> Self {
        Fragment { kind: Kind::Binary, payload: bytes.into(), fin, message_len: None }
    }

    /// The same as the first piece of a message of `len` bytes, which is sent as one frame.
    #[must_use]
    pub fn announcing(self, len: usize) -> Self {
        Fragment { message_len: Some(len), ..self }
    }

    /// The piece with bytes of its own.
    pub fn into_owned(self) -> Fragment<'static> {
        Fragment {
            kind: self.kind,
            payload: self.payload.into_owned().into(),
            fin: self.fin,
            message_len: self.message_len,
        }
    }
}

impl OwnedFragment {
    /// A piece of a text message.
    pub fn text(text: impl Into<String>, fin: bool) -> Self {
        OwnedFragment { kind: Kind::Text, payload: text.into().into(), fin, message_len: None }
    }

    /// A piece of a binary message, perhaps a slice of something large.
    pub fn binary(bytes: impl Into<Bytes>, fin: bool) -> Self {
        OwnedFragment { kind: Kind::Binary, payload: bytes.into(), fin, message_len: None }
    }

    /// As [`Fragment::announcing`].
    #[must_use]
    pub fn announcing(self, len: usize) -> Self {
        OwnedFragment { message_len: Some(len), ..self }
    }
}

impl From<Fragment<'_>> for OwnedFragment {
    fn from(fragment: Fragment<'_>) -> Self {
        let Fragment { kind, payload, fin, message_len } = fragment;
        OwnedFragment { kind, payload: payload.into_owned().into(), fin, message_len }
    }
}

impl<'m> From<Fragment<'m>> for OutgoingFragment<'m> {
    fn from(fragment: Fragment<'m>) -> Self {
        let Fragment { kind, payload, fin, message_len } = fragment;
        let payload = match payload {
            Cow::Borrowed(bytes) => Payload::Borrowed(bytes),
            Cow::Owned(bytes) => Payload::Owned(bytes),
        };
        OutgoingFragment { kind, payload, fin, message_len }
    }
}

impl From<OwnedFragment> for OutgoingFragment<'_> {
    fn from(fragment: OwnedFragment) -> Self {
        let OwnedFragment { kind, payload, fin, message_len } = fragment;
        OutgoingFragment { kind, payload: Payload::Shared(payload), fin, message_len }
    }
}

impl Connection {
    /// A piece of a message for an application that wants pieces.
    pub(crate) fn receive_fragment<'b>(&mut self, fragment: Fragment<'b>) -> Received<'b> {
        let Fragment { kind, payload, fin, .. } = &fragment;
        if *kind == Kind::Text && !self.assembly.check_text(payload, *fin) {
            return Err(Violation::TextNotUtf8);
        }
        if *fin {
            self.end_message();
        } else if payload.is_empty() {
            return Ok(None);
        }
        Ok(Some(Event::Fragment(fragment)))
    }
}
