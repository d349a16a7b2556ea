//! What passed over a connection. Without the feature of that name nothing is counted, and nothing is kept.

#[cfg(feature = "counters")]
pub use on::Counters;
#[cfg(feature = "counters")]
pub(crate) use on::Counting;

#[cfg(not(feature = "counters"))]
pub(crate) use off::Counting;

use crate::Event;

impl Counting {
    /// So many bytes of the input were consumed for this event.
    #[inline]
    pub(crate) fn received(&mut self, bytes: usize, event: Option<&Event<'_>>) {
        self.bytes_received(bytes);
        self.message_received(match event {
            Some(Event::Message(_)) => true,
            Some(Event::Fragment(fragment)) => fragment.fin,
            _ => false,
        });
    }
}

#[cfg(feature = "counters")]
mod on {
    use crate::Connection;

    /// What passed over a connection since its beginning.
    ///
    /// ```
    /// use timtow_core::{Config, Connection, Role};
    /// let mut ws = Connection::upgraded(Role::Server, Config::default().into());
    /// ws.send("two")?;
    /// assert_eq!((ws.counters().messages_sent, ws.counters().bytes_sent), (1, 0), "no socket took it yet");
    /// let waiting = ws.buffered();
    /// ws.outbox().advance(waiting);
    /// assert_eq!(ws.counters().bytes_sent, 5);
    /// # Ok::<(), timtow_core::SendError>(())
    /// ```
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
    pub struct Counters {
        /// Messages that were delivered; one in fragments counts with its last.
        pub messages_received: u64,
        /// Messages that were queued; one in fragments counts with its last.
        pub messages_sent: u64,
        /// Bytes from the peer, the opening handshake and all framing included, as they came out of the transport.
        pub bytes_received: u64,
        /// Bytes that the driver took to the peer, counted likewise.
        pub bytes_sent: u64,
    }

    /// What is counted; the outbox counts the bytes that are sent.
    #[derive(Debug, Default)]
    pub(crate) struct Counting {
        messages_received: u64,
        messages_sent: u64,
        bytes_received: u64,
    }

    impl Connection {
        /// What passed over this connection so far.
        pub fn counters(&self) -> Counters {
            let Counting { messages_received, messages_sent, bytes_received } = self.counting;
            Counters { messages_received, messages_sent, bytes_received, bytes_sent: self.outbox.sent() }
        }
    }

    impl Counting {
        pub(crate) fn new() -> Self {
            Counting::default()
        }

        #[inline]
        pub(crate) fn bytes_received(&mut self, bytes: usize) {
            self.bytes_received += bytes as u64;
        }

        #[inline]
        pub(crate) fn message_received(&mut self, is_message: bool) {
            self.messages_received += u64::from(is_message);
        }

        #[inline]
        pub(crate) fn message_sent(&mut self, is_message: bool) {
            self.messages_sent += u64::from(is_message);
        }
    }
}

#[cfg(not(feature = "counters"))]
mod off {
    #[derive(Debug)]
    pub(crate) struct Counting;

    // It costs no connection a byte.
    const _: () = assert!(size_of::<Counting>() == 0);

    impl Counting {
        #[inline(always)]
        pub(crate) fn new() -> Self {
            Counting
        }

        #[inline(always)]
        pub(crate) fn bytes_received(&mut self, _: usize) {}

        #[inline(always)]
        pub(crate) fn message_received(&mut self, _: bool) {}

        #[inline(always)]
        pub(crate) fn message_sent(&mut self, _: bool) {}
    }
}
