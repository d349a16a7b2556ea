//! Messages for many connections: framed and compressed once, and sent as they are.

use crate::{
    Connection, Kind, Outgoing, OwnedMessage, Role,
    event::Payload,
    frame::{self, Opcode},
    sync::OnceLock,
};
use bytes::Bytes;
use std::sync::Arc;

/// A message for many connections: framed once, and compressed once for each size of the window that was agreed on
/// (RFC 7692 7.1.2), when it is first needed. Cheap to clone; `&prepared` is sent like any other message.
///
/// A server's connections share the bytes of the frame: those of 4 KiB or more are not copied. A client's connection shares
/// what was compressed, and masks a copy (RFC 6455 5.3). Each variant that was needed stays in memory until the last clone
/// and the last connection that sends it are done with it.
///
/// It is compressed by itself, also where the context is taken over between messages. Such a connection then forgets what it
/// has compressed before, and its next message starts with an empty window (7.1.1): so this is for what many hear, and a
/// message for one is better sent as it is. `Deflate::threshold` is each connection's own; of several levels, that of the
/// first connection that needs a variant holds for all. Where compression does not make it smaller, it is sent as it is.
///
/// Everything that sends takes it, from [`Connection::send`] to [`Sender`](crate::app::Sender), but a `Sink`, which is one of
/// [`OwnedMessage`]s. On the hixie drafts it must be text, like any message.
///
/// ```
/// use timtow_core::{Config, Connection, Prepared, Role};
/// # let config = std::sync::Arc::new(Config::default());
/// # let mut room: Vec<_> = (0..3).map(|_| Connection::upgraded(Role::Server, config.clone())).collect();
/// let news = Prepared::new("There is more than one way to do it. ".repeat(1000));
/// for guest in &mut room {
///     guest.send(&news)?;
/// }
/// // All send the same bytes, of which there is one copy.
/// assert_eq!(room[0].outbox().chunk().as_ptr(), room[2].outbox().chunk().as_ptr());
/// # Ok::<(), timtow_core::SendError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Prepared(Arc<Variants>);

#[derive(Debug)]
struct Variants {
    message: OwnedMessage,
    plain: OnceLock<Framed>,
    /// For each number of bits, the fewest first; none where it is not smaller.
    #[cfg(feature = "deflate")]
    compressed: [OnceLock<Option<Framed>>; crate::deflate::SIZES],
    #[cfg(feature = "legacy")]
    hixie: OnceLock<Bytes>,
}

/// A whole frame, unmasked.
#[derive(Debug)]
pub(crate) struct Framed {
    frame: Bytes,
    /// Where its payload begins.
    at: usize,
}

impl Prepared {
    /// Prepares a message. Nothing is done before it is sent.
    pub fn new(message: impl Into<OwnedMessage>) -> Self {
        Prepared(Arc::new(Variants {
            message: message.into(),
            plain: OnceLock::new(),
            #[cfg(feature = "deflate")]
            compressed: std::array::from_fn(|_| OnceLock::new()),
            #[cfg(feature = "legacy")]
            hixie: OnceLock::new(),
        }))
    }

    /// The message as it was given.
    pub fn message(&self) -> &OwnedMessage {
        &self.0.message
    }

    /// The same, to look at its payload.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.message.as_bytes()
    }

    fn kind(&self) -> Kind {
        match self.0.message {
            OwnedMessage::Text(_) => Kind::Text,
            OwnedMessage::Binary(_) => Kind::Binary,
        }
    }

    fn plain(&self) -> &Framed {
        self.0.plain.get_or_init(|| Framed::new(frame::first(true, self.kind().into()), self.as_bytes()))
    }

    /// The frame for the size of a window of this index, made of what `compress` makes of the message.
    #[cfg(feature = "deflate")]
    pub(crate) fn compressed(&self, size: usize, compress: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Option<&Framed> {
        let first = frame::first(true, self.kind().into()) | frame::RSV1;
        let make = || compress(self.as_bytes()).map(|payload| Framed::new(first, &payload));
        self.0.compressed.get(size)?.get_or_init(make).as_ref()
    }

    /// The frame of the hixie drafts. Text is UTF-8, where no byte is ff.
    #[cfg(feature = "legacy")]
    pub(crate) fn hixie(&self) -> &Bytes {
        use crate::hixie::{BEGIN, END};
        self.0.hixie.get_or_init(|| Bytes::from([&[BEGIN], self.as_bytes(), &[END]].concat()))
    }
}

impl Framed {
    fn new(first: u8, payload: &[u8]) -> Self {
        let header = frame::encode(first, payload.len(), None);
        let at = header.size;
        Framed { frame: Bytes::from([&header.bytes()[..at], payload].concat()), at }
    }
}

impl<'m> From<&'m Prepared> for Outgoing<'m> {
    #[inline]
    fn from(prepared: &'m Prepared) -> Self {
        Outgoing { prepared: Some(prepared), ..Outgoing::new(prepared.kind(), Payload::Borrowed(prepared.as_bytes())) }
    }
}

impl Connection {
    /// Queues a message that was prepared; frames of the RFC are spoken.
    pub(crate) fn push_prepared(&mut self, prepared: &Prepared) {
        let compressed = self.deflate.as_mut().and_then(|deflate| deflate.prepare(prepared));
        match (self.role, compressed) {
            (Role::Server, framed) => {
                let Framed { frame, .. } = framed.unwrap_or_else(|| prepared.plain());
                self.outbox.push_payload(&[], Payload::Shared(frame.clone()));
            }
            (Role::Client, Some(Framed { frame, at })) => {
                self.push_first(frame[0], Payload::Borrowed(&frame[*at..]));
            }
            (Role::Client, None) => {
                let opcode: Opcode = prepared.kind().into();
                self.push_frame(true, opcode, Payload::Borrowed(prepared.as_bytes()));
            }
        }
    }
}
