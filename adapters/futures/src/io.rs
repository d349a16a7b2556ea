//! A stream of futures-io, as the core drives it.

use crate::{Delay, Timer};
#[cfg(feature = "async-io")]
use async_io::Async;
use futures_io::{AsyncRead, AsyncWrite};
#[cfg(feature = "async-io")]
use std::net::{Shutdown, TcpStream};
#[cfg(all(feature = "async-io", unix))]
use std::os::unix::net::UnixStream;
use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use timtow_core::task::{Alarm, Socket};

/// A stream, and the timer of its connection.
#[derive(Debug)]
pub struct Io<S, T = Delay> {
    /// The stream.
    pub stream: S,
    /// The address of the other end, where it is known.
    pub peer: Option<SocketAddr>,
    /// Says after the stream's `poll_close` that nothing follows, where that does not half-close the stream by itself.
    pub half_close: Option<fn(&S) -> io::Result<()>>,
    alarm: Alarm<T>,
}

impl<S, T> Io<S, T> {
    /// Any stream whose `poll_close` half-closes it, or else with [`half_close`](Io::half_close) set: otherwise closing
    /// takes until its deadline. For sockets of async-io rather use `Io::from`, which sets all that there is to set.
    pub fn new(stream: S) -> Self {
        Io { stream, peer: None, half_close: None, alarm: Alarm::default() }
    }
}

#[cfg(feature = "async-io")]
impl<T> From<Async<TcpStream>> for Io<Async<TcpStream>, T> {
    /// Sets `TCP_NODELAY`.
    fn from(stream: Async<TcpStream>) -> Self {
        // It fails where the connection is lost already; reading will say so.
        let _ = stream.get_ref().set_nodelay(true);
        let peer = stream.get_ref().peer_addr().ok();
        // Its `poll_close` only flushes.
        let half_close: fn(&Async<TcpStream>) -> _ = |stream| stream.get_ref().shutdown(Shutdown::Write);
        Io { peer, half_close: Some(half_close), ..Io::new(stream) }
    }
}

#[cfg(all(feature = "async-io", unix))]
impl<T> From<Async<UnixStream>> for Io<Async<UnixStream>, T> {
    fn from(stream: Async<UnixStream>) -> Self {
        let half_close: fn(&Async<UnixStream>) -> _ = |stream| stream.get_ref().shutdown(Shutdown::Write);
        Io { half_close: Some(half_close), ..Io::new(stream) }
    }
}

// ANCHOR: driver
impl<S: AsyncRead + AsyncWrite + Unpin, T: Timer> Socket for Io<S, T> {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }

    fn poll_write(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        match slices {
            [slice] => stream.poll_write(context, slice),
            slices => stream.poll_write_vectored(context, slices),
        }
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_close(context))?;
        Poll::Ready(self.half_close.map_or(Ok(()), |half_close| half_close(&self.stream)))
    }

    fn poll_deadline(&mut self, context: &mut Context<'_>, deadline: Option<Duration>) -> Poll<()> {
        self.alarm.poll(context, deadline)
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }
}
// ANCHOR_END: driver
