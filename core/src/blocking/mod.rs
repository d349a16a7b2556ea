//! The blocking driver, for a connection that has threads of its own. An adapter adds a [`Socket`].
//!
//! A connection has a reader, which also writes while it is alone. From when another thread has something to say, it has a
//! writer, too: once it is split, once a [`Sender`](crate::app::Sender) was used from outside, once its server drains. No
//! thread holds the endpoint in a call that blocks: a reader that is alone writes with it what the socket takes at once, and
//! without it what the peer has yet to make room for.

mod fragments;
mod half;
mod patience;
mod reader;
mod shared;
mod websocket;

pub use half::{RecvHalf, SendHalf};
pub use reader::serve_connection;
pub use shared::STACK;
pub use websocket::WebSocket;

use std::{
    fmt,
    io::{self, IoSlice},
    net::Shutdown,
    time::Duration,
};

/// A stream of bytes whose calls block: all that an adapter adds to the driver. One thread reads, another may write.
pub trait Socket: fmt::Debug + Send + Sync + 'static {
    /// Reads into `buffer`; zero bytes: the peer sends no more.
    ///
    /// # Errors
    /// `WouldBlock` or `TimedOut`: nothing came for as long as [`set_read_timeout`](Socket::set_read_timeout) said. Any
    /// other but `Interrupted`: the connection is lost.
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// How long a read blocks at most. Never zero.
    ///
    /// # Errors
    /// Where reads cannot be limited so.
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;

    /// Writes some of `slices`.
    ///
    /// # Errors
    /// `WouldBlock` or `TimedOut`: the peer took nothing for as long as [`set_write_timeout`](Socket::set_write_timeout)
    /// said. Any other but `Interrupted`: the connection is lost.
    fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// How long a write blocks at most. Never zero.
    ///
    /// # Errors
    /// Where writes cannot be limited so.
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;

    /// Ends one direction or both; calls that block in them return.
    ///
    /// # Errors
    /// Where that is so already.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;
}
