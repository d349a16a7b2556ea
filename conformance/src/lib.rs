//! The suite that every adapter of timtow must pass, over real sockets and in both roles.
//!
//! The other end of each connection is a blocking socket and frames made by hand ([`Peer`]): an independent reading of
//! the RFC, which shares no code with the core. The endpoint under test echoes, in each [`Way`] that an adapter offers.
//! The cases stand in modules named after the sections of RFC 6455, and each quotes the rule that it checks. None sleeps;
//! all wait for what has to happen, and the watchdog ends those for which it does not.
//!
//! An adapter joins with a file `tests/conformance.rs`, where it implements [`Loop`] and names it:
//!
//! ```ignore
//! timtow_conformance::suite!(Tokio, async);
//! ```
//!
//! `async` adds the cases about futures that are dropped; leave it out where there are no futures. The [`WebSocket`] of
//! an async loop is [`Awaited`]; `tests/reference.rs` here shows a whole one.

mod awaited;
mod buffer;
mod cases;
pub mod child;
mod cuts;
pub mod frame;
mod hixie;
mod host;
pub mod http;
pub mod inflate;
mod kinds;
pub mod more_vectors;
mod order;
mod peer;
pub mod record;
pub mod recv;
pub mod rfc7692;
mod script;
mod way;

pub mod ancestors;
pub mod answer;
pub mod app;
pub mod app_handshake;
pub mod app_page;
pub mod app_panic;
pub mod app_sender;
pub mod app_timer;
pub mod backpressure;
pub mod cancel;
pub mod draft_vectors;
pub mod drafts;
pub mod drain;
pub mod prepared;
pub mod redirects;
pub mod section_4_1_client_handshake;
pub mod section_4_2_server_handshake;
pub mod section_5_4_fragmentation;
pub mod section_5_5_control;
pub mod section_5_framing;
pub mod section_7_closing;
pub mod section_8_1_utf8;
pub mod slow_consumer;
pub mod streaming;
pub mod time;
pub mod transport;
pub mod vanish;
pub mod vectors;

pub use awaited::{Awaited, BlockOn, Cancel};
pub use host::{Host, Task};
pub use order::Order;
pub use peer::{Peer, is_lost};
pub use way::{End, Idiom, Way};

use std::{io, net::TcpListener, net::TcpStream, time::Duration};
use timtow_core::{
    Closed, Connect, Error, OwnedFragment, OwnedMessage, Prepared, Rejection, Request, Response, TrySendError,
    app::{App, Options},
};

/// An adapter, as the suite sees it.
pub trait Loop: 'static {
    /// One connection, in the loop's idiom.
    type WebSocket: WebSocket;

    /// Serves until [`Options::drain`] was started and the last connection has ended.
    ///
    /// # Errors
    /// Where the listener is none.
    fn serve(listener: TcpListener, options: Options, app: impl App<Handler: Send>) -> io::Result<()>;

    /// Answers the opening handshake on a socket that was accepted.
    ///
    /// # Errors
    /// As the adapter's `accept`.
    fn accept(stream: TcpStream, options: Options) -> Result<Self::WebSocket, Error>;

    /// Answers the opening handshake on a socket that was accepted, as `answer` says.
    ///
    /// # Errors
    /// As the adapter's `accept_with`.
    fn accept_with(
        stream: TcpStream,
        options: Options,
        answer: impl FnOnce(&Request) -> Result<Response, Rejection>,
    ) -> Result<Self::WebSocket, Error>;

    /// Connects.
    ///
    /// # Errors
    /// As the adapter's `connect`.
    fn connect(to: impl TryInto<Connect, Error: Into<Error>>, options: Options) -> Result<Self::WebSocket, Error>;
}

/// One connection, in the loop's idiom, which blocks here.
pub trait WebSocket: 'static {
    /// The next message; `None` after a clean close.
    ///
    /// # Errors
    /// How the connection ended otherwise.
    fn recv(&mut self) -> Result<Option<OwnedMessage>, Error>;

    /// Sends a message.
    ///
    /// # Errors
    /// Where the connection is closing or closed.
    fn send(&mut self, message: OwnedMessage) -> Result<(), Error>;

    /// The next piece of a message; `None` after a clean close.
    ///
    /// # Errors
    /// As [`recv`](WebSocket::recv).
    fn recv_fragment(&mut self) -> Result<Option<OwnedFragment>, Error>;

    /// Sends a piece of a message.
    ///
    /// # Errors
    /// As [`send`](WebSocket::send).
    fn send_fragment(&mut self, fragment: OwnedFragment) -> Result<(), Error>;

    /// Sends a message, unless the peer reads too slowly: what the adapter calls `try_send`.
    ///
    /// # Errors
    /// As the adapter's `try_send`.
    fn offer(&mut self, message: OwnedMessage) -> Result<(), TrySendError<OwnedMessage>>;

    /// Sends a message that was prepared.
    ///
    /// # Errors
    /// As [`send`](WebSocket::send).
    fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), Error>;

    /// As [`offer`](WebSocket::offer), for what was prepared.
    ///
    /// # Errors
    /// As [`offer`](WebSocket::offer).
    fn offer_prepared<'p>(&mut self, prepared: &'p Prepared) -> Result<(), TrySendError<&'p Prepared>>;

    /// Sends a ping.
    ///
    /// # Errors
    /// As [`send`](WebSocket::send), and for more than 125 bytes.
    fn ping(&mut self, payload: &[u8]) -> Result<(), Error>;

    /// Does the closing handshake, and waits for the end of the transport. How the connection ended.
    ///
    /// # Errors
    /// Where the close frame cannot be sent.
    fn close(&mut self, code: u16, reason: &str) -> Result<Closed, Error>;

    /// How the connection ended, if it has.
    fn closed(&self) -> Option<Closed>;

    /// Sends every message back until the end, with one half in each direction, so that reading goes on while writing
    /// waits; closes or pings when a message [says so](Order). How the connection ended, where the halves tell.
    ///
    /// # Errors
    /// As [`recv`](WebSocket::recv).
    fn echo_split(self) -> Result<Option<Closed>, Error>;

    /// Sends every piece back as it comes, with the halves. How the connection ended.
    ///
    /// # Errors
    /// As [`recv`](WebSocket::recv).
    fn echo_split_fragments(self) -> Result<Option<Closed>, Error>;
}

/// Nothing takes so long.
pub const WATCHDOG: Duration = Duration::from_secs(60);

/// Makes a test of each case, for one loop: a type that implements [`Loop`]. With `async` also those about futures that
/// are dropped, for a loop whose [`WebSocket`] implements [`Cancel`]; with `serve` only those about whole servers.
#[macro_export]
macro_rules! suite {
    ($loop:ident, async) => {
        $crate::suite!($loop);
        $crate::cancel_cases!(accept_cancelled, $loop, $crate::Way::ACCEPT);
        $crate::cancel_cases!(connect_cancelled, $loop, $crate::Way::CONNECT);
    };
    ($loop:ident, serve) => {
        $crate::wire_cases!(serve, $loop, $crate::Way::SERVE);
        $crate::wire_cases!(serve_transport, $loop, $crate::Way::SERVE.through_transport());
        $crate::server_cases!(serve_handshake, $loop, $crate::Way::SERVE);
        $crate::server_cases!(serve_transport_handshake, $loop, $crate::Way::SERVE.through_transport());
        $crate::transport_cases!(serve_own_transport, $loop, $crate::Way::SERVE.through_transport());
        $crate::app_cases!(whole, $loop, $crate::Way::SERVE);
        $crate::child_cases!(apart, $loop, $crate::Way::SERVE);
    };
    ($loop:ident) => {
        $crate::suite!($loop, serve);
        $crate::wire_cases!(accept, $loop, $crate::Way::ACCEPT);
        $crate::wire_cases!(split, $loop, $crate::Way::SPLIT);
        $crate::wire_cases!(connect, $loop, $crate::Way::CONNECT);
        $crate::wire_cases!(accept_transport, $loop, $crate::Way::ACCEPT.through_transport());
        $crate::wire_cases!(split_transport, $loop, $crate::Way::SPLIT.through_transport());
        $crate::wire_cases!(connect_transport, $loop, $crate::Way::CONNECT.through_transport());
        $crate::recv_cases!(accept_recv, $loop, $crate::Way::ACCEPT);
        $crate::recv_cases!(connect_recv, $loop, $crate::Way::CONNECT);
        $crate::recv_cases!(accept_transport_recv, $loop, $crate::Way::ACCEPT.through_transport());
        $crate::recv_cases!(connect_transport_recv, $loop, $crate::Way::CONNECT.through_transport());
        $crate::server_cases!(accept_handshake, $loop, $crate::Way::ACCEPT);
        $crate::answer_cases!(accept_answer, $loop, $crate::Way::ACCEPT);
        $crate::answer_cases!(accept_transport_answer, $loop, $crate::Way::ACCEPT.through_transport());
        $crate::client_cases!(connect_handshake, $loop, $crate::Way::CONNECT);
        $crate::client_cases!(connect_transport_handshake, $loop, $crate::Way::CONNECT.through_transport());
        $crate::transport_cases!(accept_own_transport, $loop, $crate::Way::ACCEPT.through_transport());
        $crate::transport_cases!(split_own_transport, $loop, $crate::Way::SPLIT.through_transport());
        $crate::transport_cases!(connect_own_transport, $loop, $crate::Way::CONNECT.through_transport());
    };
}

/// Tests of sections of one way.
#[doc(hidden)]
#[macro_export]
macro_rules! tests {
    ($module:ident, $loop:ident, $way:expr; $($section:ident: $($case:ident),+;)+) => {
        mod $module {
            $(mod $section {
                use super::super::$loop;

                $(#[test]
                fn $case() {
                    $crate::$section::$case::<$loop>($way);
                })+
            })+
        }
    };
}
