//! The poll-driven driver: what every async loop shares. A loop adds a [`Socket`] with its own reads, writes and timer.

mod alarm;
mod fragments;
mod half;
mod serve;
mod websocket;

pub use alarm::{Alarm, Timer};
pub use half::{RecvHalf, SendHalf};
pub use serve::{Incoming, Serve, accept_loop, serve};
pub use websocket::WebSocket;

use crate::Output;
use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    task::{Context, Poll},
    time::Duration,
};

// ANCHOR: socket
/// A stream of bytes on an async loop, with a timer: all that an adapter adds to the driver.
///
/// The methods mean what those of `AsyncRead` and `AsyncWrite` mean: `Pending` has arranged for a wake-up.
pub trait Socket: Unpin {
    /// Reads into `buffer`; zero bytes: the peer sends no more.
    ///
    /// # Errors
    /// The connection is lost.
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes some of `slices`.
    ///
    /// # Errors
    /// The connection is lost.
    fn poll_write(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;

    /// Passes on what [`poll_write`](Socket::poll_write) took, for a stream that keeps bytes itself.
    ///
    /// # Errors
    /// The connection is lost.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = context;
        Poll::Ready(Ok(()))
    }

    /// Half-closes.
    ///
    /// # Errors
    /// The connection is lost.
    fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ready once it is `deadline`, by [`clock`](crate::clock). Asked again with the same deadline, it need not do
    /// anything but wait; `None`: there is none any more.
    fn poll_deadline(&mut self, context: &mut Context<'_>, deadline: Option<Duration>) -> Poll<()>;

    /// The address of the other end, where there is one.
    fn peer(&self) -> Option<SocketAddr> {
        None
    }
}
// ANCHOR_END: socket

/// The write side of a socket, for one poll.
pub(crate) struct Polled<'p, 'c, S> {
    pub(crate) socket: &'p mut S,
    pub(crate) context: &'p mut Context<'c>,
}

impl<S: Socket> Output for Polled<'_, '_, S> {
    #[inline]
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        now_or_would_block(self.socket.poll_write(self.context, slices))
    }

    fn shutdown(&mut self) -> io::Result<()> {
        now_or_would_block(self.socket.poll_shutdown(self.context))
    }

    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        now_or_would_block(self.socket.poll_flush(self.context))
    }
}

#[inline]
fn now_or_would_block<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// Deadlines, or new connections, in a row before others get a chance.
const FAIR: usize = 16;
