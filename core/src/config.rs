//! Limits, deadlines and policies; one value serves any number of connections.

use alloc::{string::String, sync::Arc, vec::Vec};
use core::{fmt, time::Duration};

/// Limits, deadlines and policies of a connection, shared by any number of them.
///
/// ```
/// use timtow_core::Config;
/// let config = Config { max_message: 16 << 20, max_frame: 16 << 20, ..Config::default() };
/// ```
#[derive(Clone, Debug)]
// ANCHOR: config
pub struct Config {
    /// Bytes of a message; a longer one fails the connection with 1009. 1 MiB.
    pub max_message: usize,
    /// Bytes of a frame's payload; a longer one fails the connection with 1009. 1 MiB.
    pub max_frame: usize,
    /// Frames of a message; more fail the connection with 1008. No limit.
    pub max_fragments: Option<usize>,
    /// Deliver data frames as [`Event::Fragment`](crate::Event) as they come instead of assembling messages. Off.
    pub fragments: bool,
    /// Bytes in the outbox above which input is not parsed and `wants_read` is false. 64 KiB.
    pub high_water: usize,
    /// The whole opening handshake, from the first `handle_timeout`. 10 s.
    pub handshake_timeout: Option<Duration>,
    /// From the first close frame to the end of the transport. 10 s.
    pub close_timeout: Option<Duration>,
    /// Between pings that are sent by themselves. 20 s.
    pub ping_interval: Option<Duration>,
    /// From such a ping to its pong. 20 s.
    pub pong_timeout: Option<Duration>,
    /// How long the peer may take no byte of what waits to be sent. 30 s.
    pub write_timeout: Option<Duration>,
    /// Servers: the subprotocols that are spoken, best first. The first that the client offers is chosen
    /// unless the application's answer names another. None.
    pub subprotocols: Vec<String>,
    /// Servers: which `Origin` may connect. The host of the request.
    pub origins: Origins,
    /// Servers: deliver a plain `GET`, one without `Upgrade: websocket`, as [`Event::Request`](crate::Event), for
    /// [`Connection::reject`](crate::Connection::reject) to answer with a [`Page`](crate::Page); otherwise it is answered
    /// 426. Off; on where an [`App`](crate::app) is served, which has a method for it.
    pub pages: bool,
    /// The versions of the protocol that are spoken; a client asks for the newest of them, unless
    /// [`ClientRequest::draft`](crate::ClientRequest) names another. RFC 6455 alone. What the hixie drafts receive is whole
    /// text messages, also where `fragments` is on; they have no pings, so that only `write_timeout` finds a dead peer.
    #[cfg(feature = "legacy")]
    pub drafts: crate::Drafts,
    /// Compression (RFC 7692, permessage-deflate): what a server accepts, and a client offers. None.
    #[cfg(feature = "deflate")]
    pub deflate: Option<crate::Deflate>,
    /// Where masks and keys come from. The operating system.
    pub masks: MaskSource,
}
// ANCHOR_END: config

/// Which `Origin` may open a connection (RFC 6455 10.2). A request without one is no browser's, and passes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origins {
    /// Host and port equal those of `Host`.
    SameHost,
    /// Anyone.
    Any,
    /// These, as `scheme://host[:port]`.
    List(Vec<String>),
}

/// Where a client's masks and keys come from (RFC 6455 5.3 and 10.3: they must not be predictable).
#[derive(Clone)]
pub enum MaskSource {
    /// The operating system's generator, buffered per thread.
    #[cfg(feature = "std")]
    System,
    /// A generator of the caller's: for systems without one, and for tests that must be repeatable.
    Source(Arc<dyn Fn() -> [u8; 4] + Send + Sync>),
}

impl Config {
    /// The defaults, with a mask source of the caller's.
    pub fn with_masks(masks: MaskSource) -> Self {
        const fn seconds(n: u64) -> Option<Duration> {
            Some(Duration::from_secs(n))
        }
        Config {
            max_message: 1 << 20,
            max_frame: 1 << 20,
            max_fragments: None,
            fragments: false,
            high_water: 64 << 10,
            handshake_timeout: seconds(10),
            close_timeout: seconds(10),
            ping_interval: seconds(20),
            pong_timeout: seconds(20),
            write_timeout: seconds(30),
            subprotocols: Vec::new(),
            origins: Origins::SameHost,
            pages: false,
            #[cfg(feature = "legacy")]
            drafts: crate::Drafts::default(),
            #[cfg(feature = "deflate")]
            deflate: None,
            masks,
        }
    }

    /// The value of the `Sec-WebSocket-Version` that tells what is spoken (RFC 6455 4.4); empty where only drafts are that
    /// have no number.
    pub(crate) fn versions(&self) -> String {
        #[cfg(not(feature = "legacy"))]
        return String::from("13");
        #[cfg(feature = "legacy")]
        self.drafts.iter().filter(|draft| !draft.is_hixie()).map(crate::Draft::name).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(feature = "std")]
impl Default for Config {
    fn default() -> Self {
        Config::with_masks(MaskSource::System)
    }
}

impl MaskSource {
    /// The next mask.
    pub(crate) fn mask(&self) -> [u8; 4] {
        match self {
            #[cfg(feature = "std")]
            MaskSource::System => system::mask(),
            MaskSource::Source(source) => source(),
        }
    }

    /// The 16 bytes of a `Sec-WebSocket-Key` (RFC 6455 4.1).
    pub(crate) fn key(&self) -> [u8; 16] {
        let mut key = [0; 16];
        key.as_chunks_mut::<4>().0.fill_with(|| self.mask());
        key
    }
}

impl fmt::Debug for MaskSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            #[cfg(feature = "std")]
            MaskSource::System => "System",
            MaskSource::Source(_) => "Source",
        })
    }
}

#[cfg(feature = "std")]
mod system {
    use std::cell::RefCell;

    /// One call of the operating system serves so many masks.
    const MASKS: usize = 64;

    struct Buffer {
        random: [u8; 4 * MASKS],
        used: usize,
    }

    std::thread_local! {
        static BUFFER: RefCell<Buffer> = const { RefCell::new(Buffer { random: [0; 4 * MASKS], used: 4 * MASKS }) };
    }

    pub(super) fn mask() -> [u8; 4] {
        BUFFER.with_borrow_mut(|buffer| {
            if buffer.used == buffer.random.len() {
                // Without randomness there are no masks, and RFC 6455 10.3 forbids going on.
                getrandom::fill(&mut buffer.random).expect("the operating system has no randomness");
                buffer.used = 0;
            }
            let mut mask = [0; 4];
            mask.copy_from_slice(&buffer.random[buffer.used..buffer.used + 4]);
            buffer.used += 4;
            mask
        })
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn no_two_masks_of_a_thousand_are_the_same_by_design() {
        let masks: std::collections::HashSet<_> = (0..1000).map(|_| MaskSource::System.mask()).collect();
        // Chance alone repeats one in a thousand pairs of runs; a buffer that is served twice repeats 64.
        assert!(masks.len() > 990);
    }
}
